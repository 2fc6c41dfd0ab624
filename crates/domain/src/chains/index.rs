//! The index of certificates that may issue: by the digests of subject and issuer, with key identifiers.

use certhold_pki::graph::{Names, may_issue};
use certhold_store::{Tx, Value, params};

use crate::error::Result;
use crate::ids::CertificateId;

/// Certificates looked at in one transaction of the backfill.
const BACKFILL_ROWS: i64 = 1_000;

/// Indexes those of new certificates that may issue others.
pub(crate) fn index(tx: &mut Tx<'_>, new: &[(CertificateId, &[u8])]) -> Result<()> {
    let rows: Vec<[Value<'_>; 5]> = new.iter().filter(|(_, der)| may_issue(der)).filter_map(|(id, der)| row(*id, der)).collect();
    if !rows.is_empty() {
        tx.execute_many(
            "INSERT INTO authority (certificate, subject, issuer, key_id, authority_key_id) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (certificate) DO NOTHING",
            &rows,
        )?;
    }
    Ok(())
}

fn row(id: CertificateId, der: &[u8]) -> Option<[Value<'static>; 5]> {
    let names = Names::of(der).ok()?;
    let bytes = |bytes: &[u8]| Value::from(bytes.to_vec());
    Some([
        id.into(),
        bytes(&names.subject),
        bytes(&names.issuer),
        names.key_id.as_deref().map_or(Value::Null, bytes),
        names.authority_key_id.as_deref().map_or(Value::Null, bytes),
    ])
}

/// Takes a certificate out of the index.
pub(crate) fn forget(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    tx.execute("DELETE FROM authority WHERE certificate = $1", params![id])?;
    Ok(())
}

/// The last certificate that was looked at, and the last one that is to be.
fn progress(tx: &mut Tx<'_>) -> Result<(i64, i64)> {
    let counter = |tx: &mut Tx<'_>, name: &str| -> Result<i64> {
        Ok(tx.one("SELECT value FROM counter WHERE name = $1", params![name], |row| row.get(0))?.unwrap_or(0))
    };
    Ok((counter(tx, "authorities_to")?, counter(tx, "authorities_until")?))
}

/// Whether [`backfill`] has something to do.
pub fn is_behind(tx: &mut Tx<'_>) -> Result<bool> {
    let (done, until) = progress(tx)?;
    Ok(done < until)
}

/// Indexes authorities that were held before there was an index, a part at a time; `false` when there is nothing left to do.
pub fn backfill(tx: &mut Tx<'_>) -> Result<bool> {
    let (done, until) = progress(tx)?;
    if done >= until {
        return Ok(false);
    }
    let found = tx.rows(
        "SELECT certificate, der FROM certificate_body WHERE certificate > $1 AND certificate <= $2 ORDER BY certificate LIMIT $3",
        params![done, until, BACKFILL_ROWS],
        |row| Ok((CertificateId(row.get(0)?), row.get::<Vec<u8>>(1)?)),
    )?;
    let to = found.last().map_or(until, |(id, _)| id.0);
    let found: Vec<(CertificateId, &[u8])> = found.iter().map(|(id, der)| (*id, der.as_slice())).collect();
    index(tx, &found)?;
    tx.execute("UPDATE counter SET value = $1 WHERE name = 'authorities_to'", params![to])?;
    Ok(to < until)
}
