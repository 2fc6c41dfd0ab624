//! Certificate stores, their entries and jobs as they stand on the wire.

use certhold_domain::stores::{self, PasswordChange, Properties, Schedule, StoreCommand, StoreKind};
use certhold_domain::{ContainerId, Core};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::native::certificates::Certificate;
use crate::native::secret::Secret;
use crate::native::time::Time;
use crate::problem::Problem;

/// What a password that is not shown looks like; sent back, it stays what it was.
const MASK: &str = "********";

/// A container by number and name.
#[derive(Serialize, ToSchema)]
pub struct InContainer {
    /// Its handle.
    id: i64,
    /// Its name.
    name: String,
}

/// How a store is kept. Files that are there keep their mode, owner and group; the modes are for new ones.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreProperties {
    /// Directories of PEM files: `with` (default: after the certificate), `beside` (in `ALIAS.chain.pem`) or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
    /// Directories of PEM files: `beside` (default: in `ALIAS.key`) or `inside` (before the certificate).
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// PKCS#12 files: `modern` (default: AES-256) or `legacy` (3DES).
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<String>,
    /// Mode of new files without keys, octal; 0644 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// Mode of new files with keys, octal; 0600 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_mode: Option<String>,
}

impl From<Properties> for StoreProperties {
    fn from(properties: Properties) -> StoreProperties {
        // Both have the same shape: the domain's is the one that is checked.
        serde_json::to_value(properties).and_then(serde_json::from_value).unwrap_or_default()
    }
}

impl TryFrom<StoreProperties> for Properties {
    type Error = Problem;

    fn try_from(properties: StoreProperties) -> Result<Properties, Problem> {
        let read = serde_json::to_value(properties).and_then(serde_json::from_value);
        read.map_err(|error| Problem::invalid("properties", error))
    }
}

/// A certificate store.
#[derive(Serialize, ToSchema)]
pub struct CertificateStore {
    /// Its handle.
    id: i64,
    /// Its handle in other APIs.
    uuid: String,
    /// Unique, also against names that look alike.
    #[schema(example = "Shop front")]
    name: String,
    /// `pem-directory`, `pkcs12` or `jks`.
    #[schema(example = "pkcs12")]
    kind: &'static str,
    /// The machine that it belongs to, for people.
    machine: String,
    /// Where it is on the server.
    #[schema(example = "/srv/tls/shop.p12")]
    path: String,
    /// The container that it is in.
    container: Option<InContainer>,
    /// How it is kept.
    properties: StoreProperties,
    /// `********` when it has one.
    password: Option<&'static str>,
    /// Whether it is made when it is not there.
    create_if_missing: bool,
    /// When inventories are taken, in UTC.
    #[schema(example = "daily 03:15")]
    schedule: String,
    /// When the next one is due.
    next_at: Option<Time>,
    /// When the last one was complete.
    inventoried_at: Option<Time>,
    /// What could not be read then, at most 50.
    problems: Vec<StoreProblem>,
    /// Why what was tried last failed.
    last_error: Option<String>,
    /// When.
    last_error_at: Option<Time>,
    /// How many entries it has.
    entries: i64,
    /// When it was created.
    created_at: Time,
}

/// A part of a store that could not be read.
#[derive(Serialize, ToSchema)]
pub struct StoreProblem {
    /// A file, or an entry of one.
    place: String,
    /// Why.
    reason: String,
}

impl From<stores::Store> for CertificateStore {
    fn from(store: stores::Store) -> CertificateStore {
        let problem = |problem: stores::Problem| StoreProblem { place: problem.place, reason: problem.reason };
        CertificateStore {
            id: store.id.0,
            uuid: store.uuid,
            name: store.name,
            kind: store.kind.name(),
            machine: store.machine,
            path: store.path,
            container: store.container.map(|(id, name)| InContainer { id: id.0, name }),
            properties: store.properties.into(),
            password: store.has_password.then_some(MASK),
            create_if_missing: store.create_if_missing,
            schedule: store.schedule.to_string(),
            next_at: store.next_at.map(Time),
            inventoried_at: store.inventoried_at.map(Time),
            problems: store.problems.into_iter().map(problem).collect(),
            last_error: store.last_error,
            last_error_at: store.last_error_at.map(Time),
            entries: store.entries,
            created_at: Time(store.created_at),
        }
    }
}

/// A certificate store as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateStoreInput {
    /// Unique, also against names that look alike; not a number.
    #[schema(example = "Shop front")]
    name: String,
    /// `pem-directory`, `pkcs12` or `jks`; it cannot change.
    #[schema(example = "pkcs12")]
    kind: String,
    /// The machine that it belongs to, for people.
    #[serde(default)]
    machine: String,
    /// Where it is on the server: an absolute path in one of `store_roots`, that no other store has.
    #[schema(example = "/srv/tls/shop.p12")]
    path: String,
    /// The container that it is in.
    container: Option<i64>,
    /// How it is kept.
    #[serde(default)]
    properties: StoreProperties,
    /// The password of the store and its keys. Left out, or sent as `********`, it stays what it was.
    password: Option<Secret>,
    /// Takes the password away (directories of PEM files only).
    #[serde(default)]
    remove_password: bool,
    /// Whether it is made when it is not there.
    #[serde(default)]
    create_if_missing: bool,
    /// `off` (default), `now`, `every 30m`, `daily 03:15`, `weekly mon,thu 03:15`, `monthly 15 03:15` or
    /// `once 2026-12-01T03:00:00Z`, in UTC.
    #[schema(example = "daily 03:15")]
    schedule: Option<String>,
}

impl CertificateStoreInput {
    /// The command, with its password sealed.
    pub fn command(self, core: &Core) -> Result<StoreCommand, Problem> {
        let password = match self.password.as_ref().map(Secret::expose).filter(|password| *password != MASK) {
            Some(_) if self.remove_password => {
                return Err(Problem::invalid("remove_password", "a password cannot be set and taken away at once"));
            }
            Some(password) => PasswordChange::Set(stores::seal_password(&core.custody, core.entropy.as_ref(), password)?),
            None if self.remove_password => PasswordChange::Remove,
            None => PasswordChange::Keep,
        };
        Ok(StoreCommand {
            name: self.name,
            kind: StoreKind::parse(&self.kind)?,
            machine: self.machine,
            path: self.path,
            container: self.container.map(ContainerId),
            properties: self.properties.try_into()?,
            password,
            create_if_missing: self.create_if_missing,
            schedule: Schedule::parse(self.schedule.as_deref().unwrap_or_default())?,
        })
    }
}

/// An entry of a store.
#[derive(Serialize, ToSchema)]
pub struct StoreEntry {
    /// Its name in the store.
    #[schema(example = "shop.example.com")]
    alias: String,
    /// Its certificate.
    certificate: Option<Certificate>,
    /// The certificates above it that are in the store, issuer first.
    chain: Vec<Certificate>,
    /// Whether its private key is there.
    has_key: bool,
    /// Since when it is known to be there.
    found_at: Time,
}

impl From<stores::Entry> for StoreEntry {
    fn from(entry: stores::Entry) -> StoreEntry {
        let mut certificates = entry.certificates.into_iter().map(|one| Certificate::from(one.summary));
        StoreEntry {
            alias: entry.alias,
            certificate: certificates.next(),
            chain: certificates.collect(),
            has_key: entry.has_key,
            found_at: Time(entry.found_at),
        }
    }
}

/// Something that is to be done with a store, or was.
#[derive(Serialize, ToSchema)]
pub struct StoreJob {
    /// Its handle.
    id: i64,
    /// Its handle in other APIs.
    uuid: String,
    /// The store.
    store: i64,
    /// `inventory`, `add` or `remove`.
    #[schema(example = "add")]
    kind: &'static str,
    /// The entry's name.
    alias: Option<String>,
    /// The certificate that is added.
    certificate: Option<i64>,
    /// Whether an entry that is there may be replaced.
    overwrite: bool,
    /// Whether the private key goes with the certificate.
    include_key: bool,
    /// Who asked.
    author: String,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "done")]
    state: &'static str,
    /// Why it failed.
    error: Option<String>,
    /// What was done.
    report: Option<String>,
    /// Not before.
    due_at: Time,
    /// When it was asked for.
    created_at: Time,
    /// When it ended.
    finished_at: Option<Time>,
}

impl From<stores::StoreJob> for StoreJob {
    fn from(job: stores::StoreJob) -> StoreJob {
        StoreJob {
            id: job.id.0,
            uuid: job.uuid,
            store: job.store.0,
            kind: job.kind.name(),
            alias: job.alias,
            certificate: job.certificate.map(|id| id.0),
            overwrite: job.overwrite,
            include_key: job.with_key,
            author: job.author,
            state: job.state.name(),
            error: job.error,
            report: job.report,
            due_at: Time(job.due_at),
            created_at: Time(job.created_at),
            finished_at: job.finished_at.map(Time),
        }
    }
}

/// A place where a certificate is installed.
#[derive(Serialize, ToSchema)]
pub struct CertificateLocation {
    /// The certificate store.
    store: i64,
    /// Its handle in other APIs.
    store_uuid: String,
    /// Its name.
    store_name: String,
    /// `pem-directory`, `pkcs12` or `jks`.
    kind: &'static str,
    /// The machine that it belongs to.
    machine: String,
    /// Where it is.
    path: String,
    /// The container that it is in.
    container: Option<i64>,
    /// The entry's name.
    alias: String,
    /// Whether it is in the chain of the entry's own certificate.
    in_chain: bool,
    /// Whether the entry's private key is there.
    has_key: bool,
    /// Since when it is known to be there.
    found_at: Time,
}

impl From<stores::Location> for CertificateLocation {
    fn from(location: stores::Location) -> CertificateLocation {
        CertificateLocation {
            store: location.store.0,
            store_uuid: location.uuid,
            store_name: location.name,
            kind: location.kind.name(),
            machine: location.machine,
            path: location.path,
            container: location.container.map(|id| id.0),
            alias: location.alias,
            in_chain: location.position > 0,
            has_key: location.has_key,
            found_at: Time(location.found_at),
        }
    }
}
