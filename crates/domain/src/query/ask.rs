//! What faces ask about queries themselves: whether one is right, and what could stand next.

use certhold_store::{Tx, params};

use super::catalogue::Catalogue;
use super::complete::{Completions, complete};
use super::field::FieldId;
use super::{Query, QueryError, fold};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::Result;
use crate::inventory::Field as Indexed;
use crate::metadata;
use crate::private_ca::Profile;

/// Values of a field offered on completion.
const VALUES: i64 = 20;

/// The fields of this installation.
pub fn catalogue(tx: &mut Tx<'_>) -> Result<Catalogue> {
    Ok(Catalogue::new(metadata::entries(tx)?))
}

/// Reads a query against the fields of this installation; for whoever is somebody.
pub fn check(tx: &mut Tx<'_>, text: &str) -> Result<Result<Query, QueryError>> {
    Ok(Query::parse(text, &catalogue(tx)?))
}

/// What could be written at `cursor` (characters before it). Values that certificates have are offered to whoever may see every
/// certificate; roles that own none only to whoever may read security, or holds them.
pub fn completions(tx: &mut Tx<'_>, actor: &Actor, text: &str, cursor: usize) -> Result<Completions> {
    let catalogue = catalogue(tx)?;
    let sees_values = access::allows(tx, actor, paths::CERTIFICATES_READ)?;
    let mut failed = None;
    let mut values = |field: FieldId, typed: &str| {
        if !sees_values {
            return Vec::new();
        }
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

/// Values that begin with a text, where an index or a short list finds them at once.
fn values(tx: &mut Tx<'_>, actor: &Actor, field: FieldId, typed: &str) -> Result<Vec<String>> {
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
        FieldId::StoreContainer => {
            return named(tx, "SELECT name FROM container WHERE folded >= $1 AND folded < $2 ORDER BY folded LIMIT $3", typed);
        }
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
    let sql = "SELECT value FROM facet WHERE field = $1 AND count > 0 ORDER BY count DESC LIMIT 500";
    let all: Vec<String> = tx.rows(sql, params![counted as i64], |row| row.get(0))?;
    let (begin, rest): (Vec<String>, Vec<String>) = all.into_iter().partition(|value| fold(value).starts_with(typed));
    let inside = rest.into_iter().filter(|value| fold(value).contains(typed));
    Ok(begin.into_iter().chain(inside).take(usize::try_from(VALUES).unwrap_or(20)).collect())
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
