//! A revocation list to be signed (RFC 5280 section 5).

use super::distinguished_name::DistinguishedName;
use super::scheme::SignatureScheme;
use super::template::put_positive;
use crate::asn1::{element, put, tag};
use crate::time;

/// Why a certificate is revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// No reason is given: the entry has no reason code, as the RFC recommends.
    Unspecified,
    /// The key is in wrong hands.
    KeyCompromise,
    /// The authority's key is.
    CaCompromise,
    /// The subject is called differently or has left.
    AffiliationChanged,
    /// Another certificate has taken its place.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// For the time being.
    CertificateHold,
    /// The subject may not do any more what the certificate says.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [RevocationReason; 8] = [
        RevocationReason::Unspecified,
        RevocationReason::KeyCompromise,
        RevocationReason::CaCompromise,
        RevocationReason::AffiliationChanged,
        RevocationReason::Superseded,
        RevocationReason::CessationOfOperation,
        RevocationReason::CertificateHold,
        RevocationReason::PrivilegeWithdrawn,
    ];

    /// The number of the CRLReason.
    pub fn code(self) -> u8 {
        match self {
            RevocationReason::Unspecified => 0,
            RevocationReason::KeyCompromise => 1,
            RevocationReason::CaCompromise => 2,
            RevocationReason::AffiliationChanged => 3,
            RevocationReason::Superseded => 4,
            RevocationReason::CessationOfOperation => 5,
            RevocationReason::CertificateHold => 6,
            RevocationReason::PrivilegeWithdrawn => 9,
        }
    }

    /// The reason with this number.
    pub fn of(code: i64) -> Option<RevocationReason> {
        Self::ALL.into_iter().find(|reason| i64::from(reason.code()) == code)
    }

    /// As the RFC spells it.
    pub fn name(self) -> &'static str {
        match self {
            RevocationReason::Unspecified => "unspecified",
            RevocationReason::KeyCompromise => "keyCompromise",
            RevocationReason::CaCompromise => "cACompromise",
            RevocationReason::AffiliationChanged => "affiliationChanged",
            RevocationReason::Superseded => "superseded",
            RevocationReason::CessationOfOperation => "cessationOfOperation",
            RevocationReason::CertificateHold => "certificateHold",
            RevocationReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    /// The reason that the RFC spells so.
    pub fn named(name: &str) -> Option<RevocationReason> {
        Self::ALL.into_iter().find(|reason| reason.name().eq_ignore_ascii_case(name))
    }
}

/// A revoked certificate.
#[derive(Clone, Debug)]
pub struct RevokedEntry {
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// Since when, unix milliseconds.
    pub at: i64,
    /// Why.
    pub reason: RevocationReason,
}

/// Everything that a revocation list says.
#[derive(Clone, Debug)]
pub struct RevocationListTemplate {
    /// The issuer's name.
    pub issuer: DistinguishedName,
    /// Unix milliseconds.
    pub this_update: i64,
    /// Unix milliseconds.
    pub next_update: i64,
    /// Grows with every list.
    pub number: u64,
    /// Identifies the issuer's key.
    pub authority_key_id: Vec<u8>,
    /// The revoked certificates.
    pub entries: Vec<RevokedEntry>,
}

impl RevocationListTemplate {
    /// The TBSCertList, DER.
    pub fn to_be_signed(&self, scheme: SignatureScheme) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.entries.len() * 48);
        put(&mut out, tag::INTEGER, &[1]);
        out.extend_from_slice(&scheme.identifier());
        out.extend_from_slice(self.issuer.der());
        time::put(&mut out, self.this_update);
        time::put(&mut out, self.next_update);
        let mut list = Vec::with_capacity(self.entries.len() * 48);
        for entry in &self.entries {
            let mut one = Vec::with_capacity(48);
            put_positive(&mut one, &entry.serial);
            time::put(&mut one, entry.at);
            if entry.reason != RevocationReason::Unspecified {
                let reason = element(tag::OCTET_STRING, &[&[0x0a, 1, entry.reason.code()]]);
                let extension = element(tag::SEQUENCE, &[&element(tag::OID, &[&[0x55, 0x1d, 21]]), &reason]);
                put(&mut one, tag::SEQUENCE, &extension);
            }
            put(&mut list, tag::SEQUENCE, &one);
        }
        // Absent, not empty, when nothing is revoked (section 5.1.2.6).
        if !list.is_empty() {
            put(&mut out, tag::SEQUENCE, &list);
        }
        let key_id = element(tag::SEQUENCE, &[&element(tag::context_primitive(0), &[&self.authority_key_id])]);
        let mut number = Vec::new();
        put_positive(&mut number, &self.number.to_be_bytes());
        let mut extensions = Vec::new();
        for (last, value) in [(35u8, key_id), (20, number)] {
            let parts = [element(tag::OID, &[&[0x55, 0x1d, last]]), element(tag::OCTET_STRING, &[&value])].concat();
            put(&mut extensions, tag::SEQUENCE, &parts);
        }
        put(&mut out, tag::context(0), &element(tag::SEQUENCE, &[&extensions]));
        element(tag::SEQUENCE, &[&out])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RevocationList;
    use crate::issue::signed;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = |entries| RevocationListTemplate {
            issuer: DistinguishedName::parse("CN=Issuing,O=Example").unwrap(),
            this_update: 1_800_000_000_000,
            next_update: 1_800_600_000_000,
            number: 300,
            authority_key_id: vec![7; 20],
            entries,
        };
        let scheme = SignatureScheme::EcdsaSha256;
        let entries = RevocationReason::ALL
            .into_iter()
            .map(|reason| RevokedEntry { serial: vec![0x80, reason.code()], at: 1_799_999_999_000, reason })
            .collect();
        let der = signed(&list(entries).to_be_signed(scheme), scheme, &[1; 70]);
        let read = RevocationList::of(&der).unwrap();
        assert_eq!((read.this_update(), read.next_update()), (1_800_000_000_000, Some(1_800_600_000_000)));
        assert_eq!(read.issuer(), "CN=Issuing,O=Example");
        assert_eq!(read.entries().count(), 8);
        let reasons: Vec<_> = read.entries().map(|entry| entry.reason).collect();
        assert_eq!(reasons.len(), RevocationReason::ALL.len());
        assert!(read.number().is_some());
        let empty = signed(&list(Vec::new()).to_be_signed(scheme), scheme, &[1; 70]);
        assert_eq!(RevocationList::of(&empty).unwrap().entries().count(), 0);
    }

    #[test]
    fn reasons_keep_their_numbers_and_names() {
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::of(reason.code().into()), Some(reason));
            assert_eq!(RevocationReason::named(reason.name()), Some(reason));
        }
        assert_eq!(RevocationReason::of(7), None);
    }
}
