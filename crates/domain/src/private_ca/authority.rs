//! Authorities: made under a new key, retired, never silently gone.

use certhold_pki::issue::{DistinguishedName, Extensions, KeyUsages, NameConstraints, Subtree, Template, key_identifier};
use certhold_pki::{Facts, PrivateKey};
use certhold_store::{Row, Tx, Value, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::profile::Profile;
use super::sign::Hands;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::custody::{self, Origin, SealedKey, SealedRow};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{AuthorityId, CertificateId, PatternId, PrivateKeyId};
use crate::inventory::{self, Candidate};
use crate::jobs::{self, JobKind};
use crate::renewal::KeyKind;
use crate::{limits, metadata, text};

const DAY_MS: i64 = 86_400_000;
/// New certificates begin in the past, for machines whose clocks are behind.
pub(super) const BACKDATED_MS: i64 = 5 * 60_000;
/// Authorities one above the other.
const DEPTH_MAX: usize = 8;
/// An authority lives so many days at most.
const LIFE_DAYS_MAX: i64 = 366 * 30;
/// Parts of name spaces that one authority is bound to.
const SUBTREES_MAX: usize = 100;

/// What certificates below an authority may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// With how many authorities below it at most; `None`: any number.
    #[serde(default)]
    pub path_length: Option<u8>,
    /// Only names within these: `example.org`, `192.0.2.0/24`, `@example.org`.
    #[serde(default)]
    pub permitted: Vec<String>,
    /// No names within these.
    #[serde(default)]
    pub excluded: Vec<String>,
}

impl Bounds {
    pub(super) fn constraints(&self) -> Result<NameConstraints, Refusal> {
        if self.permitted.len() + self.excluded.len() > SUBTREES_MAX {
            return Err(Refusal::invalid("permitted", format!("at most {SUBTREES_MAX} parts of name spaces")));
        }
        let parse = |field, texts: &[String]| {
            texts
                .iter()
                .map(|text| Subtree::parse(text).map_err(|why| Refusal::invalid(field, why)))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(NameConstraints { permitted: parse("permitted", &self.permitted)?, excluded: parse("excluded", &self.excluded)? })
    }
}

/// The revocation list that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// Grows with every list.
    pub number: i64,
    /// Unix milliseconds.
    pub from: i64,
    /// Unix milliseconds: the next one comes before.
    pub until: i64,
}

/// An authority as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its handle.
    pub id: AuthorityId,
    /// Unique without regard to case.
    pub name: String,
    /// Its certificate.
    pub certificate: CertificateId,
    /// Its name, RFC 4514.
    pub subject: String,
    /// End of its validity, unix milliseconds.
    pub not_after: i64,
    /// Algorithm with size or curve of its key.
    pub key: String,
    /// Who signed it, unless it did itself.
    pub parent: Option<AuthorityId>,
    /// What certificates below it may be.
    pub bounds: Bounds,
    /// Where its list and certificate are published; empty: nowhere.
    pub base_url: String,
    /// How many days a revocation list holds.
    pub list_days: i64,
    /// Whether it issues; a retired one only publishes its list.
    pub active: bool,
    /// The revocation list that stands, once there is one.
    pub list: Option<ListState>,
    /// How many certificates it issued.
    pub issued: i64,
    /// When it was made, unix milliseconds.
    pub created_at: i64,
}

const COLUMNS: &str = "private_ca.id, private_ca.name, private_ca.certificate, certificate.subject, certificate.not_after, \
    certificate.key_algorithm, certificate.key_curve, certificate.key_bits, private_ca.parent, private_ca.limits, private_ca.base_url, \
    private_ca.list_days, private_ca.active, private_ca.list_number, private_ca.list_from, private_ca.list_until, \
    (SELECT count(*) FROM issued_certificate WHERE issued_certificate.private_ca = private_ca.id), private_ca.created_at \
    FROM private_ca JOIN certificate ON certificate.id = private_ca.certificate";

fn read(row: &Row<'_>) -> Result<Authority, certhold_store::Error> {
    let (number, from, until): (i64, Option<i64>, Option<i64>) = (row.get(13)?, row.get(14)?, row.get(15)?);
    let (algorithm, curve): (String, Option<String>) = (row.get(5)?, row.get(6)?);
    Ok(Authority {
        id: AuthorityId(row.get(0)?),
        name: row.get(1)?,
        certificate: CertificateId(row.get(2)?),
        subject: row.get(3)?,
        not_after: row.get(4)?,
        key: inventory::key_title(&algorithm, curve.as_deref(), row.get(7)?),
        parent: row.get::<Option<i64>>(8)?.map(AuthorityId),
        bounds: serde_json::from_str(row.text(9)?).unwrap_or_default(),
        base_url: row.get(10)?,
        list_days: row.get(11)?,
        active: row.get(12)?,
        list: from.zip(until).map(|(from, until)| ListState { number, from, until }),
        issued: row.get(16)?,
        created_at: row.get(17)?,
    })
}

/// All authorities by name.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Authority>> {
    access::require_path(tx, actor, paths::ISSUERS_READ)?;
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY private_ca.folded"), params![], read)?)
}

/// One authority.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: AuthorityId) -> Result<Authority> {
    access::require_path(tx, actor, paths::ISSUERS_READ)?;
    find(tx, id)
}

pub(super) fn find(tx: &mut Tx<'_>, id: AuthorityId) -> Result<Authority> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE private_ca.id = $1"), params![id], read)?;
    found.ok_or_else(|| Refusal::not_found("private authority", id).into())
}

/// The authority's certificate, DER: public, like everything its holders must find. Nothing when there is no such authority.
pub fn certificate_of(tx: &mut Tx<'_>, id: AuthorityId) -> Result<Option<Vec<u8>>> {
    Ok(tx.one(
        "SELECT certificate_body.der FROM private_ca JOIN certificate_body ON certificate_body.certificate = private_ca.certificate \
         WHERE private_ca.id = $1",
        params![id],
        |row| row.get(0),
    )?)
}

/// An authority that signs: its name, its sealed key, its certificate and those above it, and the bounds of all of them.
#[derive(Clone)]
pub(super) struct Issuing {
    pub id: AuthorityId,
    pub name: String,
    pub subject: DistinguishedName,
    pub key: SealedRow,
    /// Its own first.
    pub chain: Vec<Vec<u8>>,
    pub bounds: Vec<Bounds>,
    pub not_after: i64,
    pub base_url: String,
}

impl Issuing {
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map_or(&[], Vec::as_slice)
    }

    pub fn list_urls(&self) -> Vec<String> {
        url(&self.base_url, "crl", self.id, "crl").into_iter().collect()
    }

    pub fn issuer_urls(&self) -> Vec<String> {
        url(&self.base_url, "ca", self.id, "cer").into_iter().collect()
    }

    pub fn key_id(&self) -> Result<Vec<u8>> {
        let facts =
            Facts::of(self.certificate()).map_err(|error| Error::damaged(format!("an authority's certificate: {error}")))?;
        facts.subject_key_id.as_deref().and_then(text::unhex).ok_or_else(|| Error::damaged("an authority has no key identifier"))
    }
}

fn url(base: &str, directory: &str, id: AuthorityId, suffix: &str) -> Option<String> {
    (!base.is_empty()).then(|| format!("{base}/{directory}/{id}.{suffix}"))
}

/// An authority that may issue now.
pub(super) fn issuing(tx: &mut Tx<'_>, id: AuthorityId, now: i64) -> Result<Issuing> {
    let authority = find(tx, id)?;
    if !authority.active {
        return Err(Refusal::Conflict(format!("the authority {:?} is retired: choose another", authority.name)).into());
    }
    if authority.not_after <= now {
        return Err(Refusal::Conflict(format!("the certificate of the authority {:?} has expired", authority.name)).into());
    }
    require_unrevoked(tx, &authority)?;
    opened(tx, authority)
}

/// Nobody trusts what is issued below a certificate that is revoked.
fn require_unrevoked(tx: &mut Tx<'_>, authority: &Authority) -> Result<(), Error> {
    let mut next = Some(authority.clone());
    for _ in 0..DEPTH_MAX {
        let Some(one) = next else { break };
        let sql = "SELECT revoked_at FROM certificate WHERE id = $1";
        let revoked: Option<Option<i64>> = tx.one(sql, params![one.certificate], |row| row.get(0))?;
        if revoked.flatten().is_some() {
            let message = format!("the certificate of the authority {:?} is revoked: choose another authority", one.name);
            return Err(Refusal::Conflict(message).into());
        }
        next = one.parent.map(|parent| find(tx, parent)).transpose()?;
    }
    Ok(())
}

pub(super) fn opened(tx: &mut Tx<'_>, authority: Authority) -> Result<Issuing> {
    let parts = tx.one("SELECT subject, private_key FROM private_ca WHERE id = $1", params![authority.id], |row| {
        Ok((row.get::<Vec<u8>>(0)?, PrivateKeyId(row.get(1)?)))
    })?;
    let (subject, key) = parts.ok_or_else(|| Error::damaged("an authority is gone within its transaction"))?;
    let subject = DistinguishedName::of_der(&subject).ok_or_else(|| Error::damaged("an authority's name is damaged"))?;
    let key = custody::load_private_key(tx, key)?;
    let (mut chain, mut bounds) = (Vec::new(), Vec::new());
    let mut next = Some(authority.clone());
    while let Some(above) = next {
        if chain.len() == DEPTH_MAX {
            return Err(Error::damaged("authorities stand above each other without end"));
        }
        chain.extend(certificate_of(tx, above.id)?);
        bounds.push(above.bounds);
        next = above.parent.map(|parent| find(tx, parent)).transpose()?;
    }
    let Authority { id, name, not_after, base_url, .. } = authority;
    Ok(Issuing { id, name, subject, key, chain, bounds, not_after, base_url })
}

/// Make an authority.
#[derive(Clone, Debug)]
pub struct NewAuthority {
    /// Unique without regard to case.
    pub name: String,
    /// Its distinguished name, as people write it: `CN=Example Root, O=Example, C=DE`.
    pub subject: String,
    /// Its key.
    pub key_kind: KeyKind,
    /// Its life.
    pub days: i64,
    /// Who signs it; itself otherwise.
    pub parent: Option<AuthorityId>,
    /// What certificates below it may be.
    pub bounds: Bounds,
    /// `http://pki.example.org`: where clients find lists and certificates; empty: nowhere.
    pub base_url: String,
    /// How many days a revocation list holds; a new one is made when half of that has passed, and after each revocation.
    pub list_days: i64,
}

/// An authority whose making is allowed, to be signed outside of transactions.
#[derive(Clone)]
pub struct AuthorityDraft {
    new: NewAuthority,
    subject: DistinguishedName,
    constraints: NameConstraints,
    parent: Option<Issuing>,
}

/// Checks what is asked for, and who asks.
pub fn draft(tx: &mut Tx<'_>, actor: &Actor, new: &NewAuthority, now: i64) -> Result<AuthorityDraft> {
    access::require_path(tx, actor, paths::ISSUERS_MODIFY)?;
    let name = text::name("name", &new.name)?;
    let subject = DistinguishedName::parse(&new.subject).map_err(|error| Refusal::invalid("subject", error.to_string()))?;
    if subject.common_name().is_none() {
        return Err(Refusal::invalid("subject", "an authority's name has a common name: CN=Example Root, O=Example").into());
    }
    if !(1..=LIFE_DAYS_MAX).contains(&new.days) {
        return Err(Refusal::invalid("days", format!("give 1 to {LIFE_DAYS_MAX} days")).into());
    }
    if !(1..=365).contains(&new.list_days) {
        return Err(Refusal::invalid("list_days", "a revocation list holds 1 to 365 days").into());
    }
    let base_url = checked_url(&new.base_url)?;
    let constraints = new.bounds.constraints()?;
    let parent = new.parent.map(|parent| issuing(tx, parent, now)).transpose()?;
    if let Some(parent) = &parent {
        fits_below(parent, new.bounds.path_length, now, new.days)?;
    }
    Ok(AuthorityDraft { new: NewAuthority { name, base_url, ..new.clone() }, subject, constraints, parent })
}

fn checked_url(given: &str) -> Result<String, Refusal> {
    let given = given.trim().trim_end_matches('/');
    let host = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
    let plain =
        |rest: &str| !rest.is_empty() && rest.len() <= limits::NAME_CHARS && rest.bytes().all(|byte| byte.is_ascii_graphic());
    match host {
        _ if given.is_empty() => Ok(String::new()),
        Some(rest) if plain(rest) && !rest.contains(['@', '?', '#', '"', '<', '>', '\\']) => Ok(given.to_owned()),
        _ => Err(Refusal::invalid("base_url", "give an address like http://pki.example.org, or leave it empty")),
    }
}

fn fits_below(parent: &Issuing, wanted: Option<u8>, now: i64, days: i64) -> Result<(), Refusal> {
    if let Some(most) = parent.bounds.first().and_then(|bounds| bounds.path_length) {
        if most == 0 {
            return Err(Refusal::Conflict(format!("no authority may stand below {:?}: its path length is 0", parent.name)));
        }
        if wanted.is_none_or(|wanted| wanted >= most) {
            let why = format!("below {:?} the path length is at most {}", parent.name, most - 1);
            return Err(Refusal::invalid("path_length", why));
        }
    }
    // Whoever gives both the same number of days means the same end.
    if now + days * DAY_MS > parent.not_after + DAY_MS {
        let left = (parent.not_after - now) / DAY_MS;
        return Err(Refusal::invalid("days", format!("{:?}, which signs it, ends in {left} days: give no more", parent.name)));
    }
    Ok(())
}

/// An authority's certificate and key, signed and sealed, to be recorded.
#[derive(Clone)]
pub struct SignedAuthority {
    draft: AuthorityDraft,
    certificate: Candidate,
    chain: Vec<Candidate>,
    key: SealedKey,
}

impl AuthorityDraft {
    /// Makes the key and signs the certificate. Takes up to seconds of one core.
    pub fn sign(self, hands: Hands<'_>, now: i64) -> Result<SignedAuthority> {
        let key = hands.keys.key(self.new.key_kind).map_err(|why| Refusal::invalid("key_kind", why))?;
        let own_id = key_identifier(key.spki_der());
        let from = now - BACKDATED_MS;
        let template = Template {
            serial: hands.serial(),
            issuer: self.parent.as_ref().map_or_else(|| self.subject.clone(), |parent| parent.subject.clone()),
            subject: self.subject.clone(),
            not_before: from,
            not_after: self.parent.as_ref().map_or(i64::MAX, |parent| parent.not_after).min(now + self.new.days * DAY_MS - 1_000),
            public_key: key.spki_der().to_vec(),
            extensions: Extensions {
                authority: Some(self.new.bounds.path_length),
                key_usages: KeyUsages::CERTIFICATE_SIGN.and(KeyUsages::CRL_SIGN),
                name_constraints: self.constraints.clone(),
                authority_key_id: self.parent.as_ref().map_or_else(|| Ok(own_id.clone()), Issuing::key_id)?,
                subject_key_id: own_id,
                revocation_list_urls: self.parent.as_ref().map(Issuing::list_urls).unwrap_or_default(),
                issuer_urls: self.parent.as_ref().map(Issuing::issuer_urls).unwrap_or_default(),
                ..Extensions::default()
            },
        };
        let der = match &self.parent {
            Some(parent) => hands.certificate(&template, &hands.open(&parent.key)?, Some(parent.certificate()))?,
            None => hands.certificate(&template, &key, None)?,
        };
        let sealed = SealedKey::seal(hands.custody, hands.entropy, &key)?;
        let chain = self.parent.iter().flat_map(|parent| &parent.chain).map(|der| candidate(der)).collect::<Result<_>>()?;
        Ok(SignedAuthority { certificate: candidate(&der)?, chain, key: sealed, draft: self })
    }
}

pub(super) fn candidate(der: &[u8]) -> Result<Candidate> {
    Candidate::of(der).map_err(|error| Error::damaged(format!("what was signed is no certificate: {error}")))
}

/// Records an authority; its first revocation list is made at once.
pub fn create(tx: &mut Tx<'_>, actor: &Actor, signed: &SignedAuthority, now: i64) -> Result<AuthorityId> {
    access::require_path(tx, actor, paths::ISSUERS_MODIFY)?;
    let new = &signed.draft.new;
    if let Some(parent) = new.parent {
        issuing(tx, parent, now)?;
    }
    let (key, _) = custody::put_private_key(tx, &signed.key, Origin::Generated, now)?;
    let (certificate, _) = inventory::insert(tx, &signed.certificate, None, SOURCE, now)?;
    let initial = metadata::initial(tx, &[], false)?;
    metadata::put_initial(tx, &[certificate], &initial)?;
    let bounds = serde_json::to_string(&new.bounds).map_err(|error| Error::damaged(error.to_string()))?;
    let id: Option<i64> = tx.one(
        "INSERT INTO private_ca (name, folded, certificate, private_key, parent, subject, limits, base_url, list_days, active, \
         created_at, list_number, changes, list_tells) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 1, 0) \
         ON CONFLICT (folded) DO NOTHING RETURNING id",
        params![
            &new.name,
            text::fold(&new.name),
            certificate,
            key,
            new.parent,
            signed.draft.subject.der(),
            bounds,
            &new.base_url,
            new.list_days,
            true,
            now
        ],
        |row| row.get(0),
    )?;
    let id =
        AuthorityId(id.ok_or_else(|| Refusal::Conflict(format!("there is a private authority named {:?} already", new.name)))?);
    if let Some(parent) = new.parent {
        tx.execute(
            "INSERT INTO issued_certificate (certificate, private_ca, profile) VALUES ($1, $2, 'authority')",
            params![certificate, parent],
        )?;
    }
    inventory::link_chain(tx, actor, certificate, &signed.chain, now)?;
    jobs::enqueue(tx, JobKind::RevocationList, id.0, now, now)?;
    let payload = json!({ "after": {
        "subject": signed.draft.subject.text(), "certificate": certificate, "sha256": text::hex(signed.certificate.sha256()),
        "parent": new.parent, "bounds": new.bounds, "base_url": new.base_url, "list_days": new.list_days,
        "private_key": key, "algorithm": signed.key.algorithm, "bits": signed.key.bits, "not_after": signed.certificate.not_after(),
    }});
    events::append(tx, actor, now, NewEvent::new(names::AUTHORITY_CREATED, Object::new("authority", id.0, &new.name), payload))?;
    Ok(id)
}

/// Where certificates of private authorities come from.
pub(super) const SOURCE: &str = "private CA";

/// Retires an authority: it issues nothing more, and goes on publishing its revocation list.
pub fn retire(tx: &mut Tx<'_>, actor: &Actor, id: AuthorityId, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::ISSUERS_MODIFY)?;
    let authority = find(tx, id)?;
    if !authority.active {
        return Ok(());
    }
    tx.execute("UPDATE private_ca SET active = $1 WHERE id = $2", params![false, id])?;
    let payload = json!({ "before": { "active": true }, "after": { "active": false } });
    events::append(
        tx,
        actor,
        now,
        NewEvent::new(names::AUTHORITY_RETIRED, Object::new("authority", id.0, &authority.name), payload),
    )?;
    Ok(())
}

/// For each certificate the name of the authority whose own it is.
pub(crate) fn authorities_of(tx: &mut Tx<'_>, ids: &[[Value<'_>; 1]]) -> Result<Vec<Option<String>>> {
    Ok(tx.one_of_each("SELECT name FROM private_ca WHERE certificate = $1 LIMIT 1", ids, |row| row.get(0))?)
}

/// For each certificate the name of the authority that issued it.
pub(crate) fn issuers_of(tx: &mut Tx<'_>, ids: &[[Value<'_>; 1]]) -> Result<Vec<Option<String>>> {
    let sql = "SELECT private_ca.name FROM issued_certificate JOIN private_ca ON private_ca.id = issued_certificate.private_ca \
               WHERE issued_certificate.certificate = $1";
    Ok(tx.one_of_each(sql, ids, |row| row.get(0))?)
}

/// How a certificate was issued here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// The authority's name.
    pub authority: String,
    /// The authority.
    pub authority_id: AuthorityId,
    /// What it is for; nothing for an authority's own certificate.
    pub template: Option<Profile>,
    /// The pattern with which it was issued.
    pub pattern: Option<PatternId>,
    /// Who enrolled for it, by their name at that moment, as far as that is known.
    pub requester: Option<String>,
}

/// How each of these certificates was issued, as far as a private authority did it.
pub(crate) fn issuance_of(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Option<Issuance>>> {
    let lists: Vec<[Value<'_>; 1]> = ids.iter().map(|id| [(*id).into()]).collect();
    let sql = "SELECT private_ca.name, private_ca.id, issued_certificate.profile, issued_certificate.pattern, \
               issued_certificate.requester FROM issued_certificate \
               JOIN private_ca ON private_ca.id = issued_certificate.private_ca WHERE issued_certificate.certificate = $1";
    let found = tx.one_of_each(sql, &lists, |row| {
        Ok(Issuance {
            authority: row.get(0)?,
            authority_id: AuthorityId(row.get(1)?),
            template: Profile::parse(row.text(2)?).ok(),
            pattern: row.get::<Option<i64>>(3)?.map(PatternId),
            requester: row.get(4)?,
        })
    })?;
    Ok(found)
}

/// Refuses an authority that does not exist.
pub(crate) fn require_authority(tx: &mut Tx<'_>, id: AuthorityId) -> Result<()> {
    let found: Option<i64> = tx.one("SELECT 1 FROM private_ca WHERE id = $1", params![id], |row| row.get(0))?;
    found.map(drop).ok_or_else(|| Refusal::invalid("authority", format!("there is no private authority {id}")).into())
}

/// The authority that signs with a key.
pub(crate) fn uses_key(tx: &mut Tx<'_>, key: PrivateKeyId) -> Result<Option<String>> {
    Ok(tx.one("SELECT name FROM private_ca WHERE private_key = $1 LIMIT 1", params![key], |row| row.get(0))?)
}

/// The public key must be one that lasts for as long as the certificate: RSA from 2,048 bits, P-256 … P-521, Ed25519, ML-DSA.
pub(super) fn require_strong(algorithm: &str, bits: Option<u32>, curve: Option<&str>) -> Result<(), Refusal> {
    let strong = match algorithm {
        "RSA" => bits.is_some_and(|bits| (2_048..=16_384).contains(&bits)),
        "EC" => matches!(curve, Some("P-256" | "P-384" | "P-521")),
        "Ed25519" | "ML-DSA-44" | "ML-DSA-65" | "ML-DSA-87" => true,
        _ => false,
    };
    if strong {
        return Ok(());
    }
    let what = [Some(algorithm.to_owned()), curve.map(str::to_owned), bits.map(|bits| format!("{bits} bits"))];
    let what: Vec<String> = what.into_iter().flatten().collect();
    let why = format!(
        "a key of the kind {} gets no certificate here; use RSA from 2048 bits, EC P-256 to P-521, Ed25519 or ML-DSA",
        what.join(" ")
    );
    Err(Refusal::invalid("key", why))
}

pub(super) fn require_strong_key(key: &PrivateKey) -> Result<(), Refusal> {
    require_strong(key.algorithm(), key.bits(), key.curve())
}
