//! Deriving rows again when the derivation has got better, or when an older version wrote them: behind, in chunks, from the first
//! certificate to the last. It decides nothing and is no event: facts follow from bytes.

use std::sync::LazyLock;

use certhold_store::{Tx, Value, params};

use super::counts::{self, Counts};
use super::derived::{self, DERIVATION, Derived};
use super::fields::{self, Field};
use super::import::Candidate;
use super::text_index;
use crate::error::Result;
use crate::ids::{CertificateId, RoleId};

/// Certificates derived again in one transaction.
const CHUNK: i64 = 128;

fn counter(tx: &mut Tx<'_>, name: &str) -> Result<i64> {
    Ok(tx.one("SELECT value FROM counter WHERE name = $1", params![name], |row| row.get(0))?.unwrap_or(0))
}

/// The next certificates whose rows are to be derived again, with their bytes; `None` when all are as this version derives them.
pub fn outdated(tx: &mut Tx<'_>) -> Result<Option<Vec<(CertificateId, Vec<u8>)>>> {
    if counter(tx, "derived")? >= DERIVATION {
        return Ok(None);
    }
    let from = counter(tx, "derived_to")?;
    let sql = "SELECT certificate, der FROM certificate_body WHERE certificate > $1 ORDER BY certificate LIMIT $2";
    Ok(Some(tx.rows(sql, params![from, CHUNK], |row| Ok((CertificateId(row.get(0)?), row.get(1)?)))?))
}

/// Keeps what was derived for what [`outdated`] gave; bytes that are no certificate any more keep their row. An empty list is the end.
pub fn rederived(tx: &mut Tx<'_>, chunk: &[(CertificateId, Option<Candidate>)]) -> Result<()> {
    let Some((last, _)) = chunk.last() else {
        if counts::complete(tx)? {
            return Ok(());
        }
        tx.execute("UPDATE counter SET value = $1 WHERE name = 'derived'", params![DERIVATION])?;
        tx.execute("UPDATE counter SET value = 0 WHERE name = 'derived_to'", params![])?;
        return Ok(());
    };
    for (id, candidate) in chunk {
        if let Some(candidate) = candidate {
            rewrite(tx, *id, candidate)?;
        }
    }
    tx.execute("UPDATE counter SET value = $1 WHERE name = 'derived_to'", params![*last])?;
    Ok(())
}

static SELECT: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT source, owner_role, lineage, {} FROM certificate WHERE id = $1", derived::COLUMNS.join(", "))
});

static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let sets: Vec<String> = (2..).zip(derived::COLUMNS).map(|(place, column)| format!("{column} = ${place}")).collect();
    format!("UPDATE certificate SET {} WHERE id = $1", sets.join(", "))
});

/// Replaces what follows from the bytes: row, index entries, counts.
fn rewrite(tx: &mut Tx<'_>, id: CertificateId, candidate: &Candidate) -> Result<()> {
    let row = tx.one(&SELECT, params![id], |row| {
        let (owner, lineage) = (row.get::<Option<i64>>(1)?.map(RoleId), row.get::<Option<i64>>(2)?);
        // Before the first derivation there is no thumbprint, and nothing was indexed or counted.
        let first = row.get::<Option<Vec<u8>>>(3)?.is_none();
        Ok((row.get::<String>(0)?, owner, lineage, first, Derived::read(row, 3)?))
    })?;
    // Removed meanwhile.
    let Some((source, owner, lineage, first, before)) = row else { return Ok(()) };
    let mut counts = Counts::default();
    if first {
        counts.owned(owner, 1);
        counts.expires(candidate.not_after(), lineage.is_some(), 1);
        counts.add(Field::Source, &source, 1);
    } else {
        let old = fields::values(&before, "");
        fields::counted(&old).for_each(|(field, value)| counts.add(field, value, -1));
        let terms: Vec<[Value<'_>; 2]> = fields::terms(&old).into_iter().map(|term| [term.into(), id.into()]).collect();
        tx.execute_many("DELETE FROM certificate_term WHERE term = $1 AND certificate = $2", &terms)?;
        counts.expires(before.not_after, lineage.is_some(), -1);
        counts.expires(candidate.not_after(), lineage.is_some(), 1);
    }
    candidate.counted().for_each(|(field, value)| counts.add(field, value, 1));
    counts::ends_elsewhere(tx, id, before.not_after, candidate.not_after(), &mut counts)?;
    counts.write(tx)?;

    let mut values: Vec<Value<'_>> = vec![id.into()];
    values.extend(candidate.columns());
    tx.execute(&UPDATE, &values)?;
    let from = first.then(|| fields::term(Field::Source, &fields::fold(&source)));
    let frequent = counts.frequent(tx)?;
    let terms = candidate.terms().chain(from).filter(|term| !frequent.contains(term));
    let terms: Vec<[Value<'_>; 2]> = terms.map(|term| [term.into(), id.into()]).collect();
    tx.execute_many("INSERT INTO certificate_term (term, certificate) VALUES ($1, $2) ON CONFLICT DO NOTHING", &terms)?;
    text_index::replace(tx, id)
}
