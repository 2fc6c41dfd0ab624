//! Issuers: authorities that certificates are obtained from. So far ACME accounts (RFC 8555).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certhold_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::revocation;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::core::Entropy;
use crate::custody::{self, Custody, Sealed, SealedRow, SecretKind};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{IssuerId, SecretId};
use crate::jobs::{self, Lease};
use crate::{limits, text};

/// What an ACME issuer is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeSettings {
    /// The directory's URL.
    pub directory: String,
    /// Mail addresses of the account, without `mailto:`.
    #[serde(default)]
    pub contacts: Vec<String>,
    /// PEM of the root that the directory's own TLS certificate chains to, where it is not a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_root: Option<String>,
    /// Key identifier of an external account binding (RFC 8555 §7.3.4); its key is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eab_key_id: Option<String>,
}

/// An issuer as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its handle.
    pub id: IssuerId,
    /// Unique without regard to case.
    pub name: String,
    /// What it is told.
    pub settings: AcmeSettings,
    /// Whether the account is registered; it is at first use.
    pub registered: bool,
    /// How many managed certificates use it.
    pub used_by: i64,
}

/// Create an ACME issuer.
#[derive(Clone)]
pub struct NewIssuer {
    /// Unique without regard to case.
    pub name: String,
    /// What it is told.
    pub settings: AcmeSettings,
    /// The key of the external account binding, sealed.
    pub eab_key: Option<Sealed>,
}

impl NewIssuer {
    /// The command with the external account key sealed, outside transactions. `eab_key` is base64url as authorities hand it out.
    pub fn new(
        name: &str,
        settings: AcmeSettings,
        eab_key: Option<&str>,
        custody: &Custody,
        entropy: &dyn Entropy,
    ) -> Result<NewIssuer> {
        let key = eab_key.map(str::trim).filter(|key| !key.is_empty());
        let bytes = key.map(|key| URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).map(Zeroizing::new)).transpose();
        let short = |key: &Option<Zeroizing<Vec<u8>>>| key.as_ref().is_some_and(|key| key.len() < 16 || key.len() > 512);
        if bytes.as_ref().map_or(true, short) {
            return Err(
                Refusal::invalid("eab_key", "the key is base64url text of at least 16 bytes, as the authority shows it").into()
            );
        }
        let sealed = key.map(|key| custody.seal(entropy, SecretKind::ExternalAccount, key.as_bytes())).transpose()?;
        Ok(NewIssuer { name: name.to_owned(), settings, eab_key: sealed })
    }
}

const COLUMNS: &str = "issuer.id, issuer.name, issuer.settings, issuer.account IS NOT NULL, \
    (SELECT count(*) FROM lineage WHERE lineage.issuer = issuer.id) FROM issuer";

fn read(row: &Row<'_>) -> Result<Issuer, certhold_store::Error> {
    Ok(Issuer {
        id: IssuerId(row.get(0)?),
        name: row.get(1)?,
        settings: serde_json::from_str(row.text(2)?).unwrap_or_default(),
        registered: row.get(3)?,
        used_by: row.get(4)?,
    })
}

/// All issuers by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Issuer>> {
    access::require_path(tx, actor, paths::ISSUERS_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY issuer.folded"), params![], read)?)
}

/// One issuer.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: IssuerId) -> Result<Issuer> {
    access::require_path(tx, actor, paths::ISSUERS_READ)?;
    find(tx, id)
}

pub(crate) fn find(tx: &mut Tx<'_>, id: IssuerId) -> Result<Issuer> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE issuer.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("issuer", id).into())
}

/// Creates an issuer; its account is registered when the first certificate is obtained.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &NewIssuer, now: i64) -> Result<IssuerId> {
    access::require_path(tx, actor, paths::ISSUERS_MODIFY)?;
    let name = text::name("name", &command.name)?;
    check(&command.settings, command.eab_key.is_some())?;
    let secret = command.eab_key.as_ref().map(|sealed| custody::put(tx, sealed, now)).transpose()?;
    let settings = serde_json::to_string(&command.settings).map_err(|error| Error::damaged(error.to_string()))?;
    let id: Option<i64> = tx.one(
        "INSERT INTO issuer (name, folded, kind, settings, secret, created_at) VALUES ($1, $2, 'acme', $3, $4, $5) \
         ON CONFLICT (folded) DO NOTHING RETURNING id",
        params![&name, text::fold(&name), settings, secret, now],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("there is an issuer named {name:?} already")))?;
    let payload = json!({ "after": told(&command.settings) });
    events::append(tx, actor, now, NewEvent::new(names::ISSUER_CREATED, Object::new("issuer", id, &name), payload))?;
    Ok(IssuerId(id))
}

/// An issuer's settings in an event; of the key of an external account binding only that there is one.
fn told(settings: &AcmeSettings) -> Json {
    let set = |there: bool| if there { "set" } else { "none" };
    json!({
        "directory": settings.directory, "contacts": settings.contacts, "trust_root": set(settings.trust_root.is_some()),
        "eab_key_id": settings.eab_key_id, "eab_key": set(settings.eab_key_id.is_some()),
    })
}

fn check(settings: &AcmeSettings, has_eab_key: bool) -> Result<(), Refusal> {
    text::line("directory", &settings.directory, limits::DESCRIPTION_CHARS)?;
    let plain = settings.directory.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.contains(['@', ' ', '#']));
    if plain.is_none() {
        return Err(Refusal::invalid("directory", "the directory is an https:// URL without user name or fragment"));
    }
    for contact in &settings.contacts {
        text::line("contacts", contact, limits::NAME_CHARS)?;
        if !contact.split_once('@').is_some_and(|(local, host)| !local.is_empty() && host.contains('.'))
            || contact.contains([',', '?', ' ', ':'])
        {
            return Err(Refusal::invalid("contacts", format!("{contact:?} is not a mail address")));
        }
    }
    if settings
        .trust_root
        .as_ref()
        .is_some_and(|pem| pem.len() > limits::CERTIFICATE_BYTES || !pem.contains("-----BEGIN CERTIFICATE-----"))
    {
        return Err(Refusal::invalid("trust_root", "give the root certificate as PEM"));
    }
    match (settings.eab_key_id.is_some(), has_eab_key) {
        (true, false) => Err(Refusal::invalid("eab_key", "an external account binding needs its key beside the key id")),
        (false, true) => Err(Refusal::invalid("eab_key_id", "an external account binding needs its key id beside the key")),
        _ => Ok(()),
    }
}

/// Removes an issuer that nothing uses, and destroys its account's key.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: IssuerId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::ISSUERS_MODIFY)?;
    let issuer = find(tx, id)?;
    if issuer.used_by > 0 {
        let message =
            format!("{} managed certificates use the issuer {:?}: give them another first", issuer.used_by, issuer.name);
        return Err(Refusal::Conflict(message).into());
    }
    let ordered: Option<i64> = tx.one("SELECT id FROM acme_order WHERE issuer = $1 LIMIT 1", params![id], |row| row.get(0))?;
    if ordered.is_some() {
        return Err(Refusal::Conflict(format!("orders at the issuer {:?} are part of the history: it stays", issuer.name)).into());
    }
    let answers_for: Option<i64> = tx.one(
        "SELECT certificate.id FROM acme_certificate JOIN certificate ON certificate.id = acme_certificate.certificate \
         WHERE acme_certificate.issuer = $1 AND certificate.not_after > $2 AND NOT EXISTS (SELECT 1 FROM acme_revocation \
         WHERE acme_revocation.certificate = acme_certificate.certificate AND acme_revocation.state = 'revoked') LIMIT 1",
        params![id, now],
        |row| row.get(0),
    )?;
    if let Some(certificate) = answers_for {
        let message = format!(
            "certificate {certificate} was obtained through the issuer {:?}, has not expired and is not revoked there: its account is what revokes it",
            issuer.name
        );
        return Err(Refusal::Conflict(message).into());
    }
    revocation::issuer_removed(tx, actor, (id, &issuer.name), now)?;
    let secrets = tx.one("SELECT secret, account FROM issuer WHERE id = $1", params![id], |row| {
        Ok([row.get::<Option<i64>>(0)?, row.get::<Option<i64>>(1)?])
    })?;
    tx.execute("DELETE FROM issuer WHERE id = $1", params![id])?;
    for secret in secrets.into_iter().flatten().flatten() {
        custody::destroy(tx, SecretId(secret))?;
    }
    let mut before = told(&issuer.settings);
    before["account"] = if issuer.registered { "set" } else { "none" }.into();
    let payload = json!({ "before": before });
    events::append(tx, actor, now, NewEvent::new(names::ISSUER_DELETED, Object::new("issuer", id.0, &issuer.name), payload))?;
    Ok(())
}

/// What the worker needs of an issuer: settings, the sealed external account key, the sealed account.
#[derive(Clone)]
pub struct IssuerAccess {
    /// The issuer.
    pub id: IssuerId,
    /// What it is told.
    pub settings: AcmeSettings,
    /// Key of the external account binding.
    pub eab_key: Option<SealedRow>,
    /// The registered account.
    pub account: Option<SealedRow>,
}

/// For the worker.
pub fn open(tx: &mut Tx<'_>, id: IssuerId) -> Result<IssuerAccess> {
    let issuer = find(tx, id)?;
    let secrets = tx.one("SELECT secret, account FROM issuer WHERE id = $1", params![id], |row| {
        Ok((row.get::<Option<i64>>(0)?, row.get::<Option<i64>>(1)?))
    })?;
    let (secret, account) = secrets.unwrap_or_default();
    let eab_key = secret.map(|id| custody::load(tx, SecretId(id))).transpose()?;
    let account = account.map(|id| custody::load(tx, SecretId(id))).transpose()?;
    Ok(IssuerAccess { id, settings: issuer.settings, eab_key, account })
}

/// Keeps the account that the worker registered. The first one stays: two workers that registered at once agree.
pub fn registered(tx: &mut Tx<'_>, actor: &Actor, id: IssuerId, account: &Sealed, now: i64) -> Result<()> {
    let issuer = find(tx, id)?;
    if issuer.registered {
        return Ok(());
    }
    let secret = custody::put(tx, account, now)?;
    tx.execute("UPDATE issuer SET account = $1 WHERE id = $2", params![secret, id])?;
    let payload = json!({
        "directory": issuer.settings.directory, "before": { "account": "none" }, "after": { "account": "set" },
    });
    events::append(tx, actor, now, NewEvent::new(names::ISSUER_REGISTERED, Object::new("issuer", id.0, &issuer.name), payload))?;
    Ok(())
}

/// Forgets an account that the authority no longer knows, so that the next attempt registers another.
pub fn forget_account(tx: &mut Tx<'_>, actor: &Actor, lease: &Lease, id: IssuerId, now: i64) -> Result<()> {
    jobs::require_lease(tx, lease)?;
    let issuer = find(tx, id)?;
    if !issuer.registered {
        return Ok(());
    }
    let account: Option<i64> = tx.one("SELECT account FROM issuer WHERE id = $1", params![id], |row| row.get(0))?.flatten();
    tx.execute("UPDATE issuer SET account = NULL WHERE id = $1", params![id])?;
    if let Some(account) = account {
        custody::destroy(tx, SecretId(account))?;
    }
    let payload = json!({
        "directory": issuer.settings.directory, "before": { "account": "set" }, "after": { "account": "none" },
    });
    let object = Object::new("issuer", id.0, &issuer.name);
    events::append(tx, actor, now, NewEvent::new(names::ISSUER_ACCOUNT_FORGOTTEN, object, payload))?;
    Ok(())
}
