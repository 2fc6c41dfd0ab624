//! Permission sets, claims and reasons, with a database.

use std::collections::BTreeMap;
use std::sync::Arc;

use certhold_domain::access::claims::{self, ClaimKey, ClaimType};
use certhold_domain::access::review::{Filter, Reach, Review};
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::access::sets::{self, SetCommand};
use certhold_domain::access::why::{self, Object, Question, Subject};
use certhold_domain::access::{self, Decision, Need, Path, paths};
use certhold_domain::ownership::{self, ChangeOwner, Scope};
use certhold_domain::people::PrincipalKind;
use certhold_domain::{Actor, CollectionId, PermissionSetId, PrincipalId, Refusal, RoleId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::world::World;

fn local() -> Actor {
    Actor::local("story")
}

fn set(world: &World, name: &str, permissions: &[&str]) -> PermissionSetId {
    let uuid = world.uuid();
    let command = SetCommand { name: name.into(), permissions: permissions.iter().map(|path| (*path).into()).collect() };
    world.write(move |tx, now| sets::create(tx, &local(), &command, uuid, now)).unwrap()
}

fn role(world: &World, name: &str, set: PermissionSetId, permissions: &[&str]) -> RoleId {
    let permissions = permissions.iter().map(|path| (*path).into()).collect();
    let command = RoleCommand { name: name.into(), permission_set: Some(set), permissions, ..RoleCommand::default() };
    world.write(move |tx, now| roles::create(tx, &local(), &command, now)).unwrap()
}

fn explain(world: &World, actor: &Actor, subject: Subject, object: Object, action: &str) -> why::Explanation {
    let (actor, now) = (actor.clone(), world.now());
    let question = Question { subject, object, action: Path::parse(action).unwrap() };
    world.read(move |tx| why::why(tx, &actor, &question, now)).unwrap()
}

pub fn sets_are_changed_and_removed(world: &World) {
    let web = set(world, "Web", &["/certificates/"]);
    let ops = role(world, "Ops", web, &["/certificates/import/", paths::CERTIFICATES_READ]);
    let reader = world.somebody("reader", &[ops]);
    let change = |permissions: &[&str]| SetCommand {
        name: "Web".into(),
        permissions: permissions.iter().map(|path| (*path).into()).collect(),
    };
    let allowed = |world: &World, actor: &Actor| {
        let actor = actor.clone();
        world.read(move |tx| access::allows(tx, &actor, paths::CERTIFICATES_READ)).unwrap()
    };
    assert!(allowed(world, &reader));
    let narrow = change(&["/certificates/import/"]);
    let done = world.write(move |tx, now| sets::update(tx, &local(), web, &narrow, now)).unwrap();
    assert_eq!(done.stopped.len(), 1);
    assert_eq!((done.stopped[0].name.as_str(), done.stopped[0].holders), ("Ops", 1));
    assert_eq!(done.stopped[0].paths.iter().map(Path::as_str).collect::<Vec<_>>(), [paths::CERTIFICATES_READ]);
    assert!(!allowed(world, &reader), "at once, also for whoever is signed in");
    let told = explain(world, &reader, Subject::Oneself, Object::Everything, paths::CERTIFICATES_READ);
    assert_eq!(
        told.sentence,
        "Missing /certificates/collections/read/: role Ops grants it, but its permission set Web does not allow it."
    );
    assert!(matches!(world.refused(move |tx, now| sets::remove(tx, &local(), web, now)), Refusal::Conflict(_)));
    let empty = set(world, "Empty", &[]);
    assert_eq!(world.read(move |tx| sets::get(tx, &local(), empty)).unwrap().roles, 0);
    world.write(move |tx, now| sets::remove(tx, &local(), empty, now)).unwrap();
    assert!(world.read(move |tx| sets::get(tx, &local(), empty)).is_err());
    let taken = SetCommand { name: "GLOBAL".into(), permissions: vec![] };
    assert!(matches!(world.refused(move |tx, now| sets::update(tx, &local(), web, &taken, now)), Refusal::Conflict(_)));
    let typo = change(&["/certificate/"]);
    let refusal = world.refused(move |tx, now| sets::update(tx, &local(), web, &typo, now));
    assert!(refusal.to_string().contains("did you mean /certificates/?"), "{refusal}");
    let members = world.read(move |tx| roles::members(tx, &local(), ops, None, 10)).unwrap();
    assert_eq!(members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["reader"]);
}

pub fn sets_are_borders_of_administration(world: &World) {
    let web = set(world, "Web", &["/security/", "/certificates/"]);
    let managers = role(world, "Managers", web, &["/security/", "/certificates/import/"]);
    let manager = world.somebody("manager", &[managers]);
    let (inside, beyond) = (role(world, "Inside", web, &[]), world.role("Beyond", &[]));
    let target = world.principal("Target", PrincipalKind::Service, None);
    let give = |role: RoleId| {
        let actor = manager.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| roles::assign(tx, &actor, role, target, now)
    };
    world.write(give(inside)).unwrap();
    let refusal = world.refused(give(beyond));
    assert!(refusal.to_string().contains("\"Global\" is neither"), "{refusal}");
    let named = |actor: &Actor, name: &'static str| {
        let actor = actor.clone();
        world.read(move |tx| certhold_domain::people::by_name(tx, &actor, name))
    };
    assert_eq!(named(&manager, " TARGET ").unwrap(), target);
    assert!(named(&manager, "nobody").is_err());
    let reader = world.somebody("reader", &[]);
    assert_eq!(named(&reader, "reader").unwrap(), reader.id.unwrap(), "everybody may name themselves");
    assert!(named(&reader, "target").is_err());

    let token = certhold_domain::people::NewToken {
        principal: target,
        name: "nightly".into(),
        hash: [7; 32],
        hint: "cht_".into(),
        scopes: vec!["/portal/".into()],
        expires_at: Some(world.now() + 1_000),
    };
    let id = world.write(move |tx, now| certhold_domain::people::create_token(tx, &local(), &token, now)).unwrap();
    let ask = || explain(world, &local(), Subject::Token(id), Object::Everything, paths::CERTIFICATES_IMPORT).sentence;
    assert_eq!(ask(), "Missing /certificates/import/.");
    world.write(move |tx, now| roles::assign(tx, &local(), managers, target, now)).unwrap();
    assert_eq!(ask(), "Missing /certificates/import/: role Managers grants it, but the token's scopes do not include it.");
    world.pass(1_000);
    assert_eq!(ask(), "The token nightly has expired, so it may do nothing.");
}

pub fn equal_sets_are_borders_too(world: &World) {
    let bound = ["/security/", "/certificates/import/"];
    let (here, there) = (set(world, "Dept A", &bound), set(world, "Dept B", &bound));
    let managers = role(world, "Managers of A", here, &bound);
    let manager = world.somebody("manager", &[managers]);
    let theirs = role(world, "Role of B", there, &["/certificates/import/"]);
    let renamed = RoleCommand {
        name: "Role of mine".into(),
        permission_set: Some(there),
        permissions: vec!["/certificates/import/".into()],
        ..RoleCommand::default()
    };
    let (actor, command) = (manager.clone(), renamed.clone());
    let refusal = world.refused(move |tx, now| roles::update(tx, &actor, theirs, &command, now));
    assert!(refusal.to_string().contains("\"Dept B\" is neither"), "{refusal}");
    let (actor, command) = (manager.clone(), RoleCommand { name: "New in B".into(), ..renamed });
    world.refused(move |tx, now| roles::create(tx, &actor, &command, now));
    let (actor, uuid) = (manager.clone(), world.uuid());
    let equal = SetCommand { name: "Dept C".into(), permissions: bound.map(str::to_owned).to_vec() };
    let refusal = world.refused(move |tx, now| sets::create(tx, &actor, &equal, uuid, now));
    assert!(refusal.to_string().contains("that you describe"), "{refusal}");
    // A narrower one is theirs, and so are its roles.
    let (actor, uuid) = (manager.clone(), world.uuid());
    let narrow = SetCommand { name: "Part of A".into(), permissions: vec!["/certificates/import/".into()] };
    let part = world.write(move |tx, now| sets::create(tx, &actor, &narrow, uuid, now)).unwrap();
    let inside = RoleCommand { name: "In the part".into(), permission_set: Some(part), ..RoleCommand::default() };
    world.write(move |tx, now| roles::create(tx, &manager, &inside, now)).unwrap();
}

pub fn claims_hold_roles(world: &World) {
    let readers = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let key = |kind, value: &str, provider: &str| ClaimKey { kind, value: value.into(), provider: provider.into() };
    let group = key(ClaimType::Group, "EXAMPLE\\Readers", "corporate");
    let stored = group.clone();
    let claim = world.write(move |tx, now| claims::create(tx, &local(), &stored, "readers", now)).unwrap();
    world.write(move |tx, now| claims::assign(tx, &local(), claim, readers, now)).unwrap();
    world.write(move |tx, now| claims::describe(tx, &local(), claim, "all readers", now)).unwrap();
    assert_eq!(world.read(move |tx| claims::get(tx, &local(), claim)).unwrap().description, "all readers");
    assert_eq!(world.read(move |tx| claims::list(tx, &local(), Some(readers))).unwrap().len(), 1);

    let nobody = world.somebody("nobody", &[]);
    let with = |claims: Vec<ClaimKey>, id: Option<PrincipalId>| Actor { id, claims, ..nobody.clone() };
    let reads = |world: &World, actor: Actor| world.read(move |tx| access::allows(tx, &actor, paths::CERTIFICATES_READ)).unwrap();
    // The access of the actor is out of date as soon as anything changes; then claims are looked at again.
    world.role("Other", &[]);
    world.write(move |tx, now| claims::withdraw(tx, &local(), claim, readers, now)).unwrap();
    assert!(!reads(world, with(vec![group.clone()], nobody.id)));
    world.write(move |tx, now| claims::assign(tx, &local(), claim, readers, now)).unwrap();
    assert!(reads(world, with(vec![group.clone()], nobody.id)));
    assert!(reads(world, with(vec![group.clone()], None)), "also without an account here");
    assert!(reads(world, with(vec![key(ClaimType::Group, "example\\READERS", "corporate")], nobody.id)), "groups ignore case");
    for other in [
        key(ClaimType::Group, "EXAMPLE\\Readers", "elsewhere"),
        key(ClaimType::OauthRole, "EXAMPLE\\Readers", "corporate"),
        key(ClaimType::Group, "EXAMPLE\\Readers2", "corporate"),
    ] {
        assert!(!reads(world, with(vec![other.clone()], nobody.id)), "{other:?}");
    }
    assert!(!reads(world, with(vec![], nobody.id)));
    let id = nobody.id.unwrap();
    world.write(move |tx, now| certhold_domain::people::set_disabled(tx, &local(), id, true, now)).unwrap();
    assert!(!reads(world, with(vec![group.clone()], nobody.id)), "a disabled account holds nothing, whatever is said of it");
    world.write(move |tx, now| claims::remove(tx, &local(), claim, now)).unwrap();
    assert!(!reads(world, with(vec![group], None)));
}

pub fn the_expanded_right_looks_at_permission_sets(world: &World) {
    let (web, mail) = (set(world, "Web", &["/"]), set(world, "Mail", &["/"]));
    let helpers = role(world, "Helpers", web, &[paths::EXPANDED_CHANGE_OWNER, paths::SECURITY_READ]);
    let (first, second) = (role(world, "First", web, &[]), role(world, "Second", web, &[]));
    let foreign = role(world, "Foreign", mail, &[]);
    let helper = world.somebody("helper", &[helpers]);
    let certificate = world.certificate(&["example.com"], Some(first));
    let to = |role| {
        let (actor, command) = (helper.clone(), ChangeOwner { certificate, scope: Scope::default(), to: role });
        move |tx: &mut certhold_store::Tx<'_>, now| ownership::change(tx, &actor, &command, now)
    };
    world.write(to(Some(second))).unwrap();
    let refusal = world.refused(to(Some(foreign)));
    assert!(refusal.to_string().contains("Foreign"), "{refusal}");
    let event = world.read(move |tx| certhold_domain::events::history(tx, &local(), certificate, None, 1)).unwrap().events;
    assert_eq!(event[0].payload["by_expanded_right"], true);
    let assignable = world.read({
        let actor = helper.clone();
        move |tx| roles::assignable(tx, &actor)
    });
    let names: Vec<String> = assignable.unwrap().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["First", "Helpers", "Second"]);
    let told = explain(
        world,
        &local(),
        Subject::Principal(helper.id.unwrap()),
        Object::Certificate(certificate),
        paths::EXPANDED_CHANGE_OWNER,
    );
    assert!(told.allowed && told.sentence.contains("expanded right"), "{told:?}");
    world.write(to(None)).unwrap();
    let scope = Scope { collection: Some(CollectionId(7)), container: None };
    let outside = ChangeOwner { certificate, scope, to: None };
    let refusal = world.refused(move |tx, now| ownership::change(tx, &helper, &outside, now));
    assert!(refusal.to_string().contains("not in the collection 7"), "{refusal}");
}

pub fn names_that_look_alike_are_refused(world: &World) {
    let admin = world.principal("Admin", PrincipalKind::Person, None);
    for twin in ["ADMIN", "Ａｄｍｉｎ", "admin "] {
        let command = certhold_domain::people::NewPrincipal {
            kind: PrincipalKind::Person,
            name: twin.into(),
            display_name: String::new(),
            email: None,
            password: None,
            uuid: world.uuid(),
        };
        let refusal = world.refused(move |tx, now| certhold_domain::people::create(tx, &local(), &command, now));
        assert!(matches!(refusal, Refusal::Conflict(_)), "{twin}: {refusal}");
    }
    let mixed = RoleCommand { name: "Аdmins".into(), ..RoleCommand::default() };
    let refusal = world.refused(move |tx, now| roles::create(tx, &local(), &mixed, now));
    assert!(refusal.to_string().contains("Cyrillic"), "{refusal}");
    // A database of old compared names by case alone: its forms are brought up to the present once.
    let wide = world.role("Wide", &[]);
    world.tamper("UPDATE role SET name = 'Ｗｉｄｅ', folded = 'ｗｉｄｅ' WHERE folded = 'wide'");
    world.tamper("DELETE FROM setting WHERE name = 'folding'");
    let uuids = [world.uuid(), world.uuid()];
    world.write(move |tx, now| certhold_domain::prepare(tx, &uuids, now)).unwrap();
    assert_eq!(world.read(move |tx| roles::by_name(tx, &local(), "wide")).unwrap(), wide);
    let told = world.read(move |tx| certhold_domain::people::get(tx, &local(), admin)).unwrap();
    assert_eq!(told.name, "Admin");
}

pub fn reasons_and_the_review_agree(world: &World) {
    let (owners, others) = (world.role("Owners", &[paths::CERTIFICATES_CHANGE_OWNER]), world.role("Others", &[]));
    let owner = world.somebody("owner", &[owners]);
    let mine = world.certificate(&["mine.example.com"], Some(owners));
    let theirs = world.certificate(&["theirs.example.com"], Some(others));
    let nobodys = world.certificate(&["nobodys.example.com"], None);
    let subject = Subject::Principal(owner.id.unwrap());
    let ask = |certificate| explain(world, &local(), subject, Object::Certificate(certificate), paths::CERTIFICATES_CHANGE_OWNER);
    let told = ask(mine);
    assert!(told.allowed);
    assert_eq!(
        told.sentence,
        "Allowed by role Owners (set Global bounds it): it belongs to role Owners, and they hold that role."
    );
    let told = ask(theirs);
    assert!(!told.allowed);
    assert!(told.sentence.contains("only somebody who holds the role Others"), "{told:?}");
    assert_eq!(ask(nobodys).sentence, "Allowed by role Owners (set Global bounds it): it belongs to nobody.");
    let scoped = world.role("Scoped", &["/certificates/collections/read/7/"]);
    let scoped = world.somebody("scoped", &[scoped]);
    let told = explain(world, &scoped, Subject::Oneself, Object::Certificate(mine), paths::CERTIFICATES_READ);
    assert_eq!(told.roles[0].verdict, "Grants it in collection 7 only, where the certificate is not.");
    let everything = explain(world, &local(), Subject::Oneself, Object::Everything, paths::SYSTEM_READ);
    assert!(everything.allowed, "{everything:?}");

    let filter = Filter { principal: owner.id, ..Filter::default() };
    let page = world.read(move |tx| Review::begin(tx, &local(), filter)?.page(tx, &local(), None, 100)).unwrap();
    assert_eq!(page.lines.len(), 1);
    assert_eq!((&page.lines[0].reach, page.lines[0].certificates), (&Reach::Everywhere, Some(2)));
    let all = world.read(move |tx| Review::begin(tx, &local(), Filter::default())?.page(tx, &local(), None, 100)).unwrap();
    assert_eq!(all.next.as_deref(), Some("claim:0"));
    let rest = world
        .read(move |tx| Review::begin(tx, &local(), Filter::default())?.page(tx, &local(), all.next.as_deref(), 100))
        .unwrap();
    assert_eq!((rest.lines, rest.next), (vec![], None));
    let with_disabled = Filter { disabled: true, ..Filter::default() };
    world.read(move |tx| Review::begin(tx, &local(), with_disabled)?.page(tx, &local(), None, 100)).unwrap();
    world.write(|tx, now| access::review::exported(tx, &local(), &Filter::default(), now)).unwrap();
}

/// What one role of the model is: its set, what it grants.
type ModelRole = (usize, Vec<String>);

fn paths_of_the_model() -> impl Strategy<Value = Vec<String>> {
    let known = prop::sample::select(vec![
        "/",
        "/certificates/",
        "/certificates/collections/",
        "/certificates/collections/read/",
        "/certificates/collections/read/7/",
        "/certificates/collections/read/77/",
        "/certificates/import/",
        "/security/",
        "/security/read/",
        "/certificate_stores/change_owner/4/",
    ]);
    prop::collection::btree_set(known, 0..4).prop_map(|chosen| {
        // Without redundancy, since roles are refused otherwise: what another path includes is left out.
        let all: Vec<&str> = chosen.into_iter().collect();
        all.iter()
            .filter(|path| !all.iter().any(|other| other != *path && path.starts_with(other)))
            .map(|path| (*path).to_owned())
            .collect()
    })
}

/// A few hundred random decisions on what the database holds, against a model that knows no prefix of strings, only segments.
pub fn decisions_agree_with_a_model(world: &World) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let segments = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let includes = |wide: &[String], narrow: &str| wide.iter().any(|wide| segments(narrow).starts_with(&segments(wide)));
    let set_bounds = [
        vec!["/".to_owned()],
        vec!["/certificates/".to_owned()],
        vec!["/certificates/collections/read/".to_owned(), "/security/".to_owned()],
    ];
    let mut sets = vec![world.read(|tx| sets::list(tx, &local())).unwrap()[0].id];
    for (number, bound) in set_bounds.iter().enumerate().skip(1) {
        sets.push(set(world, &format!("Bound {number}"), &bound.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    let mut decided: BTreeMap<bool, u32> = BTreeMap::new();
    for round in 0..25 {
        let wanted = prop::collection::vec((0..3usize, paths_of_the_model(), any::<bool>()), 0..4);
        let drawn = wanted.new_tree(&mut runner).unwrap().current();
        let mut model: Vec<ModelRole> = Vec::new();
        let account = world.somebody(&format!("account {round}"), &[]);
        let key = ClaimKey { kind: ClaimType::OauthRole, value: format!("role {round}"), provider: "corporate".into() };
        let stored = key.clone();
        let claim = world.write(move |tx, now| claims::create(tx, &local(), &stored, "", now)).unwrap();
        for (number, (bound, grants, through_claim)) in drawn.into_iter().enumerate() {
            let inside: Vec<&str> = grants.iter().map(String::as_str).filter(|path| includes(&set_bounds[bound], path)).collect();
            let role = role(world, &format!("role {round} {number}"), sets[bound], &inside);
            let id = account.id.unwrap();
            match through_claim {
                true => world.write(move |tx, now| claims::assign(tx, &local(), claim, role, now)).unwrap(),
                false => world.write(move |tx, now| roles::assign(tx, &local(), role, id, now)).unwrap(),
            }
            model.push((bound, inside.into_iter().map(str::to_owned).collect()));
        }
        let scopes = prop::option::of(paths_of_the_model()).new_tree(&mut runner).unwrap().current();
        let bound = scopes.as_ref().map(|scopes| scopes.iter().map(|path| Path::parse(path).unwrap()).collect());
        let actor = Actor {
            claims: vec![key],
            access: Arc::new(access::Access { scopes: bound, ..access::Access::nothing() }),
            ..account
        };
        for (base, collection, container) in [
            (paths::CERTIFICATES_READ, None, None),
            (paths::CERTIFICATES_READ, Some(7), None),
            (paths::CERTIFICATES_READ, Some(77), None),
            (paths::CERTIFICATES_IMPORT, None, None),
            (paths::SECURITY_READ, None, None),
            (paths::SECURITY_MODIFY, None, None),
            (paths::STORES_CHANGE_OWNER, None, Some(4)),
            (paths::STORES_CHANGE_OWNER, None, Some(44)),
            (paths::ALL, None, None),
        ] {
            let need = Need::system(base)
                .or_collection(base, collection.map(CollectionId))
                .or_container(base, container.map(certhold_domain::ContainerId));
            let actor = actor.clone();
            let told = world.read(move |tx| access::decide(tx, &actor, &need)).unwrap();
            let ways = std::iter::once(base.to_owned())
                .chain(collection.map(|id| format!("{base}{id}/")))
                .chain(container.map(|id| format!("{base}{id}/")));
            let expected = ways.into_iter().any(|way| {
                let scoped = scopes.as_ref().is_none_or(|scopes| includes(scopes, &way));
                scoped && model.iter().any(|(bound, grants)| includes(grants, &way) && includes(&set_bounds[*bound], &way))
            });
            let is_allowed = matches!(told, Decision::Allowed { .. });
            assert_eq!(is_allowed, expected, "round {round}: {base} {collection:?} {container:?} {model:?} {scopes:?}");
            *decided.entry(is_allowed).or_default() += 1;
        }
    }
    assert!(decided.values().all(|count| *count > 15), "both answers occur: {decided:?}");
}
