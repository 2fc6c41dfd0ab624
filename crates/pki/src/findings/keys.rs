//! Rules about keys and signature algorithms: strength, parameters, and until when they are to be used.

use std::borrow::Cow;

use super::Verdict;
use super::input::{DAY_MS, Input, day, show_day};
use super::rule::Rule;
use super::rule::Severity::{Error, Info, Notice, Warning};
use super::rule::Source::{Other, Rfc};
use crate::asn1::{Element, Reader, bit_length, tag, without_leading_zeros};
use crate::oid;

const NEW_KEY: &str = "Replace the certificate by one for a new key: RSA with 3072 bits, or P-256.";
const SP_800_131A: &str = "https://doi.org/10.6028/NIST.SP.800-131Ar2";
const IR_8547: &str = "https://doi.org/10.6028/NIST.IR.8547.ipd";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "weak-rsa-key",
        Error,
        "The RSA key has fewer than 2048 bits",
        NEW_KEY,
        Other("NIST SP 800-131A Rev. 2 section 3, disallowed since 2014-01-01", SP_800_131A),
        weak_rsa,
    ),
    Rule::new(
        "weak-ec-key",
        Error,
        "The elliptic curve has fewer than 224 bits",
        NEW_KEY,
        Other("NIST SP 800-131A Rev. 2 section 3, disallowed since 2014-01-01", SP_800_131A),
        weak_ec,
    ),
    Rule::new(
        "dsa-key",
        Warning,
        "The key is for DSA, which is no longer approved",
        NEW_KEY,
        Other("NIST FIPS 186-5, since 2023-02-03", "https://doi.org/10.6028/NIST.FIPS.186-5"),
        dsa_key,
    ),
    Rule::new(
        "rsa-exponent-invalid",
        Error,
        "The public exponent of the RSA key is 1 or even",
        NEW_KEY,
        Rfc(8017, "3.1"),
        exponent_invalid,
    ),
    Rule::new(
        "rsa-exponent-small",
        Notice,
        "The public exponent of the RSA key is smaller than 65537",
        "Use the exponent 65537 for the next key.",
        Other("NIST FIPS 186-5 appendix A.1.1", "https://doi.org/10.6028/NIST.FIPS.186-5"),
        exponent_small,
    ),
    Rule::new(
        "rsa-exponent-large",
        Notice,
        "The public exponent of the RSA key is larger than 2^256",
        "Use the exponent 65537 for the next key: some software refuses such keys.",
        Other("NIST FIPS 186-5 appendix A.1.1", "https://doi.org/10.6028/NIST.FIPS.186-5"),
        exponent_large,
    ),
    Rule::new(
        "rsa-modulus-odd-length",
        Warning,
        "The length of the RSA modulus is no multiple of eight bits",
        NEW_KEY,
        Other(
            "CA/Browser Forum TLS BR section 6.1.5",
            "https://cabforum.org/working-groups/server/baseline-requirements/requirements/",
        ),
        modulus_length,
    ),
    Rule::new(
        "rsa-modulus-small-factor",
        Error,
        "The RSA modulus is even or divisible by a prime up to 101",
        "Replace key and certificate at once: anybody can compute parts of this key.",
        Other(
            "CA/Browser Forum TLS BR section 6.1.6",
            "https://cabforum.org/working-groups/server/baseline-requirements/requirements/",
        ),
        small_factor,
    ),
    Rule::new(
        "rsa-key-roca",
        Error,
        "The RSA key has the mark of a chip whose keys can be computed (ROCA)",
        "Replace key and certificate at once, with a key made elsewhere; update the firmware of the token or TPM.",
        Other("CVE-2017-15361", "https://nvd.nist.gov/vuln/detail/CVE-2017-15361"),
        roca,
    ),
    Rule::new(
        "rsa-key-parameters",
        Error,
        "The parameters of the RSA key are not NULL",
        "Replace the certificate; the software that encoded it is wrong.",
        Rfc(3279, "2.3.1"),
        rsa_key_parameters,
    ),
    Rule::new(
        "ec-explicit-parameters",
        Error,
        "The parameters of the elliptic curve are written out instead of named",
        "Replace the certificate by one for a key on a named curve: explicit parameters were used to deceive (CVE-2020-0601).",
        Rfc(5480, "2.1.1"),
        explicit_curve,
    ),
    Rule::new(
        "ec-curve-uncommon",
        Notice,
        "The elliptic curve is not one that most software knows",
        "Use P-256, P-384 or P-521 where others must verify.",
        Other("NIST SP 800-186", "https://doi.org/10.6028/NIST.SP.800-186"),
        uncommon_curve,
    ),
    Rule::new(
        "ec-point-malformed",
        Error,
        "The point of the elliptic curve key has the wrong length",
        NEW_KEY,
        Rfc(5480, "2.2"),
        point_malformed,
    ),
    Rule::new(
        "ec-point-compressed",
        Notice,
        "The point of the elliptic curve key is compressed",
        "Use the uncompressed form for the next key: some software reads no other.",
        Rfc(5480, "2.2"),
        point_compressed,
    ),
    Rule::new(
        "edwards-key-parameters",
        Error,
        "The algorithm identifier of an Edwards or Montgomery key has parameters",
        "Replace the certificate; the software that encoded it is wrong.",
        Rfc(8410, "3"),
        edwards_key_parameters,
    ),
    Rule::new(
        "key-for-many-years",
        Info,
        "The key is of a kind that is to be used no longer after 2030, and the certificate lasts beyond",
        "Plan a key of at least 128 bits of strength (RSA with 3072 bits, P-256) for what must last beyond 2030.",
        Other("NIST SP 800-57 Part 1 Rev. 5 section 5.6.3 and IR 8547 table 2, after 2030-12-31", IR_8547),
        beyond_2030,
    ),
    Rule::new(
        "quantum-vulnerable",
        Info,
        "The key can be broken by a quantum computer, and the certificate lasts beyond 2035",
        "Plan a key for ML-DSA or SLH-DSA for what must last beyond 2035.",
        Other("NIST IR 8547 (initial public draft) table 2, disallowed after 2035-12-31", IR_8547),
        beyond_2035,
    ),
    Rule::new(
        "signature-md5",
        Error,
        "The certificate is signed with MD5 or MD2, which anybody can forge",
        "Replace it by one signed with SHA-256 or better.",
        Rfc(6151, "2"),
        signed_with_md5,
    ),
    Rule::new(
        "signature-sha1",
        Error,
        "The certificate is signed with SHA-1, which can be forged",
        "Replace it by one signed with SHA-256 or better.",
        Other("NIST SP 800-131A Rev. 2 section 3, disallowed since 2014-01-01", SP_800_131A),
        signed_with_sha1,
    ),
    Rule::new(
        "signature-sha224",
        Notice,
        "The certificate is signed with SHA-224, which TLS 1.3 does not know",
        "Replace it at the next renewal by one signed with SHA-256 or better.",
        Rfc(8446, "4.2.3"),
        signed_with_sha224,
    ),
    Rule::new(
        "signature-parameters",
        Error,
        "The parameters of the signature algorithm are not what the algorithm has",
        "Replace the certificate; the software that encoded it is wrong.",
        Rfc(4055, "5"),
        signature_parameters,
    ),
    Rule::new(
        "signature-pss-mixed",
        Warning,
        "The RSASSA-PSS signature uses different digests for the message and the mask, or SHA-1",
        "Replace the certificate by one with the same digest for both, SHA-256 or better: TLS knows nothing else.",
        Rfc(8446, "4.2.3"),
        pss_mixed,
    ),
    Rule::new(
        "signature-empty",
        Error,
        "The certificate is not signed",
        "Have it issued again; nothing may accept it.",
        Rfc(5280, "4.1.1.3"),
        unsigned,
    ),
];

/// Modulus and public exponent.
fn rsa<'a>(input: &Input<'a>) -> Option<(&'a [u8], &'a [u8])> {
    if !matches!(input.key_algorithm, oid::RSA | oid::RSASSA_PSS) {
        return None;
    }
    let mut key = Reader::new(input.key_bits).enter(tag::SEQUENCE)?;
    Some((key.take(tag::INTEGER)?.content, key.take(tag::INTEGER)?.content))
}

fn weak_rsa(input: &Input<'_>) -> Verdict {
    let (modulus, _) = rsa(input)?;
    let bits = bit_length(modulus);
    (bits < 2048).then(|| format!("The RSA key has {bits} bits.").into())
}

/// The name and size of the curve of an elliptic curve key.
fn curve(input: &Input<'_>) -> Option<(&'static str, u32)> {
    let named = input.key_parameters.filter(|named| input.key_algorithm == oid::EC && named.tag == tag::OID)?;
    oid::curve(named.content)
}

fn weak_ec(input: &Input<'_>) -> Verdict {
    let (name, bits) = curve(input)?;
    (bits < 224).then(|| format!("The curve {name} has {bits} bits.").into())
}

fn dsa_key(input: &Input<'_>) -> Verdict {
    let bits = input.facts.key_bits.unwrap_or_default();
    (input.key_algorithm == oid::DSA).then(|| format!("The key is for DSA, with {bits} bits.").into())
}

fn exponent_invalid(input: &Input<'_>) -> Verdict {
    let (_, exponent) = rsa(input)?;
    let digits = without_leading_zeros(exponent);
    let odd = digits.last().is_some_and(|last| last & 1 == 1);
    (!odd || digits == [1]).then_some(Cow::Borrowed("The public exponent is 1 or even: what is signed proves nothing."))
}

fn exponent_small(input: &Input<'_>) -> Verdict {
    let (_, exponent) = rsa(input)?;
    let value = without_leading_zeros(exponent).iter().take(3).fold(0u32, |value, octet| value << 8 | u32::from(*octet));
    let small = without_leading_zeros(exponent).len() < 3 && value > 1 && value % 2 == 1;
    small.then(|| format!("The public exponent is {value}.").into())
}

fn exponent_large(input: &Input<'_>) -> Verdict {
    let (_, exponent) = rsa(input)?;
    let bits = bit_length(exponent);
    (bits > 256).then(|| format!("The public exponent has {bits} bits.").into())
}

fn modulus_length(input: &Input<'_>) -> Verdict {
    let (modulus, _) = rsa(input)?;
    let bits = bit_length(modulus);
    (!bits.is_multiple_of(8)).then(|| format!("The modulus has {bits} bits.").into())
}

/// The number in `digits` modulo `divisor`.
fn remainder(digits: &[u8], divisor: u64) -> u64 {
    let (head, limbs) = digits.as_rchunks::<8>();
    let first = head.iter().fold(0u64, |value, octet| value << 8 | u64::from(*octet)) % divisor;
    limbs.iter().fold(first, |rest, limb| {
        let value = u128::from(rest) << 64 | u128::from(u64::from_be_bytes(*limb));
        // The remainder is smaller than the divisor, which has 64 bits.
        u64::try_from(value % u128::from(divisor)).unwrap_or_default()
    })
}

/// 3 · 5 · 7 · … · 53, the product of the odd primes that fits 64 bits.
const PRIMES_TO_53: u64 = 16_294_579_238_595_022_365;
/// 59 · 61 · 67 · … · 101.
const PRIMES_TO_101: u64 = 7_145_393_598_349_078_859;
const SMALL_PRIMES: [u64; 25] =
    [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101];

fn small_factor(input: &Input<'_>) -> Verdict {
    let (modulus, _) = rsa(input)?;
    if modulus.last().is_some_and(|last| last & 1 == 0) {
        return Some(Cow::Borrowed("The modulus is even."));
    }
    let (low, high) = (remainder(modulus, PRIMES_TO_53), remainder(modulus, PRIMES_TO_101));
    let divides = |prime: &&u64| if **prime <= 53 { low % **prime == 0 } else { high % **prime == 0 };
    let prime = SMALL_PRIMES.iter().find(divides)?;
    Some(format!("The modulus is divisible by {prime}.").into())
}

/// Primes for which 65537 generates a small part of the residues: a modulus that lies in that part for all of them was
/// made by the faulty library (Nemec et al., "The Return of Coppersmith's Attack", 2017, section 3).
const ROCA_PRIMES: [u64; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

fn roca(input: &Input<'_>) -> Verdict {
    let (modulus, _) = rsa(input)?;
    if bit_length(modulus) < 512 {
        return None;
    }
    let low = remainder(modulus, PRIMES_TO_53);
    let marked = |prime: &u64| {
        let wanted = if *prime <= 53 { low % prime } else { remainder(modulus, *prime) };
        let mut power = 1;
        for _ in 0..*prime {
            if power == wanted {
                return true;
            }
            power = power * 65_537 % prime;
        }
        false
    };
    let all = ROCA_PRIMES.iter().all(marked);
    all.then_some(Cow::Borrowed("The modulus lies in the small group of those that the faulty library made."))
}

fn rsa_key_parameters(input: &Input<'_>) -> Verdict {
    let null = input.key_parameters.is_some_and(|parameters| parameters.whole == [tag::NULL, 0]);
    (input.key_algorithm == oid::RSA && !null).then_some(Cow::Borrowed("The parameters of the key's algorithm are not NULL."))
}

fn explicit_curve(input: &Input<'_>) -> Verdict {
    let explicit = input.key_algorithm == oid::EC && input.key_parameters.is_some_and(|written| written.tag == tag::SEQUENCE);
    explicit.then_some(Cow::Borrowed("The certificate describes a curve of its own instead of naming one."))
}

fn uncommon_curve(input: &Input<'_>) -> Verdict {
    let named = input.key_parameters.filter(|named| input.key_algorithm == oid::EC && named.tag == tag::OID)?;
    let common = matches!(named.content, oid::P256 | oid::P384 | oid::P521);
    let name = || oid::curve(named.content).map_or_else(|| oid::dotted(named.content), |(name, _)| name.to_owned());
    (!common).then(|| format!("The curve is {}.", name()).into())
}

/// The octets of one coordinate, and of the point.
fn point<'a>(input: &Input<'a>) -> Option<(usize, &'a [u8])> {
    let (_, bits) = curve(input)?;
    Some((bits.div_ceil(8) as usize, input.key_bits))
}

fn point_malformed(input: &Input<'_>) -> Verdict {
    let (size, point) = point(input)?;
    let proper = match point.first() {
        Some(2 | 3) => point.len() == size + 1,
        Some(4) => point.len() == 2 * size + 1,
        _ => false,
    };
    (!proper).then(|| format!("The point has {} octets.", point.len()).into())
}

fn point_compressed(input: &Input<'_>) -> Verdict {
    let (size, point) = point(input)?;
    let compressed = matches!(point.first(), Some(2 | 3)) && point.len() == size + 1;
    compressed.then_some(Cow::Borrowed("The point of the key is in compressed form."))
}

fn edwards_key_parameters(input: &Input<'_>) -> Verdict {
    let wrong = matches!(input.key_algorithm, [0x2b, 0x65, 0x6e..=0x71]) && input.key_parameters.is_some();
    wrong.then(|| format!("The key is of the kind {}, whose identifier has no parameters.", input.facts.key_algorithm).into())
}

/// Bits of strength of a key that a quantum computer breaks (NIST SP 800-57 Part 1 table 2).
fn classical_strength(input: &Input<'_>) -> Option<u32> {
    let bits = input.facts.key_bits?;
    match input.key_algorithm {
        oid::RSA | oid::RSASSA_PSS | oid::DSA => Some(match bits {
            0..2048 => 80,
            2048..3072 => 112,
            _ => 128,
        }),
        oid::EC | [0x2b, 0x65, 0x6e..=0x71] => Some(bits / 2),
        _ => None,
    }
}

fn beyond_2030(input: &Input<'_>) -> Verdict {
    let strength = classical_strength(input)?;
    let long = (112..128).contains(&strength) && input.facts.not_after >= day(2031, 1, 1) * DAY_MS;
    long.then(|| {
        let (kind, bits) = (&input.facts.key_algorithm, input.facts.key_bits.unwrap_or_default());
        format!("The key ({kind}, {bits} bits) has 112 bits of strength, and the certificate ends on {}.", end(input)).into()
    })
}

fn beyond_2035(input: &Input<'_>) -> Verdict {
    classical_strength(input)?;
    let long = input.facts.not_after >= day(2036, 1, 1) * DAY_MS;
    long.then(|| {
        format!("The key is of the kind {}, and the certificate ends on {}.", input.facts.key_algorithm, end(input)).into()
    })
}

fn end(input: &Input<'_>) -> String {
    show_day(input.facts.not_after)
}

/// Nobody relies on the signature of a root.
fn signed(input: &Input<'_>, with: &[&str]) -> Verdict {
    let name = input.facts.signature_algorithm.as_str();
    (!input.is_root() && with.contains(&name)).then(|| format!("The signature algorithm is {name}.").into())
}

fn signed_with_md5(input: &Input<'_>) -> Verdict {
    signed(input, &["md5WithRSAEncryption", "md2WithRSAEncryption"])
}

fn signed_with_sha1(input: &Input<'_>) -> Verdict {
    signed(input, &["sha1WithRSAEncryption", "sha1WithRSA", "ecdsa-with-SHA1", "dsa-with-SHA1"])
}

fn signed_with_sha224(input: &Input<'_>) -> Verdict {
    signed(input, &["sha224WithRSAEncryption", "ecdsa-with-SHA224", "dsa-with-SHA224"])
}

/// Identifier and parameters of the signature algorithm.
fn signature<'a>(input: &Input<'a>) -> Option<(&'a [u8], Option<Element<'a>>)> {
    let mut identifier = input.certificate.outer_algorithm.inside();
    Some((identifier.take(tag::OID)?.content, identifier.next()))
}

fn signature_parameters(input: &Input<'_>) -> Verdict {
    let (algorithm, parameters) = signature(input)?;
    let null = parameters.is_some_and(|parameters| parameters.whole == [tag::NULL, 0]);
    let name = &input.facts.signature_algorithm;
    match algorithm {
        // PKCS #1 v1.5
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2 | 4 | 5 | 11..=14] => {
            (!null).then(|| format!("{name} has NULL as its parameters, and this certificate something else.").into())
        }
        // ECDSA (RFC 5758 section 3.2), Edwards curves (RFC 8410), ML-DSA (RFC 9881) and SLH-DSA (RFC 9909)
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, ..] | [0x2b, 0x65, 0x70 | 0x71] | [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=31] => {
            parameters.map(|_| format!("{name} has no parameters, and this certificate gives it some.").into())
        }
        _ => None,
    }
}

fn pss_mixed(input: &Input<'_>) -> Verdict {
    let (algorithm, parameters) = signature(input)?;
    if algorithm != oid::RSASSA_PSS {
        return None;
    }
    let mut fields = parameters.filter(|parameters| parameters.tag == tag::SEQUENCE)?.inside();
    // Absent means SHA-1 for both (RFC 4055 section 3.1).
    let hash = fields.enter(tag::context(0)).and_then(|mut of| of.enter(tag::SEQUENCE)?.take(tag::OID));
    let mask = fields.enter(tag::context(1)).and_then(|mut of| {
        let mut function = of.enter(tag::SEQUENCE)?;
        function.take(tag::OID)?;
        function.enter(tag::SEQUENCE)?.take(tag::OID)
    });
    match (hash, mask) {
        (None, _) => Some(Cow::Borrowed("The digest of the message is SHA-1, which is what absent parameters mean.")),
        (Some(hash), Some(mask)) if hash.content == mask.content => None,
        _ => Some(Cow::Borrowed("The digest of the mask is not the digest of the message.")),
    }
}

fn unsigned(input: &Input<'_>) -> Verdict {
    input.certificate.signature.is_empty().then_some(Cow::Borrowed("The signature is empty."))
}
