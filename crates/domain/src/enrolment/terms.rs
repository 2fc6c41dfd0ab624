//! The terms under which one certificate is issued: the pattern that holds, and everything it decides.

use certhold_pki::issue::{DistinguishedName, GeneralName};
use certhold_store::{Tx, params};

use super::before::{self, Before};
use super::owner;
use super::pattern::{self, Pattern};
use super::rules::{AskedKey, Kind};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::{self, Scope};
use crate::error::{Refusal, Result};
use crate::ids::{AuthorityId, CertificateId, PatternId, RoleId};
use crate::inventory::RevocationReason;
use crate::metadata::Override;
use crate::private_ca::{self, Profile};
use crate::renewal::KeyKind;
use crate::{limits, ownership};

/// What whoever enrols names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// A pattern.
    Pattern(PatternId),
    /// A template alone: its default pattern holds; while it has no pattern at all, none.
    Template(Profile),
}

/// What is asked for, as far as terms depend on it.
pub(crate) struct Request<'a> {
    pub under: Under,
    pub kind: Kind,
    pub authority: Option<AuthorityId>,
    pub subject: &'a DistinguishedName,
    pub names: &'a [GeneralName],
    /// A key that is there already: of a signing request, or of the version before.
    pub given: Option<GivenKey<'a>>,
    /// The kind of a key that is made here.
    pub key: Option<KeyKind>,
    pub days: Option<i64>,
    pub owner: Option<RoleId>,
    /// Whether that owner is one that is there already, and stays.
    pub owner_stays: OwnerStays,
    pub renews: Option<(CertificateId, Scope)>,
}

/// Whether the owner that a request names is one that is there already, and is not asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerStays {
    No,
    Yes,
    /// If the request names nobody that this certificate, which a private authority issued, does not name.
    SameNames(CertificateId),
}

/// A key that is there already.
#[derive(Clone, Copy)]
pub(crate) struct GivenKey<'a> {
    pub key: AskedKey<'a>,
    pub spki_sha256: &'a [u8; 32],
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub pattern: Option<(PatternId, String)>,
    pub template: Profile,
    /// Who signs; a signing request that is made here may go to anybody.
    pub authority: Option<AuthorityId>,
    pub subject: DistinguishedName,
    pub names: Vec<GeneralName>,
    /// The kind of a key that is made here.
    pub key: KeyKind,
    pub days: i64,
    pub owner: Option<RoleId>,
    pub fields: Vec<Override>,
}

/// The terms of a request, or the first rule that it breaks. Needs the right to enrol in this way, and a role that may use the pattern.
pub(crate) fn terms(tx: &mut Tx<'_>, actor: &Actor, request: &Request<'_>) -> Result<Terms> {
    access::require_path(tx, actor, pattern::need(request.kind))?;
    let (pattern, template) = resolve(tx, actor, request)?;
    let authority = match request.kind {
        Kind::CsrGeneration => pattern.as_ref().and_then(|pattern| pattern.settings.authority),
        Kind::Pfx | Kind::Csr => Some(authority(tx, pattern.as_ref(), request.authority)?),
    };
    let rules = pattern.as_ref().map(|pattern| &pattern.settings.rules);
    let subject = match rules {
        Some(rules) => rules.completed(request.subject)?,
        None => request.subject.clone(),
    };
    let names = names(request.names, &subject, template, rules.is_some_and(|rules| rules.rfc))?;
    template.require_names(&names, subject.is_empty())?;
    if let Some(rules) = rules {
        rules.require(&subject, &names)?;
    }
    let key = match (rules, request.given) {
        (Some(rules), None) => rules.made_key(request.key)?,
        (Some(rules), Some(given)) => {
            rules.require_key(given.key)?;
            if !rules.key_reuse {
                require_fresh_key(tx, given.spki_sha256)?;
            }
            given.key.kind().unwrap_or(KeyKind::P256)
        }
        (None, Some(given)) => given.key.kind().unwrap_or(KeyKind::P256),
        (None, None) => request.key.unwrap_or(KeyKind::P256),
    };
    if let Some(given) = request.given {
        require_unharmed(tx, given.spki_sha256)?;
    }
    let days = match rules {
        Some(rules) => rules.life(template, request.days)?,
        None => life(template, request.days)?,
    };
    let owner = match request.kind {
        Kind::CsrGeneration => None,
        Kind::Pfx | Kind::Csr => owner(tx, actor, pattern.as_ref(), template, request, (&subject, &names))?,
    };
    let fields = pattern.as_ref().map(|pattern| pattern.settings.fields.clone()).unwrap_or_default();
    let pattern = pattern.map(|pattern| (pattern.id, pattern.settings.name));
    Ok(Terms { pattern, template, authority, subject, names, key, days, owner, fields })
}

/// The pattern that holds, if one does, and the template.
fn resolve(tx: &mut Tx<'_>, actor: &Actor, request: &Request<'_>) -> Result<(Option<Pattern>, Profile)> {
    let held = access::current(tx, actor)?;
    let pattern = match request.under {
        Under::Pattern(id) => {
            let found = pattern::find(tx, id);
            // Whoever may neither see nor use patterns does not learn which ones there are.
            match found {
                Ok(pattern) => pattern,
                Err(error) if access::allows(tx, actor, paths::PATTERNS_READ)? => return Err(error),
                Err(crate::error::Error::Refused(_)) => return Err(pattern::not_yours().into()),
                Err(fault) => return Err(fault),
            }
        }
        Under::Template(template) => match pattern::of_template(tx, template)? {
            (Some(default), _) => default,
            (None, false) => return Ok((None, template)),
            (None, true) => {
                let message = format!(
                    "the template {:?} has no default enrolment pattern: name the pattern with which you enrol",
                    template.name()
                );
                return Err(Refusal::invalid("pattern", message).into());
            }
        },
    };
    if !pattern::may_use(&held, &pattern) {
        return Err(pattern::not_yours().into());
    }
    if !pattern.settings.rules.kinds.allow(request.kind) {
        let message = format!("the enrolment pattern {:?} issues nothing {}", pattern.settings.name, request.kind.title());
        return Err(Refusal::Conflict(message).into());
    }
    let template = pattern.settings.template;
    Ok((Some(pattern), template))
}

fn authority(tx: &mut Tx<'_>, pattern: Option<&Pattern>, asked: Option<AuthorityId>) -> Result<AuthorityId> {
    let own =
        pattern.and_then(|pattern| Some((pattern.settings.authority?, pattern.authority_name.as_deref().unwrap_or_default())));
    match (own, asked) {
        (Some((own, name)), Some(asked)) if own != asked => {
            let message = format!("this pattern issues from {name:?}: name that authority, or none");
            Err(Refusal::invalid("authority", message).into())
        }
        (Some((own, _)), _) => Ok(own),
        (None, Some(asked)) => Ok(asked),
        (None, None) => private_ca::only_authority(tx),
    }
}

/// The names asked for, each once; a common name that is a host name is among those of a server (RFC 9525 looks nowhere else), and
/// where that is a rule.
fn names(asked: &[GeneralName], subject: &DistinguishedName, template: Profile, rfc: bool) -> Result<Vec<GeneralName>, Refusal> {
    let mut names: Vec<GeneralName> = asked.to_vec();
    let looked_up = rfc || matches!(template, Profile::Server | Profile::ServerAndClient);
    if let (true, Some(Ok(host))) = (looked_up, subject.common_name().map(|name| GeneralName::host(&name))) {
        names.push(host);
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if names.len() > limits::MANAGED_NAMES {
        return Err(Refusal::invalid("names", format!("at most {} names", limits::MANAGED_NAMES)));
    }
    Ok(names)
}

fn require_fresh_key(tx: &mut Tx<'_>, spki_sha256: &[u8; 32]) -> Result<()> {
    let used: Option<i64> =
        tx.one("SELECT id FROM certificate WHERE spki_sha256 = $1 LIMIT 1", params![spki_sha256], |row| row.get(0))?;
    match used {
        None => Ok(()),
        Some(_) => {
            let message =
                "a certificate for this key is in the inventory, and this pattern issues for no key twice: make a new key";
            Err(Refusal::invalid("key", message).into())
        }
    }
}

/// Whether a certificate for this key was revoked because the key is known to others.
pub(crate) fn is_compromised(tx: &mut Tx<'_>, spki_sha256: &[u8; 32]) -> Result<bool> {
    let found: Option<i64> = tx.one(
        "SELECT certificate.id FROM certificate JOIN revocation ON revocation.certificate = certificate.id \
         WHERE certificate.spki_sha256 = $1 AND revocation.reason = $2 LIMIT 1",
        params![spki_sha256, i64::from(RevocationReason::KeyCompromise.code())],
        |row| row.get(0),
    )?;
    Ok(found.is_some())
}

/// Refuses to certify a key that others have.
pub(crate) fn require_unharmed(tx: &mut Tx<'_>, spki_sha256: &[u8; 32]) -> Result<()> {
    if is_compromised(tx, spki_sha256)? {
        let message = "a certificate for this key was revoked because the key is compromised: make a new key";
        return Err(Refusal::invalid("key", message).into());
    }
    Ok(())
}

/// Whether these terms renew a certificate that a private authority issued: nobody is named that it does not name.
pub(crate) fn renews_same(tx: &mut Tx<'_>, certificate: CertificateId, terms: &Terms) -> Result<bool> {
    Ok(before::issued(tx, certificate)?.is_some_and(|before| before.stands_for(&terms.subject, &terms.names)))
}

/// Whom to name for the next certificate of the authority `before`: nobody where the pattern has an authority of its own.
pub(crate) fn authority_for(tx: &mut Tx<'_>, under: Under, before: AuthorityId) -> Result<Option<AuthorityId>> {
    let pattern = match under {
        Under::Pattern(id) => pattern::find(tx, id).ok(),
        Under::Template(template) => pattern::of_template(tx, template)?.0,
    };
    Ok(pattern.and_then(|pattern| pattern.settings.authority).map_or(Some(before), |_| None))
}

/// Refuses to give a key several certificates, where the pattern issues for no key twice.
pub(crate) fn require_reuse(tx: &mut Tx<'_>, pattern: PatternId) -> Result<()> {
    if pattern::find(tx, pattern)?.settings.rules.key_reuse {
        return Ok(());
    }
    let message = "this pattern issues for no key twice: let each version have a new key";
    Err(Refusal::invalid("reuse_key", message).into())
}

fn life(template: Profile, asked: Option<i64>) -> Result<i64, Refusal> {
    let days = asked.unwrap_or_else(|| template.default_days());
    if (1..=template.most_days()).contains(&days) {
        return Ok(days);
    }
    let why = format!("a {} certificate lives 1 to {} days", template.title(), template.most_days());
    Err(Refusal::invalid("days", why))
}

/// The owner: one that stays, of a renewal that names none the one before, if it is for the same names, else as the pattern says.
fn owner(
    tx: &mut Tx<'_>,
    actor: &Actor,
    pattern: Option<&Pattern>,
    template: Profile,
    request: &Request<'_>,
    (subject, names): (&DistinguishedName, &[GeneralName]),
) -> Result<Option<RoleId>> {
    let before = match request.renews {
        Some((id, scope)) => Some(before(tx, actor, id, scope)?),
        None => None,
    };
    // Whoever may renew a certificate makes nobody the owner of another one.
    let before = before.filter(|before| before.stands_for(subject, names)).and_then(|before| before.owner);
    let kept = before.filter(|before| request.owner.is_none_or(|asked| asked == *before));
    let stays = match request.owner_stays {
        OwnerStays::No => false,
        OwnerStays::Yes => true,
        OwnerStays::SameNames(adopted) => {
            let same = before::issued(tx, adopted)?.filter(|before| before.stands_for(subject, names));
            same.is_some_and(|before| before.owner.is_some() && before.owner == request.owner)
        }
    };
    let kept = if stays { request.owner } else { kept };
    let (owner, chosen) = match (kept, pattern) {
        (Some(kept), _) => (Some(kept), false),
        (None, _) if stays => (None, false),
        (None, Some(pattern)) => pattern.settings.owner.decide(request.owner)?,
        (None, None) => (request.owner, true),
    };
    match owner.filter(|_| chosen) {
        Some(owner) => ownership::require_may_hand_to(tx, actor, owner)?,
        None if owner.is_some() => {}
        None => {
            let terms = pattern.map(|pattern| (pattern.settings.name.as_str(), pattern.settings.owner.policy));
            if let Some(why) = owner::asked_by(tx, template, terms)? {
                return Err(Refusal::invalid("owner", format!("{why}: name one")).into());
            }
        }
    }
    Ok(owner)
}

/// The certificate that is renewed, which a private authority issued.
fn before(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Before> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    before::renewed(tx, id)?.map_err(|not| Refusal::invalid("renews", not.why()).into())
}
