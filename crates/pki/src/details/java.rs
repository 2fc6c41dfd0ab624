//! Certificates in the words of OpenJDK 17: what `java.security.cert.X509Certificate` and the classes behind it print, character for
//! character. For faces whose clients compare texts that a Java program wrote; hostile characters are **not** escaped here.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use md5::{Digest as _, Md5};

use super::general_name::{Choice, GeneralName};
use super::{Details, ExtensionContent};
use crate::certificate::NotACertificate;
use crate::text::hex;
use crate::time::civil_from_days;

/// What OpenJDK 17 says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Java {
    /// `getSubjectX500Principal().toString()`.
    pub subject: String,
    /// `getIssuerX500Principal().toString()`.
    pub issuer: String,
    /// `getSerialNumber().toString(16)`: lower case, without leading zeros, with a sign if it is negative.
    pub serial: String,
    /// `getVersion()`.
    pub version: u32,
    /// `getPublicKey().getAlgorithm()`: `RSA`, `EC`, `EdDSA`, …, or the dotted identifier.
    pub key_algorithm: String,
    /// The size of the key, in bits; 0 if it is not known.
    pub key_bits: u32,
    /// `getSigAlgName()`: `SHA256withRSA`, …, or the dotted identifier.
    pub signature_algorithm: String,
    /// `GeneralName.toString()` of each subject alternative name, in the certificate's order. Empty when OpenJDK does not take one
    /// of them, with which it leaves out all.
    pub alternative_names: Vec<String>,
    /// `getKeyUsage()`: nine flags in the order of the bits of RFC 5280.
    pub key_usage: [bool; 9],
    /// Begin of the validity, unix milliseconds.
    pub not_before: i64,
    /// Its end.
    pub not_after: i64,
    /// MD5 of the certificate.
    pub md5: [u8; 16],
    /// SHA-1 of the certificate.
    pub sha1: [u8; 20],
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
}

/// The usages in the order of their bits (RFC 5280 section 4.2.1.3).
const USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

impl Java {
    /// Describes the certificate at the beginning of `der`.
    ///
    /// # Errors
    /// As [`Details::of`].
    pub fn of(der: &[u8]) -> Result<Java, NotACertificate> {
        let whole = crate::certificate::certificate_element(der).unwrap_or(der);
        Details::of(der).map(|details| Java::from_details(&details, whole))
    }

    fn from_details(details: &Details, whole: &[u8]) -> Java {
        let key_usage = match details.extension("2.5.29.15").map(|extension| &extension.content) {
            Some(ExtensionContent::KeyUsage(names)) => USAGES.map(|usage| names.contains(&usage)),
            _ => [false; 9],
        };
        Java {
            subject: details.subject.as_java(),
            issuer: details.issuer.as_java(),
            serial: signed_hex(&details.serial),
            version: details.version,
            key_algorithm: key_algorithm(&details.key.algorithm.name, &details.key.algorithm.oid),
            key_bits: key_bits(&details.key.algorithm.name, details.key.bits),
            signature_algorithm: signature_algorithm(&details.signature_algorithm.oid),
            alternative_names: names(details.alternative_names()),
            key_usage,
            not_before: details.not_before.unix_ms.unwrap_or(0),
            not_after: details.not_after.unix_ms.unwrap_or(0),
            md5: Md5::digest(whole).into(),
            sha1: details.digests.sha1,
            sha256: details.digests.sha256,
        }
    }
}

/// `BigInteger.toString(16)` of the content octets of an INTEGER.
fn signed_hex(octets: &[u8]) -> String {
    let negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    let magnitude = if negative { negated(octets) } else { octets.to_vec() };
    let digits = hex(&magnitude);
    let digits = digits.trim_start_matches('0');
    match (negative, digits) {
        (_, "") => "0".to_owned(),
        (false, digits) => digits.to_owned(),
        (true, digits) => format!("-{digits}"),
    }
}

/// The negation of a number in two's complement, which is positive afterwards.
fn negated(octets: &[u8]) -> Vec<u8> {
    let mut carry = true;
    let mut out: Vec<u8> = octets
        .iter()
        .rev()
        .map(|octet| {
            let (sum, overflow) = (!octet).overflowing_add(u8::from(carry));
            carry = overflow;
            sum
        })
        .collect();
    out.reverse();
    out
}

fn key_algorithm(name: &str, oid: &str) -> String {
    match name {
        "Ed25519" | "Ed448" => "EdDSA".into(),
        "X25519" | "X448" => "XDH".into(),
        "RSA" | "EC" | "DSA" | "RSASSA-PSS" | "DH" => name.into(),
        _ if oid.is_empty() => name.into(),
        // OpenJDK 17 knew no others until 17.0.21, and shows their identifiers.
        _ => oid.into(),
    }
}

fn key_bits(name: &str, bits: Option<u32>) -> u32 {
    match name {
        "Ed25519" | "X25519" => 256,
        "Ed448" => 456,
        "X448" => 448,
        _ => bits.unwrap_or(0),
    }
}

/// The names of `sun.security.util.KnownOIDs` for signatures.
#[rustfmt::skip]
const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "MD2withRSA"), ("1.2.840.113549.1.1.4", "MD5withRSA"),
    ("1.2.840.113549.1.1.5", "SHA1withRSA"), ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "SHA256withRSA"), ("1.2.840.113549.1.1.12", "SHA384withRSA"),
    ("1.2.840.113549.1.1.13", "SHA512withRSA"), ("1.2.840.113549.1.1.14", "SHA224withRSA"),
    ("1.2.840.113549.1.1.15", "SHA512/224withRSA"), ("1.2.840.113549.1.1.16", "SHA512/256withRSA"),
    ("1.2.840.10040.4.3", "SHA1withDSA"),
    ("2.16.840.1.101.3.4.3.1", "SHA224withDSA"), ("2.16.840.1.101.3.4.3.2", "SHA256withDSA"),
    ("2.16.840.1.101.3.4.3.3", "SHA384withDSA"), ("2.16.840.1.101.3.4.3.4", "SHA512withDSA"),
    ("2.16.840.1.101.3.4.3.5", "SHA3-224withDSA"), ("2.16.840.1.101.3.4.3.6", "SHA3-256withDSA"),
    ("2.16.840.1.101.3.4.3.7", "SHA3-384withDSA"), ("2.16.840.1.101.3.4.3.8", "SHA3-512withDSA"),
    ("2.16.840.1.101.3.4.3.9", "SHA3-224withECDSA"), ("2.16.840.1.101.3.4.3.10", "SHA3-256withECDSA"),
    ("2.16.840.1.101.3.4.3.11", "SHA3-384withECDSA"), ("2.16.840.1.101.3.4.3.12", "SHA3-512withECDSA"),
    ("2.16.840.1.101.3.4.3.13", "SHA3-224withRSA"), ("2.16.840.1.101.3.4.3.14", "SHA3-256withRSA"),
    ("2.16.840.1.101.3.4.3.15", "SHA3-384withRSA"), ("2.16.840.1.101.3.4.3.16", "SHA3-512withRSA"),
    ("1.2.840.10045.4.1", "SHA1withECDSA"), ("1.2.840.10045.4.3.1", "SHA224withECDSA"),
    ("1.2.840.10045.4.3.2", "SHA256withECDSA"), ("1.2.840.10045.4.3.3", "SHA384withECDSA"),
    ("1.2.840.10045.4.3.4", "SHA512withECDSA"),
    ("1.3.14.3.2.29", "SHA1withRSA"), ("1.3.14.3.2.13", "SHA1withDSA"), ("1.3.14.3.2.27", "SHA1withDSA"),
    ("1.3.101.112", "Ed25519"), ("1.3.101.113", "Ed448"),
];

fn signature_algorithm(oid: &str) -> String {
    SIGNATURES.iter().find(|(known, _)| *known == oid).map_or(oid, |(_, name)| *name).to_owned()
}

/// Every name, or none when one of them is refused.
fn names(names: &[GeneralName]) -> Vec<String> {
    names.iter().map(name).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// `sun.security.x509.GeneralName.toString`.
fn name(name: &GeneralName) -> Option<String> {
    match &name.choice {
        Choice::OtherName { oid, value, .. } if !value.is_empty() => {
            Some(format!("Other-Name: Unrecognized ObjectIdentifier: {oid}"))
        }
        Choice::Email(_) => {
            let text = ascii(&name.raw);
            let domain = text.split_once('@').map_or(text.as_str(), |(_, domain)| domain);
            (!domain.is_empty() && domain != ".").then(|| format!("RFC822Name: {text}"))
        }
        Choice::Dns(_) => Some(format!("DNSName: {}", ascii(&name.raw))),
        Choice::DirectoryName(directory) => Some(directory.as_java()),
        // OpenJDK 17 looks for tags that are implicit, which those of a DirectoryString are not (X.680 section 31.2.7).
        Choice::EdiPartyName { party_name: Some(_), .. } => Some("EDIPartyName:   partyName = null".into()),
        Choice::Uri(_) => {
            let text = ascii(&name.raw);
            is_uri(&text).then(|| format!("URIName: {text}"))
        }
        Choice::IpAddress(_) => address(&name.raw).map(|address| format!("IPAddress: {address}")),
        Choice::RegisteredId(oid) => Some(format!("OIDName: {oid}")),
        Choice::OtherName { .. } | Choice::EdiPartyName { .. } | Choice::X400Address | Choice::Unknown(_) => None,
    }
}

/// `new String(octets, US_ASCII)`.
fn ascii(octets: &[u8]) -> String {
    octets.iter().map(|octet| if octet.is_ascii() { char::from(*octet) } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// `java.net.URI` takes it, and it has a scheme.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let mut rest_fits = !rest.is_empty();
    let mut octets = rest.bytes();
    while let Some(octet) = octets.next() {
        rest_fits &= match octet {
            b'%' => (0..2).all(|_| octets.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            octet => octet > 0x20 && octet != 0x7f && !b"\"<>\\^`{|}".contains(&octet),
        };
    }
    scheme_fits && rest_fits
}

/// `InetAddress.getHostAddress`, without zeros left out; with its mask, as it stands in name constraints.
fn address(octets: &[u8]) -> Option<String> {
    let one = |octets: &[u8]| match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(four), _) => Some(Ipv4Addr::from(four).to_string()),
        (_, Ok(sixteen)) => {
            let address = Ipv6Addr::from(sixteen);
            // Java makes an IPv4 address of one that is mapped.
            let mapped = address.to_ipv4_mapped().map(|four| four.to_string());
            Some(mapped.unwrap_or_else(|| address.segments().map(|segment| format!("{segment:x}")).join(":")))
        }
        _ => None,
    };
    match octets.len() {
        4 | 16 => one(octets),
        8 => Some(format!("{}/{}", one(&octets[..4])?, one(&octets[4..])?)),
        32 => {
            let mask = octets[16..].iter().map(|octet| octet.count_ones()).sum::<u32>();
            let leading = octets[16..].iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1));
            let contiguous = leading.take_while(|bit| *bit == 1).count() == mask as usize;
            contiguous.then(|| Some(format!("{}/{mask}", one(&octets[..16])?))).flatten()
        }
        _ => None,
    }
}

/// `java.util.Date.toString` in the time zone UTC: `Fri Jul 04 09:08:07 UTC 2025`.
pub fn date(unix_ms: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    /// 1582-10-15, from which on the Gregorian calendar is used.
    const GREGORIAN: i64 = -141_427;
    let seconds = unix_ms.div_euclid(1000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, of_month) = if day >= GREGORIAN { civil_from_days(day) } else { julian_from_days(day) };
    let index = |number: i64| usize::try_from(number).unwrap_or(0);
    let mut out = String::with_capacity(28);
    let (weekday, month) = (DAYS[index(day.rem_euclid(7))], MONTHS[index(month - 1)]);
    // Writing to a string does not fail.
    let _ =
        write!(out, "{weekday} {month} {of_month:02} {:02}:{:02}:{:02} UTC {year}", second / 3600, second / 60 % 60, second % 60);
    out
}

/// Year, month and day in the Julian calendar of a day counted from 1970-01-01.
fn julian_from_days(days: i64) -> (i64, i64, i64) {
    // 1969-12-19 of the Julian calendar is 1970-01-01; its years are counted from March.
    let shifted = days + 719_470;
    let cycle = shifted.div_euclid(1461);
    let of_cycle = shifted.rem_euclid(1461);
    let year_of_cycle = (of_cycle - of_cycle / 1460) / 365;
    let of_year = of_cycle - 365 * year_of_cycle;
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (cycle * 4 + year_of_cycle + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_java_does() {
        for (octets, text) in [
            (&[0x00, 0xc0, 0xff, 0xee][..], "c0ffee"),
            (&[0x0a, 0x1b], "a1b"),
            (&[0], "0"),
            (&[], "0"),
            (&[0xff], "-1"),
            (&[0x80], "-80"),
            (&[0xff, 0x00], "-100"),
        ] {
            assert_eq!(signed_hex(octets), text, "{octets:02x?}");
        }
    }

    #[test]
    fn dates_are_printed_as_java_does() {
        for (ms, text) in [
            (1_751_620_087_000, "Fri Jul 04 09:08:07 UTC 2025"),
            (1_709_164_800_000, "Thu Feb 29 00:00:00 UTC 2024"),
            (2_340_489_599_000, "Tue Mar 01 23:59:59 UTC 2044"),
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
            (253_402_300_799_000, "Fri Dec 31 23:59:59 UTC 9999"),
            (-12_219_292_800_000, "Fri Oct 15 00:00:00 UTC 1582"),
            (-12_219_292_801_000, "Thu Oct 04 23:59:59 UTC 1582"),
        ] {
            assert_eq!(date(ms), text);
        }
    }
}
