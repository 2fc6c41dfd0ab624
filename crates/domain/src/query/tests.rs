//! The language as its documentation describes it, on certificates described by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::testing::{self, ME, NOW, catalogue};
use super::*;
use crate::ids::RoleId;
use crate::limits;

fn shop() -> Subject {
    Subject {
        id: 7,
        common_name: Some("Shop.example.org".into()),
        subject: "CN=Shop.example.org,OU=Ops,O=Example\\, Inc,C=DE".into(),
        issuer: "CN=Example Issuing CA,O=Example,C=DE".into(),
        issuer_common_name: Some("Example Issuing CA".into()),
        sha1: "a9993e364706816aba3e25717850c26c9cd0d89d".into(),
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(),
        spki_sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
        serial: "00b700c2".into(),
        owner: Some((RoleId(31), "Web Operations".into())),
        // 2026-02-01T00:00:00Z to 2026-03-31T23:59:59Z, held since 2026-03-01T08:30:00.250Z
        not_before: 1_769_904_000_000,
        not_after: 1_775_001_599_000,
        held_since: 1_772_353_800_250,
        extended_key_usage: vec!["serverAuth".into(), "clientAuth".into()],
        key_bits: Some(2048),
        key_algorithm: "RSA".into(),
        key_usage: 0xa0,
        signature_algorithm: "sha256WithRSAEncryption".into(),
        units: vec!["Ops".into()],
        organizations: vec!["Example, Inc".into()],
        countries: vec!["DE".into()],
        names: vec!["shop.example.org".into(), "10.0.0.1".into()],
        has_key: true,
        source: "upload".into(),
        stores: vec![("web1.example.com".into(), "/srv/tls/web".into(), Some("Web servers".into()))],
        authority: Some("Example Issuing".into()),
        findings: vec!["lifetime-too-long".into()],
        severity: Some(3),
        metadata: BTreeMap::from([
            (crate::MetadataFieldId(1), Scalar::Text("8841".into())),
            (crate::MetadataFieldId(2), Scalar::Number(2)),
        ]),
        ..Subject::default()
    }
}

/// Nobody owns it, and it says little.
fn bare() -> Subject {
    Subject {
        id: 8,
        issuer: "O=Example".into(),
        serial: "01".into(),
        key_algorithm: "Ed25519".into(),
        signature_algorithm: "Ed25519".into(),
        source: "chain".into(),
        is_ca: true,
        self_signed: true,
        revoked_at: Some(NOW - 86_400_000),
        ..Subject::default()
    }
}

fn answers(text: &str) -> (bool, bool) {
    let query = Query::parse(text, &catalogue()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let condition = query.resolve(NOW, ME);
    (evaluate(&condition, &shop()), evaluate(&condition, &bare()))
}

fn check(table: &[(&str, bool, bool)]) {
    for (text, shop, bare) in table {
        assert_eq!(answers(text), (*shop, *bare), "{text}");
    }
}

#[test]
fn text_is_compared_without_case() {
    check(&[
        ("", true, true),
        (r#"IssuedCN -eq "shop.EXAMPLE.org""#, true, false),
        (r#"cn -ne "shop.example.org""#, false, true),
        (r#"IssuedCN -contains "EXAMPLE""#, true, false),
        (r#"IssuedCN -notcontains "example""#, false, true),
        (r#"IssuedCN -startswith "shop.""#, true, false),
        (r#"IssuedCN -endswith ".ORG""#, true, false),
        (r#"IssuedCN -in ("a", "Shop.Example.Org")"#, true, false),
        (r#"IssuedCN -like "s*p.ex?mple.*""#, true, false),
        (r#"IssuedCN -like "*""#, true, false),
        (r#"IssuedCN -eq """#, false, true),
        (r#"IssuedCN -contains """#, true, false),
        (r#"IssuedCN -eq shop.example.org"#, true, false),
    ]);
}

#[test]
fn null_is_not_set() {
    check(&[
        ("OwnerRoleName -eq NULL", false, true),
        ("OwnerRoleName -ne null", true, false),
        (r#"OwnerRoleName -eq "NULL""#, false, false),
        ("IssuedDN -eq NULL", false, true),
        ("SAN -eq NULL", false, true),
        ("KeySize -eq NULL", false, true),
        ("KeySize -ne 2048", false, true),
        ("KeySize -lt 4096", true, false),
        (r#"Cost Centre -eq "8841" OR Cost Centre -eq NULL"#, true, true),
        ("RevocationDate -eq NULL", true, false),
        (r#"TemplateShortName -ne "WebServer""#, true, true),
        (r#"TemplateShortName -eq "WebServer""#, false, false),
        ("SSLPort -ne NULL", false, false),
    ]);
}

#[test]
fn several_values() {
    check(&[
        (r#"SAN -eq "10.0.0.1""#, true, false),
        (r#"SAN -ne "10.0.0.1""#, false, true),
        (r#"EKU -eq "1.3.6.1.5.5.7.3.2""#, true, false),
        (r#"EKUName -eq "server authentication""#, true, false),
        (r#"EKU -notcontains "clientAuth""#, false, true),
        (r#"O -eq "Example, Inc""#, true, false),
        (r#"Finding -contains "lifetime""#, true, false),
    ]);
}

#[test]
fn numbers_flags_and_choices() {
    check(&[
        (r#"KeySize -ge "2048""#, true, false),
        ("KeySize -gt 2048", false, false),
        ("KeySize -in (1024, 2048)", true, false),
        ("CertId -le 7", true, false),
        ("HasPrivateKey -eq true", true, false),
        (r#"HasPrivateKey -ne "True""#, false, true),
        ("HasPrivateKey -eq 0", false, true),
        ("IsExcluded -eq false", true, true),
        ("ArchivedKey -ne false", false, false),
        ("KeyType -eq 1", true, false),
        (r#"KeyType -eq "rsa""#, true, false),
        ("KeyType -ne RSA", false, true),
        ("KeyType -eq Unknown", false, true),
        ("KeyType -in (RSA, 0)", true, true),
        ("CertState -eq 1", true, false),
        (r#"CertState -ne "Active""#, false, true),
        ("CertState -eq CertificateAuthority", false, false),
        ("CertState -eq Revoked", false, true),
        ("CertState -in (1, Revoked)", true, true),
        ("RevocationDate -eq NULL", true, false),
        ("RevocationDate -ge %TODAY-1%", false, true),
        ("RevocationDate -lt %TODAY-1%", false, false),
        ("CertState -eq NULL", false, false),
        ("CertState -ne NULL", true, true),
        ("FindingSeverity -ge warning", true, false),
        ("FindingSeverity -gt warning", false, false),
        ("FindingSeverity -eq NULL", false, true),
        ("KeyUsage -eq 160", true, false),
        ("KeyUsage -eq 128", false, false),
        ("KeyUsage -eq digitalSignature", true, false),
        (r#"KeyUsage -contains "Key Encipherment""#, true, false),
        ("KeyUsage -ne keyCertSign", true, true),
        ("Tier -lt 3 AND Tier -ne NULL", true, false),
        ("Critical -eq false", false, false),
        ("Managed -eq false", true, true),
        ("Managed -ne NULL", true, true),
    ]);
}

#[test]
fn dates_are_days_in_utc() {
    check(&[
        (r#"ExpirationDate -ge "%TODAY%" AND ExpirationDate -le "%TODAY+30%""#, true, false),
        ("ExpirationDate -le %TODAY% + 29", false, true),
        (r#"ExpirationDate -eq "2026-03-31""#, true, false),
        (r#"ExpirationDate -lt "2026-03-31""#, false, true),
        (r#"ExpirationDate -le "2026-03-31""#, true, true),
        (r#"ExpirationDate -gt "2026-03-31""#, false, false),
        (r#"ExpirationDate -eq "2026-03-31T23:59:59Z""#, true, false),
        (r#"NotBefore -lt "2026-02-01T00:00:00Z""#, false, true),
        ("ImportDate -eq %TODAY%", true, false),
        (r#"ImportDate -eq "2026-03-01T08:30:00Z""#, true, false),
        (r#"ImportDate -eq "2026-03-01T08:30:00.000Z""#, false, false),
        ("ImportDate -ne %today%", false, true),
        ("ImportDate -ge %TODAY\u{2013}1%", true, false),
    ]);
}

#[test]
fn hexadecimal_forms() {
    check(&[
        (r#"SerialNumber -eq "B700C2""#, true, false),
        (r#"SerialNumber -eq "00:b7:00:c2""#, true, false),
        (r#"SerialNumber -eq "1""#, false, true),
        (r#"SerialNumber -eq "0x01""#, false, true),
        (r#"Thumbprint -eq "A9993E364706816ABA3E25717850C26C9CD0D89D""#, true, false),
        (r#"Thumbprint -startswith "A9:99:3E""#, true, false),
    ]);
}

#[test]
fn names_forgive_spaces_after_commas() {
    check(&[
        (r#"IssuedDN -eq "CN=Shop.example.org, OU=Ops, O=Example\, Inc, C=DE""#, true, false),
        (r#"IssuerDN -contains "O=Example, C=de""#, true, false),
        (r#"IssuerDN -eq "O=Example""#, false, true),
    ]);
}

#[test]
fn and_binds_tighter_than_or() {
    check(&[
        ("CertId -eq 8 OR CertId -eq 7 AND KeySize -eq 1", false, true),
        ("(CertId -eq 8 OR CertId -eq 7) AND KeySize -eq 1", false, false),
        ("CertId -eq 7 and KeySize -eq 2048 or CertId -eq 8", true, true),
        ("((((CertId -eq 7))))", true, false),
    ]);
}

#[test]
fn written_as_clients_write_it() {
    check(&[
        (r#"(IssuedCN -contains "shop")AND KeyType -eq 1"#, true, false),
        (r#"( IssuedCN -eq "Shop.example.org" )"#, true, false),
        (r#"IssuedCN-eq"shop.example.org"AND(KeySize-eq"2048")"#, true, false),
        ("IssuedCN \u{2013}eq \u{201C}shop.example.org\u{201D}", true, false),
        ("  issuedcn\t-CONTAINS\n\"shop\"  ", true, false),
        (r#"COST  centre -EQ "8841""#, true, false),
    ]);
}

#[test]
fn the_caller() {
    let mut mine = bare();
    mine.owner = Some((RoleId(4), "example\\KIM".into()));
    for (text, me, expected) in [
        ("Owner -eq %ME%", ME, true),
        (r#"Owner -eq "%me%""#, ME, true),
        ("Owner -endswith %ME-AN%", ME, true),
        ("Owner -eq %ME-AN%", ME, false),
        ("Owner -endswith %ME-AN%", "kim@example.org", true),
        ("Owner -in (\"x\", %ME%)", "other", false),
    ] {
        let query = Query::parse(text, &catalogue()).unwrap();
        assert!(query.uses_me());
        assert_eq!(evaluate(&query.resolve(NOW, me), &mine), expected, "{text}");
    }
    assert!(!Query::parse(r#"Owner -eq "ME""#, &catalogue()).unwrap().uses_me());
}

#[test]
fn quotation_marks_and_backslashes() {
    let text = |written: &str| {
        let query = Query::parse(&format!("CN -eq {written}"), &catalogue()).unwrap();
        match query.parsed() {
            Some(Expr::Leaf(Compare { operand: Operand::Text(text), .. })) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text(r#""say ""hi""""#), r#"say "hi""#);
    assert_eq!(text(r#""say \"hi\"""#), r#"say "hi""#);
    assert_eq!(text(r#""EXAMPLE\kim""#), r"EXAMPLE\kim");
    assert_eq!(text(r#""\\server\share""#), r"\\server\share");
    assert_eq!(text(r#""C:\\""#), r"C:\");
    assert_eq!(text(r#""AND ) (""#), "AND ) (");
}

/// What people bring along from other languages: the place, what is said of it, and what is meant.
const HABITS: &[(&str, usize, &str, &[&str])] = &[
    (r#"CN == "x""#, 4, "== is no operator", &["-eq"]),
    (r#"CN != "x""#, 4, "!= is no operator", &["-ne"]),
    (r#"CN <> "x""#, 4, "<> is no operator", &["-ne"]),
    ("KeySize < 2048", 9, "< is no operator", &["-lt"]),
    ("KeySize <= 2048", 9, "<= is no operator", &["-le"]),
    ("KeySize>=2048", 8, ">= is no operator", &["-ge"]),
    (r#"CN =~ "x""#, 4, "=~ is no operator", &["-contains", "-like"]),
    (r#"CN eq "x""#, 4, "operators begin with a dash", &["-eq"]),
    ("CN contains shop", 4, "operators begin with a dash", &["-contains"]),
    ("CN IS NULL", 4, "operators begin with a dash", &["-eq"]),
    ("CN LIKE '%shop%'", 4, "operators begin with a dash", &["-like"]),
    (r#"CN in ("a", "b")"#, 4, "operators begin with a dash", &["-in"]),
    ("Cost Centre equals 1", 13, "operators begin with a dash", &["-eq"]),
    ("CN contains x AND KeySize -gt 1", 4, "was expected after CN, not \"contains\"", &["-contains"]),
    (r#"CN -begins "x""#, 4, "-begins is no operator", &["-startswith"]),
    ("ExpirationDate -between 1", 16, "-between is no operator", &["-ge", "-le"]),
    ("CN -foo 2", 4, "-foo is no operator: there are -eq, -ne, -contains,", &[]),
    (r#"CN -eq "x" && KeySize -gt 1"#, 12, "not \"&&\"", &["AND"]),
    (r#"CN -eq "x" || KeySize -gt 1"#, 12, "not \"||\"", &["OR"]),
    (r#"NOT CN -eq "x""#, 1, "there is no NOT", &["-ne", "-notcontains"]),
    (r#"NOT (CN -eq "x")"#, 1, "there is no NOT", &["-ne", "-notcontains"]),
    (r#"CN -eq "x" AND NOT CN -eq "y""#, 16, "there is no NOT", &["-ne", "-notcontains"]),
    (r#"AND CN -eq "x""#, 1, "AND stands between two", &[]),
    (r#"CN -eq "x" OR or CN -eq "y""#, 15, "OR stands between two", &[]),
    (r#""CN" -eq "x""#, 1, "fields stand without quotation marks", &[]),
    ("'IssuedCN' -eq x", 1, "there is no field", &["IssuedCN"]),
    ("[IssuedCN] -eq x", 1, "there is no field", &["IssuedCN"]),
    (r#"CN -in ["a", "b"]"#, 8, "the values of -in stand in parentheses", &[]),
    (r#"CN -in "a", "b""#, 11, "several values stand in parentheses after -in", &[]),
    ("CN -like %shop%", 10, "any text is written as *", &["\"*shop*\""]),
    ("()", 2, "a field was expected here, not \")\"", &[]),
    (r#"CN -in ("a", )"#, 14, "a value was expected here, not \")\"", &[]),
    ("CN -eq web shop", 12, "text with spaces stands in quotation marks", &[]),
    ("CN -eq", 7, "such as \"text\", 2048, true or NULL", &[]),
];

#[test]
fn errors_point_and_suggest() {
    for (text, column, part, suggestions) in [
        (r#"IsuedCN -eq "x""#, 1, "there is no field \"IsuedCN\"", &["IssuedCN"][..]),
        (r#"CN -eq "x" AND Cost Center -eq 1"#, 16, "there is no field", &["Cost Centre"]),
        (r#"CN -equals "x""#, 4, "-equals is no operator", &["-eq"]),
        (r#"CN -contain "x""#, 4, "-contain is no operator", &["-contains"]),
        (r#"CN = "x""#, 4, "= is no operator", &["-eq"]),
        (r#"CN "x""#, 4, "an operator such as -eq", &[]),
        ("CN AND KeySize -eq 1", 4, "an operator such as -eq was expected after CN", &[]),
        (r#"KeySize -contains "2""#, 9, "KeySize (number) has no operator -contains; it has -eq, -ne, -lt", &[]),
        (r#"KeySize -eq "big""#, 13, "KeySize is a whole number, not \"big\"", &[]),
        ("KeySize -eq 99999999999999999999", 13, "whole number", &[]),
        (
            "ExpirationDate -lt 31.12.2026",
            20,
            "ExpirationDate is a date",
            &["\"2026-01-31\"", "\"2026-01-31T08:30:00Z\"", "\"%TODAY+30%\""],
        ),
        ("ExpirationDate -lt %TOMORROW%", 20, "is a date", &["\"2026-01-31\"", "\"2026-01-31T08:30:00Z\"", "\"%TODAY+30%\""]),
        ("KeyType -eq RAS", 13, "KeyType is one of Unknown, RSA, DSA, ECC, DH", &["RSA"]),
        ("Managed -eq maybe", 13, "Managed is a yes or no", &["true", "false"]),
        (r#"CN -eq "x" KeySize -eq 1"#, 12, "AND, OR or the end was expected", &[]),
        (r#"CN -eq "x" ADN KeySize -eq 1"#, 12, "AND, OR", &["AND"]),
        (r#"CN -eq "x" AND"#, 15, "a comparison was expected here", &[]),
        (r#"(CN -eq "x""#, 1, "this parenthesis is not closed", &[]),
        (r#"CN -eq "x")"#, 11, "closes nothing", &[]),
        (r#"CN -eq "x"#, 8, "no closing quotation mark", &[]),
        (r#"CN -eq 'x'"#, 8, "double quotation marks", &[]),
        ("CN -eq", 7, "a value was expected", &[]),
        (r#"CN -contains NULL"#, 4, "NULL is compared", &["-eq", "-ne"]),
        (r#"CN -in ("a" "b")"#, 13, "a comma or )", &[]),
        (r#"CN -in ("a""#, 8, "is not closed", &[]),
        (r#"CN -eq ("a")"#, 8, "only -in", &[]),
        (r#"CertId -eq %ME%"#, 12, "%ME% is a person; CertId is a number", &[]),
        (r#"Größe -eq 1 AND CN -foo 2"#, 20, "-foo is no operator", &[]),
        (
            r#"Thumbprint -eq "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
            16,
            "40 hexadecimal digits, these are 64",
            &["Fingerprint"],
        ),
        (r#"Serial -eq "xyz""#, 12, "hexadecimal", &[]),
        ("-eq 1", 1, "a field was expected before -eq", &[]),
        (")", 1, "a field was expected here", &[]),
    ] {
        let error = Query::parse(text, &catalogue()).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!(error.suggestions, suggestions, "{text}");
    }
    for habit in HABITS {
        let error = Query::parse(habit.0, &catalogue()).expect_err(habit.0);
        assert_eq!(
            (error.column, error.suggestions),
            (habit.1, habit.3.iter().map(|text| (*text).to_owned()).collect()),
            "{}: {}",
            habit.0,
            error.message
        );
        assert!(error.message.contains(habit.2), "{}: {}", habit.0, error.message);
    }
    let error = Query::parse(r#"IsuedCN -eq "x""#, &catalogue()).unwrap_err();
    assert_eq!(error.to_string(), "column 1: there is no field \"IsuedCN\"; did you mean IssuedCN?");
}

#[test]
fn limits_are_kept() {
    let long = format!("CN -eq \"{}\"", "x".repeat(limits::QUERY_CHARS));
    let deep = format!("{}CN -eq 1{}", "(".repeat(limits::QUERY_DEPTH + 1), ")".repeat(limits::QUERY_DEPTH + 1));
    let many = vec!["CN -eq 1"; limits::QUERY_TERMS + 1].join(" OR ");
    let list = format!("CertId -in ({})", vec!["1"; limits::QUERY_TERMS].join(","));
    for text in [long, deep, many, list] {
        assert!(Query::parse(&text, &catalogue()).is_err());
    }
    let deep = format!("{}CN -eq 1{}", "(".repeat(limits::QUERY_DEPTH), ")".repeat(limits::QUERY_DEPTH));
    assert!(Query::parse(&deep, &catalogue()).is_ok());
}

#[test]
fn patterns_are_as_long_as_every_engine_takes_them() {
    let most = limits::PATTERN_BYTES - 4;
    let asking = |op: &str, text: String| Query::parse(&format!("CN {op} \"{text}\""), &catalogue());
    let signs = |bytes: usize| "😀".repeat(bytes / 4);
    for op in ["-contains", "-notcontains", "-startswith", "-endswith", "-like"] {
        assert!(asking(op, signs(most)).is_ok(), "{op}");
        let error = asking(op, signs(most + 4)).unwrap_err();
        assert_eq!(error.column, op.len() + 5, "{error}");
        assert!(error.message.contains("too long"), "{error}");
    }
    // Escaped, a sign of LIKE has two bytes; folded, a letter may have more than before.
    assert!(asking("-contains", signs(most - 4) + "%%").is_ok());
    assert!(asking("-contains", signs(most - 4) + "%%%").is_err());
    assert!(asking("-contains", signs(most) + "İ").is_err());
    assert!(asking("-eq", signs(most + 4)).is_ok());
}

#[test]
fn every_name_means_one_field() {
    let mut names: Vec<String> = FIELDS.iter().flat_map(|field| field.names).map(|name| catalogue::key(name)).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(is_built_in("issuedcn") && !is_built_in("Cost Centre"));
}

#[test]
fn queries_are_told_from_words() {
    for query in
        [r#"CN -eq "x""#, "CN -eq x", "Owner -eq NULL", r#"CN-eq"x""#, "(KeySize \u{2013}lt 2048)", "CN -eq", "CN -equals \"x\""]
    {
        assert!(looks_like_query(query), "{query}");
    }
    for words in [
        "",
        "shop.example.org",
        "*.example.org",
        "my-eq.example.org",
        "\"CN -eq x\"",
        "-eq",
        "x-in-y",
        "built-in",
        "Example - CA",
        "Root -G2 CA",
        "shop -test",
    ] {
        assert!(!looks_like_query(words), "{words}");
    }
}

#[test]
fn the_text_is_kept() {
    let text = "  ( IssuedCN  -eq \"x\" )AND KeySize -gt 1 ";
    assert_eq!(Query::parse(text, &catalogue()).unwrap().text(), text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_panics(text in "([-a-zA-Z0-9%\"'\\\\(), ]|-eq |-in |CN|AND|OR|\\PC){0,60}") {
        let _ = Query::parse(&text, &catalogue());
        let _ = looks_like_query(&text);
    }

    #[test]
    fn a_quoted_text_means_itself(text in "[a-z\"\\\\ ()%]{0,12}") {
        prop_assume!(!text.trim().eq_ignore_ascii_case("%me%"));
        let query = Query::parse(&format!("CN -eq {}", quote(&text)), &catalogue()).unwrap();
        let Some(Expr::Leaf(compare)) = query.parsed() else { panic!() };
        prop_assert_eq!(&compare.operand, &Operand::Text(text));
    }

    #[test]
    fn random_queries_parse_and_negations_are_negations(query in testing::comparison(), subject in testing::subject()) {
        let negated = if query.contains(" -eq ") {
            query.replacen(" -eq ", " -ne ", 1)
        } else if query.contains(" -contains ") {
            query.replacen(" -contains ", " -notcontains ", 1)
        } else {
            let parsed = Query::parse(&query, &catalogue());
            prop_assert!(parsed.is_ok(), "{}: {}", query, parsed.unwrap_err());
            return Ok(());
        };
        let holds = |text: &str| evaluate(&Query::parse(text, &catalogue()).unwrap().resolve(NOW, ME), &subject);
        prop_assert_ne!(holds(&query), holds(&negated), "{}", query);
    }

    #[test]
    fn space_and_case_do_not_matter(query in testing::query(), subject in testing::subject()) {
        let once = Query::parse(&query, &catalogue()).unwrap();
        let wide = query.replace('(', " ( ").replace(" -", "   -").replace(" AND ", "\tand\n");
        let twice = Query::parse(&format!(" ({wide}) "), &catalogue());
        // Text in quotation marks may hold parentheses and dashes too: those queries change their meaning.
        prop_assume!(!query.contains("\"*") && twice.is_ok());
        let holds = |query: &Query| evaluate(&query.resolve(NOW, ME), &subject);
        prop_assert_eq!(holds(&once), holds(&twice.unwrap()), "{}", query);
    }

    #[test]
    fn joins_are_logic(a in testing::query(), b in testing::query(), subject in testing::subject()) {
        let holds = |text: &str| evaluate(&Query::parse(text, &catalogue()).unwrap().resolve(NOW, ME), &subject);
        let (left, right) = (holds(&a), holds(&b));
        prop_assert_eq!(holds(&format!("({a}) AND ({b})")), left && right);
        prop_assert_eq!(holds(&format!("({a})OR({b})")), left || right);
    }
}
