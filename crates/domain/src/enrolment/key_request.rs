//! Keys that are made here for signing requests under the rules of a pattern. The certificate that is issued for the request finds its
//! key by itself.

use certhold_pki::issue::{DistinguishedName, GeneralName, request_to_be_signed, signed};
use certhold_store::Tx;

use super::rules::Kind;
use super::terms::{self, OwnerStays, Request, Under};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::custody::{self, NewKeyRequest, SealedKey};
use crate::error::{Refusal, Result};
use crate::ids::{KeyRequestId, PatternId};
use crate::limits;
use crate::private_ca::{Hands, scheme};
use crate::renewal::KeyKind;

/// Make a key with a signing request.
#[derive(Clone, Debug)]
pub struct RequestWanted {
    /// By which rules; none when `None`, for whoever obtains the certificate elsewhere.
    pub under: Option<Under>,
    /// Whom it is for, as people write it.
    pub subject: Option<String>,
    /// The names it is for.
    pub names: Vec<GeneralName>,
    /// The key; the first that the pattern allows when `None`.
    pub key: Option<KeyKind>,
}

/// A signing request that is allowed, to be made outside of transactions.
#[derive(Clone)]
pub struct RequestDraft {
    subject: DistinguishedName,
    names: Vec<GeneralName>,
    key: KeyKind,
    pattern: Option<PatternId>,
}

/// Refuses whoever may not have signing requests made.
pub fn require_may_request(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require_path(tx, actor, paths::ENROLLMENT_CSR_GENERATION)
}

/// Checks what is asked for, and who asks.
pub fn draft_request(tx: &mut Tx<'_>, actor: &Actor, wanted: &RequestWanted) -> Result<RequestDraft> {
    require_may_request(tx, actor)?;
    let subject = DistinguishedName::parse(wanted.subject.as_deref().unwrap_or_default())
        .map_err(|error| Refusal::invalid("subject", error.to_string()))?;
    let draft = match wanted.under {
        None => RequestDraft { subject, names: wanted.names.clone(), key: wanted.key.unwrap_or(KeyKind::P256), pattern: None },
        Some(under) => {
            let request = Request {
                under,
                kind: Kind::CsrGeneration,
                authority: None,
                subject: &subject,
                names: &wanted.names,
                given: None,
                key: wanted.key,
                days: None,
                owner: None,
                owner_stays: OwnerStays::No,
                renews: None,
            };
            let terms = terms::terms(tx, actor, &request)?;
            let pattern = terms.pattern.map(|(id, _)| id);
            RequestDraft { subject: terms.subject, names: terms.names, key: terms.key, pattern }
        }
    };
    if draft.subject.is_empty() && draft.names.is_empty() {
        return Err(Refusal::invalid("subject", "say who it is for: a subject such as CN=Kim Doe, or a name").into());
    }
    if draft.names.len() > limits::MANAGED_NAMES {
        return Err(Refusal::invalid("names", format!("at most {} names", limits::MANAGED_NAMES)).into());
    }
    Ok(draft)
}

impl RequestDraft {
    /// Makes the key and signs the request with it. Takes up to seconds of one core.
    pub fn make(self, hands: Hands<'_>) -> Result<NewKeyRequest> {
        let key = hands.keys.key(self.key).map_err(|why| Refusal::invalid("key_kind", why))?;
        let scheme = scheme(&key)?;
        let to_be_signed = request_to_be_signed(&self.subject, key.spki_der(), &self.names);
        let csr = signed(&to_be_signed, scheme, &hands.signature(&key, &to_be_signed)?);
        let names: Vec<String> = self.names.iter().map(GeneralName::value).collect();
        let name = self.subject.common_name().or_else(|| names.first().cloned()).unwrap_or_else(|| self.subject.text());
        let name = name.chars().filter(|c| !c.is_control()).take(limits::NAME_CHARS).collect();
        let key = SealedKey::seal(hands.custody, hands.entropy, &key)?;
        Ok(NewKeyRequest { name, names, key, csr, pattern: self.pattern })
    }
}

/// Keeps a key with its request, if what was asked for is still allowed.
pub fn keep_request(
    tx: &mut Tx<'_>,
    actor: &Actor,
    wanted: &RequestWanted,
    made: &NewKeyRequest,
    now: i64,
) -> Result<KeyRequestId> {
    draft_request(tx, actor, wanted)?;
    custody::keep_key_request(tx, actor, made, now)
}
