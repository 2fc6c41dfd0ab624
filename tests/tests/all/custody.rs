//! Whole databases: the master key is rotated under kills, backups tell nothing, and data moves between the engines and back.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use certhold_tests::postgres::{Database, engines};
use certhold_tests::server::{Launch, certhold};
use serde_json::{Value, json};

use crate::api::Api;

/// Keys of external accounts: secrets that are easy to make many of.
fn secret(number: usize) -> String {
    format!("cXVhZ2dhLXNlY3JldC0x{number:04}")
}

/// A stopped installation with this many secrets.
async fn installation(database: &Database, secrets: usize) -> Api {
    let mut api = Api::start(Launch::new().on(database)).await;
    for number in 0..secrets {
        let body = json!({ "name": format!("CA {number}"), "directory": "https://acme.example/dir",
            "eab_key_id": "kid", "eab_key": secret(number) });
        api.create("/issuers", body).await;
    }
    let role = api.create("/roles", json!({ "name": "Gone", "permissions": ["/certificates/"] })).await;
    api.server.send(reqwest::Method::DELETE, &format!("/api/v1/roles/{role}"), &api.token, &Value::Null).await;
    assert!(api.server.stop().await.success());
    api
}

pub fn on(data: &Path, database: &str, arguments: &[&str]) -> Command {
    let mut command = certhold();
    command.args(arguments).arg("--data").arg(data).args(["--database", database, "--output", "json"]);
    command
}

#[track_caller]
pub fn done(command: &mut Command) -> Value {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap_or_default()
}

#[track_caller]
pub fn refused(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    assert!(!ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_survives_kills() {
    const SECRETS: usize = 300;
    for database in engines() {
        let location = database.location();
        let api = installation(&database, SECRETS).await;
        let data = api.server.data().to_owned();
        let old = tempfile::tempdir().unwrap();
        std::fs::copy(data.join("master.key"), old.path().join("master.key")).unwrap();
        let before = old.path().join("before.backup");
        done(&mut on(&data, &location, &["backup", before.to_str().unwrap()]));
        let (mut kills, mut pause) = (0, 5);
        let started = Instant::now();
        let finished = loop {
            assert!(started.elapsed() < Duration::from_secs(300));
            let mut child = on(&data, &location, &["rekey"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(pause));
            if child.try_wait().unwrap().is_none() && kills < 12 {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                pause += 23;
                continue;
            }
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            break serde_json::from_slice::<Value>(&ended.stdout).unwrap();
        };
        assert!(kills > 0, "nothing was killed");
        let number = finished["master_key"].as_i64().unwrap();
        let status = done(&mut on(&data, &location, &["rekey", "--status"]));
        println!("{kills} kills on {}: {status}", database.engine());
        for key in status["keys"].as_array().unwrap() {
            let expected = if key["number"] == number { "current" } else { "retired" };
            assert_eq!(key["state"], expected, "{status}");
            assert_eq!(key["secrets"] == 0, key["number"] != number, "{status}");
        }
        assert_eq!(done(&mut on(&data, &location, &["verify"]))["intact"], true);
        assert!(refused(&mut on(&data, &location, &["rekey", "--forget", &number.to_string(), "--yes"])).contains("current"));
        for old in 1..number {
            done(&mut on(&data, &location, &["rekey", "--forget", &old.to_string(), "--yes"]));
        }
        let ring = std::fs::read_to_string(data.join("master.key")).unwrap();
        assert_eq!(ring.lines().count(), 1, "only the current key is kept");

        // Every secret opens with the new key alone; with the old key alone none does, but the older backup.
        let after = old.path().join("after.backup");
        done(&mut on(&data, &location, &["backup", after.to_str().unwrap()]));
        let restored = |key: &Path, backup: &Path| {
            let dir = tempfile::tempdir().unwrap();
            std::fs::copy(key, dir.path().join("master.key")).unwrap();
            let mut command = certhold();
            command.arg("restore").arg(backup).arg("--data").arg(dir.path()).args(["--output", "json"]);
            (command.output().unwrap(), dir)
        };
        let (new_key, old_key) = (data.join("master.key"), old.path().join("master.key"));
        let (opened, _dir) = restored(&new_key, &after);
        let opened: Value = serde_json::from_slice(&opened.stdout).unwrap();
        assert!(opened["secrets"].as_i64().unwrap() >= SECRETS as i64, "{opened}");
        assert!(restored(&old_key, &before).0.status.success());
        for (key, backup) in [(&old_key, &after), (&new_key, &before)] {
            let (ended, dir) = restored(key, backup);
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(!ended.status.success() && said.contains("at hand"), "{said}");
            assert!(!dir.path().join("certhold.db").exists(), "nothing was put in place");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_tells_no_secret_and_comes_back_on_either_engine() {
    for database in engines() {
        let location = database.location();
        let api = installation(&database, 20).await;
        let data = api.server.data().to_owned();
        let files = tempfile::tempdir().unwrap();
        let backup = files.path().join("a.backup");
        let made = done(&mut on(&data, &location, &["backup", backup.to_str().unwrap()]));
        assert!(made["rows"].as_i64().unwrap() > 40, "{made}");
        assert!(refused(&mut on(&data, &location, &["backup", backup.to_str().unwrap()])).contains("exists already"));
        let plain = Command::new("gzip").arg("-dc").arg(&backup).output().unwrap();
        assert!(plain.status.success());
        let holds = |wanted: &[u8]| plain.stdout.windows(wanted.len()).any(|window| window == wanted);
        assert!(holds(b"acme.example"), "what is no secret is there");
        let master = std::fs::read_to_string(data.join("master.key")).unwrap();
        for secret in (0..20).map(secret).chain([master.trim().to_owned(), certhold_tests::server::ADMIN_PASSWORD.to_owned()]) {
            assert!(!holds(secret.as_bytes()), "{secret}");
        }
        let issuers = |data: &Path, database: &str| done(&mut on(data, database, &["issuer", "list"]));
        let expected = issuers(&data, &location);
        for other in engines() {
            let target = other.location();
            let dir = tempfile::tempdir().unwrap();
            std::fs::copy(data.join("master.key"), dir.path().join("master.key")).unwrap();
            // Damage is found before anything is put in place.
            let whole = std::fs::read(&backup).unwrap();
            for (name, bytes) in [
                ("cut", whole[..whole.len() / 2].to_vec()),
                ("short", whole[..whole.len() - 9].to_vec()),
                (
                    "bent",
                    recompressed(&plain.stdout, |bytes| {
                        let at = bytes.windows(12).position(|window| window == b"acme.example").unwrap();
                        bytes[at] = b'b';
                    }),
                ),
                (
                    "headless",
                    recompressed(&plain.stdout, |bytes| {
                        bytes.drain(..40);
                    }),
                ),
            ] {
                let path = files.path().join(format!("{name}-{}-{}", database.engine(), other.engine()));
                std::fs::write(&path, bytes).unwrap();
                let said = refused(&mut on(dir.path(), &target, &["restore", path.to_str().unwrap(), "--without-master-key"]));
                assert!(said.contains("cannot be restored"), "{name}: {said}");
            }
            let stranger = dir.path().join("master.key");
            std::fs::write(&stranger, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n").unwrap();
            let said = refused(&mut on(dir.path(), &target, &["restore", backup.to_str().unwrap()]));
            assert!(said.contains("not the one this database was sealed with"), "{said}");
            std::fs::copy(data.join("master.key"), &stranger).unwrap();
            let done_now = done(&mut on(dir.path(), &target, &["restore", backup.to_str().unwrap()]));
            assert_eq!((done_now["intact"].clone(), done_now["secrets"].as_i64() >= Some(20)), (json!(true), true), "{done_now}");
            assert_eq!(issuers(dir.path(), &target), expected, "{} to {}", database.engine(), other.engine());
            let again = refused(&mut on(dir.path(), &target, &["restore", backup.to_str().unwrap()]));
            assert!(again.contains("already"), "{again}");
            assert_eq!(done(&mut on(dir.path(), &target, &["verify"]))["intact"], true);
        }
    }
}

/// The same stream after a change, with gzip's own check right.
fn recompressed(plain: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    change(&mut bytes);
    let mut child = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let out = child.wait_with_output().unwrap().stdout;
    writing.join().unwrap();
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn data_moves_to_the_other_engine_and_back() {
    let Some(postgres) = Database::postgres() else { return };
    let sqlite = Database::sqlite();
    let api = installation(&sqlite, 30).await;
    let data = api.server.data().to_owned();
    let (from, to) = (sqlite.location(), postgres.location());
    let checkpoint = data.join("checkpoint.json");
    done(&mut on(&data, &from, &["checkpoint", checkpoint.to_str().unwrap()]));
    let shown = |database: &str| {
        [["issuer", "list"], ["role", "list"], ["user", "list"]].map(|command| done(&mut on(&data, database, &command)))
    };
    let before = shown(&from);
    let moved = done(&mut on(&data, &from, &["move", "--to", &to]));
    assert_eq!(moved["intact"], true, "{moved}");
    assert!(!moved.to_string().contains("password"), "{moved}");
    assert_eq!(shown(&to), before);
    assert!(refused(&mut on(&data, &from, &["move", "--to", &to])).contains("holds an installation already"));
    let held = done(&mut on(&data, &to, &["verify", "--checkpoint", checkpoint.to_str().unwrap()]));
    assert_eq!((held["intact"].clone(), held["checkpoints"].clone()), (json!(true), json!(1)), "{held}");

    // Numbers go on after those that were given, also when the row is gone.
    done(&mut on(&data, &to, &["role", "add", "Later"]));
    let roles = done(&mut on(&data, &to, &["role", "list"]));
    let numbers: Vec<i64> = roles.as_array().unwrap().iter().map(|role| role["id"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 3], "role 2 was removed before the move");
    let back = format!("sqlite:{}", data.join("back.db").display());
    done(&mut on(&data, &to, &["move", "--to", &back]));
    assert_eq!(done(&mut on(&data, &back, &["role", "list"])), roles);
    let held = done(&mut on(&data, &back, &["verify", "--checkpoint", checkpoint.to_str().unwrap()]));
    assert_eq!(held["intact"], true, "{held}");
    done(&mut on(&data, &back, &["rekey"]));
    let events = done(&mut on(&data, &back, &["events", "--operation", "database.moved"]));
    assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
}

/// What a syslog server got, message by message, by the lengths before them.
fn messages(bytes: &[u8]) -> Vec<String> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..space]).unwrap().parse().unwrap();
        let Some(message) = rest.get(space + 1..space + 1 + length) else { break };
        found.push(String::from_utf8(message.to_vec()).unwrap());
        rest = &rest[space + 1 + length..];
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syslog_server_gets_every_event_also_over_kills() {
    use tokio::io::AsyncReadExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("tcp://{}", listener.local_addr().unwrap());
    let mut api = Api::start(Launch::new().environment("CERTHOLD_SYSLOG_TARGET", target)).await;
    let mut got = std::collections::BTreeSet::new();
    let started = Instant::now();
    for round in 0_usize.. {
        assert!(started.elapsed() < Duration::from_secs(400), "{got:?}");
        if round < 4 {
            api.create("/roles", json!({ "name": format!("Role {round}"), "permissions": [] })).await;
        }
        // A server that was killed has lent itself the delivery for a minute.
        let accepted = tokio::time::timeout(Duration::from_secs(150), listener.accept()).await;
        let (mut peer, _) = accepted.expect("a connection").unwrap();
        // The first connections break off: what they brought counts for nothing.
        if round == 0 {
            drop(peer);
            continue;
        }
        if round == 1 {
            api.server.kill();
            drop(peer);
            api.server.restart().await;
            continue;
        }
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).await.unwrap();
        drop(peer);
        for message in messages(&bytes) {
            assert!(message.starts_with('<') && message.contains(">1 ") && message.contains("CEF:0|Certhold|"), "{message}");
            let seq = message.split("externalId=").nth(1).unwrap().split(' ').next().unwrap();
            got.insert(seq.parse::<i64>().unwrap());
        }
        let last = api.get("/events?limit=1").await["items"][0]["seq"].as_i64().unwrap();
        if round >= 3 && got.len() as i64 == last {
            break;
        }
    }
    assert_eq!(got.iter().copied().collect::<Vec<_>>(), (1..=got.len() as i64).collect::<Vec<_>>(), "without a gap");
}
