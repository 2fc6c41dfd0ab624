//! Rules about what a key may be used for (RFC 5280 sections 4.2.1.3 and 4.2.1.12).

use std::borrow::Cow;

use super::Verdict;
use super::input::{ANY_PURPOSE, CLIENT_AUTH, CODE_SIGNING, Input, Known, OCSP_SIGNING, SERVER_AUTH, TIME_STAMPING, usage};
use super::rule::Rule;
use super::rule::Severity::{Error, Notice, Warning};
use super::rule::Source::Rfc;
use crate::oid;

const REPLACE: &str = "Replace the certificate by one whose key usage fits its key.";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "ca-key-usage-missing",
        Error,
        "An authority's certificate has no key usage",
        "Replace it by one with keyCertSign and cRLSign.",
        Rfc(5280, "4.2.1.3"),
        ca_usage_missing,
    ),
    Rule::new(
        "ca-may-not-sign",
        Error,
        "An authority may not sign certificates",
        "Replace the certificate by one whose key usage has keyCertSign.",
        Rfc(5280, "4.2.1.9"),
        ca_may_not_sign,
    ),
    Rule::new(
        "cert-sign-without-ca",
        Error,
        "The key may sign certificates, but the certificate is not an authority's",
        "Replace the certificate by one without keyCertSign, or with basic constraints that say it is an authority's.",
        Rfc(5280, "4.2.1.9"),
        sign_without_ca,
    ),
    Rule::new("key-usage-empty", Error, "The key usage allows nothing", REPLACE, Rfc(5280, "4.2.1.3"), usage_empty),
    Rule::new(
        "key-usage-not-critical",
        Notice,
        "The key usage is not critical",
        "Mark it critical at the next renewal.",
        Rfc(5280, "4.2.1.3"),
        usage_not_critical,
    ),
    Rule::new(
        "key-usage-only-without-agreement",
        Warning,
        "The key usage has encipherOnly or decipherOnly without keyAgreement",
        "Remove the bit: without keyAgreement it has no meaning.",
        Rfc(5280, "4.2.1.3"),
        only_without_agreement,
    ),
    Rule::new(
        "rsa-key-agreement",
        Error,
        "An RSA key is marked for key agreement, which it cannot do",
        REPLACE,
        Rfc(3279, "2.3.1"),
        rsa_agreement,
    ),
    Rule::new(
        "ec-key-encipherment",
        Error,
        "An elliptic curve key is marked for encipherment, which it cannot do",
        REPLACE,
        Rfc(8813, "3"),
        ec_encipherment,
    ),
    Rule::new(
        "edwards-key-usage",
        Error,
        "An Ed25519 or Ed448 key is marked for more than signing",
        REPLACE,
        Rfc(9295, "3"),
        edwards_usage,
    ),
    Rule::new(
        "montgomery-key-usage",
        Error,
        "An X25519 or X448 key is not marked for key agreement alone",
        REPLACE,
        Rfc(9295, "3"),
        montgomery_usage,
    ),
    Rule::new(
        "ml-dsa-key-usage",
        Error,
        "An ML-DSA key is marked for encipherment or key agreement",
        REPLACE,
        Rfc(9881, "5"),
        ml_dsa_usage,
    ),
    Rule::new(
        "slh-dsa-key-usage",
        Error,
        "An SLH-DSA key is marked for encipherment or key agreement",
        REPLACE,
        Rfc(9909, "6"),
        slh_dsa_usage,
    ),
    Rule::new(
        "ml-kem-key-usage",
        Error,
        "An ML-KEM key is not marked for keyEncipherment alone",
        REPLACE,
        Rfc(9935, "5"),
        ml_kem_usage,
    ),
    Rule::new(
        "purpose-repeated",
        Notice,
        "An extended key usage occurs more than once",
        "Name each usage once at the next renewal.",
        Rfc(5280, "4.2.1.12"),
        purpose_repeated,
    ),
    Rule::new(
        "purpose-any-critical",
        Warning,
        "Any extended key usage is allowed, in a critical extension",
        "Name the usages that are meant.",
        Rfc(5280, "4.2.1.12"),
        any_critical,
    ),
    Rule::new(
        "purpose-any",
        Notice,
        "The certificate may be used for anything",
        "Name the usages that are meant: a stolen key could otherwise sign code or mail.",
        Rfc(5280, "4.2.1.12"),
        any_purpose,
    ),
    Rule::new(
        "tls-server-key-usage",
        Warning,
        "A TLS server cannot use the key as its key usage says",
        "Replace the certificate by one with digitalSignature.",
        Rfc(8446, "4.4.2.2"),
        server_usage,
    ),
    Rule::new(
        "tls-client-key-usage",
        Warning,
        "A TLS client cannot use the key as its key usage says",
        "Replace the certificate by one with digitalSignature.",
        Rfc(5246, "7.4.6"),
        client_usage,
    ),
    Rule::new(
        "code-signing-mixed",
        Warning,
        "One certificate is for signing code and for TLS",
        "Use two certificates with two keys: the key of a server is more exposed than one that signs code should be.",
        Rfc(5280, "4.2.1.12"),
        code_signing_mixed,
    ),
    Rule::new(
        "time-stamping-not-alone",
        Error,
        "A time-stamping certificate has other usages, or the extension is not critical",
        "Replace it by one with timeStamping as its only extended key usage, critical.",
        Rfc(3161, "2.3"),
        time_stamping,
    ),
    Rule::new(
        "ca-purpose-ocsp",
        Notice,
        "An authority's certificate has the extended key usage OCSPSigning",
        "Leave it out: an authority may answer for its own certificates anyway, and a subordinate could answer for its siblings.",
        Rfc(6960, "4.2.2.2"),
        ca_ocsp,
    ),
];

fn ca_usage_missing(input: &Input<'_>) -> Verdict {
    let missing = input.facts.is_ca && !input.has(Known::KeyUsage);
    missing.then_some(Cow::Borrowed("The certificate is an authority's and does not say what its key may do."))
}

fn ca_may_not_sign(input: &Input<'_>) -> Verdict {
    let wrong = input.facts.is_ca && input.key_usage.is_some() && !input.may(usage::KEY_CERT_SIGN);
    wrong.then(|| format!("The key usage is {}, without keyCertSign.", list(input)).into())
}

fn sign_without_ca(input: &Input<'_>) -> Verdict {
    let wrong = !input.facts.is_ca && input.may(usage::KEY_CERT_SIGN);
    wrong.then_some(Cow::Borrowed(
        "The key usage has keyCertSign, but the basic constraints do not say that this is an authority.",
    ))
}

fn usage_empty(input: &Input<'_>) -> Verdict {
    (input.key_usage == Some(0)).then_some(Cow::Borrowed("No bit of the key usage is set."))
}

fn usage_not_critical(input: &Input<'_>) -> Verdict {
    let wrong = input.has(Known::KeyUsage) && !input.is_critical(Known::KeyUsage);
    wrong.then_some(Cow::Borrowed("Software that does not know key usages may use the key for anything."))
}

fn only_without_agreement(input: &Input<'_>) -> Verdict {
    let only = input.may(usage::ENCIPHER_ONLY) || input.may(usage::DECIPHER_ONLY);
    (only && !input.may(usage::KEY_AGREEMENT)).then(|| format!("The key usage is {}.", list(input)).into())
}

const ENCIPHERMENT: [u32; 2] = [usage::KEY_ENCIPHERMENT, usage::DATA_ENCIPHERMENT];
const NOT_SIGNING: [u32; 5] =
    [usage::KEY_ENCIPHERMENT, usage::DATA_ENCIPHERMENT, usage::KEY_AGREEMENT, usage::ENCIPHER_ONLY, usage::DECIPHER_ONLY];

/// A key of a kind with any of these bits.
fn unfit(input: &Input<'_>, kind: bool, bits: &[u32]) -> Verdict {
    let wrong = kind && bits.iter().any(|bit| input.may(*bit));
    wrong.then(|| format!("The key is of the kind {}, its usage {}.", input.facts.key_algorithm, list(input)).into())
}

fn rsa_agreement(input: &Input<'_>) -> Verdict {
    unfit(input, input.key_algorithm == oid::RSA, &[usage::KEY_AGREEMENT, usage::ENCIPHER_ONLY, usage::DECIPHER_ONLY])
}

fn ec_encipherment(input: &Input<'_>) -> Verdict {
    unfit(input, input.key_algorithm == oid::EC, &ENCIPHERMENT)
}

fn edwards_usage(input: &Input<'_>) -> Verdict {
    unfit(input, matches!(input.key_algorithm, [0x2b, 0x65, 0x70 | 0x71]), &NOT_SIGNING)
}

/// A key of a kind with a key usage that lacks one bit or has any of others.
fn not_alone(input: &Input<'_>, kind: bool, wanted: u32, others: u16) -> Verdict {
    let usage = input.key_usage.filter(|_| kind)?;
    let wrong = usage & 1 << wanted == 0 || usage & others != 0;
    wrong.then(|| format!("The key is of the kind {}, its usage {}.", input.facts.key_algorithm, list(input)).into())
}

fn montgomery_usage(input: &Input<'_>) -> Verdict {
    let allowed = 1 << usage::KEY_AGREEMENT | 1 << usage::ENCIPHER_ONLY | 1 << usage::DECIPHER_ONLY;
    not_alone(input, matches!(input.key_algorithm, [0x2b, 0x65, 0x6e | 0x6f]), usage::KEY_AGREEMENT, !allowed)
}

/// The last arc below NIST's identifiers of algorithms: 2.16.840.1.101.3.4.GROUP.LAST.
fn nist(input: &Input<'_>, group: u8) -> Option<u8> {
    match input.key_algorithm {
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, of, last] if *of == group => Some(*last),
        _ => None,
    }
}

fn ml_dsa_usage(input: &Input<'_>) -> Verdict {
    unfit(input, matches!(nist(input, 3), Some(17..=19)), &NOT_SIGNING)
}

fn slh_dsa_usage(input: &Input<'_>) -> Verdict {
    unfit(input, matches!(nist(input, 3), Some(20..=31)), &NOT_SIGNING)
}

fn ml_kem_usage(input: &Input<'_>) -> Verdict {
    not_alone(input, matches!(nist(input, 4), Some(1..=3)), usage::KEY_ENCIPHERMENT, !(1 << usage::KEY_ENCIPHERMENT))
}

fn purpose_repeated(input: &Input<'_>) -> Verdict {
    let all = &input.purposes;
    let few = all.len().min(100);
    let place = (1..few).find(|place| all[..*place].contains(&all[*place]))?;
    Some(format!("The usage {} occurs more than once.", purpose(all[place])).into())
}

fn any_critical(input: &Input<'_>) -> Verdict {
    let wrong = input.has_purpose(ANY_PURPOSE) && input.is_critical(Known::ExtendedKeyUsage);
    wrong.then_some(Cow::Borrowed("The extended key usage is critical and holds anyExtendedKeyUsage."))
}

fn any_purpose(input: &Input<'_>) -> Verdict {
    let wrong = input.has_purpose(ANY_PURPOSE) && !input.facts.is_ca;
    wrong.then_some(Cow::Borrowed("The extended key usage holds anyExtendedKeyUsage."))
}

/// The key usage allows neither signing nor, where the key can, what TLS 1.2 also used.
fn unusable_for_tls(input: &Input<'_>, exchange: &[u32]) -> bool {
    let usable = input.may(usage::DIGITAL_SIGNATURE) || exchange.iter().any(|bit| input.may(*bit));
    input.key_usage.is_some_and(|usage| usage != 0) && !usable && !input.facts.is_ca
}

fn server_usage(input: &Input<'_>) -> Verdict {
    let wrong = input.has_purpose(SERVER_AUTH) && unusable_for_tls(input, &[usage::KEY_ENCIPHERMENT, usage::KEY_AGREEMENT]);
    wrong.then(|| format!("The certificate is for TLS servers, its key usage is {}.", list(input)).into())
}

fn client_usage(input: &Input<'_>) -> Verdict {
    let wrong =
        input.has_purpose(CLIENT_AUTH) && !input.has_purpose(SERVER_AUTH) && unusable_for_tls(input, &[usage::KEY_AGREEMENT]);
    wrong.then(|| format!("The certificate is for TLS clients, its key usage is {}.", list(input)).into())
}

fn code_signing_mixed(input: &Input<'_>) -> Verdict {
    let mixed = input.has_purpose(CODE_SIGNING) && input.has_purpose(SERVER_AUTH) && !input.facts.is_ca;
    mixed.then_some(Cow::Borrowed("The extended key usage has both codeSigning and serverAuth."))
}

fn time_stamping(input: &Input<'_>) -> Verdict {
    if !input.has_purpose(TIME_STAMPING) || input.facts.is_ca {
        return None;
    }
    if input.purposes.len() > 1 {
        return Some(Cow::Borrowed("timeStamping is not the only extended key usage."));
    }
    let critical = input.is_critical(Known::ExtendedKeyUsage);
    (!critical).then_some(Cow::Borrowed("The extended key usage timeStamping is not critical."))
}

fn ca_ocsp(input: &Input<'_>) -> Verdict {
    let wrong = input.facts.is_ca && input.has_purpose(OCSP_SIGNING);
    wrong.then_some(Cow::Borrowed("The authority's extended key usage has OCSPSigning."))
}

/// The key usages for a sentence.
pub(super) fn list(input: &Input<'_>) -> String {
    if input.facts.key_usage.is_empty() { "empty".to_owned() } else { input.facts.key_usage.join(", ") }
}

/// The name of an extended key usage for a sentence.
pub(super) fn purpose(id: &[u8]) -> Cow<'static, str> {
    oid::extended_key_usage(id).map_or_else(|| oid::dotted(id).into(), Cow::Borrowed)
}
