//! Work that goes on after the request of somebody of whom a token said what they may do.

use std::sync::Arc;

use certhold_domain::access::{self, ClaimKey, ClaimType, claims, paths};
use certhold_domain::bulk::{BulkEdit, BulkEditState, Command, Edit, Progress, Selection};
use certhold_domain::identity_providers::{self as providers, ProviderChange};
use certhold_domain::people::{self, Credential, NewApiClient, PrincipalKind};
use certhold_domain::stores::{self, AddCertificate, StoreJobState};
use certhold_domain::{Actor, ActorKind, BulkEditId, CertificateId, ClaimId, Face, PrincipalId, RoleId, limits};

use super::bulk::{claim, shown, start, step};
use super::identities::{change, claim as claimed, comes, provider, verified};
use super::renewing::local;
use super::storing::{add, begin, job, looked_at};
use super::world::{DAY, World};

/// What tokens say of whoever changes owners.
const SAID: [(ClaimType, &str); 2] = [(ClaimType::OauthRole, "owners"), (ClaimType::OauthRole, "others")];

struct Owners {
    said: ClaimId,
    web: RoleId,
    finance: RoleId,
    kim: Actor,
    free: CertificateId,
    owned: CertificateId,
}

/// Somebody may give to Web what nobody has, by the word of their provider.
fn owners(world: &World) -> Owners {
    let changers = world.role("Changers", &[paths::CERTIFICATES_READ, paths::CERTIFICATES_CHANGE_OWNER]);
    let (web, finance) = (world.role("Web", &[]), world.role("Finance", &[]));
    let said = claimed(world, ClaimType::OauthRole, "owners", changers);
    world.write(move |tx, now| claims::assign(tx, &local(), said, web, now)).unwrap();
    let kim = comes(world, &verified(world, "kim", &SAID)).unwrap();
    let (free, owned) =
        (world.certificate(&["free.example.com"], None), world.certificate(&["owned.example.com"], Some(finance)));
    Owners { said, web, finance, kim, free, owned }
}

fn to_web(owners: &Owners) -> Command {
    let selection = Selection::Certificates(vec![owners.free, owners.owned]);
    Command { selection, edit: Edit::Owner { to: Some(owners.web) }, confirmed: None }
}

fn finished(world: &World, id: BulkEditId) -> BulkEdit {
    let lease = claim(world, id);
    while step(world, lease).unwrap() == Progress::More {}
    shown(world, id)
}

/// It stopped before it changed anything, for this reason.
fn stopped(world: &World, id: BulkEditId, why: &str) {
    let edit = finished(world, id);
    assert_eq!((edit.state, edit.tally.changed), (BulkEditState::Stopped, 0));
    let told = edit.error.unwrap();
    assert!(told.contains(why) && told.contains(paths::CERTIFICATES_READ), "{told}");
}

pub fn an_edit_goes_on_with_what_a_token_brought(world: &World) {
    provider(world);
    let owners = owners(world);
    let id = start(world, &owners.kim, &to_web(&owners));
    // What a claim brings from now on is nothing that they had when they started it.
    let (said, finance) = (owners.said, owners.finance);
    world.write(move |tx, now| claims::assign(tx, &local(), said, finance, now)).unwrap();
    let edit = finished(world, id);
    assert_eq!((edit.state, edit.tally.changed, edit.tally.refused), (BulkEditState::Done, 1, 1), "{edit:?}");
    // With it from the beginning, the other certificate may change hands, too; and what their account was given counts at any time.
    let id = start(world, &owners.kim, &to_web(&owners));
    let account = owners.kim.id.unwrap();
    world.write(move |tx, now| claims::withdraw(tx, &local(), said, finance, now)).unwrap();
    world.write(move |tx, now| access::roles::assign(tx, &local(), finance, account, now)).unwrap();
    let edit = finished(world, id);
    assert_eq!((edit.state, edit.tally.changed, edit.tally.refused), (BulkEditState::Done, 1, 0), "{edit:?}");
    assert!(world.intact().intact());
}

pub fn an_edit_stops_when_a_token_would_bring_nothing(world: &World) {
    let id = provider(world);
    let owners = owners(world);
    let (said, account) = (owners.said, owners.kim.id.unwrap());
    let started = |who: &Actor| start(world, who, &to_web(&owners));

    // For a day, like the keys of a provider.
    let edit = started(&owners.kim);
    world.pass(limits::SAID_MS);
    stopped(world, edit, "what Corporate said of whoever asked for this has counted for a day");
    // Its provider has changed, is off, has gone, or another one has come under its name.
    let kim = comes(world, &verified(world, "kim", &SAID)).unwrap();
    let edit = started(&kim);
    let named = ProviderChange { display_name: "The company".into(), ..change() };
    world.write(move |tx, now| providers::update(tx, &local(), id, &named, now)).unwrap();
    stopped(world, edit, "as Corporate has changed");
    let kim = comes(world, &verified(world, "kim", &SAID)).unwrap();
    let (off, gone) = (started(&kim), started(&kim));
    let disabled = ProviderChange { enabled: false, ..change() };
    world.write(move |tx, now| providers::update(tx, &local(), id, &disabled, now)).unwrap();
    stopped(world, off, "as Corporate has changed");
    world.write(move |tx, now| providers::remove(tx, &local(), id, now)).unwrap();
    provider(world);
    stopped(world, gone, "as Corporate has changed");
    // Their account was disabled.
    let kim = comes(world, &verified(world, "kim", &SAID)).unwrap();
    let edit = started(&kim);
    world.write(move |tx, now| people::set_disabled(tx, &local(), account, true, now)).unwrap();
    stopped(world, edit, "missing permission");
    world.write(move |tx, now| people::set_disabled(tx, &local(), account, false, now)).unwrap();
    // What they said brings the role no more.
    let edit = started(&kim);
    world.write(move |tx, now| claims::remove(tx, &local(), said, now)).unwrap();
    stopped(world, edit, "missing permission");
    assert!(world.intact().intact());
}

/// An API client that holds a role by what its token says.
fn client(world: &World, role: RoleId) -> (PrincipalId, certhold_domain::ApiClientId, Actor) {
    let robot = world.principal("robot", PrincipalKind::Service, None);
    let new = NewApiClient {
        principal: robot,
        name: "script".into(),
        client_id: "chc_1".into(),
        secret_hash: Credential::generate(&world.entropy, "chk_").hash,
        scopes: vec!["/".into()],
    };
    let id = world.write(move |tx, now| people::create_client(tx, &local(), &new, now)).unwrap();
    let key = ClaimKey { kind: ClaimType::OauthClientId, value: "chc_1".into(), provider: "Certhold".into() };
    let stored = key.clone();
    let claim = world.write(move |tx, now| claims::create(tx, &local(), &stored, "", now)).unwrap();
    world.write(move |tx, now| claims::assign(tx, &local(), claim, role, now)).unwrap();
    let says = key.clone();
    let held = world.read(move |tx| access::of_somebody(tx, Some(robot), &[says])).unwrap();
    let anonymous = Actor::anonymous(Face::Native, "robot", "request-1", "192.0.2.7");
    let actor = Actor { kind: ActorKind::Service, id: Some(robot), claims: vec![key], access: Arc::new(held), ..anonymous };
    (robot, id, actor)
}

pub fn a_client_of_ours_is_believed_until_it_is_revoked(world: &World) {
    let changers = world.role("Changers", &[paths::CERTIFICATES_READ, paths::CERTIFICATES_CHANGE_OWNER]);
    let (robot, client, actor) = client(world, changers);
    let web = world.role("Web", &[]);
    world.write(move |tx, now| access::roles::assign(tx, &local(), web, robot, now)).unwrap();
    let handed = |name: &str| {
        let selection = Selection::Certificates(vec![world.certificate(&[name], None)]);
        start(world, &actor, &Command { selection, edit: Edit::Owner { to: Some(web) }, confirmed: None })
    };
    let edit = finished(world, handed("a.example.com"));
    assert_eq!((edit.state, edit.tally.changed), (BulkEditState::Done, 1));
    let edit = handed("b.example.com");
    world.write(move |tx, now| people::revoke_client(tx, &local(), client, now)).unwrap();
    stopped(world, edit, "as Certhold has changed");
}

pub fn a_job_of_a_store_goes_on_with_what_a_token_brought(world: &World) {
    provider(world);
    let (store, _, certificate) = looked_at(world);
    let keepers = world.role("Keepers", &[paths::STORES_MODIFY, paths::CERTIFICATES_READ]);
    claimed(world, ClaimType::OauthRole, "owners", keepers);
    let kim = comes(world, &verified(world, "kim", &SAID)).unwrap();
    let asked = |alias: &str, at: Option<i64>| {
        let command = AddCertificate { alias: alias.into(), at, ..add(store, certificate, false) };
        let kim = kim.clone();
        world.write(move |tx, now| stores::add(tx, &kim, &command, now)).unwrap()
    };
    let (soon, late) = (asked("soon", None), asked("late", Some(world.now() + DAY)));
    let (lease, task) = begin(world, store);
    assert_eq!(task.unwrap().job, soon);
    let running = job(world, store, soon);
    assert_eq!((running.state, running.error), (StoreJobState::Running, None));
    world.write(move |tx, now| stores::work::failed(tx, &local(), &lease, soon, "the disk is full", now)).unwrap();
    world.write(move |tx, now| stores::work::begin(tx, &local(), &lease, now)).unwrap();
    // For which nobody says any more that they may.
    world.pass(DAY);
    assert!(begin(world, store).1.is_none());
    let failed = job(world, store, late);
    let why = failed.error.unwrap();
    assert_eq!(failed.state, StoreJobState::Failed);
    assert!(why.contains("has counted for a day") && why.contains(paths::STORES_MODIFY), "{why}");
}
