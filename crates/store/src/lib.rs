//! Where things are kept: one SQL text, two engines, one transaction type.
//!
//! A [`Store`] is a SQLite file or a PostgreSQL database. [`Store::read`] and [`Store::write`] take synchronous closures over a
//! [`Tx`]; statements are written once, with `$1`, `$2`, … for their parameters, in the SQL that both engines share. Writes are
//! serial on both: each takes the one write lock first. They are fast because the writer puts all that wait into one durable
//! commit, each behind its own savepoint, and answers them together.
//!
//! ```
//! use certhold_store::{Error, Location, Migration, Options, Store, params};
//!
//! const MIGRATIONS: &[Migration] = &[Migration {
//!     number: 1,
//!     name: "people",
//!     sql: "CREATE TABLE person (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE);",
//! }];
//!
//! # fn main() -> Result<(), Error> {
//! # let directory = tempfile::tempdir().unwrap();
//! let location = Location::Sqlite(directory.path().join("example.db"));
//! let store = Store::open(&location, MIGRATIONS, Options::default())?;
//! let name = String::from("Ada");
//! let id: Option<i64> = store.write_blocking(move |tx| {
//!     tx.one("INSERT INTO person (name) VALUES ($1) RETURNING id", params![&name], |row| row.get(0))
//! })?;
//! let found: Option<String> = store.read_blocking(move |tx| {
//!     tx.one("SELECT name FROM person WHERE id = $1", params![id], |row| row.get(0))
//! })?;
//! assert_eq!(found.as_deref(), Some("Ada"));
//! # Ok(())
//! # }
//! ```
//!
//! The store knows no table but its own two: the history of migrations, and the marker of each writer's last commit.

mod backup;
mod calls;
mod error;
mod lanes;
mod link;
mod location;
mod migrate;
mod postgres;
mod readers;
mod reply;
mod row;
mod sqlite;
mod statistics;
mod store;
pub mod transfer;
mod tx;
mod value;
mod words;
mod writer;

pub use error::Error;
pub use link::Engine;
pub use location::Location;
pub use migrate::Migration;
pub use row::{FromRow, Row};
pub use statistics::Statistics;
pub use store::{Options, Store};
pub use tx::Tx;
pub use value::Value;
