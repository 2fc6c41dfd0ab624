//! Identities that follow a managed certificate: each version that is obtained becomes the identity's next one.

use certhold_store::{Tx, params};

use super::entry::{self, Kind as EntryKind, Named};
use super::{assign, import};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::enrolment::{self, AskedKey, Kind, Under};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, DnsProviderId, IssuerId, LineageId};
use crate::inventory;
use crate::private_ca::{self, Profile};
use crate::renewal::managed::{self, Managed, NewManaged};
use crate::renewal::{AcmePlan, IssueBy, IssuedBy, KeyKind, PrivatePlan};
use crate::text;

/// Have an identity renewed.
#[derive(Clone, Debug)]
pub struct RenewBy {
    /// The entry's identifier.
    pub handle: String,
    /// By whom.
    pub by: RenewedBy,
}

/// By whom an identity is renewed: the parts by their names.
#[derive(Clone, Debug)]
pub enum RenewedBy {
    /// An authority that is asked over ACME.
    Acme {
        /// The name of the issuer; empty for the one that an identity is renewed by already.
        issuer: String,
        /// The name of the DNS provider; empty likewise.
        dns_provider: String,
    },
    /// A private authority.
    Private {
        /// Its name; as the pattern says, or the only one that issues here, when `None`.
        authority: Option<String>,
        /// The name of the enrolment pattern; the template's default when `None`.
        pattern: Option<String>,
        /// The name of the template, where no pattern is named; servers when `None`.
        template: Option<String>,
    },
}

impl RenewedBy {
    /// From the parts that a request names; empty or `None` where it does not. Refuses the parts of both kinds at once.
    pub fn of(
        (issuer, dns_provider): (String, String),
        (authority, pattern, template): (Option<String>, Option<String>, Option<String>),
    ) -> Result<RenewedBy, Refusal> {
        if authority.is_none() && pattern.is_none() && template.is_none() {
            return Ok(RenewedBy::Acme { issuer, dns_provider });
        }
        if issuer.is_empty() && dns_provider.is_empty() {
            return Ok(RenewedBy::Private { authority, pattern, template });
        }
        let why =
            "name an issuer and its DNS provider, or a private authority with its pattern or template: one issues, not both";
        Err(Refusal::invalid("issuer", why))
    }
}

/// Whether and how an identity is renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Whether it follows a managed certificate that is not paused.
    pub is_renewed: bool,
    /// That managed certificate, for whoever may see it.
    pub managed: Option<Managed>,
}

/// Has an identity renewed by the renewal engine: its certificate becomes the first version of a managed certificate of the same name,
/// which the identity follows. If it is the present version of one already, the identity follows that. One that was
/// paused goes on. Needs the rights over entries and over managed certificates.
pub fn follow_managed(tx: &mut Tx<'_>, actor: &Actor, command: &RenewBy, now: i64) -> Result<LineageId> {
    entry::require_modify(tx, actor)?;
    access::require_path(tx, actor, paths::RENEWAL_MODIFY)?;
    let known = entry::find(tx, EntryKind::Identity, &command.handle)?;
    if let Some(lineage) = known.lineage {
        let managed = managed::find(tx, lineage)?;
        require_same(&managed, command)?;
        require_names(tx, &managed, &known)?;
        managed::set_paused(tx, actor, lineage, false, now)?;
        return Ok(lineage);
    }
    if let Some(lineage) = managed_already(tx, known.certificate)? {
        require_same(&managed::find(tx, lineage)?, command)?;
        managed::set_paused(tx, actor, lineage, false, now)?;
        return begin(tx, actor, &known, lineage, now);
    }
    let by = match &command.by {
        RenewedBy::Acme { issuer, dns_provider } => acme(tx, issuer, dns_provider)?,
        RenewedBy::Private { authority, pattern, template } => {
            private(tx, actor, authority.as_deref(), pattern.as_deref(), template.as_deref())?
        }
    };
    let new = NewManaged {
        name: known.name.clone(),
        names: Vec::new(),
        by,
        key_kind: Some(key_kind(tx, known.certificate)?),
        reuse_key: false,
        owner: None,
        adopt: Some(known.certificate),
    };
    let lineage = managed::create(tx, actor, &new, now)?;
    begin(tx, actor, &known, lineage, now)
}

/// The managed certificate whose present version a certificate is.
fn managed_already(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Option<LineageId>> {
    let found: Option<i64> = tx.one("SELECT id FROM lineage WHERE current = $1", params![certificate], |row| row.get(0))?;
    Ok(found.map(LineageId))
}

fn begin(tx: &mut Tx<'_>, actor: &Actor, known: &Named, lineage: LineageId, now: i64) -> Result<LineageId> {
    tx.execute("UPDATE named_certificate SET lineage = $1 WHERE id = $2", params![lineage, known.id])?;
    let object = Object::new("named_certificate", known.id.0, &known.name);
    let (before, after) = (serde_json::json!({ "managed": null }), serde_json::json!({ "managed": lineage }));
    events::append(tx, actor, now, NewEvent::changed(names::NAMED_CHANGED, object, before, after))?;
    Ok(lineage)
}

fn acme(tx: &mut Tx<'_>, issuer: &str, dns_provider: &str) -> Result<IssueBy> {
    let unknown = |what: &str, name: &str| format!("there is no {what} named {name:?}");
    let found: Option<i64> = tx.one("SELECT id FROM issuer WHERE folded = $1", params![text::fold(issuer)], |row| row.get(0))?;
    let issuer = IssuerId(found.ok_or_else(|| Refusal::invalid("issuer", unknown("issuer", issuer)))?);
    let found: Option<i64> =
        tx.one("SELECT id FROM dns_provider WHERE folded = $1", params![text::fold(dns_provider)], |row| row.get(0))?;
    let found = found.ok_or_else(|| Refusal::invalid("dns_provider", unknown("DNS provider", dns_provider)))?;
    Ok(IssueBy::Acme(AcmePlan { issuer, dns_provider: DnsProviderId(found), profile: None }))
}

fn private(
    tx: &mut Tx<'_>,
    actor: &Actor,
    authority: Option<&str>,
    pattern: Option<&str>,
    template: Option<&str>,
) -> Result<IssueBy> {
    let authority = private_ca::for_enrolment(tx, actor, authority, true)?;
    let under = match pattern {
        Some(name) => Under::Pattern(enrolment::usable_by_name(tx, actor, Kind::Pfx, name)?),
        None => Under::Template(Profile::parse(template.unwrap_or(Profile::Server.name()))?),
    };
    Ok(IssueBy::Private(PrivatePlan { under, authority, subject: None, days: None, metadata: Vec::new() }))
}

/// Refuses to go on with the renewal of an identity that was given a certificate with other names meanwhile: the next version would
/// have those of before.
fn require_names(tx: &mut Tx<'_>, managed: &Managed, known: &Named) -> Result<()> {
    if managed.current == Some(known.certificate) {
        return Ok(());
    }
    let held = inventory::fetch(tx, known.certificate)?.summary.names;
    let held: Vec<String> = held.iter().filter_map(|name| certhold_pki::normalise_dns_name(name).ok()).collect();
    let same = |one: &[String], other: &[String]| one.iter().all(|name| other.contains(name));
    if same(&held, &managed.names) && same(&managed.names, &held) {
        return Ok(());
    }
    let why = format!(
        "{:?} stands for a certificate for {} by now, but the managed certificate {:?} renews one for {}: remove that one first, or \
         replace the identity by a certificate for its names",
        known.name,
        held.join(", "),
        managed.name,
        managed.names.join(", ")
    );
    Err(Refusal::Conflict(why).into())
}

/// The kind of key that a certificate has, for the versions after it; of a kind that is not made here, P-256.
fn key_kind(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<KeyKind> {
    let certificate = inventory::fetch(tx, certificate)?.summary;
    let bits = certificate.key_bits.and_then(|bits| u32::try_from(bits).ok());
    let key = AskedKey { algorithm: &certificate.key_algorithm, bits, curve: certificate.key_curve.as_deref() };
    Ok(key.kind().unwrap_or(KeyKind::P256))
}

/// Refuses another way than the one by which an identity is renewed. Whoever names none means that one.
fn require_same(managed: &Managed, command: &RenewBy) -> Result<(), Refusal> {
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = match (&command.by, &managed.by) {
        (RenewedBy::Acme { issuer, dns_provider }, _) if issuer.is_empty() && dns_provider.is_empty() => return Ok(()),
        (RenewedBy::Acme { issuer, dns_provider }, IssuedBy::Acme { issuer: (_, by), dns_provider: (_, through), .. }) => {
            vec![("issuer", issuer.clone(), by.as_str()), ("dns_provider", dns_provider.clone(), through.as_str())]
        }
        (
            RenewedBy::Private { authority, pattern, template },
            IssuedBy::Private { authority: (_, by), pattern: ruled, template: profile, .. },
        ) => {
            let ruled = ruled.as_ref().map_or("", |(_, name)| name.as_str());
            vec![
                ("authority", own(authority), by.as_str()),
                ("pattern", own(pattern), ruled),
                ("template", own(template), profile.name()),
            ]
        }
        (RenewedBy::Acme { .. }, by) => return Err(other_way("issuer", by.name(), managed)),
        (RenewedBy::Private { .. }, by) => return Err(other_way("authority", by.name(), managed)),
    };
    let other = parts.into_iter().find(|(_, asked, now)| !asked.is_empty() && text::fold(asked) != text::fold(now));
    other.map_or(Ok(()), |(field, _, now)| Err(other_way(field, now, managed)))
}

fn other_way(field: &'static str, now: &str, managed: &Managed) -> Refusal {
    let why = format!(
        "it is renewed by way of {now:?}: leave this out, or remove the managed certificate {:?} before another way is taken",
        managed.name
    );
    Refusal::invalid(field, why)
}

/// Pauses the renewal of an identity.
pub fn pause_renewal(tx: &mut Tx<'_>, actor: &Actor, handle: &str, now: i64) -> Result<()> {
    entry::require_modify(tx, actor)?;
    match entry::find(tx, EntryKind::Identity, handle)?.lineage {
        Some(lineage) => managed::set_paused(tx, actor, lineage, true, now),
        None => Ok(()),
    }
}

/// Whether and how an identity is renewed.
pub fn renewal(tx: &mut Tx<'_>, actor: &Actor, handle: &str) -> Result<Renewal> {
    let known = entry::get(tx, actor, EntryKind::Identity, handle)?;
    // Whoever may not see managed certificates learns only that it is one.
    let sees = access::allows(tx, actor, paths::RENEWAL_READ)?;
    let managed = known.lineage.map(|lineage| managed::find(tx, lineage)).transpose()?;
    let is_renewed = managed.as_ref().is_some_and(|managed| !managed.paused);
    Ok(Renewal { is_renewed, managed: managed.filter(|_| sees) })
}

/// A managed certificate has another version: the identities that follow it stand for that now. One that is presented where the new
/// certificate is not fit keeps what it stands for, and the log says why: a renewal neither fails for that nor breaks a listener.
pub(crate) fn follow(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId, certificate: CertificateId, now: i64) -> Result<()> {
    let sql = format!("{} WHERE named_certificate.lineage = $1 ORDER BY named_certificate.id", entry::SELECT);
    for known in tx.rows(&sql, params![lineage], entry::read)? {
        match assign::require_fit_where_assigned(tx, &known, certificate, now) {
            Ok(()) => import::stand_for(tx, actor, &known, certificate, now)?,
            Err(Error::Refused(unfit)) => {
                let payload = serde_json::json!({ "certificate": certificate, "reason": unfit.to_string() });
                let object = Object::new("named_certificate", known.id.0, &known.name);
                events::append(tx, actor, now, NewEvent::new(names::NAMED_KEPT, object, payload))?;
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// A managed certificate is removed: the identities that followed it keep what they stand for.
pub(crate) fn forget_lineage(tx: &mut Tx<'_>, lineage: LineageId) -> Result<()> {
    tx.execute("UPDATE named_certificate SET lineage = NULL WHERE lineage = $1", params![lineage])?;
    Ok(())
}
