//! The facts of a certificate by which it is found: numbered fields, terms for equality, values that are counted.

use aws_lc_rs::digest::{SHA256, digest};

use super::derived::Derived;
pub use crate::query::fold;

/// A fact that queries compare for equality. The numbers are kept in the database and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i64)]
pub enum Field {
    /// Subject, RFC 4514.
    Subject = 1,
    /// Issuer, RFC 4514.
    Issuer = 2,
    /// The issuer's common name, or its whole name when it has none.
    IssuerName = 3,
    /// Serial number, hexadecimal.
    Serial = 4,
    /// SHA-1, hexadecimal.
    Thumbprint = 5,
    /// A subject alternative name of any kind.
    Name = 6,
    /// An organization of the subject.
    Organization = 7,
    /// An organizational unit of the subject.
    Unit = 8,
    /// A country of the subject.
    Country = 9,
    /// A mail address in the subject.
    Email = 10,
    /// "RSA", "EC", …
    KeyAlgorithm = 11,
    /// Bits of the key.
    KeyBits = 12,
    /// "P-256", …
    Curve = 13,
    /// "sha256WithRSAEncryption", …
    SignatureAlgorithm = 14,
    /// An extended key usage.
    ExtendedKeyUsage = 15,
    /// A finding, by the id of its rule.
    Finding = 16,
    /// The severity of the worst finding.
    Severity = 17,
    /// Where the certificate came from.
    Source = 18,
    /// Subject key identifier, hexadecimal.
    SubjectKeyId = 19,
    /// Authority key identifier, hexadecimal.
    AuthorityKeyId = 20,
    /// "true" for certification authorities, "false" for all others.
    IsCa = 21,
    /// "true" for certificates that name themselves as issuer; nothing for all others.
    SelfSigned = 22,
    /// Algorithm with size or curve: "RSA 2048", "EC P-256".
    Key = 23,
    /// The owner: a role's id, or nothing.
    Owner = 100,
}

impl Field {
    /// Fields with few values, whose certificates are counted as they come and go.
    pub const COUNTED: &[Field] = &[
        Field::Issuer,
        Field::IssuerName,
        Field::KeyAlgorithm,
        Field::KeyBits,
        Field::Curve,
        Field::SignatureAlgorithm,
        Field::ExtendedKeyUsage,
        Field::Finding,
        Field::Severity,
        Field::Source,
        Field::Key,
        Field::IsCa,
    ];

    /// Whether certificates are indexed under its values: the others are only counted.
    pub(super) fn has_terms(self) -> bool {
        !matches!(self, Field::Key | Field::Severity | Field::Owner)
    }

    /// Whether a certificate may have several values of it.
    pub(super) fn is_multiple(self) -> bool {
        use Field::{Country, Email, ExtendedKeyUsage, Finding, Name, Organization, Unit};
        matches!(self, Name | Organization | Unit | Country | Email | ExtendedKeyUsage | Finding)
    }

    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    /// The counted field, or the owner, of this number.
    pub(super) fn of_number(number: i64) -> Option<Field> {
        Field::COUNTED.iter().copied().chain([Field::Owner]).find(|field| field.number() == number)
    }
}

/// The key under which all certificates with this value of the field are indexed: 64 bits of SHA-256, so that nobody makes a
/// certificate that passes for another's value without 2^64 tries.
pub fn term(field: Field, folded: &str) -> i64 {
    let mut bytes = Vec::with_capacity(folded.len() + 1);
    // Every field's number fits an octet.
    bytes.push(field.number().to_le_bytes()[0]);
    bytes.extend_from_slice(folded.as_bytes());
    let digest = digest(&SHA256, &bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_ref()[..8]);
    i64::from_be_bytes(first)
}

/// Every value of the fields above but the owner: shown as it stands in the certificate.
pub(super) fn values(derived: &Derived, source: &str) -> Vec<(Field, String)> {
    let mut values = Vec::with_capacity(24);
    let mut add = |field, value: &str| {
        if !value.is_empty() {
            values.push((field, value.to_owned()));
        }
    };
    add(Field::Subject, &derived.subject);
    add(Field::Issuer, &derived.issuer);
    add(Field::IssuerName, derived.issuer_name());
    add(Field::Serial, &derived.serial);
    add(Field::Thumbprint, &crate::text::hex(&derived.sha1));
    derived.names.iter().for_each(|name| add(Field::Name, name));
    let lists = [
        (Field::Organization, &derived.organizations),
        (Field::Unit, &derived.units),
        (Field::Country, &derived.countries),
        (Field::Email, &derived.emails),
        (Field::ExtendedKeyUsage, &derived.extended_key_usage),
    ];
    for (field, list) in lists {
        list.iter().for_each(|value| add(field, value));
    }
    add(Field::KeyAlgorithm, &derived.key_algorithm);
    add(Field::KeyBits, &derived.key_bits.map(|bits| bits.to_string()).unwrap_or_default());
    add(Field::Curve, derived.key_curve.as_deref().unwrap_or_default());
    add(Field::Key, &derived.key());
    add(Field::SignatureAlgorithm, &derived.signature_algorithm);
    derived.findings().for_each(|(_, rule)| add(Field::Finding, rule));
    // The worst stands first.
    add(Field::Severity, derived.findings().next().map_or("", |(severity, _)| severity));
    add(Field::Source, source);
    add(Field::SubjectKeyId, derived.subject_key_id.as_deref().unwrap_or_default());
    add(Field::AuthorityKeyId, derived.authority_key_id.as_deref().unwrap_or_default());
    add(Field::IsCa, if derived.is_ca { "true" } else { "false" });
    add(Field::SelfSigned, if derived.self_signed { "true" } else { "" });
    values
}

/// The terms of these values, in order and each once.
pub(super) fn terms<'v>(values: impl IntoIterator<Item = &'v (Field, String)>) -> Vec<i64> {
    let indexed = values.into_iter().filter(|(field, _)| field.has_terms());
    let mut terms: Vec<i64> = indexed.map(|(field, value)| term(*field, &fold(value))).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The values that are counted, each once.
pub(super) fn counted(values: &[(Field, String)]) -> impl Iterator<Item = (Field, &str)> {
    let counted =
        values.iter().enumerate().filter(|(at, value)| Field::COUNTED.contains(&value.0) && !values[..*at].contains(value));
    counted.map(|(_, (field, value))| (*field, value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_belongs_to_its_field() {
        assert_ne!(term(Field::Subject, "cn=a"), term(Field::Issuer, "cn=a"));
        assert_ne!(term(Field::Name, "a"), term(Field::Name, "b"));
        // printf '\006www.example.com' | sha256sum
        assert_eq!(term(Field::Name, "www.example.com").to_be_bytes(), [0xb1, 0x0a, 0x59, 0xee, 0x33, 0x0c, 0x15, 0xf0]);
    }

    #[test]
    fn values_are_counted_once() {
        let twice = vec![(Field::Finding, "x".to_owned()), (Field::Name, "n".to_owned()), (Field::Finding, "x".to_owned())];
        assert_eq!(counted(&twice).collect::<Vec<_>>(), [(Field::Finding, "x")]);
        assert_eq!(terms(&twice).len(), 2);
    }
}
