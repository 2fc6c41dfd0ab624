//! What is derived from a certificate's bytes and kept in its row, so that queries need not read the bytes.

use certhold_pki::details::DistinguishedName;
use certhold_pki::findings as rules;
use certhold_pki::{AltNameKind, Facts, SignatureError, reverse_labels, verify_signed_by};
use certhold_store::{Row, Value};

use super::fields::{Field, fold, term};
use crate::query;

/// The version of this derivation. Whoever changes what is derived counts it up: rows that an older version wrote are derived
/// again behind.
pub const DERIVATION: i64 = 2_000 + rules::RULES_VERSION as i64;

/// The derived part of a row. Texts hold no NUL, which PostgreSQL cannot keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    pub(super) sha1: Vec<u8>,
    pub(super) serial: String,
    pub(super) subject: String,
    pub(super) common_name: Option<String>,
    pub(super) issuer: String,
    pub(super) issuer_common_name: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) organizations: Vec<String>,
    pub(super) units: Vec<String>,
    pub(super) countries: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    pub(super) key_algorithm: String,
    pub(super) key_bits: Option<i64>,
    pub(super) key_curve: Option<String>,
    pub(super) signature_algorithm: String,
    pub(super) key_usage: i64,
    pub(super) extended_key_usage: Vec<String>,
    pub(super) subject_key_id: Option<String>,
    pub(super) authority_key_id: Option<String>,
    pub(super) is_ca: bool,
    pub(super) self_signed: bool,
    /// "severity:rule", worst first.
    pub(super) findings: Vec<String>,
    pub(super) spki_sha256: [u8; 32],
}

/// The columns of [`Derived`], in the order of [`Derived::columns`] and [`Derived::read`].
pub(super) const COLUMNS: [&str; 32] = [
    "sha1",
    "serial",
    "subject",
    "common_name",
    "issuer",
    "issuer_common_name",
    "names",
    "not_before",
    "not_after",
    "key_algorithm",
    "key_bits",
    "key_curve",
    "signature_algorithm",
    "key_usage",
    "extended_key_usage",
    "subject_key_id",
    "authority_key_id",
    "is_ca",
    "self_signed",
    "findings",
    "spki_sha256",
    "organizations_folded",
    "units_folded",
    "countries_folded",
    "emails_folded",
    "common_name_folded",
    "subject_folded",
    "issuer_folded",
    "names_folded",
    "severity",
    "issuer_name_folded",
    "subject_term",
];

/// Severities with their rank in the column `severity`.
pub const SEVERITIES: [(&str, i64); 4] = [("error", 4), ("warning", 3), ("notice", 2), ("info", 1)];

impl Derived {
    /// Derives from the facts of a certificate.
    pub(super) fn of(der: &[u8], facts: &Facts) -> Derived {
        let text = |text: &str| without_nul(text);
        let option = |text: &Option<String>| text.as_deref().map(without_nul);
        let list = |texts: &[String]| texts.iter().map(|text| without_nul(text)).collect::<Vec<_>>();
        let subject = DistinguishedName::subject_of(der).ok();
        let attributes = |oid: &str| -> Vec<String> {
            let all = subject.iter().flat_map(DistinguishedName::attributes);
            all.filter(|attribute| attribute.oid == oid).filter_map(|attribute| attribute.text.as_deref()).map(text).collect()
        };
        let mail_names = facts.names.iter().filter(|name| name.kind == AltNameKind::Email).map(|name| text(&name.value));
        let emails: Vec<String> = attributes("1.2.840.113549.1.9.1").into_iter().chain(mail_names).collect();
        Derived {
            sha1: facts.sha1.to_vec(),
            serial: facts.serial.clone(),
            subject: text(&facts.subject),
            common_name: option(&facts.common_name),
            issuer: text(&facts.issuer),
            issuer_common_name: option(&facts.issuer_common_name),
            names: facts.names.iter().map(|name| text(&name.value)).collect(),
            organizations: attributes("2.5.4.10"),
            units: attributes("2.5.4.11"),
            countries: attributes("2.5.4.6"),
            emails,
            not_before: facts.not_before,
            not_after: facts.not_after,
            key_algorithm: facts.key_algorithm.clone(),
            key_bits: facts.key_bits.map(i64::from),
            key_curve: facts.key_curve.clone(),
            signature_algorithm: facts.signature_algorithm.clone(),
            key_usage: query::key_usage_bits(&facts.key_usage),
            extended_key_usage: list(&facts.extended_key_usage),
            subject_key_id: facts.subject_key_id.clone(),
            authority_key_id: facts.authority_key_id.clone(),
            is_ca: facts.is_ca,
            self_signed: facts.self_issued && !matches!(verify_signed_by(der, der), Err(SignatureError::Invalid)),
            findings: found(facts, der).into_iter().map(|(severity, rule)| format!("{severity}:{rule}")).collect(),
            spki_sha256: facts.spki_sha256,
        }
    }

    /// The issuer's common name, or its whole name when it has none.
    pub(super) fn issuer_name(&self) -> &str {
        self.issuer_common_name.as_deref().unwrap_or(&self.issuer)
    }

    /// Under which the certificates of this subject are indexed; nothing for an empty one.
    fn subject_term(&self) -> Option<i64> {
        (!self.subject.is_empty()).then(|| term(Field::Subject, &fold(&self.subject)))
    }

    /// Algorithm with size or curve.
    pub(super) fn key(&self) -> String {
        key(&self.key_algorithm, self.key_curve.as_deref(), self.key_bits)
    }

    /// Severity and rule of each finding.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.findings.iter().filter_map(|finding| finding.split_once(':'))
    }

    fn severity(&self) -> i64 {
        let rank = |name: &str| SEVERITIES.iter().find(|(known, _)| *known == name).map_or(0, |(_, rank)| *rank);
        self.findings().map(|(severity, _)| rank(severity)).max().unwrap_or(0)
    }

    /// The text in which parts of words are looked for. Line feeds part the values: no search crosses them.
    pub(super) fn body(&self) -> String {
        let mut body = String::with_capacity(512);
        let mut add = |text: &str| {
            body.push('\n');
            body.push_str(text);
        };
        // The common name also stands in the subject, unless RFC 4514 escapes a part of it.
        self.common_name.iter().filter(|name| !self.subject.contains(name.as_str())).for_each(|name| add(name));
        add(&self.subject);
        self.names.iter().filter(|name| !self.subject.contains(name.as_str())).for_each(|name| add(name));
        add(&self.serial);
        add(&self.issuer);
        body.push('\n');
        fold(&body)
    }

    /// DNS names with their labels reversed and a closing dot, each once.
    pub(super) fn reversed(facts: &Facts) -> Vec<String> {
        let dns = facts.names.iter().filter(|name| name.kind == AltNameKind::Dns).map(|name| name.value.as_str());
        let common_name = facts.common_name.as_deref().filter(|name| certhold_pki::normalise_dns_name(name).is_ok());
        let mut reversed: Vec<String> = dns.chain(common_name).map(index_form).collect();
        reversed.sort_unstable();
        reversed.dedup();
        reversed
    }

    /// The values of [`COLUMNS`].
    pub(super) fn columns(&self) -> [Value<'static>; 32] {
        [
            self.sha1.clone().into(),
            self.serial.clone().into(),
            self.subject.clone().into(),
            self.common_name.clone().into(),
            self.issuer.clone().into(),
            self.issuer_common_name.clone().into(),
            serde_json::to_string(&self.names).unwrap_or_else(|_| "[]".into()).into(),
            self.not_before.into(),
            self.not_after.into(),
            self.key_algorithm.clone().into(),
            self.key_bits.into(),
            self.key_curve.clone().into(),
            self.signature_algorithm.clone().into(),
            self.key_usage.into(),
            lines(&self.extended_key_usage).into(),
            self.subject_key_id.clone().into(),
            self.authority_key_id.clone().into(),
            self.is_ca.into(),
            self.self_signed.into(),
            lines(&self.findings).into(),
            self.spki_sha256.to_vec().into(),
            lines(&self.organizations).map(|text| fold(&text)).into(),
            lines(&self.units).map(|text| fold(&text)).into(),
            lines(&self.countries).map(|text| fold(&text)).into(),
            lines(&self.emails).map(|text| fold(&text)).into(),
            self.common_name.as_deref().map(fold).into(),
            fold(&self.subject).into(),
            fold(&self.issuer).into(),
            lines(&self.names).map(|text| fold(&text)).into(),
            self.severity().into(),
            self.issuer_common_name.as_deref().map(fold).into(),
            self.subject_term().into(),
        ]
    }

    /// Reads [`COLUMNS`] from `first` on: what was derived when the row was written, so that exactly its terms can be removed.
    pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Derived, certhold_store::Error> {
        let list = |at: usize| -> Result<Vec<String>, certhold_store::Error> {
            let text: Option<String> = row.get(first + at)?;
            Ok(text.unwrap_or_default().split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect())
        };
        Ok(Derived {
            sha1: row.get::<Option<Vec<u8>>>(first)?.unwrap_or_default(),
            serial: row.get(first + 1)?,
            subject: row.get(first + 2)?,
            common_name: row.get(first + 3)?,
            issuer: row.get(first + 4)?,
            issuer_common_name: row.get(first + 5)?,
            names: serde_json::from_str(row.text(first + 6)?).unwrap_or_default(),
            not_before: row.get(first + 7)?,
            not_after: row.get(first + 8)?,
            key_algorithm: row.get(first + 9)?,
            key_bits: row.get(first + 10)?,
            key_curve: row.get(first + 11)?,
            signature_algorithm: row.get::<Option<String>>(first + 12)?.unwrap_or_default(),
            key_usage: row.get::<Option<i64>>(first + 13)?.unwrap_or_default(),
            extended_key_usage: list(14)?,
            subject_key_id: row.get(first + 15)?,
            authority_key_id: row.get(first + 16)?,
            is_ca: row.get(first + 17)?,
            self_signed: row.get::<Option<bool>>(first + 18)?.unwrap_or_default(),
            findings: list(19)?,
            spki_sha256: row.get(first + 20)?,
            organizations: list(21)?,
            units: list(22)?,
            countries: list(23)?,
            emails: list(24)?,
        })
    }
}

/// Algorithm with size or curve, as people say it.
pub(crate) fn key(algorithm: &str, curve: Option<&str>, bits: Option<i64>) -> String {
    match (curve, bits) {
        (Some(curve), _) => format!("{algorithm} {curve}"),
        (None, Some(bits)) if matches!(algorithm, "RSA" | "DSA" | "RSASSA-PSS") => format!("{algorithm} {bits}"),
        _ => algorithm.to_owned(),
    }
}

/// What is wrong with a certificate: severity and rule, worst first.
pub fn findings(der: &[u8]) -> Vec<(String, String)> {
    Facts::of(der).map(|facts| found(&facts, der)).unwrap_or_default()
}

fn found(facts: &Facts, der: &[u8]) -> Vec<(String, String)> {
    let mut found = rules::evaluate(facts, der);
    found.sort_by_key(|finding| SEVERITIES.iter().position(|(name, _)| *name == finding.rule.severity.as_str()));
    found.into_iter().map(|finding| (finding.rule.severity.as_str().to_owned(), finding.rule.id.to_owned())).collect()
}

/// Values with a line feed before and behind each; nothing for none.
fn lines(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.iter().fold("\n".to_owned(), |text, value| text + value + "\n"))
}

/// The indexed form of a DNS name: labels reversed, a closing dot; NUL and case folded away.
pub(super) fn index_form(name: &str) -> String {
    let mut reversed = reverse_labels(&without_nul(name).to_lowercase());
    reversed.push('.');
    reversed
}

/// PostgreSQL keeps no NUL in text; the bytes keep it, and searching for it is nobody's business.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
