//! Deployments: where each version of a managed certificate is installed, as files and a command.

use certhold_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::managed;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::custody::{self, SealedRow};
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, DeploymentId, LineageId, PrivateKeyId};
use crate::jobs::{self, JobKind, Lease};
use crate::stores::work::{OpenStore, Written};
use crate::stores::{self, StoreTarget};
use crate::{limits, text};

/// What is written where, and what is run afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSettings {
    /// The certificate alone, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Its chain without it, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// The certificate followed by its chain, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_chain: Option<String>,
    /// The private key, PKCS#8 PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// Owner of the files: a user name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Group of the files: a group name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Mode of the certificate files, octal; 0644 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Mode of the private key file, octal; 0600 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_mode: Option<String>,
    /// Program and arguments, run without a shell after the files are in place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// An entry of a certificate store, in place of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreTarget>,
}

impl DeploymentSettings {
    /// The paths of all files, with what they are.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let files = [
            ("certificate", &self.certificate),
            ("chain", &self.chain),
            ("full_chain", &self.full_chain),
            ("private_key", &self.private_key),
        ];
        files.into_iter().filter_map(|(what, path)| path.as_deref().map(|path| (what, path)))
    }

    fn check(&self) -> Result<(), Refusal> {
        let mut paths = Vec::new();
        for (what, path) in self.files() {
            check_path(what, path)?;
            if paths.contains(&path) {
                return Err(Refusal::invalid("settings", format!("two files share the path {path}")));
            }
            paths.push(path);
        }
        let about_files =
            !paths.is_empty() || [&self.owner, &self.group, &self.mode, &self.key_mode].iter().any(|one| one.is_some());
        if self.store.is_some() && about_files {
            let message = "a deployment into a certificate store writes no files of its own: make a second deployment for them";
            return Err(Refusal::invalid("settings", message));
        }
        if paths.is_empty() && self.command.is_empty() && self.store.is_none() {
            return Err(Refusal::invalid("settings", "name at least one file to write, or a command to run"));
        }
        for mode in [&self.mode, &self.key_mode].into_iter().flatten() {
            let digits = mode.len() <= 4 && mode.bytes().all(|byte| byte.is_ascii_digit());
            let octal = u32::from_str_radix(mode, 8).ok().filter(|bits| digits && *bits <= 0o777 && bits & 0o400 != 0);
            octal.ok_or_else(|| Refusal::invalid("settings", format!("the mode {mode:?} is not an octal mode like 0644")))?;
        }
        if self.key_mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok()).is_some_and(|bits| bits & 0o007 != 0) {
            return Err(Refusal::invalid(
                "settings",
                "a private key must not be accessible to everybody: use a mode like 0600 or 0640",
            ));
        }
        for who in [&self.owner, &self.group].into_iter().flatten() {
            let fine = !who.is_empty() && who.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'));
            if !fine || who.len() > limits::NAME_CHARS {
                return Err(Refusal::invalid("settings", format!("{who:?} is not a user or group name")));
            }
        }
        if self.command.len() > limits::COMMAND_ARGUMENTS {
            return Err(Refusal::invalid("settings", format!("a command has at most {} arguments", limits::COMMAND_ARGUMENTS)));
        }
        if let Some(program) = self.command.first() {
            check_path("command", program)?;
        }
        match self.command.iter().find(|argument| argument.contains('\0') || argument.len() > 4_096) {
            Some(_) => Err(Refusal::invalid("settings", "a command's arguments are at most 4,096 bytes without NUL")),
            None => Ok(()),
        }
    }
}

fn check_path(what: &str, path: &str) -> Result<(), Refusal> {
    let relative = !path.starts_with('/') || path.ends_with('/') || path.split('/').any(|part| part == ".." || part == ".");
    if relative || path.contains('\0') || path.len() > 4_000 || path.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            "settings",
            format!("{what}: give an absolute path without '..', for example /etc/ssl/example.pem"),
        ));
    }
    Ok(())
}

/// A deployment as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its handle.
    pub id: DeploymentId,
    /// Whose versions.
    pub lineage: LineageId,
    /// Unique within the managed certificate.
    pub name: String,
    /// What is written where.
    pub settings: DeploymentSettings,
    /// "waiting", "deployed" or "failing".
    pub state: String,
    /// The version installed last.
    pub certificate: Option<CertificateId>,
    /// Why the last installation failed, one sentence.
    pub last_error: Option<String>,
    /// When it was last tried, unix milliseconds.
    pub last_at: Option<i64>,
}

const COLUMNS: &str = "id, lineage, name, settings, state, certificate, last_error, last_at FROM deployment";

fn read(row: &Row<'_>) -> Result<Deployment, certhold_store::Error> {
    Ok(Deployment {
        id: DeploymentId(row.get(0)?),
        lineage: LineageId(row.get(1)?),
        name: row.get(2)?,
        settings: serde_json::from_str(row.text(3)?).unwrap_or_default(),
        state: row.get(4)?,
        certificate: row.get::<Option<i64>>(5)?.map(CertificateId),
        last_error: row.get(6)?,
        last_at: row.get(7)?,
    })
}

/// The deployments of a managed certificate.
pub fn list(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId) -> Result<Vec<Deployment>> {
    managed::get(tx, actor, lineage)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} WHERE lineage = $1 ORDER BY id"), params![lineage], read)?)
}

fn find(tx: &mut Tx<'_>, id: DeploymentId) -> Result<Deployment> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("deployment", id).into())
}

/// Creates a deployment; the current version, if there is one, is installed at once.
pub fn create(
    tx: &mut Tx<'_>,
    actor: &Actor,
    lineage: LineageId,
    name: &str,
    settings: &DeploymentSettings,
    now: i64,
) -> Result<DeploymentId> {
    access::require_path(tx, actor, paths::DEPLOYMENT_MODIFY)?;
    let managed = managed::find(tx, lineage)?;
    let name = text::name("name", name)?;
    settings.check()?;
    let mut settings = settings.clone();
    if let Some(target) = &settings.store {
        settings.store = Some(stores::check_target(tx, actor, target)?);
    }
    let (store, alias) = settings.store.as_ref().map(|target| (target.store, target.alias.as_str())).unzip();
    let id: Option<i64> = tx.one(
        "INSERT INTO deployment (lineage, name, settings, state, created_at, store, alias) \
         VALUES ($1, $2, $3, 'waiting', $4, $5, $6) ON CONFLICT (lineage, name) DO NOTHING RETURNING id",
        params![lineage, &name, json!(settings).to_string(), now, store, alias],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("{:?} has a deployment named {name:?} already", managed.name)))?;
    let payload = json!({ "deployment": id, "deployment_name": name, "after": settings });
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::DEPLOYMENT_CREATED, Object::new("managed", lineage.0, &managed.name), payload),
    )?;
    if managed.current.is_some() {
        jobs::enqueue(tx, JobKind::Deploy, id, now, now)?;
    }
    Ok(DeploymentId(id))
}

/// Removes a deployment; its files stay.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: DeploymentId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::DEPLOYMENT_MODIFY)?;
    let deployment = find(tx, id)?;
    let managed = managed::find(tx, deployment.lineage)?;
    tx.execute("DELETE FROM job WHERE kind = 'deploy' AND object = $1", params![id])?;
    tx.execute("DELETE FROM deployment WHERE id = $1", params![id])?;
    let payload = json!({ "deployment": id, "deployment_name": deployment.name, "before": deployment.settings });
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::DEPLOYMENT_DELETED, Object::new("managed", managed.id.0, &managed.name), payload),
    )?;
    Ok(())
}

/// Installs the current version again, now.
pub fn run_now(tx: &mut Tx<'_>, actor: &Actor, id: DeploymentId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::DEPLOYMENT_MODIFY)?;
    let deployment = find(tx, id)?;
    let managed = managed::find(tx, deployment.lineage)?;
    if managed.current.is_none() {
        return Err(Refusal::Conflict("there is no version to install yet".into()).into());
    }
    jobs::enqueue(tx, JobKind::Deploy, id.0, now, now)?;
    let payload = json!({ "deployment": id, "deployment_name": deployment.name });
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::DEPLOYMENT_REQUESTED, Object::new("managed", managed.id.0, &managed.name), payload),
    )?;
    Ok(())
}

pub(crate) fn enqueue_all(tx: &mut Tx<'_>, lineage: LineageId, now: i64) -> Result<()> {
    let deployments = tx.rows("SELECT id FROM deployment WHERE lineage = $1", params![lineage], |row| row.get::<i64>(0))?;
    for id in deployments {
        tx.execute("UPDATE deployment SET state = 'waiting' WHERE id = $1", params![id])?;
        jobs::enqueue(tx, JobKind::Deploy, id, now, now)?;
    }
    Ok(())
}

/// What the worker needs to install a version.
#[derive(Clone)]
pub struct Installation {
    /// The deployment.
    pub deployment: Deployment,
    /// Name of the managed certificate.
    pub managed_name: String,
    /// The version to install.
    pub certificate: CertificateId,
    /// Its bytes, DER.
    pub der: Vec<u8>,
    /// Its chain, DER, issuer first.
    pub chain: Vec<Vec<u8>>,
    /// Its sealed key, where it is in custody.
    pub private_key: Option<SealedRow>,
    /// The certificate store that it goes into.
    pub store: Option<OpenStore>,
}

/// For the worker: the current version; `None` when deployment or version are gone.
pub fn installation(tx: &mut Tx<'_>, id: DeploymentId) -> Result<Option<Installation>> {
    let Some(deployment) = tx.one(&format!("SELECT {COLUMNS} WHERE id = $1"), params![id], read)? else { return Ok(None) };
    let managed = managed::find(tx, deployment.lineage)?;
    let Some(certificate) = managed.current else { return Ok(None) };
    let found = tx.one(
        "SELECT certificate_body.der, private_key.id FROM certificate \
         JOIN certificate_body ON certificate_body.certificate = certificate.id LEFT JOIN private_key ON private_key.spki_sha256 = certificate.spki_sha256 \
         WHERE certificate.id = $1",
        params![certificate],
        |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<Option<i64>>(1)?)),
    )?;
    let Some((der, key)) = found else { return Ok(None) };
    let chain = tx.rows(
        "SELECT certificate_body.der FROM certificate_chain JOIN certificate_body ON certificate_body.certificate = certificate_chain.member \
         WHERE certificate_chain.certificate = $1 ORDER BY certificate_chain.position",
        params![certificate],
        |row| row.get::<Vec<u8>>(0),
    )?;
    let private_key = key.map(|id| custody::load_private_key(tx, PrivateKeyId(id))).transpose()?;
    let store =
        deployment.settings.store.as_ref().map(|target| stores::work::open_store(tx, target.store)).transpose()?.flatten();
    Ok(Some(Installation { deployment, managed_name: managed.name, certificate, der, chain, private_key, store }))
}

/// Records what was put into a certificate store, before [`complete`].
pub fn stored(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, written: &Written, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let deployment = find(tx, DeploymentId(lease.object))?;
    match &deployment.settings.store {
        Some(target) => stores::work::deployed(tx, actor, target.store, &target.alias, written, now),
        None => Ok(()),
    }
}

/// Records an installation and ends the lease; when the version changed meanwhile, the new one is installed next.
pub fn complete(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, certificate: CertificateId, report: &str, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let id = DeploymentId(lease.object);
    let deployment = find(tx, id)?;
    let managed = managed::find(tx, deployment.lineage)?;
    tx.execute(
        "UPDATE deployment SET state = 'deployed', certificate = $1, last_error = NULL, last_at = $2 WHERE id = $3",
        params![certificate, now, id],
    )?;
    let report: String = report.chars().take(limits::ERROR_CHARS).collect();
    let payload = json!({
        "deployment": id, "deployment_name": deployment.name, "certificate": certificate, "report": report,
        "before": { "state": deployment.state, "certificate": deployment.certificate },
        "after": { "state": "deployed", "certificate": certificate },
    });
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::DEPLOYMENT_COMPLETED, Object::new("managed", managed.id.0, &managed.name), payload),
    )?;
    jobs::finish(tx, lease, now)?;
    if managed.current != Some(certificate) {
        jobs::enqueue(tx, JobKind::Deploy, id.0, now, now)?;
    }
    Ok(())
}

/// Records a failed installation and when it is tried again; ends the lease.
pub fn fail(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, sentence: &str, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let id = DeploymentId(lease.object);
    let deployment = find(tx, id)?;
    let managed = managed::find(tx, deployment.lineage)?;
    let sentence: String = sentence.chars().take(limits::ERROR_CHARS).collect();
    let next = super::next_try(id.0, super::FailureClass::ChallengeFailed, lease.attempts, None, now);
    tx.execute(
        "UPDATE deployment SET state = 'failing', last_error = $1, last_at = $2 WHERE id = $3",
        params![&sentence, now, id],
    )?;
    let payload = json!({
        "deployment": id, "deployment_name": deployment.name, "error": sentence, "next_try": next,
        "before": { "state": deployment.state }, "after": { "state": "failing" },
    });
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::DEPLOYMENT_FAILED, Object::new("managed", managed.id.0, &managed.name), payload),
    )?;
    jobs::put_off(tx, lease, next, Some(&sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &str) -> DeploymentSettings {
        DeploymentSettings { private_key: Some(path.into()), ..DeploymentSettings::default() }
    }

    #[test]
    fn only_absolute_plain_paths_are_taken() {
        assert!(settings("/etc/ssl/private/example.key").check().is_ok());
        for bad in ["", "etc/x", "/etc/../root/x", "/etc/./x", "/etc/ssl/", "/a\0b", "/a\nb"] {
            assert!(settings(bad).check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn modes_owners_and_commands_are_checked() {
        let with = |change: fn(&mut DeploymentSettings)| {
            let mut settings = settings("/x");
            change(&mut settings);
            settings.check()
        };
        assert!(with(|s| s.mode = Some("0640".into())).is_ok());
        assert!(with(|s| s.mode = Some("0999".into())).is_err());
        assert!(with(|s| s.mode = Some("4755".into())).is_err());
        assert!(with(|s| s.key_mode = Some("0640".into())).is_ok());
        assert!(with(|s| s.key_mode = Some("0644".into())).is_err());
        assert!(with(|s| s.owner = Some("www-data".into())).is_ok());
        assert!(with(|s| s.owner = Some("a;b".into())).is_err());
        assert!(with(|s| s.command = vec!["systemctl".into()]).is_err(), "a program needs a path");
        assert!(with(|s| s.command = vec!["/bin/systemctl".into(), "reload".into()]).is_ok());
        assert!(with(|s| s.chain = Some("/x".into())).is_err(), "two files, one path");
        assert!(DeploymentSettings::default().check().is_err());
    }
}
