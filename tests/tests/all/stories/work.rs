//! Jobs and custody.

use std::sync::Arc;

use certhold_domain::custody::{self, Custody, MasterKey, SecretKind};
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::renewal::order;
use certhold_domain::{Actor, Error, Refusal, limits};

use super::renewing::worker;
use super::world::World;

pub fn a_job_is_done_once(world: &World) {
    let enqueue =
        |world: &World, due: i64| world.write(move |tx, now| jobs::enqueue(tx, JobKind::Withdraw, 7, now + due, now)).unwrap();
    assert!(enqueue(world, 5_000));
    world.pass(1);
    assert!(!enqueue(world, 9_000), "it waits already");
    let due = |world: &World| {
        let now = world.now();
        world.read(move |tx| jobs::due(tx, now)).unwrap()
    };
    let claim = |world: &World, holder: &'static str| world.write(move |tx, now| jobs::claim(tx, holder, now)).unwrap();
    assert!(!due(world) && claim(world, "one").is_none());
    world.pass(4_999);
    assert!(due(world));
    let lease = claim(world, "one").unwrap();
    assert_eq!((lease.kind, lease.object, lease.attempts), (JobKind::Withdraw, 7, 1));
    assert!(claim(world, "two").is_none() && !enqueue(world, 0), "it runs");
    assert_eq!(world.read(jobs::counts).unwrap(), (0, 1));

    let later = world.now() + 60_000;
    world.write(move |tx, _| jobs::put_off(tx, &lease, later, Some("not yet"))).unwrap();
    let listed = world.read(|tx| jobs::list(tx, &Actor::local("story"), 10)).unwrap();
    assert_eq!((listed[0].state.as_str(), listed[0].error.as_deref()), ("waiting", Some("not yet")));
    world.pass(60_000);
    let lease = claim(world, "one").unwrap();
    world.write(move |tx, now| jobs::finish(tx, &lease, now)).unwrap();
    assert!(matches!(world.refused(move |tx, now| jobs::finish(tx, &lease, now)), Refusal::LeaseLost(_)));
    assert!(enqueue(world, 0), "done, so it may be wanted again");
    world.pass(1);
    let now = world.now();
    assert_eq!(world.write(move |tx, _| jobs::purge_done(tx, now)).unwrap(), 1);
}

pub fn a_lost_lease_writes_nothing(world: &World) {
    world.write(|tx, now| jobs::enqueue(tx, JobKind::Withdraw, 7, now, now)).unwrap();
    let slow = world.write(|tx, now| jobs::claim(tx, "slow", now)).unwrap().unwrap();
    world.pass(limits::LEASE_MS - 1);
    world.write(move |tx, now| jobs::extend(tx, &slow, now)).unwrap();
    world.pass(limits::LEASE_MS - 1);
    assert!(world.write(|tx, now| jobs::claim(tx, "quick", now)).unwrap().is_none(), "extended in time");
    world.pass(1);
    let quick = world.write(|tx, now| jobs::claim(tx, "quick", now)).unwrap().unwrap();
    assert!(quick.job == slow.job && quick.fence > slow.fence);
    let lost = [
        world.refused(move |tx, now| jobs::extend(tx, &slow, now)),
        world.refused(move |tx, now| jobs::finish(tx, &slow, now)),
        world.refused(move |tx, now| jobs::put_off(tx, &slow, now, None)),
        world.refused(move |tx, now| order::placed(tx, &worker(), &slow, certhold_domain::OrderId(1), "https://x", now)),
    ];
    assert!(lost.iter().all(|refusal| *refusal == Refusal::LeaseLost(slow.job.0)), "{lost:?}");

    // A node that was killed and starts again takes its own back at once.
    assert_eq!(world.write(|tx, now| jobs::release_all(tx, "slow", now)).unwrap(), 0);
    assert_eq!(world.write(|tx, now| jobs::release_all(tx, "quick", now)).unwrap(), 1);
    assert!(matches!(world.refused(move |tx, now| jobs::finish(tx, &quick, now)), Refusal::LeaseLost(_)));
    assert!(world.write(|tx, now| jobs::claim(tx, "quick", now)).unwrap().is_some());
}

pub fn another_master_key_is_refused(world: &World) {
    let adopting = world.custody.clone();
    world.write(move |tx, now| custody::adopt(tx, &adopting, now)).unwrap();
    let other = Arc::new(Custody::new(MasterKey::generate(&world.entropy)));
    let stranger = other.clone();
    let Err(Error::Fault(fault)) = world.write(move |tx, now| custody::adopt(tx, &stranger, now)) else { panic!("adopted") };
    assert!(fault.to_string().contains("not the one this database was sealed with"), "{fault}");

    let sealed = world.custody.seal(&world.entropy, SecretKind::HeadKey, b"the head's key").unwrap();
    let late = world.custody.seal(&world.entropy, SecretKind::HeadKey, b"too late").unwrap();
    assert!(world.read(|tx| custody::named(tx, "head")).unwrap().is_none());
    let row = world.write(move |tx, now| custody::put_named(tx, "head", &sealed, now)).unwrap();
    assert_eq!(world.custody.open(&row, SecretKind::HeadKey).unwrap().as_slice(), b"the head's key");
    let row = world.write(move |tx, now| custody::put_named(tx, "head", &late, now)).unwrap();
    assert_eq!(world.custody.open(&row, SecretKind::HeadKey).unwrap().as_slice(), b"the head's key", "the first stays");
    assert!(other.open(&row, SecretKind::HeadKey).is_err());
}
