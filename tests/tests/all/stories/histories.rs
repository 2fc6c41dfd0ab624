//! What the histories of certificates tell of others, and through which collection something was done.

use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::SecretKind;
use certhold_domain::enrolment::Under;
use certhold_domain::events::{self, Event, EventFilter};
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::private_ca::Profile;
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::stores::{self, ContainerCommand};
use certhold_domain::{CertificateId, CollectionId, identity_providers};

use super::renewing::{local, managed as managed_by_acme, obtain};
use super::world::{DAY, START, World, issue, key};
use super::{identities, renewing_here, storing};

/// The newest entry of a certificate's history.
fn last(world: &World, id: CertificateId) -> Event {
    world.read(move |tx| events::history(tx, &local(), id, None, 1)).unwrap().events.remove(0)
}

fn remove(world: &World, id: CertificateId) {
    world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
}

/// That a neighbour was removed is what this certificate's history tells last.
fn tells(world: &World, of: CertificateId, gone: CertificateId, is: &str) {
    let event = last(world, of);
    assert_eq!(event.operation, "certificate.neighbour_deleted");
    let told = (&event.payload["certificate"], &event.payload["is"], &event.payload["title"]);
    assert_eq!(told, (&gone.0.into(), &is.into(), &"example.com".into()), "{:?}", event.payload);
}

pub fn neighbours_of_a_removed_version_remember_it(world: &World) {
    let id = managed_by_acme(world, &["example.com"]);
    let mut versions = vec![obtain(world, &["example.com"]).0];
    for _ in 0..3 {
        world.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).unwrap();
        versions.push(obtain(world, &["example.com"]).0);
    }
    let [first, second, third, fourth] = versions.try_into().unwrap();
    remove(world, second);
    tells(world, first, second, "successor");
    tells(world, third, second, "predecessor");
    assert_ne!(last(world, fourth).operation, "certificate.neighbour_deleted", "it is no neighbour");
    remove(world, third);
    tells(world, first, third, "successor");
    tells(world, fourth, third, "predecessor");
    let events = world.events();
    remove(world, first);
    tells(world, fourth, first, "predecessor");
    assert_eq!(world.events(), events + 2, "there is none before it");
    let alone = world.certificate(&["alone.example.com"], None);
    let events = world.events();
    remove(world, alone);
    assert_eq!(world.events(), events + 1);
    assert!(world.intact().intact());
}

pub fn what_was_issued_instead_remembers_what_it_renewed(world: &World) {
    renewing_here::issuing(world);
    let imported = world.certificate(&["example.com"], None);
    let plan = NewManaged { adopt: Some(imported), ..renewing_here::plan(Under::Template(Profile::Server), &[]) };
    let lineage = renewing_here::create(world, &local(), plan).unwrap();
    renewing_here::renew_now(world, lineage);
    let issued = renewing_here::issue(world, lineage);
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    remove(world, imported);
    tells(world, issued, imported, "predecessor");
}

/// Whoever reads by a scope only is told that a neighbour went, and not which.
pub fn neighbours_outside_a_scope_are_not_named(world: &World) {
    let id = managed_by_acme(world, &["example.com"]);
    let first = obtain(world, &["example.com"]).0;
    let mut versions = vec![first];
    for _ in 0..2 {
        world.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).unwrap();
        versions.push(obtain(world, &["example.com"]).0);
    }
    remove(world, versions[1]);
    let inside = collection(world, "First", &format!("CertId -eq {first}"));
    let scope = Scope::of(Some(inside), world.now());
    let told = |who: &str, right: &str| {
        let actor = world.somebody(who, &[world.role(&format!("Role of {who}"), &[right])]);
        let newest = events::HistoryPage { limit: 1, descending: true, ..events::HistoryPage::default() };
        let read = move |tx: &mut certhold_store::Tx<'_>| {
            let listed = inventory::history_in(tx, &actor, first, scope, None, 1)?.events.remove(0);
            let paged = inventory::history_page_in(tx, &actor, first, scope, &newest)?.0.remove(0);
            Ok([listed, paged])
        };
        world.read(read).unwrap()
    };
    for event in told("scoped", &format!("/certificates/collections/read/{inside}/")) {
        assert_eq!(event.operation, "certificate.neighbour_deleted");
        let told = (&event.payload["certificate"], &event.payload["title"], &event.payload["is"]);
        assert_eq!(told, (&serde_json::Value::Null, &serde_json::Value::Null, &"successor".into()), "{:?}", event.payload);
    }
    for event in told("reader", "/certificates/collections/read/") {
        assert_eq!(event.payload["certificate"], versions[1].0, "{:?}", event.payload);
    }
}

fn collection(world: &World, name: &str, query: &str) -> CollectionId {
    let command = CollectionCommand { name: name.into(), query: query.into(), ..Default::default() };
    world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap()
}

pub fn events_name_the_collection_that_was_used(world: &World) {
    let all = collection(world, "Examples", "SAN -endswith \".example.com\"");
    let scope = Scope::of(Some(all), world.now());
    let keyed = |name: &str| {
        let pair = key();
        let ids = world.import(&[issue(&pair, &[name], START, START + 90 * DAY)], None).unwrap();
        let inventory::Outcome::Imported(id) = ids[0].outcome else { panic!("{ids:?}") };
        let private = certhold_pki::PrivateKey::of(&pair.serialize_der()).unwrap();
        let sealed = certhold_domain::custody::SealedKey::seal(&world.custody, &world.entropy, &private).unwrap();
        world.write(move |tx, now| inventory::import_keys(tx, &local(), std::slice::from_ref(&sealed), now)).unwrap();
        id
    };
    let (gone, excluded) = (keyed("a.example.com"), keyed("b.example.com"));
    let held = world.certificate(&["c.example.com"], None);
    let newest = |count: usize| {
        let filter = EventFilter { limit: count, ..EventFilter::default() };
        world.read(move |tx| events::list(tx, &local(), &filter)).unwrap().events
    };
    let through = |count: usize, operations: &[&str], collection: Option<CollectionId>| {
        let events = newest(count);
        let mut found: Vec<&str> = events.iter().map(|event| event.operation.as_str()).collect();
        found.reverse();
        assert_eq!(found, operations);
        for event in &events {
            let wanted = collection.map_or(serde_json::Value::Null, |id| id.0.into());
            assert_eq!(event.payload["collection"], wanted, "{}", event.operation);
        }
    };
    let nothing = || world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap();
    let hold = |scope: Scope| {
        let revocation =
            Revocation { effective_at: START, reason: RevocationReason::CertificateHold, comment: "suspicious".into() };
        let command = Revoke { certificates: vec![held], revocation };
        world.write(move |tx, now| inventory::revoke(tx, &local(), &command, scope, now)).unwrap();
    };
    hold(scope);
    through(1, &["certificate.revoked"], Some(all));
    world.write(move |tx, now| inventory::release(tx, &local(), &[held], "harmless", scope, now)).unwrap();
    through(1, &["certificate.released"], Some(all));
    hold(Scope::everywhere(world.now()));
    through(1, &["certificate.revoked"], None);
    let sealed = nothing();
    world.write(move |tx, now| inventory::remove_with_key(tx, &local(), gone, scope, &sealed, now)).unwrap();
    through(2, &["certificate.deleted", "private_key.destroyed"], Some(all));
    let sealed = nothing();
    world.write(move |tx, now| inventory::exclude(tx, &local(), excluded, scope, &sealed, now)).unwrap();
    through(3, &["certificate.deleted", "private_key.destroyed", "exclusion.created"], Some(all));
}

pub fn numbers_are_told_with_their_names(world: &World) {
    let role = RoleCommand { name: "Web".into(), description: "They run it.".into(), ..RoleCommand::default() };
    let web = world.write(move |tx, now| roles::create(tx, &local(), &role, now)).unwrap();
    let told = world.read(roles::descriptions).unwrap();
    assert_eq!(told.len(), 2, "and the built-in one");
    assert!(told.contains(&(web, "They run it.".to_owned())), "{told:?}");
    let group = ContainerCommand { name: "Mail".into(), ..ContainerCommand::default() };
    let group = world.write(move |tx, now| stores::create_container(tx, &local(), &group, now)).unwrap();
    assert_eq!(world.read(stores::container_names).unwrap(), [(group, "Mail".to_owned())]);
    let provider = identities::provider(world);
    let known = world.read(move |tx| identity_providers::get(tx, &local(), provider)).unwrap();
    let called = world.read(identity_providers::called).unwrap();
    assert_eq!(called.len(), 1);
    assert_eq!((&called[0].name, &called[0].uuid, &called[0].display_name), (&known.name, &known.uuid, &known.display_name));
    let store = storing::store(world, "web", None);
    let job = world.read(move |tx| stores::jobs(tx, &local(), store, None, 1)).unwrap().remove(0);
    let shown = world.read(move |tx| stores::get(tx, &local(), store)).unwrap();
    assert_eq!(shown.inventory_job, Some(job.uuid), "the newest one");
    let newer = world.write(move |tx, now| stores::take_inventory(tx, &local(), store, now)).unwrap();
    let newer = world.read(move |tx| stores::job(tx, &local(), store, newer)).unwrap();
    let shown = world.read(move |tx| stores::get(tx, &local(), store)).unwrap();
    assert_eq!(shown.inventory_job, Some(newer.uuid));
}
