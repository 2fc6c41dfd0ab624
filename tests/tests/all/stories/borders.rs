//! Ways into what roles may reach: through values that scopes look at, under numbers that roles name already, by what is brought along.

use certhold_domain::access::paths;
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::{self, ExportKey};
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_domain::metadata::{self, Change, FieldCommand, FieldType, SetMetadata};
use certhold_domain::stores::{self, ContainerCommand, PasswordChange, Properties, Roots, Schedule, StoreCommand, StoreKind};
use certhold_domain::{Actor, CertificateId, CollectionId, ContainerId, Refusal, RoleId, access, events};

use super::private_keys::keyed;
use super::storing::{entry, inventoried, store};
use super::world::{DAY, World, issue, key};

const READ: &str = paths::CERTIFICATES_READ;

fn local() -> Actor {
    Actor::local("story")
}

fn collection(world: &World, actor: &Actor, name: &str, query: &str) -> CollectionId {
    let (actor, command) =
        (actor.clone(), CollectionCommand { name: name.into(), query: query.into(), ..CollectionCommand::default() });
    world.write(move |tx, now| collections::create(tx, &actor, &command, now)).unwrap()
}

fn missing(refusal: Refusal) -> Vec<String> {
    match refusal {
        Refusal::Forbidden { missing, .. } => missing,
        other => panic!("{other}"),
    }
}

/// Whoever may change collections draws nothing into one whose rights they hold only there: by noting something no more than by the query.
pub fn notes_draw_no_key_into_a_scope(world: &World) {
    let field = FieldCommand::new("Dept", FieldType::String);
    world.write(move |tx, now| metadata::create(tx, &local(), &field, now)).unwrap();
    let secret = keyed(world, &key());
    let web = collection(world, &local(), "web", "Dept -eq \"web\"");
    let on_it = [format!("{READ}{web}/"), format!("{}{web}/", paths::PRIVATE_KEY_READ)];
    let rights = [paths::COLLECTIONS_MODIFY, paths::CERTIFICATES_METADATA_MODIFY, &on_it[0], &on_it[1]];
    let eve = world.somebody("eve", &[world.role("Eves", &rights)]);
    let noting = |actor: &Actor| {
        let command = SetMetadata { certificate: secret, collection: None, changes: vec![Change::new("Dept", "web")] };
        let actor = actor.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| metadata::set(tx, &actor, &command, now)
    };
    assert_eq!(missing(world.refused(noting(&eve))), [paths::PRIVATE_KEY_READ, READ]);
    let exporting = |actor: &Actor| {
        let scope = Scope::of(Some(web), world.now());
        let command = ExportKey { certificate: secret, scope, format: "pem", encrypted: true, reason: "a try".into() };
        let actor = actor.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| custody::export(tx, &actor, &command, now).map(drop)
    };
    world.refused(exporting(&eve));
    // Whoever holds the rights everywhere may.
    let chief = [paths::COLLECTIONS_MODIFY, paths::CERTIFICATES_METADATA_MODIFY, READ, paths::PRIVATE_KEY_READ];
    let chief = world.somebody("chief", &[world.role("Chiefs", &chief)]);
    assert!(world.write(noting(&chief)).unwrap());
    world.write(exporting(&eve)).unwrap();
}

/// Rights under a number of which there is nothing yet are nobody's to bring to life who does not hold them.
pub fn a_new_scope_has_no_rights_yet(world: &World) {
    let secret = world.certificate(&["secret.example.com"], None);
    let exports: Vec<String> = (1..=3).map(|id| format!("{READ}{id}/")).collect();
    let brought: Vec<&str> = exports.iter().map(String::as_str).collect();
    let old = world.somebody("old", &[world.role("Brought along", &brought)]);
    let modifier = world.somebody("modifier", &[world.role("Modifiers", &[paths::COLLECTIONS_MODIFY])]);
    let made: Vec<CollectionId> = (0..3).map(|n| collection(world, &modifier, &format!("all {n}"), "")).collect();
    assert!(made.iter().all(|id| id.0 > 3), "numbers that roles name are passed over: {made:?}");
    let sees = |scope: CollectionId| {
        let (actor, scope) = (old.clone(), Scope::of(Some(scope), world.now()));
        world.read(move |tx| inventory::summary_in(tx, &actor, secret, scope)).is_ok()
    };
    assert!(!made.into_iter().any(sees) && !(1..=3).map(CollectionId).any(sees));
    // A copy is a new one, too.
    let copier = world.somebody("copier", &[world.role("Copiers", &[paths::COLLECTIONS_MODIFY, READ])]);
    let from = collection(world, &local(), "from", "");
    world.role("Waiting", &[&format!("{}{}/", paths::PRIVATE_KEY_READ, from.0 + 1)]);
    let copied = world.write(move |tx, now| collections::copy(tx, &copier, from, "copy", false, now)).unwrap();
    assert_eq!(copied.0, from.0 + 2);
    // Whoever holds these rights everywhere decides what they mean.
    let next = copied.0 + 1;
    world.role("Next", &[&format!("{READ}{next}/")]);
    assert_eq!(collection(world, &local(), "decided", "").0, next);
}

pub fn a_new_container_has_no_rights_yet(world: &World) {
    world.role("Brought along", &[&format!("{}1/", paths::STORES_CHANGE_OWNER), &format!("{}2/", paths::STORES_READ)]);
    let make = |actor: &Actor, name: &str| -> ContainerId {
        let (actor, command) = (actor.clone(), ContainerCommand { name: name.into(), ..ContainerCommand::default() });
        world.write(move |tx, now| stores::create_container(tx, &actor, &command, now)).unwrap()
    };
    let keeper = world.somebody("keeper", &[world.role("Keepers", &[paths::STORES_MODIFY])]);
    assert_eq!(make(&keeper, "first").0, 3);
    world.role("Waiting", &[&format!("{}4/", paths::STORES_READ)]);
    assert_eq!(make(&local(), "second").0, 4);
}

/// Thousands of numbers are passed over without an object for each of them, and those after them follow.
pub fn numbers_that_roles_name_are_passed_over_at_once(world: &World) {
    let mut named: Vec<String> = (1..=500).map(|id| format!("{}{id}/", paths::PRIVATE_KEY_READ)).collect();
    // Also those that whoever makes the collection could have had: the run is not looked at number by number.
    named.extend((501..=503).map(|id| format!("{READ}{id}/")));
    world.role("Brought along", &named.iter().map(String::as_str).collect::<Vec<_>>());
    let modifier = world.somebody("modifier", &[world.role("Modifiers", &[paths::COLLECTIONS_MODIFY, READ])]);
    let made: Vec<i64> = (0..2).map(|n| collection(world, &modifier, &format!("new {n}"), "").0).collect();
    assert_eq!(made, [504, 505]);
    let stores: Vec<String> = (1..=9).map(|id| format!("{}{id}/", paths::STORES_CHANGE_OWNER)).collect();
    world.role("Stores", &stores.iter().map(String::as_str).collect::<Vec<_>>());
    let keeper = world.somebody("keeper", &[world.role("Keepers", &[paths::STORES_MODIFY])]);
    for (name, number) in [("first", 10), ("second", 11)] {
        let (keeper, command) = (keeper.clone(), ContainerCommand { name: name.into(), ..ContainerCommand::default() });
        assert_eq!(world.write(move |tx, now| stores::create_container(tx, &keeper, &command, now)).unwrap().0, number);
    }
}

fn bring(
    actor: &Actor,
    name: &str,
    owner: RoleId,
) -> impl Fn(&mut certhold_store::Tx<'_>, i64) -> certhold_domain::Result<CertificateId> + Send + use<> {
    let der = issue(&key(), &[name], super::world::START - DAY, super::world::START + DAY);
    let candidate = Candidate::of(&der).unwrap();
    let actor = actor.clone();
    move |tx, now| {
        let batch = ImportBatch {
            certificates: vec![candidate.clone()],
            keys: Vec::new(),
            owner: Some(owner),
            source: "story".into(),
            metadata: Vec::new(),
        };
        match inventory::import(tx, &actor, &batch, now)?.remove(0).outcome {
            Outcome::Imported(id) | Outcome::AlreadyHeld(id) => Ok(id),
            Outcome::Excluded => panic!("it is excluded"),
        }
    }
}

/// Giving away what one brings is a change of owner: it needs what that needs, everywhere.
pub fn an_import_names_owners_as_a_change_does(world: &World) {
    let (mine, other) = (world.role("Mine", &[]), world.role("Other", &[]));
    let with = |name: &str, rights: &[&str]| {
        let rights = [&[paths::CERTIFICATES_IMPORT], rights].concat();
        world.somebody(name, &[world.role(&format!("Rights of {name}"), &rights), mine])
    };
    let importer = with("importer", &[]);
    assert_eq!(missing(world.refused(bring(&importer, "a.example.com", mine))), [paths::CERTIFICATES_CHANGE_OWNER]);
    assert_eq!(
        missing(world.refused(bring(&importer, "a.example.com", RoleId(9_999)))),
        [paths::CERTIFICATES_CHANGE_OWNER],
        "nothing is told about roles"
    );
    // What they bring is in no store yet.
    let keeper = with("keeper", &[paths::STORES_CHANGE_OWNER]);
    assert_eq!(missing(world.refused(bring(&keeper, "a.example.com", mine))), [paths::CERTIFICATES_CHANGE_OWNER]);
    let owner = with("owner", &[paths::CERTIFICATES_CHANGE_OWNER]);
    let id = world.write(bring(&owner, "a.example.com", mine)).unwrap();
    let of = |id: CertificateId| world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap().owner.map(|(role, _)| role);
    assert_eq!(of(id), Some(mine));
    // Without its name, which is not theirs to know.
    let refusal = world.refused(bring(&owner, "b.example.com", other)).to_string();
    assert!(refusal.contains("role of the new owner") && !refusal.contains("Other"), "{refusal}");
    // The expanded right, held in the role's permission set.
    let expanded = with("expanded", &[paths::EXPANDED_CHANGE_OWNER, paths::SECURITY_READ]);
    let id = world.write(bring(&expanded, "b.example.com", other)).unwrap();
    assert_eq!(of(id), Some(other));
}

/// Edits of many follow the rule of each: also by the right over stores, and by the expanded one.
pub fn owners_of_many_change_by_every_right(world: &World) {
    use super::bulk::{look, run, start};
    use certhold_domain::bulk::{BulkEditState, Command, Edit, Selection};
    let (mine, foreign) = (world.role("Mine", &[]), world.role("Foreign", &[]));
    let pair = key();
    let stored = issue(&pair, &["stored.example.com"], world.now() - DAY, world.now() + 60 * DAY);
    let front = store(world, "front", None);
    inventoried(world, front, vec![entry("stored", &[&stored], false)], Vec::new());
    let Outcome::AlreadyHeld(stored) = world.import(&[stored], None).unwrap()[0].outcome else { panic!("it is held") };
    let (loose, theirs) =
        (world.certificate(&["loose.example.com"], None), world.certificate(&["theirs.example.com"], Some(foreign)));
    let edit = |to: RoleId| Command {
        selection: Selection::Certificates(vec![stored, loose, theirs]),
        edit: Edit::Owner { to: Some(to) },
        confirmed: None,
    };
    let keeper = world.somebody("keeper", &[world.role("Keepers", &[READ, paths::STORES_CHANGE_OWNER]), mine]);
    let preview = look(world, &keeper, &edit(mine));
    assert_eq!((preview.tally.changed, preview.tally.refused), (1, 2), "{:?}", preview.tally);
    let id = start(world, &keeper, &edit(mine));
    assert_eq!(run(world, id).tally.changed, 1);
    let of = |id: CertificateId| world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap().owner.map(|(role, _)| role);
    assert_eq!([of(stored), of(loose), of(theirs)], [Some(mine), None, Some(foreign)]);
    let rights = [READ, paths::EXPANDED_CHANGE_OWNER, paths::SECURITY_READ];
    let helpers = world.role("Helpers", &rights);
    let helper = world.somebody("helper", &[helpers]);
    let id = start(world, &helper, &edit(foreign));
    assert_eq!(run(world, id).tally.changed, 2);
    assert_eq!([of(stored), of(loose), of(theirs)], [Some(foreign); 3]);
    // Whoever holds none of these rights begins none, and one who lost them ends.
    let reader = world.somebody("reader", &[world.role("Readers", &[READ]), mine]);
    let wanted = edit(mine);
    let refusal = world.refused(move |tx, now| certhold_domain::bulk::start(tx, &reader, &wanted, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    let id = start(world, &helper, &edit(mine));
    let account = helper.id.unwrap();
    world.write(move |tx, now| access::roles::withdraw(tx, &local(), helpers, account, now)).unwrap();
    assert_eq!(run(world, id).state, BulkEditState::Stopped);
    assert_eq!(of(loose), Some(foreign));
}

/// Whoever reads through a container learns nothing of stores outside it.
pub fn stores_outside_a_container_are_not_told(world: &World) {
    let [edge, core] = ["Edge", "Core"].map(|name| {
        let command = ContainerCommand { name: name.into(), ..ContainerCommand::default() };
        world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
    });
    let der = issue(&key(), &["shop.example.com"], world.now() - DAY, world.now() + 60 * DAY);
    for (name, container) in [("hidden", core), ("front", edge)] {
        let id = store(world, name, Some(container));
        inventoried(world, id, vec![entry("shop", &[&der], false)], Vec::new());
    }
    let Outcome::AlreadyHeld(certificate) = world.import(std::slice::from_ref(&der), None).unwrap().remove(0).outcome else {
        panic!("an inventory brought it")
    };
    let through = Scope { container: Some(edge), ..Scope::everywhere(world.now()) };
    let told = |actor: &Actor| {
        let actor = actor.clone();
        let all = events::HistoryPage { limit: 10, ..events::HistoryPage::default() };
        let read = move |tx: &mut certhold_store::Tx<'_>| {
            let places = stores::locations(tx, &actor, certificate, through)?;
            let history = inventory::history_in(tx, &actor, certificate, through, None, 10)?.events;
            let (paged, _) = inventory::history_page_in(tx, &actor, certificate, through, &all)?;
            let names: Vec<String> = places.into_iter().map(|place| place.name).collect();
            let text = |events: Vec<events::Event>| events.iter().map(|event| event.payload.to_string()).collect::<String>();
            Ok((names, text(history), text(paged)))
        };
        world.read(read).unwrap()
    };
    let at_the_edge = format!("/certificate_stores/modify/{edge}/");
    let keeper = world.somebody("keeper", &[world.role("Keepers", &[&at_the_edge])]);
    let (places, history, paged) = told(&keeper);
    assert_eq!(places, ["front"]);
    for text in [history, paged] {
        assert!(text.contains("front") && !text.contains("hidden"), "{text}");
    }
    // Whoever may read both stores, or every certificate, is told of both.
    let both = world.somebody("both", &[world.role("Both", &[&at_the_edge, &format!("/certificate_stores/read/{core}/")])]);
    let reader = world.somebody("reader", &[world.role("Readers", &[READ])]);
    for actor in [both, reader, local()] {
        let (places, history, paged) = told(&actor);
        assert_eq!(places, ["front", "hidden"]);
        assert!(history.contains("store hidden") && paged.contains("store hidden"), "{history}");
    }

    // What stands in the way of a new store is not described either.
    let making = |name: &str, path: &str| {
        let command = StoreCommand {
            name: name.into(),
            kind: StoreKind::PemDirectory,
            machine: String::new(),
            path: path.into(),
            container: Some(edge),
            properties: Properties::default(),
            password: PasswordChange::Keep,
            create_if_missing: true,
            schedule: Schedule::Off,
        };
        let (actor, roots) = (keeper.clone(), Roots(vec!["/srv/tls/".into()]));
        world.refused(move |tx, now| stores::create(tx, &actor, &command, &roots, now)).to_string()
    };
    for (name, path, blind) in
        [("HIDDEN", "/srv/tls/new", "this name is taken"), ("new", "/srv/tls/hidden", "this path is taken")]
    {
        let told = making(name, path);
        assert!(told.contains(blind) && !told.contains("hidden"), "{told}");
    }
    assert!(making("FRONT", "/srv/tls/new").contains("\"front\""), "one's own is named");
    assert!(making("new", "/srv/tls/front").contains("/srv/tls/front"));
}
