//! Key usages and extended key usages by the names people give them.

/// Key usage bits, numbered as the octets of the extension (RFC 5280 section 4.2.1.3), with the second octet above the first.
const KEY_USAGES: &[(&str, i64)] = &[
    ("digitalSignature", 0x80),
    ("nonRepudiation", 0x40),
    ("contentCommitment", 0x40),
    ("keyEncipherment", 0x20),
    ("dataEncipherment", 0x10),
    ("keyAgreement", 0x08),
    ("keyCertSign", 0x04),
    ("cRLSign", 0x02),
    ("encipherOnly", 0x01),
    ("decipherOnly", 0x8000),
];

/// The key usages of a certificate ([`certhold_pki::Facts::key_usage`]) as an integer.
pub fn key_usage_bits<T: AsRef<str>>(usages: &[T]) -> i64 {
    usages.iter().filter_map(|usage| key_usage_bit(usage.as_ref())).fold(0, |bits, bit| bits | bit)
}

/// The bit of a key usage's name, in any letter case, with or without spaces ("Digital Signature").
pub(super) fn key_usage_bit(name: &str) -> Option<i64> {
    let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    KEY_USAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)).map(|(_, bit)| *bit)
}

/// The names of the key usages.
pub(super) fn key_usage_names() -> impl Iterator<Item = &'static str> {
    KEY_USAGES.iter().map(|(name, _)| *name)
}

/// Extended key usages: the name in facts, the identifier, the description.
const EXTENDED: &[[&str; 3]] = &[
    ["anyExtendedKeyUsage", "2.5.29.37.0", "Any Purpose"],
    ["serverAuth", "1.3.6.1.5.5.7.3.1", "Server Authentication"],
    ["clientAuth", "1.3.6.1.5.5.7.3.2", "Client Authentication"],
    ["codeSigning", "1.3.6.1.5.5.7.3.3", "Code Signing"],
    ["emailProtection", "1.3.6.1.5.5.7.3.4", "Secure Email"],
    ["ipsecEndSystem", "1.3.6.1.5.5.7.3.5", "IP Security End System"],
    ["ipsecTunnel", "1.3.6.1.5.5.7.3.6", "IP Security Tunnel Termination"],
    ["ipsecUser", "1.3.6.1.5.5.7.3.7", "IP Security User"],
    ["timeStamping", "1.3.6.1.5.5.7.3.8", "Time Stamping"],
    ["OCSPSigning", "1.3.6.1.5.5.7.3.9", "OCSP Signing"],
    ["ipsecIKE", "1.3.6.1.5.5.7.3.17", "IP Security IKE"],
    ["cmcRA", "1.3.6.1.5.5.7.3.28", "CMC Registration Authority"],
    ["documentSigning", "1.3.6.1.5.5.7.3.36", "Document Signing"],
    ["msCTLSign", "1.3.6.1.4.1.311.10.3.1", "Microsoft Trust List Signing"],
    ["msSGC", "1.3.6.1.4.1.311.10.3.3", "Microsoft Server Gated Cryptography"],
    ["msEFS", "1.3.6.1.4.1.311.10.3.4", "Encrypting File System"],
    ["msDocumentSigning", "1.3.6.1.4.1.311.10.3.12", "Microsoft Document Signing"],
    ["msSmartcardLogin", "1.3.6.1.4.1.311.20.2.2", "Smart Card Logon"],
    ["nsSGC", "2.16.840.1.113730.4.1", "Netscape Server Gated Cryptography"],
    ["pkInitKDC", "1.3.6.1.5.2.3.5", "KDC Authentication"],
];

/// Everything that an extended key usage of [`certhold_pki::Facts::extended_key_usage`] is called: name, identifier and
/// description; itself alone when it is not known. Unfolded.
pub fn extended_key_usage_spellings(usage: &str) -> Vec<&str> {
    EXTENDED.iter().find(|row| row[0] == usage).map_or_else(|| vec![usage], |row| row.to_vec())
}

/// The extended key usages that are called so, as [`certhold_pki::Facts::extended_key_usage`] has them, folded; `text` is folded.
pub fn extended_key_usages_called(text: &str) -> Vec<String> {
    let known = EXTENDED.iter().filter(|row| row.iter().any(|name| super::fold(name) == text)).map(|row| super::fold(row[0]));
    let mut called: Vec<String> = known.collect();
    if called.is_empty() {
        called.push(text.to_owned());
    }
    called
}

/// The names to offer on completion.
pub(super) fn extended_key_usage_names() -> impl Iterator<Item = &'static str> {
    EXTENDED.iter().map(|row| row[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_extension() {
        // openssl: keyUsage=critical,keyCertSign,cRLSign is encoded 03 02 01 06; digitalSignature,keyEncipherment 03 02 05 A0
        assert_eq!(key_usage_bits(&["keyCertSign", "cRLSign"]), 0x06);
        assert_eq!(key_usage_bits(&["digitalSignature", "keyEncipherment"]), 0xa0);
        assert_eq!(key_usage_bit("Digital Signature"), Some(0x80));
        assert_eq!(key_usage_bit("signing"), None);
    }

    #[test]
    fn usages_have_their_identifiers() {
        assert_eq!(extended_key_usage_spellings("serverAuth"), ["serverAuth", "1.3.6.1.5.5.7.3.1", "Server Authentication"]);
        assert_eq!(extended_key_usage_spellings("1.2.3"), ["1.2.3"]);
    }
}
