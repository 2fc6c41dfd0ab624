//! Collections as scopes, and completion, without HTTP: what is inside is what the list finds, on every engine.

use std::collections::{BTreeMap, BTreeSet};

use certhold_domain::access::review::{Filter as ReviewFilter, Reach, Review};
use certhold_domain::access::why::{self, Object, Question, Subject};
use certhold_domain::access::{Path, paths};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::inventory::{self, Filter};
use certhold_domain::metadata::{Change, FieldCommand, FieldType, SetMetadata};
use certhold_domain::{Actor, CertificateId, CollectionId, MetadataFieldId, Refusal, RoleId, metadata, ownership, query};

use super::renewing;
use super::world::World;

const READ: &str = "/certificates/collections/read/";

fn local() -> Actor {
    Actor::local("story")
}

pub(super) fn add(world: &World, name: &str, query: &str) -> CollectionId {
    let command = CollectionCommand { name: name.into(), query: query.into(), ..CollectionCommand::default() };
    world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap()
}

fn inside(world: &World, actor: &Actor, id: CollectionId) -> Vec<CertificateId> {
    let (actor, scope) = (actor.clone(), Scope::of(Some(id), world.now()));
    let filter = Filter { limit: 100, ..Filter::default() };
    let page = world.read(move |tx| inventory::list_in(tx, &actor, &filter, scope)).unwrap();
    page.certificates.iter().map(|found| found.id).collect()
}

pub fn collections_are_scopes(world: &World) {
    let team = world.role("Team", &[]);
    let shop = world.certificate(&["shop.example.com"], Some(team));
    let other = world.certificate(&["other.example.com"], None);
    let mine = add(world, "Mine", "OwnerRoleName -eq \"team\"");
    let all = add(world, "All", "");
    assert_eq!(inside(world, &local(), mine), [shop]);
    assert_eq!(inside(world, &local(), all), [shop, other]);
    let now = world.now();
    let of = world.read(move |tx| collections::containing(tx, &local(), other, now)).unwrap();
    assert_eq!(of.iter().map(|one| one.id).collect::<Vec<_>>(), [all]);

    let reader = world.role("Readers", &[&format!("{READ}{mine}/")]);
    let eve = world.somebody("eve", &[reader]);
    assert_eq!(inside(world, &eve, mine), [shop]);
    let scope = Scope::of(Some(mine), now);
    let asking = eve.clone();
    assert!(world.read(move |tx| inventory::summary_in(tx, &asking, shop, scope)).is_ok());
    let asking = eve.clone();
    assert!(world.read(move |tx| inventory::summary_in(tx, &asking, other, scope)).is_err());
    let asking = eve.clone();
    assert_eq!(world.read(move |tx| collections::by_name(tx, &asking, " MINE ")).unwrap(), mine);
    for favourite in [true, false] {
        let marking = eve.clone();
        world.write(move |tx, now| collections::set_favourite(tx, &marking, mine, favourite, now)).unwrap();
        let asking = eve.clone();
        assert_eq!(world.read(move |tx| collections::list(tx, &asking)).unwrap()[0].favourite, favourite);
    }

    let changed = CollectionCommand { name: "Mine".into(), query: "SAN -eq \"other.example.com\"".into(), ..Default::default() };
    world.write(move |tx, now| collections::update(tx, &local(), mine, &changed, now)).unwrap();
    let copy = world.write(move |tx, now| collections::copy(tx, &local(), mine, "Copy", true, now)).unwrap();
    let refusal = world.refused(move |tx, now| collections::remove(tx, &local(), mine, false, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    world.write(move |tx, now| collections::remove(tx, &local(), mine, true, now)).unwrap();
    let left = world.read(move |tx| collections::grants(tx, &local(), copy)).unwrap();
    assert_eq!(left.iter().map(|grant| grant.role).collect::<Vec<_>>(), [reader]);
    let using = world.read(|tx| collections::scopes_using(tx, MetadataFieldId(1))).unwrap();
    assert_eq!(using, []);
}

pub fn values_are_offered(world: &World) {
    world.role("Web Operations", &[]);
    world.certificate(&["shop.example.com"], None);
    renewing::managed(world, &["managed.example.com"]);
    // Nobody has made one: nothing is offered, and nothing fails.
    for text in ["CertStoreContainer -eq w", "CA -eq exa"] {
        world.read(move |tx| query::completions(tx, &local(), text, usize::MAX)).unwrap();
    }
    for (text, offered) in [
        ("CN -eq sho", "\"shop.example.com\""),
        ("Owner -eq we", "\"Web Operations\""),
        ("ManagedName -eq man", "\"managed.example.com\""),
        ("KeyAlgorithm -eq e", "\"EC\""),
    ] {
        let found = world.read(move |tx| query::completions(tx, &local(), text, usize::MAX)).unwrap();
        assert!(found.items.iter().any(|item| item.text == offered), "{text}: {found:?}");
    }
}

/// A query of many kinds of tests, different for every number.
fn generated(number: usize) -> String {
    let letter = char::from(b'a' + (number % 26) as u8);
    let tests = [
        format!("IssuedCN -contains \"{letter}\""),
        format!("SAN -startswith \"{letter}\""),
        format!("CertId -ge {}", number % 30),
        "OwnerRoleName -eq NULL".to_owned(),
        format!("OwnerRoleName -ne \"team {}\"", number % 3),
        "Stage -eq \"Prod\"".to_owned(),
        "Stage -ne \"Test\"".to_owned(),
        "Stage -eq NULL".to_owned(),
        format!("ExpirationDate -le \"%TODAY+{}%\"", number % 120),
        format!("KeySize -gt {}", 200 + number % 100),
        format!("CertId -in ({}, {}, {})", number % 7, number % 11, number % 29),
        "SelfSigned -eq true".to_owned(),
    ];
    let (first, second) = (&tests[number % tests.len()], &tests[(number / tests.len()) % tests.len()]);
    let third = &tests[(number * 7 + 3) % tests.len()];
    match number % 4 {
        0 => first.clone(),
        1 => format!("{first} AND {second}"),
        2 => format!("{first} OR ({second} AND {third})"),
        _ => format!("({first} OR {second}) AND {third}"),
    }
}

/// Twenty-eight certificates of different names, owners, notes and ends.
fn a_varied_inventory(world: &World) -> Vec<CertificateId> {
    let stage =
        FieldCommand { options: vec!["Prod".into(), "Test".into()], ..FieldCommand::new("Stage", FieldType::MultipleChoice) };
    world.write(move |tx, now| metadata::create(tx, &local(), &stage, now)).unwrap();
    let teams: Vec<RoleId> = (0..3).map(|number| world.role(&format!("Team {number}"), &[])).collect();
    let mut held = Vec::new();
    for number in 0..28_usize {
        let name = format!("{}{}.example.com", char::from(b'a' + (number % 26) as u8), "xyz".repeat(number % 3));
        let id = world.certificate(&[&name], (number % 4 != 3).then(|| teams[number % 3]));
        if number % 3 != 0 {
            let value = if number % 2 == 0 { "Prod" } else { "Test" };
            let command = SetMetadata { certificate: id, collection: None, changes: vec![Change::new("Stage", value)] };
            world.write(move |tx, now| metadata::set(tx, &local(), &command, now)).unwrap();
        }
        held.push(id);
    }
    held
}

/// What a certificate is in is decided in memory, what a collection holds by SQL: they must agree.
pub fn five_hundred_collections_agree_with_their_lists(world: &World) {
    let held = a_varied_inventory(world);
    let all: Vec<CollectionId> =
        (0..500).map(|number| add(world, &format!("Collection {number:03}"), &generated(number))).collect();
    let mut listed: BTreeMap<CertificateId, BTreeSet<CollectionId>> = BTreeMap::new();
    let mut sizes = BTreeSet::new();
    for collection in &all {
        let found = inside(world, &local(), *collection);
        sizes.insert(found.len());
        for certificate in found {
            listed.entry(certificate).or_default().insert(*collection);
        }
    }
    assert!(sizes.len() > 10 && sizes.contains(&0), "the queries tell certificates apart: {sizes:?}");
    for certificate in held {
        let now = world.now();
        let of = world.read(move |tx| collections::containing(tx, &local(), certificate, now)).unwrap();
        let of: BTreeSet<CollectionId> = of.iter().map(|one| one.id).collect();
        let wanted = listed.remove(&certificate).unwrap_or_default();
        assert_eq!(of, wanted, "certificate {certificate}");
    }
    assert!(listed.is_empty(), "{listed:?}");
}

pub fn reasons_name_the_collection(world: &World) {
    let team = world.role("Team", &[]);
    let shop = world.certificate(&["shop.example.com"], Some(team));
    let other = world.certificate(&["other.example.com"], None);
    let mine = add(world, "Mine", "SAN -eq \"shop.example.com\"");
    let all = add(world, "All", "");
    let change = paths::CERTIFICATES_CHANGE_OWNER;
    let scoped = world.role("Scoped", &[&format!("{READ}{mine}/"), &format!("{change}{mine}/"), &format!("{READ}{all}/")]);
    let eve = world.somebody("eve", &[scoped, team]);
    let ask = |object: Object, action: &str| {
        let (now, subject) = (world.now(), Subject::Principal(eve.id.unwrap()));
        let question = Question { subject, object, action: Path::parse(action).unwrap() };
        world.read(move |tx| why::why(tx, &local(), &question, now)).unwrap()
    };
    let told = ask(Object::Certificate(shop), READ);
    assert!(told.allowed && told.sentence.contains("role Scoped"), "{told:?}");
    assert!(told.sentence.contains(&format!("through collection {mine}, Mine")), "{told:?}");
    let told = ask(Object::Certificate(other), READ);
    assert!(told.allowed && told.sentence.contains(&format!("through collection {all}, All")), "{told:?}");
    let told = ask(Object::Certificate(shop), change);
    assert!(told.allowed && told.sentence.contains("Mine"), "{told:?}");
    let told = ask(Object::Certificate(other), change);
    assert!(!told.allowed && told.missing.contains(&change.to_owned()), "{told:?}");
    let told = ask(Object::Collection(mine), change);
    assert!(told.allowed && told.sentence.contains("Mine"), "{told:?}");
    let told = ask(Object::Collection(all), change);
    assert!(!told.allowed && told.missing.contains(&format!("{change}{all}/")), "{told:?}");

    // What the reasons say is what happens.
    let act = |certificate: CertificateId, collection: CollectionId| {
        let (eve, scope) = (eve.clone(), ownership::Scope { collection: Some(collection), container: None });
        let command = ownership::ChangeOwner { certificate, scope, to: Some(team) };
        world.write(move |tx, now| ownership::change(tx, &eve, &command, now))
    };
    assert!(act(shop, mine).is_ok());
    assert!(act(other, all).is_err() && act(other, mine).is_err() && act(shop, all).is_err());
    // It leaves the collection, and with it the right.
    let changed = CollectionCommand { name: "Mine".into(), query: "SAN -eq \"other.example.com\"".into(), ..Default::default() };
    world.write(move |tx, now| collections::update(tx, &local(), mine, &changed, now)).unwrap();
    let told = ask(Object::Certificate(shop), change);
    assert!(!told.allowed, "{told:?}");
    assert!(ask(Object::Certificate(other), change).allowed);
    assert!(act(shop, mine).is_err() && act(other, mine).is_ok());
}

pub fn the_review_counts_what_collections_hold(world: &World) {
    let team = world.role("Team", &[]);
    for (name, owner) in [("a.shop.example", Some(team)), ("b.shop.example", None), ("c.other.example", Some(team))] {
        world.certificate(&[name], owner);
    }
    let stranger = world.role("Strangers", &[]);
    world.certificate(&["d.shop.example"], Some(stranger));
    let shop = add(world, "Shop", "SAN -endswith \".shop.example\"");
    let change = paths::CERTIFICATES_CHANGE_OWNER;
    let scoped = world.role("Scoped", &[&format!("{READ}{shop}/"), &format!("{change}{shop}/"), &format!("{READ}987654/")]);
    world.somebody("eve", &[scoped, team]);
    let review = |counting: bool| {
        let now = world.now();
        let filter = ReviewFilter { role: Some(scoped), ..ReviewFilter::default() };
        let page = world.read(move |tx| {
            let review = Review::begin(tx, &local(), filter)?;
            let mut page = review.page(tx, &local(), None, 100)?;
            if counting {
                for within in review.uncounted(&page.lines) {
                    review.count(tx, &local(), &within, now)?;
                }
            }
            review.fill(&mut page.lines);
            Ok(page)
        });
        let lines = page.unwrap().lines.into_iter();
        lines
            .map(|line| ((line.action, matches!(line.reach, Reach::Collection(id, _) if id == shop)), line.certificates))
            .collect::<BTreeMap<_, _>>()
    };
    let counted = review(true);
    assert_eq!(counted[&(READ, true)], Some(3));
    // Only between roles that are held: hers and nobody's.
    assert_eq!(counted[&(change, true)], Some(2));
    assert_eq!(counted[&(READ, false)], Some(0), "a collection that is gone holds nothing");
    assert!(review(false).values().all(Option::is_none));
    world.certificate(&["e.shop.example"], None);
    assert_eq!(review(true)[&(READ, true)], Some(4));
}
