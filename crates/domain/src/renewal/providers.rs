//! DNS providers: settings in the open, credentials in custody.

use std::collections::BTreeMap;

use certhold_store::{Row, Tx, params};
use serde_json::json;
use zeroize::Zeroizing;

use super::catalogue::{self, ProviderKind};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::core::Entropy;
use crate::custody::{self, Custody, Sealed, SealedRow, SecretKind};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{DnsProviderId, SecretId};
use crate::text;

/// Shown instead of a credential; sent back unchanged it keeps the stored one.
pub const MASK: &str = "********";

/// A DNS provider as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsProvider {
    /// Its handle.
    pub id: DnsProviderId,
    /// Unique without regard to case.
    pub name: String,
    /// A kind of the catalogue.
    pub kind: String,
    /// Its settings; credentials appear as [`MASK`].
    pub settings: BTreeMap<String, String>,
    /// How many managed certificates use it.
    pub used_by: i64,
}

/// What was entered, checked against the catalogue and with its credentials sealed.
#[derive(Clone)]
pub struct ProviderCommand {
    name: String,
    kind: &'static ProviderKind,
    settings: BTreeMap<String, String>,
    secret: Option<Sealed>,
    keeps_secret: bool,
    /// Whether a stored credential was kept because it was not entered.
    masked: bool,
}

impl ProviderCommand {
    /// Checks the parameters of a provider and seals its credentials. `stored` are the opened credentials of the provider that is
    /// being changed: a masked value keeps the stored one.
    pub fn new(
        name: &str,
        kind: &str,
        given: &BTreeMap<String, String>,
        stored: Option<&BTreeMap<String, Zeroizing<String>>>,
        custody: &Custody,
        entropy: &dyn Entropy,
    ) -> Result<ProviderCommand> {
        let name = text::name("name", name)?;
        let known: Vec<&str> = catalogue::PROVIDERS.iter().map(|provider| provider.name).collect();
        let kind =
            catalogue::find(kind).ok_or_else(|| Refusal::invalid("kind", format!("choose one of {}", known.join(", "))))?;
        if let Some(unknown) = given.keys().find(|key| !kind.parameters.iter().any(|parameter| parameter.name == key.as_str())) {
            let names: Vec<&str> = kind.parameters.iter().map(|parameter| parameter.name).collect();
            return Err(Refusal::invalid(
                "settings",
                format!("{} has no setting {unknown:?}; it has {}", kind.label, names.join(", ")),
            )
            .into());
        }
        let mut settings = BTreeMap::new();
        let mut secrets = BTreeMap::new();
        let mut masked = false;
        for parameter in kind.parameters {
            let value = given.get(parameter.name).map(|value| value.trim()).filter(|value| !value.is_empty());
            if let Some(value) = value {
                text::line("settings", value, crate::limits::DESCRIPTION_CHARS)?;
            }
            if parameter.secret {
                let kept =
                    stored.and_then(|stored| stored.get(parameter.name)).filter(|_| value.is_none_or(|value| value == MASK));
                masked |= kept.is_some();
                let value = kept.map(|kept| kept.to_string()).or_else(|| value.filter(|value| *value != MASK).map(str::to_owned));
                match value {
                    Some(value) => drop(secrets.insert(parameter.name, Zeroizing::new(value))),
                    None if parameter.required => return Err(missing(parameter.label)),
                    None => {}
                }
                continue;
            }
            match value.or(parameter.default) {
                Some(value) if !parameter.choices.is_empty() && !parameter.choices.contains(&value) => {
                    let message = format!("{}: choose one of {}", parameter.label, parameter.choices.join(", "));
                    return Err(Refusal::invalid("settings", message).into());
                }
                Some(value) => {
                    check_value(parameter.name, value)?;
                    settings.insert(parameter.name.to_owned(), value.to_owned());
                }
                None if parameter.required => return Err(missing(parameter.label)),
                None => {}
            }
        }
        let plain: BTreeMap<&str, &str> = secrets.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(|error| Error::damaged(error.to_string()))?);
        let secret = custody.seal(entropy, SecretKind::DnsCredentials, &plain)?;
        let keeps_secret = stored.is_some_and(|stored| secrets.iter().all(|(name, value)| stored.get(*name) == Some(value)));
        Ok(ProviderCommand { name, kind, settings, secret: Some(secret), keeps_secret, masked })
    }
}

/// Rules that hold for a parameter of this name whoever has it.
fn check_value(name: &str, value: &str) -> Result<(), Refusal> {
    let wrong = |message: &str| Err(Refusal::invalid("settings", message));
    match name {
        "url" => {
            let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
            match rest.filter(|rest| !rest.is_empty() && !rest.contains([' ', '#', '?'])) {
                None => wrong("url: give an http:// or https:// address without query"),
                Some(rest) if rest.contains('@') => wrong("url: leave user name and password out of the address"),
                Some(_) => Ok(()),
            }
        }
        "ttl" => match value.parse::<u32>() {
            Ok(1..=86_400) => Ok(()),
            _ => wrong("ttl: give seconds between 1 and 86400"),
        },
        _ => Ok(()),
    }
}

fn missing(label: &str) -> Error {
    Refusal::invalid("settings", format!("{label} is required")).into()
}

/// Opens a provider's credentials; outside transactions.
pub fn open_credentials(custody: &Custody, row: &SealedRow) -> Result<BTreeMap<String, Zeroizing<String>>> {
    let plain = custody.open(row, SecretKind::DnsCredentials)?;
    let credentials: BTreeMap<String, String> =
        serde_json::from_slice(&plain).map_err(|_| Error::damaged("DNS credentials are not what was sealed"))?;
    Ok(credentials.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect())
}

const COLUMNS: &str = "dns_provider.id, dns_provider.name, dns_provider.kind, dns_provider.settings, \
    (SELECT count(*) FROM lineage WHERE lineage.dns_provider = dns_provider.id) FROM dns_provider";

fn read(row: &Row<'_>) -> Result<DnsProvider, certhold_store::Error> {
    let kind: String = row.get(2)?;
    let mut settings: BTreeMap<String, String> = serde_json::from_str(row.text(3)?).unwrap_or_default();
    let secrets = catalogue::find(&kind).into_iter().flat_map(|kind| kind.parameters).filter(|parameter| parameter.secret);
    settings.extend(secrets.map(|parameter| (parameter.name.to_owned(), MASK.to_owned())));
    Ok(DnsProvider { id: DnsProviderId(row.get(0)?), name: row.get(1)?, kind, settings, used_by: row.get(4)? })
}

/// All providers by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<DnsProvider>> {
    access::require_path(tx, actor, paths::DNS_PROVIDERS_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY dns_provider.folded"), params![], read)?)
}

/// One provider.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: DnsProviderId) -> Result<DnsProvider> {
    access::require_path(tx, actor, paths::DNS_PROVIDERS_READ)?;
    find(tx, id)
}

fn find(tx: &mut Tx<'_>, id: DnsProviderId) -> Result<DnsProvider> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE dns_provider.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("DNS provider", id).into())
}

/// The sealed credentials of a provider, for [`ProviderCommand::new`] when it is changed.
pub fn sealed_credentials(tx: &mut Tx<'_>, actor: &Actor, id: DnsProviderId) -> Result<Option<SealedRow>> {
    access::require_path(tx, actor, paths::DNS_PROVIDERS_MODIFY)?;
    sealed(tx, id)
}

pub(crate) fn sealed(tx: &mut Tx<'_>, id: DnsProviderId) -> Result<Option<SealedRow>> {
    let secret: Option<Option<i64>> = tx.one("SELECT secret FROM dns_provider WHERE id = $1", params![id], |row| row.get(0))?;
    let secret = secret.ok_or_else(|| Refusal::not_found("DNS provider", id))?;
    secret.map(|secret| custody::load(tx, SecretId(secret))).transpose()
}

/// Creates a provider.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &ProviderCommand, now: i64) -> Result<DnsProviderId> {
    access::require_path(tx, actor, paths::DNS_PROVIDERS_MODIFY)?;
    let secret = command.secret.as_ref().map(|sealed| custody::put(tx, sealed, now)).transpose()?;
    let id: Option<i64> = tx.one(
        "INSERT INTO dns_provider (name, folded, kind, settings, secret, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (folded) DO NOTHING RETURNING id",
        params![&command.name, text::fold(&command.name), command.kind.name, json!(command.settings).to_string(), secret, now],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("there is a DNS provider named {:?} already", command.name)))?;
    let credentials = if secret.is_some() { "set" } else { "none" };
    let payload = json!({ "after": {
        "name": command.name, "kind": command.kind.name, "settings": command.settings, "credentials": credentials,
    }});
    let object = Object::new("dns_provider", id, &command.name);
    events::append(tx, actor, now, NewEvent::new(names::DNS_PROVIDER_CREATED, object, payload))?;
    Ok(DnsProviderId(id))
}

/// Replaces a provider's name, settings and credentials; the kind stays.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: DnsProviderId, command: &ProviderCommand, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::DNS_PROVIDERS_MODIFY)?;
    let before = find(tx, id)?;
    if before.kind != command.kind.name {
        return Err(Refusal::invalid("kind", "the kind of a provider cannot change: create another one").into());
    }
    let changed = |name: &str| before.settings.get(name) != command.settings.get(name);
    let mut destinations = command.kind.parameters.iter().filter(|parameter| parameter.destination);
    if let Some(parameter) = destinations.find(|parameter| changed(parameter.name)).filter(|_| command.masked) {
        let message = format!("{} changes, and with it who receives the credentials: enter them again", parameter.label);
        return Err(Refusal::invalid("settings", message).into());
    }
    let taken: Option<i64> =
        tx.one("SELECT id FROM dns_provider WHERE folded = $1", params![text::fold(&command.name)], |row| row.get(0))?;
    if taken.is_some_and(|taken| taken != id.0) {
        return Err(Refusal::Conflict(format!("there is a DNS provider named {:?} already", command.name)).into());
    }
    let old: Option<i64> = tx.one("SELECT secret FROM dns_provider WHERE id = $1", params![id], |row| row.get(0))?.flatten();
    let secret = command.secret.as_ref().map(|sealed| custody::put(tx, sealed, now)).transpose()?;
    tx.execute(
        "UPDATE dns_provider SET name = $1, folded = $2, settings = $3, secret = $4 WHERE id = $5",
        params![&command.name, text::fold(&command.name), json!(command.settings).to_string(), secret, id],
    )?;
    if let Some(old) = old {
        custody::destroy(tx, SecretId(old))?;
    }
    let had = if old.is_some() { "set" } else { "none" };
    let credentials = if command.keeps_secret { had } else { "changed" };
    let old = json!({ "name": before.name, "settings": open_settings(&before), "credentials": had });
    let new = json!({ "name": command.name, "settings": command.settings, "credentials": credentials });
    let object = Object::new("dns_provider", id.0, &command.name);
    events::append(tx, actor, now, NewEvent::changed(names::DNS_PROVIDER_CHANGED, object, old, new))?;
    Ok(())
}

/// The settings that are no secrets.
fn open_settings(provider: &DnsProvider) -> BTreeMap<&String, &String> {
    provider.settings.iter().filter(|(_, value)| *value != MASK).collect()
}

/// Removes a provider that nothing uses, and destroys its credentials.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: DnsProviderId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::DNS_PROVIDERS_MODIFY)?;
    let provider = find(tx, id)?;
    if provider.used_by > 0 {
        let message = format!(
            "{} managed certificates use the DNS provider {:?}: give them another first",
            provider.used_by, provider.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    let standing: Option<i64> =
        tx.one("SELECT id FROM challenge_record WHERE dns_provider = $1 AND state <> 'withdrawn' LIMIT 1", params![id], |row| {
            row.get(0)
        })?;
    if standing.is_some() {
        return Err(
            Refusal::Conflict("TXT records of this provider are still to be withdrawn: try again in a minute".into()).into()
        );
    }
    let secret: Option<i64> = tx.one("SELECT secret FROM dns_provider WHERE id = $1", params![id], |row| row.get(0))?.flatten();
    tx.execute("DELETE FROM challenge_record WHERE dns_provider = $1", params![id])?;
    tx.execute("DELETE FROM dns_provider WHERE id = $1", params![id])?;
    if let Some(secret) = secret {
        custody::destroy(tx, SecretId(secret))?;
    }
    let object = Object::new("dns_provider", id.0, &provider.name);
    let credentials = if secret.is_some() { "set" } else { "none" };
    let payload = json!({ "before": {
        "name": provider.name, "kind": provider.kind, "settings": open_settings(&provider), "credentials": credentials,
    }});
    events::append(tx, actor, now, NewEvent::new(names::DNS_PROVIDER_DELETED, object, payload))?;
    Ok(())
}
