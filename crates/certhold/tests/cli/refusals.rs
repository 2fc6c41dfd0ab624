//! What cannot be done is said in one sentence, changes nothing, and tells no secret.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use certhold_store::{Error, Location, Options, Store, Tx, params};

use crate::support::{Data, Server, bundle, certhold, run};

/// Changes the database of a directory behind the program's back.
fn tamper(data: &Data, sql: &'static str) {
    let location = Location::Sqlite(data.path().join("certhold.db"));
    let store = Store::open(&location, certhold_domain::MIGRATIONS, Options::default()).unwrap();
    store.write_blocking(move |tx: &mut Tx<'_>| tx.execute(sql, params![]).map(drop)).map_err(|error: Error| error).unwrap();
    store.close();
}

#[test]
fn without_a_directory_or_a_database_the_way_to_one_is_told() {
    let empty = tempfile::tempdir().unwrap();
    let none = empty.path().join("none");
    let run_in = |dir: &std::path::Path| run(certhold().args(["list", "--data"]).arg(dir));
    assert!(run_in(&none).refused(1).contains("there is no data directory"));
    assert!(!none.exists(), "only serve makes one");
    let why = run_in(empty.path());
    assert!(why.refused(1).contains("there is no database") && why.err.contains("certhold serve --data"), "{why:?}");
    assert!(!empty.path().join("certhold.db").exists() && !empty.path().join("master.key").exists());
    let default = run(certhold().arg("list").current_dir(empty.path()));
    assert!(default.refused(1).contains("certhold-data"));
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let data = Data::new();
    let server = Server::on(data.path());
    let command = data.run(&["list"]);
    let sentence = command.refused(1);
    assert!(
        sentence.contains("a server (process ") && sentence.contains(&format!("use --server {} --token TOKEN", server.url)),
        "{sentence}"
    );
    let second = run(certhold().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()));
    assert!(second.refused(1).contains("is running on this directory") && second.out.is_empty(), "{second:?}");
    server.stop();
    data.run(&["list"]).ok();
}

#[test]
fn the_wrong_master_key_opens_nothing() {
    let data = Data::new();
    let other = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let wrong = run(data.command(&["list"]).env("CERTHOLD_MASTER_KEY", other));
    assert!(wrong.refused(1).contains("not the one this database was sealed with") && !wrong.err.contains(other), "{wrong:?}");
    let served =
        run(certhold().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).env("CERTHOLD_MASTER_KEY", other));
    assert!(served.refused(1).contains("not the one this database was sealed with"), "{served:?}");
    let garbage = run(data.command(&["list"]).env("CERTHOLD_MASTER_KEY", "hunter2-is-no-key"));
    assert!(garbage.refused(1).contains("does not hold a master key") && !garbage.err.contains("hunter2"), "{garbage:?}");

    let path = data.path().join("master.key");
    let right = fs::read_to_string(&path).unwrap();
    run(data.command(&["list"]).env("CERTHOLD_MASTER_KEY", right.trim())).ok();
    data.run(&["list", "--master-key-command", &format!("cat '{}'", path.display())]).ok();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(data.run(&["list"]).refused(1).contains("chmod 600"));
    fs::remove_file(&path).unwrap();
    let missing = data.run(&["list"]);
    assert!(missing.refused(1).contains("master.key is missing"), "{missing:?}");
    // A server must not make up for it with a new key.
    let served = run(certhold().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()));
    assert!(served.refused(1).contains("master.key is missing"), "{served:?}");
    assert!(!path.exists());
}

#[test]
fn a_database_that_does_not_fit_is_refused_and_no_password_is_shown() {
    let data = Data::new();
    for (url, why) in [
        ("mysql://user:Pa55@host/name", "a database is written"),
        ("postgres://user:Pa55@host:port/name", "database: "),
        ("postgres://user:Pa55@127.0.0.1:1/name", "127.0.0.1:1"),
        ("sqlite:", "needs a path"),
    ] {
        let ended = run(certhold().args(["serve", "--listen", "127.0.0.1:0", "--database", url, "--data"]).arg(data.path()));
        let sentence = ended.refused(1);
        assert!(sentence.contains(why) && !sentence.contains("Pa55"), "{url}: {sentence}");
    }
    tamper(&data, "INSERT INTO store_migration (number, name, sha256, applied_at) VALUES (99, 'future', 'x', 0)");
    let newer = data.run(&["list"]);
    assert!(newer.refused(1).contains("made by a newer version"), "{newer:?}");
    fs::write(data.path().join("certhold.db"), "this is no database, however long it is made to look".repeat(100)).unwrap();
    let noise = data.run(&["list"]);
    assert!(noise.refused(1).contains("not a database"), "{noise:?}");
}

#[test]
fn a_log_that_was_changed_is_noticed() {
    let data = Data::new();
    let path = data.outside("bundle.pem", bundle(0, 3));
    data.run(&["import", path.to_str().unwrap()]).ok();
    tamper(&data, "UPDATE event SET object_name = 'somebody else' WHERE seq = 2");
    let ended = data.run(&["verify"]);
    assert!(ended.out.contains("event 2: ") && ended.refused(1).contains("not what was written"), "{ended:?}");
    assert_eq!(data.run(&["verify", "--output", "json"]).json()["intact"], false);
}

#[test]
fn a_log_whose_end_was_cut_off_is_noticed_even_without_its_signed_heads() {
    let data = Data::new();
    data.run(&["role", "add", "New"]).ok();
    let (status, _) = Server::on(data.path()).stop();
    assert!(status.success());
    tamper(&data, "DELETE FROM event_head");
    tamper(&data, "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)");
    let ended = data.run(&["verify"]);
    assert!(ended.refused(1).contains("not what was written"), "{ended:?}");
}

#[test]
fn the_command_line_is_checked_before_anything_happens() {
    let data = Data::new();
    for arguments in [
        &["frobnicate"][..],
        &["list", "--frobnicate"],
        &["list", "--expires-within", "soon"],
        &["list", "--owner", "a", "--no-owner"],
        &["list", "--output", "yaml"],
        &["import"],
        &["show"],
        &["show", "not-a-number"],
        &["events", "--about", "certificate/x"],
        &["owner", "set", "1"],
        &["token", "revoke", "x"],
        &["dns", "add", "x", "--kind", "powerdns", "--set", "hunter2"],
        &["issuer", "add", "x", "--directory", "https://x", "--eab-key-id", "k"],
    ] {
        let ended = data.run(arguments);
        let sentence = ended.refused(2);
        assert!(!sentence.is_empty() && ended.out.is_empty(), "{arguments:?}: {ended:?}");
        assert!(!sentence.contains("hunter2") || arguments.contains(&"hunter2"), "{sentence}");
    }
    let help = run(certhold().arg("--help").env("CERTHOLD_DATABASE", "postgres://u:Pa55@h/d").env("CERTHOLD_TOKEN", "Pa55"));
    assert!(help.status.success() && !help.out.contains("Pa55"), "{}", help.out);
}

#[test]
fn a_server_is_asked_for_with_address_token_and_trust() {
    let data = Data::new();
    let token = data.token();
    let expired = data.run(&["token", "create", "admin", "--expires", "1s"]).ok().out.trim().to_owned();
    let revoked = data.json(&["token", "create", "admin"]);
    data.run(&["token", "revoke", &revoked["id"].to_string()]).ok();
    data.run(&["user", "add", "weak", "--service"]).ok();
    let weak = data.run(&["token", "create", "weak"]).ok().out.trim().to_owned();
    let server = Server::on(data.path());
    std::thread::sleep(std::time::Duration::from_millis(1_100));

    server.run(&token, &["list"]).ok();
    for bad in ["cht_wrong", &expired, revoked["token"].as_str().unwrap(), "a b", "\u{e9}"] {
        let ended = server.run(bad, &["list"]);
        let sentence = ended.refused(1);
        assert!(!sentence.contains(bad) && sentence.lines().count() == 1, "{sentence}");
    }
    let forbidden = server.run(&weak, &["role", "add", "x"]);
    assert!(forbidden.refused(1).contains("/security/modify/"), "{forbidden:?}");
    let path = data.outside("bundle.pem", bundle(0, 1));
    let import = server.run(&weak, &["import", path.to_str().unwrap()]);
    assert!(import.refused(1).contains("/certificates/import/"), "{import:?}");

    let ask = |arguments: &[&str]| run(certhold().arg("list").args(arguments));
    assert!(ask(&["--server", &server.url]).refused(2).contains("needs a token"));
    assert!(ask(&["--server", "nonsense", "--token", "t"]).refused(2).contains("is not an address"));
    let distrust = ask(&["--server", &server.url, "--token", "t"]);
    assert!(distrust.refused(1).contains("--ca"), "{distrust:?}");
    let no_ca = ask(&["--server", &server.url, "--token", "t", "--ca", "/does/not/exist"]);
    assert!(no_ca.refused(1).contains("/does/not/exist"), "{no_ca:?}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = ask(&["--server", &format!("http://{nobody}"), "--token", "t"]);
    assert!(gone.refused(1).contains("cannot be reached"), "{gone:?}");
    for command in [&["backup", "/tmp/never"][..], &["restore", "/tmp/never"]] {
        assert!(server.run(&token, command).refused(2).contains("data directory"));
    }
}

#[test]
fn a_directory_on_the_command_line_goes_over_a_server_in_the_environment() {
    let data = Data::new();
    let mut command = data.command(&["list", "--output", "json"]);
    command.env("CERTHOLD_SERVER", "https://127.0.0.1:1").env("CERTHOLD_TOKEN", "x");
    assert_eq!(run(&mut command).ok().out, "[]\n");
}
