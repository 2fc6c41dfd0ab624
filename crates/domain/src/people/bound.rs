//! Tokens that are given for a name and a password, for a while, and that count only where they are used from.

use certhold_store::{Tx, params};
use serde_json::json;

use super::session;
use super::sign_in::{self, Attempt, Verified};
use crate::access::AccessCache;
use crate::actor::{Actor, ActorKind, Face};
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::PrincipalId;
use crate::limits;

/// What a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Nothing: whoever has it may use it.
    Nothing,
    /// The beginning of the `Referer` header, without regard to case. Any text: some clients send words.
    Referer(String),
    /// The address that a request comes from.
    Address(String),
}

impl Binding {
    fn kind(&self) -> &'static str {
        match self {
            Binding::Nothing => "nothing",
            Binding::Referer(_) => "referer",
            Binding::Address(_) => "address",
        }
    }

    fn to(&self) -> &str {
        match self {
            Binding::Nothing => "",
            Binding::Referer(text) | Binding::Address(text) => text,
        }
    }

    fn read(kind: &str, to: String) -> Binding {
        match kind {
            "referer" => Binding::Referer(to),
            "address" => Binding::Address(to),
            _ => Binding::Nothing,
        }
    }

    /// Whether a token that is bound so counts for this request.
    fn allows(&self, shown: &Shown) -> bool {
        match self {
            Binding::Nothing => true,
            Binding::Address(address) => *address == shown.address,
            Binding::Referer(wanted) => match &shown.referer {
                // Programs of some kinds send none; then the token must have come in a header, where no page of another site puts it.
                None => shown.in_header,
                Some(referer) => {
                    let (mut referer, wanted) = (referer.chars().flat_map(char::to_lowercase), wanted.to_lowercase());
                    wanted.chars().all(|c| referer.next() == Some(c))
                }
            },
        }
    }
}

/// Where a token is shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The `Referer` header.
    pub referer: Option<String>,
    /// The peer's address.
    pub address: String,
    /// Whether the token came in a header, other than a cookie.
    pub in_header: bool,
}

/// Give a token.
#[derive(Clone, Debug)]
pub struct NewBoundToken {
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// What it is bound to.
    pub binding: Binding,
    /// How long it is wanted for, milliseconds; at most [`limits::BOUND_TOKEN_MS`] is given.
    pub lifetime_ms: i64,
}

/// A token that is known.
pub struct BoundToken {
    /// Whose it is.
    pub actor: Actor,
    /// When it ends, unix milliseconds.
    pub expires_at: i64,
}

/// Completes a sign-in with a password and gives a token for it; when that ends, unix milliseconds. A failure counts, so the inner
/// refusal is committed.
pub fn issue_bound_token(
    tx: &mut Tx<'_>,
    anonymous: &Actor,
    attempt: &Attempt,
    verified: Verified,
    new: &NewBoundToken,
    now: i64,
) -> Result<Result<i64, Refusal>> {
    if new.binding.to().chars().count() > limits::BOUND_TO_CHARS {
        return Err(Refusal::invalid("referer", format!("at most {} characters", limits::BOUND_TO_CHARS)).into());
    }
    let who = match sign_in::complete_without_session(tx, anonymous, attempt, verified, now)? {
        Ok(who) => who,
        Err(refusal) => return Ok(Err(refusal)),
    };
    tx.execute("DELETE FROM bound_token WHERE expires_at <= $1", params![now])?;
    let expires_at = now + new.lifetime_ms.clamp(1, limits::BOUND_TOKEN_MS);
    tx.execute(
        "INSERT INTO bound_token (token_hash, principal, generation, binding, bound_to, issued_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![&new.hash, who.principal, who.generation, new.binding.kind(), new.binding.to(), now, expires_at],
    )?;
    let name: Option<String> = tx.one("SELECT name FROM principal WHERE id = $1", params![who.principal], |row| row.get(0))?;
    let name = name.unwrap_or_default();
    let author = Actor { kind: ActorKind::Person, id: Some(who.principal), name: name.clone(), ..anonymous.clone() };
    let payload = json!({ "binding": new.binding.kind(), "expires_at": expires_at });
    let object = Object::new("principal", who.principal.0, &name);
    events::append(tx, &author, now, NewEvent::new(names::BOUND_TOKEN_ISSUED, object, payload))?;
    Ok(Ok(expires_at))
}

/// Who shows this token. One answer for all that do not count: unknown, expired, of another place, of an account that was disabled or
/// whose password changed.
pub fn actor_of_bound_token(
    tx: &mut Tx<'_>,
    cache: &AccessCache,
    token_hash: &[u8; 32],
    shown: &Shown,
    face: Face,
    now: i64,
) -> Result<BoundToken> {
    let found = tx.one(
        "SELECT bound_token.expires_at, bound_token.binding, bound_token.bound_to, principal.id, principal.name, principal.kind \
         FROM bound_token JOIN principal ON principal.id = bound_token.principal \
         WHERE bound_token.token_hash = $1 AND bound_token.generation = principal.generation AND NOT principal.disabled",
        params![token_hash],
        |row| {
            let token = (row.get::<i64>(0)?, Binding::read(row.text(1)?, row.get(2)?));
            let principal: (i64, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((token, principal))
        },
    )?;
    let unknown = || Refusal::Unauthenticated("the token is unknown, expired, or bound to another place".into());
    let ((expires_at, binding), (principal, name, kind)) = found.ok_or_else(unknown)?;
    if now >= expires_at || !binding.allows(shown) {
        return Err(unknown().into());
    }
    let actor = session::actor(tx, cache, PrincipalId(principal), name, &kind, face, Vec::new())?;
    Ok(BoundToken { actor, expires_at })
}

/// Ends a token before its time; whoever has it may.
pub fn end_bound_token(tx: &mut Tx<'_>, actor: &Actor, token_hash: &[u8; 32], now: i64) -> Result<()> {
    let ended = tx.execute("DELETE FROM bound_token WHERE token_hash = $1", params![token_hash])?;
    if let (Some(id), true) = (actor.id, ended > 0) {
        let object = Object::new("principal", id.0, &actor.name);
        events::append(tx, actor, now, NewEvent::new(names::BOUND_TOKEN_ENDED, object, json!({})))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_the_beginning_of_the_referer() {
        let shown = |referer: Option<&str>, in_header| Shown {
            referer: referer.map(str::to_owned),
            address: "192.0.2.1".into(),
            in_header,
        };
        let bound = |to: &str| Binding::Referer(to.into());
        for (to, referer, in_header, allowed) in [
            ("http", Some("http"), false, true),
            ("@esri/arcgis-rest-js", Some("@ESRI/arcgis-rest-js"), false, true),
            ("https://maps.example.test", Some("https://maps.example.test/app/"), false, true),
            ("https://maps.example.test/app", Some("https://maps.example.test/"), true, false),
            ("referer", None, true, true),
            ("referer", None, false, false),
            ("referer", Some("another"), true, false),
            ("Ä", Some("äpfel"), false, true),
        ] {
            assert_eq!(bound(to).allows(&shown(referer, in_header)), allowed, "{to} {referer:?} {in_header}");
        }
        assert!(Binding::Nothing.allows(&shown(None, false)));
        assert!(Binding::Address("192.0.2.1".into()).allows(&shown(Some("x"), false)));
        assert!(!Binding::Address("192.0.2.2".into()).allows(&shown(None, true)));
    }
}
