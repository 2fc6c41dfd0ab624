//! What becomes of the values when a field gets another type or other options.

use certhold_store::{Tx, Value, params};

use super::field::Field;
use super::fields::{FieldCommand, checked, count, find};
use super::value::{Rules, Typed};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, MetadataFieldId};
use crate::limits;

/// What a change of a field would mean for its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// Certificates with a value.
    pub values: i64,
    /// Values that do not fit.
    pub misfits: i64,
    /// Some of them.
    pub examples: Vec<Misfit>,
}

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Whose value it is.
    pub certificate: CertificateId,
    /// The value.
    pub value: String,
    /// Why it does not fit.
    pub reason: String,
}

/// Says of every value of a field whether it would fit, without changing anything.
pub fn conversion(tx: &mut Tx<'_>, actor: &Actor, id: MetadataFieldId, command: &FieldCommand) -> Result<Conversion> {
    access::require_path(tx, actor, paths::METADATA_TYPES_READ)?;
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    find(tx, id)?;
    let field = checked(command, id)?;
    let mut found = Conversion::default();
    each(tx, &field, |certificate, value, fits| {
        found.values += 1;
        if let Err(reason) = fits {
            found.misfits += 1;
            if found.examples.len() < limits::EXAMPLES {
                found.examples.push(Misfit { certificate, value: value.to_owned(), reason });
            }
        }
    })?;
    Ok(found)
}

fn each(tx: &mut Tx<'_>, field: &Field, mut visit: impl FnMut(CertificateId, &str, Result<Typed, String>)) -> Result<()> {
    let rules = Rules::of(field);
    tx.each(
        "SELECT certificate, value FROM certificate_metadata WHERE field = $1 ORDER BY sort, certificate",
        params![field.id],
        |row| {
            let (certificate, value) = (CertificateId(row.get(0)?), row.text(1)?);
            visit(certificate, value, rules.check(value));
            Ok(())
        },
    )?;
    Ok(())
}

/// Rewrites the values of a field that is about to be another one; refuses when one of them does not fit.
pub(super) fn apply(tx: &mut Tx<'_>, before: &Field, after: &Field) -> Result<()> {
    if before.kind == after.kind && after.options == before.options {
        return Ok(());
    }
    let values = count(tx, before.id)?;
    if values > limits::METADATA_CONVERTED {
        let message = format!(
            "{values} certificates have a value in {:?}: a field with more than {} keeps its type and options; make a new field and fill it \
             with an edit of many certificates",
            before.name,
            limits::METADATA_CONVERTED
        );
        return Err(Refusal::Conflict(message).into());
    }
    // Which values an expression admits is asked of new values only.
    let unchecked = Field { validation: String::new(), ..after.clone() };
    let (mut updates, mut misfits, mut example) = (Vec::new(), 0, None);
    each(tx, &unchecked, |certificate, value, fits| match fits {
        Ok(typed) => updates.push((certificate, typed)),
        Err(reason) => {
            misfits += 1;
            example.get_or_insert_with(|| format!("certificate {certificate} has {value:?}: {reason}"));
        }
    })?;
    if let Some(example) = example {
        let message = format!("{misfits} of {values} values of {:?} do not fit: {example}", before.name);
        return Err(Refusal::Conflict(message).into());
    }
    let lists: Vec<[Value<'_>; 5]> = updates
        .iter()
        .map(|(certificate, typed)| {
            [Value::from(&typed.text), Value::from(&typed.sort), typed.number.into(), (*certificate).into(), before.id.into()]
        })
        .collect();
    tx.execute_many(
        "UPDATE certificate_metadata SET value = $1, sort = $2, number = $3 WHERE certificate = $4 AND field = $5",
        &lists,
    )?;
    Ok(())
}
