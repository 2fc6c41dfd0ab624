//! The extensions of a certificate one by one, for people who look closely (RFC 5280 section 4.2).

use crate::certificate::{Certificate, Extensions, NotACertificate};
use crate::oid;

/// One extension as it stands in the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionEntry {
    /// Its object identifier, dotted.
    pub oid: String,
    /// Whether whoever does not understand it must reject the certificate.
    pub critical: bool,
    /// The content of its OCTET STRING, undecoded.
    pub value: Vec<u8>,
}

/// The readable extensions of the certificate at the beginning of `der`, in its order.
///
/// # Errors
/// As [`crate::Facts::of`].
pub fn extension_list(der: &[u8]) -> Result<Vec<ExtensionEntry>, NotACertificate> {
    let certificate = Certificate::locate(der)?;
    let entry = |extension: crate::certificate::Extension<'_>| ExtensionEntry {
        oid: oid::dotted(extension.oid),
        critical: extension.critical,
        value: extension.value.to_vec(),
    };
    Ok(certificate.extensions.map(|reader| Extensions::new(reader).map(entry).collect()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Generator;

    #[test]
    fn samples_carry_names_and_a_critical_key_usage() {
        let list = extension_list(&Generator::new(7).certificate(3)).unwrap();
        let find = |oid: &str| list.iter().find(|entry| entry.oid == oid);
        assert!(find("2.5.29.17").is_some_and(|names| names.value.starts_with(&[0x30])), "{list:?}");
        assert!(find("2.5.29.15").is_some_and(|usage| usage.critical), "{list:?}");
        assert!(find("2.5.29.14").is_none_or(|identifier| !identifier.critical), "{list:?}");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(extension_list(b"").is_err());
        assert!(extension_list(&[0x30, 0x03, 0x02, 0x01, 0x00]).is_err());
    }
}
