//! The event log.

use certhold_domain::access::paths;
use certhold_domain::events::{self, EventFilter, Head, KeptHead, Trust};
use certhold_domain::{Actor, Refusal};

use super::world::World;

fn local() -> Actor {
    Actor::local("story")
}

pub fn every_change_is_an_event(world: &World) {
    let role = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let reader = world.somebody("reader", &[role]);
    let certificate = world.certificate(&["example.com"], Some(role));
    for _ in 0..5 {
        world.certificate(&["example.net"], None);
    }
    let select = |filter: EventFilter| {
        world.read(move |tx| events::list(tx, &local(), &EventFilter { limit: filter.limit.max(1), ..filter }))
    };
    let all = select(EventFilter { limit: 100, ..EventFilter::default() }).unwrap().events;
    assert!(all.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1), "newest first, without a gap");
    assert_eq!(all.last().unwrap().operation, "installation.created");

    let imported =
        select(EventFilter { operation: Some("certificate.imported".into()), limit: 100, ..EventFilter::default() }).unwrap();
    assert_eq!(imported.events.len(), 6);
    let family = select(EventFilter { operation: Some("role.".into()), limit: 100, ..EventFilter::default() }).unwrap().events;
    assert_eq!(family.iter().map(|event| event.operation.as_str()).collect::<Vec<_>>(), ["role.assigned", "role.created"]);
    let one = select(EventFilter {
        object_kind: Some("certificate".into()),
        object: Some(certificate.0),
        limit: 9,
        ..EventFilter::default()
    });
    assert_eq!(one.unwrap().events.len(), 1);
    assert!(select(EventFilter { object: Some(1), limit: 9, ..EventFilter::default() }).is_err());
    let none = EventFilter { actor: reader.id, since: Some(0), until: Some(i64::MAX), limit: 9, ..EventFilter::default() };
    assert_eq!(select(none).unwrap().events.len(), 0);

    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = select(EventFilter { before, limit: 3, ..EventFilter::default() }).unwrap();
        paged.extend(page.events);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);

    let someone = reader.clone();
    let refusal = world.read(move |tx| events::list(tx, &someone, &EventFilter::default())).unwrap_err();
    assert!(matches!(refusal.refusal(), Some(Refusal::Forbidden { .. })));
    let history = world
        .read({
            let reader = reader.clone();
            move |tx| events::history(tx, &reader, certificate, None, 9)
        })
        .unwrap();
    assert_eq!(history.events.len(), 1, "whoever sees the certificate sees its history");
    assert!(world.read(move |tx| events::latest(tx, &reader, 9)).unwrap().is_empty());
    assert!(world.intact().intact());
}

pub fn tampering_is_noticed(world: &World) {
    for number in 0..10 {
        world.certificate(&[format!("host{number}.example.com").as_str()], None);
    }
    let found = world.intact();
    assert!(found.intact() && found.events == world.events());

    let problems = |change: &'static str, undo: &'static str| {
        world.tamper(change);
        let found = world.intact();
        world.tamper(undo);
        assert!(world.intact().intact(), "undone: {undo}");
        found.problems.iter().map(|problem| problem.seq).collect::<Vec<_>>()
    };
    assert_eq!(
        problems("UPDATE event SET actor_name = 'mallory' WHERE seq = 5", "UPDATE event SET actor_name = 'story' WHERE seq = 5"),
        [5]
    );
    assert_eq!(problems("UPDATE event SET at = at + 1 WHERE seq = 5", "UPDATE event SET at = at - 1 WHERE seq = 5"), [5]);
    assert_eq!(
        problems(
            "UPDATE event SET payload = payload || ' ' WHERE seq = 4",
            "UPDATE event SET payload = substr(payload, 1, length(payload) - 1) WHERE seq = 4"
        ),
        [4]
    );
    assert_eq!(
        problems(
            "UPDATE event SET object = 1000 WHERE seq = 6",
            "UPDATE event SET object = (SELECT object FROM event WHERE seq = 5) + 1 WHERE seq = 6"
        ),
        [6]
    );
    assert_eq!(
        problems("UPDATE event SET seq = 1000 WHERE seq = 5", "UPDATE event SET seq = 5 WHERE seq = 1000").first(),
        Some(&5)
    );

    // A digest that pretends to be that of an erased payload does not speak for one that is there.
    world.tamper("UPDATE event SET payload_digest = hash, payload = '{}' WHERE seq = 5");
    assert_eq!(world.intact().problems.iter().map(|problem| problem.seq).collect::<Vec<_>>(), [5]);
}

pub fn a_cut_off_end_is_noticed(world: &World) {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    let pair = Ed25519KeyPair::generate().unwrap();
    for name in ["a.example.com", "b.example.com", "c.example.com"] {
        world.certificate(&[name], None);
    }
    let (seq, hash, installation) = world.read(events::head_to_sign).unwrap().expect("events that no head vouches for");
    let at = world.now();
    let signature = pair.sign(&events::head_message(&installation, seq, &hash, at)).as_ref().to_vec();
    let head = Head { seq, hash, at, public_key: pair.public_key().as_ref().to_vec(), signature };
    let (first, again) = (head.clone(), head.clone());
    world.write(move |tx, _| events::record_head(tx, &first)).unwrap();
    world.write(move |tx, _| events::record_head(tx, &again)).unwrap();
    assert!(world.read(events::head_to_sign).unwrap().is_none(), "nothing new to sign");
    let trusted = head.public_key.clone();
    let found = world.read(move |tx| events::verify(tx, &Trust { key: Some(trusted), ..Trust::default() })).unwrap();
    assert!(found.intact() && found.heads == 1, "{found:?}");

    let stranger = world.read(|tx| events::verify(tx, &Trust { key: Some(vec![7; 32]), ..Trust::default() })).unwrap();
    assert!(!stranger.intact(), "a head signed by a stranger");
    let kept = KeptHead { seq, hash };
    assert_eq!(KeptHead::parse(&kept.to_text()), Some(kept));
    let against =
        move |kept| move |tx: &mut certhold_store::Tx<'_>| events::verify(tx, &Trust { kept: Some(kept), ..Trust::default() });
    assert!(world.read(against(kept)).unwrap().intact());
    assert!(!world.read(against(KeptHead { hash: [7; 32], ..kept })).unwrap().intact(), "a log that was rewritten");
    world.tamper("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)");
    let found = world.intact();
    assert!(found.problems.iter().any(|problem| problem.what.contains("cut off")), "{found:?}");
    assert!(!world.read(against(kept)).unwrap().intact(), "known outside the database too");
    world.tamper("UPDATE event_head SET seq = seq - 1");
    assert!(!world.intact().intact(), "a head moved to the shorter end");
}
