//! The benchmark program as it is called, end to end, with an inventory so small that its numbers mean nothing.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test stops at the first surprise, with the reason in the panic")]

use std::path::Path;
use std::process::{Command, Output};

fn certhold_benches(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_certhold-benches")).args(arguments).output().expect("the program can be started")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("the table is text")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

#[test]
fn every_benchmark_gives_its_rows() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let table =
        text(&certhold_benches(&["--certificates", "600", "--seconds", "0.3", "--markdown", "--directory", path(place.path())]));
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let row = |begin: &str| {
        rows.iter().find(|row| row.len() == 7 && row[1].starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {table}"))
    };
    for measured_beside_a_limit in ["describe", "import", "verify", "read one", "change an owner"] {
        let row = row(measured_beside_a_limit);
        assert!(row[2].contains("/s") && row[3].contains("/s"), "{row:?}");
        assert!(row[4].parse::<f64>().expect("a ratio") > 0.0, "{row:?}");
        assert!(row[5].starts_with('≥'), "{row:?}");
    }
    for other in [
        "list: first page",
        "home page",
        "list of 1,000 identity certificates",
        "read one identity",
        "read a PKCS#12 file",
        "resident memory, idle",
        "start with 600",
        "plan the renewals of a day over 1,600",
    ] {
        row(other);
    }
    assert!(table.contains("| processor |") && table.contains("| SQLite |"), "{table}");
    assert_eq!(std::fs::read_dir(place.path()).expect("it is a directory").count(), 0, "something was left behind");
}

#[test]
fn a_demonstration_is_made_once() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let data = place.path().join("data");
    let demo = ["demo", "--data", path(&data), "--certificates", "300"];
    assert!(text(&certhold_benches(&demo)).starts_with("300 certificates and 6 roles are in "));
    let connection = rusqlite::Connection::open(data.join("certhold.db")).expect("it is a database");
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("an answer");
    assert_eq!(count("SELECT count(*) FROM certificate"), 300);
    assert_eq!(count("SELECT count(*) FROM event WHERE operation = 'certificate.imported'"), 300);
    assert!(count("SELECT count(DISTINCT owner_role) FROM certificate") > 0);
    let again = certhold_benches(&demo);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds 300 certificates already"));
}

#[test]
fn an_unknown_benchmark_is_refused_with_the_known_ones() {
    let refused = certhold_benches(&["--only", "everything"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("choose of describe, import, verify"));
}
