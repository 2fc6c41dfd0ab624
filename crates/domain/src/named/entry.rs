//! The entries themselves: found, listed, removed.

use certhold_store::{Row, Tx, params};
use serde_json::json;

use crate::access::{self, Decision, Need, paths};
use crate::actor::Actor;
use crate::core::Entropy;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, LineageId, NamedId};
use crate::inventory::among;
use crate::limits;

/// What kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A certificate with its private key.
    Identity,
    /// A certificate that is trusted.
    Trust,
}

impl Kind {
    /// The name in the database, events and APIs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Identity => "identity",
            Kind::Trust => "trust",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Kind::Identity => "identity certificate",
            Kind::Trust => "trust certificate",
        }
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub id: NamedId,
    /// Its identifier in addresses.
    pub handle: String,
    /// What kind.
    pub kind: Kind,
    /// The name, as it was given; unique among its kind without regard to case.
    pub name: String,
    /// What it stands for now.
    pub certificate: CertificateId,
    /// That certificate's SHA-256.
    pub sha256: [u8; 32],
    /// How often it came to stand for another certificate, from 1.
    pub version: i64,
    /// The managed certificate that it follows.
    pub lineage: Option<LineageId>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// When it came to stand for the present certificate, unix milliseconds.
    pub changed_at: i64,
}

/// What an entry stood for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub version: i64,
    /// The certificate.
    pub certificate: CertificateId,
    /// Since when, unix milliseconds.
    pub since: i64,
}

/// The most octets of an identifier that is looked up.
pub const HANDLE_BYTES: usize = 64;

/// A fresh identifier: `c` and twenty letters or digits.
pub fn handle(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::from("c");
    while text.len() < 21 {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        // 252 is the largest multiple of 36 in an octet: above it some letters would be likelier than others.
        let even = bytes.iter().filter(|byte| **byte < 252).map(|byte| char::from(ALPHABET[usize::from(byte % 36)]));
        text.extend(even.take(21 - text.len()));
    }
    text
}

/// What seeing entries needs.
pub(crate) fn reading() -> Need {
    Need::system(paths::NAMED_READ).or_system(paths::NAMED_MODIFY)
}

/// Refuses whoever may not see entries.
pub fn require_read(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require(tx, actor, &reading())
}

/// Refuses whoever may not change entries.
pub fn require_modify(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require_path(tx, actor, paths::NAMED_MODIFY)
}

/// Whether the actor is an administrator, and whether they may change and see entries: for faces that tell people what they may do.
pub fn rights(tx: &mut Tx<'_>, actor: &Actor) -> Result<(bool, bool, bool)> {
    let held = access::held(tx, actor)?;
    let may = |need: &Need| matches!(held.evaluate(need), Decision::Allowed { .. });
    let everything = may(&Need::system(paths::ALL));
    Ok((everything, may(&Need::system(paths::NAMED_MODIFY)), may(&reading())))
}

pub(super) const SELECT: &str = "SELECT named_certificate.id, named_certificate.handle, named_certificate.kind, named_certificate.name, \
    named_certificate.certificate, certificate.sha256, named_certificate.version, named_certificate.lineage, \
    named_certificate.created_at, named_certificate.changed_at FROM named_certificate \
    JOIN certificate ON certificate.id = named_certificate.certificate";

pub(super) fn read(row: &Row<'_>) -> Result<Named, certhold_store::Error> {
    Ok(Named {
        id: NamedId(row.get(0)?),
        handle: row.get(1)?,
        kind: if row.text(2)? == "identity" { Kind::Identity } else { Kind::Trust },
        name: row.get(3)?,
        certificate: CertificateId(row.get(4)?),
        sha256: row.get(5)?,
        version: row.get(6)?,
        lineage: row.get::<Option<i64>>(7)?.map(LineageId),
        created_at: row.get(8)?,
        changed_at: row.get(9)?,
    })
}

/// All entries of a kind, the oldest first: [`limits::NAMED`] bounds their number.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, kind: Kind) -> Result<Vec<Named>> {
    require_read(tx, actor)?;
    let sql = format!("{SELECT} WHERE named_certificate.kind = $1 ORDER BY named_certificate.id");
    Ok(tx.rows(&sql, params![kind.name()], read)?)
}

/// One entry.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, kind: Kind, handle: &str) -> Result<Named> {
    require_read(tx, actor)?;
    find(tx, kind, handle)
}

pub(super) fn find(tx: &mut Tx<'_>, kind: Kind, handle: &str) -> Result<Named> {
    let missing = || Refusal::not_found(kind.noun(), handle.chars().take(HANDLE_BYTES).collect::<String>());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if handle.is_empty() || handle.len() > HANDLE_BYTES || !handle.bytes().all(plain) {
        return Err(missing().into());
    }
    let sql = format!("{SELECT} WHERE named_certificate.handle = $1 AND named_certificate.kind = $2");
    Ok(tx.one(&sql, params![handle.to_ascii_lowercase(), kind.name()], read)?.ok_or_else(missing)?)
}

pub(super) fn find_by_name(tx: &mut Tx<'_>, kind: Kind, name: &str) -> Result<Option<Named>> {
    let sql = format!("{SELECT} WHERE named_certificate.kind = $1 AND named_certificate.folded = $2");
    Ok(tx.one(&sql, params![kind.name(), crate::text::fold(name)], read)?)
}

/// The bytes of certificates that entries stand for, in no order. At most [`limits::PAGE_ROWS`] at once.
pub fn bodies(tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId]) -> Result<Vec<(CertificateId, Vec<u8>)>> {
    require_read(tx, actor)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (places, values) = among(ids.get(..limits::PAGE_ROWS).unwrap_or(ids));
    let sql = format!(
        "SELECT certificate, der FROM certificate_body WHERE certificate IN ({places}) \
         AND EXISTS (SELECT 1 FROM named_certificate WHERE named_certificate.certificate = certificate_body.certificate)"
    );
    Ok(tx.rows(&sql, &values, |row| Ok((CertificateId(row.get(0)?), row.get(1)?)))?)
}

/// What an entry stood for, newest first, as far as those certificates are still held.
pub fn versions(tx: &mut Tx<'_>, actor: &Actor, entry: &Named) -> Result<Vec<Version>> {
    require_read(tx, actor)?;
    let sql = "SELECT version, certificate, since FROM named_version WHERE named = $1 ORDER BY version DESC LIMIT 1000";
    let read = |row: &Row<'_>| Ok(Version { version: row.get(0)?, certificate: CertificateId(row.get(1)?), since: row.get(2)? });
    Ok(tx.rows(sql, params![entry.id], read)?)
}

/// Removes an entry that is assigned nowhere. The certificate and its key stay where they are, in the inventory and in custody.
pub fn delete(tx: &mut Tx<'_>, actor: &Actor, kind: Kind, handle: &str, now: i64) -> Result<()> {
    require_modify(tx, actor)?;
    let entry = find(tx, kind, handle)?;
    let place: Option<String> =
        tx.one("SELECT place FROM assignment WHERE named = $1 ORDER BY place LIMIT 1", params![entry.id], |row| row.get(0))?;
    if let Some(place) = place {
        let place = super::Place::parse(&place)?.described();
        let why = format!("the certificate {:?} is assigned to {place}: assign another one first", entry.name);
        return Err(Refusal::Conflict(why).into());
    }
    tx.execute("DELETE FROM named_version WHERE named = $1", params![entry.id])?;
    tx.execute("DELETE FROM named_certificate WHERE id = $1", params![entry.id])?;
    let payload = json!({ "before": {
        "kind": kind.name(), "handle": entry.handle, "certificate": entry.certificate, "version": entry.version,
        "managed": entry.lineage,
    }});
    let object = Object::new("named_certificate", entry.id.0, &entry.name);
    events::append(tx, actor, now, NewEvent::new(names::NAMED_DELETED, object, payload))?;
    Ok(())
}
