//! Random certificates and queries, for tests that compare two ways of answering.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{Catalogue, Entry, FieldId, Kind, MetadataEntry, Op, Scalar, Subject, key_usage_bits, quote};
use crate::ids::{MetadataFieldId, RoleId};
use crate::private_ca::Profile;

/// The built-in fields and four metadata fields, one of each type: text (1), number (2), flag (3), date (4).
pub(crate) fn catalogue() -> Catalogue {
    let field = |id, name: &str, kind| MetadataEntry {
        id: MetadataFieldId(id),
        name: name.to_owned(),
        kind,
        options: Vec::new(),
        description: String::new(),
    };
    Catalogue::new(vec![
        field(1, "Cost Centre", Kind::Text),
        field(2, "Tier", Kind::Number),
        field(3, "Critical", Kind::Flag),
        field(4, "Review by", Kind::Time),
    ])
}

/// 2026-03-01T12:00:00Z, around which all random times lie.
pub(crate) const NOW: i64 = 1_772_366_400_000;

/// The caller of random queries: owns certificates by this name.
pub(crate) const ME: &str = "EXAMPLE\\kim";

/// Texts that share parts, differ in case, and hold what SQL and patterns treat specially.
const TEXTS: &[&str] = &[
    "shop.example.org",
    "SHOP.example.org",
    "www.example.org",
    "example",
    "a%b_c",
    "a\\b",
    "it's",
    "*",
    "?",
    "\"q\"",
    "Größe",
    "GRÖSSE",
    "ΑΣΑ",
    "ΑΣ",
    "kim",
    "EXAMPLE\\kim",
    "x y",
    "ab",
    "日本語",
    "ops",
];
const NAMES: &[&str] =
    &["CN=shop.example.org,O=Example\\, Inc,C=DE", "CN=www.example.org,OU=Ops,O=Example,C=DE", "O=Example,C=US"];
const HEX: &[&str] = &["00b7c2", "7b00c2", "01", "b7c2", "0a0b0c"];
const ALGORITHMS: &[&str] = &["RSA", "RSASSA-PSS", "EC", "Ed25519", "ML-DSA-65", "DSA"];
const CURVES: &[&str] = &["P-256", "P-384", "explicit"];
const SIGNATURES: &[&str] = &["sha256WithRSAEncryption", "sha1WithRSAEncryption", "ecdsa-with-SHA256", "Ed25519"];
const USAGES: &[&str] = &["serverAuth", "clientAuth", "codeSigning", "1.3.6.1.4.1.99999.1"];
const BITS: &[&str] = &["digitalSignature", "keyEncipherment", "keyCertSign", "cRLSign"];
const FINDINGS: &[&str] = &["weak-rsa-key", "sha1-signature", "no-subject-alternative-name"];
const SOURCES: &[&str] = &["upload", "acme", "chain"];
const OWNERS: &[(i64, &str)] = &[(2, "Web Operations"), (3, "ops"), (4, "EXAMPLE\\kim"), (5, "kim")];
const DIGITS: [&str; 4] = ["0123456789", "a0b1c2d3e4", "ffffffffff", "0000000000"];

fn maybe_text(from: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.8, select(from).prop_map(str::to_owned))
}

fn some_texts(from: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(from, 0..=3).prop_map(|texts| texts.into_iter().map(str::to_owned).collect())
}

fn time() -> impl Strategy<Value = i64> {
    (-40i64..40, select(vec![0i64, 1_000, 43_200_000, 86_399_000]))
        .prop_map(|(day, within)| NOW.div_euclid(86_400_000) * 86_400_000 + day * 86_400_000 + within)
}

fn digest(times: usize) -> impl Strategy<Value = String> {
    select(DIGITS.to_vec()).prop_map(move |digits| digits.repeat(times).chars().take(times * 10 / 10 * 10).collect())
}

fn metadata() -> impl Strategy<Value = BTreeMap<MetadataFieldId, Scalar>> {
    let values =
        (maybe_text(TEXTS), proptest::option::of(0i64..5), proptest::option::of(any::<bool>()), proptest::option::of(time()));
    values.prop_map(|(text, number, flag, time)| {
        let values = [text.map(Scalar::Text), number.map(Scalar::Number), flag.map(Scalar::Flag), time.map(Scalar::Number)];
        (1..).map(MetadataFieldId).zip(values).filter_map(|(id, value)| Some((id, value?))).collect()
    })
}

/// A certificate as queries see it. Its handle is 1 to 20, digests are of the right length and not unique.
pub(crate) fn subject() -> impl Strategy<Value = Subject> {
    let names = (maybe_text(TEXTS), select(NAMES), select(NAMES), maybe_text(TEXTS), some_texts(TEXTS), some_texts(TEXTS));
    let lists =
        (some_texts(TEXTS), some_texts(&["DE", "US", "de"]), some_texts(TEXTS), some_texts(USAGES), subsequence(BITS, 0..=3));
    let key = (
        select(ALGORITHMS),
        proptest::option::of(select(vec![256i64, 1024, 2048, 4096])),
        maybe_text(CURVES),
        select(SIGNATURES),
    );
    let hex = (digest(4), select(HEX), maybe_text(HEX), maybe_text(HEX));
    let rest = (
        (1i64..=20, proptest::option::weighted(0.7, select(OWNERS)), maybe_text(TEXTS), select(SOURCES)),
        (time(), time(), time(), proptest::option::weighted(0.3, time())),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        (some_texts(FINDINGS), 1i64..=4),
        metadata(),
    );
    (names, lists, key, hex, rest).prop_map(|(names, lists, key, hex, rest)| {
        let ((id, owner, managed, source), times, flags, (findings, severity), metadata) = rest;
        Subject {
            id,
            common_name: names.0,
            subject: names.1.to_owned(),
            issuer: names.2.to_owned(),
            issuer_common_name: names.3,
            names: names.4,
            emails: names.5,
            units: lists.0,
            countries: lists.1,
            organizations: lists.2,
            extended_key_usage: lists.3,
            key_usage: key_usage_bits(&lists.4),
            key_algorithm: key.0.to_owned(),
            key_bits: key.1,
            key_curve: key.2,
            signature_algorithm: key.3.to_owned(),
            sha1: hex.0.clone(),
            sha256: hex.0.chars().cycle().take(64).collect(),
            spki_sha256: hex.0.chars().rev().cycle().take(64).collect(),
            serial: hex.1.to_owned(),
            subject_key_id: hex.2,
            authority_key_id: hex.3,
            owner: owner.map(|(id, name)| (RoleId(id), name.to_owned())),
            not_before: times.0,
            not_after: times.1,
            held_since: times.2,
            revoked_at: times.3,
            has_key: flags.0,
            is_excluded: flags.1 && flags.2,
            self_signed: flags.1,
            is_ca: flags.2,
            managed,
            source: source.to_owned(),
            stores: Vec::new(),
            authority: None,
            template: Profile::of_number(severity),
            revoker: times.3.map(|_| source.to_owned()),
            requester: None,
            severity: (!findings.is_empty()).then_some(severity),
            findings,
            metadata,
        }
    })
}

/// The text of a query over [`catalogue`], with values that [`subject`] is likely to have.
pub(crate) fn query() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        (proptest::collection::vec(inner, 1..4), any::<bool>(), any::<bool>()).prop_map(|(parts, and, parentheses)| {
            let joined = parts.join(if and { " AND " } else { " or " });
            if parentheses { format!("({joined})") } else { joined }
        })
    })
}

/// One comparison.
pub(crate) fn comparison() -> impl Strategy<Value = String> {
    let entries: Vec<Entry> = catalogue().entries().to_vec();
    select(entries).prop_flat_map(|entry| {
        let operators = entry.kind.operators();
        (Just(entry), select(operators)).prop_flat_map(|(entry, op)| {
            let many = if op == Op::In { 1..4 } else { 1..2 };
            let values = proptest::collection::vec(value(&entry, op), many);
            (Just(entry), Just(op), values).prop_map(|(entry, op, values)| match op {
                Op::In => format!("{} {} ({})", entry.name, op.word(), values.join(", ")),
                _ => format!("{} {} {}", entry.name, op.word(), values[0]),
            })
        })
    })
}

fn value(entry: &Entry, op: Op) -> BoxedStrategy<String> {
    let plain = plain_value(entry, op);
    if matches!(op, Op::Equal | Op::NotEqual) {
        return prop_oneof![1 => Just("NULL".to_owned()), 6 => plain].boxed();
    }
    plain
}

fn plain_value(entry: &Entry, op: Op) -> BoxedStrategy<String> {
    let of = |values: &'static [&'static str]| select(values).prop_map(str::to_owned).boxed();
    match entry.kind {
        Kind::Text if op == Op::Like => "[sho?*.Aa]{0,5}".prop_map(|pattern| quote(&pattern)).boxed(),
        Kind::Text => texts_of(entry.id, op),
        Kind::Dn => prop_oneof![
            select(NAMES).prop_map(|name| quote(&name.replace(',', ", "))),
            select(&["cn=shop", "O=Example", "C=de", "Example\\, Inc", ""][..]).prop_map(quote)
        ]
        .boxed(),
        Kind::Hex => prop_oneof![of(HEX), of(&["7B:00:C2", "B7C2", "0", ""])].prop_map(|text| quote(&text)).boxed(),
        Kind::Digest(length) if op == Op::StartsWith => {
            digest(6).prop_map(move |text| quote(&text[..text.len().min(length - 1) / 2])).boxed()
        }
        Kind::Digest(length) => digest(7).prop_map(move |text| quote(&text[..length.min(text.len())])).boxed(),
        Kind::Number => {
            prop_oneof![of(&["256", "2048", "\"4096\"", "0"]), (0i64..21).prop_map(|number| number.to_string())].boxed()
        }
        Kind::Time => prop_oneof![
            (-40i64..40).prop_map(|days| format!("\"%TODAY{days:+}%\"")),
            of(&["%TODAY%", "\"2026-03-01\"", "2026-02-20", "\"2026-03-05T12:00:00Z\""])
        ]
        .boxed(),
        Kind::Flag => of(&["true", "false", "\"True\""]),
        Kind::Choice(choices) | Kind::Ordered(choices) => select(choices.to_vec())
            .prop_flat_map(|choice| prop_oneof![Just(quote(choice.names[0])), Just(choice.number.to_string())])
            .boxed(),
        Kind::Usage => prop_oneof![of(BITS), of(&["160", "6"])].boxed(),
    }
}

fn texts_of(field: FieldId, op: Op) -> BoxedStrategy<String> {
    let own: &'static [&'static str] = match field {
        FieldId::KeyAlgorithm => ALGORITHMS,
        FieldId::Curve => CURVES,
        FieldId::SigningAlgorithm => SIGNATURES,
        FieldId::Eku => &["serverAuth", "1.3.6.1.5.5.7.3.2", "Code Signing", "1.3.6.1.4.1.99999.1"],
        FieldId::Finding => FINDINGS,
        FieldId::Source => SOURCES,
        FieldId::OwnerRoleName => &["Web operations", "ops", "%ME%", "%ME-AN%"],
        FieldId::Country => &["DE", "us"],
        _ => TEXTS,
    };
    let parts: &'static [&'static str] = &["example", "s", ".org", "SHOP", "%", "_", "\\", "σ", "ops", "", "With", "'"];
    match op {
        Op::Equal | Op::NotEqual | Op::In => prop_oneof![4 => select(own), 1 => Just("")].prop_map(quote).boxed(),
        _ => prop_oneof![select(own), select(parts)].prop_map(quote).boxed(),
    }
}
