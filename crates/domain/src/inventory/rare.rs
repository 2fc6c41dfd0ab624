//! Values that were frequent and have become rare: their entries in the index of terms are made again, behind, so that they lead
//! searches again.

use certhold_store::{Tx, Value, params};

use super::conditions::{Conditions, LEADING};
use super::equal;
use super::fields::{Field, fold, term};
use crate::error::Result;

/// Certificates that a value has at most to be rare.
const RARE: i64 = LEADING / 2;

/// A value with all certificates that have it.
#[derive(Clone, Debug)]
pub struct Rare {
    term: i64,
    certificates: Vec<i64>,
    /// The newest certificate then.
    last: i64,
}

const LAST: &str = "SELECT value FROM counter WHERE name = 'last_certificate'";

/// The next value that is marked frequent and is not any more. Finding its certificates is a walk through all of them.
pub fn rare(tx: &mut Tx<'_>) -> Result<Option<Rare>> {
    // What is only counted has no entries to be made again.
    let sql = "SELECT field, value FROM facet WHERE frequent AND count <= $1 AND field <> $2 AND field <> $3 AND field <> $4 \
        AND (SELECT sum(other.count) FROM facet AS other WHERE other.term = facet.term) <= $1 LIMIT 1";
    let [severity, key, owner] = [Field::Severity, Field::Key, Field::Owner].map(Field::number);
    let found = tx.one(sql, params![RARE, severity, key, owner], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    let Some((number, value)) = found else { return Ok(None) };
    let Some(field) = Field::of_number(number).filter(|field| field.has_terms()) else { return Ok(None) };
    let term = term(field, &fold(&value));
    // As rows have it: folded, or in every spelling.
    let spelled = match field {
        Field::Issuer | Field::IssuerName => vec![fold(&value)],
        _ => tx.rows("SELECT value FROM facet WHERE term = $1", params![term], |row| row.get::<String>(0))?,
    };
    let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
    let mut wanted = Conditions::default();
    let Some(test) = equal::row(&mut wanted, field, &spelled) else { return Ok(None) };
    let limit = wanted.bind(RARE + 1);
    let (sql, values) = wanted.statement(&format!("SELECT id FROM certificate WHERE {test} LIMIT {limit}"));
    let certificates = tx.rows(&sql, &values, |row| row.get(0))?;
    let last = tx.one(LAST, params![], |row| row.get(0))?.unwrap_or(0);
    Ok(Some(Rare { term, certificates, last }))
}

/// Enters what [`rare`] found; nothing when certificates came or went meanwhile: it is found again.
pub fn index_rare(tx: &mut Tx<'_>, rare: &Rare) -> Result<()> {
    let last: i64 = tx.one(LAST, params![], |row| row.get(0))?.unwrap_or(0);
    if last != rare.last {
        return Ok(());
    }
    // Those that went meanwhile took nothing with them that is entered below.
    let lists: Vec<[Value<'_>; 1]> = rare.certificates.iter().map(|id| [(*id).into()]).collect();
    let held = tx.one_of_each("SELECT id FROM certificate WHERE id = $1", &lists, |row| row.get::<i64>(0))?;
    let held: Vec<i64> = held.into_iter().flatten().collect();
    let entries: Vec<[Value<'_>; 2]> = held.iter().map(|id| [rare.term.into(), (*id).into()]).collect();
    tx.execute_many("INSERT INTO certificate_term (term, certificate) VALUES ($1, $2) ON CONFLICT DO NOTHING", &entries)?;
    tx.execute("UPDATE facet SET frequent = FALSE WHERE term = $1", params![rare.term])?;
    Ok(())
}
