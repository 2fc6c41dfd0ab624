//! Tests of what certificates are linked to (owners, stores, authorities): which of these fit is decided in memory, and their
//! certificates are found by the links.

use certhold_store::{Tx, params};

use super::compile::{Compiled, exact, never};
use super::conditions::Conditions;
use super::fields::fold;
use crate::error::{Refusal, Result};
use crate::query::{self, Test};

/// How certificates are linked to something with a name, of which there are few.
pub(super) struct Links {
    /// A query for the id and name of each.
    names: &'static str,
    /// Where the links are.
    kept: Kept,
}

enum Kept {
    /// In a column of the certificate, which has an index.
    Column(&'static str),
    /// In a table, which names the certificate in a column `certificate`, and the other side in this column.
    Table(&'static str, &'static str),
}

pub(super) const OWNERS: Links = Links { names: "SELECT id, name FROM role WHERE name <> ''", kept: Kept::Column("owner_role") };
pub(super) const MACHINES: Links =
    Links { names: "SELECT id, machine FROM certificate_store WHERE machine <> ''", kept: Kept::Table("store_item", "store") };
pub(super) const PATHS: Links =
    Links { names: "SELECT id, path FROM certificate_store WHERE path <> ''", kept: Kept::Table("store_item", "store") };
pub(super) const CONTAINERS: Links = Links {
    names: "SELECT certificate_store.id, container.name FROM certificate_store JOIN container ON container.id = certificate_store.container",
    kept: Kept::Table("store_item", "store"),
};
pub(super) const AUTHORITIES: Links =
    Links { names: "SELECT id, name FROM private_ca WHERE name <> ''", kept: Kept::Table("issued_certificate", "private_ca") };

/// Ids that a statement names at most: both engines have limits of their own, and these numbers stand in its text.
const FITTING: usize = 20_000;

impl Links {
    pub(super) fn test(&self, tx: &mut Tx<'_>, wanted: &mut Conditions, test: &Test) -> Result<Compiled> {
        if let (Kept::Column(column), Test::Set) = (&self.kept, test) {
            return Ok(exact(format!("certificate.{column} IS NOT NULL"), None));
        }
        let all = tx.rows(self.names, params![], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
        let fits = |name: &str| matches!(test, Test::Set) || query::text_fits(test, &fold(name));
        let mut fitting: Vec<i64> = all.iter().filter(|(_, name)| fits(name)).map(|(id, _)| *id).collect();
        fitting.sort_unstable();
        if fitting.is_empty() {
            return Ok(never());
        }
        if !wanted.names(fitting.len(), FITTING) {
            return Err(Refusal::invalid("query", "its parts fit too many roles, stores or authorities: ask for fewer").into());
        }
        let fitting: Vec<String> = fitting.iter().map(i64::to_string).collect();
        let fitting = fitting.join(", ");
        Ok(match self.kept {
            Kept::Column(column) => {
                let row = format!("certificate.{column} IN ({fitting})");
                let ids = format!("SELECT id AS certificate FROM certificate WHERE {row}");
                exact(row, Some(ids))
            }
            Kept::Table(table, column) => {
                let linked = format!("{table}.{column} IN ({fitting})");
                exact(
                    format!("EXISTS (SELECT 1 FROM {table} WHERE {table}.certificate = certificate.id AND {linked})"),
                    Some(format!("SELECT DISTINCT certificate FROM {table} WHERE {linked}")),
                )
            }
        })
    }
}
