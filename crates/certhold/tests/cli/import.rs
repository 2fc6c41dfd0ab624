//! `certhold import`, with `list` and `show` as witnesses.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use certhold_pki::sample::Generator;
use serde_json::json;

use crate::support::{Data, bundle, run, run_reading, with_key};

#[test]
fn what_people_have_is_taken_by_content_and_importing_again_changes_nothing() {
    let data = Data::new();
    let junk = format!("some words\n{}\nmore words\n{}", bundle(0, 1), bundle(1, 1));
    data.outside("tree/a.txt", junk);
    data.outside("tree/deep/er/b.exe", Generator::new(7).certificate(2));
    data.outside("tree/empty", "");
    data.outside("tree/notes.pem", "no certificate here");
    let tree = data.files().join("tree");
    let tree = tree.to_str().unwrap();

    let report = data.json(&["import", tree]);
    let counts = ["imported", "already_held", "refused", "passed_over"].map(|name| report[name].as_i64().unwrap());
    assert_eq!(counts, [3, 0, 0, 2], "{report}");
    let ids: Vec<i64> = report["certificates"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3], "in the order of the input");
    assert_eq!(report["certificates"][1]["place"], format!("line {}", bundle(0, 1).lines().count() + 4));

    let again = data.json(&["import", tree]);
    assert_eq!((&again["imported"], &again["already_held"]), (&json!(0), &json!(3)));
    assert_eq!(data.json(&["list"]).as_array().unwrap().len(), 3);
    let text = data.run(&["import", tree]).ok().out;
    assert_eq!(text, "0 imported, 3 already held, 0 refused, 2 other files passed over\n");
}

#[test]
fn directories_are_searched_without_leaving_them_or_going_in_circles() {
    let data = Data::new();
    data.outside("tree/inner/one.pem", bundle(0, 1));
    let outside = data.outside("elsewhere/two.pem", bundle(1, 1));
    let tree = data.files().join("tree");
    symlink(&tree, tree.join("inner/loop")).unwrap();
    symlink("..", tree.join("inner/up")).unwrap();
    symlink(&outside, tree.join("link.pem")).unwrap();
    assert!(Command::new("mkfifo").arg(tree.join("pipe")).status().unwrap().success());

    let report = data.json(&["import", tree.to_str().unwrap()]);
    let counts = ["imported", "refused", "links_not_followed"].map(|name| report[name].as_i64().unwrap());
    assert_eq!(counts, [1, 0, 3], "{report}");
    // A link that is named itself is followed.
    let named = data.json(&["import", tree.join("link.pem").to_str().unwrap()]);
    assert_eq!(named["imported"], 1);
}

#[test]
fn bad_parts_are_refused_with_their_place_and_the_rest_is_taken() {
    let data = Data::new();
    let good = bundle(0, 3);
    let cut: String = bundle(3, 1).lines().take(5).map(|line| format!("{line}\n")).collect();
    let der = Generator::new(7).certificate(4);
    data.outside("in/cut.pem", format!("{good}{cut}"));
    data.outside("in/cut.der", &der[..der.len() - 7]);
    data.outside("in/base64.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    data.outside("in/request.pem", "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n");
    let input = data.files().join("in");

    let ended = data.run(&["import", input.to_str().unwrap(), "--output", "json"]);
    assert_eq!(ended.status.code(), Some(1));
    let report = ended.json();
    assert_eq!((&report["imported"], &report["refused"]), (&json!(3), &json!(4)), "{report}");
    let refusal = |file: &str| {
        let all = report["refusals"].as_array().unwrap();
        let one = all.iter().find(|one| one["path"].as_str().unwrap().ends_with(file)).unwrap_or_else(|| panic!("{report}"));
        (one["place"].as_str().unwrap().to_owned(), one["reason"].as_str().unwrap().to_owned())
    };
    let (place, reason) = refusal("cut.pem");
    assert_eq!(place, format!("line {}", good.lines().count() + 1));
    assert!(reason.contains("no END line"), "{reason}");
    assert!(refusal("cut.der").1.contains("cut off"), "{report}");
    assert!(refusal("base64.pem").1.contains("base64"), "{report}");
    let problem: serde_json::Value = serde_json::from_str(&ended.err).unwrap();
    assert_eq!(problem["detail"], "4 parts of the input were refused");
}

#[test]
fn named_paths_must_hold_something() {
    let data = Data::new();
    for (name, content, why) in [
        ("empty", "".as_bytes(), "is empty"),
        ("script.sh", b"#!/bin/sh\necho hello\n", "neither PEM"),
        ("page.html", b"<html><body>sign in</body></html>", "HTML"),
        ("key.ssh", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "OpenSSH"),
    ] {
        let path = data.outside(name, content);
        let ended = data.run(&["import", path.to_str().unwrap()]);
        assert!(ended.out.contains(why) && ended.out.contains("1 refused"), "{ended:?}");
        ended.refused(1);
    }
    let missing = data.run(&["import", "/does/not/exist"]);
    assert!(missing.out.contains("refused: /does/not/exist: no such file or directory"), "{missing:?}");
    // A file that cannot be read, whoever runs the test.
    let unreadable = data.run(&["import", "/proc/self/mem"]);
    assert!(unreadable.out.contains("refused: /proc/self/mem: "), "{unreadable:?}");
    assert_eq!(data.json(&["list"]), json!([]));
}

#[test]
fn a_file_over_the_limit_is_refused_and_a_long_bundle_is_not() {
    let data = Data::new();
    let huge = data.files().join("huge");
    File::create(&huge).unwrap().set_len(65 * 1024 * 1024).unwrap();
    let ended = data.run(&["import", huge.to_str().unwrap()]);
    assert!(ended.out.contains("at most 67108864 are read"), "{ended:?}");
    let inside = data.json(&["import", data.files().to_str().unwrap()]);
    assert_eq!((&inside["passed_over"], &inside["refused"]), (&json!(1), &json!(0)));

    // More than one piece: the places are those of the whole file.
    let count = 1_200;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let head = bundle(0, count);
    let path = data.outside("bundle", format!("{head}{broken}{}", bundle(count, 10)));
    assert!(fs::metadata(&path).unwrap().len() > 1024 * 1024);
    let ended = data.run(&["import", path.to_str().unwrap(), "--output", "json"]);
    let report = ended.json();
    assert_eq!((&report["imported"], &report["refused"]), (&json!(count + 10), &json!(1)), "{report}");
    assert_eq!(report["refusals"][0]["place"], format!("line {}", head.lines().count() + 1));
    assert_eq!(report["certificates"].as_array().unwrap().len(), 1_000);
    let listed = data.json(&["list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1_210, "all pages");
    assert_eq!(listed[1_209]["id"], 1_210);
}

#[test]
fn standard_input_is_a_path() {
    let data = Data::new();
    let path = data.outside("bundle.pem", bundle(0, 2));
    let input = Stdio::from(File::open(&path).unwrap());
    let ended = run_reading(&mut data.command(&["import", "-"]), input).ok();
    assert_eq!(ended.out, "2 imported, 0 already held, 0 refused\n");
}

#[test]
fn keys_find_their_certificates_wherever_those_are() {
    let data = Data::new();
    let (certificate, key) = with_key("www.example.com");
    let (_, stray) = with_key("nobody");
    data.outside("keys/a.key", key);
    let certificate = data.outside("later/z.crt", certificate);
    let files = data.files();

    let left = data.json(&["import", files.to_str().unwrap(), "--no-keys"]);
    assert_eq!((&left["imported"], &left["keys_imported"]), (&json!(1), &json!(0)));
    assert_eq!(data.json(&["show", "1"])["has_private_key"], false);
    let taken = data.json(&["import", files.to_str().unwrap()]);
    assert_eq!((&taken["already_held"], &taken["keys_imported"]), (&json!(1), &json!(1)), "{taken}");
    assert_eq!(data.json(&["show", "1"])["has_private_key"], true);
    let again = data.json(&["import", certificate.to_str().unwrap(), files.join("keys").to_str().unwrap()]);
    assert_eq!((&again["keys_imported"], &again["keys_already_held"]), (&json!(0), &json!(1)));

    let stray = data.outside("stray.key", stray);
    let refused = data.run(&["import", stray.to_str().unwrap()]);
    assert!(refused.out.contains("no certificate in the inventory belongs to this private key"), "{refused:?}");
    refused.refused(1);
}

#[test]
fn an_encrypted_file_needs_its_password() {
    let data = Data::new();
    let (certificate, key) = with_key("www.example.com");
    let (certificate, key) = (data.outside("pair/c.pem", certificate), data.outside("pair/k.pem", key));
    let file = data.files().join("bundle.p12");
    let mut openssl = Command::new("openssl");
    openssl.args(["pkcs12", "-export", "-passout", "pass:open sesame", "-out"]).arg(&file);
    openssl.arg("-in").arg(certificate).arg("-inkey").arg(key);
    assert!(openssl.status().expect("openssl is installed").success());
    let file = file.to_str().unwrap();

    let without = data.run(&["import", file]);
    assert!(without.out.contains("is encrypted; give its password"), "{without:?}");
    let wrong = data.outside("wrong", "open pepper\n");
    let wrong = data.run(&["import", file, "--password-file", wrong.to_str().unwrap()]);
    assert!(wrong.out.contains("password of the PKCS#12 file is wrong"), "{wrong:?}");
    let right = data.outside("right", "open sesame\n");
    let report = data.json(&["import", file, "--password-file", right.to_str().unwrap()]);
    assert_eq!((&report["imported"], &report["keys_imported"]), (&json!(1), &json!(1)), "{report}");
    let missing = data.run(&["import", file, "--password-file", "/does/not/exist"]);
    assert!(missing.refused(1).contains("/does/not/exist: no such file"));
}

#[test]
fn new_certificates_may_have_an_owner_and_a_source() {
    let data = Data::new();
    data.run(&["role", "add", "Web team"]).ok();
    let path = data.outside("bundle.pem", bundle(0, 2));
    let path = path.to_str().unwrap();
    let unknown = data.run(&["import", path, "--owner", "Nobody"]);
    assert!(unknown.refused(1).contains("there is no role \"Nobody\""));
    assert_eq!(data.json(&["list"]), json!([]));
    data.run(&["import", path, "--owner", "web TEAM", "--source", "the old server"]).ok();
    let owned = data.json(&["list", "--owner", "Web team"]);
    assert_eq!((owned.as_array().unwrap().len(), &owned[0]["source"]), (2, &json!("the old server")));
    assert_eq!(data.json(&["list", "--no-owner"]), json!([]));
}

#[test]
fn hostile_names_do_nothing_to_the_terminal() {
    let data = Data::new();
    let evil = "evil\u{202e}moc.elpmaxe\u{1b}[2J<script>'; DROP TABLE certificate; --\u{0}.\u{9b}31m";
    let (certificate, _) = with_key(evil);
    let path = data.outside("in/\u{1b}[31m\u{202e}../x\n.pem", certificate);
    let refused = data.outside("in/\u{1b}]0;title\u{7}.der", [0x30, 0x82, 0x01]);
    let quiet = |text: &str| !text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    for arguments in [
        vec!["import", path.to_str().unwrap(), refused.to_str().unwrap()],
        vec!["import", path.to_str().unwrap(), refused.to_str().unwrap(), "--output", "json"],
        vec!["list"],
        vec!["list", "--output", "json"],
        vec!["show", "1"],
        vec!["show", "1", "--output", "json"],
        vec!["events"],
        vec!["events", "--output", "json"],
        vec!["list", evil.split('\0').next().unwrap()],
    ] {
        let ended = data.run(&arguments);
        assert!(quiet(&ended.out) && quiet(&ended.err), "{arguments:?}: {ended:?}");
    }
    assert_eq!(data.json(&["list"]).as_array().unwrap().len(), 1);
    assert_eq!(data.json(&["verify"])["intact"], true);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let data = Data::new();
    let path = data.outside("bundle.pem", bundle(0, 600));
    data.run(&["import", path.to_str().unwrap()]).ok();
    let mut program = data.command(&["list", "--output", "json"]);
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let status = crate::support::wait(&mut child);
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
    assert!(status.success() && err.is_empty(), "{status} {err}");
    assert!(run(&mut data.command(&["verify"])).status.success(), "the directory is free again");
}
