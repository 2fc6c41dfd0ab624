//! The history of the tables: applied once, by one of several nodes, and never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod common;

use certhold_store::{Error, Migration, Store, params};
use common::Database;

on_both_engines!(
    missing_steps_are_applied_once,
    nodes_that_start_together_apply_each_step_once,
    a_failing_step_leaves_nothing,
    a_changed_step_is_refused,
    a_newer_database_is_refused,
    a_damaged_history_is_refused,
);

const fn step(number: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration { number, name, sql }
}

const FIRST: Migration =
    step(1, "first", "CREATE TABLE a (id BIGSERIAL PRIMARY KEY, name TEXT); INSERT INTO a (name) VALUES ('one');");
const SECOND: Migration =
    step(2, "second", "ALTER TABLE a ADD COLUMN note TEXT; INSERT INTO a (name, note) VALUES ('two', 'x');");

fn count(store: &Store) -> i64 {
    let count: Result<_, Error> = store.read_blocking(|tx| tx.one("SELECT count(*) FROM a", params![], |row| row.get(0)));
    count.unwrap().unwrap()
}

fn refusal(database: &Database, migrations: &[Migration]) -> String {
    let opened = database.open_with(migrations, certhold_store::Options::default());
    opened.err().expect("a refusal").to_string()
}

fn missing_steps_are_applied_once(database: Database) {
    assert_eq!(count(&database.open(&[FIRST])), 1);
    assert_eq!(count(&database.open(&[FIRST])), 1);
    assert_eq!(count(&database.open(&[FIRST, SECOND])), 2);
    assert_eq!(count(&database.open(&[FIRST, SECOND])), 2);
}

fn nodes_that_start_together_apply_each_step_once(database: Database) {
    let counts: Vec<i64> = std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..4).map(|_| scope.spawn(|| count(&database.open(&[FIRST, SECOND])))).collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect()
    });
    assert_eq!(counts, [2; 4]);
}

fn a_failing_step_leaves_nothing(database: Database) {
    let half = step(2, "half", "INSERT INTO a (name) VALUES ('lost'); INSERT INTO nowhere (x) VALUES (1);");
    assert!(refusal(&database, &[FIRST, half]).contains("nowhere"));
    assert_eq!(count(&database.open(&[FIRST])), 1, "the first step stays, nothing of the second");
}

fn a_changed_step_is_refused(database: Database) {
    drop(database.open(&[FIRST]));
    let changed = step(1, "first", "CREATE TABLE a (id BIGSERIAL PRIMARY KEY);");
    let refused = refusal(&database, &[changed, SECOND]);
    assert!(refused.contains("migration 1 (first) was applied with another text"), "{refused}");
}

fn a_newer_database_is_refused(database: Database) {
    drop(database.open(&[FIRST, SECOND]));
    let refused = refusal(&database, &[FIRST]);
    assert!(refused.contains("newer version") && refused.contains("migration 2, second"), "{refused}");
}

fn a_damaged_history_is_refused(database: Database) {
    let store = database.open(&[FIRST, SECOND]);
    let damaged: Result<u64, Error> =
        store.write_blocking(|tx| tx.execute("DELETE FROM store_migration WHERE number = 1", params![]));
    damaged.unwrap();
    drop(store);
    assert!(refusal(&database, &[FIRST, SECOND]).contains("migration 1 is missing"));
    assert!(refusal(&database, &[SECOND]).contains("out of order"));
}
