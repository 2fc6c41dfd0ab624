//! Everything a certificate says, taken apart: what [`crate::Facts`] leaves out because nobody searches for it.

mod algorithm;
mod curves;
mod decode;
mod extension;
mod general_name;
pub mod java;
mod key;
mod keywords;
mod names;
mod sct;
mod show;

pub use algorithm::{Algorithm, PssParameters};
pub use extension::{
    AccessDescription, AuthorityKeyId, DistributionPoint, Extension, ExtensionContent, Policy, Purpose, Qualifier, Subtree,
};
pub use general_name::{Choice, GeneralName};
pub use key::{EcKey, KeyParts, PointForm, PublicKeyDetail};
pub use names::{Attribute, DistinguishedName, NameStyle, RelativeName, StringType};
pub use sct::SctEntry;

use aws_lc_rs::digest;
use serde::Serialize;

use crate::asn1::{Element, tag};
use crate::certificate::{Certificate, Extensions, NotACertificate};
use crate::facts::{self, sha1, sha256};
use crate::{hex_bytes, hex_option, text, time};

/// One certificate, taken apart. [`crate::Facts`] is the summary that an inventory keeps; this is derived when somebody
/// looks closely or a rule needs it. It takes some ten microseconds, and memory in proportion to the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Details {
    /// 1, 2 or 3; other numbers as the certificate has them.
    pub version: u32,
    /// Content octets of the serial number's INTEGER.
    #[serde(serialize_with = "hex_bytes")]
    pub serial: Vec<u8>,
    /// The signature algorithm in the signed part.
    pub signed_algorithm: Algorithm,
    /// The signature algorithm beside the signature, which is the one that counts.
    pub signature_algorithm: Algorithm,
    /// Octets of the signature.
    pub signature_octets: usize,
    /// The issuer.
    pub issuer: DistinguishedName,
    /// The subject.
    pub subject: DistinguishedName,
    /// Begin of the validity.
    pub not_before: ValidityTime,
    /// End of the validity, inclusive.
    pub not_after: ValidityTime,
    /// The public key.
    pub key: PublicKeyDetail,
    /// The unique identifier of the issuer, which RFC 5280 says not to use.
    #[serde(serialize_with = "hex_option")]
    pub issuer_unique_id: Option<Vec<u8>>,
    /// The unique identifier of the subject, likewise.
    #[serde(serialize_with = "hex_option")]
    pub subject_unique_id: Option<Vec<u8>>,
    /// There is a field of extensions.
    pub has_extensions: bool,
    /// The extensions in the order of the certificate.
    pub extensions: Vec<Extension>,
    /// Some extensions could not be read at all and are missing from the list.
    pub extensions_malformed: bool,
    /// Digests of the parts by which certificates are looked for.
    pub digests: Digests,
}

/// A time of the validity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidityTime {
    /// Unix milliseconds; `None` when it is no time.
    pub unix_ms: Option<i64>,
    /// Its type: `UTCTime`, `GeneralizedTime`, or another.
    pub form: &'static str,
    /// The characters as they stand in the certificate, hostile ones escaped.
    pub text: String,
    /// In one of the forms that RFC 5280 allows: to the second, in UTC.
    pub strict: bool,
}

/// Digests of a certificate and of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Digests {
    /// SHA-1 of the certificate.
    #[serde(serialize_with = "hex_bytes")]
    pub sha1: [u8; 20],
    /// SHA-256 of the certificate.
    #[serde(serialize_with = "hex_bytes")]
    pub sha256: [u8; 32],
    /// SHA-512 of the certificate.
    #[serde(serialize_with = "hex_bytes")]
    pub sha512: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    #[serde(serialize_with = "hex_bytes")]
    pub spki_sha256: [u8; 32],
    /// SHA-1 of the key's BIT STRING: the usual subject key identifier (RFC 5280 section 4.2.1.2, method 1).
    #[serde(serialize_with = "hex_bytes")]
    pub key_sha1: [u8; 20],
    /// SHA-256 of the signed part, for comparing what two authorities signed.
    #[serde(serialize_with = "hex_bytes")]
    pub signed_part_sha256: [u8; 32],
}

impl Details {
    /// Takes the certificate at the beginning of `der` apart.
    ///
    /// Everything is decoded and owned: names in three styles, each extension with its own type, and six digests over the
    /// whole certificate or parts of it. Time and memory grow with the size of the certificate (a name constraint or a policy
    /// costs an allocation each), to many times what [`crate::Facts::of`] takes. Meant for one certificate that somebody looks
    /// at; for lists there are the facts, and certificates of more than some 16 KiB are best taken apart on a thread of their own.
    ///
    /// # Errors
    /// As [`crate::Facts::of`].
    pub fn of(der: &[u8]) -> Result<Details, NotACertificate> {
        let certificate = Certificate::locate(der)?;
        let key = PublicKeyDetail::of(&certificate.spki);
        let mut located = certificate.extensions.map(Extensions::new);
        let extensions = located.iter_mut().flatten().map(|extension| Extension::of(&extension)).collect();
        Ok(Details {
            version: facts::version(&certificate),
            serial: certificate.serial.to_vec(),
            signed_algorithm: Algorithm::of_signature(&certificate.inner_algorithm),
            signature_algorithm: Algorithm::of_signature(&certificate.outer_algorithm),
            signature_octets: certificate.signature.len(),
            issuer: DistinguishedName::of(&certificate.issuer),
            subject: DistinguishedName::of(&certificate.subject),
            not_before: ValidityTime::of(&certificate.not_before),
            not_after: ValidityTime::of(&certificate.not_after),
            issuer_unique_id: certificate.issuer_unique_id.map(<[u8]>::to_vec),
            subject_unique_id: certificate.subject_unique_id.map(<[u8]>::to_vec),
            has_extensions: certificate.extensions.is_some(),
            extensions,
            extensions_malformed: located.is_some_and(|located| located.malformed),
            digests: Digests {
                sha1: sha1(certificate.whole),
                sha256: sha256(certificate.whole),
                sha512: digest::digest(&digest::SHA512, certificate.whole).as_ref().to_vec(),
                spki_sha256: sha256(certificate.spki.whole),
                key_sha1: sha1(&key.octets),
                signed_part_sha256: sha256(certificate.to_be_signed),
            },
            key,
        })
    }

    /// The first extension with this identifier.
    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// The subject alternative names; empty when there are none.
    pub fn alternative_names(&self) -> &[GeneralName] {
        match self.extension("2.5.29.17").map(|extension| &extension.content) {
            Some(ExtensionContent::SubjectAltName(names)) => names,
            _ => &[],
        }
    }

    /// The signed certificate timestamps; empty when there are none.
    pub fn scts(&self) -> &[SctEntry] {
        match self.extension("1.3.6.1.4.1.11129.2.4.2").map(|extension| &extension.content) {
            Some(ExtensionContent::SignedCertificateTimestamps(entries)) => entries,
            _ => &[],
        }
    }
}

impl ValidityTime {
    fn of(element: &Element<'_>) -> ValidityTime {
        let read = time::read(element);
        let form = match element.tag {
            tag::UTC_TIME => "UTCTime",
            tag::GENERALIZED_TIME => "GeneralizedTime",
            _ => "no time",
        };
        ValidityTime {
            unix_ms: read.map(|time| time.unix_ms),
            form,
            text: text::plain(element.content),
            strict: read.is_some_and(|time| time.strict),
        }
    }
}
