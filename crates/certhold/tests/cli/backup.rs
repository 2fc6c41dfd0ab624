//! `certhold backup` and `certhold restore`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use certhold_store::{Location, Options, Store, Tx, params};
use serde_json::json;

use crate::support::{Data, Server, bundle, certhold, run};

#[test]
fn a_backup_taken_while_the_server_runs_is_a_whole_database() {
    let data = Data::new();
    let path = data.outside("bundle.pem", bundle(0, 20));
    data.run(&["import", path.to_str().unwrap()]).ok();
    let server = Server::on(data.path());
    let copy = data.files().join("copy.db");
    let ended = data.run(&["backup", copy.to_str().unwrap()]).ok();
    assert!(ended.out.contains("The master key is not in it"), "{ended:?}");
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
    let again = data.run(&["backup", copy.to_str().unwrap()]);
    assert!(again.refused(1).contains("exists already"), "{again:?}");
    server.stop();

    let other = tempfile::tempdir().unwrap();
    let restore = |dir: &std::path::Path| run(certhold().arg("restore").arg(&copy).arg("--data").arg(dir));
    let refused = restore(other.path());
    let said = refused.refused(1);
    assert!(said.contains("master key is not at hand") && said.contains("--without-master-key"), "{said}");
    assert!(!other.path().join("certhold.db").exists(), "nothing was put in place");
    let unchecked = ["restore", copy.to_str().unwrap(), "--without-master-key", "--data"];
    let restored = run(certhold().args(unchecked).arg(other.path())).ok();
    assert!(
        restored.out.contains("intact") && restored.out.contains("was not checked. Now put its master key back"),
        "{restored:?}"
    );
    fs::copy(data.path().join("master.key"), other.path().join("master.key")).unwrap();
    let listed = run(certhold().args(["list", "--output", "json", "--data"]).arg(other.path())).ok().json();
    assert_eq!(listed, data.json(&["list"]));
    assert!(restore(other.path()).refused(1).contains("exists already"));
    let (status, _) = Server::on(other.path()).stop();
    assert!(status.success());
}

#[test]
fn what_is_no_whole_backup_is_not_put_in_place() {
    let data = Data::new();
    let copy = data.files().join("copy.db");
    data.run(&["backup", copy.to_str().unwrap()]).ok();
    let dir = tempfile::tempdir().unwrap();
    // A key that is at hand is asked all the same.
    let restore = |file: &std::path::Path| {
        run(certhold().arg("restore").arg(file).arg("--without-master-key").arg("--data").arg(dir.path()))
    };
    let empty = || fs::read_dir(dir.path()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() != "lock").count();

    assert!(restore(&data.files().join("none")).refused(1).contains("there is no backup"));
    let noise = data.outside("noise", "no database".repeat(1_000));
    assert!(restore(&noise).refused(1).contains("cannot be restored"));
    let stranger = data.files().join("stranger.db");
    let store = Store::open(&Location::Sqlite(stranger.clone()), &[], Options::default()).unwrap();
    store.close();
    assert!(restore(&stranger).refused(1).contains("no database of Certhold"));

    // A SQLite file is taken for a backup too: earlier versions wrote such.
    let tampered = data.files().join("tampered.db");
    fs::copy(data.path().join("certhold.db"), &tampered).unwrap();
    let store = Store::open(&Location::Sqlite(tampered.clone()), certhold_domain::MIGRATIONS, Options::default()).unwrap();
    let change = |tx: &mut Tx<'_>| tx.execute("UPDATE event SET actor_name = 'x' WHERE seq = 1", params![]).map(drop);
    store.write_blocking::<_, certhold_store::Error, _>(change).unwrap();
    store.close();
    assert!(restore(&tampered).refused(1).contains("event log is damaged at event 1"));
    assert_eq!(empty(), 0, "nothing is left behind");

    fs::write(dir.path().join("master.key"), "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n").unwrap();
    fs::set_permissions(dir.path().join("master.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(restore(&copy).refused(1).contains("not the one this database was sealed with"));
    fs::copy(data.path().join("master.key"), dir.path().join("master.key")).unwrap();
    let done = run(certhold().arg("restore").arg(&copy).args(["--output", "json", "--data"]).arg(dir.path())).ok();
    assert_eq!(done.json()["intact"], json!(true));
}

#[test]
fn a_lost_database_comes_back_from_its_backup() {
    let data = Data::new();
    let copy = data.files().join("copy.db");
    data.run(&["backup", copy.to_str().unwrap()]).ok();
    data.run(&["role", "add", "Later"]).ok();
    let (status, _) = Server::on(data.path()).stop();
    assert!(status.success());
    fs::remove_file(data.path().join("certhold.db")).unwrap();
    data.run(&["restore", copy.to_str().unwrap()]).ok();
    // What came after the backup is lost, and known to be lost: the log that is there is whole.
    assert_eq!(data.json(&["verify"])["intact"], json!(true));
    assert!(data.path().join("head.before-restore").exists());
}

#[test]
fn a_move_says_what_it_did_not_check() {
    let data = Data::new();
    let to = |name: &str| format!("sqlite:{}", data.files().join(name).display());
    let moved = data.run(&["move", "--to", &to("with.db")]).ok();
    assert!(moved.out.contains("secrets open."), "{moved:?}");
    let key = data.path().join("master.key");
    let aside = data.files().join("master.key");
    fs::rename(&key, &aside).unwrap();
    let target = to("without.db");
    let refused = data.run(&["move", "--to", &target]);
    let said = refused.refused(1);
    assert!(said.contains("master key") && said.contains("not at hand") && said.contains("--without-master-key"), "{said}");
    assert!(!data.files().join("without.db").exists(), "nothing was put in place");
    let unchecked = data.run(&["move", "--to", &target, "--without-master-key"]).ok();
    assert!(unchecked.out.contains("was not checked"), "{unchecked:?}");
    // A key that is at hand is asked all the same.
    fs::write(&key, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n").unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let wrong = data.run(&["move", "--to", &to("wrong.db"), "--without-master-key"]);
    assert!(wrong.refused(1).contains("not the one this database was sealed with"), "{wrong:?}");
}

#[test]
fn a_running_server_is_not_restored_over() {
    let data = Data::new();
    let copy = data.files().join("copy.db");
    data.run(&["backup", copy.to_str().unwrap()]).ok();
    let server = Server::on(data.path());
    assert!(data.run(&["restore", copy.to_str().unwrap()]).refused(1).contains("is running on this directory"));
    drop(server);
    let none = tempfile::tempdir().unwrap();
    let ended = run(certhold().args(["backup", "/tmp/never.db", "--data"]).arg(none.path()));
    assert!(ended.refused(1).contains("there is no database"), "{ended:?}");
}
