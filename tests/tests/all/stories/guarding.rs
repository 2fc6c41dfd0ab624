//! What guards the borders of scopes: rights as they have effect, through sets and scopes of tokens too, and whatever moves certificates.

use std::sync::Arc;

use certhold_domain::access::review::{Filter as ReviewFilter, Reach, Review};
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::access::sets::{self, SetCommand};
use certhold_domain::access::why::{self, Object, Question, Subject};
use certhold_domain::access::{Access, Path, audit, paths};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::{self, ExportKey, SecretKind};
use certhold_domain::inventory::{self, Candidate, Revocation, RevocationReason, Revoke};
use certhold_domain::metadata::{self, Change, FieldCommand, FieldType, SetMetadata};
use certhold_domain::ownership::{self, ChangeOwner, OwnerChange, Scope as OwnerScope};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::stores::{
    self, AddCertificate, ContainerCommand, PasswordChange, Properties, Roots, Schedule, StoreCommand, StoreKind, StoreTarget,
};
use certhold_domain::{Actor, CertificateId, CollectionId, ContainerId, Refusal, RoleId, StoreId};
use certhold_store::Tx;

use super::private_keys::keyed;
use super::renewing::managed;
use super::scoping::{READ, local, missing, scope, with};
use super::storing::{entry, inventoried, store};
use super::world::{DAY, World, issue, key};

const KEY: &str = paths::PRIVATE_KEY_READ;
const CHANGE: &str = paths::CERTIFICATES_CHANGE_OWNER;

fn collection(world: &World, name: &str, query: &str) -> CollectionId {
    let command = CollectionCommand { name: name.into(), query: query.into(), ..CollectionCommand::default() };
    world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap()
}

fn container(world: &World, name: &str) -> ContainerId {
    let command = ContainerCommand { name: name.into(), ..ContainerCommand::default() };
    world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
}

fn dept(world: &World) {
    let field = FieldCommand::new("Dept", FieldType::String);
    world.write(move |tx, now| metadata::create(tx, &local(), &field, now)).unwrap();
}

/// Notes that a certificate is of the department "web".
fn noting(
    actor: &Actor,
    certificate: CertificateId,
) -> impl Fn(&mut Tx<'_>, i64) -> certhold_domain::Result<bool> + Send + use<> {
    let command = SetMetadata { certificate, collection: None, changes: vec![Change::new("Dept", "web")] };
    let actor = actor.clone();
    move |tx, now| metadata::set(tx, &actor, &command, now)
}

/// Makes the collection one of every certificate.
fn opening(actor: &Actor, id: CollectionId) -> impl Fn(&mut Tx<'_>, i64) -> certhold_domain::Result<()> + Send + use<> {
    let command = CollectionCommand { name: "web".into(), ..CollectionCommand::default() };
    let actor = actor.clone();
    move |tx, now| collections::update(tx, &actor, id, &command, now)
}

fn exporting(
    world: &World,
    actor: &Actor,
    certificate: CertificateId,
    through: CollectionId,
) -> impl Fn(&mut Tx<'_>, i64) -> certhold_domain::Result<()> + Send + use<> {
    let scope = Scope::of(Some(through), world.now());
    let command = ExportKey { certificate, scope, format: "pem", encrypted: true, reason: "a try".into() };
    let actor = actor.clone();
    move |tx, now| custody::export(tx, &actor, &command, now).map(drop)
}

/// A role that grants this everywhere, in a set that was narrowed to that afterwards.
fn narrowed(world: &World, grants: &[&str], bound: &[&str]) -> RoleId {
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let uuid = world.uuid();
    let wide = SetCommand { name: "Narrow".into(), permissions: vec!["/".into()] };
    let set = world.write(move |tx, now| sets::create(tx, &local(), &wide, uuid, now)).unwrap();
    let command =
        RoleCommand { name: "Narrowed".into(), permission_set: Some(set), permissions: owned(grants), ..RoleCommand::default() };
    let role = world.write(move |tx, now| roles::create(tx, &local(), &command, now)).unwrap();
    let narrow = SetCommand { name: "Narrow".into(), permissions: owned(bound) };
    world.write(move |tx, now| sets::update(tx, &local(), set, &narrow, now)).unwrap();
    role
}

/// A right that is left on a collection by a permission set is one like any other.
pub fn what_sets_leave_on_a_collection_is_guarded(world: &World) {
    dept(world);
    let secret = keyed(world, &key());
    let web = collection(world, "web", "Dept -eq \"web\"");
    let servers = container(world, "Servers");
    let on_it = [format!("{KEY}{web}/"), format!("{READ}{web}/"), format!("{}{servers}/", paths::STORES_READ)];
    let more = [paths::COLLECTIONS_MODIFY, paths::CERTIFICATES_METADATA_MODIFY];
    let grants = [READ, KEY, paths::STORES_READ, more[0], more[1]];
    let role = narrowed(world, &grants, &[&on_it[0], &on_it[1], &on_it[2], more[0], more[1]]);
    let eve = world.somebody("eve", &[role]);

    let told = world.read(move |tx| collections::grants(tx, &local(), web)).unwrap();
    let told: Vec<(RoleId, Vec<&str>)> =
        told.iter().map(|grant| (grant.role, grant.paths.iter().map(Path::as_str).collect())).collect();
    assert_eq!(told, [(role, vec![on_it[0].as_str(), on_it[1].as_str()])]);
    assert_eq!(missing(world.refused(opening(&eve, web))), [KEY, READ]);
    assert_eq!(missing(world.refused(noting(&eve, secret))), [KEY, READ]);
    world.refused(exporting(world, &eve, secret, web));
    let refusal = world.refused(move |tx, now| collections::remove(tx, &local(), web, false, now));
    assert!(matches!(&refusal, Refusal::Conflict(why) if why.contains("Narrowed")), "{refusal}");
    // A number that only a set names is nobody's to bring to life either.
    let modifier = with(world, "modifier", &[paths::COLLECTIONS_MODIFY], &[]);
    let reserved = web.0 + 1;
    let set = SetCommand {
        name: "Narrow".into(),
        permissions: [on_it.to_vec(), vec![more[0].into(), more[1].into(), format!("{READ}{reserved}/")]].concat(),
    };
    let bound = world.read(move |tx| roles::get(tx, &local(), role)).unwrap().permission_set;
    world.write(move |tx, now| sets::update(tx, &local(), bound, &set, now)).unwrap();
    let command = CollectionCommand { name: "another".into(), ..CollectionCommand::default() };
    let made = world.write(move |tx, now| collections::create(tx, &modifier, &command, now)).unwrap();
    assert_eq!(made.0, reserved + 1);

    // Whoever holds the rights everywhere may; then everything that explains rights knows this one.
    let chief = with(world, "chief", &[READ, KEY, more[0], more[1]], &[]);
    world.write(noting(&chief, secret)).unwrap();
    world.write(exporting(world, &eve, secret, web)).unwrap();
    let id = eve.id.unwrap();
    let question =
        Question { subject: Subject::Principal(id), object: Object::Certificate(secret), action: Path::parse(KEY).unwrap() };
    let why = world.read(move |tx| why::why(tx, &local(), &question, 0)).unwrap();
    assert!(why.allowed && why.sentence.contains(&format!("through collection {web}")), "{}", why.sentence);
    let rights = world.read(move |tx| audit::roles_on(tx, &local(), secret, Scope::everywhere(0))).unwrap();
    let theirs = rights.into_iter().find(|rights| rights.role == role).unwrap();
    assert_eq!(theirs.actions, [READ, paths::CERTIFICATES_METADATA_MODIFY, KEY]);
    let filter = ReviewFilter { principal: Some(id), ..ReviewFilter::default() };
    let lines = world.read(move |tx| Review::begin(tx, &local(), filter)?.page(tx, &local(), None, 10)).unwrap().lines;
    let reaches = |line: &certhold_domain::access::review::Line| {
        line.action == KEY && matches!(line.reach, Reach::Collection(id, _) if id == web)
    };
    assert!(lines.iter().any(reaches), "{lines:?}");
    let asking = eve.clone();
    let seen = world.read(move |tx| stores::containers(tx, &asking)).unwrap();
    assert_eq!(seen.iter().map(|one| one.id).collect::<Vec<_>>(), [servers]);
}

/// The actor with a token of these scopes.
fn through(actor: &Actor, scopes: &[&str]) -> Actor {
    let scopes = Some(scopes.iter().map(|scope| Path::parse(scope).unwrap()).collect());
    Actor { access: Arc::new(Access { scopes, ..Access::clone(&actor.access) }), ..actor.clone() }
}

/// A token for one collection draws nothing into it, whatever its account may.
pub fn what_scopes_leave_on_a_collection_is_guarded(world: &World) {
    dept(world);
    let secret = keyed(world, &key());
    let web = collection(world, "web", "Dept -eq \"web\"");
    let account = with(world, "account", &["/certificates/collections/"], &[]);
    let on_it = [format!("{KEY}{web}/"), format!("{READ}{web}/")];
    let narrow = through(&account, &[&on_it[0], &on_it[1], paths::CERTIFICATES_METADATA_MODIFY]);
    world.refused(exporting(world, &narrow, secret, web));
    assert_eq!(missing(world.refused(noting(&narrow, secret))), [paths::COLLECTIONS_MODIFY]);
    let modify = [&on_it[0], &on_it[1], paths::CERTIFICATES_METADATA_MODIFY, paths::COLLECTIONS_MODIFY];
    let modifier = through(&account, &modify);
    assert_eq!(missing(world.refused(noting(&modifier, secret))), [KEY, READ]);
    assert_eq!(missing(world.refused(opening(&modifier, web))), [KEY, READ]);
    let refusal = {
        let (actor, changes) = (modifier, vec![Change::new("Dept", "web")]);
        world.refused(move |tx, now| metadata::foresee(tx, &actor, &[secret], &changes, Scope::everywhere(now)))
    };
    assert_eq!(missing(refusal), [KEY, READ]);
    // A number that stands in the scopes is passed over.
    let next = collection(world, "the last before", "CertId -eq 0").0 + 1;
    let making = through(&account, &[paths::COLLECTIONS_MODIFY, &format!("{READ}{next}/")]);
    let command = CollectionCommand { name: "made".into(), ..CollectionCommand::default() };
    let made = world.write(move |tx, now| collections::create(tx, &making, &command, now)).unwrap();
    assert_eq!(made.0, next + 1);
    // A scope on another collection, and one that its account does not fill, guard nothing here.
    let beside = through(&account, &[&format!("{READ}{made}/"), paths::CERTIFICATES_METADATA_MODIFY]);
    world.write(noting(&beside, secret)).unwrap();
    let noter = with(world, "noter", &[paths::CERTIFICATES_METADATA_MODIFY], &[]);
    let other = world.certificate(&["other.example.com"], None);
    let empty = through(&noter, &[&on_it[1], paths::CERTIFICATES_METADATA_MODIFY]);
    world.write(noting(&empty, other)).unwrap();
}

fn adding(
    actor: &Actor,
    store: StoreId,
    certificate: CertificateId,
    collection: Option<CollectionId>,
) -> impl Fn(&mut Tx<'_>, i64) -> certhold_domain::Result<certhold_domain::StoreJobId> + Send + use<> {
    let alias = format!("entry {certificate}").replace(' ', "-");
    let command = AddCertificate { store, certificate, alias, overwrite: true, with_key: false, collection, at: None };
    let actor = actor.clone();
    move |tx, now| stores::add(tx, &actor, &command, now)
}

/// Nobody reaches the owner of a certificate by putting it where they hold the right to change owners.
pub fn owners_are_not_reached_through_stores(world: &World) {
    let servers = container(world, "Servers");
    let (inside, spare) = (store(world, "web", Some(servers)), store(world, "spare", None));
    let der = issue(&key(), &["stored.example.com"], world.now() - DAY, world.now() + 60 * DAY);
    inventoried(world, inside, vec![entry("stored", &[&der], false)], Vec::new());
    inventoried(world, spare, Vec::new(), Vec::new());
    let digest = *Candidate::of(&der).unwrap().sha256();
    let found = world.import(&[der], None).unwrap().remove(0).outcome;
    let inventory::Outcome::AlreadyHeld(stored) = found else { panic!("it is held") };
    assert_eq!(world.read(move |tx| inventory::summary(tx, &local(), stored)).unwrap().sha256, digest);
    let secret = world.certificate(&["secret.example.com"], None);
    let mover = with(world, "mover", &[READ, paths::STORES_MODIFY, paths::DEPLOYMENT_MODIFY], &[]);
    // While nobody may change owners there, nothing more is asked for.
    world.write(adding(&mover, spare, secret, None)).unwrap();
    world.write(adding(&mover, inside, secret, None)).unwrap();

    let team = world.role("Web", &[]);
    let modify = format!("{}{servers}/", paths::STORES_MODIFY);
    let change = format!("{}{servers}/", paths::STORES_CHANGE_OWNER);
    let eve = with(world, "eve", &[READ, &modify, &change], &[team]);
    for who in [&eve, &mover] {
        assert_eq!(missing(world.refused(adding(who, inside, secret, None))), [CHANGE], "{}", who.name);
    }
    // In what is there already they may, and change its owner.
    world.write(adding(&eve, inside, stored, None)).unwrap();
    let scope = OwnerScope { collection: None, container: Some(servers) };
    let owning = ChangeOwner { certificate: stored, scope, to: Some(team) };
    let actor = eve.clone();
    let done = world.write(move |tx, now| ownership::change(tx, &actor, &owning, now)).unwrap();
    assert_eq!(done, OwnerChange::Changed);
    // Outside the container nobody comes to it, and whoever may change its owner anyway takes it there.
    world.write(adding(&mover, spare, secret, None)).unwrap();
    let chief = with(world, "chief", &[READ, paths::STORES_MODIFY, CHANGE], &[]);
    world.write(adding(&chief, inside, secret, None)).unwrap();
    let all = collection(world, "all", "");
    let keeper = with(world, "keeper", &[READ, &modify, &format!("{CHANGE}{all}/")], &[]);
    assert_eq!(missing(world.refused(adding(&keeper, inside, secret, None))), [CHANGE]);
    world.write(adding(&keeper, inside, secret, Some(all))).unwrap();
    whole_stores_come_no_other_way(world, &mover, servers, (inside, spare));

    // The right over all stores reaches whatever is in none yet.
    world.role("Area", &[paths::STORES_CHANGE_OWNER]);
    assert_eq!(missing(world.refused(adding(&mover, spare, secret, None))), [CHANGE]);
    world.write(adding(&mover, spare, stored, None)).unwrap();
}

/// Nor by making, moving and deploying into stores.
fn whole_stores_come_no_other_way(world: &World, mover: &Actor, servers: ContainerId, (inside, spare): (StoreId, StoreId)) {
    let roots = || Roots(vec!["/srv/tls/".into()]);
    let place = |path: &str, container: Option<ContainerId>| StoreCommand {
        name: path.into(),
        kind: StoreKind::PemDirectory,
        machine: String::new(),
        path: format!("/srv/tls/{path}"),
        container,
        properties: Properties::default(),
        password: PasswordChange::Keep,
        create_if_missing: true,
        schedule: Schedule::Off,
    };
    let (actor, command) = (mover.clone(), place("finance", Some(servers)));
    assert_eq!(missing(world.refused(move |tx, now| stores::create(tx, &actor, &command, &roots(), now))), [CHANGE]);
    let (actor, command) = (mover.clone(), place("finance", None));
    world.write(move |tx, now| stores::create(tx, &actor, &command, &roots(), now)).unwrap();
    for command in [place("spare", Some(servers)), StoreCommand { path: "/srv/tls/x".into(), ..place("spare", Some(servers)) }] {
        let actor = mover.clone();
        let refused = world.refused(move |tx, now| stores::update(tx, &actor, spare, &command, &roots(), now));
        assert_eq!(missing(refused), [CHANGE]);
    }
    let actor = mover.clone();
    assert_eq!(missing(world.refused(move |tx, now| stores::assign(tx, &actor, &[spare], Some(servers), now))), [CHANGE]);
    let lineage = managed(world, &["managed.example.com"]);
    let target = StoreTarget { store: inside, alias: "managed".into(), include_key: false };
    let settings = DeploymentSettings { store: Some(target), ..DeploymentSettings::default() };
    let actor = mover.clone();
    let refused = world.refused(move |tx, now| deployment::create(tx, &actor, lineage, "into it", &settings, now));
    assert_eq!(missing(refused), [CHANGE]);
    let place = stores::Place { store: inside, alias: None, overwrite: false, with_key: false };
    let actor = mover.clone();
    assert_eq!(
        missing(world.refused(move |tx, _| stores::require_may_bring(tx, &actor, std::slice::from_ref(&place), false))),
        [CHANGE]
    );
    // Out of it everything goes.
    let actor = mover.clone();
    world.write(move |tx, now| stores::assign(tx, &actor, &[inside], None, now)).unwrap();
    world.write(move |tx, now| stores::assign(tx, &local(), &[inside], Some(servers), now)).unwrap();
}

/// What is refused of a part of many is refused before the first.
pub fn what_moves_many_is_foreseen(world: &World) {
    dept(world);
    let all = [world.certificate(&["a.example.com"], None), world.certificate(&["b.example.com"], None)];
    scope(world, "webs", "Dept -eq \"web\"");
    let noter = with(world, "noter", &[paths::CERTIFICATES_METADATA_MODIFY], &[]);
    let foreseeing = |value: &str| {
        let (actor, changes) = (noter.clone(), vec![Change::new("Dept", value)]);
        move |tx: &mut Tx<'_>, now| metadata::foresee(tx, &actor, &all, &changes, Scope::everywhere(now))
    };
    assert_eq!(missing(world.refused(foreseeing("web"))), [paths::COLLECTIONS_MODIFY]);
    world.write(foreseeing("")).unwrap();

    scope(world, "revoked by kim", "Revoker -eq \"kim\"");
    let (kim, ana) =
        (with(world, "kim", &[paths::CERTIFICATES_REVOKE], &[]), with(world, "ana", &[paths::CERTIFICATES_REVOKE], &[]));
    let command = |reason| {
        let revocation = Revocation { effective_at: world.now(), reason, comment: "the story wants it".into() };
        Revoke { certificates: all.to_vec(), revocation }
    };
    let foreseeing = |actor: &Actor, reason| {
        let (actor, command) = (actor.clone(), command(reason));
        move |tx: &mut Tx<'_>, now| inventory::foresee_revocation(tx, &actor, &command, Scope::everywhere(now))
    };
    let (hold, last) = (RevocationReason::CertificateHold, RevocationReason::KeyCompromise);
    assert_eq!(missing(world.refused(foreseeing(&kim, last))), [paths::COLLECTIONS_MODIFY]);
    world.write(foreseeing(&ana, last)).unwrap();
    // From one hand into another; the same again changes nothing, and what is revoked for good stays as it is.
    let revoking = |actor: &Actor, reason| {
        let (actor, command) = (actor.clone(), command(reason));
        move |tx: &mut Tx<'_>, now| inventory::revoke(tx, &actor, &command, Scope::everywhere(now), now)
    };
    world.write(revoking(&local(), hold)).unwrap();
    world.write(foreseeing(&kim, hold)).unwrap();
    assert_eq!(missing(world.refused(foreseeing(&kim, last))), [paths::COLLECTIONS_MODIFY]);
    world.write(revoking(&ana, last)).unwrap();
    world.write(foreseeing(&kim, last)).unwrap();
    let reader = with(world, "reader", &[READ], &[]);
    assert_eq!(missing(world.refused(foreseeing(&reader, last))), [paths::CERTIFICATES_REVOKE]);
}

/// Letting a certificate be imported again moves it where a store has brought it back already.
pub fn readmitting_what_is_held_moves_it(world: &World) {
    let ders =
        ["back.example.com", "gone.example.com"].map(|name| issue(&key(), &[name], world.now() - DAY, world.now() + 60 * DAY));
    let now = world.now();
    for item in world.import(&ders, None).unwrap() {
        let inventory::Outcome::Imported(id) = item.outcome else { panic!("not imported") };
        let nothing = world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap();
        world.write(move |tx, at| inventory::exclude(tx, &local(), id, Scope::everywhere(now), &nothing, at)).unwrap();
    }
    let web = store(world, "web", None);
    inventoried(world, web, vec![entry("back", &[&ders[0]], false)], Vec::new());
    scope(world, "in use", "IsExcluded -eq false");
    let exclude = paths::CERTIFICATES_EXCLUDE;
    let excluder = with(world, "excluder", &[exclude], &[]);
    let listed = world.read(|tx| inventory::exclusions(tx, &local())).unwrap();
    let of = |title: &str| listed.iter().find(|one| one.title == title).unwrap().id;
    let readmitting = |actor: &Actor, title: &str| {
        let (actor, id) = (actor.clone(), of(title));
        move |tx: &mut Tx<'_>, now| inventory::readmit(tx, &actor, id, now)
    };
    assert_eq!(missing(world.refused(readmitting(&excluder, "back.example.com"))), [paths::COLLECTIONS_MODIFY]);
    // One that is not here moves nothing.
    world.write(readmitting(&excluder, "gone.example.com")).unwrap();
    let chief = with(world, "chief", &[exclude, paths::COLLECTIONS_MODIFY, READ], &[]);
    world.write(readmitting(&chief, "back.example.com")).unwrap();
}
