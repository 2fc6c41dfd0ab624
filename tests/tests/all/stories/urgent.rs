//! What somebody should look at now.

use certhold_domain::access::paths;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::Under;
use certhold_domain::inventory::{self, Outcome};
use certhold_domain::private_ca::Profile;
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::{Actor, CertificateId, overview, ownership};
use rcgen::KeyPair;

use super::renewing::local;
use super::renewing_here::{create, fail, issuing, plan, renew_now, with};
use super::revoking::revoke_as;
use super::world::{DAY, START, World, issue};

/// A certificate that ends so many days after the beginning.
fn ending(world: &World, name: &str, days: i64) -> CertificateId {
    let der = issue(&KeyPair::generate().unwrap(), &[&format!("{name}.internal")], START - 90 * DAY, START + days * DAY);
    match world.import(&[der], None).unwrap().remove(0).outcome {
        Outcome::Imported(id) => id,
        other => panic!("{other:?}"),
    }
}

fn seen(world: &World, actor: &Actor, limit: usize) -> (Vec<String>, bool) {
    let actor = actor.clone();
    let found = world.read(move |tx| overview::urgent(tx, &actor, START, limit)).unwrap();
    let name = |one: &inventory::Summary| one.title().trim_end_matches(".internal").to_owned();
    (found.certificates.iter().map(name).collect(), found.has_more)
}

pub fn what_needs_somebody_now_is_told(world: &World) {
    let (_, authority) = issuing(world);
    let adopt = |name: &str, days: i64| {
        let adopt = Some(ending(world, name, days));
        let plan = with(plan(Under::Template(Profile::Server), &[]), |plan| plan.authority = Some(authority));
        create(world, &local(), NewManaged { adopt, ..plan }).unwrap()
    };
    for (name, days) in [("long-gone", -31), ("gone", -20), ("just-gone", -1), ("soon", 6), ("later", 8)] {
        ending(world, name, days);
    }
    let revoked = ending(world, "revoked", 2);
    revoke_as(world, &local(), revoked);
    let who = world.read(move |tx| inventory::revoker(tx, &local(), revoked, Scope::everywhere(START))).unwrap();
    assert_eq!(who, Some(local().name));
    let fine = adopt("managed-fine", 3);
    let contact = world.read(move |tx| {
        let certificate = ownership::contact(tx, &local(), revoked, Scope::everywhere(START))?;
        Ok((certificate, ownership::contact_of_managed(tx, &local(), fine)?))
    });
    assert_eq!(contact.unwrap(), (None, None), "nobody owns them");
    adopt("managed-gone", -2);
    let paused = adopt("managed-paused", 4);
    let failing = adopt("managed-failing", 5);
    world.write(move |tx, now| managed::set_paused(tx, &local(), paused, true, now)).unwrap();
    world.write(move |tx, now| certhold_domain::private_ca::retire(tx, &local(), authority, now)).unwrap();
    renew_now(world, failing);
    fail(world, failing);

    let all = ["just-gone", "managed-gone", "gone", "managed-paused", "managed-failing", "soon"];
    assert_eq!(seen(world, &local(), 10), (all.map(String::from).to_vec(), false));
    // The nearest on either side.
    let nearest = ["just-gone", "managed-gone", "managed-paused"];
    assert_eq!(seen(world, &local(), 3), (nearest.map(String::from).to_vec(), true));
    // That a renewal is paused or fails is told to whoever may see renewals.
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::CERTIFICATES_READ])]);
    let others = ["just-gone", "managed-gone", "gone", "soon"];
    assert_eq!(seen(world, &reader, 10), (others.map(String::from).to_vec(), false));
    let planner = world.somebody("planner", &[world.role("Planners", &[paths::RENEWAL_READ])]);
    assert!(world.read(move |tx| overview::urgent(tx, &planner, START, 10)).is_err());
}
