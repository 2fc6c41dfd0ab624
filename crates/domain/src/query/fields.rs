//! The built-in fields.

use super::field::{Choice, Field, FieldId, Kind};

/// Values of `CertState`; the numbers are Keyfactor's.
const CERT_STATES: &[Choice] = &[
    Choice { number: 0, names: &["Unknown"] },
    Choice { number: 1, names: &["Active"] },
    Choice { number: 2, names: &["Revoked"] },
    Choice { number: 3, names: &["Denied"] },
    Choice { number: 4, names: &["Failed"] },
    Choice { number: 5, names: &["Pending"] },
    Choice { number: 6, names: &["CertificateAuthority", "Certificate Authority", "CA"] },
    Choice { number: 7, names: &["ParentCertificateAuthority", "Parent Certificate Authority"] },
    Choice { number: 8, names: &["ExternalValidation", "External Validation"] },
];

/// Values of `KeyType`; the numbers are Keyfactor's.
const KEY_TYPES: &[Choice] = &[
    Choice { number: 0, names: &["Unknown", "Other"] },
    Choice { number: 1, names: &["RSA"] },
    Choice { number: 2, names: &["DSA"] },
    Choice { number: 3, names: &["ECC", "EC"] },
    Choice { number: 4, names: &["DH"] },
];

/// Severities of findings; the greater, the worse.
const SEVERITIES: &[Choice] = &[
    Choice { number: 1, names: &["info"] },
    Choice { number: 2, names: &["notice"] },
    Choice { number: 3, names: &["warning"] },
    Choice { number: 4, names: &["error"] },
];

const fn one(id: FieldId, names: &'static [&'static str], kind: Kind, sentence: &'static str) -> Field {
    Field { id, names, kind, several: false, sentence }
}

const fn several(id: FieldId, names: &'static [&'static str], kind: Kind, sentence: &'static str) -> Field {
    Field { id, names, kind, several: true, sentence }
}

const fn absent(names: &'static [&'static str], kind: Kind) -> Field {
    one(FieldId::Absent, names, kind, "understood for compatibility, never set: Certhold has no such data")
}

/// Every built-in field, those people use most first.
pub const FIELDS: &[Field] = &[
    one(FieldId::IssuedCn, &["IssuedCN", "CN", "CommonName"], Kind::Text, "the subject's common name"),
    several(FieldId::San, &["SAN", "SubjectAltName"], Kind::Text, "any subject alternative name: DNS names, addresses, URIs …"),
    one(FieldId::IssuedDn, &["IssuedDN", "DN", "Subject"], Kind::Dn, "the subject, most specific name first (CN=…,O=…,C=…)"),
    one(FieldId::IssuerDn, &["IssuerDN", "Issuer"], Kind::Dn, "the issuer, most specific name first"),
    one(FieldId::IssuerCn, &["IssuerCN"], Kind::Text, "the issuer's common name"),
    one(FieldId::OwnerRoleName, &["OwnerRoleName", "Owner"], Kind::Text, "the name of the role that owns it; NULL: nobody"),
    one(FieldId::OwnerRoleId, &["OwnerRoleId"], Kind::Number, "the number of the role that owns it"),
    one(FieldId::ExpirationDate, &["ExpirationDate", "NotAfter", "Expires"], Kind::Time, "the end of its validity"),
    one(FieldId::IssuedDate, &["IssuedDate", "NotBefore", "EffectiveDate"], Kind::Time, "the begin of its validity"),
    one(FieldId::ImportDate, &["ImportDate", "HeldSince"], Kind::Time, "since when Certhold holds it"),
    one(
        FieldId::RevocationDate,
        &["RevocationDate", "RevocationEffDate"],
        Kind::Time,
        "from when on it is revoked, as far as Certhold knows; NULL: it is not",
    ),
    one(
        FieldId::SerialNumber,
        &["SerialNumber", "Serial"],
        Kind::Hex,
        "the serial number, hexadecimal, with or without leading zeros",
    ),
    one(FieldId::Thumbprint, &["Thumbprint", "SHA1"], Kind::Digest(40), "SHA-1 of the certificate, hexadecimal"),
    one(FieldId::Fingerprint, &["Fingerprint", "SHA256"], Kind::Digest(64), "SHA-256 of the certificate, hexadecimal"),
    one(FieldId::CertId, &["CertId", "Id", "CertificateId"], Kind::Number, "the certificate's number in Certhold"),
    one(
        FieldId::CertState,
        &["CertState", "State"],
        Kind::Choice(CERT_STATES),
        "Revoked, else CertificateAuthority for authorities and Active for others",
    ),
    one(FieldId::KeyType, &["KeyType"], Kind::Choice(KEY_TYPES), "the family of the key's algorithm"),
    one(FieldId::KeyAlgorithm, &["KeyAlgorithm"], Kind::Text, "the key's algorithm: RSA, EC, Ed25519, ML-DSA-65 …"),
    one(FieldId::KeySize, &["KeySize", "KeySizeInBits"], Kind::Number, "the key's size in bits"),
    one(FieldId::Curve, &["Curve"], Kind::Text, "the key's elliptic curve: P-256 …"),
    one(
        FieldId::SigningAlgorithm,
        &["SigningAlgorithm", "SignatureAlgorithm"],
        Kind::Text,
        "the signature's algorithm: sha256WithRSAEncryption …",
    ),
    several(
        FieldId::Eku,
        &["EKU", "EKUName", "ExtendedKeyUsage"],
        Kind::Text,
        "an extended key usage: its identifier, name or description",
    ),
    one(FieldId::KeyUsage, &["KeyUsage"], Kind::Usage, "a key usage by name, or all of them as a number"),
    several(FieldId::Organization, &["O", "Organization"], Kind::Text, "an organization of the subject"),
    several(FieldId::Ou, &["OU", "OrganizationalUnit"], Kind::Text, "an organizational unit of the subject"),
    several(FieldId::Country, &["C", "Country"], Kind::Text, "a country of the subject, two letters"),
    several(
        FieldId::IssuedEmail,
        &["IssuedEmail", "E", "Email"],
        Kind::Text,
        "a mail address of the subject or its alternative names",
    ),
    several(FieldId::Finding, &["Finding"], Kind::Text, "the id of a rule that it breaks; NULL: no findings"),
    one(
        FieldId::FindingSeverity,
        &["FindingSeverity", "Severity"],
        Kind::Ordered(SEVERITIES),
        "the worst severity among its findings",
    ),
    one(FieldId::HasPrivateKey, &["HasPrivateKey"], Kind::Flag, "whether its private key is in custody"),
    one(FieldId::Managed, &["Managed"], Kind::Flag, "whether Certhold renews it, or renewed it"),
    one(FieldId::ManagedName, &["ManagedName"], Kind::Text, "the managed certificate it is a version of"),
    one(FieldId::SelfSigned, &["SelfSigned"], Kind::Flag, "whether subject and issuer are the same and its own key signed it"),
    one(FieldId::IsCa, &["IsCA"], Kind::Flag, "whether it is an authority's certificate"),
    one(FieldId::Authority, &["CA"], Kind::Text, "the private authority that issued it; NULL: none of them did"),
    one(
        FieldId::TemplateName,
        &["TemplateShortName"],
        Kind::Text,
        "the template by which a private authority issued it: server, client …; NULL: none",
    ),
    one(FieldId::TemplateTitle, &["TemplateDisplayName"], Kind::Text, "that template as people call it: TLS server …"),
    one(
        FieldId::Requester,
        &["NetBIOSRequester"],
        Kind::Text,
        "who enrolled for it at a private authority; NULL: it came otherwise",
    ),
    one(
        FieldId::Rfc2818,
        &["RFC2818Compliant"],
        Kind::Flag,
        "whether it has alternative names, and its common name, if there is one, among them",
    ),
    one(FieldId::Revoker, &["Revoker"], Kind::Text, "who recorded that it is revoked; NULL: it is not"),
    several(
        FieldId::StoreMachine,
        &["CertStoreFQDN", "StoreMachine"],
        Kind::Text,
        "the machine of a certificate store that it is in",
    ),
    several(FieldId::StorePath, &["CertStorePath", "StorePath"], Kind::Text, "the path of a certificate store that it is in"),
    several(
        FieldId::StoreContainer,
        &["CertStoreContainer", "StoreContainer"],
        Kind::Text,
        "the container of a certificate store that it is in",
    ),
    one(FieldId::Source, &["Source"], Kind::Text, "where it came from: upload, acme, chain …"),
    one(
        FieldId::PublicKey,
        &["PublicKey", "KeyFingerprint"],
        Kind::Digest(64),
        "SHA-256 of its public key: equal for all certificates of one key",
    ),
    one(FieldId::SubjectKeyId, &["SubjectKeyId", "SKI"], Kind::Hex, "the subject key identifier, hexadecimal"),
    one(FieldId::AuthorityKeyId, &["AuthorityKeyId", "AKI"], Kind::Hex, "the authority key identifier, hexadecimal"),
    one(
        FieldId::IsExcluded,
        &["IsExcluded"],
        Kind::Flag,
        "whether it was removed and excluded from imports, and was found in a certificate store since",
    ),
    one(
        FieldId::AlwaysFalse,
        &["ArchivedKey"],
        Kind::Flag,
        "understood for compatibility, always false: no authority keeps a key for Certhold",
    ),
    absent(&["CertRequestId"], Kind::Number),
    absent(&["NetBIOSPrincipal"], Kind::Text),
    absent(&["SSLDNSName"], Kind::Text),
    absent(&["SSLIPAddress"], Kind::Text),
    absent(&["SSLNetworkName"], Kind::Text),
    absent(&["SSLPort"], Kind::Number),
];
