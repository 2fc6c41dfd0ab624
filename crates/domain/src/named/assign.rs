//! Where identities are presented: by the listener, and by what signs SAML messages. One operation for all of it.

use certhold_pki::{AltNameKind, Facts, normalise_dns_name};
use certhold_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entry::{self, Kind, Named};
use super::import::{self, NewVersion};
use crate::actor::Actor;
use crate::custody::{SealedRow, find_by_spki, load_private_key};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, NamedId};
use crate::inventory;
use crate::text::utc;

/// What an identity can be assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The listener of this server: what clients see in the TLS handshake.
    Listener,
    /// Signing SAML messages.
    Saml,
}

impl Place {
    /// The name in the database and in events.
    pub fn name(self) -> &'static str {
        match self {
            Place::Listener => "listener",
            Place::Saml => "saml",
        }
    }

    /// For sentences: "assigned to …".
    pub fn described(self) -> &'static str {
        match self {
            Place::Listener => "the ingress",
            Place::Saml => "SAML",
        }
    }

    pub(super) fn parse(name: &str) -> Result<Place> {
        let place = [Place::Listener, Place::Saml].into_iter().find(|place| place.name() == name);
        place.ok_or_else(|| Error::damaged(format!("the place {name:?} is unknown")))
    }
}

/// The name that an identity must have to sign SAML messages.
pub const SAML_NAME: &str = "samlcert";

/// A version of TLS that a listener can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "TLSv1.2")]
    V12,
    /// RFC 8446.
    #[serde(rename = "TLSv1.3")]
    V13,
}

impl TlsVersion {
    /// The name that OpenSSL gives it, too.
    pub fn name(self) -> &'static str {
        match self {
            TlsVersion::V12 => "TLSv1.2",
            TlsVersion::V13 => "TLSv1.3",
        }
    }
}

/// The suites of TLS 1.2 that a listener can offer, by OpenSSL's names, in the order of preference.
pub const CIPHER_SUITES: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// How the listener speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TlsSettings {
    /// The versions, at least one.
    pub protocols: Vec<TlsVersion>,
    /// Which of [`CIPHER_SUITES`] TLS 1.2 offers; those of TLS 1.3 are always offered.
    pub cipher_suites: Vec<String>,
}

impl Default for TlsSettings {
    fn default() -> TlsSettings {
        let cipher_suites = CIPHER_SUITES.iter().map(|name| (*name).to_owned()).collect();
        TlsSettings { protocols: vec![TlsVersion::V12, TlsVersion::V13], cipher_suites }
    }
}

/// Change what is presented somewhere. What is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct Assign {
    /// Where.
    pub place: Place,
    /// The name of the identity; inside, nothing for the server's own certificate, or for no SAML.
    pub identity: Option<Option<String>>,
    /// Versions of TLS.
    pub protocols: Option<Vec<TlsVersion>>,
    /// Suites of TLS 1.2, by OpenSSL's names.
    pub cipher_suites: Option<Vec<String>>,
}

/// What is presented somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The identity; nothing for the server's own certificate, or for no SAML.
    pub identity: Option<Named>,
    /// How TLS is spoken; of a listener only.
    pub settings: TlsSettings,
}

/// What a listener needs to present an identity. The key is still sealed.
pub struct Presented {
    /// The identity's name.
    pub name: String,
    /// The certificate and those above it, DER, the leaf first.
    pub chain: Vec<Vec<u8>>,
    /// Its key.
    pub key: SealedRow,
}

impl Presented {
    fn new(identity: &Named, certificate: Vec<u8>, above: Vec<Vec<u8>>, key: SealedRow) -> Presented {
        Presented { name: identity.name.clone(), chain: std::iter::once(certificate).chain(above).collect(), key }
    }
}

struct Held {
    named: Option<NamedId>,
    settings: TlsSettings,
    revision: i64,
}

fn row(tx: &mut Tx<'_>, place: Place) -> Result<Held> {
    let found = tx.one("SELECT named, settings, revision FROM assignment WHERE place = $1", params![place.name()], |row| {
        Ok((row.get::<Option<i64>>(0)?.map(NamedId), row.get::<String>(1)?, row.get::<i64>(2)?))
    })?;
    let Some((named, settings, revision)) = found else {
        return Ok(Held { named: None, settings: TlsSettings::default(), revision: 0 });
    };
    let settings = serde_json::from_str(&settings).map_err(|error| Error::damaged(format!("settings of a listener: {error}")))?;
    Ok(Held { named, settings, revision })
}

fn by_id(tx: &mut Tx<'_>, id: NamedId) -> Result<Named> {
    let found = tx.one(&format!("{} WHERE named_certificate.id = $1", entry::SELECT), params![id], entry::read)?;
    found.ok_or_else(|| Error::damaged(format!("the assigned entry {id} is missing")))
}

/// What is presented somewhere, for whoever may see entries.
pub fn assignment(tx: &mut Tx<'_>, actor: &Actor, place: Place) -> Result<Assignment> {
    entry::require_read(tx, actor)?;
    let row = row(tx, place)?;
    let identity = row.named.map(|id| by_id(tx, id)).transpose()?;
    Ok(Assignment { identity, settings: row.settings })
}

/// What would be presented after this change, if it is allowed: for trying it before it is made.
pub fn check(tx: &mut Tx<'_>, actor: &Actor, command: &Assign, now: i64) -> Result<(Option<Presented>, TlsSettings)> {
    let (identity, settings, _) = decide(tx, actor, command, now)?;
    let presented = identity.map(|identity| presentable(tx, &identity)).transpose()?;
    Ok((presented, settings))
}

/// Changes what is presented somewhere. The identity must be fit for it: a certificate that may serve, is valid now and has its key.
pub fn assign(tx: &mut Tx<'_>, actor: &Actor, command: &Assign, now: i64) -> Result<()> {
    let (identity, settings, before) = decide(tx, actor, command, now)?;
    let named = identity.as_ref().map(|identity| identity.id);
    if before.revision > 0 && before.named == named && before.settings == settings {
        return Ok(());
    }
    let text = serde_json::to_string(&settings).unwrap_or_default();
    tx.execute(
        "INSERT INTO assignment (place, named, settings, revision, changed_at) VALUES ($1, $2, $3, 1, $4) \
         ON CONFLICT (place) DO UPDATE SET named = $2, settings = $3, revision = assignment.revision + 1, changed_at = $4",
        params![command.place.name(), named, &text, now],
    )?;
    let before_name = before.named.map(|id| by_id(tx, id)).transpose()?.map(|known| known.name);
    let told = |name: Option<&str>, settings: &TlsSettings| match command.place {
        Place::Listener => json!({
            "identity": name, "protocols": settings.protocols, "cipher_suites": settings.cipher_suites,
        }),
        Place::Saml => json!({ "identity": name }),
    };
    let after = told(identity.as_ref().map(|identity| identity.name.as_str()), &settings);
    let object = Object { kind: "assignment", id: None, name: command.place.name() };
    let event = NewEvent::changed(names::ASSIGNMENT_CHANGED, object, told(before_name.as_deref(), &before.settings), after);
    events::append(tx, actor, now, event)?;
    Ok(())
}

fn decide(tx: &mut Tx<'_>, actor: &Actor, command: &Assign, now: i64) -> Result<(Option<Named>, TlsSettings, Held)> {
    entry::require_modify(tx, actor)?;
    let before = row(tx, command.place)?;
    let identity = match &command.identity {
        None => before.named.map(|id| by_id(tx, id)).transpose()?,
        Some(None) => None,
        Some(Some(name)) => {
            let found = entry::find_by_name(tx, Kind::Identity, name)?;
            Some(found.ok_or_else(|| Refusal::not_found("identity certificate named", format!("{:?}", shown(name))))?)
        }
    };
    if command.place == Place::Saml && identity.as_ref().is_some_and(|identity| identity.name != SAML_NAME) {
        let why = format!("the identity certificate for SAML is the one named {SAML_NAME:?}: import it under that name");
        return Err(Refusal::invalid("identity", why).into());
    }
    let settings = TlsSettings {
        protocols: checked_protocols(command.protocols.as_ref().unwrap_or(&before.settings.protocols))?,
        cipher_suites: checked_suites(command.cipher_suites.as_ref().unwrap_or(&before.settings.cipher_suites))?,
    };
    if let Some(identity) = &identity {
        require_fit(tx, identity, command.place, &settings, now)?;
    }
    Ok((identity, settings, before))
}

fn shown(name: &str) -> String {
    name.chars().take(crate::limits::NAME_CHARS).collect()
}

fn checked_protocols(wanted: &[TlsVersion]) -> Result<Vec<TlsVersion>, Refusal> {
    let mut protocols = wanted.to_vec();
    protocols.sort_unstable();
    protocols.dedup();
    if protocols.is_empty() {
        return Err(Refusal::invalid("protocols", "at least one version of TLS is needed: TLSv1.2, TLSv1.3"));
    }
    Ok(protocols)
}

fn checked_suites(wanted: &[String]) -> Result<Vec<String>, Refusal> {
    if let Some(unknown) = wanted.iter().find(|name| !CIPHER_SUITES.contains(&name.as_str())) {
        let why = format!("{:?} is not one of {}", shown(unknown), CIPHER_SUITES.join(", "));
        return Err(Refusal::invalid("cipher_suites", why));
    }
    if wanted.is_empty() {
        return Err(Refusal::invalid("cipher_suites", format!("at least one is needed of {}", CIPHER_SUITES.join(", "))));
    }
    // In the server's order of preference, each once.
    Ok(CIPHER_SUITES.iter().filter(|name| wanted.iter().any(|wanted| wanted == *name)).map(|name| (*name).to_owned()).collect())
}

/// Refuses an identity with which nobody could connect any more.
fn require_fit(tx: &mut Tx<'_>, identity: &Named, place: Place, settings: &TlsSettings, now: i64) -> Result<()> {
    let facts = inventory::fetch(tx, identity.certificate)?.facts()?;
    if find_by_spki(tx, &facts.spki_sha256)?.is_none() {
        return Err(unfit(identity, place, "its private key is not in custody any more").into());
    }
    let revoked: Option<i64> = tx.one(
        "SELECT revoked_at FROM certificate WHERE id = $1 AND revoked_at IS NOT NULL",
        params![identity.certificate],
        |row| row.get(0),
    )?;
    if let Some(at) = revoked {
        return Err(unfit(identity, place, &format!("it was revoked on {}", utc(at))).into());
    }
    Ok(fit(identity, &facts, place, settings, now)?)
}

fn unfit(identity: &Named, place: Place, why: &str) -> Refusal {
    Refusal::Conflict(format!("{:?} cannot be assigned to {}: {why}", identity.name, place.described()))
}

/// So much may the clock of an issuer be ahead of this one.
const CLOCK_SKEW_MS: i64 = 5 * 60 * 1000;

/// What the certificate itself says for or against it.
fn fit(identity: &Named, facts: &Facts, place: Place, settings: &TlsSettings, now: i64) -> Result<(), Refusal> {
    let unfit = |why: &str| Err(unfit(identity, place, why));
    if facts.not_after <= now {
        return unfit(&format!("it expired on {}", utc(facts.not_after)));
    }
    if facts.not_before > now + CLOCK_SKEW_MS {
        return unfit(&format!("it is not valid before {}", utc(facts.not_before)));
    }
    if place != Place::Listener {
        return Ok(());
    }
    if is_authority(facts) {
        return unfit("it is the certificate of an authority, a root or an intermediate; a server certificate is needed");
    }
    let server_auth = |usage: &String| usage == "serverAuth" || usage == "anyExtendedKeyUsage";
    if !facts.extended_key_usage.is_empty() && !facts.extended_key_usage.iter().any(server_auth) {
        let usages = facts.extended_key_usage.join(", ");
        return unfit(&format!("it is meant for {usages} and not for servers (serverAuth)"));
    }
    let authentication = if facts.key_algorithm == "RSA" { "-RSA-" } else { "-ECDSA-" };
    let only_12 = settings.protocols == [TlsVersion::V12];
    if only_12 && !settings.cipher_suites.iter().any(|suite| suite.contains(authentication)) {
        return unfit(&format!("none of the cipher suites works with its {} key", facts.key_algorithm));
    }
    Ok(())
}

/// An authority by its basic constraints, unless it is what many tools make for a server that signs for itself: a certificate that
/// names a server and may not sign others.
fn is_authority(facts: &Facts) -> bool {
    let names_server = facts.names.iter().any(|name| matches!(name.kind, AltNameKind::Dns | AltNameKind::Ip))
        || facts.common_name.as_deref().is_some_and(|name| name.contains('.') && normalise_dns_name(name).is_ok());
    facts.is_ca && (facts.key_usage.iter().any(|usage| usage == "keyCertSign") || !names_server)
}

/// Refuses a certificate as the next version of an identity, unless it is fit for where the identity is assigned.
pub(super) fn require_fit_where_assigned(tx: &mut Tx<'_>, known: &Named, next: CertificateId, now: i64) -> Result<()> {
    let places =
        tx.rows("SELECT place, settings FROM assignment WHERE named = $1 ORDER BY place", params![known.id], |row: &Row<'_>| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?))
        })?;
    let next = Named { certificate: next, ..known.clone() };
    for (place, settings) in places {
        let settings = serde_json::from_str(&settings).unwrap_or_default();
        require_fit(tx, &next, Place::parse(&place)?, &settings, now)?;
    }
    Ok(())
}

/// What the listener would present if an identity had this next version: nothing, when it presents another one. For trying it before
/// the version is written.
pub fn check_replace(tx: &mut Tx<'_>, actor: &Actor, new: &NewVersion, now: i64) -> Result<Option<(Presented, TlsSettings)>> {
    entry::require_modify(tx, actor)?;
    let known = entry::find(tx, Kind::Identity, &new.handle)?;
    let row = row(tx, Place::Listener)?;
    if row.named != Some(known.id) {
        return Ok(None);
    }
    let key = match new.entry.key() {
        Some(key) => key.sealed.clone().into(),
        None => {
            import::require_own_key(tx, actor, Some(&known), new.entry.spki_sha256())?;
            held_key(tx, &known, new.entry.spki_sha256())?
        }
    };
    fit(&known, &new.entry.facts()?, Place::Listener, &row.settings, now)?;
    let (certificate, above) = new.entry.ders();
    Ok(Some((Presented::new(&known, certificate, above, key), row.settings)))
}

fn held_key(tx: &mut Tx<'_>, identity: &Named, spki_sha256: &[u8; 32]) -> Result<SealedRow> {
    let key = find_by_spki(tx, spki_sha256)?;
    let key = key.ok_or_else(|| Refusal::Conflict(format!("the private key of {:?} is not in custody", identity.name)))?;
    load_private_key(tx, key.id)
}

fn presentable(tx: &mut Tx<'_>, identity: &Named) -> Result<Presented> {
    let certificate = inventory::fetch(tx, identity.certificate)?;
    let above = inventory::fetch_chain(tx, identity.certificate)?;
    let key = held_key(tx, identity, &certificate.facts()?.spki_sha256)?;
    // Clients have their roots themselves.
    let above = above.into_iter().filter(|member| !member.summary.self_signed).map(|member| member.der);
    Ok(Presented::new(identity, certificate.der, above.collect(), key))
}

/// What tells whether the listener's assignment, or what it presents, has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// How often the assignment has changed.
    pub assignment: i64,
    /// The version of the identity.
    pub version: i64,
    /// The certificates above it.
    pub chain: Vec<i64>,
}

/// The present [`Revision`]: cheap, for looking often.
pub fn revision(tx: &mut Tx<'_>) -> Result<Revision> {
    let found = tx.one(
        "SELECT assignment.revision, named_certificate.version, named_certificate.certificate FROM assignment \
         LEFT JOIN named_certificate ON named_certificate.id = assignment.named WHERE assignment.place = 'listener'",
        params![],
        |row| Ok((row.get::<i64>(0)?, row.get::<Option<i64>>(1)?.unwrap_or_default(), row.get::<Option<i64>>(2)?)),
    )?;
    let Some((assignment, version, certificate)) = found else { return Ok(Revision::default()) };
    let sql = "SELECT member FROM certificate_chain WHERE certificate = $1 ORDER BY position";
    let chain = tx.rows(sql, params![certificate.unwrap_or(0)], |row| row.get(0))?;
    Ok(Revision { assignment, version, chain })
}

/// What the listener presents, for the server itself: nothing for its own certificate.
pub fn presented(tx: &mut Tx<'_>) -> Result<(Option<Presented>, TlsSettings)> {
    let row = row(tx, Place::Listener)?;
    let presented = row.named.map(|id| by_id(tx, id).and_then(|identity| presentable(tx, &identity))).transpose()?;
    Ok((presented, row.settings))
}

impl Assign {
    /// Leaves everything as it is.
    pub fn nothing(place: Place) -> Assign {
        Assign { place, identity: None, protocols: None, cipher_suites: None }
    }
}
