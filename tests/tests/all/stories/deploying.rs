//! Deployments, as far as they are decided here.

use certhold_domain::access::paths;
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::renewal::managed;
use certhold_domain::{DeploymentId, inventory};

use super::renewing::{claim, local, managed as new_managed, obtain, worker};
use super::world::World;

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

    world.write(move |tx, now| deployment::remove(tx, &local(), files, now)).unwrap();
    world.refused(move |tx, now| deployment::remove(tx, &local(), DeploymentId(9_999), now));
    assert!(world.read(move |tx| deployment::installation(tx, files)).unwrap().is_none());
    world.write(move |tx, now| inventory::remove(tx, &local(), certificate, now)).unwrap();
    assert!(world.intact().intact());
}
