//! Queries: what SQL finds is what the evaluation in memory says, with and without the index for parts of texts.

use std::collections::BTreeSet;

use certhold_domain::collections::{self, CollectionCommand, Duplicates, Scope};
use certhold_domain::inventory::{self, Candidate, Filter, ImportBatch, Outcome, SEVERITIES};
use certhold_domain::private_ca::{self, Profile};
use certhold_domain::query::{self, Catalogue, Query, Subject};
use certhold_domain::{Actor, RoleId, hex};
use certhold_pki::details::DistinguishedName;
use certhold_pki::{AltNameKind, Facts};
use certhold_tests::dice::Dice;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType,
};

use super::issuing::{make, wanted};
use super::revoking::revoke_as;
use super::world::{DAY, START, World};

fn local() -> Actor {
    Actor::local("story")
}

pub(super) fn find(world: &World, text: &str) -> Vec<i64> {
    let query = Query::parse(text, &Catalogue::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let filter = Filter { condition: Some(query.resolve(START, "story")), limit: 1_000, count: true, ..Filter::default() };
    let page = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap();
    let ids: Vec<i64> = page.certificates.iter().map(|found| found.id.0).collect();
    assert_eq!(page.total, Some(ids.len() as i64), "the count of {text}");
    ids
}

const HOSTS: &[&str] = &["www", "shop", "API", "münchen", "a_b", "50%", "mail", "x"];
const DOMAINS: &[&str] = &["example.com", "Example.ORG", "internal.example", "test"];
const UNITS: &[&str] = &["Ops", "Web, Shop", "ÄÖÜ", "Sales+Support"];

fn certificate(dice: &mut Dice) -> Vec<u8> {
    let kinds = [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519];
    let key = KeyPair::generate_for(kinds[dice.below(kinds.len())]).unwrap();
    let host = format!("{}.{}", dice.pick(HOSTS), dice.pick(DOMAINS));
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    if dice.below(5) > 0 {
        parameters.distinguished_name.push(DnType::CommonName, host.clone());
    }
    for _ in 0..dice.below(3) {
        parameters.distinguished_name.push(DnType::OrganizationalUnitName, *dice.pick(UNITS));
    }
    if dice.below(2) == 0 {
        parameters.distinguished_name.push(DnType::OrganizationName, *dice.pick(&["Example \"Ltd\"", "Beispiel AG"]));
        parameters.distinguished_name.push(DnType::CountryName, *dice.pick(&["DE", "CH"]));
    }
    for _ in 0..dice.below(4) {
        let name = format!("{}{}.{}", ["alt", "www"][dice.below(2)], dice.below(30), dice.pick(&["example.com", "test"]));
        parameters.subject_alt_names.push(match dice.below(4) {
            0 => SanType::Rfc822Name(format!("Someone@{name}").try_into().unwrap()),
            1 => SanType::IpAddress(std::net::IpAddr::from([192, 0, 2, dice.below(8) as u8])),
            _ => SanType::DnsName(name.try_into().unwrap()),
        });
    }
    if dice.below(3) == 0 {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    } else if dice.below(2) == 0 {
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages =
            vec![dice.pick(&[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]).clone()];
    }
    let at = |day: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_millis((START + day * DAY) as u64)).into();
    let from = dice.below(400) as i64 - 300;
    parameters.not_before = at(from);
    parameters.not_after = at(from + *dice.pick(&[47, 90, 200, 398]));
    parameters.self_signed(&key).unwrap().der().to_vec()
}

/// The certificate as queries see it, from its facts and from what the story did with it.
fn described(id: i64, der: &[u8], owner: Option<(RoleId, String)>, source: &str) -> Subject {
    let facts = Facts::of(der).unwrap();
    let subject = DistinguishedName::subject_of(der).unwrap();
    let of = |oid: &str| -> Vec<String> {
        subject.attributes().filter(|attribute| attribute.oid == oid).filter_map(|attribute| attribute.text.clone()).collect()
    };
    let mail = facts.names.iter().filter(|name| name.kind == AltNameKind::Email).map(|name| name.value.clone());
    let findings: Vec<(String, String)> = inventory::findings(der);
    let rank = |name: &str| SEVERITIES.iter().find(|(known, _)| *known == name).map(|(_, rank)| *rank);
    Subject {
        id,
        common_name: facts.common_name.clone(),
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        issuer_common_name: facts.issuer_common_name.clone(),
        sha1: hex(&facts.sha1),
        sha256: hex(&facts.sha256),
        spki_sha256: hex(&facts.spki_sha256),
        serial: facts.serial.clone(),
        subject_key_id: facts.subject_key_id.clone(),
        authority_key_id: facts.authority_key_id.clone(),
        owner,
        not_before: facts.not_before,
        not_after: facts.not_after,
        held_since: START,
        extended_key_usage: facts.extended_key_usage.clone(),
        key_bits: facts.key_bits.map(i64::from),
        key_algorithm: facts.key_algorithm.clone(),
        key_curve: facts.key_curve.clone(),
        key_usage: query::key_usage_bits(&facts.key_usage),
        signature_algorithm: facts.signature_algorithm.clone(),
        units: of("2.5.4.11"),
        organizations: of("2.5.4.10"),
        countries: of("2.5.4.6"),
        emails: of("1.2.840.113549.1.9.1").into_iter().chain(mail).collect(),
        names: facts.names.iter().map(|name| name.value.clone()).collect(),
        self_signed: true,
        is_ca: facts.is_ca,
        source: source.into(),
        severity: findings.iter().filter_map(|(severity, _)| rank(severity)).max(),
        findings: findings.into_iter().map(|(_, rule)| rule).collect(),
        ..Subject::default()
    }
}

pub(super) fn filled(world: &World, count: usize, dice: &mut Dice) -> Vec<Subject> {
    let teams: Vec<(RoleId, String)> =
        ["Web Operations", "Größe"].iter().map(|name| (world.role(name, &["/certificates/"]), (*name).to_owned())).collect();
    let mut subjects = Vec::new();
    for _ in 0..count {
        let der = certificate(dice);
        let owner = teams.get(dice.below(3)).cloned();
        let source = *dice.pick(&["upload", "Certhold import"]);
        let batch = ImportBatch {
            certificates: vec![Candidate::of(&der).unwrap()],
            keys: Vec::new(),
            owner: owner.as_ref().map(|(role, _)| *role),
            source: source.into(),
            metadata: Default::default(),
        };
        let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
        let Outcome::Imported(id) = items[0].outcome else { panic!("not imported") };
        subjects.push(described(id.0, &der, owner, source));
    }
    for subject in subjects.iter_mut().filter(|subject| subject.id % 4 == 1) {
        let revoker = ["Kim Doe", "ÄÖÜ AG"][usize::from(subject.id % 8 == 1)];
        revoke_as(world, &Actor::local(revoker), subject.certificate());
        (subject.revoker, subject.revoked_at) = (Some(revoker.into()), Some(START));
    }
    subjects
}

/// An authority, and certificates of which the story says that it issued them.
fn issued_here(world: &World, subjects: &mut Vec<Subject>) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let certificate = world.read(move |tx| private_ca::get(tx, &local(), root)).unwrap().certificate;
    let der = world.read(move |tx| inventory::get(tx, &local(), certificate)).unwrap().der;
    world.tamper(
        "INSERT INTO issued_certificate (certificate, private_ca, profile) SELECT id, 1, 'server' FROM certificate \
         WHERE id % 3 = 0 AND source <> 'private CA'",
    );
    for subject in subjects.iter_mut().filter(|subject| subject.id % 3 == 0) {
        (subject.authority, subject.template) = (Some("Example Root".into()), Some(Profile::Server));
    }
    subjects.push(Subject { has_key: true, ..described(certificate.0, &der, None, "private CA") });
}

pub(super) fn fill_index(world: &World) {
    assert!(world.read(inventory::text_index_is_behind).unwrap());
    while world.write(|tx, _| inventory::fill_text_index(tx)).unwrap() {}
    assert!(!world.read(inventory::text_index_is_behind).unwrap());
}

const TEXT_FIELDS: &[&str] = &[
    "IssuedCN",
    "IssuedDN",
    "IssuerDN",
    "IssuerCN",
    "SerialNumber",
    "SubjectKeyId",
    "AuthorityKeyId",
    "OwnerRoleName",
    "EKU",
    "KeyAlgorithm",
    "Curve",
    "SigningAlgorithm",
    "OU",
    "O",
    "C",
    "IssuedEmail",
    "SAN",
    "Source",
    "Finding",
    "ManagedName",
    "Revoker",
    "TemplateShortName",
    "TemplateDisplayName",
];
const TEXT_OPERATORS: &[&str] = &["-eq", "-ne", "-contains", "-notcontains", "-startswith", "-endswith", "-like", "-in"];

/// A text out of the certificates, or a part of one, so that queries find something and yet not everything.
fn text(dice: &mut Dice, subjects: &[Subject], operator: &str) -> String {
    let subject = dice.pick(subjects);
    let mut texts = vec![
        subject.subject.clone(),
        subject.issuer.clone(),
        subject.serial.clone(),
        subject.source.clone(),
        subject.key_algorithm.clone(),
        subject.signature_algorithm.clone(),
        "Server Authentication".into(),
        "1.3.6.1.5.5.7.3.2".into(),
    ];
    texts.extend(subject.common_name.iter().chain(&subject.units).chain(&subject.names).chain(&subject.emails).cloned());
    texts.extend(subject.template.iter().flat_map(|template| [template.name().to_owned(), template.title().to_owned()]));
    texts
        .extend(subject.organizations.iter().chain(&subject.countries).chain(&subject.findings).chain(&subject.revoker).cloned());
    texts.extend(
        subject.owner.iter().map(|(_, name)| name.clone()).chain(subject.subject_key_id.clone()).chain(subject.key_curve.clone()),
    );
    let whole: Vec<char> = dice.pick(&texts).chars().collect();
    let (from, to) = match operator {
        "-eq" | "-ne" | "-in" => (0, whole.len()),
        "-startswith" => (0, 1 + dice.below(whole.len().max(1))),
        "-endswith" => (dice.below(whole.len().max(1)), whole.len()),
        _ => {
            let from = dice.below(whole.len().max(1));
            (from, whole.len().min(from + 1 + dice.below(6)))
        }
    };
    let part: String = whole[from.min(whole.len())..to.min(whole.len())].iter().collect();
    let part = match (operator, dice.below(3)) {
        ("-like", 0) => format!("*{part}*"),
        ("-like", 1) => format!("{part}*"),
        ("-like", _) => format!("*{part}?*"),
        _ => part,
    };
    format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A comparison that the language knows: not every field has every operator and value.
fn comparison(dice: &mut Dice, subjects: &[Subject]) -> String {
    loop {
        let text = some_comparison(dice, subjects);
        if Query::parse(&text, &Catalogue::default()).is_ok() {
            return text;
        }
    }
}

fn some_comparison(dice: &mut Dice, subjects: &[Subject]) -> String {
    let subject = dice.pick(subjects).clone();
    match dice.below(10) {
        0..6 => {
            let (field, operator) = (*dice.pick(TEXT_FIELDS), *dice.pick(TEXT_OPERATORS));
            let value = text(dice, subjects, operator);
            match operator {
                "-in" => format!("{field} -in ({value}, {})", text(dice, subjects, operator)),
                _ => format!("{field} {operator} {value}"),
            }
        }
        6 => {
            let (field, value) = *dice.pick(&[
                ("KeySize", subject.key_bits.unwrap_or(0)),
                ("CertId", subject.id),
                ("OwnerRoleId", 2),
                ("FindingSeverity", 3),
                ("KeyUsage", subject.key_usage),
            ]);
            let operators: &[&str] =
                if field == "KeyUsage" { &["-eq", "-ne"] } else { &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"] };
            format!("{field} {} {value}", dice.pick(operators))
        }
        7 => {
            let days = dice.below(500) as i64 - 250;
            let date = if days < 0 { format!("%TODAY-{}%", -days) } else { format!("%TODAY+{days}%") };
            let field = dice.pick(&["IssuedDate", "ExpirationDate", "ImportDate"]);
            format!("{field} {} \"{date}\"", dice.pick(&["-lt", "-le", "-gt", "-ge", "-eq", "-ne"]))
        }
        8 => {
            let field = dice.pick(&["HasPrivateKey", "SelfSigned", "IsCA", "Managed"]);
            format!("{field} {} {}", dice.pick(&["-eq", "-ne"]), dice.pick(&["true", "false"]))
        }
        _ => format!("{} {} NULL", dice.pick(TEXT_FIELDS), dice.pick(&["-eq", "-ne"])),
    }
}

fn question(dice: &mut Dice, subjects: &[Subject], depth: usize) -> String {
    match dice.below(5) {
        0 | 1 if depth > 0 => {
            let word = dice.pick(&["AND", "OR"]);
            format!("({} {word} {})", question(dice, subjects, depth - 1), question(dice, subjects, depth - 1))
        }
        _ => comparison(dice, subjects),
    }
}

pub(super) fn holds(world: &World, subjects: &[Subject], text: &str) {
    let condition =
        Query::parse(text, &Catalogue::default()).unwrap_or_else(|error| panic!("{text}: {error}")).resolve(START, "story");
    let expected: Vec<i64> =
        subjects.iter().filter(|subject| query::evaluate(&condition, subject)).map(|subject| subject.id).collect();
    assert_eq!(find(world, text), expected, "{text}");
}

/// What a list shows that leaves older duplicates out.
fn find_newest(world: &World, text: &str, duplicates: Duplicates) -> Vec<i64> {
    let query = Query::parse(text, &Catalogue::default()).unwrap();
    let condition = Some(query.resolve(START, "story"));
    let filter = Filter { condition, duplicates, limit: 1_000, count: true, ..Filter::default() };
    let page = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap();
    assert_eq!(page.total, Some(page.certificates.len() as i64), "the count of {text}");
    page.certificates.iter().map(|found| found.id.0).collect()
}

/// Of duplicates that fulfil a query the newest is shown, by whatever means the query is answered.
pub fn the_newest_stands_for_its_duplicates(world: &World) {
    let mut dice = Dice::new(11);
    let subjects = filled(world, 50, &mut dice);
    let mut left_out = 0;
    for number in 0..60 {
        // Every third one is decided in memory only.
        let text = match number % 3 {
            0 => "SAN -like \"*w?w*\" OR SAN -like \"a*t*\"".to_owned(),
            1 => "CertId -gt 3".to_owned(),
            _ => question(&mut dice, &subjects, 2),
        };
        let condition = Query::parse(&text, &Catalogue::default()).unwrap().resolve(START, "story");
        let fitting: Vec<&Subject> = subjects.iter().filter(|subject| query::evaluate(&condition, subject)).collect();
        let by_name: fn(&Subject) -> Option<String> = |one| one.common_name.as_deref().map(query::fold);
        let by_subject: fn(&Subject) -> Option<String> =
            |one| Some(query::fold(&one.subject)).filter(|subject| !subject.is_empty());
        for (duplicates, key) in [(Duplicates::CommonName, by_name), (Duplicates::DistinguishedName, by_subject)] {
            let is_newest = |one: &&&Subject| {
                key(one).is_none_or(|name| !fitting.iter().any(|other| other.id > one.id && key(other).as_ref() == Some(&name)))
            };
            let expected: Vec<i64> = fitting.iter().filter(is_newest).map(|one| one.id).collect();
            left_out += fitting.len() - expected.len();
            assert_eq!(find_newest(world, &text, duplicates), expected, "{text} {duplicates:?}");
        }
        assert_eq!(find_newest(world, &text, Duplicates::PrincipalName).len(), fitting.len());
    }
    assert!(left_out > 50, "only {left_out} duplicates in all");
}

/// Every field and operator once, in a fixed order.
pub fn queries_ask_for_every_field(world: &World) {
    let mut dice = Dice::new(7);
    let subjects = filled(world, 12, &mut dice);
    for with_index in [false, true] {
        if with_index {
            fill_index(world);
        }
        for field in TEXT_FIELDS {
            for operator in TEXT_OPERATORS {
                let hexadecimal = ["SerialNumber", "SubjectKeyId", "AuthorityKeyId"].contains(field);
                let value = match (hexadecimal, *operator) {
                    (true, "-in") => "(\"00af\", \"1b\")",
                    (true, "-like") => "\"*1b*\"",
                    (true, _) => "\"1bc\"",
                    (false, "-in") => "(\"www\", \"EC\")",
                    (false, _) => "\"www.exa\"",
                };
                holds(world, &subjects, &format!("{field} {operator} {value}"));
            }
            holds(world, &subjects, &format!("{field} -ne NULL"));
        }
        let (first, digest) = (&subjects[0], subjects[0].sha256.clone());
        for query in [
            format!("Thumbprint -eq \"{}\"", first.sha1),
            format!("Thumbprint -startswith \"{}\"", &first.sha1[..5]),
            format!("Fingerprint -in (\"{digest}\")"),
            format!("Fingerprint -startswith \"{}\"", &digest[..7]),
            format!("PublicKey -eq \"{}\"", first.spki_sha256),
            "KeySize -lt 300 OR CertId -gt 3 AND OwnerRoleId -ne NULL".into(),
            "KeyUsage -contains \"keyCertSign\" AND FindingSeverity -ge 1".into(),
            "ExpirationDate -ge %TODAY% AND ExpirationDate -le %TODAY+90% AND IssuedDate -lt %TODAY% AND ImportDate -eq %TODAY%"
                .into(),
            "HasPrivateKey -eq false AND SelfSigned -eq true AND IsCA -eq false AND Managed -eq false".into(),
            "HasPrivateKey -eq true OR Managed -eq true".into(),
            "SAN -like \"*w?w*\" OR SAN -like \"a*t?.*e\"".into(),
            "NetBIOSPrincipal -eq NULL AND CertState -eq 1".into(),
        ] {
            holds(world, &subjects, &query);
        }
    }
}

#[test]
fn sql_and_memory_agree_on_random_queries() {
    let queries = if std::env::var("FULL").is_ok() { 5_000 } else { 400 };
    for database in certhold_tests::postgres::engines() {
        let world = World::open(database);
        let mut dice = Dice::new(42);
        let mut subjects = filled(&world, 60, &mut dice);
        issued_here(&world, &mut subjects);
        for number in 0..queries {
            if number == queries / 3 {
                fill_index(&world);
            }
            if number == queries / 3 * 2 {
                forget_the_frequent(&world);
            }
            holds(&world, &subjects, &question(&mut dice, &subjects, 3));
        }
    }
}

/// A value is marked when very many certificates have it: the next ones are not indexed under it, and found all the same.
pub fn frequent_values_are_not_indexed(world: &World) {
    let mut dice = Dice::new(8);
    let mut subjects = filled(world, 10, &mut dice);
    let algorithms: BTreeSet<String> = subjects.iter().map(|subject| subject.key_algorithm.clone()).collect();
    world.tamper("UPDATE facet SET count = count + 10000 WHERE field = 11");
    for _ in 0..10 {
        let der = certificate(&mut dice);
        let items = world.import(std::slice::from_ref(&der), None).unwrap();
        let Outcome::Imported(id) = items[0].outcome else { panic!("not imported") };
        subjects.push(described(id.0, &der, None, "story"));
    }
    world.tamper("UPDATE facet SET count = count - 10000 WHERE field = 11");
    // Those that an earlier version counted have no term yet; they get it behind.
    world.tamper("UPDATE facet SET term = NULL WHERE field = 14");
    world.tamper("UPDATE counter SET value = 0 WHERE name = 'derived'");
    while let Some(chunk) = world.read(inventory::outdated).unwrap() {
        let derived = chunk.into_iter().map(|(id, der)| (id, Candidate::of(&der).ok())).collect::<Vec<_>>();
        world.write(move |tx, _| inventory::rederived(tx, &derived)).unwrap();
    }
    for algorithm in algorithms {
        holds(world, &subjects, &format!("KeyAlgorithm -eq \"{algorithm}\""));
        holds(world, &subjects, &format!("KeyAlgorithm -ne \"{algorithm}\" AND SigningAlgorithm -contains \"e\""));
    }
}

/// What was frequent and is rare leads searches again.
pub fn rare_values_are_indexed_again(world: &World) {
    let mut dice = Dice::new(5);
    let subjects = filled(world, 20, &mut dice);
    assert!(world.read(inventory::rare).unwrap().is_none());
    forget_the_frequent(world);
    let mut restored = 0;
    while let Some(rare) = world.read(inventory::rare).unwrap() {
        world.write(move |tx, _| inventory::index_rare(tx, &rare)).unwrap();
        restored += 1;
        assert!(restored < 1_000, "it never ends");
    }
    assert!(restored > 40, "of each counted field some: {restored}");
    for _ in 0..40 {
        holds(world, &subjects, &question(&mut dice, &subjects, 3));
    }
    // A removed certificate takes its entries with it, so they are all there again.
    let gone = certhold_domain::CertificateId(subjects[0].id);
    world.write(move |tx, now| inventory::remove(tx, &local(), gone, now)).unwrap();
    holds(world, &subjects[1..], &format!("KeyAlgorithm -eq \"{}\"", subjects[0].key_algorithm));
}

/// What somebody makes to be in the way: thousands of values in one certificate, thousands of comparisons in one query.
pub fn excess_is_answered(world: &World) {
    let mut dice = Dice::new(6);
    let mut subjects = filled(world, 10, &mut dice);
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "many usages");
    parameters.extended_key_usages =
        (0..2_100).map(|number| ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 55_555, number])).collect();
    let der = parameters.self_signed(&key).unwrap().der().to_vec();
    let candidate = Candidate::of(&der).unwrap();
    let batch = ImportBatch {
        certificates: vec![candidate],
        keys: Vec::new(),
        owner: None,
        source: "upload".into(),
        metadata: Vec::new(),
    };
    let imported = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
    let Outcome::Imported(many) = imported[0].outcome else { panic!("it is new") };
    subjects.push(described(many.0, &der, None, "upload"));
    for query in [
        "EKU -eq \"serverAuth\"",
        "EKU -eq \"Server authentication\"",
        "EKU -eq \"1.3.6.1.4.1.55555.7\"",
        "EKU -contains \"55555.20\"",
    ] {
        holds(world, &subjects, query);
    }
    let issuers: Vec<String> = (0..300)
        .map(|number| format!("IssuerDN -contains \"{}\"", ["s", "e", "a", "x"][number % 4].repeat(1 + number / 200)))
        .collect();
    holds(world, &subjects, &issuers.join(" OR "));
    let findings: Vec<String> =
        (0..400).map(|number| format!("Finding -contains \"{}\"", ["l", "e", "key", "ca"][number % 4])).collect();
    holds(world, &subjects, &findings.join(" OR "));
    let usages: Vec<String> = (0..60).map(|number| format!("EKU -contains \"5555{}\"", number % 10)).collect();
    holds(world, &subjects, &usages.join(" AND "));
    world.write(move |tx, now| inventory::remove(tx, &local(), many, now)).unwrap();
    subjects.pop();
    holds(world, &subjects, "EKU -contains \"auth\"");
}

/// Names of owners in which letters have several forms: lists and membership read them alike.
pub fn owners_have_any_name(world: &World) {
    for name in ["Groß & Co", "Web²", "ＤＮＳ", "ſales", "ΟΔΟΣ", "İstanbul"] {
        let role = world.role(name, &[]);
        let certificate = world.certificate(&[&format!("{role}.example.com")], Some(role));
        let part: String = name.chars().skip(1).take(3).collect();
        for (query, expected) in [
            (format!("OwnerRoleName -eq \"{name}\""), true),
            (format!("Owner -eq \"{}\"", query::fold(name)), true),
            (format!("Owner -contains \"{part}\""), true),
            (format!("Owner -startswith \"{}\" AND Owner -ne NULL", part.to_uppercase()), false),
            (format!("Owner -eq \"{name} \u{200A}x\""), false),
        ] {
            let found = find(world, &query).contains(&certificate.0);
            let command = CollectionCommand {
                name: format!("{name}: {query}").replace('"', ""),
                query: query.clone(),
                ..CollectionCommand::default()
            };
            let collection = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
            let scope = Scope::of(Some(collection), world.now());
            let inside = world.read(move |tx| inventory::get_in(tx, &local(), certificate, scope)).is_ok();
            assert_eq!(found, inside, "{query}");
            assert_eq!(found, expected, "{query}");
        }
    }
}

/// As if every counted value had been shared by too many certificates to be indexed.
pub(super) fn forget_the_frequent(world: &World) {
    world.tamper("DELETE FROM certificate_term WHERE term IN (SELECT term FROM facet)");
    world.tamper("UPDATE facet SET frequent = TRUE WHERE field < 100");
}

/// The maintained counts are what counting gives.
pub fn counts_are_kept(world: &World) {
    let mut dice = Dice::new(3);
    let subjects = filled(world, 20, &mut dice);
    fill_index(world);
    let removed = certhold_domain::CertificateId(subjects[0].id);
    world.write(move |tx, now| inventory::remove(tx, &local(), removed, now)).unwrap();
    let changed = certhold_domain::CertificateId(subjects[1].id);
    world
        .write(move |tx, now| {
            let command = certhold_domain::ownership::ChangeOwner {
                certificate: changed,
                scope: certhold_domain::ownership::Scope::default(),
                to: Some(RoleId(2)),
            };
            certhold_domain::ownership::change(tx, &local(), &command, now)
        })
        .unwrap();
    agree(world);
    forget_the_frequent(world);
    agree(world);

    // As an older version would have left it: nothing but what it knew.
    world.tamper(
        "UPDATE certificate SET sha1 = NULL, common_name_folded = NULL, names_folded = NULL, key_usage = NULL, findings = NULL",
    );
    world.tamper("DELETE FROM certificate_term WHERE term <> 0");
    world.tamper("DELETE FROM facet WHERE field > 0");
    world.tamper("DELETE FROM expiry_day WHERE day > 0");
    world.tamper("UPDATE counter SET value = 0 WHERE name = 'derived'");
    for _ in 0..2 {
        while let Some(chunk) = world.read(inventory::outdated).unwrap() {
            let derived = chunk.into_iter().map(|(id, der)| (id, Candidate::of(&der).ok())).collect::<Vec<_>>();
            world.write(move |tx, _| inventory::rederived(tx, &derived)).unwrap();
        }
        agree(world);
        // The second time every row is derived already.
        world.tamper("UPDATE counter SET value = 0 WHERE name = 'derived'");
    }
    assert_eq!(find(world, &format!("Thumbprint -eq \"{}\"", subjects[3].sha1)), [subjects[3].id]);
}

fn agree(world: &World) {
    // In the middle of a day: the days at both ends of a stretch are counted row by row.
    let overview = world.read(|tx| certhold_domain::overview::overview(tx, &local(), START + DAY / 3)).unwrap();
    assert_eq!(overview.without_owner, find(world, "OwnerRoleName -eq NULL").len() as i64);
    for bucket in &overview.expiry {
        let mut filter = Filter { limit: 1_000, count: true, ..Filter::default() };
        filter.expiry = inventory::Expiry { from: bucket.from.or(Some(0)), before: bucket.before };
        let counted = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap().total;
        assert_eq!(Some(bucket.unmanaged), counted, "{bucket:?}");
    }
    let facets = world.read(|tx| inventory::facets(tx, &local(), &Filter::default(), Scope::of(None, START))).unwrap();
    for (field, query) in [("key", "KeyAlgorithm"), ("source", "Source"), ("signature", "SigningAlgorithm")] {
        let facet = facets.iter().find(|facet| facet.name == field).unwrap();
        let total: i64 = facet.values.iter().map(|value| value.count).sum();
        assert_eq!(total, overview.certificates, "{field}");
        if field != "key" {
            for value in &facet.values {
                assert_eq!(
                    value.count,
                    find(world, &format!("{query} -eq \"{}\"", value.value)).len() as i64,
                    "{field} {}",
                    value.value
                );
            }
        }
    }
}
