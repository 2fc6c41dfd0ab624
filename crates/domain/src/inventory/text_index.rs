//! The index for parts of texts. It is filled behind, in bulk, since each certificate costs it more than its whole import; a
//! search unites what it knows with the certificates that came since.

use std::sync::LazyLock;

use certhold_store::{Tx, Value, params};

use super::conditions::Conditions;
use super::derived::{self, Derived};
use crate::error::Result;
use crate::ids::CertificateId;

/// Certificates entered in one transaction.
const CHUNK: i64 = 256;

const TEXT_KEY: &str = Tx::TEXT_KEY;

static INSERT: LazyLock<String> = LazyLock::new(|| format!("INSERT INTO certificate_text ({TEXT_KEY}, body) VALUES ($1, $2)"));

const LAST: &str = "SELECT value FROM counter WHERE name = 'text_indexed'";

/// A query for the ids of at least all certificates in whose texts `folded` occurs; `None` when it is too short for the index.
pub(super) fn candidates(tx: &mut Tx<'_>, wanted: &mut Conditions, folded: &str) -> Result<Option<String>> {
    let Some((condition, value)) = tx.occurs("certificate_text", folded) else { return Ok(None) };
    let last: i64 = tx.one(LAST, params![], |row| row.get(0))?.unwrap_or(0);
    let condition = condition.replace('?', &wanted.bind(value));
    let last = wanted.bind(last);
    Ok(Some(format!(
        "SELECT certificate FROM (SELECT {TEXT_KEY} AS certificate FROM certificate_text WHERE {condition} \
         UNION ALL SELECT id FROM certificate WHERE id > {last}) AS candidate"
    )))
}

/// Enters a certificate anew after its row has changed, if it was entered before.
pub(super) fn replace(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    let last: i64 = tx.one(LAST, params![], |row| row.get(0))?.unwrap_or(0);
    if id.0 > last {
        return Ok(());
    }
    let sql = format!("SELECT {} FROM certificate WHERE id = $1", derived::COLUMNS.join(", "));
    let body = tx.one(&sql, params![id], |row| Ok(Derived::read(row, 0)?.body()))?;
    remove(tx, id)?;
    if let Some(body) = body {
        tx.execute(&INSERT, params![id, body])?;
    }
    Ok(())
}

/// Takes a certificate out of the index.
pub(super) fn remove(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    tx.execute(&format!("DELETE FROM certificate_text WHERE {TEXT_KEY} = $1"), params![id])?;
    Ok(())
}

/// Whether [`fill`] would enter something: a cheap look before taking the write lock.
pub fn is_behind(tx: &mut Tx<'_>) -> Result<bool> {
    let last: i64 = tx.one(LAST, params![], |row| row.get(0))?.unwrap_or(0);
    Ok(tx.one("SELECT id FROM certificate WHERE id > $1 LIMIT 1", params![last], |row| row.get::<i64>(0))?.is_some())
}

/// Enters the next certificates; says whether more wait. To be called again and again, in the bulk lane.
pub fn fill(tx: &mut Tx<'_>) -> Result<bool> {
    let last: i64 = tx.one(LAST, params![], |row| row.get(0))?.unwrap_or(0);
    let columns = derived::COLUMNS.join(", ");
    let sql = format!("SELECT id, {columns} FROM certificate WHERE id > $1 ORDER BY id LIMIT $2");
    let bodies = tx.rows(&sql, params![last, CHUNK], |row| Ok((row.get::<i64>(0)?, Derived::read(row, 1)?.body())))?;
    let Some((newest, _)) = bodies.last() else { return Ok(false) };
    tx.execute("UPDATE counter SET value = $1 WHERE name = 'text_indexed'", params![*newest])?;
    let more = i64::try_from(bodies.len()).is_ok_and(|entered| entered == CHUNK);
    let rows: Vec<[Value<'_>; 2]> = bodies.iter().map(|(id, body)| [(*id).into(), body.into()]).collect();
    tx.execute_many(&INSERT, &rows)?;
    Ok(more)
}
