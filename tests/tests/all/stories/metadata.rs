//! What people note about certificates.

use std::collections::BTreeMap;

use certhold_domain::access::paths;
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_domain::metadata::{
    self, Change, Conversion, Enrolment, FieldCommand, FieldType, Removal, SetMetadata, number_form, sort_form,
};
use certhold_domain::{Actor, CertificateId, Face, MetadataFieldId, Refusal, events};
use certhold_store::params;
use serde_json::json;

use super::world::{DAY, START, World, issue, key};

fn local() -> Actor {
    Actor::local("story")
}

pub fn field(world: &World, command: FieldCommand) -> MetadataFieldId {
    world.write(move |tx, now| metadata::create(tx, &local(), &command, now)).unwrap()
}

pub fn simple(world: &World, name: &str, kind: FieldType) -> MetadataFieldId {
    field(world, FieldCommand::new(name, kind))
}

pub fn command(certificate: CertificateId, changes: &[(&str, &str)]) -> SetMetadata {
    let changes = changes.iter().map(|(name, value)| Change::new(*name, *value)).collect();
    SetMetadata { certificate, collection: None, changes }
}

pub fn values(world: &World, certificate: CertificateId) -> BTreeMap<String, String> {
    let held = world.read(move |tx| metadata::of(tx, &local(), certificate)).unwrap();
    held.into_iter().map(|held| (held.name, held.value)).collect()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn set(world: &World, certificate: CertificateId, changes: &[(&str, &str)]) -> bool {
    let command = command(certificate, changes);
    world.write(move |tx, now| metadata::set(tx, &local(), &command, now)).unwrap()
}

fn refused(world: &World, certificate: CertificateId, changes: &[(&str, &str)]) -> String {
    let command = command(certificate, changes);
    world.refused(move |tx, now| metadata::set(tx, &local(), &command, now)).to_string()
}

pub fn values_are_typed_and_only_named_fields_change(world: &World) {
    let id = world.certificate(&["a.example.com"], None);
    simple(world, "Team", FieldType::String);
    simple(world, "Tier", FieldType::Integer);
    simple(world, "Review", FieldType::Date);
    simple(world, "Public", FieldType::Boolean);
    field(
        world,
        FieldCommand { options: vec!["Prod".into(), "Test".into()], ..FieldCommand::new("Stage", FieldType::MultipleChoice) },
    );
    simple(world, "Notes", FieldType::BigText);
    simple(world, "Contact", FieldType::Email);
    let code = FieldCommand {
        validation: "^[A-Z]{2}[0-9]+$".into(),
        message: "two letters and a number".into(),
        ..FieldCommand::new("Code", FieldType::String)
    };
    field(world, code);

    let given = [
        ("team", " Web "),
        ("Tier", "+007"),
        ("Review", "2026-11-22T23:59:59-05:00"),
        ("PUBLIC", "Yes"),
        ("stage", "prod"),
        ("Notes", "first\r\nsecond\t🌊"),
        ("Contact", "kim@example.org"),
        ("Code", "AB12"),
    ];
    assert!(set(world, id, &given));
    let held = [
        ("Team", "Web"),
        ("Tier", "7"),
        // 23:59:59 in New York is the next day in UTC.
        ("Review", "2026-11-23"),
        ("Public", "true"),
        ("Stage", "Prod"),
        ("Notes", "first\nsecond\t🌊"),
        ("Contact", "kim@example.org"),
        ("Code", "AB12"),
    ];
    assert_eq!(values(world, id), expected(&held));
    let events = world.events();
    assert!(!set(world, id, &given), "the same again changes nothing");
    assert_eq!(world.events(), events);

    for (name, value, reason) in [
        ("Tier", "7.5", "Tier: \"7.5\" is not a whole number"),
        ("Tier", "9223372036854775808", "is not a whole number"),
        ("Review", "2026-02-29", "is not a day"),
        ("Review", "22.11.2026", "is not a day"),
        ("Public", "maybe", "neither true nor false"),
        ("Stage", "Staging", "Stage: choose one of Prod, Test"),
        ("Contact", "kim", "is not a mail address"),
        ("Contact", "a@b@c.example", "is not a mail address"),
        ("Code", "ab12", "Code: two letters and a number"),
        ("Team", "two\nlines", "U+000A"),
        ("Notes", "bell\u{7}", "U+0007"),
        ("Team", "ab\u{202E}cd", "U+202E"),
        ("Nonsense", "x", "there is no metadata field \"Nonsense\""),
    ] {
        let said = refused(world, id, &[("Team", "Other"), (name, value)][usize::from(name == "Team")..]);
        assert!(said.contains(reason), "{name}={value}: {said}");
    }
    assert!(refused(world, id, &[("Team", "a"), ("TEAM", "b")]).contains("stands twice"));
    assert!(refused(world, id, &[("Team", &"x".repeat(401))]).contains("at most 400 characters"));
    assert_eq!(values(world, id), expected(&held), "nothing is half done");

    // An empty value clears; what is not named stays.
    assert!(set(world, id, &[("Tier", ""), ("Team", "Ops")]));
    let after = values(world, id);
    assert_eq!((after.get("Tier"), after["Team"].as_str(), after.len()), (None, "Ops", 7));
    let history = world.read(move |tx| events::history(tx, &local(), id, None, 1)).unwrap().events.remove(0);
    assert_eq!(history.operation, "certificate.metadata_changed");
    assert_eq!(history.payload, json!({ "before": { "Team": "Web", "Tier": "7" }, "after": { "Team": "Ops", "Tier": null } }));

    // All of them at once: what is not named is cleared.
    let command = command(id, &[("Team", "Ops"), ("Tier", "-1")]);
    assert!(world.write(move |tx, now| metadata::replace(tx, &local(), &command, now)).unwrap());
    assert_eq!(values(world, id), expected(&[("Team", "Ops"), ("Tier", "-1")]));

    // The forms under which values are compared.
    let form = world
        .read(move |tx| {
            let sql = "SELECT sort, number FROM certificate_metadata WHERE certificate = $1 AND number IS NOT NULL";
            Ok(tx.one(sql, params![id], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?)
        })
        .unwrap();
    assert_eq!(form, Some(("-1".into(), -1)));
    assert_eq!((number_form(FieldType::Date, "2026-11-22"), sort_form("ÄB")), (Some(START), "äb".into()));
}

pub fn rights_decide_before_anything_is_looked_up(world: &World) {
    let id = world.certificate(&["a.example.com"], None);
    let team = simple(world, "Team", FieldType::String);
    let editors = world.role("Editors", &[paths::CERTIFICATES_METADATA_MODIFY]);
    let keepers = world.role("Keepers", &[paths::METADATA_TYPES_MODIFY]);
    let nobody = world.somebody("nobody", &[]);
    let editor = world.somebody("editor", &[editors]);
    let keeper = world.somebody("keeper", &[keepers]);

    // Fields are read by everybody who is signed in, and by nobody else.
    let reader = nobody.clone();
    assert_eq!(world.read(move |tx| metadata::list(tx, &reader)).unwrap().len(), 1);
    assert_eq!(world.read(metadata::entries).unwrap()[0].kind, certhold_domain::query::Kind::Text);
    let reader = nobody.clone();
    assert_eq!(world.read(move |tx| metadata::by_name(tx, &reader, "TEAM")).unwrap().id, team);
    let stranger = Actor::anonymous(Face::Native, "x", "", "");
    let refusal = world.refused(move |tx, _| metadata::list(tx, &stranger));
    assert!(matches!(refusal, Refusal::Unauthenticated(_)), "{refusal}");

    for (who, certificate) in [(nobody.clone(), id), (keeper.clone(), id), (nobody.clone(), CertificateId(4711))] {
        let command = command(certificate, &[("Nonsense", "x")]);
        let refusal = world.refused(move |tx, now| metadata::set(tx, &who, &command, now));
        assert_eq!(refusal.to_string(), format!("missing permission {}", paths::CERTIFICATES_METADATA_MODIFY));
    }
    let (who, change) = (editor.clone(), command(id, &[("Team", "Web")]));
    assert!(world.write(move |tx, now| metadata::set(tx, &who, &change, now)).unwrap());
    let (who, change) = (editor.clone(), command(CertificateId(4711), &[("Team", "Web")]));
    let refusal = world.refused(move |tx, now| metadata::set(tx, &who, &change, now));
    assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal}");
    // A collection that is named grants nothing as long as the certificate is not known to be in it.
    let scoped = world.role("Scoped", &["/certificates/collections/metadata/modify/5/"]);
    let who = world.somebody("scoped", &[scoped]);
    let change = SetMetadata { collection: Some(certhold_domain::CollectionId(5)), ..command(id, &[("Team", "Ops")]) };
    let refusal = world.refused(move |tx, now| metadata::set(tx, &who, &change, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. } | Refusal::NotFound { .. }), "{refusal}");

    for who in [nobody.clone(), editor.clone()] {
        let other = who.clone();
        let refusal = world.refused(move |tx, now| metadata::create(tx, &other, &FieldCommand::new("X", FieldType::String), now));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
        let other = who.clone();
        let refusal = world.refused(move |tx, now| metadata::remove(tx, &other, MetadataFieldId(4711), true, now));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
        let refusal = world.refused(move |tx, _| metadata::usage(tx, &who, team));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    }
    assert_eq!(world.read(move |tx| metadata::usage(tx, &local(), team)).unwrap(), 1);
    let renamed = FieldCommand { display_order: 3, ..FieldCommand::new("Squad", FieldType::String) };
    world.write(move |tx, now| metadata::update(tx, &keeper, team, &renamed, now)).unwrap();
    assert_eq!(values(world, id), expected(&[("Squad", "Web")]), "values follow the name");
}

pub fn wrong_fields_are_refused(world: &World) {
    simple(world, "Team", FieldType::String);
    let new = FieldCommand::new;
    let string = || new("X", FieldType::String);
    let choice = || new("X", FieldType::MultipleChoice);
    let deep = "(".repeat(60) + "a" + &")".repeat(60);
    for (command, field, words) in [
        (new("", FieldType::String), "name", "required"),
        (new("two words", FieldType::String), "name", "queries"),
        (new("7th", FieldType::String), "name", "queries"),
        (new("notafter", FieldType::String), "name", "field of queries already"),
        (new("a'; DROP TABLE", FieldType::String), "name", "queries"),
        (new(&"x".repeat(101), FieldType::String), "name", "100"),
        (FieldCommand { validation: "(".into(), ..string() }, "validation", "unclosed group"),
        (FieldCommand { validation: "(?=look)".into(), ..string() }, "validation", "look-around"),
        (FieldCommand { validation: "(a)\\1".into(), ..string() }, "validation", "backreferences"),
        (FieldCommand { validation: "((a{1,100}){1,100}){1,100}".into(), ..string() }, "validation", "too large"),
        (FieldCommand { validation: deep, ..string() }, "validation", "nest"),
        (FieldCommand { validation: "x".repeat(401), ..string() }, "validation", "400"),
        (FieldCommand { validation: "x".into(), ..new("X", FieldType::Integer) }, "validation", "only a field of type string"),
        (FieldCommand { message: "x".into(), ..string() }, "message", "regular expression"),
        (choice(), "options", "at least one"),
        (FieldCommand { options: vec!["a".into(), "A".into()], ..choice() }, "options", "twice"),
        (FieldCommand { options: vec!["a,b".into()], ..choice() }, "options", "comma"),
        (FieldCommand { options: vec!["a".into()], ..string() }, "options", "multiple_choice"),
        (FieldCommand { default: "x".into(), ..new("X", FieldType::Integer) }, "default", "whole number"),
        (FieldCommand { default: "c".into(), options: vec!["a".into()], ..choice() }, "default", "choose one of a"),
        (FieldCommand { hint: "two\nlines".into(), ..string() }, "hint", "U+000A"),
        (FieldCommand { description: "x".repeat(2_001), ..string() }, "description", "2000"),
    ] {
        let refusal = world.refused(move |tx, now| metadata::create(tx, &local(), &command, now));
        let Refusal::Invalid { field: at, message } = &refusal else { panic!("{refusal}") };
        assert_eq!(*at, field, "{refusal}");
        assert!(message.contains(words), "{words}: {refusal}");
    }
    let refusal = world.refused(|tx, now| metadata::create(tx, &local(), &FieldCommand::new("TEAM", FieldType::Date), now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    // An expression that drives backtracking engines into the wall is no trouble here.
    field(world, FieldCommand { validation: "^(a+)+$".into(), ..new("Slow", FieldType::String) });
    let id = world.certificate(&["a.example.com"], None);
    let started = std::time::Instant::now();
    assert!(refused(world, id, &[("Slow", &("a".repeat(399) + "!"))]).contains("Slow"));
    assert!(started.elapsed() < std::time::Duration::from_secs(2));
}

pub fn required_fields_and_defaults_meet_new_certificates(world: &World) {
    let old = world.certificate(&["old.example.com"], None);
    field(world, FieldCommand { enrolment: Enrolment::Required, ..FieldCommand::new("Team", FieldType::String) });
    field(
        world,
        FieldCommand { default: "2".into(), enrolment: Enrolment::Hidden, ..FieldCommand::new("Tier", FieldType::Integer) },
    );
    let der = issue(&key(), &["new.example.com"], START, START + 30 * DAY);
    let batch = |changes: &[(&str, &str)]| ImportBatch {
        certificates: vec![Candidate::of(&der).unwrap()],
        keys: Vec::new(),
        owner: None,
        source: "story".into(),
        metadata: changes.iter().map(|(name, value)| Change::new(*name, *value)).collect(),
    };
    for (given, words) in [
        (batch(&[]), "Team: the field is required: give a value"),
        (batch(&[("Team", " ")]), "Team: the field is required"),
        (batch(&[("Team", "Web"), ("Tier", "x")]), "Tier: \"x\" is not a whole number"),
        (batch(&[("Team", "Web"), ("Other", "x")]), "no metadata field \"Other\""),
    ] {
        let refusal = world.refused(move |tx, now| inventory::import(tx, &local(), &given, now));
        assert!(refusal.to_string().contains(words), "{refusal}");
    }
    let given = batch(&[("team", "Web")]);
    let items = world.write(move |tx, now| inventory::import(tx, &local(), &given, now)).unwrap();
    let Outcome::Imported(id) = items[0].outcome else { panic!("{items:?}") };
    assert_eq!(values(world, id), expected(&[("Team", "Web"), ("Tier", "2")]));
    let history = world.read(move |tx| events::history(tx, &local(), id, None, 10)).unwrap().events;
    assert_eq!((history.len(), &history[0].payload["metadata"]), (1, &json!({ "Team": "Web", "Tier": "2" })));
    // What is held already keeps its values, and asks for none.
    let again = batch(&[("Team", "Other")]);
    world.write(move |tx, now| inventory::import(tx, &local(), &again, now)).unwrap();
    let again = batch(&[]);
    world.write(move |tx, now| inventory::import(tx, &local(), &again, now)).unwrap();
    assert_eq!(values(world, id)["Team"], "Web");
    assert_eq!(values(world, old), expected(&[]), "what was here before is left alone");

    assert!(refused(world, id, &[("Team", "")]).contains("Team: the field is required and cannot be cleared"));
    assert!(!set(world, old, &[("Team", "")]), "what is not there need not be cleared");
    // What was noted about a certificate stands in the event of its removal.
    world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
    let gone = world.read(move |tx| events::history(tx, &local(), id, None, 1)).unwrap().events.remove(0);
    assert_eq!(gone.payload["before"]["metadata"], json!({ "Team": "Web", "Tier": "2" }));
}

pub fn a_field_changes_its_type_only_when_all_values_fit(world: &World) {
    let field = simple(world, "Size", FieldType::String);
    let ids: Vec<_> = (0..3).map(|n| world.certificate(&[&format!("h{n}.example.com")], None)).collect();
    for (id, value) in ids.iter().zip(["010", "20", "many"]) {
        set(world, *id, &[("Size", value)]);
    }
    let number = || FieldCommand::new("Size", FieldType::Integer);
    let looked: Conversion = world.read(move |tx| metadata::conversion(tx, &local(), field, &number())).unwrap();
    assert_eq!((looked.values, looked.misfits, looked.examples.len()), (3, 1, 1));
    assert_eq!((looked.examples[0].certificate, looked.examples[0].value.as_str()), (ids[2], "many"));
    let refusal = world.refused(move |tx, now| metadata::update(tx, &local(), field, &number(), now));
    assert!(refusal.to_string().contains("1 of 3 values of \"Size\" do not fit"), "{refusal}");
    set(world, ids[2], &[("Size", "")]);
    world.write(move |tx, now| metadata::update(tx, &local(), field, &number(), now)).unwrap();
    assert_eq!((values(world, ids[0])["Size"].as_str(), values(world, ids[1])["Size"].as_str()), ("10", "20"));
    let last = world.read(|tx| events::list(tx, &local(), &events::EventFilter { limit: 1, ..Default::default() })).unwrap();
    assert_eq!(last.events[0].payload, json!({ "before": { "type": "string" }, "after": { "type": "integer" } }));
}

pub fn a_field_in_use_is_removed_by_force_only(world: &World) {
    let field = simple(world, "Team", FieldType::String);
    let id = world.certificate(&["a.example.com"], None);
    set(world, id, &[("Team", "Web")]);
    let refusal = world.refused(move |tx, now| metadata::remove(tx, &local(), field, false, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    let removed = world.write(move |tx, now| metadata::remove(tx, &local(), field, true, now)).unwrap();
    assert_eq!(removed, Removal::Done);
    assert_eq!(values(world, id), expected(&[]));
    let history = world.read(move |tx| events::history(tx, &local(), id, None, 1)).unwrap().events.remove(0);
    assert_eq!(history.payload, json!({ "before": { "Team": "Web" }, "after": { "Team": null } }));
    let refusal = world.refused(move |tx, now| metadata::remove(tx, &local(), field, true, now));
    assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal}");
    world.intact();
}

/// What is noted is asked for in queries, and holds in collections: SQL, and memory for one certificate.
pub fn queries_and_collections_ask_for_metadata(world: &World) {
    let (one, two) = (world.certificate(&["one.example.com"], None), world.certificate(&["two.example.com"], None));
    simple(world, "Team", FieldType::String);
    simple(world, "Tier", FieldType::Integer);
    simple(world, "Public", FieldType::Boolean);
    assert!(set(world, one, &[("Team", "Größe & Co"), ("Tier", "2"), ("Public", "true")]));
    assert!(set(world, two, &[("Tier", "7")]));
    let find = |text: &'static str| -> Vec<CertificateId> {
        let scope = Scope::of(None, START);
        world
            .read(move |tx| {
                let condition = inventory::question(tx, &local(), text, scope)?;
                inventory::list(tx, &local(), &inventory::Filter { condition, limit: 10, ..Default::default() })
            })
            .unwrap()
            .certificates
            .iter()
            .map(|found| found.id)
            .collect()
    };
    for (query, expected) in [
        ("Team -eq \"GRÖSSE & co\"", vec![]),
        ("Team -eq \"GRÖßE & co\"", vec![one]),
        ("Team -startswith \"grö\"", vec![one]),
        ("Team -contains \"e & c\" OR Tier -gt 6", vec![one, two]),
        ("Tier -in (2, 3)", vec![one]),
        ("Tier -ge 2 AND Tier -lt 7", vec![one]),
        ("Public -eq true", vec![one]),
        ("Team -eq NULL", vec![two]),
        ("Team -ne NULL", vec![one]),
        ("Team -ne \"x\" AND IssuedCN -ne \"x\"", vec![one, two]),
    ] {
        assert_eq!(find(query), expected, "{query}");
    }
    let command =
        CollectionCommand { name: "Tier two".into(), query: "Tier -eq 2 AND Public -eq true".into(), ..Default::default() };
    let collection = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
    let inside = |id: CertificateId| {
        let scope = Scope::of(Some(collection), START);
        world.read(move |tx| inventory::get_in(tx, &local(), id, scope)).is_ok()
    };
    assert!(inside(one));
    // It is a scope as soon as a role names it.
    let path = format!("/certificates/collections/read/{collection}/");
    world.role("Readers of tier two", &[path.as_str()]);
    assert_eq!(world.read(|tx| collections::scopes_using(tx, MetadataFieldId(2))).unwrap().len(), 1);
}
