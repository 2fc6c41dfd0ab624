//! Deployments, as far as they are decided here.

use certhold_domain::access::paths;
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::renewal::managed::{self, Health, ManagedFilter};
use certhold_domain::{DeploymentId, inventory};

use super::renewing::{claim, local, managed as new_managed, obtain, worker};
use super::world::World;

/// How those in trouble do, as far as list, count and metrics agree.
fn troubled(world: &World) -> Vec<Health> {
    let now = world.now();
    let filter = ManagedFilter { troubled: true, after: None, limit: 10 };
    let listed = world.read(move |tx| managed::list(tx, &local(), &filter, now)).unwrap().managed;
    let listed: Vec<Health> = listed.iter().map(|managed| managed.health(now)).collect();
    let counted = world.read(move |tx| Ok((managed::in_trouble(tx, now)?, managed::count_by_health(tx, now)?))).unwrap();
    let of = |health: &Health| listed.iter().filter(|listed| *listed == health).count() as i64;
    assert!(counted.1.iter().filter(|(health, _)| health.is_trouble()).all(|(health, count)| of(health) == *count));
    assert_eq!(counted.0, listed.len() as i64);
    listed
}

pub fn a_new_version_is_installed_everywhere(world: &World) {
    let id = new_managed(world, &["example.com"]);
    let settings = DeploymentSettings {
        full_chain: Some("/srv/tls/example.pem".into()),
        private_key: Some("/srv/tls/example.key".into()),
        ..Default::default()
    };
    let planner = world.somebody("planner", &[world.role("P", &[paths::RENEWAL_MODIFY])]);
    let wanted = settings.clone();
    world.refused(move |tx, now| deployment::create(tx, &planner, id, "files", &wanted, now));
    let relative = DeploymentSettings { private_key: Some("x".into()), ..Default::default() };
    world.refused(move |tx, now| deployment::create(tx, &local(), id, "files", &relative, now));
    let wanted = settings.clone();
    let files = world.write(move |tx, now| deployment::create(tx, &local(), id, "files", &wanted, now)).unwrap();
    let wanted = settings.clone();
    world.refused(move |tx, now| deployment::create(tx, &local(), id, "files", &wanted, now));
    assert!(world.read(move |tx| deployment::installation(tx, files)).unwrap().is_none(), "nothing to install yet");
    world.refused(move |tx, now| deployment::run_now(tx, &local(), files, now));

    let (certificate, _) = obtain(world, &["example.com"]);
    let lease = claim(world, JobKind::Deploy);
    assert_eq!(lease.object, files.0);
    let installation = world.read(move |tx| deployment::installation(tx, files)).unwrap().unwrap();
    assert_eq!((installation.certificate, installation.chain.len(), installation.private_key.is_some()), (certificate, 1, true));
    world.write(move |tx, now| deployment::fail(tx, &worker(), &lease, "the directory /srv/tls does not exist", now)).unwrap();
    let failing = world.read(move |tx| deployment::list(tx, &local(), id)).unwrap().remove(0);
    assert_eq!(
        (failing.state.as_str(), failing.last_error.as_deref()),
        ("failing", Some("the directory /srv/tls does not exist"))
    );
    assert_eq!(troubled(world), [Health::NotDeployed]);
    world.write(move |tx, now| managed::set_paused(tx, &local(), id, true, now)).unwrap();
    assert_eq!(troubled(world), [Health::NotDeployed], "renewal is paused, and what is deployed is not");
    world.write(move |tx, now| managed::set_paused(tx, &local(), id, false, now)).unwrap();
    let undeployed = world.read(move |tx| managed::get(tx, &local(), id)).unwrap().undeployed.unwrap();
    assert_eq!((undeployed.name.as_str(), undeployed.error.as_str()), ("files", "the directory /srv/tls does not exist"));
    assert_eq!((undeployed.at, undeployed.due_at > undeployed.at), (failing.last_at, true), "it is tried again");

    world.write(move |tx, now| deployment::run_now(tx, &local(), files, now)).unwrap();
    let lease = claim(world, JobKind::Deploy);
    // While this version is being installed the next one arrives: it is installed afterwards.
    world.write(move |tx, now| managed::renew_now(tx, &local(), id, now)).unwrap();
    let (second, _) = obtain(world, &["example.com"]);
    world.write(move |tx, now| deployment::complete(tx, &worker(), &lease, certificate, "2 files", now)).unwrap();
    let lease = claim(world, JobKind::Deploy);
    assert_eq!(world.read(move |tx| deployment::installation(tx, files)).unwrap().unwrap().certificate, second);
    world.write(move |tx, now| deployment::complete(tx, &worker(), &lease, second, "2 files", now)).unwrap();
    assert!(world.read(move |tx| jobs::live(tx, JobKind::Deploy, files.0)).unwrap().is_none());
    let done = world.read(move |tx| deployment::list(tx, &local(), id)).unwrap().remove(0);
    assert_eq!((done.state.as_str(), done.certificate, done.last_error), ("deployed", Some(second), None));
    assert_eq!(troubled(world), []);

    world.write(move |tx, now| deployment::remove(tx, &local(), files, now)).unwrap();
    world.refused(move |tx, now| deployment::remove(tx, &local(), DeploymentId(9_999), now));
    assert!(world.read(move |tx| deployment::installation(tx, files)).unwrap().is_none());
    world.write(move |tx, now| inventory::remove(tx, &local(), certificate, now)).unwrap();
    assert!(world.intact().intact());
}
