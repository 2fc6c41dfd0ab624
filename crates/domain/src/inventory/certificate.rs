//! One certificate of the inventory.

use certhold_pki::{Details, Facts};
use certhold_store::{Row, Tx, params};

use super::derived;
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Error, Refusal, Result};
use crate::ids::{CertificateId, LineageId, RoleId};

/// What a list shows of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its handle.
    pub id: CertificateId,
    /// SHA-256 of its DER bytes.
    pub sha256: [u8; 32],
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Subject as RFC 4514 text.
    pub subject: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Subject alternative names: DNS names, addresses, mail addresses, URIs.
    pub names: Vec<String>,
    /// Unix milliseconds.
    pub not_before: i64,
    /// Unix milliseconds.
    pub not_after: i64,
    /// "RSA", "EC", …
    pub key_algorithm: String,
    /// Key size.
    pub key_bits: Option<i64>,
    /// Whether it may issue certificates.
    pub is_ca: bool,
    /// The owner: a role's id and name.
    pub owner: Option<(RoleId, String)>,
    /// The managed certificate it is a version of: lineage and version number.
    pub lineage: Option<(LineageId, i64)>,
    /// Whether its private key is in custody.
    pub has_key: bool,
    /// Where it came from: "upload", a path's import, "acme", "chain" …
    pub source: String,
    /// Since when it is held, unix milliseconds.
    pub held_since: i64,
    /// The issuer's common name.
    pub issuer_common_name: Option<String>,
    /// "P-256", …
    pub key_curve: Option<String>,
    /// "sha256WithRSAEncryption", …; empty until a row of an older version is derived again.
    pub signature_algorithm: String,
    /// What is wrong with it: "severity:rule", worst first.
    pub findings: Vec<String>,
    /// Signed with its own key.
    pub self_signed: bool,
    /// From when on it is revoked, unix milliseconds.
    pub revoked_at: Option<i64>,
}

impl Summary {
    /// What people call it: its common name, else its first name, else its subject, else its serial number.
    pub fn title(&self) -> &str {
        let named = self.common_name.as_deref().or_else(|| self.names.first().map(String::as_str));
        named.or(Some(self.subject.as_str())).filter(|title| !title.trim().is_empty()).unwrap_or(&self.serial)
    }
}

impl Summary {
    /// Algorithm with size or curve, as people say it: "RSA 2048", "EC P-256", "Ed25519".
    pub fn key(&self) -> String {
        derived::key(&self.key_algorithm, self.key_curve.as_deref(), self.key_bits)
    }
}

/// A certificate with its bytes; [`Certificate::facts`] derives everything it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The decisions and the indexed facts.
    pub summary: Summary,
    /// The immutable fact.
    pub der: Vec<u8>,
}

impl Certificate {
    /// Everything the certificate says, derived from its bytes; call it outside transactions.
    pub fn facts(&self) -> Result<Facts> {
        Facts::of(&self.der).map_err(|error| Error::damaged(format!("certificate {}: {error}", self.summary.id)))
    }

    /// The certificate taken apart, derived from its bytes; call it outside transactions.
    pub fn details(&self) -> Result<Details> {
        Details::of(&self.der).map_err(|error| Error::damaged(format!("certificate {}: {error}", self.summary.id)))
    }
}

pub(crate) const SUMMARY_COLUMNS: &str = "certificate.id, certificate.sha256, certificate.serial, certificate.subject, \
    certificate.common_name, certificate.issuer, certificate.names, certificate.not_before, certificate.not_after, \
    certificate.key_algorithm, certificate.key_bits, certificate.is_ca, role.id, role.name, certificate.lineage, \
    certificate.version, private_key.id, certificate.source, certificate.held_since, certificate.issuer_common_name, \
    certificate.key_curve, certificate.signature_algorithm, certificate.findings, certificate.self_signed, \
    certificate.revoked_at";
const SUMMARY_WIDTH: usize = 25;

/// What joins `certificate` for these columns.
pub(crate) const SUMMARY_JOINS: &str = " LEFT JOIN role ON role.id = certificate.owner_role \
    LEFT JOIN private_key ON private_key.spki_sha256 = certificate.spki_sha256";
const BODY: &str = "JOIN certificate_body ON certificate_body.certificate = certificate.id";

pub(crate) fn read_summary(row: &Row<'_>) -> Result<Summary, certhold_store::Error> {
    let owner = row.get::<Option<i64>>(12)?.map(RoleId).zip(row.get::<Option<String>>(13)?);
    let lineage = row.get::<Option<i64>>(14)?.map(LineageId).zip(row.get::<Option<i64>>(15)?);
    Ok(Summary {
        id: CertificateId(row.get(0)?),
        sha256: row.get(1)?,
        serial: row.get(2)?,
        subject: row.get(3)?,
        common_name: row.get(4)?,
        issuer: row.get(5)?,
        names: serde_json::from_str(row.text(6)?).unwrap_or_default(),
        not_before: row.get(7)?,
        not_after: row.get(8)?,
        key_algorithm: row.get(9)?,
        key_bits: row.get(10)?,
        is_ca: row.get(11)?,
        owner,
        lineage,
        has_key: row.get::<Option<i64>>(16)?.is_some(),
        source: row.get(17)?,
        held_since: row.get(18)?,
        issuer_common_name: row.get(19)?,
        key_curve: row.get(20)?,
        signature_algorithm: row.get::<Option<String>>(21)?.unwrap_or_default(),
        findings: row.get::<Option<String>>(22)?.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        self_signed: row.get::<Option<bool>>(23)?.unwrap_or_default(),
        revoked_at: row.get(24)?,
    })
}

/// One certificate with its bytes.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<Certificate> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    fetch(tx, id)
}

pub(crate) fn fetch(tx: &mut Tx<'_>, id: CertificateId) -> Result<Certificate> {
    let sql = format!(
        "SELECT {SUMMARY_COLUMNS}, certificate_body.der FROM certificate{SUMMARY_JOINS} {BODY} WHERE certificate.id = $1"
    );
    let found = tx.one(&sql, params![id], |row| Ok(Certificate { summary: read_summary(row)?, der: row.get(SUMMARY_WIDTH)? }))?;
    found.ok_or_else(|| Refusal::not_found("certificate", id).into())
}

/// One certificate without its bytes.
pub fn summary(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<Summary> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id).into())
}

pub(crate) fn find(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Summary>> {
    let sql = format!("SELECT {SUMMARY_COLUMNS} FROM certificate{SUMMARY_JOINS} WHERE certificate.id = $1");
    Ok(tx.one(&sql, params![id], read_summary)?)
}

/// The path an authority delivered with a certificate, its issuer first, as far as it is known.
pub fn chain(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<Vec<Certificate>> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    fetch_chain(tx, id)
}

pub(crate) fn fetch_chain(tx: &mut Tx<'_>, id: CertificateId) -> Result<Vec<Certificate>> {
    let sql = format!(
        "SELECT {SUMMARY_COLUMNS}, certificate_body.der FROM certificate_chain CROSS JOIN certificate{SUMMARY_JOINS} {BODY} \
         WHERE certificate_chain.certificate = $1 AND certificate.id = certificate_chain.member \
         ORDER BY certificate_chain.position"
    );
    Ok(tx.rows(&sql, params![id], |row| Ok(Certificate { summary: read_summary(row)?, der: row.get(SUMMARY_WIDTH)? }))?)
}

/// Every version of a managed certificate, newest first.
pub fn versions(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId) -> Result<Vec<Summary>> {
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    let sql = format!(
        "SELECT {SUMMARY_COLUMNS} FROM certificate{SUMMARY_JOINS} WHERE certificate.lineage = $1 ORDER BY certificate.version DESC LIMIT 1000"
    );
    Ok(tx.rows(&sql, params![lineage], read_summary)?)
}
