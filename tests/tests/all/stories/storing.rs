//! Certificate stores and containers, as far as they are decided here.

use std::collections::BTreeSet;

use certhold_domain::access::{paths, roles};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::SecretKind;
use certhold_domain::events::EventFilter;
use certhold_domain::inventory::Candidate;
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::ownership::{self, ChangeOwner, OwnerChange, Scope as OwnerScope};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::renewal::managed;
use certhold_domain::stores::work::{self, FoundEntry, Task, What, Written};
use certhold_domain::stores::{
    self, AddCertificate, ContainerCommand, PasswordChange, Place, Problem, Properties, RemoveCertificate, Roots, Schedule,
    StoreCommand, StoreFilter, StoreJobState, StoreKind, StoreTarget,
};
use certhold_domain::{Actor, CertificateId, ContainerId, DeploymentId, Refusal, StoreId, StoreJobId, events, inventory};

use super::private_keys::keyed;
use super::renewing::{claim, local, managed as new_managed, obtain, worker};
use super::world::{DAY, World, issue, key};

const MINUTE: i64 = 60_000;

fn roots() -> Roots {
    Roots(vec!["/srv/tls/".into()])
}

fn command(name: &str, kind: StoreKind, path: &str) -> StoreCommand {
    StoreCommand {
        name: name.into(),
        kind,
        machine: String::new(),
        path: path.into(),
        container: None,
        properties: Properties::default(),
        password: PasswordChange::Keep,
        create_if_missing: true,
        schedule: Schedule::Off,
    }
}

pub(super) fn store(world: &World, name: &str, container: Option<ContainerId>) -> StoreId {
    let command = StoreCommand { container, ..command(name, StoreKind::PemDirectory, &format!("/srv/tls/{name}")) };
    world.write(move |tx, now| stores::create(tx, &local(), &command, &roots(), now)).unwrap()
}

fn container(world: &World, name: &str) -> ContainerId {
    let command = ContainerCommand { name: name.into(), ..Default::default() };
    world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
}

fn shown(world: &World, id: StoreId) -> stores::Store {
    world.read(move |tx| stores::get(tx, &local(), id)).unwrap()
}

pub(super) fn job(world: &World, store: StoreId, id: StoreJobId) -> stores::StoreJob {
    world.read(move |tx| stores::job(tx, &local(), store, id)).unwrap()
}

fn happened(world: &World, operation: &str) -> Vec<events::Event> {
    let filter = EventFilter { operation: Some(operation.into()), limit: 100, ..Default::default() };
    world.read(move |tx| events::list(tx, &local(), &filter)).unwrap().events
}

/// Claims the store's work and begins its next job.
pub(super) fn begin(world: &World, store: StoreId) -> (jobs::Lease, Option<Task>) {
    let lease = claim(world, JobKind::Store);
    assert_eq!(lease.object, store.0);
    (lease, world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap())
}

pub(super) fn entry(alias: &str, ders: &[&[u8]], has_key: bool) -> FoundEntry {
    let certificates = ders.iter().map(|der| Candidate::of(der).unwrap()).collect();
    FoundEntry { alias: alias.into(), certificates, has_key }
}

/// Takes an inventory that finds this.
pub(super) fn inventoried(world: &World, store: StoreId, entries: Vec<FoundEntry>, problems: Vec<Problem>) {
    world.write(move |tx, now| stores::take_inventory(tx, &local(), store, now)).unwrap();
    let (lease, task) = begin(world, store);
    let job = task.unwrap().job;
    world.write(move |tx, now| work::found(tx, &worker(), &lease, job, &entries, now)).unwrap();
    world.write(move |tx, now| work::inventoried(tx, &worker(), &lease, job, &problems, now)).unwrap();
    let rest = world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap();
    assert!(rest.is_none(), "nothing else waits");
}

fn held(world: &World, der: &[u8]) -> CertificateId {
    let wanted = *Candidate::of(der).unwrap().sha256();
    let items = world.import(&[der.to_vec()], None).unwrap();
    let inventory::Outcome::AlreadyHeld(id) = items[0].outcome else { panic!("not held") };
    let summary = world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap();
    assert_eq!(summary.sha256, wanted);
    id
}

pub fn containers_group_stores(world: &World) {
    let web = container(world, "Web servers");
    for (alike, is_conflict) in [("web  SERVERS", true), ("Wеb servers", false), ("12", false), ("", false)] {
        let twin = ContainerCommand { name: alike.into(), ..Default::default() };
        let refusal = world.refused(move |tx, now| stores::create_container(tx, &local(), &twin, now));
        assert_eq!(matches!(refusal, Refusal::Conflict(_)), is_conflict, "{alike:?}: {refusal}");
    }
    let once = ContainerCommand { name: "Once".into(), schedule: Schedule::Immediate, ..Default::default() };
    world.refused(move |tx, now| stores::create_container(tx, &local(), &once, now));

    let shop = store(world, "shop", Some(web));
    let mail = store(world, "mail", None);
    assert_eq!(shown(world, shop).container, Some((web, "Web servers".into())));
    // The container's schedule goes over those of its stores.
    let daily = ContainerCommand {
        name: "Web servers".into(),
        kind: Some(StoreKind::PemDirectory),
        schedule: Schedule::parse("daily 03:15").unwrap(),
        overwrite_schedules: true,
        ..Default::default()
    };
    world.write(move |tx, now| stores::update_container(tx, &local(), web, &daily, now)).unwrap();
    assert_eq!(shown(world, shop).schedule.to_string(), "daily 03:15");
    assert_eq!(shown(world, shop).next_at, Schedule::parse("daily 03:15").unwrap().next(world.now()));
    for own in ["every 2h", "off"] {
        let own = Schedule::parse(own).unwrap();
        let refusal = world.refused(move |tx, now| stores::set_schedule(tx, &local(), shop, &own, now));
        assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    }
    world.write(move |tx, now| stores::assign(tx, &local(), &[mail], Some(web), now)).unwrap();
    assert_eq!(shown(world, mail).schedule.to_string(), "daily 03:15");
    let other_kind = ContainerCommand { name: "Web servers".into(), kind: Some(StoreKind::Jks), ..Default::default() };
    let refusal = world.refused(move |tx, now| stores::update_container(tx, &local(), web, &other_kind, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    world.refused(move |tx, now| stores::assign(tx, &local(), &[mail, StoreId(9_999)], None, now));
    assert_eq!(world.read(|tx| stores::container_by_name(tx, &local(), "WEB servers")).unwrap(), web);
    assert_eq!(world.read(move |tx| stores::container(tx, &local(), web)).unwrap().stores, 2);

    // Rights on a container: they show its stores only, and go with it only by force.
    let keepers = world.role("Keepers", &[&format!("/certificate_stores/schedule/{web}/")]);
    let keeper = world.somebody("keeper", &[keepers]);
    let elsewhere = store(world, "elsewhere", None);
    let asking = keeper.clone();
    let page = world.read(move |tx| stores::list(tx, &asking, &StoreFilter { limit: 10, ..Default::default() })).unwrap();
    assert_eq!(page.stores.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["mail", "shop"]);
    let asking = keeper.clone();
    let mine = world.read(move |tx| stores::containers(tx, &asking)).unwrap();
    assert_eq!(mine.iter().map(|one| one.id).collect::<Vec<_>>(), [web]);
    let refusals = [elsewhere, StoreId(9_999)].map(|id| {
        let asking = keeper.clone();
        world.refused(move |tx, now| stores::take_inventory(tx, &asking, id, now)).to_string()
    });
    assert_eq!(refusals[0], refusals[1], "what is outside and what is not there are told alike");
    let asking = keeper.clone();
    world.refused(move |tx, now| stores::remove(tx, &asking, shop, now));
    let asking = keeper.clone();
    world.write(move |tx, now| stores::take_inventory(tx, &asking, shop, now)).unwrap();

    let refusal = world.refused(move |tx, now| stores::remove_container(tx, &local(), web, false, now));
    assert!(refusal.to_string().contains("Keepers"), "{refusal}");
    world.write(move |tx, now| stores::remove_container(tx, &local(), web, true, now)).unwrap();
    assert_eq!(shown(world, shop).container, None);
    let role = world.read(move |tx| roles::get(tx, &local(), keepers)).unwrap();
    assert!(role.permissions.is_empty());
    world.refused(move |tx, _| stores::container(tx, &local(), web));
    assert!(world.intact().problems.is_empty());
}

pub fn stores_are_made_changed_and_found(world: &World) {
    let password = stores::seal_password(&world.custody, &world.entropy, "changeit").unwrap();
    assert!(stores::seal_password(&world.custody, &world.entropy, "short").is_err());
    let p12 = StoreCommand {
        password: PasswordChange::Set(password.clone()),
        schedule: Schedule::parse("every 30m").unwrap(),
        ..command("Shop", StoreKind::Pkcs12, "/srv/tls/shop.p12")
    };
    let without = StoreCommand { password: PasswordChange::Keep, ..p12.clone() };
    world.refused(move |tx, now| stores::create(tx, &local(), &without, &roots(), now));
    let nowhere = p12.clone();
    let refusal = world.refused(move |tx, now| stores::create(tx, &local(), &nowhere, &Roots::default(), now));
    assert!(refusal.to_string().contains("store_roots"), "{refusal}");
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::STORES_READ])]);
    let (actor, wanted) = (reader.clone(), p12.clone());
    world.refused(move |tx, now| stores::create(tx, &actor, &wanted, &roots(), now));
    let wanted = p12.clone();
    let shop = world.write(move |tx, now| stores::create(tx, &local(), &wanted, &roots(), now)).unwrap();
    let uuid = shown(world, shop).uuid;
    assert!(uuid::Uuid::parse_str(&uuid).is_ok_and(|uuid| uuid.get_version_num() == 4), "{uuid}");
    let upper = uuid.to_uppercase();
    assert_eq!(world.read(move |tx| stores::by_uuid(tx, &local(), &upper)).unwrap(), shop);
    assert_eq!(world.read(|tx| stores::by_name(tx, &local(), " sHOP ")).unwrap(), shop);

    // Its password opens, and another takes its place; the one before is destroyed.
    let (lease, task) = begin(world, shop);
    let task = task.unwrap();
    assert!(matches!(task.what, What::Inventory));
    let open = world.custody.open(&task.open.password.unwrap(), SecretKind::StorePassword).unwrap();
    assert_eq!(open.as_slice(), b"changeit");
    let sentence = "the file /srv/tls/shop.p12 cannot be read";
    for round in 0..2 {
        let job = task.job;
        if round == 1 {
            world.write(move |tx, now| stores::take_inventory(tx, &local(), shop, now)).unwrap();
            let again = world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap().unwrap().job;
            world.write(move |tx, now| work::failed(tx, &worker(), &lease, again, sentence, now)).unwrap();
            world.refused(move |tx, now| stores::cancel(tx, &local(), shop, again, now));
        } else {
            world.write(move |tx, now| work::failed(tx, &worker(), &lease, job, sentence, now)).unwrap();
        }
    }
    assert_eq!(happened(world, "certificate_store.job_failed").len(), 1, "the same failure is told once");
    assert_eq!(shown(world, shop).last_error.as_deref(), Some(sentence));
    world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap();

    let secrets = |world: &World| -> i64 {
        let sql = "SELECT count(*) FROM secret WHERE kind = 'store_password'";
        world.read(move |tx| Ok(tx.one(sql, certhold_store::params![], |row| row.get(0))?.unwrap())).unwrap()
    };
    let other = stores::seal_password(&world.custody, &world.entropy, "changed it").unwrap();
    let changed = StoreCommand { name: "Shop front".into(), password: PasswordChange::Set(other), ..p12.clone() };
    world.write(move |tx, now| stores::update(tx, &local(), shop, &changed, &roots(), now)).unwrap();
    assert_eq!((shown(world, shop).name.as_str(), secrets(world)), ("Shop front", 1));
    let other_kind = StoreCommand { kind: StoreKind::Jks, ..p12.clone() };
    world.refused(move |tx, now| stores::update(tx, &local(), shop, &other_kind, &roots(), now));
    let bare = StoreCommand { password: PasswordChange::Remove, ..p12 };
    world.refused(move |tx, now| stores::update(tx, &local(), shop, &bare, &roots(), now));

    let pem = store(world, "pem", None);
    let page = |filter: StoreFilter| {
        let page = world.read(move |tx| stores::list(tx, &local(), &filter)).unwrap();
        (page.stores.into_iter().map(|one| one.name).collect::<Vec<_>>(), page.next)
    };
    let all = StoreFilter { limit: 1, ..Default::default() };
    assert_eq!(page(all.clone()), (vec!["pem".into()], Some(pem)));
    assert_eq!(page(StoreFilter { after: Some(pem), ..all.clone() }), (vec!["Shop front".into()], None));
    assert_eq!(page(StoreFilter { kind: Some(StoreKind::Jks), ..all.clone() }).0, Vec::<String>::new());
    assert_eq!(page(StoreFilter { text: Some("SHOP.p".into()), ..all.clone() }).0, ["Shop front"]);
    assert_eq!(page(StoreFilter { text: Some("sh_p".into()), ..all.clone() }).0, Vec::<String>::new());
    assert_eq!(page(StoreFilter { troubled: true, ..all.clone() }).0, ["Shop front"]);
    assert_eq!(page(StoreFilter { container: Some(ContainerId(1)), ..all }).0, Vec::<String>::new());

    world.write(move |tx, now| stores::remove(tx, &local(), shop, now)).unwrap();
    assert_eq!(secrets(world), 0, "its password is destroyed");
    world.refused(move |tx, now| stores::remove(tx, &local(), shop, now));
}

pub fn inventories_follow_their_schedule(world: &World) {
    let id = store(world, "hourly", None);
    let (lease, task) = begin(world, id);
    let first = task.expect("the first inventory, at once").job;
    world.write(move |tx, now| work::inventoried(tx, &worker(), &lease, first, &[], now)).unwrap();
    assert!(world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap().is_none());

    let past = Schedule::Once { at: world.now() - 1 };
    world.refused(move |tx, now| stores::set_schedule(tx, &local(), id, &past, now));
    world.write(move |tx, now| stores::set_schedule(tx, &local(), id, &Schedule::parse("every 1h").unwrap(), now)).unwrap();
    let due = |world: &World| world.write(|tx, now| work::enqueue_due(tx, &worker(), now)).unwrap();
    assert_eq!(due(world), 0);
    world.pass(60 * MINUTE);
    let before = world.events();
    assert_eq!((due(world), due(world)), (1, 0));
    let (lease, task) = begin(world, id);
    let job = task.unwrap().job;
    world.write(move |tx, now| work::inventoried(tx, &worker(), &lease, job, &[], now)).unwrap();
    world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap();
    assert_eq!(world.events(), before, "an inventory by schedule that finds nothing new is no event");
    let problem = Problem { place: "x.pem".into(), reason: "it is empty".into() };
    let unreadable = vec![problem.clone(); 60];
    inventoried(world, id, Vec::new(), unreadable);
    assert_eq!((shown(world, id).problems.len(), &shown(world, id).problems[0]), (50, &problem));

    let at = world.now() + DAY;
    world.write(move |tx, now| stores::set_schedule(tx, &local(), id, &Schedule::Once { at }, now)).unwrap();
    world.pass(DAY);
    assert_eq!(due(world), 1);
    assert_eq!((shown(world, id).schedule, shown(world, id).next_at), (Schedule::Off, None), "once is once");
    world.write(move |tx, now| stores::set_schedule(tx, &local(), id, &Schedule::Immediate, now)).unwrap();
    world.pass(40 * DAY);
    let before = world.now() - 30 * DAY;
    assert!(world.write(move |tx, _| stores::purge_jobs(tx, before)).unwrap() >= 2);
}

pub fn what_is_found_enters_the_inventory(world: &World) {
    let id = store(world, "web", None);
    let (one, two, above) = (key(), key(), key());
    let der = |pair, name: &str| issue(pair, &[name], world.now() - DAY, world.now() + 60 * DAY);
    let (first, second, authority) = (der(&one, "one.example.com"), der(&two, "two.example.com"), der(&above, "Above"));
    inventoried(world, id, vec![entry("one", &[&first, &authority], true), entry("two", &[&second], false)], Vec::new());
    let (one_id, two_id, above_id) = (held(world, &first), held(world, &second), held(world, &authority));
    let summary = world.read(move |tx| inventory::summary(tx, &local(), one_id)).unwrap();
    assert_eq!(summary.source, "store web");
    let page = world.read(move |tx| stores::inventory(tx, &local(), id, None, 1)).unwrap();
    assert_eq!((page.entries[0].alias.as_str(), page.next.as_deref(), page.entries[0].has_key), ("one", Some("one"), true));
    let chain: Vec<CertificateId> = page.entries[0].certificates.iter().map(|one| one.summary.id).collect();
    assert_eq!(chain, [one_id, above_id]);
    let rest = world.read(move |tx| stores::inventory(tx, &local(), id, Some("one"), 10)).unwrap();
    assert_eq!((rest.entries.len(), rest.entries[0].alias.as_str(), rest.next), (1, "two", None));
    let now = world.now();
    let places = world.read(move |tx| stores::locations(tx, &local(), above_id, Scope::everywhere(now))).unwrap();
    assert_eq!((places.len(), places[0].position, places[0].alias.as_str()), (1, 1, "one"));
    assert_eq!(happened(world, "certificate.installed").len(), 2);

    // The same again changes nothing; then one entry is another certificate, and one is gone.
    inventoried(world, id, vec![entry("one", &[&first, &authority], true), entry("two", &[&second], false)], Vec::new());
    assert_eq!(happened(world, "certificate.installed").len(), 2);
    inventoried(world, id, vec![entry("one", &[&second], false)], Vec::new());
    let gone = happened(world, "certificate.uninstalled");
    let objects: std::collections::BTreeSet<Option<i64>> = gone.iter().map(|event| event.object).collect();
    assert_eq!(objects, [Some(one_id.0), Some(two_id.0)].into());
    assert_eq!(shown(world, id).entries, 1);

    let refusal = world.refused(move |tx, now| inventory::remove(tx, &local(), two_id, now));
    assert!(refusal.to_string().contains("certificate store \"web\""), "{refusal}");
    world.write(move |tx, now| inventory::remove(tx, &local(), one_id, now)).unwrap();
    assert!(world.intact().problems.is_empty());
}

pub(super) fn add(store: StoreId, certificate: CertificateId, with_key: bool) -> AddCertificate {
    AddCertificate { store, certificate, alias: "shop".into(), overwrite: false, with_key, collection: None, at: None }
}

/// A store whose first inventory is over, and a certificate with its key in custody.
pub(super) fn looked_at(world: &World) -> (StoreId, rcgen::KeyPair, CertificateId) {
    let id = store(world, "web", None);
    let (lease, task) = begin(world, id);
    let first = task.unwrap().job;
    world.write(move |tx, now| work::inventoried(tx, &worker(), &lease, first, &[], now)).unwrap();
    world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap();
    let pair = key();
    let certificate = keyed(world, &pair);
    (id, pair, certificate)
}

/// Somebody who may put certificates in with their keys, and the role that lets keys out.
fn installer(world: &World) -> (Actor, certhold_domain::RoleId) {
    let keeper = world.role("Keepers", &[paths::STORES_MODIFY]);
    let reader = world.role("Certificate readers", &[paths::CERTIFICATES_READ]);
    let exporter = world.role("Exporters", &[paths::PRIVATE_KEY_READ]);
    (world.somebody("installer", &[keeper, reader, exporter]), exporter)
}

pub fn every_right_is_asked_for(world: &World) {
    let (id, _, certificate) = looked_at(world);
    let plain = world.certificate(&["plain.example.com"], None);
    // Every right that is missing is named, and nothing is asked for without it.
    let keeper = world.role("Keepers", &[paths::STORES_MODIFY]);
    let reader = world.role("Certificate readers", &[paths::CERTIFICATES_READ]);
    for (who, roles, with_key, missing) in [
        ("reads", vec![reader], false, paths::STORES_MODIFY),
        ("keeps", vec![keeper], false, paths::CERTIFICATES_READ),
        ("keeps and reads", vec![keeper, reader], true, paths::PRIVATE_KEY_READ),
    ] {
        let (actor, command) = (world.somebody(who, &roles), add(id, certificate, with_key));
        let refusal = world.refused(move |tx, now| stores::add(tx, &actor, &command, now));
        assert!(
            matches!(&refusal, Refusal::Forbidden { missing: named, .. } if named.contains(&missing.to_owned())),
            "{refusal}"
        );
    }
    world.refused(move |tx, now| stores::add(tx, &local(), &add(id, plain, true), now));
    world.refused(move |tx, now| stores::add(tx, &local(), &add(id, CertificateId(9_999), false), now));
    let bad = AddCertificate { alias: "../x".into(), ..add(id, plain, false) };
    world.refused(move |tx, now| stores::add(tx, &local(), &bad, now));

    let nothing = RemoveCertificate { store: id, alias: " ".into(), at: None };
    world.refused(move |tx, now| stores::remove_entry(tx, &local(), &nothing, now));
    let take = RemoveCertificate { store: id, alias: "shop".into(), at: None };
    let asking = world.somebody("scheduler", &[world.role("Schedulers", &[paths::STORES_SCHEDULE])]);
    world.refused(move |tx, now| stores::remove_entry(tx, &asking, &take, now));
}

pub fn entries_are_put_in_and_taken_out(world: &World) {
    let (id, pair, certificate) = looked_at(world);
    let plain = world.certificate(&["plain.example.com"], None);
    let (who, _) = installer(world);
    let unnamed = world.read(move |tx| stores::default_alias(tx, certificate)).unwrap();
    assert_eq!(unnamed.len(), 40, "a thumbprint: {unnamed}");

    // With all rights; the key's way out is in the log before it is opened.
    let asking = who.clone();
    let added = world.write(move |tx, now| stores::add(tx, &asking, &add(id, certificate, true), now)).unwrap();
    assert_eq!(job(world, id, added).state, StoreJobState::Waiting);
    assert!(happened(world, "private_key.exported").is_empty());
    let (lease, task) = begin(world, id);
    let What::Add { alias, overwrite, material } = task.unwrap().what else { panic!("not the addition") };
    assert_eq!((alias.as_str(), overwrite, material.certificate), ("shop", false, certificate));
    let clear = world.custody.open(&material.key.unwrap(), SecretKind::PrivateKey).unwrap();
    assert_eq!(clear.as_slice(), pair.serialize_der());
    let exported = happened(world, "private_key.exported");
    assert_eq!((exported.len(), exported[0].actor, exported[0].payload["certificate_store"].as_i64()), (1, who.id, Some(id.0)));
    assert_eq!(job(world, id, added).state, StoreJobState::Running);
    // Whoever crashes here does it again.
    let again = world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap().unwrap();
    assert_eq!(again.job, added);
    let sha256 = *Candidate::of(&material.der).unwrap().sha256();
    let written = Written { certificates: vec![sha256], has_key: true, replaced: None, report: "the entry is new".into() };
    world.write(move |tx, now| work::added(tx, &worker(), &lease, added, &written, now)).unwrap();
    let done = job(world, id, added);
    assert_eq!((done.state, done.report.as_deref()), (StoreJobState::Done, Some("the entry is new")));
    assert!(world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap().is_none());
    let history = world.read(move |tx| events::history(tx, &local(), certificate, None, 10)).unwrap().events;
    assert_eq!(history[0].operation, "certificate.installed");

    // It is there now: another one needs to overwrite, or fails where the file knows more than the inventory.
    world.refused(move |tx, now| stores::add(tx, &local(), &add(id, plain, false), now));
    let over = AddCertificate { overwrite: true, at: Some(world.now() + DAY), ..add(id, plain, false) };
    let later = world.write(move |tx, now| stores::add(tx, &local(), &over, now)).unwrap();
    let lease = world.write(|tx, now| jobs::claim(tx, "node", now)).unwrap();
    assert!(lease.is_none(), "its time has not come");
    let due = world.read(move |tx| jobs::live(tx, JobKind::Store, id.0)).unwrap().unwrap();
    assert_eq!(due.due_at, world.now() + DAY);
    world.refused(move |tx, now| stores::retry(tx, &local(), id, later, now));
    world.write(move |tx, now| stores::cancel(tx, &local(), id, later, now)).unwrap();

    let take = RemoveCertificate { store: id, alias: "shop".into(), at: None };
    let taken = world.write(move |tx, now| stores::remove_entry(tx, &local(), &take, now)).unwrap();
    let (lease, task) = begin(world, id);
    assert!(matches!(task.unwrap().what, What::Remove { alias } if alias == "shop"));
    world.write(move |tx, now| work::removed(tx, &worker(), &lease, taken, Some(sha256), now)).unwrap();
    world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap();
    let (store, jobs) = (shown(world, id), world.read(move |tx| stores::jobs(tx, &local(), id, None, 50)).unwrap());
    assert_eq!((store.entries, store.last_error, jobs[0].state), (0, None, StoreJobState::Done));
    assert_eq!(happened(world, "certificate.uninstalled").len(), 1);
    world.write(move |tx, now| stores::remove(tx, &local(), id, now)).unwrap();
    assert!(world.intact().problems.is_empty());
}

pub fn rights_count_when_a_job_runs(world: &World) {
    let (id, _, certificate) = looked_at(world);
    let (who, exporter) = installer(world);
    // A right that is gone when its time has come is not used.
    let asking = who.clone();
    let fast = AddCertificate { alias: "second".into(), at: Some(world.now() + DAY), ..add(id, certificate, true) };
    let lost = world.write(move |tx, now| stores::add(tx, &asking, &fast, now)).unwrap();
    let holder = who.id.unwrap();
    world.write(move |tx, now| roles::withdraw(tx, &local(), exporter, holder, now)).unwrap();
    world.pass(DAY);
    let (_, none) = begin(world, id);
    assert!(none.is_none());
    let failed = job(world, id, lost);
    assert_eq!(failed.state, StoreJobState::Failed);
    assert!(failed.error.unwrap().contains(paths::PRIVATE_KEY_READ));
    assert!(happened(world, "private_key.exported").is_empty());
    let asking = who.clone();
    world.refused(move |tx, now| stores::retry(tx, &asking, id, lost, now));
    world.write(move |tx, now| stores::retry(tx, &local(), id, lost, now)).unwrap();
    let (lease, task) = begin(world, id);
    assert!(matches!(task.unwrap().what, What::Add { .. }));
    world.write(move |tx, now| work::failed(tx, &worker(), &lease, lost, "the disk is full", now)).unwrap();
    world.write(move |tx, now| work::begin(tx, &worker(), &lease, now)).unwrap();
    assert_eq!(shown(world, id).last_error.as_deref(), Some("the disk is full"));

    world.write(move |tx, now| stores::take_inventory(tx, &local(), id, now)).unwrap();
    let (lease, task) = begin(world, id);
    let job = task.unwrap().job;
    world.write(move |tx, now| work::inventoried(tx, &worker(), &lease, job, &[], now)).unwrap();
    assert_eq!(shown(world, id).last_error, None);
}

pub fn owners_change_through_containers(world: &World) {
    let (web, mail) = (container(world, "Web"), container(world, "Mail"));
    let id = store(world, "web", Some(web));
    let pair = key();
    let der = issue(&pair, &["shop.example.com"], world.now() - DAY, world.now() + 60 * DAY);
    inventoried(world, id, vec![entry("shop", &[&der], false)], Vec::new());
    let inside = held(world, &der);
    let outside = world.certificate(&["other.example.com"], None);
    let owners = world.role("Owners", &[&format!("/certificate_stores/change_owner/{web}/")]);
    let everywhere = world.role("Everywhere", &[paths::STORES_CHANGE_OWNER]);
    let by_container = world.somebody("by container", &[owners]);
    let by_area = world.somebody("by area", &[everywhere, owners]);
    let change = |actor: &Actor, certificate, container, to| {
        let scope = OwnerScope { collection: None, container };
        (actor.clone(), ChangeOwner { certificate, scope, to })
    };
    for (who, certificate, container) in [
        (&by_container, inside, None),
        (&by_container, inside, Some(mail)),
        (&by_container, outside, Some(web)),
        (&by_container, CertificateId(9_999), Some(web)),
        (&by_area, outside, None),
        (&by_area, outside, Some(web)),
    ] {
        let (actor, command) = change(who, certificate, container, Some(owners));
        let refusal = world.refused(move |tx, now| ownership::change(tx, &actor, &command, now));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{}: {refusal}", who.name);
    }
    let (actor, command) = change(&by_container, inside, Some(web), Some(owners));
    assert_eq!(world.write(move |tx, now| ownership::change(tx, &actor, &command, now)).unwrap(), OwnerChange::Changed);
    let event = happened(world, "certificate.owner_changed").remove(0);
    assert_eq!(
        (event.payload["container"].as_i64(), event.payload["after"]["owner_role"].as_i64()),
        (Some(web.0), Some(owners.0))
    );
    let (actor, command) = change(&by_area, inside, None, None);
    assert_eq!(world.write(move |tx, now| ownership::change(tx, &actor, &command, now)).unwrap(), OwnerChange::Changed);
    // What leaves the container leaves the reach of its keepers.
    world.write(move |tx, now| stores::assign(tx, &local(), &[id], Some(mail), now)).unwrap();
    let (actor, command) = change(&by_container, inside, Some(web), Some(owners));
    world.refused(move |tx, now| ownership::change(tx, &actor, &command, now));
}

pub fn queries_ask_where_certificates_are(world: &World) {
    let web = container(world, "Web Servers");
    let (inside, other) = (store(world, "web", Some(web)), store(world, "spare", None));
    let pair = key();
    let der = |name: &str| issue(&pair, &[name], world.now() - DAY, world.now() + 60 * DAY);
    let (both, spare) = (der("both.example.com"), der("spare.example.com"));
    inventoried(world, inside, vec![entry("both", &[&both], false)], Vec::new());
    inventoried(world, other, vec![entry("both", &[&both], false), entry("spare", &[&spare], false)], Vec::new());
    let nowhere = world.certificate(&["nowhere.example.com"], None);
    let (both, spare) = (held(world, &both), held(world, &spare));
    for (query, expected) in [
        ("CertStoreContainer -eq \"WEB servers\"", vec![both]),
        ("CertStoreContainer -eq NULL", vec![spare, nowhere]),
        ("CertStorePath -contains \"spare\"", vec![both, spare]),
        ("CertStorePath -eq NULL", vec![nowhere]),
        ("CertStorePath -notcontains \"web\" AND CertStorePath -ne NULL", vec![spare]),
        ("CertStoreFQDN -eq \"no such machine\" OR CA -ne NULL", vec![]),
    ] {
        let scope = Scope::everywhere(world.now());
        let found = world.read(move |tx| {
            let condition = inventory::question(tx, &local(), query, scope)?;
            inventory::list(
                tx,
                &local(),
                &inventory::Filter { condition, limit: 10, count: true, ..inventory::Filter::default() },
            )
        });
        let page = found.unwrap();
        let ids: BTreeSet<CertificateId> = page.certificates.iter().map(|found| found.id).collect();
        assert_eq!(ids, expected.iter().copied().collect(), "{query}");
        assert_eq!(page.total, Some(expected.len() as i64), "{query}");
        // Membership in a collection is decided in memory.
        let command = CollectionCommand { name: query.replace('"', ""), query: query.to_owned(), ..CollectionCommand::default() };
        let collection = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
        for certificate in [both, spare, nowhere] {
            let scope = Scope::of(Some(collection), world.now());
            let seen = world.read(move |tx| inventory::get_in(tx, &local(), certificate, scope));
            assert_eq!(seen.is_ok(), expected.contains(&certificate), "{query}: {certificate}");
        }
    }
}

pub fn new_versions_go_into_stores(world: &World) {
    let id = store(world, "web", None);
    let lineage = new_managed(world, &["example.com"]);
    let target = StoreTarget { store: id, alias: "example.com".into(), include_key: true };
    let settings = DeploymentSettings { store: Some(target), ..Default::default() };
    let deployer = world.somebody("deployer", &[world.role("Deployers", &[paths::DEPLOYMENT_MODIFY])]);
    let wanted = settings.clone();
    let refusal = world.refused(move |tx, now| deployment::create(tx, &deployer, lineage, "store", &wanted, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "the right to modify the store, too: {refusal}");
    let both = DeploymentSettings { certificate: Some("/srv/x.pem".into()), ..settings.clone() };
    world.refused(move |tx, now| deployment::create(tx, &local(), lineage, "both", &both, now));
    let wanted = settings.clone();
    let deployment: DeploymentId =
        world.write(move |tx, now| deployment::create(tx, &local(), lineage, "store", &wanted, now)).unwrap();
    let wanted = settings.clone();
    let refusal = world.refused(move |tx, now| deployment::create(tx, &local(), lineage, "again", &wanted, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "one alias follows one managed certificate: {refusal}");
    let by_hand = AddCertificate { alias: "example.com".into(), ..add(id, world.certificate(&["x.example.com"], None), false) };
    world.refused(move |tx, now| stores::add(tx, &local(), &by_hand, now));
    let place = |alias: &str| Place { store: id, alias: Some(alias.into()), overwrite: true, with_key: true };
    let (followed, free) = ([place("example.com")], [place("other.example.com")]);
    let refusal = world.refused(move |tx, _| stores::require_fit(tx, &local(), &followed));
    assert!(matches!(refusal, Refusal::Conflict(_)), "before anything is issued: {refusal}");
    world.read(move |tx| stores::require_fit(tx, &local(), &free)).unwrap();
    let by_hand = RemoveCertificate { store: id, alias: "example.com".into(), at: None };
    world.refused(move |tx, now| stores::remove_entry(tx, &local(), &by_hand, now));
    let refusal = world.refused(move |tx, now| stores::remove(tx, &local(), id, now));
    assert!(refusal.to_string().contains("example.com"), "{refusal}");

    let mut before = None;
    for _ in 0..2 {
        let (certificate, _) = obtain(world, &["example.com"]);
        let lease = claim(world, JobKind::Deploy);
        let installation = world.read(move |tx| deployment::installation(tx, deployment)).unwrap().unwrap();
        assert_eq!(installation.store.unwrap().store.id, id);
        let sha256 = *Candidate::of(&installation.der).unwrap().sha256();
        let written = Written { certificates: vec![sha256], has_key: true, replaced: before, report: "done".into() };
        world.write(move |tx, now| deployment::stored(tx, &worker(), &lease, &written, now)).unwrap();
        world.write(move |tx, now| deployment::complete(tx, &worker(), &lease, certificate, "done", now)).unwrap();
        let page = world.read(move |tx| stores::inventory(tx, &local(), id, None, 10)).unwrap();
        assert_eq!(page.entries[0].certificates[0].summary.id, certificate);
        before = Some(sha256);
        world.write(move |tx, now| managed::renew_now(tx, &local(), lineage, now)).unwrap();
    }
    assert_eq!((happened(world, "certificate.installed").len(), happened(world, "certificate.uninstalled").len()), (2, 1));
    world.write(move |tx, now| deployment::remove(tx, &local(), deployment, now)).unwrap();
    world.write(move |tx, now| stores::remove(tx, &local(), id, now)).unwrap();
}
