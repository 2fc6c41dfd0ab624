//! Who acts when a verified token is presented.
//!
//! Somebody is one account for each issuer and subject, whatever they are called there. The account has no credentials of its own:
//! whoever leaves the provider has left this server. What it holds are the roles given to it here, and those of the token's claims.

use std::collections::HashSet;

use certhold_store::{Row, Tx, params};
use serde_json::json;
use uuid::Uuid;

use super::provider::{self, IdentityProvider};
use super::token::Verified;
use crate::access::{self, Access, AccessCache, ClaimKey, paths};
use crate::actor::{Actor, ActorKind, Face};
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{IdentityProviderId, PrincipalId};
use crate::people::{self, NewPrincipal, Principal, PrincipalKind};
use crate::{limits, lookalike, text};

/// An account that is known through a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAccount {
    /// The account.
    pub id: PrincipalId,
    /// Its name here.
    pub name: String,
    /// How it is shown.
    pub display_name: String,
    /// Person or service.
    pub kind: PrincipalKind,
    /// The provider's lasting name for them.
    pub subject: String,
    /// Disabled accounts hold nothing, whatever is said of them.
    pub disabled: bool,
    /// Since when it is known, unix milliseconds.
    pub created_at: i64,
    /// When a token of theirs was last recorded (once an hour), unix milliseconds.
    pub last_seen_at: Option<i64>,
}

const COLUMNS: &str = "principal.id, principal.name, principal.display_name, principal.kind, external_identity.subject, \
    principal.disabled, external_identity.created_at, principal.last_seen_at \
    FROM external_identity JOIN principal ON principal.id = external_identity.principal";

fn read(row: &Row<'_>) -> Result<ExternalAccount, certhold_store::Error> {
    Ok(ExternalAccount {
        id: PrincipalId(row.get(0)?),
        name: row.get(1)?,
        display_name: row.get(2)?,
        kind: PrincipalKind::parse(row.text(3)?).unwrap_or(PrincipalKind::Service),
        subject: row.get(4)?,
        disabled: row.get(5)?,
        created_at: row.get(6)?,
        last_seen_at: row.get(7)?,
    })
}

fn find(tx: &mut Tx<'_>, issuer: &str, subject: &str) -> Result<Option<ExternalAccount>> {
    let sql = format!("SELECT {COLUMNS} WHERE external_identity.issuer = $1 AND external_identity.subject = $2");
    Ok(tx.one(&sql, params![issuer, subject], read)?)
}

/// The accounts that are known through a provider, newest first; at most a thousand.
pub fn accounts_of(tx: &mut Tx<'_>, actor: &Actor, id: IdentityProviderId) -> Result<Vec<ExternalAccount>> {
    access::require_path(tx, actor, paths::SECURITY_READ)?;
    let provider = provider::get(tx, actor, id)?;
    let sql = format!("SELECT {COLUMNS} WHERE external_identity.issuer = $1 ORDER BY principal.id DESC LIMIT 1000");
    Ok(tx.rows(&sql, params![&provider.issuer], read)?)
}

/// Refuses credentials that would outlive what a provider says of somebody.
pub(crate) fn require_own_credentials(principal: &Principal) -> Result<(), Refusal> {
    match &principal.provider {
        None => Ok(()),
        Some(provider) => Err(Refusal::Conflict(format!(
            "the account {:?} is known by the word of {provider} only: it has no password, tokens or API clients here",
            principal.name
        ))),
    }
}

/// The token was held against a provider that is still configured so.
fn require_trusted(tx: &mut Tx<'_>, verified: &Verified) -> Result<()> {
    let current: Option<i64> =
        tx.one("SELECT revision FROM identity_provider WHERE id = $1 AND enabled", params![verified.provider], |row| row.get(0))?;
    match current {
        Some(revision) if revision == verified.revision => Ok(()),
        _ => Err(Refusal::Unauthenticated("the identity provider has changed in this moment: try again".into()).into()),
    }
}

/// Whoever says a claim, and how often they have changed: an identity provider, or for this server's own sign-ins an API client.
pub(crate) type SpeakerState = (i64, i64);

/// Who says this claim and is believed now.
pub(crate) fn speaker_of(tx: &mut Tx<'_>, claim: &ClaimKey) -> Result<Option<SpeakerState>> {
    if claim.provider == people::OWN_PROVIDER {
        let sql = "SELECT id FROM api_client WHERE client_id = $1 AND revoked_at IS NULL";
        return Ok(tx.one(sql, params![&claim.value], |row| Ok((row.get(0)?, 0)))?);
    }
    let sql = "SELECT id, revision FROM identity_provider WHERE name = $1 AND enabled";
    Ok(tx.one(sql, params![&claim.provider], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Whether [`admit`] has something to record: somebody comes for the first time with a role, or again after an hour.
pub fn is_to_be_admitted(tx: &mut Tx<'_>, verified: &Verified, now: i64) -> Result<bool> {
    match find(tx, &verified.issuer, &verified.subject)? {
        Some(account) => Ok(!account.disabled && is_quiet(account.last_seen_at, now)),
        None => {
            let claims = stored(tx, verified)?;
            Ok(!access::of_somebody(tx, None, &claims)?.roles.is_empty())
        }
    }
}

/// Claims of a token that are looked up one by one, and remembered with the rights that they bring.
const FEW_CLAIMS: usize = 8;

/// What a token says that something is held through. A token may say hundreds of things, most of which concern other servers.
fn stored(tx: &mut Tx<'_>, verified: &Verified) -> Result<Vec<ClaimKey>> {
    if verified.claims.len() <= FEW_CLAIMS {
        return Ok(verified.claims.clone());
    }
    let known: HashSet<(String, String)> = tx
        .rows(
            "SELECT DISTINCT claim.type, claim.matched FROM claim JOIN claim_role ON claim_role.claim = claim.id WHERE claim.provider = $1",
            params![&verified.scheme],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .into_iter()
        .collect();
    let counts = |claim: &&ClaimKey| known.contains(&(claim.kind.name().to_owned(), claim.matched()));
    Ok(verified.claims.iter().filter(counts).cloned().collect())
}

fn is_quiet(seen: Option<i64>, now: i64) -> bool {
    seen.is_none_or(|seen| now - seen >= limits::SIGN_IN_QUIET_MS)
}

/// Records that somebody came with a verified token: once an hour, and for the first time by making their account. Whoever holds
/// nothing leaves nothing behind. `uuid` is a fresh random identifier.
pub fn admit(tx: &mut Tx<'_>, anonymous: &Actor, verified: &Verified, uuid: Uuid, now: i64) -> Result<()> {
    require_trusted(tx, verified)?;
    if !is_to_be_admitted(tx, verified, now)? {
        return Ok(());
    }
    let (id, name, kind) = match find(tx, &verified.issuer, &verified.subject)? {
        Some(account) => (account.id, account.name, account.kind),
        None => {
            // By the provider's word and nobody else's.
            let server = Actor { kind: ActorKind::System, name: verified.scheme.clone(), ..anonymous.clone() };
            let new = NewExternalAccount {
                subject: verified.subject.clone(),
                kind: verified.kind,
                display_name: verified.display_name.clone(),
                uuid,
            };
            let provider = provider::find(tx, verified.provider)?;
            let (id, name) = insert(tx, &server, &provider, &new, now)?;
            (id, name, verified.kind)
        }
    };
    tx.execute("UPDATE principal SET last_seen_at = $1 WHERE id = $2", params![now, id])?;
    let author = Actor { kind: actor_kind(kind), id: Some(id), name: name.clone(), ..anonymous.clone() };
    let payload = json!({ "session": null, "provider": verified.scheme });
    let object = Object::new("principal", id.0, &name);
    events::append(tx, &author, now, NewEvent::new(names::SIGN_IN_SUCCEEDED, object, payload))?;
    Ok(())
}

fn actor_kind(kind: PrincipalKind) -> ActorKind {
    match kind {
        PrincipalKind::Person => ActorKind::Person,
        PrincipalKind::Service => ActorKind::Service,
    }
}

/// Make an account for somebody whom a provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExternalAccount {
    /// The provider's lasting name for them: what its tokens say as the subject.
    pub subject: String,
    /// Person or service.
    pub kind: PrincipalKind,
    /// How it is shown; empty for the name.
    pub display_name: String,
    /// A fresh random identifier.
    pub uuid: Uuid,
}

/// Makes an account for somebody before they come, so that it can be given roles, or be disabled.
pub fn create_account(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: IdentityProviderId,
    new: &NewExternalAccount,
    now: i64,
) -> Result<PrincipalId> {
    access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
    let provider = provider::get(tx, actor, id)?;
    provider::require_may_speak_for(tx, actor, &provider.name, &provider.issuer)?;
    let subject = new.subject.as_str();
    if subject.is_empty() || subject.len() > limits::SUBJECT_BYTES || subject.contains(char::is_control) {
        let message = format!("give what tokens of {} say of them as {}", provider.name, provider.mapping.subject.join(", "));
        return Err(Refusal::invalid("subject", message).into());
    }
    if let Some(there) = find(tx, &provider.issuer, subject)? {
        return Err(Refusal::Conflict(format!("the account {:?} is theirs already", there.name)).into());
    }
    insert(tx, actor, &provider, new, now).map(|(id, _)| id)
}

fn insert(
    tx: &mut Tx<'_>,
    actor: &Actor,
    provider: &IdentityProvider,
    new: &NewExternalAccount,
    now: i64,
) -> Result<(PrincipalId, String)> {
    let (scheme, issuer) = (provider.name.as_str(), provider.issuer.as_str());
    let there: i64 = tx.one("SELECT count(*) FROM external_identity", params![], |row| row.get(0))?.unwrap_or(0);
    if there >= limits::EXTERNAL_ACCOUNTS {
        let message =
            format!("{there} accounts are known through identity providers, which is the limit: an administrator must look why");
        return Err(Refusal::Unavailable(message).into());
    }
    let name = account_name(tx, scheme, issuer, &new.subject)?;
    let principal = NewPrincipal {
        kind: new.kind,
        name: name.clone(),
        display_name: new.display_name.clone(),
        email: None,
        password: None,
        uuid: new.uuid,
    };
    let id = people::insert(tx, actor, &principal, now)?;
    tx.execute(
        "INSERT INTO external_identity (issuer, subject, scheme, members, principal, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![issuer, &new.subject, scheme, json!(provider.mapping.subject).to_string(), id, now],
    )?;
    let payload = json!({ "after": { "provider": scheme, "issuer": issuer, "subject": new.subject } });
    events::append(tx, actor, now, NewEvent::new(names::IDENTITY_LINKED, Object::new("principal", id.0, &name), payload))?;
    Ok((id, name))
}

/// `Corporate\subject`: what the provider calls somebody for good, not what they call themselves. Where that is no name, or looks like
/// another, the digest of it.
fn account_name(tx: &mut Tx<'_>, scheme: &str, issuer: &str, subject: &str) -> Result<String> {
    let plain = lookalike::name("name", &format!("{scheme}\\{subject}")).ok();
    if let Some(plain) = plain.filter(|plain| plain.ends_with(subject)) {
        let taken: Option<i64> =
            tx.one("SELECT id FROM principal WHERE folded = $1", params![lookalike::fold(&plain)], |row| row.get(0))?;
        if taken.is_none() {
            return Ok(plain);
        }
    }
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in [issuer, subject] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = text::hex(context.finish().as_ref());
    let scheme: String = scheme.chars().take(limits::NAME_CHARS - 33).collect();
    Ok(format!("{scheme}\\{}", &digest[..32]))
}

/// Who presents a verified token. Whoever has no account here holds nothing: [`admit`] makes one when a claim brings a role.
pub fn actor_of_external(tx: &mut Tx<'_>, cache: &AccessCache, verified: &Verified, face: Face) -> Result<Actor> {
    require_trusted(tx, verified)?;
    match find(tx, &verified.issuer, &verified.subject)? {
        Some(account) if account.disabled => {
            Err(Refusal::Unauthenticated("the account of this token is disabled: ask an administrator".into()).into())
        }
        Some(account) => {
            let claims = stored(tx, verified)?;
            people::actor_of_principal(tx, cache, account.id, account.name, account.kind.name(), face, claims)
        }
        None => Ok(Actor {
            kind: actor_kind(verified.kind),
            id: None,
            name: format!("{}\\{}", verified.scheme, verified.subject),
            face,
            request: String::new(),
            address: String::new(),
            claims: Vec::new(),
            ends_at: None,
            access: std::sync::Arc::new(Access::nothing()),
        }),
    }
}
