//! Collections as scopes, and completion, without HTTP: what is inside is what the list finds, on every engine.

use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::inventory::{self, Filter};
use certhold_domain::{Actor, CertificateId, CollectionId, MetadataFieldId, Refusal, query};

use super::renewing;
use super::world::World;

const READ: &str = "/certificates/collections/read/";

fn local() -> Actor {
    Actor::local("story")
}

fn add(world: &World, name: &str, query: &str) -> CollectionId {
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
