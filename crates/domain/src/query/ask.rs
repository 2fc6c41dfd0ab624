//! What faces ask about queries themselves: whether one is right, and what could stand next.

use certhold_store::{Tx, params};

use super::catalogue::Catalogue;
use super::complete::{Completions, complete};
use super::field::FieldId;
use super::{Query, QueryError, fold};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::inventory::{self, Field as Indexed};
use crate::private_ca::Profile;
use crate::{metadata, stores};

/// Values of a field offered on completion.
const VALUES: i64 = 20;

/// Values of a counted field, the most frequent ones, among which they are looked for.
const COUNTED: usize = 500;

/// The fields of this installation.
pub fn catalogue(tx: &mut Tx<'_>) -> Result<Catalogue> {
    Ok(Catalogue::new(metadata::entries(tx)?))
}

/// Reads a query against the fields of this installation; for whoever is somebody.
pub fn check(tx: &mut Tx<'_>, text: &str) -> Result<Result<Query, QueryError>> {
    Ok(Query::parse(text, &catalogue(tx)?))
}

/// What could be written at `cursor` (characters before it). Values that certificates have are offered to whoever may see every
/// certificate, names of other things to whoever may see the lists of them; of roles without certificates only those that one holds.
pub fn completions(tx: &mut Tx<'_>, actor: &Actor, text: &str, cursor: usize) -> Result<Completions> {
    let catalogue = catalogue(tx)?;
    let mut failed = None;
    let mut values = |field: FieldId, typed: &str| {
        values(tx, actor, field, &fold(typed)).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        })
    };
    let found = complete(text, cursor, &catalogue, &mut values);
    match failed {
        Some(error) => Err(error),
        None => Ok(found),
    }
}

/// The right that the list of what a field names asks for.
fn right(field: FieldId) -> &'static str {
    match field {
        FieldId::Authority => paths::ISSUERS_READ,
        FieldId::ManagedName => paths::RENEWAL_READ,
        _ => paths::CERTIFICATES_READ,
    }
}

/// Values with a text in them, where an index or a short list finds them at once: those that begin so, then the others.
fn values(tx: &mut Tx<'_>, actor: &Actor, field: FieldId, typed: &str) -> Result<Vec<String>> {
    if matches!(field, FieldId::StoreContainer | FieldId::StoreMachine | FieldId::StorePath) {
        // Who may see which of them is told where they are listed.
        return Ok(fitting(stores::texts_of(tx, actor, field)?, typed));
    }
    if !access::allows(tx, actor, right(field))? {
        return Ok(Vec::new());
    }
    let counted = match field {
        FieldId::IssuerDn => Indexed::Issuer,
        FieldId::IssuerCn => Indexed::IssuerName,
        FieldId::KeyAlgorithm => Indexed::KeyAlgorithm,
        FieldId::KeySize => Indexed::KeyBits,
        FieldId::Curve => Indexed::Curve,
        FieldId::SigningAlgorithm => Indexed::SignatureAlgorithm,
        FieldId::Finding => Indexed::Finding,
        FieldId::Source => Indexed::Source,
        FieldId::IssuedCn | FieldId::San => return common_names(tx, typed),
        FieldId::OwnerRoleName => return owners(tx, actor, typed),
        FieldId::Authority => {
            return named(tx, "SELECT name FROM private_ca WHERE folded >= $1 AND folded < $2 ORDER BY folded LIMIT $3", typed);
        }
        FieldId::TemplateName => return Ok(templates(Profile::name, typed)),
        FieldId::TemplateTitle => return Ok(templates(Profile::title, typed)),
        FieldId::ManagedName => {
            return named(tx, "SELECT name FROM lineage WHERE folded >= $1 AND folded < $2 ORDER BY folded LIMIT $3", typed);
        }
        _ => return Ok(Vec::new()),
    };
    let all = inventory::most(tx, counted, COUNTED)?.into_iter().map(|counted| counted.value);
    let mut found = fitting(all, typed);
    if field == FieldId::IssuerCn {
        let mut names = Vec::with_capacity(found.len());
        for name in found {
            if inventory::is_issuer_name(tx, &name)? {
                names.push(name);
            }
        }
        found = names;
    }
    Ok(found)
}

/// Those of these texts that have what was typed in them, the ones that begin so first.
fn fitting(all: impl IntoIterator<Item = String>, typed: &str) -> Vec<String> {
    let (begin, rest): (Vec<String>, Vec<String>) = all.into_iter().partition(|value| fold(value).starts_with(typed));
    let inside = rest.into_iter().filter(|value| fold(value).contains(typed));
    begin.into_iter().chain(inside).take(usize::try_from(VALUES).unwrap_or(20)).collect()
}

fn templates(name: fn(Profile) -> &'static str, typed: &str) -> Vec<String> {
    let names = Profile::ALL.iter().map(|row| name(row.2));
    names.filter(|name| fold(name).starts_with(typed)).map(str::to_owned).collect()
}

/// Names of roles: all of them for whoever may read security, else those that own certificates, and those that the actor holds.
fn owners(tx: &mut Tx<'_>, actor: &Actor, typed: &str) -> Result<Vec<String>> {
    if access::allows(tx, actor, paths::SECURITY_READ)? {
        return named(tx, "SELECT name FROM role WHERE folded >= $1 AND folded < $2 ORDER BY folded LIMIT $3", typed);
    }
    let mut found = tx.rows(
        "SELECT name FROM role WHERE folded >= $1 AND folded < $2 AND EXISTS (SELECT 1 FROM facet WHERE facet.field = $3 \
         AND facet.value = CAST(role.id AS TEXT) AND facet.count > 0) ORDER BY folded LIMIT $4",
        params![typed, after(typed), Indexed::Owner as i64, VALUES],
        |row| row.get::<String>(0),
    )?;
    let held = access::current(tx, actor)?;
    found.extend(held.roles.iter().map(|role| role.name.clone()).filter(|name| fold(name).starts_with(typed)));
    found.sort_by_cached_key(|name| fold(name));
    found.dedup();
    Ok(found)
}

fn common_names(tx: &mut Tx<'_>, typed: &str) -> Result<Vec<String>> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT MIN(common_name) FROM (SELECT common_name, common_name_folded FROM certificate \
        WHERE common_name_folded >= $1 AND common_name_folded < $2 ORDER BY common_name_folded LIMIT 500) AS near \
        GROUP BY common_name_folded ORDER BY common_name_folded LIMIT $3";
    named(tx, sql, typed)
}

fn named(tx: &mut Tx<'_>, sql: &str, typed: &str) -> Result<Vec<String>> {
    Ok(tx.rows(sql, params![typed, after(typed), VALUES], |row| row.get(0))?)
}

/// Every text that begins with `typed` is less than this one.
fn after(typed: &str) -> String {
    format!("{typed}\u{10FFFF}")
}
