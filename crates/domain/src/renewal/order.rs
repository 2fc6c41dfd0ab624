//! One attempt to obtain the next version, step by step. The worker does what is outside between these steps; each step names
//! the lease, so that only its holder records anything, and may be repeated.

use certhold_store::{Row, Tx, params};
use serde_json::{Value as Json, json};

use super::cause::Cause;
use super::deployment;
use super::issued_by::IssuedBy;
use super::issuers::{self, IssuerAccess};
use super::managed::{self, Managed};
use super::plan::{FailureClass, next_try, renew_at};
use super::providers::{self, DnsProvider};
use super::revocation;
use crate::actor::Actor;
use crate::custody::{self, Origin, SealedKey, SealedRow};
use crate::enrolment;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, DnsProviderId, IssuerId, LineageId, OrderId, PrivateKeyId, RecordId};
use crate::inventory::{self, Candidate};
use crate::jobs::{self, JobKind, Lease};
use crate::limits;
use crate::metadata;
use crate::named;

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its handle.
    pub id: OrderId,
    /// "prepared", "placed", "issued" or "failed".
    pub state: String,
    /// The key it is for.
    pub private_key: PrivateKeyId,
    /// The names it is for.
    pub names: Vec<String>,
    /// The request, DER.
    pub csr: Vec<u8>,
    /// The authority's URL, once placed.
    pub url: Option<String>,
    /// Why it failed, one sentence.
    pub error: Option<String>,
    /// The authority's whole answer.
    pub detail: Option<String>,
    /// What came of it.
    pub certificate: Option<CertificateId>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// A TXT value of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its handle.
    pub id: RecordId,
    /// Where it is to be published.
    pub dns_provider: DnsProviderId,
    /// The name that is proved.
    pub domain: String,
    /// The name it stands at, behind any CNAME.
    pub name: String,
    /// The value.
    pub value: String,
    /// "wanted", "published" or "withdrawn".
    pub state: String,
    /// Since when it is wanted, unix milliseconds.
    pub created_at: i64,
}

/// Everything the worker needs to go on with an attempt.
#[derive(Clone)]
pub struct Work {
    /// What is to be renewed.
    pub managed: Managed,
    /// At whose authority.
    pub issuer: IssuerAccess,
    /// Through which DNS provider.
    pub provider: DnsProvider,
    /// That provider's credentials.
    pub credentials: Option<SealedRow>,
    /// The attempt under way.
    pub order: Option<Order>,
    /// Its TXT values.
    pub records: Vec<Record>,
    /// The key of the current version, when versions share one.
    pub shared_key: Option<PrivateKeyId>,
}

const COLUMNS: &str =
    "id, state, private_key, names, csr, url, error, detail, certificate, created_at, updated_at FROM acme_order";

fn read(row: &Row<'_>) -> Result<Order, certhold_store::Error> {
    Ok(Order {
        id: OrderId(row.get(0)?),
        state: row.get(1)?,
        private_key: PrivateKeyId(row.get(2)?),
        names: serde_json::from_str(row.text(3)?).unwrap_or_default(),
        csr: row.get(4)?,
        url: row.get(5)?,
        error: row.get(6)?,
        detail: row.get(7)?,
        certificate: row.get::<Option<i64>>(8)?.map(CertificateId),
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
    })
}

/// Reads everything that is known about the attempt; `None` when the managed certificate is gone, or not obtained over ACME.
pub fn work(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId) -> Result<Option<Work>> {
    let managed = match managed::find(tx, lineage) {
        Ok(managed) => managed,
        Err(error) if matches!(error.refusal(), Some(Refusal::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(error),
    };
    let IssuedBy::Acme { issuer: (issuer, _), dns_provider: (provider, _), .. } = managed.by else { return Ok(None) };
    let issuer = issuers::open(tx, issuer)?;
    let provider = providers::get(tx, actor, provider)?;
    let credentials = providers::sealed(tx, provider.id)?;
    let order = open_order(tx, lineage)?;
    let records = order.as_ref().map(|order| records(tx, order.id)).transpose()?.unwrap_or_default();
    let shared_key = shared_key(tx, &managed)?;
    Ok(Some(Work { managed, issuer, provider, credentials, order, records, shared_key }))
}

pub(super) fn open_order(tx: &mut Tx<'_>, lineage: LineageId) -> Result<Option<Order>> {
    let sql =
        format!("SELECT {COLUMNS} WHERE lineage = $1 AND (state = 'prepared' OR state = 'placed') ORDER BY id DESC LIMIT 1");
    Ok(tx.one(&sql, params![lineage], read)?)
}

/// The key of the current version, when versions share one and it is in custody; not one that is compromised.
pub(super) fn shared_key(tx: &mut Tx<'_>, managed: &Managed) -> Result<Option<PrivateKeyId>> {
    if !managed.reuse_key {
        return Ok(None);
    }
    let found: Option<(i64, [u8; 32])> = tx.one(
        "SELECT private_key.id, private_key.spki_sha256 FROM certificate \
         JOIN private_key ON private_key.spki_sha256 = certificate.spki_sha256 WHERE certificate.id = $1",
        params![managed.current],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match found {
        Some((key, spki)) if !enrolment::is_compromised(tx, &spki)? => Ok(Some(PrivateKeyId(key))),
        _ => Ok(None),
    }
}

/// The last attempts, newest first.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId, limit: i64) -> Result<Vec<Order>> {
    managed::get(tx, actor, lineage)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} WHERE lineage = $1 ORDER BY id DESC LIMIT $2"), params![lineage, limit], read)?)
}

/// The TXT values of an order.
pub fn records(tx: &mut Tx<'_>, order: OrderId) -> Result<Vec<Record>> {
    let records = tx.rows(
        "SELECT id, dns_provider, domain, name, value, state, created_at FROM challenge_record WHERE acme_order = $1 ORDER BY id",
        params![order],
        |row| {
            Ok(Record {
                id: RecordId(row.get(0)?),
                dns_provider: DnsProviderId(row.get(1)?),
                domain: row.get(2)?,
                name: row.get(3)?,
                value: row.get(4)?,
                state: row.get(5)?,
                created_at: row.get(6)?,
            })
        },
    )?;
    Ok(records)
}

/// The key of a new order.
#[derive(Clone)]
pub enum OrderKey {
    /// Made for it.
    Fresh(SealedKey),
    /// The key that the versions share.
    Shared(PrivateKeyId),
}

/// Records that key and request exist, before anything is asked of the authority.
pub fn begin(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, key: &OrderKey, csr: &[u8], now: i64) -> Result<OrderId> {
    jobs::require_lease(tx, lease)?;
    let managed = managed::find(tx, LineageId(lease.object))?;
    if let Some(open) = open_order(tx, managed.id)? {
        return Ok(open.id);
    }
    let object = Object::new("managed", managed.id.0, &managed.name);
    let private_key = match key {
        OrderKey::Shared(id) => *id,
        OrderKey::Fresh(key) => {
            let (id, _) = custody::put_private_key(tx, key, Origin::Generated, now)?;
            let payload = json!({ "private_key": id, "algorithm": key.algorithm, "bits": key.bits });
            events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_GENERATED, object, payload))?;
            id
        }
    };
    let IssuedBy::Acme { issuer: (issuer, _), .. } = managed.by else {
        return Err(Refusal::Conflict("no orders are placed at a private authority".into()).into());
    };
    let id: Option<i64> = tx.one(
        "INSERT INTO acme_order (lineage, issuer, state, private_key, names, csr, created_at, updated_at) \
         VALUES ($1, $2, 'prepared', $3, $4, $5, $6, $6) RETURNING id",
        params![managed.id, issuer, private_key, json!(managed.names).to_string(), csr, now],
        |row| row.get(0),
    )?;
    let id = OrderId(id.ok_or_else(|| Error::damaged("an order got no id"))?);
    events::append(tx, actor, now, NewEvent::new(names::ORDER_PREPARED, object, json!({ "order": id, "names": managed.names })))?;
    Ok(id)
}

/// Records the authority's URL of the order.
pub fn placed(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, order: OrderId, url: &str, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let managed = managed::find(tx, LineageId(lease.object))?;
    let moved = tx.execute(
        "UPDATE acme_order SET state = 'placed', url = $1, updated_at = $2 WHERE id = $3 AND state = 'prepared'",
        params![url, now, order],
    )?;
    if moved > 0 {
        let object = Object::new("managed", managed.id.0, &managed.name);
        events::append(tx, actor, now, NewEvent::new(names::ORDER_PLACED, object, json!({ "order": order, "url": url })))?;
    }
    Ok(())
}

/// A TXT value about to be published.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// For which order.
    pub order: OrderId,
    /// Where it is to be published.
    pub provider: DnsProviderId,
    /// The name that is proved.
    pub domain: String,
    /// The name it stands at, behind any CNAME.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Records that a TXT value is about to be published.
pub fn record_wanted(tx: &mut Tx<'_>, lease: &Lease, new: &NewRecord, now: i64) -> Result<RecordId> {
    jobs::require_lease(tx, lease)?;
    let id: Option<i64> = tx.one(
        "INSERT INTO challenge_record (acme_order, dns_provider, domain, name, value, state, created_at) \
         VALUES ($1, $2, $3, $4, $5, 'wanted', $6) \
         ON CONFLICT (acme_order, name, value) DO UPDATE SET state = 'wanted' RETURNING id",
        params![new.order, new.provider, &new.domain, &new.name, &new.value, now],
        |row| row.get(0),
    )?;
    id.map(RecordId).ok_or_else(|| Error::damaged("a challenge record got no id"))
}

/// Records that a TXT value was published.
pub fn record_published(tx: &mut Tx<'_>, lease: &Lease, record: RecordId) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    tx.execute("UPDATE challenge_record SET state = 'published' WHERE id = $1 AND state = 'wanted'", params![record])?;
    Ok(())
}

/// Records that a TXT value was withdrawn (under the lease of the withdrawal job).
pub fn record_withdrawn(tx: &mut Tx<'_>, lease: &Lease, record: RecordId) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    tx.execute("UPDATE challenge_record SET state = 'withdrawn' WHERE id = $1", params![record])?;
    Ok(())
}

/// The provider and the TXT values that a withdrawal job is about.
pub fn withdrawal(tx: &mut Tx<'_>, actor: &Actor, order: OrderId) -> Result<Vec<(Record, DnsProvider, Option<SealedRow>)>> {
    let standing = records(tx, order)?.into_iter().filter(|record| record.state != "withdrawn");
    standing
        .map(|record| {
            let provider = providers::get(tx, actor, record.dns_provider)?;
            let credentials = providers::sealed(tx, record.dns_provider)?;
            Ok((record, provider, credentials))
        })
        .collect()
}

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Decides when to try again.
    pub class: FailureClass,
    /// Decides what somebody can do about it; nothing where the next attempt mends it.
    pub cause: Option<Cause>,
    /// One sentence for a human.
    pub sentence: String,
    /// The authority's whole answer, where there is one.
    pub detail: Option<String>,
    /// Not before, unix milliseconds, if the authority said so.
    pub retry_after: Option<i64>,
    /// Whether the order itself is lost, so that the next attempt places another.
    pub order_lost: bool,
}

/// Records a failed attempt: visible state, event, withdrawal of TXT values, and the next try. Ends the lease.
pub fn fail(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, order: Option<OrderId>, failure: &Failure, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let managed = managed::find(tx, LineageId(lease.object))?;
    let sentence: String = failure.sentence.chars().take(limits::ERROR_CHARS).collect();
    let detail = failure.detail.as_ref().map(|detail| detail.chars().take(limits::ERROR_CHARS).collect::<String>());
    if let Some(order) = order {
        tx.execute(
            "UPDATE acme_order SET error = $1, detail = $2, updated_at = $3 WHERE id = $4",
            params![&sentence, &detail, now, order],
        )?;
        if failure.order_lost {
            tx.execute("UPDATE acme_order SET state = 'failed' WHERE id = $1", params![order])?;
            jobs::enqueue(tx, JobKind::Withdraw, order.0, now, now)?;
        }
    }
    let failures = managed.failures + 1;
    let next = next_try(managed.id.0, failure.class, failures, failure.retry_after, now);
    tx.execute(
        "UPDATE lineage SET failures = $1, last_error = $2, last_error_at = $3, last_cause = $4, \
         failing_since = CASE WHEN failures = 0 THEN $3 ELSE failing_since END WHERE id = $5",
        params![failures, &sentence, now, failure.cause.map(Cause::name), managed.id],
    )?;
    if managed.paused {
        jobs::finish(tx, lease, now)?;
    } else {
        jobs::put_off(tx, lease, next, Some(&sentence))?;
    }
    let payload = json!({
        "order": order, "class": failure.class.name(), "error": sentence, "detail": detail, "failures": failures, "next_try": next,
    });
    let object = Object::new("managed", managed.id.0, &managed.name);
    events::append(tx, actor, now, NewEvent::new(names::RENEWAL_FAILED, object, payload))?;
    Ok(())
}

/// Records the next version: kept with its chain, owner and metadata inherited, deployments and the withdrawal enqueued, the lease ended. The
/// certificate must carry the key the order was made for.
pub fn complete(
    tx: &mut Tx<'_>,
    actor: &Actor,
    lease: &Lease,
    order: OrderId,
    leaf: &Candidate,
    chain: &[Candidate],
    now: i64,
) -> Result<CertificateId> {
    jobs::require_lease(tx, lease)?;
    let managed = managed::find(tx, LineageId(lease.object))?;
    let asked = tx.one(
        "SELECT private_key.spki_sha256, acme_order.issuer FROM acme_order JOIN private_key ON private_key.id = acme_order.private_key \
         WHERE acme_order.id = $1",
        params![order],
        |row| Ok((row.get::<[u8; 32]>(0)?, IssuerId(row.get(1)?))),
    )?;
    let (spki, issuer) = asked.ok_or_else(|| Error::damaged(format!("order {order} is missing")))?;
    if spki != *leaf.spki_sha256() {
        return Err(Refusal::Conflict("the certificate carries another key than the one that was requested".into()).into());
    }
    let owner = managed.owner.as_ref().map(|(role, _)| *role);
    let (certificate, _) = inventory::insert(tx, leaf, owner, "acme", now)?;
    match managed.current {
        Some(before) => metadata::inherit(tx, before, certificate)?,
        None => {
            let initial = metadata::initial(tx, &[], false)?;
            metadata::put_initial(tx, &[certificate], &initial)?;
        }
    }
    revocation::obtained(tx, certificate, issuer)?;
    let version = managed.versions + 1;
    let object = Object::new("certificate", certificate.0, leaf.title());
    let payload = json!({ "sha256": crate::text::hex(leaf.sha256()), "source": "acme", "managed": managed.id, "version": version, "owner_role": owner });
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_IMPORTED, object, payload))?;
    inventory::link_chain(tx, actor, certificate, chain, now)?;
    tx.execute(
        "UPDATE acme_order SET state = 'issued', certificate = $1, error = NULL, detail = NULL, updated_at = $2 WHERE id = $3",
        params![certificate, now, order],
    )?;
    jobs::enqueue(tx, JobKind::Withdraw, order.0, now, now)?;
    next_version(tx, actor, lease, &managed, (certificate, leaf), &json!({ "order": order }), now)?;
    Ok(certificate)
}

/// A certificate becomes the next version: deployments are enqueued, names follow, the lease ends. `details` are added to the event.
pub(super) fn next_version(
    tx: &mut Tx<'_>,
    actor: &Actor,
    lease: &Lease,
    managed: &Managed,
    (certificate, leaf): (CertificateId, &Candidate),
    details: &Json,
    now: i64,
) -> Result<()> {
    let version = managed.versions + 1;
    inventory::set_version(tx, certificate, managed.id, version)?;
    // A certificate that arrives late in its life is not ordered again at once.
    let not_at_once = now.saturating_add(leaf.not_after().saturating_sub(now) / 3);
    let renew_at = renew_at(managed.id.0, version, leaf.not_before(), leaf.not_after()).max(not_at_once);
    tx.execute(
        "UPDATE lineage SET current = $1, versions = $2, renew_at = $3, failures = 0, last_error = NULL, last_error_at = NULL, \
         last_cause = NULL, failing_since = NULL WHERE id = $4",
        params![certificate, version, renew_at, managed.id],
    )?;
    deployment::enqueue_all(tx, managed.id, now)?;
    named::follow(tx, actor, managed.id, certificate, now)?;
    jobs::finish(tx, lease, now)?;
    let mut payload = details.clone();
    payload["certificate"] = certificate.0.into();
    payload["version"] = version.into();
    payload["replaces"] = json!(managed.current);
    payload["renew_at"] = renew_at.into();
    payload["not_after"] = leaf.not_after().into();
    let object = Object::new("managed", managed.id.0, &managed.name);
    events::append(tx, actor, now, NewEvent::new(names::RENEWAL_COMPLETED, object, payload))?;
    Ok(())
}
