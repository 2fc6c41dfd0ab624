//! The master key is rotated by servers that run: one that is killed meanwhile, two on one database, and data in which a key was
//! destroyed.

use std::path::Path;
use std::time::{Duration, Instant};

use certhold_domain::{Error, MIGRATIONS};
use certhold_store::{Options, Store, params};
use certhold_tests::postgres::{Database, engines};
use certhold_tests::server::{Launch, Server};
use serde_json::{Value, json};

use crate::api::Api;
use crate::custody::{done, on, refused};

const PATIENCE: Duration = Duration::from_secs(120);

async fn secrets(api: &Api, prefix: &str, count: usize) {
    for number in 0..count {
        let body = json!({ "name": format!("{prefix} {number}"), "directory": "https://acme.example/dir",
            "eab_key_id": "kid", "eab_key": format!("cXVhZ2dhLXNlY3JldC0x{number:04}") });
        api.create("/issuers", body).await;
    }
}

/// Asserts that the new key is current, and that nothing is left under an older one.
fn rotated(status: &Value, number: i64) {
    for key in status["keys"].as_array().unwrap() {
        let expected = if key["number"] == number { "current" } else { "retired" };
        assert_eq!(key["state"], expected, "{status}");
        assert_eq!(key["secrets"] == 0, key["number"] != number, "{status}");
    }
}

async fn until_rotated(api: &Api) -> Value {
    let started = Instant::now();
    loop {
        let status = api.get("/master-keys").await;
        if status["rotating"] == false {
            return status;
        }
        assert!(started.elapsed() < PATIENCE, "{status}\n{}", api.server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_goes_on_with_its_rotation() {
    for database in engines() {
        let mut api = Api::start(Launch::new().on(&database)).await;
        secrets(&api, "CA", 150).await;
        let mut interrupted = 0;
        for round in 0..6_u64 {
            let number = api.post("/master-keys", Value::Null).await.expect(202).json()["number"].as_i64().unwrap();
            tokio::time::sleep(Duration::from_millis(round * 17)).await;
            api.server.kill();
            // Asked before the restart: a server that comes back may be done before it answers.
            let left = done(&mut on(api.server.data(), &database.location(), &["rekey", "--status"]));
            interrupted += usize::from(left["rotating"] == true);
            api.server.restart().await;
            rotated(&until_rotated(&api).await, number);
            // A secret of each round opens: it is changed, which reads the old one.
            secrets(&api, &format!("Round {round}"), 1).await;
        }
        assert!(interrupted > 0, "no rotation was interrupted on {}", database.engine());
        let rotations = api.get("/events?operation=master_key.rotated").await;
        assert_eq!(rotations["items"].as_array().unwrap().len(), 6, "each is recorded once: {rotations}");
        let data = api.server.data().to_owned();
        assert!(api.server.stop().await.success());
        opens_everything(&data, &database.location());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_that_begin_at_once_are_one() {
    for database in engines() {
        let mut api = Api::start(Launch::new().on(&database)).await;
        secrets(&api, "CA", 20).await;
        let mut begun = 0;
        for _ in 0..5 {
            let post = || api.post("/master-keys", Value::Null);
            let (one, two, three, four) = tokio::join!(post(), post(), post(), post());
            let statuses = [one.status, two.status, three.status, four.status];
            let accepted = statuses.iter().filter(|status| **status == 202).count();
            // The last one may come when the first has ended already.
            assert!(accepted >= 1 && statuses.iter().all(|status| *status == 202 || *status == 409), "{statuses:?}");
            begun += i64::try_from(accepted).unwrap();
            rotated(&until_rotated(&api).await, begun + 1);
        }
        let data = api.server.data().to_owned();
        api.server.kill();
        api.server.restart().await;
        secrets(&api, "Afterwards", 1).await;
        assert!(api.server.stop().await.success());
        opens_everything(&data, &database.location());
    }
}

/// Restores a backup elsewhere, which opens every secret with the keys of this directory.
fn opens_everything(data: &Path, database: &str) {
    let files = tempfile::tempdir().unwrap();
    let backup = files.path().join("a.backup");
    done(&mut on(data, database, &["backup", backup.to_str().unwrap()]));
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(data.join("master.key"), elsewhere.path().join("master.key")).unwrap();
    let target = format!("sqlite:{}", elsewhere.path().join("certhold.db").display());
    let restored = done(&mut on(elsewhere.path(), &target, &["restore", backup.to_str().unwrap()]));
    assert_eq!(restored["intact"], true, "{restored}");
    assert_eq!(done(&mut on(elsewhere.path(), &target, &["verify"]))["intact"], true);
}

/// A second server on the same database with the same administrator, the same master key and a directory of its own.
async fn second(first: &Api, database: &Database) -> Api {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(first.server.data().join("master.key"), directory.path().join("master.key")).unwrap();
    let server: Server = Launch::new().in_directory(directory).on(database).start().await;
    Api { server, token: first.token.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_rotate_together() {
    let Some(database) = Database::postgres() else { return };
    let mut one = Api::start(Launch::new().on(&database)).await;
    let mut other = second(&one, &database).await;
    secrets(&one, "CA", 40).await;
    assert_eq!(other.get("/issuers").await["items"].as_array().unwrap().len(), 40, "they are one installation");

    let number = one.post("/master-keys", Value::Null).await.expect(202).json()["number"].as_i64().unwrap();
    let again = other.post("/master-keys", Value::Null).await;
    assert_eq!(again.status, 409, "one rotation at a time: {}", again.text);
    // The other one does not hold the key: everybody waits for it, and both go on serving.
    let started = Instant::now();
    loop {
        let status = other.get("/master-keys").await;
        assert_eq!(status["rotating"], true, "{status}");
        if status["waits"].is_string() {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    secrets(&one, "Meanwhile one", 3).await;
    secrets(&other, "Meanwhile other", 3).await;
    let sealed: Vec<Value> = other.get("/master-keys").await["keys"].as_array().unwrap().clone();
    assert!(sealed.iter().any(|key| key["number"] == number && key["state"] == "pending" && key["secrets"] == 0), "{sealed:?}");

    // Somebody carries the key over; one server is killed while the secrets are wrapped anew.
    std::fs::copy(one.server.data().join("master.key"), other.server.data().join("master.key")).unwrap();
    one.server.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    one.server.restart().await;
    let (status, same) = (until_rotated(&one).await, until_rotated(&other).await);
    rotated(&status, number);
    rotated(&same, number);
    secrets(&one, "Afterwards one", 2).await;
    secrets(&other, "Afterwards other", 2).await;
    rotated(&other.get("/master-keys").await, number);
    for api in [&mut one, &mut other] {
        assert!(api.server.stop().await.success());
        let status = done(&mut on(api.server.data(), &database.location(), &["rekey", "--status"]));
        rotated(&status, number);
        opens_everything(api.server.data(), &database.location());
    }
}

/// Writes an attempt of the past that was made with a certificate's key, as the worker leaves it.
fn remember_an_attempt(database: &str, certificate: i64) {
    let store = Store::open(&database.parse().unwrap(), MIGRATIONS, Options::default()).unwrap();
    let written = store.write_blocking(move |tx| {
        let rows = tx.execute(
            "INSERT INTO acme_order (lineage, issuer, state, private_key, names, csr, certificate, created_at, updated_at) \
             SELECT lineage.id, lineage.issuer, 'completed', private_key.id, '[]', certificate.spki_sha256, certificate.id, 1, 1 \
             FROM lineage, private_key JOIN certificate ON certificate.spki_sha256 = private_key.spki_sha256 \
             WHERE certificate.id = $1",
            params![certificate],
        )?;
        Ok::<_, Error>(rows)
    });
    store.close();
    assert_eq!(written.unwrap(), 1, "the attempt was not written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_stays_destroyed_wherever_the_data_goes() {
    for database in engines() {
        let mut api = Api::start(Launch::new().on(&database)).await;
        let mut certificates = Vec::new();
        for name in ["kept.example.com", "gone.example.com", "managed.example.com"] {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            let content = made.cert.pem() + &made.signing_key.serialize_pem();
            let imported = api.post("/certificates", json!({ "content": content })).await.expect(200).json();
            certificates.push(imported["items"][0]["certificate"].as_i64().unwrap());
        }
        let [kept, gone, managed] = certificates[..] else { panic!("three certificates") };
        secrets(&api, "CA", 1).await;
        let settings = json!({ "url": "http://127.0.0.1:1", "api_key": "pdns-secret" });
        api.create("/dns-providers", json!({ "name": "PowerDNS", "kind": "powerdns", "settings": settings })).await;
        api.create("/managed-certificates", json!({ "adopt": managed, "issuer": 1, "dns_provider": 1 })).await;
        let (data, location) = (api.server.data().to_owned(), database.location());
        assert!(api.server.stop().await.success());
        remember_an_attempt(&location, gone);
        let (gone, kept) = (gone.to_string(), kept.to_string());
        done(&mut on(&data, &location, &["key", "destroy", &gone, "--reason", "the server is gone"]));

        let is_as_it_was = |data: &Path, database: &str, where_it_is: &str| {
            let files = tempfile::tempdir().unwrap();
            let file = files.path().join("key.pem");
            let export = |id: &str| {
                let file = file.to_str().unwrap();
                on(data, database, &["export", id, "--format", "pem", "--no-password", "--reason", "test", "--file", file])
            };
            assert!(refused(&mut export(&gone)).contains("not in custody"), "{where_it_is}");
            done(&mut export(&kept));
            assert!(std::fs::read_to_string(&file).unwrap().contains("PRIVATE KEY"), "{where_it_is}");
            assert_eq!(done(&mut on(data, database, &["show", &gone]))["has_private_key"], false, "{where_it_is}");
            assert_eq!(done(&mut on(data, database, &["verify"]))["intact"], true, "{where_it_is}");
        };
        is_as_it_was(&data, &location, "destroyed");
        let number = done(&mut on(&data, &location, &["rekey"]))["master_key"].as_i64().unwrap();
        rotated(&done(&mut on(&data, &location, &["rekey", "--status"])), number);
        for old in 1..number {
            done(&mut on(&data, &location, &["rekey", "--forget", &old.to_string(), "--yes"]));
        }
        is_as_it_was(&data, &location, "rekeyed");

        let backup = data.join("a.backup");
        done(&mut on(&data, &location, &["backup", backup.to_str().unwrap()]));
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::copy(data.join("master.key"), elsewhere.path().join("master.key")).unwrap();
        let restored = format!("sqlite:{}", elsewhere.path().join("certhold.db").display());
        done(&mut on(elsewhere.path(), &restored, &["restore", backup.to_str().unwrap()]));
        is_as_it_was(elsewhere.path(), &restored, "restored");

        for target in engines() {
            done(&mut on(&data, &location, &["move", "--to", &target.location()]));
            is_as_it_was(&data, &target.location(), "moved");
        }
    }
}
