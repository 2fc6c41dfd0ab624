//! Issuing to somebody: for a signing request, or for a key that is made here.

use certhold_pki::issue::{DistinguishedName, Extensions, GeneralName, Template, key_identifier};
use certhold_pki::{CsrFacts, PrivateKey, verify_request};
use certhold_store::{Tx, params};
use serde_json::json;

use super::authority::{self, BACKDATED_MS, Issuing, SOURCE, candidate};
use super::sign::Hands;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::custody::{self, Origin, SealedKey, SealedRow};
use crate::enrolment::{self, AskedKey, GivenKey, Kind, OwnerStays, Terms, Under};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{AuthorityId, CertificateId, LineageId, RoleId};
use crate::inventory::{self, Candidate};
use crate::renewal::KeyKind;
use crate::{metadata, query, text};

const DAY_MS: i64 = 86_400_000;

/// For which key.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The key of a signing request, DER; its holder proved to have it.
    Request(Vec<u8>),
    /// One that is made here and stays in custody; the first that the pattern allows when `None`.
    Made(Option<KeyKind>),
    /// That of the version before, which is in custody: for the next version of a managed certificate.
    Held(CertificateId),
}

impl KeySource {
    fn kind(&self) -> Kind {
        match self {
            KeySource::Request(_) => Kind::Csr,
            KeySource::Made(_) | KeySource::Held(_) => Kind::Pfx,
        }
    }
}

/// Issue a certificate.
#[derive(Clone, Debug)]
pub struct EnrolmentRequest {
    /// By which rules.
    pub under: Under,
    /// Who signs; of the pattern, or the only one that issues here, when `None`.
    pub authority: Option<AuthorityId>,
    /// Whose key.
    pub key: KeySource,
    /// Whom it is for, as people write it; of a signing request its own when `None`.
    pub subject: Option<String>,
    /// The names it is for; of a signing request its own when empty.
    pub names: Vec<GeneralName>,
    /// Its life; that of the pattern or template when `None`. It ends with its authority at the latest.
    pub days: Option<i64>,
    /// The owner role; that of the pattern, or of what is renewed, when `None`.
    pub owner: Option<RoleId>,
    /// What is noted about it.
    pub metadata: Vec<metadata::Change>,
    /// Whether a key that is made here is given to whoever asked, encrypted, besides staying in custody.
    pub delivered: bool,
    /// The certificate that it renews, and where the caller may read that.
    pub renews: Option<(CertificateId, Scope)>,
}

/// Which version of a managed certificate is issued.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The managed certificate; not yet while it is only checked whether there could be one.
    pub lineage: Option<LineageId>,
    /// The version before, whose notes it inherits.
    pub before: Option<CertificateId>,
    /// Whether the owner of the request is the one that the managed certificate has.
    pub owner_stays: OwnerStays,
}

/// An issue that is allowed, to be signed outside of transactions.
#[derive(Clone)]
pub struct EnrolmentDraft {
    request: EnrolmentRequest,
    version: Option<Version>,
    terms: Terms,
    issuing: Issuing,
    given: Option<Given>,
    not_after: i64,
}

impl EnrolmentDraft {
    /// What was decided.
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The end of the authority, where the certificate ends with it: before its own time.
    pub(crate) fn ends_with_authority(&self) -> Option<(&str, i64)> {
        (self.not_after == self.issuing.not_after).then_some((self.issuing.name.as_str(), self.not_after))
    }
}

/// A key that is there already.
#[derive(Clone)]
struct Given {
    algorithm: String,
    bits: Option<u32>,
    curve: Option<String>,
    spki_sha256: [u8; 32],
    /// Of a signing request, whose holder has the key.
    spki_der: Vec<u8>,
    /// In custody.
    held: Option<SealedRow>,
}

impl Given {
    fn of_request(csr: &CsrFacts) -> Given {
        Given {
            algorithm: csr.key_algorithm.clone(),
            bits: csr.key_bits,
            curve: csr.key_curve.clone(),
            spki_sha256: csr.spki_sha256,
            spki_der: csr.spki_der.clone(),
            held: None,
        }
    }

    /// The key of a certificate, from custody.
    fn of_certificate(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<Given> {
        let sql = "SELECT spki_sha256, key_algorithm, key_bits, key_curve FROM certificate WHERE id = $1";
        let found = tx.one(sql, params![certificate], |row| {
            let bits = row.get::<Option<i64>>(2)?.and_then(|bits| u32::try_from(bits).ok());
            Ok(Given {
                spki_sha256: row.get(0)?,
                algorithm: row.get(1)?,
                bits,
                curve: row.get(3)?,
                spki_der: Vec::new(),
                held: None,
            })
        })?;
        let given = found.ok_or_else(|| Refusal::not_found("certificate", certificate))?;
        let key = custody::find_by_spki(tx, &given.spki_sha256)?;
        let key = key.ok_or_else(|| {
            Refusal::Conflict("the key that the versions share is not in custody: let each version have a new key".into())
        })?;
        Ok(Given { held: Some(custody::load_private_key(tx, key.id)?), ..given })
    }

    fn key(&self) -> AskedKey<'_> {
        AskedKey { algorithm: &self.algorithm, bits: self.bits, curve: self.curve.as_deref() }
    }

    fn require_strong(&self) -> Result<(), Refusal> {
        authority::require_strong(&self.algorithm, self.bits, self.curve.as_deref())
    }
}

/// Refuses whoever may enrol in neither way.
pub fn require_may_enrol(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require(tx, actor, &access::Need::system(paths::ENROLLMENT_CSR).or_system(paths::ENROLLMENT_PFX))
}

/// The authority of this name, for whoever may enrol: with a key that is `made` here, or for a signing request.
pub fn for_enrolment(tx: &mut Tx<'_>, actor: &Actor, name: Option<&str>, made: bool) -> Result<Option<AuthorityId>> {
    access::require_path(tx, actor, if made { paths::ENROLLMENT_PFX } else { paths::ENROLLMENT_CSR })?;
    let Some(name) = name else { return Ok(None) };
    let found: Option<i64> =
        tx.one("SELECT id FROM private_ca WHERE folded = $1", params![text::fold(name)], |row| row.get(0))?;
    found.map(|id| Some(AuthorityId(id))).ok_or_else(|| Refusal::not_found("private authority", format!("{name:?}")).into())
}

/// The authorities that issue now, by name, for whoever may enrol: a form offers them.
pub fn issuing_authorities(tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<Vec<(AuthorityId, String)>> {
    require_may_enrol(tx, actor)?;
    let sql = "SELECT private_ca.id, private_ca.name FROM private_ca JOIN certificate ON certificate.id = private_ca.certificate \
               WHERE private_ca.active = $1 AND certificate.not_after > $2 ORDER BY private_ca.folded";
    Ok(tx.rows(sql, params![true, now], |row| Ok((AuthorityId(row.get(0)?), row.get(1)?)))?)
}

/// The only authority that issues and has none below it.
pub(crate) fn only_authority(tx: &mut Tx<'_>) -> Result<AuthorityId> {
    let issuing = tx.rows(
        "SELECT id FROM private_ca WHERE active = $1 AND NOT EXISTS (SELECT 1 FROM private_ca AS below WHERE below.parent = private_ca.id) LIMIT 2",
        params![true],
        |row| row.get::<i64>(0),
    )?;
    match issuing.as_slice() {
        [only] => Ok(AuthorityId(*only)),
        [] => Err(Refusal::Conflict("no private authority issues here: make one first".into()).into()),
        _ => Err(Refusal::invalid("authority", "several private authorities issue here: name one").into()),
    }
}

/// What a request says, read: the key that it is for, its subject, the names asked for.
struct Read {
    given: Option<Given>,
    subject: DistinguishedName,
    names: Vec<GeneralName>,
}

/// A subject that people and programs read alike: one common name, and no characters that end a text for some of them.
fn require_plain(subject: &DistinguishedName) -> Result<(), Refusal> {
    let parts = subject.parts();
    if parts.iter().any(|(_, value)| value.chars().any(char::is_control)) {
        return Err(Refusal::invalid("subject", "the subject holds control characters: leave them out"));
    }
    if parts.iter().filter(|(keyword, _)| keyword == "CN").count() > 1 {
        return Err(Refusal::invalid(
            "subject",
            "the subject has more than one common name (CN): keep one, and name the others as alternative names",
        ));
    }
    Ok(())
}

impl EnrolmentRequest {
    /// Reads what is asked for; the signing request is not verified.
    fn read(&self, tx: &mut Tx<'_>) -> Result<Read> {
        let csr = match &self.key {
            KeySource::Request(der) => Some(CsrFacts::of(der).map_err(|error| Refusal::invalid("csr", error.to_string()))?),
            KeySource::Made(_) | KeySource::Held(_) => None,
        };
        let subject = match (&self.subject, &self.key) {
            (Some(given), _) => {
                DistinguishedName::parse(given).map_err(|error| Refusal::invalid("subject", error.to_string()))?
            }
            (None, KeySource::Request(der)) => certhold_pki::issue::subject_of_request(der).unwrap_or_default(),
            (None, KeySource::Made(_) | KeySource::Held(_)) => DistinguishedName::default(),
        };
        require_plain(&subject)?;
        let mut names = self.names.clone();
        if let (true, Some(csr)) = (names.is_empty(), &csr) {
            for name in &csr.names {
                names.push(GeneralName::of(name).map_err(|error| Refusal::invalid("names", error.to_string()))?);
            }
        }
        let given = match &self.key {
            KeySource::Held(certificate) => Some(Given::of_certificate(tx, *certificate)?),
            KeySource::Request(_) | KeySource::Made(_) => csr.as_ref().map(Given::of_request),
        };
        Ok(Read { given, subject, names })
    }

    fn terms(&self, tx: &mut Tx<'_>, actor: &Actor, read: &Read, version: Option<&Version>) -> Result<Terms> {
        let key = match self.key {
            KeySource::Made(kind) => kind,
            KeySource::Request(_) | KeySource::Held(_) => None,
        };
        let request = enrolment::Request {
            under: self.under,
            kind: self.key.kind(),
            authority: self.authority,
            subject: &read.subject,
            names: &read.names,
            given: read.given.as_ref().map(|given| GivenKey { key: given.key(), spki_sha256: &given.spki_sha256 }),
            key,
            days: self.days,
            owner: self.owner,
            owner_stays: version.map_or(OwnerStays::No, |version| version.owner_stays),
            renews: self.renews,
        };
        enrolment::terms(tx, actor, &request)
    }
}

fn issuing(tx: &mut Tx<'_>, terms: &Terms, now: i64) -> Result<Issuing> {
    let authority = terms.authority.ok_or_else(|| Error::damaged("terms of an enrolment name no authority"))?;
    authority::issuing(tx, authority, now)
}

/// Refuses who may not, before anything that they sent is looked at.
fn require_right(tx: &mut Tx<'_>, actor: &Actor, key: &KeySource) -> Result<()> {
    access::require_path(
        tx,
        actor,
        match key {
            KeySource::Request(_) => paths::ENROLLMENT_CSR,
            KeySource::Made(_) | KeySource::Held(_) => paths::ENROLLMENT_PFX,
        },
    )
}

/// Checks what is asked for, and who asks. The signing request is read and verified here, so call it on a blocking thread or in a
/// read transaction of its own.
pub fn draft_enrolment(tx: &mut Tx<'_>, actor: &Actor, request: &EnrolmentRequest, now: i64) -> Result<EnrolmentDraft> {
    if let KeySource::Held(_) = request.key {
        return Err(Refusal::invalid("key", "only versions of a managed certificate share a key").into());
    }
    drafted(tx, actor, request, None, now)
}

/// As [`draft_enrolment`], for a version of a managed certificate.
pub(crate) fn draft_version(
    tx: &mut Tx<'_>,
    actor: &Actor,
    request: &EnrolmentRequest,
    version: Version,
    now: i64,
) -> Result<EnrolmentDraft> {
    drafted(tx, actor, request, Some(version), now)
}

fn drafted(
    tx: &mut Tx<'_>,
    actor: &Actor,
    request: &EnrolmentRequest,
    version: Option<Version>,
    now: i64,
) -> Result<EnrolmentDraft> {
    require_right(tx, actor, &request.key)?;
    let read = request.read(tx)?;
    if let KeySource::Request(der) = &request.key {
        let wrong = |error| Refusal::invalid("csr", format!("the request does not prove that its key is held: {error}"));
        verify_request(der).map_err(wrong)?;
    }
    read.given.as_ref().map_or(Ok(()), Given::require_strong)?;
    let terms = request.terms(tx, actor, &read, version.as_ref())?;
    // Asked for again when it is recorded; refused here before a key is used. A next version inherits what is noted: where it is the
    // next one of another's certificate, or for other names, that is what somebody who enrols would have to give.
    match version.as_ref().and_then(|version| Some((version.before?, version.owner_stays))) {
        None => drop(metadata::initial_under(tx, &request.metadata, &terms.fields, true)?),
        Some((before, OwnerStays::SameNames(_))) if !enrolment::renews_same(tx, before, &terms)? => {
            metadata::require_held(tx, before, &terms.fields)?;
        }
        Some(_) => {}
    }
    let issuing = issuing(tx, &terms, now)?;
    for bounds in &issuing.bounds {
        let constraints = bounds.constraints()?;
        if let Some(outside) = terms.names.iter().find(|name| !constraints.allow(name)) {
            let why =
                format!("the authority {:?} may not issue for the {} name {}", issuing.name, outside.kind(), outside.value());
            return Err(Refusal::invalid("names", why).into());
        }
    }
    let not_after = (now + terms.days * DAY_MS - 1_000).min(issuing.not_after);
    Ok(EnrolmentDraft { request: request.clone(), version, terms, issuing, given: read.given, not_after })
}

/// A certificate that is signed, to be recorded.
#[derive(Clone)]
pub struct SignedEnrolment {
    request: EnrolmentRequest,
    version: Option<Version>,
    terms: Terms,
    certificate: Candidate,
    chain: Vec<Candidate>,
    key: Option<SealedKey>,
    delivered: Option<PrivateKey>,
}

impl SignedEnrolment {
    /// The certificate.
    pub(crate) fn certificate(&self) -> &Candidate {
        &self.certificate
    }

    /// What was decided.
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Which version it is, if it is one.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// The key that was made, where it is to be delivered, with its certificate and those above it, DER: to be written to a file that
    /// is handed out only after the enrolment is recorded.
    pub fn delivery(&self) -> Option<(&PrivateKey, Vec<&[u8]>)> {
        let chain = std::iter::once(&self.certificate).chain(&self.chain).map(Candidate::der).collect();
        self.delivered.as_ref().map(|key| (key, chain))
    }
}

/// What was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The certificate.
    pub certificate: CertificateId,
    /// It and those above it, DER, the leaf first.
    pub chain: Vec<Vec<u8>>,
}

impl EnrolmentDraft {
    /// Makes the key, where one is asked for, and signs the certificate.
    pub fn sign(self, hands: Hands<'_>, now: i64) -> Result<SignedEnrolment> {
        let made = match &self.request.key {
            KeySource::Made(_) => Some(hands.keys.key(self.terms.key).map_err(|why| Refusal::invalid("key_kind", why))?),
            KeySource::Request(_) | KeySource::Held(_) => None,
        };
        if let Some(key) = &made {
            authority::require_strong_key(key)?;
        }
        let held = self.held_key(hands)?;
        let template = self.template(hands, made.as_ref().or(held.as_ref()), now)?;
        let der = hands.certificate(&template, &hands.open(&self.issuing.key)?, Some(self.issuing.certificate()))?;
        let key = made.as_ref().map(|key| SealedKey::seal(hands.custody, hands.entropy, key)).transpose()?;
        let delivered = made.filter(|_| self.request.delivered);
        let chain = self.issuing.chain.iter().map(|der| candidate(der)).collect::<Result<_>>()?;
        let certificate = candidate(&der)?;
        Ok(SignedEnrolment {
            request: self.request,
            version: self.version,
            terms: self.terms,
            certificate,
            chain,
            key,
            delivered,
        })
    }

    fn held_key(&self, hands: Hands<'_>) -> Result<Option<PrivateKey>> {
        let Some((given, row)) = self.given.as_ref().and_then(|given| Some((given, given.held.as_ref()?))) else {
            return Ok(None);
        };
        let key = hands.open(row)?;
        if key.spki_sha256() != given.spki_sha256 {
            return Err(Error::damaged("the key in custody is not the key of its certificate"));
        }
        Ok(Some(key))
    }

    fn template(&self, hands: Hands<'_>, made: Option<&PrivateKey>, now: i64) -> Result<Template> {
        let (public_key, algorithm) = match (made, &self.given) {
            (Some(key), _) => (key.spki_der().to_vec(), key.algorithm().to_owned()),
            (None, Some(given)) => (given.spki_der.clone(), given.algorithm.clone()),
            (None, None) => return Err(Error::damaged("an enrolment has neither key nor request")),
        };
        let profile = self.terms.template;
        Ok(Template {
            serial: hands.serial(),
            issuer: self.issuing.subject.clone(),
            subject: self.terms.subject.clone(),
            not_before: now - BACKDATED_MS,
            not_after: self.not_after,
            extensions: Extensions {
                key_usages: profile.key_usages(algorithm == "RSA", algorithm == "EC"),
                extended_usages: profile.extended_usages(),
                names: self.terms.names.clone(),
                subject_key_id: key_identifier(&public_key),
                authority_key_id: self.issuing.key_id()?,
                revocation_list_urls: self.issuing.list_urls(),
                issuer_urls: self.issuing.issuer_urls(),
                ..Extensions::default()
            },
            public_key,
        })
    }
}

/// Whether what was decided when this was drafted would be decided now.
pub(crate) fn as_drafted(tx: &mut Tx<'_>, actor: &Actor, signed: &SignedEnrolment) -> Result<bool> {
    let read = signed.request.read(tx)?;
    Ok(signed.request.terms(tx, actor, &read, signed.version.as_ref())? == signed.terms)
}

/// Before a certificate is removed: what renewed it stays.
pub(crate) fn forget_renewed(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<()> {
    tx.execute("UPDATE issued_certificate SET renews = NULL WHERE renews = $1", params![certificate])?;
    Ok(())
}

/// Records a certificate that was signed: from now on it is issued.
pub fn enrol(tx: &mut Tx<'_>, actor: &Actor, signed: &SignedEnrolment, now: i64) -> Result<Enrolled> {
    let (request, terms) = (&signed.request, &signed.terms);
    require_right(tx, actor, &request.key)?;
    // The rules as they are now, not as they were when it was drafted.
    if !as_drafted(tx, actor, signed)? {
        let message = "what this enrolment depends on was changed in the meantime: ask once more";
        return Err(Refusal::Conflict(message.into()).into());
    }
    let issuing = issuing(tx, terms, now)?;
    let before = signed.version.as_ref().and_then(|version| version.before);
    let initial = match before {
        Some(_) => metadata::initial(tx, &[], false)?,
        None => metadata::initial_under(tx, &request.metadata, &terms.fields, true)?,
    };
    let (certificate, new) = inventory::insert(tx, &signed.certificate, terms.owner, SOURCE, now)?;
    if !new {
        return Err(Error::damaged("a certificate that was just signed is held already"));
    }
    custody::answer_key_requests(tx, actor, &[(certificate, signed.certificate.spki_sha256())])?;
    match before {
        Some(before) => metadata::inherit(tx, before, certificate)?,
        None => metadata::put_initial(tx, &[certificate], &initial)?,
    }
    let (pattern, renews) = (terms.pattern.as_ref().map(|(id, _)| *id), request.renews.map(|(id, _)| id).or(before));
    tx.execute(
        "INSERT INTO issued_certificate (certificate, private_ca, profile, pattern, renews, requester, requester_folded) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![certificate, issuing.id, terms.template.name(), pattern, renews, &actor.name, query::fold(&actor.name)],
    )?;
    let object = Object::new("certificate", certificate.0, signed.certificate.title());
    let mut payload = json!({
        "authority": issuing.id, "authority_name": issuing.name, "profile": terms.template.name(),
        "sha256": text::hex(signed.certificate.sha256()), "not_after": signed.certificate.not_after(), "owner_role": terms.owner,
        "key_made_here": signed.key.is_some(),
    });
    if let Some((id, name)) = &terms.pattern {
        payload["pattern"] = id.0.into();
        payload["pattern_name"] = name.as_str().into();
    }
    if let Some(renews) = renews {
        payload["renews"] = renews.0.into();
    }
    if let Some(noted) = initial.described().filter(|_| before.is_none()) {
        payload["metadata"] = noted;
    }
    if let Some(lineage) = signed.version.as_ref().and_then(|version| version.lineage) {
        payload["managed"] = lineage.0.into();
    }
    events::append(tx, actor, now, NewEvent::new(names::CERTIFICATE_ISSUED, object, payload))?;
    if let Some(key) = &signed.key {
        let (id, _) = custody::put_private_key(tx, key, Origin::Generated, now)?;
        let payload = json!({ "private_key": id, "algorithm": key.algorithm, "bits": key.bits });
        events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_GENERATED, object, payload))?;
        if request.delivered {
            let payload = json!({ "reason": "delivered to whoever enrolled", "format": "file", "encrypted": true,
                "sha256": text::hex(signed.certificate.sha256()), "public_key_sha256": text::hex(&key.spki_sha256) });
            events::append(tx, actor, now, NewEvent::new(names::PRIVATE_KEY_EXPORTED, object, payload))?;
        }
    }
    inventory::link_chain(tx, actor, certificate, &signed.chain, now)?;
    let chain = std::iter::once(&signed.certificate).chain(&signed.chain).map(|one| one.der().to_vec()).collect();
    Ok(Enrolled { certificate, chain })
}
