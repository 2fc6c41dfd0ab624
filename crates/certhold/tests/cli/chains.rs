//! Chains, trust sets, rules and lint at the command line, on a directory and on a server; and rights that hold in a collection.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use super::nouns::both;
use super::support::{Data, Server, certhold, run, with_key};

struct Party {
    key: KeyPair,
    params: CertificateParams,
}

impl Party {
    fn new(name: &str, is_ca: bool) -> Party {
        let names = if is_ca { Vec::new() } else { vec![name.to_owned()] };
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        } else {
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        }
        Party { key: KeyPair::generate().unwrap(), params }
    }

    fn root(&self) -> String {
        self.params.self_signed(&self.key).unwrap().pem()
    }

    fn certifies(&self, subject: &Party) -> String {
        let issuer = Issuer::from_params(&self.params, &self.key);
        subject.params.signed_by(&subject.key, &issuer).unwrap().pem()
    }
}

/// Leaf and issuing authority in one file, the root in another.
fn tree() -> (String, String) {
    let (root, issuing, leaf) = (Party::new("Root", true), Party::new("Issuing", true), Party::new("www.example.com", false));
    (issuing.certifies(&leaf) + &root.certifies(&issuing), root.root())
}

#[test]
fn chains_are_shown_and_judged_by_trust_sets() {
    both(|place, data| {
        let (leaf, root) = tree();
        let (leaf, root) = (data.outside("leaf.pem", leaf), data.outside("root.pem", root));
        place.json(&["import", leaf.to_str().unwrap()]);
        let open = place.run(&["chain", "1"]).ok().out;
        assert!(open.starts_with("path 1: incomplete\n") && open.contains("not held: CN=Root"), "{open}");

        place.run(&["trust", "import", "Ours", root.to_str().unwrap(), "--description", "for tests"]).ok();
        let whole = place.run(&["chain", "1", "--name", "www.example.com"]).ok().out;
        let subjects: Vec<&str> = whole.lines().filter_map(|line| line.split("CN=").nth(1)?.split("  ").next()).collect();
        assert_eq!(subjects, ["www.example.com", "Issuing", "Root"], "{whole}");
        assert!(whole.starts_with("path 1: reaches a root\n") && whole.ends_with("\ntrusted by Ours\n"), "{whole}");
        let other = place.run(&["chain", "1", "--name", "other.example.com"]).ok().out;
        assert!(other.contains("not trusted by Ours: It is not valid for other.example.com."), "{other}");
        let client = place.run(&["chain", "1", "--client"]).ok().out;
        assert!(client.contains("not trusted by Ours: Its extended key usage"), "{client}");
        let told = place.json(&["chain", "1"]);
        assert_eq!((&told["chains"]["paths"][0]["sound"], &told["trust"][0]["trusted"]), (&json!(true), &json!(true)));
        let fingerprint = told["chains"]["certificates"][0]["sha256"].as_str().unwrap();
        assert_eq!(place.json(&["chain", fingerprint]), told);

        let sets = place.json(&["trust", "list"]);
        assert_eq!(
            (&sets[0]["name"], &sets[0]["members"], &sets[0]["description"]),
            (&json!("Ours"), &json!(1), &json!("for tests"))
        );
        assert_eq!(place.json(&["trust", "show", "ours"])[0]["subject"], "CN=Root");
        place.run(&["trust", "add", "Second", "--certificate", "3", "--certificate", "2"]).ok();
        assert!(place.run(&["trust", "list"]).ok().out.contains("Second"));
        let one = place.run(&["chain", "1", "--set", "second"]).ok().out;
        assert!(one.contains("trusted by Second") && !one.contains("Ours"), "{one}");
        place.run(&["chain", "1", "--set", "third"]).refused(1);
        for (arguments, why) in [
            (&["chain", "99"][..], "there is no certificate 99"),
            (&["chain", "nonsense"], "neither a certificate's number nor"),
            (&["trust", "show", "Nothing"], "there is no trust set \"Nothing\""),
            (&["trust", "remove", "Nothing"], "there is no trust set \"Nothing\""),
            (&["trust", "add", "OURS", "--certificate", "3"], "there is a trust set \"OURS\" already"),
            (&["trust", "add", "Third", "--certificate", "1"], "is no authority's"),
            (&["trust", "import", "Third", "/nowhere.pem"], "/nowhere.pem"),
        ] {
            let ended = place.run(arguments);
            let code = if why.contains("neither") { 2 } else { 1 };
            assert!(ended.refused(code).contains(why), "{arguments:?}: {ended:?}");
        }
        place.run(&["trust", "remove", "Second"]).ok();
        place.run(&["trust", "remove", "1"]).ok();
        assert_eq!(place.json(&["trust", "list"]), json!([]));
    });
}

#[test]
fn rules_are_listed_with_their_counts() {
    both(|place, data| {
        let (certificate, _) = with_key("www");
        let path = data.outside("one.pem", certificate);
        place.json(&["import", path.to_str().unwrap()]);
        let rules = place.json(&["findings"]);
        let rules = rules.as_array().unwrap();
        assert!(rules.len() > 60, "{}", rules.len());
        let rule = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("{id}"));
        assert_eq!((&rule("self-signed")["certificates"], &rule("weak-rsa-key")["certificates"]), (&json!(1), &json!(0)));
        let errors = place.json(&["findings", "--severity", "error"]);
        let errors = errors.as_array().unwrap();
        assert!(!errors.is_empty() && errors.len() < rules.len());
        assert!(errors.iter().all(|rule| rule["severity"] == "error"));
        let table = place.run(&["findings", "--severity", "warning"]).ok().out;
        assert!(table.contains("WHERE IT IS WRITTEN") && !table.contains(" error "), "{table}");
        let wrong = place.run(&["findings", "--severity", "fatal"]);
        assert!(wrong.refused(2).contains("error, warning, notice or info"));
    });
}

#[test]
fn lint_judges_files_without_a_server() {
    let data = Data::new();
    let lint = |arguments: &[&str]| run(certhold().arg("lint").args(arguments));
    let (certificate, key) = with_key("www");
    let fine = data.outside("fine.pem", certificate.clone());
    let fine = fine.to_str().unwrap();
    let ended = lint(&[fine]).ok();
    assert!(ended.out.starts_with(&format!("{fine}, ")) && ended.out.contains("CN=www"), "{}", ended.out);

    // An authority that may sign nothing, and an end before the beginning.
    let mut broken = Party::new("Broken", true);
    broken.params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    (broken.params.not_before, broken.params.not_after) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2025, 1, 1));
    let bad = data.outside("bad.pem", certificate + &broken.root());
    let bad = bad.to_str().unwrap();
    let ended = lint(&[bad]);
    assert!(ended.refused(1).contains("errors"), "{ended:?}");
    assert!(ended.out.contains("validity-reversed") && ended.out.contains("RFC 5280 section 4.1.2.5"), "{}", ended.out);
    let told = lint(&["--output", "json", bad]);
    assert_eq!(told.status.code(), Some(1));
    let items = told.json();
    let ids: Vec<&str> = items[1]["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
    assert!(ids.contains(&"ca-may-not-sign") && ids.contains(&"validity-reversed"), "{ids:?}");
    assert!(items[1]["findings"][0]["url"].as_str().unwrap().starts_with("https://"));

    let only_key = data.outside("key.pem", key);
    let empty = data.outside("empty.pem", "nothing");
    for (arguments, code, why) in [
        (&["/nowhere.pem"][..], 1, "/nowhere.pem"),
        (&[only_key.to_str().unwrap()], 1, "there is no certificate in it"),
        (&[empty.to_str().unwrap()], 1, "empty.pem"),
        (&[], 2, "<FILE>"),
    ] {
        let ended = lint(arguments);
        assert!(ended.refused(code).contains(why), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn rights_on_a_collection_are_enough_when_it_is_named() {
    let data = Data::new();
    for name in ["in.example.com", "out.example.com"] {
        let (certificate, key) = with_key(name);
        let path = data.outside(&format!("{name}.pem"), certificate + &key);
        data.json(&["import", path.to_str().unwrap()]);
    }
    data.run(&["collection", "add", "Mine", "IssuedCN -eq \"in.example.com\""]).ok();
    data.run(&["metadata", "field", "add", "Team"]).ok();
    let mut role = vec!["role".to_owned(), "add".into(), "Team".into()];
    for path in ["read", "change_owner", "private_key/read", "private_key/delete", "metadata/modify"] {
        role.extend(["--permission".to_owned(), format!("/certificates/collections/{path}/1/")]);
    }
    data.run(&role.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    data.run(&["user", "add", "robot", "--service"]).ok();
    data.run(&["role", "assign", "Team", "robot"]).ok();
    let token = data.run(&["token", "create", "robot"]).ok().out.trim().to_owned();
    let team = data.json(&["role", "show", "Team"])["id"].to_string();
    let server = Server::on(data.path());
    let robot = |arguments: &[&str]| server.run(&token, arguments);
    let through = |arguments: &[&str]| robot(&[arguments, &["--collection", "mine"]].concat());
    let file = data.files().join("exported.pem");
    let file = file.to_str().unwrap();
    let export =
        |id: &str| ["export", id, "--format", "pem", "--no-password", "--reason", "moves", "--file", file].map(str::to_owned);

    for arguments in [
        &["show", "1"][..],
        &["chain", "1"],
        &["owner", "set", "1", &team],
        &["owner", "clear", "1"],
        &["key", "destroy", "1", "--reason", "x"],
    ] {
        robot(arguments).refused(1);
        let other: Vec<&str> = arguments.iter().map(|word| if *word == "1" { "2" } else { word }).collect();
        through(&other).refused(1);
        let missing: Vec<&str> = arguments.iter().map(|word| if *word == "1" { "99" } else { word }).collect();
        assert_eq!(through(&missing).refused(1).replace("99", "2"), through(&other).err, "{arguments:?}");
    }
    let (inside, outside) = (export("1"), export("2"));
    let words = |owned: &[String]| owned.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let run_export = |owned: &[String], more: &[&str]| {
        let owned = words(owned);
        let all: Vec<&str> = owned.iter().map(String::as_str).chain(more.iter().copied()).collect();
        robot(&all)
    };
    run_export(&inside, &[]).refused(1);
    run_export(&outside, &["--collection", "Mine"]).refused(1);
    assert!(!std::path::Path::new(file).exists(), "nothing was exported");
    run_export(&inside, &["--collection", "Mine"]).ok();
    assert!(std::fs::read_to_string(file).unwrap().contains("PRIVATE KEY"));
    std::fs::remove_file(file).unwrap();

    through(&["owner", "set", "1", &team]).ok();
    let one = through(&["--output", "json", "show", "1"]).ok().json();
    assert_eq!(one["owner"]["name"], "Team");
    let fingerprint = one["sha256"].as_str().unwrap();
    assert!(through(&["chain", fingerprint]).ok().out.contains("path 1: reaches a root"));
    through(&["owner", "clear", fingerprint]).ok();
    let set = ["bulk", "set", "Team=Web"];
    robot(&set).refused(1);
    let done = robot(&[&["--output", "json"][..], &set, &["--collection", "1"]].concat()).ok().json();
    assert_eq!((&done["state"], &done["total"], &done["changed"]), (&json!("done"), &json!(1), &json!(1)), "{done}");
    through(&["key", "destroy", "1", "--reason", "the server is gone"]).ok();
    assert!(through(&["show", "1"]).ok().out.contains("not here"));
    assert!(robot(&["show", "1", "--collection", "Theirs"]).refused(1).contains("there is no collection \"Theirs\""));
}
