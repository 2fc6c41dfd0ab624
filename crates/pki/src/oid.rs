//! Object identifiers: their dotted form, and the names this crate gives to the ones it knows.
//!
//! Constants are the content octets of the DER encoding, so that comparing costs one `memcmp` and no parsing.

use std::fmt::Write;

/// Writes the dotted form (`1.2.840.113549`) of an encoded OBJECT IDENTIFIER. Arcs beyond 64 bits and truncated
/// encodings cannot be written as numbers; such an identifier is shown as `#` and its octets in hexadecimal.
pub(crate) fn dotted(content: &[u8]) -> String {
    let mut out = String::with_capacity(content.len() * 3);
    let mut arc: u64 = 0;
    let mut first = true;
    let complete = content.last().is_some_and(|byte| byte & 0x80 == 0);
    if !complete {
        return crate::text::hash_hex(content);
    }
    for &byte in content {
        if arc >> 57 != 0 {
            return crate::text::hash_hex(content);
        }
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = if first {
            let root = (arc / 40).min(2);
            write!(out, "{root}.{}", arc - root * 40)
        } else {
            write!(out, ".{arc}")
        };
        first = false;
        arc = 0;
    }
    out
}

/// The content octets of a dotted identifier; `None` when it is none (X.690 section 8.19).
pub(crate) fn encode(dotted: &str) -> Option<Vec<u8>> {
    let arcs: Option<Vec<u64>> = dotted.split('.').map(|arc| arc.parse().ok().filter(|_| !arc.starts_with('+'))).collect();
    let arcs = arcs.filter(|arcs| (2..=32).contains(&arcs.len()))?;
    let (root, second) = (arcs[0], arcs[1]);
    if root > 2 || root < 2 && second > 39 || second > u64::MAX - 80 {
        return None;
    }
    let mut out = Vec::with_capacity(dotted.len());
    for arc in std::iter::once(root * 40 + second).chain(arcs.into_iter().skip(2)) {
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group == 0 { 0 } else { 0x80 };
            out.push((arc >> (7 * group)) as u8 & 0x7f | more);
        }
    }
    Some(out)
}

/// The keyword of an attribute type in a distinguished name: those of RFC 4514 section 3 and the registered LDAP
/// descriptors that occur in certificates.
pub(crate) fn attribute(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x55, 0x04, last] => match last {
            3 => "CN",
            4 => "SN",
            5 => "serialNumber",
            6 => "C",
            7 => "L",
            8 => "ST",
            9 => "STREET",
            10 => "O",
            11 => "OU",
            12 => "title",
            13 => "description",
            15 => "businessCategory",
            17 => "postalCode",
            20 => "telephoneNumber",
            41 => "name",
            42 => "givenName",
            43 => "initials",
            44 => "generationQualifier",
            45 => "x500UniqueIdentifier",
            46 => "dnQualifier",
            65 => "pseudonym",
            97 => "organizationIdentifier",
            _ => return None,
        },
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, last] => match last {
            1 => "UID",
            25 => "DC",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, last] => match last {
            1 => "emailAddress",
            2 => "unstructuredName",
            8 => "unstructuredAddress",
            _ => return None,
        },
        // CA/Browser Forum EV guidelines 9.2.4: jurisdiction of incorporation
        [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, last] => match last {
            1 => "jurisdictionL",
            2 => "jurisdictionST",
            3 => "jurisdictionC",
            _ => return None,
        },
        _ => return None,
    })
}

pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
pub(crate) const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(crate) const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
pub(crate) const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
pub(crate) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
pub(crate) const SECP256K1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x0a];
pub(crate) const UPN: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03];
pub(crate) const AD_OCSP: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
pub(crate) const AD_CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
pub(crate) const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
pub(crate) const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];

/// The NIST arc `2.16.840.1.101.3.4.3` of signature algorithms: ML-DSA (FIPS 204) and SLH-DSA (FIPS 205).
const NIST_SIGNATURES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03];

fn nist_signature(oid: &[u8]) -> Option<&'static str> {
    let (last, arc) = oid.split_last()?;
    if arc != NIST_SIGNATURES {
        return None;
    }
    Some(match last {
        1 => "dsa-with-SHA224",
        2 => "dsa-with-SHA256",
        3 => "dsa-with-SHA384",
        4 => "dsa-with-SHA512",
        17 => "ML-DSA-44",
        18 => "ML-DSA-65",
        19 => "ML-DSA-87",
        20 => "SLH-DSA-SHA2-128s",
        21 => "SLH-DSA-SHA2-128f",
        22 => "SLH-DSA-SHA2-192s",
        23 => "SLH-DSA-SHA2-192f",
        24 => "SLH-DSA-SHA2-256s",
        25 => "SLH-DSA-SHA2-256f",
        26 => "SLH-DSA-SHAKE-128s",
        27 => "SLH-DSA-SHAKE-128f",
        28 => "SLH-DSA-SHAKE-192s",
        29 => "SLH-DSA-SHAKE-192f",
        30 => "SLH-DSA-SHAKE-256s",
        31 => "SLH-DSA-SHAKE-256f",
        _ => return None,
    })
}

/// The name of a public key algorithm.
pub(crate) fn key_algorithm(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        RSA => "RSA",
        EC => "EC",
        RSASSA_PSS => "RSASSA-PSS",
        DSA => "DSA",
        [0x2b, 0x65, last @ 0x6e..=0x71] => ["X25519", "X448", "Ed25519", "Ed448"][usize::from(last - 0x6e)],
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07] => "RSAES-OAEP",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01] | [0x2a, 0x86, 0x48, 0xce, 0x3e, 0x02, 0x01] => "DH",
        [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d] => "SM2",
        [0x2a, 0x85, 0x03, 0x02, 0x02, 0x13] => "GOST R 34.10-2001",
        [0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x01, 0x01] => "GOST R 34.10-2012-256",
        [0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x01, 0x02] => "GOST R 34.10-2012-512",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x01] => "ML-KEM-512",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x02] => "ML-KEM-768",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x03] => "ML-KEM-1024",
        _ => return nist_signature(oid),
    })
}

/// The name and the size of the field in bits of a named curve (RFC 5480, RFC 5639, SEC 2, X9.62).
pub(crate) fn curve(oid: &[u8]) -> Option<(&'static str, u32)> {
    let (last, arc) = oid.split_last()?;
    let table: &[(u8, &str, u32)] = match arc {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01] => PRIME,
        [0x2b, 0x81, 0x04, 0x00] => SECG,
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01] => BRAINPOOL,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x00] => BINARY,
        [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82] => &[(0x2d, "SM2", 256)],
        _ => return None,
    };
    table.iter().find(|(number, _, _)| number == last).map(|(_, name, bits)| (*name, *bits))
}

/// `1.2.840.10045.3.1`
#[rustfmt::skip]
const PRIME: &[(u8, &str, u32)] = &[
    (0x07, "P-256", 256), (0x01, "P-192", 192), (0x02, "prime192v2", 192), (0x03, "prime192v3", 192),
    (0x04, "prime239v1", 239), (0x05, "prime239v2", 239), (0x06, "prime239v3", 239),
];

/// `1.3.132.0`; the curves that are used most stand first
#[rustfmt::skip]
const SECG: &[(u8, &str, u32)] = &[
    (0x22, "P-384", 384), (0x23, "P-521", 521), (0x06, "secp112r1", 112), (0x07, "secp112r2", 112),
    (0x1c, "secp128r1", 128), (0x1d, "secp128r2", 128), (0x09, "secp160k1", 160), (0x08, "secp160r1", 160),
    (0x1e, "secp160r2", 160), (0x1f, "secp192k1", 192), (0x20, "secp224k1", 224), (0x21, "P-224", 224),
    (0x0a, "secp256k1", 256), (0x04, "sect113r1", 113), (0x05, "sect113r2", 113), (0x16, "sect131r1", 131),
    (0x17, "sect131r2", 131), (0x01, "sect163k1", 163), (0x02, "sect163r1", 163), (0x0f, "sect163r2", 163),
    (0x18, "sect193r1", 193), (0x19, "sect193r2", 193), (0x1a, "sect233k1", 233), (0x1b, "sect233r1", 233),
    (0x03, "sect239k1", 239), (0x10, "sect283k1", 283), (0x11, "sect283r1", 283), (0x24, "sect409k1", 409),
    (0x25, "sect409r1", 409), (0x26, "sect571k1", 571), (0x27, "sect571r1", 571),
];

/// `1.3.36.3.3.2.8.1.1`
#[rustfmt::skip]
const BRAINPOOL: &[(u8, &str, u32)] = &[
    (0x01, "brainpoolP160r1", 160), (0x02, "brainpoolP160t1", 160), (0x03, "brainpoolP192r1", 192),
    (0x04, "brainpoolP192t1", 192), (0x05, "brainpoolP224r1", 224), (0x06, "brainpoolP224t1", 224),
    (0x07, "brainpoolP256r1", 256), (0x08, "brainpoolP256t1", 256), (0x09, "brainpoolP320r1", 320),
    (0x0a, "brainpoolP320t1", 320), (0x0b, "brainpoolP384r1", 384), (0x0c, "brainpoolP384t1", 384),
    (0x0d, "brainpoolP512r1", 512), (0x0e, "brainpoolP512t1", 512),
];

/// `1.2.840.10045.3.0`
#[rustfmt::skip]
const BINARY: &[(u8, &str, u32)] = &[
    (0x01, "c2pnb163v1", 163), (0x02, "c2pnb163v2", 163), (0x03, "c2pnb163v3", 163), (0x04, "c2pnb176v1", 176),
    (0x05, "c2tnb191v1", 191), (0x06, "c2tnb191v2", 191), (0x07, "c2tnb191v3", 191), (0x0a, "c2pnb208w1", 208),
    (0x0b, "c2tnb239v1", 239), (0x0c, "c2tnb239v2", 239), (0x0d, "c2tnb239v3", 239), (0x10, "c2pnb272w1", 272),
    (0x11, "c2pnb304w1", 304), (0x12, "c2tnb359v1", 359), (0x13, "c2pnb368w1", 368), (0x14, "c2tnb431r1", 431),
];

/// The name of a signature algorithm as its standard spells it.
pub(crate) fn signature_algorithm(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last] => match last {
            11 => "sha256WithRSAEncryption",
            12 => "sha384WithRSAEncryption",
            13 => "sha512WithRSAEncryption",
            14 => "sha224WithRSAEncryption",
            5 => "sha1WithRSAEncryption",
            4 => "md5WithRSAEncryption",
            2 => "md2WithRSAEncryption",
            1 => "rsaEncryption",
            10 => "RSASSA-PSS",
            15 => "sha512-224WithRSAEncryption",
            16 => "sha512-256WithRSAEncryption",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last] => match last {
            1 => "ecdsa-with-SHA224",
            2 => "ecdsa-with-SHA256",
            3 => "ecdsa-with-SHA384",
            4 => "ecdsa-with-SHA512",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => "ecdsa-with-SHA1",
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => "dsa-with-SHA1",
        [0x2b, 0x65, 0x70] => "Ed25519",
        [0x2b, 0x65, 0x71] => "Ed448",
        [0x2b, 0x0e, 0x03, 0x02, 0x1d] => "sha1WithRSA",
        [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75] => "SM2-with-SM3",
        _ => return nist_signature(oid),
    })
}

/// The name of an extended key usage (RFC 5280 section 4.2.1.12 and the vendors' common ones).
pub(crate) fn extended_key_usage(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x55, 0x1d, 0x25, 0x00] => "anyExtendedKeyUsage",
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last] => match last {
            1 => "serverAuth",
            2 => "clientAuth",
            3 => "codeSigning",
            4 => "emailProtection",
            5 => "ipsecEndSystem",
            6 => "ipsecTunnel",
            7 => "ipsecUser",
            8 => "timeStamping",
            9 => "OCSPSigning",
            17 => "ipsecIKE",
            28 => "cmcRA",
            36 => "documentSigning",
            _ => return None,
        },
        [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x03, last] => match last {
            1 => "msCTLSign",
            3 => "msSGC",
            4 => "msEFS",
            12 => "msDocumentSigning",
            _ => return None,
        },
        [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x02] => "msSmartcardLogin",
        [0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x04, 0x01] => "nsSGC",
        [0x2b, 0x06, 0x01, 0x05, 0x02, 0x03, 0x05] => "pkInitKDC",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_forms() {
        assert_eq!(dotted(RSA), "1.2.840.113549.1.1.1");
        assert_eq!(dotted(&[0x88, 0x37, 0x03]), "2.999.3"); // X.660's example arc
        assert_eq!(dotted(&[0x00]), "0.0");
        assert_eq!(dotted(&[0x27]), "0.39");
        assert_eq!(dotted(&[]), "#");
        assert_eq!(dotted(&[0x2a, 0x86]), "#2a86");
        assert_eq!(dotted(&[0xff; 40]), format!("#{}", "ff".repeat(40)));
        assert_eq!(dotted(&[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), "#2affffffffffffffffff7f");
    }

    #[test]
    fn dotted_identifiers_are_written_as_they_are_read() {
        for dotted_text in
            ["2.5.4.3", "1.3.6.1.4.1.311.20.2.3", "2.16.840.1.101.3.4.3.18", "0.39", "2.999.1", "1.2.18446744073709551615"]
        {
            let octets = encode(dotted_text).unwrap();
            if dotted_text.len() < 20 || !dotted_text.contains("1844") {
                assert_eq!(dotted(&octets), dotted_text);
            }
        }
        assert_eq!(encode("2.5.4.3"), Some(COMMON_NAME.to_vec()));
        for wrong in ["", "1", "3.1", "1.40", "1..2", "1.a", "+1.2", "1.2.", "1.2.99999999999999999999"] {
            assert_eq!(encode(wrong), None, "{wrong}");
        }
    }
}
