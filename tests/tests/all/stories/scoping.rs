//! What the queries of scopes look at: who renames it moves certificates, and needs what changing the query needs.

use certhold_domain::access::paths;
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::metadata::{self, FieldCommand, FieldType};
use certhold_domain::renewal::managed;
use certhold_domain::stores::{self, ContainerCommand, PasswordChange, Properties, Roots, Schedule, StoreCommand, StoreKind};
use certhold_domain::{Actor, CertificateId, CollectionId, Refusal, RoleId, query};

use super::renewing;
use super::world::World;

pub(super) const READ: &str = "/certificates/collections/read/";

pub(super) fn local() -> Actor {
    Actor::local("story")
}

/// A collection on which somebody has rights.
pub(super) fn scope(world: &World, name: &str, query: &str) -> CollectionId {
    let command = CollectionCommand { name: name.into(), query: query.into(), ..CollectionCommand::default() };
    let id = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
    world.role(&format!("Readers of {name}"), &[&format!("{READ}{id}/")]);
    id
}

/// What is missing when the query of this collection is looked at.
pub(super) fn missing(refusal: Refusal) -> Vec<String> {
    match refusal {
        Refusal::Forbidden { missing, .. } => missing,
        other => panic!("{other}"),
    }
}

/// Rights of one role, held by a new account.
pub(super) fn with(world: &World, name: &str, rights: &[&str], more: &[RoleId]) -> Actor {
    let held = world.role(&format!("Rights of {name}"), rights);
    world.somebody(name, &[&[held], more].concat())
}

pub fn names_of_owners_that_scopes_look_at(world: &World) {
    let (web, finance) = (world.role("Web", &[]), world.role("Finance", &[]));
    world.certificate(&["web.example.com"], Some(web));
    world.certificate(&["finance.example.com"], Some(finance));
    let id = scope(world, "webcol", "OwnerRoleName -eq \"Web\"");
    let through = format!("{READ}{id}/");
    let security = ["/security/modify/", "/security/read/"];
    let rename = |actor: &Actor, role: RoleId, name: &str| {
        let (actor, command) = (actor.clone(), RoleCommand { name: name.into(), ..RoleCommand::default() });
        move |tx: &mut certhold_store::Tx<'_>, now| roles::update(tx, &actor, role, &command, now)
    };
    // Somebody who holds neither.
    let stranger = with(world, "stranger", &[security[0], security[1], &through], &[]);
    let refusal = world.refused(rename(&stranger, web, "Web old"));
    assert!(refusal.to_string().contains("only somebody who holds it"), "{refusal}");
    world.refused(rename(&stranger, finance, "Web 2"));
    // Somebody who holds both may rename what the scope does not tell apart, and nothing else.
    let owner = with(world, "owner", &[security[0], security[1], &through], &[web, finance]);
    world.write(rename(&owner, finance, "Finances")).unwrap();
    world.write(rename(&owner, web, "WEB")).unwrap();
    assert_eq!(missing(world.refused(rename(&owner, web, "Web old"))), [paths::COLLECTIONS_MODIFY]);
    let author = with(world, "author", &[security[0], security[1], paths::COLLECTIONS_MODIFY], &[web, finance]);
    assert_eq!(missing(world.refused(rename(&author, web, "Web old"))), [READ]);
    // Whoever may change the query may rename; then the name is free, and taking it is refused alike.
    let chief = with(world, "chief", &[security[0], security[1], paths::COLLECTIONS_MODIFY, READ], &[web, finance]);
    world.write(rename(&chief, web, "Web old")).unwrap();
    assert_eq!(missing(world.refused(rename(&owner, finance, "Web"))), [paths::COLLECTIONS_MODIFY]);
    world.write(rename(&chief, finance, "Web")).unwrap();
}

pub fn places_of_stores_that_scopes_look_at(world: &World) {
    let container = |name: &str| {
        let command = ContainerCommand { name: name.into(), ..ContainerCommand::default() };
        world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
    };
    let (edge, core) = (container("Edge"), container("Core"));
    let command = StoreCommand {
        name: "Front".into(),
        kind: StoreKind::PemDirectory,
        machine: "front.example.com".into(),
        path: "/srv/tls/front".into(),
        container: Some(edge),
        properties: Properties::default(),
        password: PasswordChange::Keep,
        create_if_missing: true,
        schedule: Schedule::Off,
    };
    let roots = || Roots(vec!["/srv/tls/".into()]);
    let new = command.clone();
    let store = world.write(move |tx, now| stores::create(tx, &local(), &new, &roots(), now)).unwrap();
    scope(world, "at the edge", "CertStoreContainer -eq \"Edge\"");
    scope(world, "front", "CertStoreFQDN -startswith \"front.\"");
    scope(world, "in front", "CertStorePath -eq \"/srv/tls/front\"");
    let keeper = with(world, "keeper", &["/certificate_stores/modify/"], &[]);
    let renamed = |name: &str| {
        let (actor, command) = (keeper.clone(), ContainerCommand { name: name.into(), ..ContainerCommand::default() });
        move |tx: &mut certhold_store::Tx<'_>, now| stores::update_container(tx, &actor, edge, &command, now)
    };
    assert_eq!(missing(world.refused(renamed("Rim"))), [paths::COLLECTIONS_MODIFY]);
    world.write(renamed("EDGE")).unwrap();
    let changed = |command: &StoreCommand| {
        let (actor, command) = (keeper.clone(), command.clone());
        move |tx: &mut certhold_store::Tx<'_>, now| stores::update(tx, &actor, store, &command, &roots(), now)
    };
    for moved in [
        StoreCommand { container: Some(core), ..command.clone() },
        StoreCommand { container: None, ..command.clone() },
        StoreCommand { machine: "back.example.com".into(), ..command.clone() },
        StoreCommand { path: "/srv/tls/back".into(), ..command.clone() },
    ] {
        assert_eq!(missing(world.refused(changed(&moved))), [paths::COLLECTIONS_MODIFY], "{}", moved.path);
    }
    world.write(changed(&StoreCommand { machine: "front.example.net".into(), ..command.clone() })).unwrap();
    let actor = keeper.clone();
    assert_eq!(missing(world.refused(move |tx, now| stores::remove(tx, &actor, store, now))), [paths::COLLECTIONS_MODIFY]);
    let actor = keeper.clone();
    let removal = move |tx: &mut certhold_store::Tx<'_>, now| stores::remove_container(tx, &actor, edge, true, now);
    assert_eq!(missing(world.refused(removal)), [paths::COLLECTIONS_MODIFY]);
    world.write(move |tx, now| stores::remove(tx, &local(), store, now)).unwrap();
    let actor = keeper;
    world.write(move |tx, now| stores::remove_container(tx, &actor, edge, true, now)).unwrap();
}

pub fn managed_names_that_scopes_look_at(world: &World) {
    let certificate = world.certificate(&["shop.example.com"], None);
    let planner = with(world, "planner", &["/renewal/", READ], &[]);
    let adoption = renewing::adoption(world, certificate);
    let adopting = |name: &str| {
        let (actor, command) = (planner.clone(), managed::NewManaged { name: name.into(), ..adoption.clone() });
        move |tx: &mut certhold_store::Tx<'_>, now| managed::create(tx, &actor, &command, now)
    };
    scope(world, "shops", "ManagedName -startswith \"shop\"");
    assert_eq!(missing(world.refused(adopting("shop"))), [paths::COLLECTIONS_MODIFY]);
    let plain = world.write(adopting("plain")).unwrap();
    scope(world, "looked after", "Managed -eq true");
    let actor = planner.clone();
    assert_eq!(missing(world.refused(move |tx, now| managed::remove(tx, &actor, plain, now))), [paths::COLLECTIONS_MODIFY]);
    world.write(move |tx, now| managed::remove(tx, &local(), plain, now)).unwrap();
    assert_eq!(missing(world.refused(adopting("plain"))), [paths::COLLECTIONS_MODIFY]);
}

pub fn revokers_that_scopes_look_at(world: &World) {
    let (first, second) = (world.certificate(&["a.example.com"], None), world.certificate(&["b.example.com"], None));
    let revoking = |actor: &Actor, certificates: &[CertificateId], reason| {
        let revocation = Revocation { effective_at: world.now(), reason, comment: "the story wants it".into() };
        let (actor, command) = (actor.clone(), Revoke { certificates: certificates.to_vec(), revocation });
        move |tx: &mut certhold_store::Tx<'_>, now| inventory::revoke(tx, &actor, &command, Scope::everywhere(now), now)
    };
    let releasing = |actor: &Actor, id: CertificateId| {
        let actor = actor.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| inventory::release(tx, &actor, &[id], "over", Scope::everywhere(now), now)
    };
    let (hold, last) = (RevocationReason::CertificateHold, RevocationReason::KeyCompromise);
    let revoke = paths::CERTIFICATES_REVOKE;
    let (kim, ana) = (with(world, "kim", &[revoke], &[]), with(world, "ana", &[revoke], &[]));
    let unused = CollectionCommand { name: "unused".into(), query: "Revoker -eq NULL".into(), ..CollectionCommand::default() };
    world.write(move |tx, now| collections::create(tx, &local(), &unused, now)).unwrap();
    world.write(revoking(&kim, &[first], hold)).unwrap();

    scope(world, "revoked by kim", "Revoker -eq \"KIM\"");
    // Into it, out of it, and from somebody else's hand; also where others are named before.
    assert_eq!(missing(world.refused(revoking(&kim, &[second], last))), [paths::COLLECTIONS_MODIFY]);
    assert_eq!(missing(world.refused(releasing(&kim, first))), [paths::COLLECTIONS_MODIFY]);
    assert_eq!(missing(world.refused(revoking(&ana, &[first], last))), [paths::COLLECTIONS_MODIFY]);
    assert_eq!(missing(world.refused(revoking(&ana, &[second, first], last))), [paths::COLLECTIONS_MODIFY]);
    // What the query does not tell apart.
    world.write(revoking(&ana, &[second], hold)).unwrap();
    world.write(releasing(&ana, second)).unwrap();
    world.write(revoking(&kim, &[first], last)).unwrap();
    // Whoever may change the query may revoke.
    let author = with(world, "author", &[revoke, paths::COLLECTIONS_MODIFY], &[]);
    scope(world, "revoked at all", "Revoker -ne NULL");
    assert_eq!(missing(world.refused(revoking(&author, &[second], hold))), [READ]);
    let chief = with(world, "chief", &[revoke, paths::COLLECTIONS_MODIFY, READ], &[]);
    world.write(revoking(&chief, &[second], hold)).unwrap();
    world.write(releasing(&chief, second)).unwrap();
    // Whoever lacks the right to revoke learns nothing of scopes.
    let reader = with(world, "reader", &[READ], &[]);
    assert_eq!(missing(world.refused(revoking(&reader, &[second], last))), [revoke]);
}

pub fn metadata_fields_that_collections_look_at(world: &World) {
    let field = |name: &str| {
        let command = FieldCommand::new(name, FieldType::String);
        world.write(move |tx, now| metadata::create(tx, &local(), &command, now)).unwrap()
    };
    let (dept, hobby) = (field("Dept"), field("Hobby"));
    let paid = scope(world, "paid", "Dept -eq pay");
    let fielder = with(world, "fielder", &[paths::METADATA_TYPES_MODIFY, paths::METADATA_TYPES_READ], &[]);
    let change = |actor: &Actor, id, command: FieldCommand| {
        let actor = actor.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| metadata::update(tx, &actor, id, &command, now)
    };
    let named = |name: &str| FieldCommand::new(name, FieldType::String);
    for command in [named("DeptX"), FieldCommand::new("Dept", FieldType::Integer)] {
        assert_eq!(missing(world.refused(change(&fielder, dept, command))), [paths::COLLECTIONS_MODIFY]);
    }
    for force in [false, true] {
        let actor = fielder.clone();
        let removal = move |tx: &mut certhold_store::Tx<'_>, now| metadata::remove(tx, &actor, dept, force, now);
        assert_eq!(missing(world.refused(removal)), [paths::COLLECTIONS_MODIFY]);
    }
    let author = with(world, "author", &[paths::METADATA_TYPES_MODIFY, paths::COLLECTIONS_MODIFY], &[]);
    assert_eq!(missing(world.refused(change(&author, dept, named("DeptX")))), [READ]);
    // What changes nothing for the query, and fields that no query looks at.
    world.write(change(&fielder, dept, FieldCommand { description: "as in the directory".into(), ..named("DEPT") })).unwrap();
    world.write(change(&fielder, hobby, named("Pastime"))).unwrap();
    let using = |id| world.read(move |tx| metadata::collections_using(tx, &local(), id)).unwrap();
    assert_eq!(using(dept), [(paid, "paid".to_owned())]);
    assert_eq!(using(hobby), []);
    // Somebody who may renames it: the query has lost its field, and no other may take the name unasked.
    let chief = with(world, "chief", &[paths::METADATA_TYPES_MODIFY, paths::COLLECTIONS_MODIFY, READ], &[]);
    world.write(change(&chief, dept, named("DeptX"))).unwrap();
    assert_eq!(using(dept), []);
    assert_eq!(missing(world.refused(change(&fielder, hobby, named("Dept")))), [paths::COLLECTIONS_MODIFY]);
    let (actor, command) = (fielder.clone(), named("Dept"));
    let created = move |tx: &mut certhold_store::Tx<'_>, now| metadata::create(tx, &actor, &command, now);
    assert_eq!(missing(world.refused(created)), [paths::COLLECTIONS_MODIFY]);
    world.write(change(&chief, hobby, named("Dept"))).unwrap();
    assert_eq!(using(hobby), [(paid, "paid".to_owned())]);
    // So the guard of its values is on.
    assert_eq!(world.read(move |tx| collections::scopes_using(tx, hobby)).unwrap(), [(paid, "paid".to_owned())]);
    world.write(move |tx, now| metadata::remove(tx, &chief, hobby, true, now)).unwrap();
    assert_eq!(world.read(move |tx| collections::scopes_using(tx, hobby)).unwrap(), []);
}

pub fn names_of_roles_are_offered_to_whoever_may_know_them(world: &World) {
    let owner = world.role("Secret owners", &[]);
    world.role("Secret plans", &[]);
    world.certificate(&["shop.example.com"], Some(owner));
    let own = world.role("Secret readers", &[READ]);
    let (reader, auditor) = (world.somebody("reader", &[own]), with(world, "auditor", &[READ, paths::SECURITY_READ], &[]));
    let offered = |actor: &Actor| {
        let actor = actor.clone();
        let found = world.read(move |tx| query::completions(tx, &actor, "Owner -eq sec", usize::MAX)).unwrap();
        found.items.into_iter().map(|item| item.text).filter(|text| text.contains("Secret")).collect::<Vec<_>>()
    };
    assert_eq!(offered(&reader), ["\"Secret owners\"", "\"Secret readers\""]);
    assert_eq!(offered(&auditor), ["\"Secret owners\"", "\"Secret plans\"", "\"Secret readers\""]);
    assert_eq!(offered(&with(world, "nobody", &[], &[])), Vec::<String>::new());
}
