//! Kills a process that replaces entries of stores, at random instants, and looks at what it left: old or new, and whole.
//!
//! The process is this test program itself, asked by its environment to run the one test that hammers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use certhold_domain::stores::{Properties, Roots, StoreKind};
use certhold_outside::stores::{LocalStore, NewEntry};

use crate::stores::{House, PASSWORD, Pki};

const HAMMER: &str = "CERTHOLD_TEST_STORE_HAMMER";
const KINDS: [(StoreKind, &str); 3] =
    [(StoreKind::PemDirectory, "web"), (StoreKind::Pkcs12, "web.p12"), (StoreKind::Jks, "web.jks")];

fn local<'a>(root: &Path, properties: &'a Properties, roots: &'a Roots, (kind, name): (StoreKind, &str)) -> LocalStore<'a> {
    let password = kind.needs_password().then_some(PASSWORD);
    LocalStore { kind, path: root.join(name), properties, password, create_if_missing: true, roots }
}

/// Does nothing unless the other test asks for it.
#[test]
fn hammer_stores_until_killed() {
    let Some(root) = std::env::var_os(HAMMER) else { return };
    let root = Path::new(&root);
    let (properties, roots) = (Properties::default(), Roots(vec![root.display().to_string()]));
    let pki = Pki::new();
    let mut out = std::io::stdout();
    for number in 0u64.. {
        let leaf = pki.leaf(&format!("n{number}.example.com"));
        for kind in KINDS {
            let store = local(root, &properties, &roots, kind);
            let new = NewEntry { alias: "site", certificate: &leaf.certificate, chain: vec![], key: Some(&leaf.key) };
            store.put(&new, true).unwrap();
            // What is acknowledged stays, whatever comes.
            let facts = certhold_pki::Facts::of(&leaf.certificate).unwrap();
            writeln!(out, "\nput {} {number} {}", kind.1, certhold_domain::hex(&facts.sha256)).unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn whoever_is_killed_leaves_whole_stores() {
    let rounds = if std::env::var_os("FULL").is_some() { 60 } else { 8 };
    let house = House::new();
    let pki = Pki::new();
    let (properties, roots) = (Properties::default(), house.roots.clone());
    for kind in KINDS {
        let bystander = pki.leaf("bystander.example.com");
        let new = NewEntry { alias: "bystander", certificate: &bystander.certificate, chain: vec![], key: Some(&bystander.key) };
        local(house.directory.path(), &properties, &roots, kind).put(&new, false).unwrap();
    }
    for round in 0..rounds {
        let acknowledged = hammered(house.directory.path(), Duration::from_millis(30 + 37 * round));
        for kind in KINDS {
            let store = local(house.directory.path(), &properties, &roots, kind);
            let contents = store.inventory().unwrap_or_else(|error| panic!("round {round}, {}: {error}", kind.1));
            assert_eq!(contents.problems, [], "round {round}, {}", kind.1);
            let aliases: Vec<&str> = contents.entries.iter().map(|one| one.alias.as_str()).collect();
            assert_eq!(aliases, ["bystander", "site"], "round {round}, {}", kind.1);
            assert!(contents.entries[0].has_key, "round {round}, {}: the other entry is whole", kind.1);
            let site = certhold_pki::Facts::of(&contents.entries[1].certificates[0]).unwrap();
            let number: u64 = site.common_name.unwrap().trim_start_matches('n').split('.').next().unwrap().parse().unwrap();
            let last = acknowledged.iter().rev().find(|(name, ..)| name == kind.1);
            let (_, told, sha256) = last.unwrap_or_else(|| panic!("round {round}: {} was never acknowledged", kind.1));
            let is_old = number == *told && certhold_domain::hex(&site.sha256) == *sha256;
            assert!(is_old || number == told + 1, "round {round}, {}: {number} after {told}", kind.1);
        }
    }
    // What is left behind is not seen, and a store goes on.
    let leaf = pki.leaf("after.example.com");
    for kind in KINDS {
        let store = local(house.directory.path(), &properties, &roots, kind);
        let new = NewEntry { alias: "site", certificate: &leaf.certificate, chain: vec![], key: Some(&leaf.key) };
        assert!(store.put(&new, true).unwrap().changed);
        let contents = store.inventory().unwrap();
        assert!(contents.problems.is_empty() && contents.entries.iter().all(|one| one.has_key));
    }
}

/// Runs the hammer until it is killed; what it acknowledged.
fn hammered(root: &Path, delay: Duration) -> Vec<(String, u64, String)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["store_kills::hammer_stores_until_killed", "--exact", "--nocapture"]).env(HAMMER, root);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pipe = BufReader::new(child.stdout.take().unwrap());
    let (heard, hearing) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut told = Vec::new();
        for line in pipe.lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["put", name, number, sha256] = words.as_slice()
                && sha256.len() == 64
            {
                told.push(((*name).to_owned(), number.parse().unwrap(), (*sha256).to_owned()));
                if told.len() == KINDS.len() {
                    let _ = heard.send(());
                }
            }
        }
        told
    });
    let first = hearing.recv_timeout(Duration::from_secs(60));
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    first.expect("each store written once");
    reader.join().unwrap()
}
