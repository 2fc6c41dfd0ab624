//! Managed certificates: a lineage of versions with a plan.

use std::sync::LazyLock;

use certhold_store::{Row, Tx, Value, params};
use serde_json::json;

use super::cause::Cause;
use super::issued_by::{self, IssueBy, IssuedBy};
use super::order;
use super::plan::{KeyKind, renew_at};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::{self, Moved};
use crate::error::{Refusal, Result};
use crate::events::{self, Event, EventFilter, NewEvent, Object, names};
use crate::ids::{CertificateId, LineageId, RoleId};
use crate::inventory;
use crate::jobs::{self, JobKind};
use crate::query::FieldId;
use crate::{limits, named, text};

/// How a managed certificate is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// A current version, nothing to do.
    Good,
    /// An attempt is under way.
    Renewing,
    /// The last attempt failed; it is tried again.
    Failing,
    /// The current version could not be put where it is used; it is tried again.
    NotDeployed,
    /// Automatic renewal is paused.
    Paused,
    /// There is no valid version.
    Expired,
}

impl Health {
    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Health::Good => "good",
            Health::Renewing => "renewing",
            Health::Failing => "failing",
            Health::NotDeployed => "not_deployed",
            Health::Paused => "paused",
            Health::Expired => "expired",
        }
    }

    /// Whether somebody should look: what lists and counts of those in trouble have.
    pub fn is_trouble(self) -> bool {
        matches!(self, Health::Failing | Health::NotDeployed | Health::Expired)
    }
}

/// A deployment that failed when it was last tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undeployed {
    /// Name of the deployment.
    pub name: String,
    /// Why it failed, one sentence.
    pub error: String,
    /// When, unix milliseconds.
    pub at: Option<i64>,
    /// When it is tried again, unix milliseconds.
    pub due_at: Option<i64>,
}

/// A managed certificate as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Its handle.
    pub id: LineageId,
    /// Unique without regard to case.
    pub name: String,
    /// Its names: DNS names, of a private authority also others as [`general_name`](crate::enrolment::general_name) reads them.
    pub names: Vec<String>,
    /// Owner role of its versions.
    pub owner: Option<(RoleId, String)>,
    /// Who issues it, and how.
    pub by: IssuedBy,
    /// Its key.
    pub key_kind: KeyKind,
    /// Whether versions share one key.
    pub reuse_key: bool,
    /// Whether automatic renewal is paused.
    pub paused: bool,
    /// The current version.
    pub current: Option<CertificateId>,
    /// When the current version ends, unix milliseconds.
    pub not_after: Option<i64>,
    /// How many versions there were.
    pub versions: i64,
    /// When the next version is obtained, unix milliseconds.
    pub renew_at: Option<i64>,
    /// Failed attempts in a row.
    pub failures: i64,
    /// Why the last attempt failed, one sentence.
    pub last_error: Option<String>,
    /// When, unix milliseconds.
    pub last_error_at: Option<i64>,
    /// What stood in its way, as far as that is known.
    pub last_cause: Option<Cause>,
    /// When the first attempt of those in a row failed, unix milliseconds, where that is known.
    pub failing_since: Option<i64>,
    /// When the waiting or running attempt is due, unix milliseconds.
    pub attempt_due_at: Option<i64>,
    /// Whether an attempt runs or waits for something outside.
    pub renewing: bool,
    /// The first of its deployments that fail.
    pub undeployed: Option<Undeployed>,
}

impl Managed {
    /// How it is doing at `now`.
    pub fn health(&self, now: i64) -> Health {
        match self {
            _ if self.not_after.is_some_and(|at| at <= now) => Health::Expired,
            _ if self.failures > 0 && !self.paused => Health::Failing,
            // Whoever pauses renewal does not pause what is deployed.
            _ if self.undeployed.is_some() => Health::NotDeployed,
            _ if self.paused => Health::Paused,
            _ if self.renewing || self.current.is_none() => Health::Renewing,
            _ => Health::Good,
        }
    }
}

/// Create a managed certificate.
#[derive(Clone, Debug)]
pub struct NewManaged {
    /// Empty for the first name.
    pub name: String,
    /// DNS names; a wildcard only as the whole leftmost label. Of a private authority also other names, as
    /// [`general_name`](crate::enrolment::general_name) reads them. Empty when a certificate is adopted: its names.
    pub names: Vec<String>,
    /// Who shall issue it, and how.
    pub by: IssueBy,
    /// Its key; when `None` P-256, or the first kind that the enrolment pattern allows.
    pub key_kind: Option<KeyKind>,
    /// Whether versions share one key.
    pub reuse_key: bool,
    /// Owner role of its versions.
    pub owner: Option<RoleId>,
    /// A certificate of the inventory that becomes the first version, instead of obtaining one now.
    pub adopt: Option<CertificateId>,
}

/// Which managed certificates.
#[derive(Clone, Debug, Default)]
pub struct ManagedFilter {
    /// Only those in trouble: failing, not deployed, or without a valid version.
    pub troubled: bool,
    /// The id of the last one of the page before.
    pub after: Option<i64>,
    /// Rows.
    pub limit: usize,
}

/// A page of managed certificates, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPage {
    /// By id.
    pub managed: Vec<Managed>,
    /// `after` of the next page.
    pub next: Option<i64>,
}

static SELECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT lineage.id, lineage.name, lineage.names, role.id, role.name, lineage.key_kind, lineage.reuse_key, lineage.state, \
         lineage.current, certificate.not_after, lineage.versions, lineage.renew_at, lineage.failures, lineage.last_error, \
         lineage.last_error_at, job.state, job.due_at, undeployed.name, undeployed.last_error, undeployed.last_at, install.due_at, \
         lineage.last_cause, lineage.failing_since, {} FROM lineage {} \
         LEFT JOIN role ON role.id = lineage.owner_role LEFT JOIN certificate ON certificate.id = lineage.current \
         LEFT JOIN job ON job.kind = 'renew' AND job.object = lineage.id AND (job.state = 'waiting' OR job.state = 'running') \
         LEFT JOIN deployment AS undeployed ON undeployed.id = (\
         SELECT min(deployment.id) FROM deployment WHERE deployment.lineage = lineage.id AND deployment.state = 'failing') \
         LEFT JOIN job AS install ON install.kind = 'deploy' AND install.object = undeployed.id \
         AND (install.state = 'waiting' OR install.state = 'running')",
        issued_by::COLUMNS,
        issued_by::JOINS
    )
});

fn read(row: &Row<'_>) -> Result<Managed, certhold_store::Error> {
    let undeployed = match row.get::<Option<String>>(17)? {
        Some(name) => {
            let error = row.get::<Option<String>>(18)?.unwrap_or_default();
            Some(Undeployed { name, error, at: row.get(19)?, due_at: row.get(20)? })
        }
        None => None,
    };
    Ok(Managed {
        id: LineageId(row.get(0)?),
        name: row.get(1)?,
        names: serde_json::from_str(row.text(2)?).unwrap_or_default(),
        owner: row.get::<Option<i64>>(3)?.map(RoleId).zip(row.get::<Option<String>>(4)?),
        key_kind: KeyKind::parse(row.text(5)?).unwrap_or(KeyKind::P256),
        reuse_key: row.get(6)?,
        paused: row.text(7)? == "paused",
        current: row.get::<Option<i64>>(8)?.map(CertificateId),
        not_after: row.get(9)?,
        versions: row.get(10)?,
        renew_at: row.get(11)?,
        failures: row.get(12)?,
        last_error: row.get(13)?,
        last_error_at: row.get(14)?,
        renewing: row.get::<Option<String>>(15)?.is_some(),
        attempt_due_at: row.get(16)?,
        undeployed,
        last_cause: row.get::<Option<String>>(21)?.as_deref().and_then(Cause::parse),
        failing_since: row.get(22)?,
        by: issued_by::read(row, 23)?,
    })
}

/// Lists managed certificates.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, filter: &ManagedFilter, now: i64) -> Result<ManagedPage> {
    access::require_path(tx, actor, paths::RENEWAL_READ)?;
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS);
    let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let after = filter.after.unwrap_or(0);
    let mut managed = if filter.troubled {
        // Each of the three by its index; the signs keep the second from being found by walking all of them.
        let sql = format!(
            "{} WHERE lineage.id IN (\
             SELECT id FROM (SELECT id FROM lineage WHERE failures > 0 AND state <> 'paused' AND id > $1 ORDER BY id LIMIT $3) AS failing \
             UNION SELECT id FROM (SELECT id FROM lineage WHERE ends_at <= $2 AND +id > $1 ORDER BY +id LIMIT $3) AS expired \
             UNION SELECT lineage FROM (SELECT DISTINCT lineage FROM deployment WHERE state = 'failing' AND lineage > $1 \
             ORDER BY lineage LIMIT $3) AS undeployed) ORDER BY lineage.id LIMIT $3",
            *SELECT
        );
        tx.rows(&sql, params![after, now, rows], read)?
    } else {
        tx.rows(&format!("{} WHERE lineage.id > $1 ORDER BY lineage.id LIMIT $2", *SELECT), params![after, rows], read)?
    };
    let more = managed.len() > limit;
    managed.truncate(limit);
    let next = managed.last().filter(|_| more).map(|last| last.id.0);
    Ok(ManagedPage { managed, next })
}

/// How many managed certificates are in which health, for metrics; every health is there.
pub fn count_by_health(tx: &mut Tx<'_>, now: i64) -> Result<Vec<(Health, i64)>> {
    let counted = tx.rows(
        "SELECT CASE WHEN lineage.ends_at <= $1 THEN 'expired' \
         WHEN lineage.failures > 0 AND lineage.state <> 'paused' THEN 'failing' \
         WHEN EXISTS (SELECT 1 FROM deployment WHERE deployment.lineage = lineage.id AND deployment.state = 'failing') \
         THEN 'not_deployed' WHEN lineage.state = 'paused' THEN 'paused' \
         WHEN job.id IS NOT NULL OR lineage.current IS NULL THEN 'renewing' ELSE 'good' END, count(*) FROM lineage \
         LEFT JOIN job ON job.kind = 'renew' AND job.object = lineage.id AND (job.state = 'waiting' OR job.state = 'running') GROUP BY 1",
        params![now],
        |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)),
    )?;
    let all = [Health::Good, Health::Renewing, Health::Failing, Health::NotDeployed, Health::Paused, Health::Expired];
    let of = |health: Health| counted.iter().find(|(name, _)| name == health.name()).map_or(0, |(_, count)| *count);
    Ok(all.into_iter().map(|health| (health, of(health))).collect())
}

/// How many managed certificates are in trouble: they fail, are not deployed, or have expired.
pub fn in_trouble(tx: &mut Tx<'_>, now: i64) -> Result<i64> {
    let expired = "SELECT count(*) FROM lineage WHERE ends_at <= $1";
    let failing = "SELECT count(*) FROM lineage WHERE failures > 0 AND state <> 'paused' AND (ends_at IS NULL OR ends_at > $1)";
    let undeployed = "SELECT count(*) FROM lineage WHERE id IN (SELECT lineage FROM deployment WHERE state = 'failing') \
                      AND (failures = 0 OR state = 'paused') AND (ends_at IS NULL OR ends_at > $1)";
    let mut count = |sql: &str| Ok::<i64, certhold_store::Error>(tx.one(sql, params![now], |row| row.get(0))?.unwrap_or(0));
    Ok(count(expired)? + count(failing)? + count(undeployed)?)
}

/// One managed certificate.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: LineageId) -> Result<Managed> {
    access::require_path(tx, actor, paths::RENEWAL_READ)?;
    find(tx, id)
}

pub(crate) fn find(tx: &mut Tx<'_>, id: LineageId) -> Result<Managed> {
    let found = tx.one(&format!("{} WHERE lineage.id = $1", *SELECT), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("managed certificate", id).into())
}

/// Who issues a managed certificate, for the worker; `None` when it is gone.
pub fn issued_by(tx: &mut Tx<'_>, id: LineageId) -> Result<Option<IssuedBy>> {
    match find(tx, id) {
        Ok(managed) => Ok(Some(managed.by)),
        Err(error) if matches!(error.refusal(), Some(Refusal::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What happened to a managed certificate, newest first.
pub fn log(tx: &mut Tx<'_>, actor: &Actor, id: LineageId, limit: usize) -> Result<Vec<Event>> {
    access::require_path(tx, actor, paths::RENEWAL_READ)?;
    let filter = EventFilter { object_kind: Some("managed".into()), object: Some(id.0), limit, ..EventFilter::default() };
    Ok(events::list_unchecked(tx, &filter)?.events)
}

/// Creates a managed certificate. Without an adopted first version it is obtained at once.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &NewManaged, now: i64) -> Result<LineageId> {
    access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
    let adopted = command.adopt.map(|id| adoptable(tx, actor, id)).transpose()?;
    let checked = issued_by::check(tx, actor, command, adopted.as_ref(), now)?;
    let name = match (command.name.trim().is_empty(), checked.names.first()) {
        (true, Some(first)) => first.clone(),
        _ => text::name("name", &command.name)?,
    };
    if adopted.is_some() {
        require_may_move(tx, actor, None, Some(&name))?;
    }
    let versions = i64::from(adopted.is_some());
    let (folded, names) = (text::fold(&name), json!(checked.names).to_string());
    let own: [Value<'_>; 10] = [
        (&name).into(),
        (&folded).into(),
        (&names).into(),
        checked.owner.into(),
        checked.key_kind.name().into(),
        command.reuse_key.into(),
        command.adopt.into(),
        versions.into(),
        now.into(),
        now.into(),
    ];
    let values: Vec<Value<'_>> = own.into_iter().chain(checked.values()).collect();
    let id: Option<i64> = tx.one(
        "INSERT INTO lineage (name, folded, names, owner_role, key_kind, reuse_key, current, versions, renew_at, created_at, issuer, \
         dns_provider, profile, private_ca, template, pattern, subject, days, noted, state, failures) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 'active', 0) \
         ON CONFLICT (folded) DO NOTHING RETURNING id",
        &values,
        |row| row.get(0),
    )?;
    let id = LineageId(id.ok_or_else(|| Refusal::Conflict(format!("there is a managed certificate named {name:?} already")))?);
    match &adopted {
        Some(adopted) => {
            inventory::set_version(tx, adopted.id, id, 1)?;
            let at = renew_at(id.0, 1, adopted.not_before, adopted.not_after);
            tx.execute("UPDATE lineage SET renew_at = $1 WHERE id = $2", params![at, id])?;
        }
        None => drop(jobs::enqueue(tx, JobKind::Renew, id.0, now, now)?),
    }
    let mut after = checked.told();
    after["reuse_key"] = command.reuse_key.into();
    after["adopted"] = json!(command.adopt);
    let object = Object::new("managed", id.0, &name);
    events::append(tx, actor, now, NewEvent::new(names::MANAGED_CREATED, object, json!({ "after": after })))?;
    Ok(id)
}

/// Refuses unless the actor may change the collections that look at whether a certificate is managed, and under which name.
fn require_may_move(tx: &mut Tx<'_>, actor: &Actor, before: Option<&str>, after: Option<&str>) -> Result<()> {
    let moved = [FieldId::Managed, FieldId::ManagedName].map(|field| Moved { field, before, after });
    collections::require_may_move(tx, actor, &moved)
}

fn adoptable(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<inventory::Summary> {
    let found = inventory::summary(tx, actor, id)?;
    if let Some((lineage, _)) = found.lineage {
        return Err(Refusal::Conflict(format!("certificate {id} is a version of managed certificate {lineage} already")).into());
    }
    if found.is_ca {
        return Err(Refusal::Conflict(format!("certificate {id} is an authority's: it is not managed")).into());
    }
    let sql = "SELECT revoked_at FROM certificate WHERE id = $1";
    let revoked: Option<Option<i64>> = tx.one(sql, params![id], |row| row.get(0))?;
    if revoked.flatten().is_some() {
        let message = format!("certificate {id} is revoked: have a new one obtained instead");
        return Err(Refusal::Conflict(message).into());
    }
    Ok(found)
}

/// Pauses or resumes automatic renewal.
pub fn set_paused(tx: &mut Tx<'_>, actor: &Actor, id: LineageId, paused: bool, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
    let managed = find(tx, id)?;
    if managed.paused == paused {
        return Ok(());
    }
    let (state, operation) = if paused { ("paused", names::MANAGED_PAUSED) } else { ("active", names::MANAGED_RESUMED) };
    tx.execute("UPDATE lineage SET state = $1 WHERE id = $2", params![state, id])?;
    if paused {
        // What waits is not tried again, and no proof is left standing meanwhile. An attempt that runs ends by itself.
        tx.execute("DELETE FROM job WHERE kind = 'renew' AND object = $1 AND state = 'waiting'", params![id])?;
        if let Some(order) = order::open_order(tx, id)? {
            jobs::enqueue(tx, JobKind::Withdraw, order.id.0, now, now)?;
        }
    }
    let before = if paused { "active" } else { "paused" };
    let payload = json!({ "before": { "state": before }, "after": { "state": state } });
    events::append(tx, actor, now, NewEvent::new(operation, Object::new("managed", id.0, &managed.name), payload))?;
    Ok(())
}

/// Obtains the next version now. If an attempt waits, it is made at once; if one runs, nothing changes.
pub fn renew_now(tx: &mut Tx<'_>, actor: &Actor, id: LineageId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::RENEWAL_RUN)?;
    let managed = find(tx, id)?;
    jobs::enqueue(tx, JobKind::Renew, id.0, now, now)?;
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::RENEWAL_REQUESTED, Object::new("managed", id.0, &managed.name), json!({})),
    )?;
    Ok(())
}

/// Removes the plan; its certificates stay in the inventory. Deployed files stay where they are.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: LineageId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
    let managed = find(tx, id)?;
    let standing: Option<i64> = tx.one(
        "SELECT challenge_record.id FROM challenge_record JOIN acme_order ON acme_order.id = challenge_record.acme_order \
         WHERE acme_order.lineage = $1 AND challenge_record.state <> 'withdrawn' LIMIT 1",
        params![id],
        |row| row.get(0),
    )?;
    if standing.is_some() || jobs::live(tx, JobKind::Renew, id.0)?.is_some_and(|job| job.state == "running") {
        return Err(Refusal::Conflict(
            "an attempt is under way: pause it, and try again when its TXT records are withdrawn".into(),
        )
        .into());
    }
    tx.execute("DELETE FROM job WHERE kind = 'renew' AND object = $1", params![id])?;
    tx.execute(
        "DELETE FROM job WHERE kind = 'deploy' AND object IN (SELECT id FROM deployment WHERE lineage = $1)",
        params![id],
    )?;
    tx.execute("DELETE FROM deployment WHERE lineage = $1", params![id])?;
    tx.execute("DELETE FROM challenge_record WHERE acme_order IN (SELECT id FROM acme_order WHERE lineage = $1)", params![id])?;
    tx.execute("DELETE FROM acme_order WHERE lineage = $1", params![id])?;
    require_may_move(tx, actor, Some(&managed.name), None)?;
    inventory::forget_versions(tx, id)?;
    named::forget_lineage(tx, id)?;
    tx.execute("DELETE FROM lineage WHERE id = $1", params![id])?;
    let payload = json!({ "before": { "names": managed.names, "versions": managed.versions } });
    events::append(tx, actor, now, NewEvent::new(names::MANAGED_DELETED, Object::new("managed", id.0, &managed.name), payload))?;
    Ok(())
}

/// The planner: enqueues an attempt for each managed certificate whose time has come; says how many.
pub fn enqueue_due(tx: &mut Tx<'_>, now: i64, limit: i64) -> Result<usize> {
    let due = tx.rows(
        "SELECT id FROM lineage WHERE state = 'active' AND renew_at <= $1 AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'renew' \
         AND job.object = lineage.id AND (job.state = 'waiting' OR job.state = 'running')) ORDER BY renew_at LIMIT $2",
        params![now, limit],
        |row| row.get::<i64>(0),
    )?;
    for lineage in &due {
        jobs::enqueue(tx, JobKind::Renew, *lineage, now, now)?;
    }
    Ok(due.len())
}
