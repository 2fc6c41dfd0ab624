//! Holds a token against the provider that it names.

use serde_json::{Map, Value};

use super::jwk::KeySet;
use super::jws::Presented;
use super::mapping::ClaimMapping;
use crate::access::ClaimKey;
use crate::error::Refusal;
use crate::ids::IdentityProviderId;
use crate::limits;
use crate::people::PrincipalKind;

/// An enabled provider, as tokens are held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Its handle.
    pub id: IdentityProviderId,
    /// How often it has changed.
    pub revision: i64,
    /// The authentication scheme of its claims.
    pub name: String,
    /// What stands in its tokens as `iss`, to the letter.
    pub issuer: String,
    /// What must stand in its tokens as `aud`: one of these.
    pub audiences: Vec<String>,
    /// Which members of its tokens become claims.
    pub mapping: ClaimMapping,
    /// The authorities by which its TLS is believed (PEM) instead of those of the system.
    pub roots: Option<String>,
}

/// What a provider has said of somebody, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who said it.
    pub provider: IdentityProviderId,
    /// The provider's revision that it was held against.
    pub revision: i64,
    /// The provider's authentication scheme.
    pub scheme: String,
    /// The provider's name for itself.
    pub issuer: String,
    /// Its lasting name for whom the token is about.
    pub subject: String,
    /// Whether that is a person or a program, as far as the token tells.
    pub kind: PrincipalKind,
    /// What the provider calls them; people choose such names, so nothing is decided by it.
    pub display_name: String,
    /// What it says of them.
    pub claims: Vec<ClaimKey>,
    /// When the token ends, unix milliseconds.
    pub expires_at: i64,
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::Unauthenticated(format!("the token cannot be accepted: {}", reason.into()))
}

/// Holds a token against its provider and the provider's keys, now.
///
/// # Errors
/// [`Refusal::Unauthenticated`] with the reason. What the token says is repeated only after its signature was found good.
pub fn verify(token: &Presented, provider: &Trusted, keys: &KeySet, now: i64) -> Result<Verified, Refusal> {
    let members = &token.members;
    if token.issuer() != Some(provider.issuer.as_str()) {
        return Err(refused("another issuer gave it"));
    }
    if !keys.signed(token) {
        return Err(refused(if keys.knows(token.key_id()) {
            "its signature is not one of its provider's"
        } else {
            "its provider has no key of the name (kid) that it is signed with"
        }));
    }
    let expires_at = instant(members, "exp")?.ok_or_else(|| refused("it does not say when it ends (exp)"))?;
    if now >= expires_at.saturating_add(limits::CLOCK_LEEWAY_MS) {
        return Err(refused("it has expired"));
    }
    for (name, what) in [("nbf", "it is not valid yet (nbf)"), ("iat", "it was issued in the future (iat)")] {
        if instant(members, name)?.is_some_and(|from| from > now.saturating_add(limits::CLOCK_LEEWAY_MS)) {
            return Err(refused(what));
        }
    }
    if !audiences(members).iter().any(|audience| provider.audiences.iter().any(|own| own == audience)) {
        return Err(refused(format!(
            "it is not meant for this server: its audience (aud) is none of {}",
            provider.audiences.join(", ")
        )));
    }
    // RFC 7800: whoever presents it must prove that they hold a key. Nothing here asks for that proof, so it would be worth less
    // than its provider thinks.
    if members.contains_key("cnf") {
        return Err(refused("it is bound to a key of its holder (cnf), which a bearer token cannot be"));
    }
    // Logouts and other events (RFC 8417), which some providers send without a type of their own.
    if members.contains_key("events") {
        return Err(refused("it tells of an event (events), not who somebody is"));
    }
    let subject = provider.mapping.subject_of(members);
    let subject =
        subject.ok_or_else(|| refused(format!("it does not say who it is about ({})", provider.mapping.subject.join(", "))))?;
    if subject.len() > limits::SUBJECT_BYTES {
        return Err(refused(format!("whom it is about has a name longer than {} bytes", limits::SUBJECT_BYTES)));
    }
    Ok(Verified {
        provider: provider.id,
        revision: provider.revision,
        scheme: provider.name.clone(),
        issuer: provider.issuer.clone(),
        kind: kind(members, &provider.mapping),
        display_name: display_name(members),
        claims: provider.mapping.claims(members, &provider.name),
        subject,
        expires_at,
    })
}

/// A NumericDate (RFC 7519 section 2: seconds, fractions allowed) in unix milliseconds, to the second.
fn instant(members: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let number = value.as_number().map(ToString::to_string).unwrap_or_default();
    // What is written with an exponent is no time of these millennia, and cut at its point it would be another.
    let plain = !number.contains(['e', 'E', '-']);
    let seconds = number.split('.').next().filter(|_| plain).and_then(|whole| whole.parse::<i64>().ok());
    match seconds.filter(|seconds| (0..=MAX_SECONDS).contains(seconds)) {
        Some(seconds) => Ok(Some(seconds * 1_000)),
        None => Err(refused(format!("{name} is no time"))),
    }
}

/// The end of the year 9999.
const MAX_SECONDS: i64 = 253_402_300_799;

fn audiences(members: &Map<String, Value>) -> Vec<&str> {
    match members.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// By what the providers put into the tokens of client credentials, and for Keycloak by the name of the service account, which
/// somebody could choose. Nothing but the page on which the account is listed depends on it.
fn kind(members: &Map<String, Value>, mapping: &ClaimMapping) -> PrincipalKind {
    let name = members.get("preferred_username").and_then(Value::as_str).unwrap_or_default();
    let is_program = mapping.is_of_client(members) || name.starts_with("service-account-");
    if is_program { PrincipalKind::Service } else { PrincipalKind::Person }
}

fn display_name(members: &Map<String, Value>) -> String {
    let names = ["name", "preferred_username", "upn", "unique_name", "email", "app_displayname"];
    let said = names.iter().filter_map(|name| members.get(*name)?.as_str()).find(|name| !name.trim().is_empty());
    said.unwrap_or_default().chars().filter(|c| !crate::text::is_unsafe(*c)).take(limits::NAME_CHARS).collect()
}
