//! Renewing what a private authority issued: the same subject, names, owner and notes once more, for a new key.

use certhold_pki::issue::GeneralName;
use certhold_store::Tx;

use super::before::{self, NotRenewed};
use super::pattern;
use super::rules::AskedKey;
use super::terms::Under;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::{Refusal, Result};
use crate::ids::{AuthorityId, CertificateId};
use crate::inventory::{self, Certificate};
use crate::metadata::{self, Change, Enrolment};
use crate::private_ca::{self, EnrolmentRequest, Issuance, KeySource};

/// In which way a certificate can be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalKind {
    /// Not here.
    None,
    /// With a new signing request.
    Seeded,
    /// At once: its key is made here.
    OneClick,
}

/// Whether a certificate can be renewed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// In which way.
    pub kind: RenewalKind,
    /// One sentence.
    pub message: String,
}

/// Says how a certificate can be renewed; for whoever may read it.
pub fn available_renewal(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Renewal> {
    let found = inventory::get_in(tx, actor, id, scope)?;
    Ok(renewal(tx, &found)?.0)
}

fn renewal(tx: &mut Tx<'_>, certificate: &Certificate) -> Result<(Renewal, Option<Issuance>)> {
    let summary = &certificate.summary;
    let is = |kind, message: String| Renewal { kind, message };
    if let Err(not) = before::renewed(tx, summary.id)? {
        return Ok((is(RenewalKind::None, not.sentence()), None));
    }
    let issuance = private_ca::issuance_of(tx, &[summary.id])?.pop().flatten();
    let Some(issuance) = issuance.filter(|issuance| issuance.template.is_some()) else {
        return Ok((is(RenewalKind::None, NotRenewed::Foreign.sentence()), None));
    };
    let renewal = if summary.has_key {
        is(RenewalKind::OneClick, format!("{:?} issues it again for a new key that is made here.", issuance.authority))
    } else {
        is(RenewalKind::Seeded, "Its private key is not in custody: send a signing request for a new key to renew it.".into())
    };
    Ok((renewal, Some(issuance)))
}

/// What to ask for to renew a certificate at once: everything as before, but for a new key. Another authority, pattern or template may
/// be named.
pub fn renewal_request(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    scope: Scope,
    authority: Option<AuthorityId>,
    under: Option<Under>,
) -> Result<EnrolmentRequest> {
    access::require_path(tx, actor, paths::ENROLLMENT_PFX)?;
    let found = inventory::get_in(tx, actor, id, scope)?;
    let (renewal, issuance) = renewal(tx, &found)?;
    let Some((issuance, template)) = issuance.and_then(|issuance| issuance.template.map(|template| (issuance, template))) else {
        return Err(Refusal::Conflict(renewal.message).into());
    };
    if renewal.kind != RenewalKind::OneClick {
        return Err(Refusal::Conflict(renewal.message).into());
    }
    let under = under.unwrap_or_else(|| issuance.pattern.map_or(Under::Template(template), Under::Pattern));
    let pattern = match under {
        Under::Pattern(pattern) => pattern::find(tx, pattern).ok().map(|found| found.settings),
        Under::Template(_) => None,
    };
    // A pattern with an authority of its own decides; else the one that issued before does it again.
    let own = pattern.as_ref().and_then(|settings| settings.authority);
    let authority = authority.or(if own.is_some() { None } else { Some(issuance.authority_id) });
    let hidden = pattern.map(|settings| settings.fields).unwrap_or_default();
    let hides = |id| hidden.iter().any(|field| field.field == id && field.enrolment == Enrolment::Hidden);
    let noted = metadata::held(tx, id)?.into_iter().filter(|held| !hides(held.field));
    let facts = found.facts()?;
    let named = facts.names.iter().map(GeneralName::of).collect::<Result<Vec<_>, _>>();
    let summary = &found.summary;
    let bits = summary.key_bits.and_then(|bits| u32::try_from(bits).ok());
    let key = AskedKey { algorithm: &summary.key_algorithm, bits, curve: summary.key_curve.as_deref() };
    Ok(EnrolmentRequest {
        under,
        authority,
        key: KeySource::Made(key.kind()),
        subject: (!summary.subject.is_empty()).then(|| summary.subject.clone()),
        names: named.map_err(|error| Refusal::Conflict(format!("it cannot be issued again as it is: {error}")))?,
        days: None,
        owner: None,
        metadata: noted.map(|held| Change::new(held.name, held.value)).collect(),
        delivered: false,
        renews: Some((id, scope)),
    })
}
