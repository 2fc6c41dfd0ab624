//! Totals of lists: what is counted without a look at the rows is what the list has.

use certhold_domain::events::{self, NewEvent, Object, names};
use certhold_domain::inventory::{self, Candidate, Expiry, Filter, ImportBatch, Outcome};
use certhold_domain::query::{Catalogue, Query};
use certhold_domain::{Actor, CertificateId, RoleId};
use certhold_pki::sample::Generator;
use serde_json::json;

use super::revoking::revoke_as;
use super::world::{DAY, START, World};

fn local() -> Actor {
    Actor::local("story")
}

/// Certificates around the world's beginning, a third of them with an owner, some revoked; their ids.
fn filled(world: &World, count: u64) -> Vec<CertificateId> {
    let team = world.role("Web", &["/certificates/"]);
    let generator = Generator::new(11).around(START);
    let mut ids = Vec::new();
    for n in 0..count {
        let batch = ImportBatch {
            certificates: vec![Candidate::of(&generator.certificate(n)).unwrap()],
            keys: Vec::new(),
            owner: (n % 3 == 0).then_some(team),
            source: "upload".into(),
            metadata: Default::default(),
        };
        let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
        let Outcome::Imported(id) = items[0].outcome else { panic!("not imported") };
        ids.push(id);
    }
    for id in ids.iter().step_by(4) {
        revoke_as(world, &Actor::local("Kim"), *id);
    }
    ids
}

/// The total of a filter, which is what the list has.
fn total(world: &World, filter: Filter) -> i64 {
    let filter = Filter { limit: 1_000, count: true, ..filter };
    let said = format!("{filter:?}");
    let page = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap();
    assert_eq!(page.total, i64::try_from(page.certificates.len()).ok(), "{said}");
    page.certificates.len() as i64
}

/// Valid and not revoked, however many are not; with conditions for which an index has everything, and with others.
pub fn totals_are_what_lists_have(world: &World) {
    let count = filled(world, 40).len() as i64;
    let mut seen = Vec::new();
    for from in [0, START - 400 * DAY, START, START + 30 * DAY, START + 90 * DAY, START + 4_000 * DAY] {
        let alive = Filter { expiry: Expiry { from: Some(from), before: None }, revoked: Some(false), ..Filter::default() };
        seen.push(total(world, alive.clone()));
        for query in [
            "KeySize -ge 300",
            "OwnerRoleName -eq \"Web\"",
            "OwnerRoleName -eq NULL",
            "OwnerRoleName -eq \"Web\" AND KeySize -le 4000",
            "ExpirationDate -lt \"%TODAY+200%\" AND FindingSeverity -ge 1",
            "IssuedCN -eq NULL",
            "IssuedCN -ne NULL AND IsCA -eq false",
            "SAN -contains \"e\" AND FindingSeverity -ge 1",
            "(OwnerRoleName -eq \"Web\" AND SerialNumber -ne NULL) OR KeySize -lt 300",
            "SAN -like \"*e*m\"",
        ] {
            let condition = Query::parse(query, &Catalogue::default()).unwrap().resolve(START, "story");
            total(world, Filter { condition: Some(condition), ..alive.clone() });
        }
        total(world, Filter { owner: Some(inventory::OwnerFilter::Role(RoleId(2))), ..alive });
    }
    // Both ways of counting were taken: by those that are left out, and by those that are not.
    assert_eq!(seen[0], count - (count + 3) / 4, "{seen:?}");
    assert_eq!(seen.last(), Some(&0), "{seen:?}");
    assert!(seen.windows(2).all(|two| two[0] >= two[1]) && seen.iter().any(|some| *some > 0 && *some < count / 2), "{seen:?}");
}

/// Who signs in changes no total; whatever changes one is seen at once.
pub fn totals_follow_what_happens(world: &World) {
    let ids = filled(world, 12);
    let alive = Filter { expiry: Expiry { from: Some(0), before: None }, revoked: Some(false), ..Filter::default() };
    let before = total(world, alive.clone());
    revoke_as(world, &Actor::local("Kim"), ids[1]);
    assert_eq!(total(world, alive.clone()), before - 1);
    let other = ids[2];
    world.write(move |tx, now| inventory::remove(tx, &local(), other, now)).unwrap();
    assert_eq!(total(world, alive.clone()), before - 2);
    // More people come and go than are looked through.
    for _ in 0..3 {
        world
            .write(|tx, now| {
                let event = || NewEvent::new(names::SIGN_IN_SUCCEEDED, Object::new("principal", 1, "kim"), json!({}));
                events::append_many(tx, &local(), now, &std::iter::repeat_with(event).take(200).collect::<Vec<_>>())
            })
            .unwrap();
        assert_eq!(total(world, alive.clone()), before - 2);
    }
    revoke_as(world, &Actor::local("Kim"), ids[3]);
    assert_eq!(total(world, alive), before - 3);
}
