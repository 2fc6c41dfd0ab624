//! The providers themselves.
//!
//! Whoever configures a provider decides what is said under its name, and so who holds what is held through its claims and its
//! accounts. That is handing rights out, and needs what handing them out needs. The name and the issuer of a provider stay: claims
//! and accounts are known by them.

use std::net::IpAddr;

use certhold_store::{Row, Tx, params};
use serde_json::{Value as Json, json};
use url::{Host, Url};
use uuid::Uuid;

use super::mapping::ClaimMapping;
use super::token::Trusted;
use crate::access::{self, claims, delegation, paths, roles};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{IdentityProviderId, PrincipalId, RoleId};
use crate::people::OWN_PROVIDER;
use crate::{limits, lookalike, text};

/// A provider as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its handle.
    pub id: IdentityProviderId,
    /// Its public identifier.
    pub uuid: String,
    /// The authentication scheme of its claims; unique, also against names that look alike.
    pub name: String,
    /// How it is shown.
    pub display_name: String,
    /// Its name for itself: an `https` address, to the letter.
    pub issuer: String,
    /// What its tokens must be meant for: one of these.
    pub audiences: Vec<String>,
    /// Which members of its tokens become claims.
    pub mapping: ClaimMapping,
    /// The authorities by which its TLS is believed (PEM); those of the system without it.
    pub roots: Option<String>,
    /// Whether its tokens are accepted.
    pub enabled: bool,
    /// How often it has changed.
    pub revision: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Accounts that are known through it.
    pub accounts: i64,
}

/// What of a provider can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderChange {
    /// How it is shown; empty for the name.
    pub display_name: String,
    /// What its tokens must be meant for: one of these.
    pub audiences: Vec<String>,
    /// Which members of its tokens become claims.
    pub mapping: ClaimMapping,
    /// The authorities by which its TLS is believed (PEM); those of the system without it.
    pub roots: Option<String>,
    /// Whether its tokens are accepted.
    pub enabled: bool,
}

/// Create a provider.
#[derive(Clone, Debug)]
pub struct ProviderCommand {
    /// The authentication scheme of its claims.
    pub name: String,
    /// Its name for itself.
    pub issuer: String,
    /// Everything else.
    pub rest: ProviderChange,
    /// A fresh random identifier.
    pub uuid: Uuid,
}

/// What holding a token against a provider needs; it happens with every request.
const TRUSTED: &str = "identity_provider.id, identity_provider.revision, identity_provider.name, identity_provider.issuer, \
    identity_provider.audiences, identity_provider.mapping, identity_provider.roots FROM identity_provider";

fn read_trusted(row: &Row<'_>) -> Result<Trusted, certhold_store::Error> {
    Ok(Trusted {
        id: IdentityProviderId(row.get(0)?),
        revision: row.get(1)?,
        name: row.get(2)?,
        issuer: row.get(3)?,
        // An audience list that cannot be read accepts nothing.
        audiences: serde_json::from_str(row.text(4)?).unwrap_or_default(),
        mapping: serde_json::from_str(row.text(5)?).unwrap_or_default(),
        roots: row.get(6)?,
    })
}

const COLUMNS: &str = "identity_provider.id, identity_provider.uuid, identity_provider.name, identity_provider.display_name, \
    identity_provider.issuer, identity_provider.audiences, identity_provider.mapping, identity_provider.roots, \
    identity_provider.enabled, identity_provider.revision, identity_provider.created_at, \
    (SELECT count(*) FROM external_identity WHERE external_identity.issuer = identity_provider.issuer) FROM identity_provider";

fn read(row: &Row<'_>) -> Result<IdentityProvider, certhold_store::Error> {
    Ok(IdentityProvider {
        id: IdentityProviderId(row.get(0)?),
        uuid: row.get(1)?,
        name: row.get(2)?,
        display_name: row.get(3)?,
        issuer: row.get(4)?,
        // An audience list that cannot be read accepts nothing.
        audiences: serde_json::from_str(row.text(5)?).unwrap_or_default(),
        mapping: serde_json::from_str(row.text(6)?).unwrap_or_default(),
        roots: row.get(7)?,
        enabled: row.get(8)?,
        revision: row.get(9)?,
        created_at: row.get(10)?,
        accounts: row.get(11)?,
    })
}

/// All providers by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<IdentityProvider>> {
    access::require_path(tx, actor, paths::IDENTITY_PROVIDERS_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY identity_provider.folded"), params![], read)?)
}

/// How a provider is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderName {
    /// The authentication scheme of its claims.
    pub name: String,
    /// Its public identifier.
    pub uuid: String,
    /// How it is shown.
    pub display_name: String,
}

/// How all providers are called, without asking who wants to know: for answers about claims to whoever may see those.
pub fn called(tx: &mut Tx<'_>) -> Result<Vec<ProviderName>> {
    let sql = "SELECT name, uuid, display_name FROM identity_provider ORDER BY folded";
    Ok(tx.rows(sql, params![], |row| Ok(ProviderName { name: row.get(0)?, uuid: row.get(1)?, display_name: row.get(2)? }))?)
}

/// One provider.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: IdentityProviderId) -> Result<IdentityProvider> {
    access::require_path(tx, actor, paths::IDENTITY_PROVIDERS_READ)?;
    find(tx, id)
}

pub(super) fn find(tx: &mut Tx<'_>, id: IdentityProviderId) -> Result<IdentityProvider> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE identity_provider.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("identity provider", id).into())
}

/// The enabled provider of this issuer, for holding a token against it. Asks nobody's right: whoever presents a token is not known yet.
pub fn trusted(tx: &mut Tx<'_>, issuer: &str) -> Result<Option<Trusted>> {
    // What cannot be an issuer's name is not looked up: PostgreSQL keeps no NUL.
    if issuer.len() > limits::ISSUER_CHARS * 4 || issuer.contains('\0') {
        return Ok(None);
    }
    let sql = format!("SELECT {TRUSTED} WHERE identity_provider.issuer = $1 AND identity_provider.enabled");
    Ok(tx.one(&sql, params![issuer], read_trusted)?)
}

/// All enabled providers, for whoever fetches their keys.
pub fn enabled(tx: &mut Tx<'_>) -> Result<Vec<Trusted>> {
    let sql = format!("SELECT {TRUSTED} WHERE identity_provider.enabled ORDER BY identity_provider.id");
    Ok(tx.rows(&sql, params![], read_trusted)?)
}

/// Configures a provider. From now on its tokens are accepted, if it is enabled.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, command: &ProviderCommand, now: i64) -> Result<IdentityProviderId> {
    access::require_path(tx, actor, paths::IDENTITY_PROVIDERS_MODIFY)?;
    let name = lookalike::name("name", &command.name)?;
    if lookalike::fold(&name) == lookalike::fold(OWN_PROVIDER) {
        return Err(Refusal::invalid("name", format!("{OWN_PROVIDER} is what this server's own sign-ins are called")).into());
    }
    let issuer = checked_issuer(&command.issuer)?;
    let rest = checked(&command.rest, &name)?;
    let there: i64 = tx.one("SELECT count(*) FROM identity_provider", params![], |row| row.get(0))?.unwrap_or(0);
    if there >= limits::IDENTITY_PROVIDERS {
        return Err(Refusal::Conflict(format!("there are {there} identity providers: remove one first")).into());
    }
    require_may_speak_for(tx, actor, &name, &issuer)?;
    require_same_members(tx, &issuer, &rest.mapping)?;
    let named: Option<String> =
        tx.one("SELECT name FROM identity_provider WHERE folded = $1", params![lookalike::fold(&name)], |row| row.get(0))?;
    if let Some(there) = named {
        return Err(Refusal::Conflict(delegation::taken("an identity provider", &name, &there)).into());
    }
    let id: Option<i64> = tx.one(
        "INSERT INTO identity_provider (uuid, name, folded, display_name, issuer, audiences, mapping, roots, enabled, revision, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10) ON CONFLICT (issuer) DO NOTHING RETURNING id",
        params![
            command.uuid.to_string(),
            &name,
            lookalike::fold(&name),
            &rest.display_name,
            &issuer,
            json!(rest.audiences).to_string(),
            json!(rest.mapping).to_string(),
            &rest.roots,
            rest.enabled,
            now
        ],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| Refusal::Conflict(format!("there is an identity provider with the issuer {issuer} already")))?;
    let mut after = told(&rest);
    after["name"] = json!(name);
    after["issuer"] = json!(issuer);
    let object = Object::new("identity_provider", id, &name);
    events::append(tx, actor, now, NewEvent::new(names::IDENTITY_PROVIDER_CREATED, object, json!({ "after": after })))?;
    Ok(IdentityProviderId(id))
}

/// Changes a provider. What was verified before is held against it again.
pub fn update(tx: &mut Tx<'_>, actor: &Actor, id: IdentityProviderId, change: &ProviderChange, now: i64) -> Result<()> {
    amend(tx, actor, id, |_| change.clone(), now)
}

/// Changes a provider from what it is.
pub fn amend(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: IdentityProviderId,
    change: impl FnOnce(ProviderChange) -> ProviderChange,
    now: i64,
) -> Result<()> {
    access::require_path(tx, actor, paths::IDENTITY_PROVIDERS_MODIFY)?;
    let provider = find(tx, id)?;
    let before = ProviderChange {
        display_name: provider.display_name,
        audiences: provider.audiences,
        mapping: provider.mapping,
        roots: provider.roots,
        enabled: provider.enabled,
    };
    let rest = checked(&change(before.clone()), &provider.name)?;
    if before == rest {
        return Ok(());
    }
    require_may_speak_for(tx, actor, &provider.name, &provider.issuer)?;
    require_same_members(tx, &provider.issuer, &rest.mapping)?;
    tx.execute(
        "UPDATE identity_provider SET display_name = $1, audiences = $2, mapping = $3, roots = $4, enabled = $5, revision = revision + 1 \
         WHERE id = $6",
        params![
            &rest.display_name,
            json!(rest.audiences).to_string(),
            json!(rest.mapping).to_string(),
            &rest.roots,
            rest.enabled,
            id
        ],
    )?;
    let object = Object::new("identity_provider", id.0, &provider.name);
    let event = NewEvent::changed(names::IDENTITY_PROVIDER_CHANGED, object, told(&before), told(&rest));
    events::append(tx, actor, now, event)?;
    Ok(())
}

/// Removes a provider: its tokens are accepted no more. The accounts that are known through it stay, without a way in, until a
/// provider with the same issuer is configured again.
pub fn remove(tx: &mut Tx<'_>, actor: &Actor, id: IdentityProviderId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::IDENTITY_PROVIDERS_MODIFY)?;
    let provider = find(tx, id)?;
    require_may_speak_for(tx, actor, &provider.name, &provider.issuer)?;
    tx.execute("DELETE FROM identity_provider WHERE id = $1", params![id])?;
    let (name, accounts) = (provider.name.clone(), provider.accounts);
    let mut before = told(&ProviderChange {
        display_name: provider.display_name,
        audiences: provider.audiences,
        mapping: provider.mapping,
        roots: provider.roots,
        enabled: provider.enabled,
    });
    before["issuer"] = json!(provider.issuer);
    let object = Object::new("identity_provider", id.0, &name);
    let payload = json!({ "before": before, "accounts": accounts });
    events::append(tx, actor, now, NewEvent::new(names::IDENTITY_PROVIDER_DELETED, object, payload))?;
    Ok(())
}

/// By what accounts of an issuer are known stays while there are any, also when its provider is configured again: the same text in
/// another member is another person.
fn require_same_members(tx: &mut Tx<'_>, issuer: &str, mapping: &ClaimMapping) -> Result<(), Error> {
    let other: Option<String> = tx.one(
        "SELECT members FROM external_identity WHERE issuer = $1 AND members <> $2 LIMIT 1",
        params![issuer, json!(mapping.subject).to_string()],
        |row| row.get(0),
    )?;
    let Some(other) = other else { return Ok(()) };
    let names: Vec<String> = serde_json::from_str(&other).unwrap_or_default();
    let message = format!("accounts of this issuer are known by what {} says: it stays", names.join(", "));
    Err(Refusal::invalid("subject_claims", message).into())
}

/// Refuses unless the actor may hand out what the provider of this account says of it, if it is known by one's word: what it holds is
/// decided there, and is not to be read off the account.
pub(crate) fn require_may_speak_of(tx: &mut Tx<'_>, actor: &Actor, principal: PrincipalId) -> Result<()> {
    let by: Option<(String, String, Option<String>)> = tx.one(
        "SELECT external_identity.issuer, external_identity.scheme, identity_provider.name FROM external_identity \
         LEFT JOIN identity_provider ON identity_provider.issuer = external_identity.issuer WHERE external_identity.principal = $1",
        params![principal],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((issuer, scheme, current)) = by else { return Ok(()) };
    // The provider may be gone, or have come back under another name.
    if let Some(current) = current.filter(|current| *current != scheme) {
        require_may_speak_for(tx, actor, &current, &issuer)?;
    }
    require_may_speak_for(tx, actor, &scheme, &issuer)
}

/// Refuses unless the actor may hand out, and take, all that is held by the word of this provider: the roles of its claims and of its
/// accounts.
pub(super) fn require_may_speak_for(tx: &mut Tx<'_>, actor: &Actor, scheme: &str, issuer: &str) -> Result<()> {
    let mut held: Vec<_> = Vec::new();
    for claim in claims::all(tx, None)?.into_iter().filter(|claim| claim.key.provider == scheme) {
        held.extend(claim.roles.into_iter().map(|(role, _)| role));
    }
    let of_accounts = tx.rows(
        "SELECT DISTINCT role_claim.role FROM external_identity JOIN principal ON principal.id = external_identity.principal \
         JOIN role_claim ON role_claim.type = 'principal' AND role_claim.value = principal.uuid WHERE external_identity.issuer = $1",
        params![issuer],
        |row| Ok(RoleId(row.get(0)?)),
    )?;
    held.extend(of_accounts);
    held.sort_unstable();
    held.dedup();
    for role in held {
        let role = roles::find(tx, role)?;
        delegation::require_may_hand_out(tx, actor, &role)?;
    }
    Ok(())
}

/// What of a provider stands in events; its authorities are told by how long they are, since they are whole certificates.
fn told(rest: &ProviderChange) -> Json {
    json!({
        "display_name": rest.display_name, "audiences": rest.audiences, "oid_claims": rest.mapping.oid,
        "role_claims": rest.mapping.role, "subject_claims": rest.mapping.subject, "client_id_claims": rest.mapping.client_id,
        "roots": rest.roots.as_ref().map(|roots| text::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, roots.as_bytes()).as_ref())),
        "enabled": rest.enabled,
    })
}

/// An issuer's name: compared to the letter, so it is kept as it is given.
fn checked_issuer(issuer: &str) -> Result<String, Refusal> {
    let wrong = |message: &str| Err(Refusal::invalid("issuer", message));
    let issuer = issuer.trim();
    text::line("issuer", issuer, limits::ISSUER_CHARS)?;
    let Ok(url) = Url::parse(issuer) else {
        return wrong("give the address that stands in the provider's tokens as iss: https://login.example.org/realms/corporate");
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return wrong("leave user name, query and fragment out of the address");
    }
    if !is_reached_safely(&url) {
        return wrong(
            "the address must begin with https:// (http:// only for one at this machine): whoever can change its keys on the way could be anybody",
        );
    }
    Ok(issuer.to_owned())
}

/// Whether nobody on the way can change what comes from an address: TLS, or this machine.
pub fn is_reached_safely(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    url.scheme() == "https" || url.scheme() == "http" && is_here
}

fn checked(rest: &ProviderChange, name: &str) -> Result<ProviderChange> {
    text::line("display_name", &rest.display_name, limits::NAME_CHARS)?;
    let display_name = if rest.display_name.trim().is_empty() { name } else { rest.display_name.trim() };
    let mut audiences: Vec<String> = Vec::new();
    for audience in rest.audiences.iter().map(|audience| audience.trim()).filter(|audience| !audience.is_empty()) {
        text::line("audiences", audience, limits::ISSUER_CHARS)?;
        if !audiences.iter().any(|known| known == audience) {
            audiences.push(audience.to_owned());
        }
    }
    // Without an audience a token that somebody gave to any other server would be accepted here.
    match audiences.len() {
        0 => return Err(Refusal::invalid("audiences", "say what tokens for this server have as their audience (aud)").into()),
        1..=limits::AUDIENCES => {}
        _ => return Err(Refusal::invalid("audiences", format!("give at most {}", limits::AUDIENCES)).into()),
    }
    let roots = rest.roots.as_deref().map(str::trim).filter(|roots| !roots.is_empty());
    if let Some(roots) = roots {
        if roots.len() > limits::ROOTS_BYTES {
            return Err(Refusal::TooLarge(format!("the authorities are longer than {} bytes", limits::ROOTS_BYTES)).into());
        }
        let mut blocks = certhold_pki::pem::blocks(roots.as_bytes()).peekable();
        let none = blocks.peek().is_none();
        let is_certificate = |block: certhold_pki::pem::Block<'_>| {
            block.label == certhold_pki::pem::CERTIFICATE && block.content.is_ok_and(|der| certhold_pki::Facts::of(&der).is_ok())
        };
        if none || !blocks.all(is_certificate) {
            return Err(Refusal::invalid("roots", "give certificates in PEM").into());
        }
    }
    Ok(ProviderChange {
        display_name: display_name.to_owned(),
        audiences,
        mapping: rest.mapping.checked()?,
        roots: roots.map(str::to_owned),
        enabled: rest.enabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_reached_safely() {
        for fine in [
            "https://login.example.org",
            "https://login.example.org/",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
            "https://sso.example.org:8443/realms/corporate",
            "http://127.0.0.1:8080/realms/x",
            "http://[::1]:8080",
            "http://localhost:8080",
        ] {
            assert_eq!(checked_issuer(fine).unwrap(), fine);
        }
        for wrong in [
            "",
            "login.example.org",
            "http://login.example.org",
            "http://127.0.0.1.example.org",
            "http://localhost.example.org",
            "ftp://login.example.org",
            "https://kim@login.example.org",
            "https://login.example.org/?tenant=1",
            "https://login.example.org/#x",
            "https://",
            "file:///etc/passwd",
            "https://login.example.org/\u{202e}",
        ] {
            assert!(checked_issuer(wrong).is_err(), "{wrong}");
        }
        assert!(checked_issuer(&format!("https://{}.example.org", "x".repeat(500))).is_err());
    }
}
