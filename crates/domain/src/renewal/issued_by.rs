//! By whom the versions of a managed certificate are issued: an authority that is asked over ACME, or a private one here, by the rules of
//! enrolment.

use std::collections::BTreeMap;

use certhold_pki::Facts;
use certhold_pki::issue::GeneralName;
use certhold_store::{Row, Tx, Value, params};
use serde_json::{Value as Json, json};

use super::managed::{Managed, NewManaged};
use super::order;
use super::plan::KeyKind;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::enrolment::{self, AskedKey, OwnerStays, Under};
use crate::error::{Error, Refusal, Result};
use crate::ids::{AuthorityId, CertificateId, DnsProviderId, IssuerId, LineageId, PatternId, RoleId};
use crate::inventory;
use crate::metadata::Change;
use crate::private_ca::{self, EnrolmentDraft, EnrolmentRequest, KeySource, Profile, Version};
use crate::{custody, limits, ownership, text};

/// By whom versions shall be issued.
#[derive(Clone, Debug)]
pub enum IssueBy {
    /// An authority that is asked over ACME.
    Acme(AcmePlan),
    /// A private authority. Creating needs what enrolling with a key that is made here needs.
    Private(PrivatePlan),
}

/// Versions are obtained over ACME.
#[derive(Clone, Debug)]
pub struct AcmePlan {
    /// Who issues.
    pub issuer: IssuerId,
    /// Who publishes the proofs.
    pub dns_provider: DnsProviderId,
    /// The authority's profile to ask for.
    pub profile: Option<String>,
}

/// Versions are issued by a private authority.
#[derive(Clone, Debug)]
pub struct PrivatePlan {
    /// By which rules.
    pub under: Under,
    /// Who signs; as the pattern says, or the only one that issues here, when `None`.
    pub authority: Option<AuthorityId>,
    /// Whom it is for, as people write it; of an adopted certificate its own when `None`.
    pub subject: Option<String>,
    /// The life of a version; as the pattern or template says when `None`.
    pub days: Option<i64>,
    /// What is noted about the first version. Of an adopted certificate nothing may be given: it has its notes.
    pub metadata: Vec<Change>,
}

/// By whom versions are issued, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuedBy {
    /// An authority that is asked over ACME.
    Acme {
        /// Who issues.
        issuer: (IssuerId, String),
        /// Who publishes the proofs.
        dns_provider: (DnsProviderId, String),
        /// The authority's profile to ask for.
        profile: Option<String>,
    },
    /// A private authority.
    Private {
        /// Who signed last, and signs while the pattern names no other.
        authority: (AuthorityId, String),
        /// What versions are for.
        template: Profile,
        /// By which rules.
        pattern: Option<(PatternId, String)>,
        /// Whom it is for.
        subject: Option<String>,
        /// The life of a version, where it was chosen.
        days: Option<i64>,
    },
}

impl IssuedBy {
    /// The name of who issues.
    pub fn name(&self) -> &str {
        match self {
            IssuedBy::Acme { issuer: (_, name), .. } | IssuedBy::Private { authority: (_, name), .. } => name,
        }
    }

    /// The private authority, if it is one.
    pub fn authority(&self) -> Option<AuthorityId> {
        match self {
            IssuedBy::Acme { .. } => None,
            IssuedBy::Private { authority: (id, _), .. } => Some(*id),
        }
    }
}

/// Columns of a lineage that say by whom, to be read by [`read`] from `first` on.
pub(super) const COLUMNS: &str = "issuer.id, issuer.name, dns_provider.id, dns_provider.name, lineage.profile, private_ca.id, \
    private_ca.name, lineage.template, enrolment_pattern.id, enrolment_pattern.name, lineage.subject, lineage.days";

/// What joins `lineage` for these columns.
pub(super) const JOINS: &str = "LEFT JOIN issuer ON issuer.id = lineage.issuer \
    LEFT JOIN dns_provider ON dns_provider.id = lineage.dns_provider LEFT JOIN private_ca ON private_ca.id = lineage.private_ca \
    LEFT JOIN enrolment_pattern ON enrolment_pattern.id = lineage.pattern";

pub(super) fn read(row: &Row<'_>, first: usize) -> Result<IssuedBy, certhold_store::Error> {
    let name = |at: usize| Ok::<_, certhold_store::Error>(row.get::<Option<String>>(at)?.unwrap_or_default());
    if let Some(authority) = row.get::<Option<i64>>(first + 5)? {
        let pattern = row.get::<Option<i64>>(first + 8)?.map(PatternId);
        return Ok(IssuedBy::Private {
            authority: (AuthorityId(authority), name(first + 6)?),
            template: Profile::parse(&name(first + 7)?).unwrap_or(Profile::Server),
            pattern: pattern.zip(row.get(first + 9)?),
            subject: row.get(first + 10)?,
            days: row.get(first + 11)?,
        });
    }
    Ok(IssuedBy::Acme {
        issuer: (IssuerId(row.get(first)?), name(first + 1)?),
        dns_provider: (DnsProviderId(row.get(first + 2)?), name(first + 3)?),
        profile: row.get(first + 4)?,
    })
}

/// A plan that was checked, as the columns of a lineage.
pub(super) struct Checked {
    pub names: Vec<String>,
    pub key_kind: KeyKind,
    pub owner: Option<RoleId>,
    issuer: Option<IssuerId>,
    dns_provider: Option<DnsProviderId>,
    profile: Option<String>,
    authority: Option<AuthorityId>,
    template: Option<Profile>,
    pattern: Option<PatternId>,
    subject: Option<String>,
    days: Option<i64>,
    noted: Option<String>,
}

impl Checked {
    /// `issuer, dns_provider, profile, private_ca, template, pattern, subject, days, noted`.
    pub fn values(&self) -> [Value<'_>; 9] {
        [
            self.issuer.into(),
            self.dns_provider.into(),
            self.profile.as_deref().into(),
            self.authority.into(),
            self.template.map(Profile::name).into(),
            self.pattern.into(),
            self.subject.as_deref().into(),
            self.days.into(),
            self.noted.as_deref().into(),
        ]
    }

    /// What an event tells of it.
    pub fn told(&self) -> Json {
        json!({
            "names": self.names, "key_kind": self.key_kind.name(), "owner_role": self.owner, "issuer": self.issuer,
            "dns_provider": self.dns_provider, "profile": self.profile, "authority": self.authority,
            "template": self.template.map(Profile::name), "pattern": self.pattern, "subject": self.subject, "days": self.days,
        })
    }
}

/// Checks a plan, and whether the actor may have it carried out.
pub(super) fn check(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &NewManaged,
    adopted: Option<&inventory::Summary>,
    now: i64,
) -> Result<Checked> {
    let checked = match &command.by {
        IssueBy::Acme(plan) => acme(tx, actor, command, plan, adopted)?,
        IssueBy::Private(plan) => private(tx, actor, command, plan, adopted, now)?,
    };
    if let Some(adopted) = adopted {
        if command.reuse_key {
            custody::spki_of(tx, adopted.id)?.map_or(Ok(()), |spki| enrolment::require_unharmed(tx, &spki))?;
        }
        let inherited = adopted.owner.as_ref().map(|(role, _)| *role);
        if let Some(role) = inherited {
            ownership::require_may_hand_to(tx, actor, role)?;
        }
        if checked.owner != inherited {
            access::require_path(tx, actor, paths::CERTIFICATES_CHANGE_OWNER)?;
        }
    }
    Ok(checked)
}

fn acme(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &NewManaged,
    plan: &AcmePlan,
    adopted: Option<&inventory::Summary>,
) -> Result<Checked> {
    let names = match (adopted, command.names.is_empty()) {
        (Some(adopted), true) => dns_names(&adopted.names)?,
        _ => dns_names(&command.names)?,
    };
    let profile = plan.profile.as_deref().map(str::trim).filter(|profile| !profile.is_empty());
    text::line("profile", profile.unwrap_or(""), limits::NAME_CHARS)?;
    let issuer: Option<i64> = tx.one("SELECT id FROM issuer WHERE id = $1", params![plan.issuer], |row| row.get(0))?;
    issuer.ok_or_else(|| Refusal::not_found("issuer", plan.issuer))?;
    let provider: Option<i64> =
        tx.one("SELECT id FROM dns_provider WHERE id = $1", params![plan.dns_provider], |row| row.get(0))?;
    provider.ok_or_else(|| Refusal::not_found("DNS provider", plan.dns_provider))?;
    let owner = command.owner.or(adopted.and_then(|adopted| adopted.owner.as_ref().map(|(role, _)| *role)));
    if let Some(role) = owner {
        ownership::require_may_hand_to(tx, actor, role)?;
    }
    Ok(Checked {
        names,
        key_kind: command.key_kind.unwrap_or(KeyKind::P256),
        owner,
        issuer: Some(plan.issuer),
        dns_provider: Some(plan.dns_provider),
        profile: profile.map(str::to_owned),
        authority: None,
        template: None,
        pattern: None,
        subject: None,
        days: None,
        noted: None,
    })
}

/// Normalised, without duplicates, at least one, not more than authorities take.
fn dns_names(names: &[String]) -> Result<Vec<String>, Refusal> {
    let mut checked: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let name = certhold_pki::normalise_dns_name(name.trim()).map_err(|why| Refusal::invalid("names", why.to_string()))?;
        if !checked.contains(&name) {
            checked.push(name);
        }
    }
    match checked.len() {
        0 => Err(Refusal::invalid("names", "at least one DNS name is needed")),
        many if many > limits::MANAGED_NAMES => {
            Err(Refusal::invalid("names", format!("at most {} names fit into one certificate", limits::MANAGED_NAMES)))
        }
        _ => Ok(checked),
    }
}

/// Enrols on trial: whatever the rules refuse is refused now, and not when the first version is to be issued.
fn private(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &NewManaged,
    plan: &PrivatePlan,
    adopted: Option<&inventory::Summary>,
    now: i64,
) -> Result<Checked> {
    access::require_path(tx, actor, paths::ENROLLMENT_PFX)?;
    if adopted.is_some() && !plan.metadata.is_empty() {
        let why = "the adopted certificate has its notes, which the next versions inherit: give none";
        return Err(Refusal::invalid("metadata", why).into());
    }
    let subject = plan.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty());
    let own_subject = adopted.map(|adopted| adopted.subject.as_str()).filter(|subject| !subject.is_empty());
    let names = match (adopted, command.names.is_empty()) {
        (Some(adopted), true) => names_of(tx, adopted.id)?,
        _ => command.names.iter().map(|name| enrolment::general_name(name)).collect::<Result<_, _>>()?,
    };
    let inherited = adopted.and_then(|adopted| adopted.owner.as_ref().map(|(role, _)| *role));
    let shared = adopted.filter(|adopted| command.reuse_key && adopted.has_key).map(|adopted| adopted.id);
    let request = EnrolmentRequest {
        under: plan.under,
        authority: plan.authority.or(issuer_before(tx, plan, adopted)?),
        key: shared.map_or(KeySource::Made(command.key_kind), KeySource::Held),
        subject: subject.or(own_subject).map(str::to_owned),
        names,
        days: plan.days,
        owner: command.owner.or(inherited),
        metadata: plan.metadata.clone(),
        delivered: false,
        renews: None,
    };
    if let Some(adopted) = adopted.filter(|_| shared.is_some()) {
        require_kind(adopted, command.key_kind)?;
    }
    let owner_stays = adopted.map_or(OwnerStays::No, |adopted| OwnerStays::SameNames(adopted.id));
    let version = Version { lineage: None, before: adopted.map(|adopted| adopted.id), owner_stays };
    let draft = private_ca::draft_version(tx, actor, &request, version, now)?;
    let terms = draft.terms();
    let pattern = terms.pattern.as_ref().map(|(id, _)| *id);
    if let Some(pattern) = pattern.filter(|_| command.reuse_key) {
        enrolment::require_reuse(tx, pattern)?;
    }
    let noted: BTreeMap<&str, &str> = plan.metadata.iter().map(|change| (change.field.as_str(), change.value.as_str())).collect();
    Ok(Checked {
        names: terms.names.iter().map(enrolment::written).collect(),
        key_kind: terms.key,
        owner: terms.owner,
        issuer: None,
        dns_provider: None,
        profile: None,
        authority: terms.authority,
        template: Some(terms.template),
        pattern,
        subject: (!terms.subject.is_empty()).then(|| terms.subject.text()),
        days: plan.days,
        noted: (!noted.is_empty()).then(|| json!(noted).to_string()),
    })
}

/// Refuses another kind of key than that of the key that versions shall share.
fn require_kind(adopted: &inventory::Summary, asked: Option<KeyKind>) -> Result<(), Refusal> {
    let bits = adopted.key_bits.and_then(|bits| u32::try_from(bits).ok());
    let held = AskedKey { algorithm: &adopted.key_algorithm, bits, curve: adopted.key_curve.as_deref() };
    if asked.is_none() || asked == held.kind() {
        return Ok(());
    }
    let why = format!("versions shall share the key that is held, which is {}: leave the kind out", adopted.key());
    Err(Refusal::invalid("key_kind", why))
}

/// What a private authority issued it issues again, where neither plan nor pattern names another.
fn issuer_before(tx: &mut Tx<'_>, plan: &PrivatePlan, adopted: Option<&inventory::Summary>) -> Result<Option<AuthorityId>> {
    let Some(adopted) = adopted else { return Ok(None) };
    match private_ca::issuance_of(tx, &[adopted.id])?.pop().flatten() {
        Some(issuance) => enrolment::authority_for(tx, plan.under, issuance.authority_id),
        None => Ok(None),
    }
}

fn names_of(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Vec<GeneralName>> {
    let der = inventory::fetch(tx, certificate)?.der;
    let facts = Facts::of(&der).map_err(|error| Error::damaged(format!("certificate {certificate}: {error}")))?;
    let names = facts.names.iter().map(GeneralName::of).collect::<Result<Vec<_>, _>>();
    Ok(names.map_err(|error| Refusal::Conflict(format!("it cannot be issued again as it is: {error}")))?)
}

/// The next version, drafted by the rules as they are now. Nobody is asked again whether they may have it: the plan was allowed when it
/// was made. The owner stays; what was noted about the version before is inherited.
pub(super) fn draft(tx: &mut Tx<'_>, actor: &Actor, managed: &Managed, now: i64) -> Result<Option<EnrolmentDraft>> {
    let IssuedBy::Private { authority, template, pattern, subject, days } = &managed.by else { return Ok(None) };
    let under = pattern.as_ref().map_or(Under::Template(*template), |(id, _)| Under::Pattern(*id));
    let request = EnrolmentRequest {
        under,
        authority: enrolment::authority_for(tx, under, authority.0)?,
        key: match (managed.current, order::shared_key(tx, managed)?) {
            (Some(before), Some(_)) => KeySource::Held(before),
            _ => KeySource::Made(Some(managed.key_kind)),
        },
        subject: subject.clone(),
        names: managed.names.iter().map(|name| enrolment::general_name(name)).collect::<Result<_, _>>()?,
        days: *days,
        owner: managed.owner.as_ref().map(|(role, _)| *role),
        metadata: noted(tx, managed.id)?,
        delivered: false,
        renews: None,
    };
    let version = Version { lineage: Some(managed.id), before: managed.current, owner_stays: OwnerStays::Yes };
    let draft = private_ca::draft_version(tx, actor, &request, version, now)?;
    require_longer_life(tx, managed, &draft)?;
    Ok(Some(draft))
}

/// Near the end of its authority a version would end with the one before it, and be renewed ever more often for nothing.
fn require_longer_life(tx: &mut Tx<'_>, managed: &Managed, draft: &EnrolmentDraft) -> Result<()> {
    let (Some((authority, end)), Some(before), Some(current)) = (draft.ends_with_authority(), managed.not_after, managed.current)
    else {
        return Ok(());
    };
    let sql = "SELECT revoked_at FROM certificate WHERE id = $1";
    let revoked: Option<Option<i64>> = tx.one(sql, params![current], |row| row.get(0))?;
    if end > before || revoked.flatten().is_some() {
        return Ok(());
    }
    let why = format!(
        "the authority {authority:?} ends at {}, and so does the version in service: let another authority issue",
        text::utc(end)
    );
    Err(Refusal::Conflict(why).into())
}

fn noted(tx: &mut Tx<'_>, id: LineageId) -> Result<Vec<Change>> {
    let kept: Option<Option<String>> = tx.one("SELECT noted FROM lineage WHERE id = $1", params![id], |row| row.get(0))?;
    let Some(kept) = kept.flatten() else { return Ok(Vec::new()) };
    let noted: BTreeMap<String, String> = serde_json::from_str(&kept)
        .map_err(|error| Error::damaged(format!("what is noted of managed certificate {id}: {error}")))?;
    Ok(noted.into_iter().map(|(field, value)| Change::new(field, value)).collect())
}
