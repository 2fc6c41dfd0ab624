//! Trust sets: named sets of authorities that somebody trusts, and what they would say of a certificate.

use std::collections::BTreeSet;

use certhold_pki::trust::{self, Usage, Verdict, judge};
use certhold_store::{Row, Tx, Value, params};
use serde_json::json;

use super::above::{Above, above_in};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, TrustSetId};
use crate::inventory;
use crate::limits;
use crate::text;

/// A named set of authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSet {
    /// Its handle.
    pub id: TrustSetId,
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many certificates it has.
    pub members: i64,
    /// Since when there is it, unix milliseconds.
    pub created_at: i64,
}

/// A trust set as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSetCommand {
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The certificates that are trusted; each must be held and be an authority's.
    pub certificates: Vec<CertificateId>,
}

const COLUMNS: &str = "trust_set.id, trust_set.name, trust_set.description, trust_set.created_at, \
    (SELECT count(*) FROM trust_set_member WHERE trust_set_member.trust_set = trust_set.id)";

fn read(row: &Row<'_>) -> Result<TrustSet, certhold_store::Error> {
    Ok(TrustSet {
        id: TrustSetId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        created_at: row.get(3)?,
        members: row.get(4)?,
    })
}

/// All trust sets, by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<TrustSet>> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    all(tx)
}

/// The names of all trust sets, which are no secret to whoever may see a certificate that they judge.
pub fn set_names(tx: &mut Tx<'_>) -> Result<Vec<(TrustSetId, String)>> {
    Ok(all(tx)?.into_iter().map(|set| (set.id, set.name)).collect())
}

fn all(tx: &mut Tx<'_>) -> Result<Vec<TrustSet>> {
    Ok(tx.rows(&format!("SELECT {COLUMNS} FROM trust_set ORDER BY folded LIMIT 1000"), params![], read)?)
}

/// One trust set.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: TrustSetId) -> Result<TrustSet> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    find(tx, id)
}

fn find(tx: &mut Tx<'_>, id: TrustSetId) -> Result<TrustSet> {
    let found = tx.one(&format!("SELECT {COLUMNS} FROM trust_set WHERE id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("trust set", id).into())
}

/// The certificates of a trust set, in the order of their numbers.
pub fn members(tx: &mut Tx<'_>, actor: &Actor, id: TrustSetId) -> Result<Vec<inventory::Summary>> {
    get(tx, actor, id)?;
    let ids = member_ids(tx, id)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.push(inventory::summary(tx, actor, id)?);
    }
    Ok(found)
}

fn member_ids(tx: &mut Tx<'_>, id: TrustSetId) -> Result<Vec<CertificateId>> {
    let sql = "SELECT certificate FROM trust_set_member WHERE trust_set = $1 ORDER BY certificate";
    Ok(tx.rows(sql, params![id], |row| Ok(CertificateId(row.get(0)?)))?)
}

/// The name of a trust set that has this certificate.
pub(crate) fn sets_with(tx: &mut Tx<'_>, ids: &[[Value<'_>; 1]]) -> Result<Vec<Option<String>>> {
    let sql = "SELECT trust_set.name FROM trust_set_member CROSS JOIN trust_set WHERE trust_set_member.certificate = $1 \
               AND trust_set.id = trust_set_member.trust_set LIMIT 1";
    Ok(tx.one_of_each(sql, ids, |row| row.get(0))?)
}

/// Makes a trust set.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &TrustSetCommand, now: i64) -> Result<TrustSetId> {
    access::require_path(tx, actor, paths::TRUST_SETS_MODIFY)?;
    let (name, wanted) = checked(tx, command, None)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO trust_set (name, folded, description, created_at) VALUES ($1, $2, $3, $4) RETURNING id",
        params![&name, text::fold(&name), &command.description, now],
        |row| row.get(0),
    )?;
    let id = TrustSetId(id.ok_or_else(|| Error::damaged("a new trust set has no number"))?);
    add(tx, id, &wanted)?;
    let payload = json!({ "after": { "name": name, "description": command.description, "certificates": wanted } });
    events::append(tx, actor, now, NewEvent::new(names::TRUST_SET_CREATED, Object::new("trust_set", id.0, &name), payload))?;
    Ok(id)
}

/// Replaces a trust set; nothing happens when it is like this already.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: TrustSetId, command: &TrustSetCommand, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::TRUST_SETS_MODIFY)?;
    let before = find(tx, id)?;
    let held: BTreeSet<CertificateId> = member_ids(tx, id)?.into_iter().collect();
    let (name, wanted) = checked(tx, command, Some(id))?;
    if (&before.name, &before.description, &held) == (&name, &command.description, &wanted) {
        return Ok(());
    }
    tx.execute(
        "UPDATE trust_set SET name = $1, folded = $2, description = $3 WHERE id = $4",
        params![&name, text::fold(&name), &command.description, id],
    )?;
    let gone: Vec<[Value<'_>; 2]> = held.difference(&wanted).map(|certificate| [id.into(), (*certificate).into()]).collect();
    tx.execute_many("DELETE FROM trust_set_member WHERE trust_set = $1 AND certificate = $2", &gone)?;
    let new: BTreeSet<CertificateId> = wanted.difference(&held).copied().collect();
    add(tx, id, &new)?;
    let gone: Vec<CertificateId> = held.difference(&wanted).copied().collect();
    let payload = json!({
        "before": { "name": before.name, "description": before.description },
        "after": { "name": name, "description": command.description },
        "added": new, "removed": gone,
    });
    events::append(tx, actor, now, NewEvent::new(names::TRUST_SET_CHANGED, Object::new("trust_set", id.0, &name), payload))?;
    Ok(())
}

/// Removes a trust set; its certificates stay.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: TrustSetId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::TRUST_SETS_MODIFY)?;
    let before = find(tx, id)?;
    let held = member_ids(tx, id)?;
    tx.execute("DELETE FROM trust_set_member WHERE trust_set = $1", params![id])?;
    tx.execute("DELETE FROM trust_set WHERE id = $1", params![id])?;
    let payload = json!({ "before": { "name": before.name, "description": before.description, "certificates": held } });
    let object = Object::new("trust_set", id.0, &before.name);
    events::append(tx, actor, now, NewEvent::new(names::TRUST_SET_DELETED, object, payload))?;
    Ok(())
}

fn add(tx: &mut Tx<'_>, id: TrustSetId, certificates: &BTreeSet<CertificateId>) -> Result<()> {
    let rows: Vec<[Value<'_>; 2]> = certificates.iter().map(|certificate| [id.into(), (*certificate).into()]).collect();
    tx.execute_many("INSERT INTO trust_set_member (trust_set, certificate) VALUES ($1, $2)", &rows)?;
    Ok(())
}

/// The name and the members, if they can be had.
fn checked(tx: &mut Tx<'_>, command: &TrustSetCommand, own: Option<TrustSetId>) -> Result<(String, BTreeSet<CertificateId>)> {
    let name = text::name("name", &command.name)?;
    text::line("description", &command.description.replace('\n', " "), limits::DESCRIPTION_CHARS)?;
    let wanted: BTreeSet<CertificateId> = command.certificates.iter().copied().collect();
    if wanted.len() > limits::TRUST_SET_MEMBERS {
        let message = format!("a trust set has at most {} certificates", limits::TRUST_SET_MEMBERS);
        return Err(Refusal::invalid("certificates", message).into());
    }
    let taken = tx.one("SELECT id FROM trust_set WHERE folded = $1", params![text::fold(&name)], |row| row.get::<i64>(0))?;
    if taken.is_some_and(|taken| own.is_none_or(|own| own.0 != taken)) {
        return Err(Refusal::Conflict(format!("there is a trust set {name:?} already")).into());
    }
    let ids: Vec<[Value<'_>; 1]> = wanted.iter().map(|id| [(*id).into()]).collect();
    let held = tx.one_of_each("SELECT is_ca FROM certificate WHERE id = $1", &ids, |row| row.get::<bool>(0))?;
    for (id, is_ca) in wanted.iter().zip(held) {
        match is_ca {
            None => return Err(Refusal::invalid("certificates", format!("there is no certificate {id}")).into()),
            Some(false) => {
                let message = format!("certificate {id} is no authority's: only authorities can be trusted to issue");
                return Err(Refusal::invalid("certificates", message).into());
            }
            Some(true) => {}
        }
    }
    Ok((name, wanted))
}

/// What is needed to judge a certificate by trust sets.
#[derive(Clone, Debug)]
pub struct Question {
    /// The certificate with the authorities above it.
    pub above: Above,
    /// The trust sets, by name, with their certificates.
    pub sets: Vec<(TrustSet, Vec<Anchor>)>,
    /// The names of those that are not looked at, since there are more than are judged at once.
    pub left_out: Vec<String>,
}

/// A trusted certificate with its bytes.
pub type Anchor = (CertificateId, Vec<u8>);

/// What those who trust one set would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The trust set.
    pub set: TrustSet,
    /// Why not, one sentence each; empty when the certificate is trusted.
    pub reasons: Vec<String>,
    /// The certificates of the path from the issuer to the trusted one; empty when there is none.
    pub path: Vec<CertificateId>,
}

impl Question {
    /// Judges by each set at `at_ms`. Verifies signatures: call it outside transactions.
    pub fn judge(&self, usage: Usage, at_ms: i64, names: &[String]) -> Vec<Judgement> {
        let intermediates: Vec<Vec<u8>> = self.above.pool.iter().map(|(_, der)| der.clone()).collect();
        let by = |(set, anchors): &(TrustSet, Vec<Anchor>)| {
            let ders: Vec<Vec<u8>> = anchors.iter().map(|(_, der)| der.clone()).collect();
            let Verdict { mut reasons, anchor, path } = judge(&trust::Question {
                certificate: &self.above.certificate.der,
                intermediates: &intermediates,
                anchors: &ders,
                usage,
                at_ms,
                names,
            });
            if self.above.cut && !reasons.is_empty() {
                reasons.push(
                    "there are more authorities of the issuers' names than are looked at: one of them may lead further".into(),
                );
            }
            let between = path.into_iter().map(|place| self.above.pool[place].0);
            Judgement { set: set.clone(), reasons, path: between.chain(anchor.map(|place| anchors[place].0)).collect() }
        };
        self.sets.iter().map(by).collect()
    }
}

/// Loads what is needed to judge a certificate by one trust set, or by the first [`limits::TRUST_SETS_JUDGED`] of all.
pub fn question(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, set: Option<TrustSetId>) -> Result<Question> {
    question_in(tx, actor, certificate, set, Scope::everywhere(0))
}

/// As [`question`], within a scope. Whoever may see the certificate may know who trusts it: the names of the sets, not their
/// members.
pub fn question_in(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificate: CertificateId,
    set: Option<TrustSetId>,
    scope: Scope,
) -> Result<Question> {
    let above = above_in(tx, actor, certificate, scope)?;
    let mut chosen = match set {
        Some(set) => vec![find(tx, set)?],
        None => all(tx)?,
    };
    let beyond = chosen.split_off(chosen.len().min(limits::TRUST_SETS_JUDGED));
    let mut sets = Vec::with_capacity(chosen.len());
    for set in chosen {
        let anchors = tx.rows(
            "SELECT trust_set_member.certificate, certificate_body.der FROM trust_set_member CROSS JOIN certificate_body \
             WHERE trust_set_member.trust_set = $1 AND certificate_body.certificate = trust_set_member.certificate",
            params![set.id],
            |row| Ok((CertificateId(row.get(0)?), row.get::<Vec<u8>>(1)?)),
        )?;
        sets.push((set, anchors));
    }
    Ok(Question { above, sets, left_out: beyond.into_iter().map(|set| set.name).collect() })
}
