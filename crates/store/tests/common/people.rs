//! A small schema and what every story does with it.

use certhold_store::{Error, Migration, Store, Tx, params};

pub const SCHEMA: &[Migration] = &[Migration {
    number: 1,
    name: "people",
    sql: "CREATE TABLE person (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL, realm TEXT, key BYTEA, alive BOOLEAN, \
            born BIGINT CHECK (born > 0), UNIQUE (name, realm));\
          CREATE TABLE pet (id BIGSERIAL PRIMARY KEY, owner BIGINT NOT NULL REFERENCES person (id), name TEXT NOT NULL);\
          CREATE UNIQUE INDEX pet_name ON pet (owner, name) WHERE name <> '';\
          CREATE TABLE tally (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL) /* clustered */;\
          INSERT INTO tally (name, value) VALUES ('head', 0);",
}];

pub fn insert(tx: &mut Tx<'_>, name: &str) -> Result<i64, Error> {
    let id = tx.one("INSERT INTO person (name, realm) VALUES ($1, $2) RETURNING id", params![name, "r"], |row| row.get(0))?;
    Ok(id.expect("an id"))
}

pub fn names(store: &Store) -> Vec<String> {
    store
        .read_blocking(|tx| tx.rows("SELECT name FROM person ORDER BY id", params![], |row| row.get(0)))
        .unwrap_or_else(|error: Error| panic!("{error}"))
}
