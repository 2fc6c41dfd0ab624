//! Finding, exporting, delivering and erasing events.

use std::collections::BTreeSet;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use certhold_domain::access::paths;
use certhold_domain::events::export::{self, Format};
use certhold_domain::events::retention::{self, Rule};
use certhold_domain::events::{
    self, Checkpoint, Event, EventFilter, Head, NewEvent, Object, Trust, Verification, delivery, names,
};
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::{Actor, ActorKind, Error, Face, PrincipalId, Refusal};
use serde_json::json;

use super::world::{DAY, World};

fn local() -> Actor {
    Actor::local("auditor")
}

const OPERATIONS: [&str; 6] = [
    names::SIGN_IN_FAILED,
    names::SIGN_IN_SUCCEEDED,
    names::SIGN_IN_LOCKED,
    names::ROLE_CHANGED,
    names::SESSION_ENDED,
    names::CERTIFICATE_OWNER_CHANGED,
];

/// Events of every kind, several hours apart.
fn fill(world: &World, count: usize) {
    for number in 0..count {
        let faces = [Face::Web, Face::Native, Face::Cli];
        let actor = Actor {
            kind: ActorKind::Person,
            id: Some(PrincipalId((number % 5) as i64)),
            ..Actor::anonymous(
                faces[number % 3],
                ["Ada", "100%_sure", "bob\\", "", "Zoë"][number % 5],
                &format!("request-{}", number / 3),
                ["192.0.2.1", "2001:db8::1", ""][number % 3],
            )
        };
        world.write(move |tx, now| {
            let name = format!("Object {}", number % 7);
            let object = Object::new(["role", "session", "certificate"][number % 3], (number % 4) as i64, &name);
            let payload = json!({ "before": { "n": number, "text": "quagga-private" }, "after": { "n": number + 1, "text": "é \" | = \n" } });
            events::append(tx, &actor, now, NewEvent::new(OPERATIONS[number % 6], object, payload)).map(drop)
        })
        .unwrap();
        world.pass(3 * 3_600_000);
    }
}

fn all(world: &World) -> Vec<Event> {
    let filter = EventFilter { limit: 1_000, ..EventFilter::default() };
    world.read(move |tx| events::list(tx, &local(), &filter)).unwrap().events
}

/// What a filter means, said in the plainest way.
fn wanted(event: &Event, filter: &EventFilter) -> bool {
    let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
    let operation = filter.operation.as_ref().is_none_or(|operation| match operation.strip_suffix('.') {
        Some(noun) => event.operation.split('.').next() == Some(noun),
        None => event.operation == *operation,
    });
    let text = filter.text.as_ref().is_none_or(|text| {
        let text = text.to_ascii_lowercase();
        [&event.actor_name, &event.object_name].into_iter().any(|name| name.to_ascii_lowercase().contains(&text))
    });
    operation
        && text
        && same(&filter.object_kind, &event.object_kind)
        && same(&filter.face, &event.face)
        && same(&filter.address, &event.address)
        && same(&filter.request, &event.request)
        && filter.object.is_none_or(|object| event.object == Some(object))
        && filter.actor.is_none_or(|actor| event.actor == Some(actor))
        && filter.since.is_none_or(|since| event.at >= since)
        && filter.until.is_none_or(|until| event.at < until)
}

pub fn filters_find_what_they_say(world: &World) {
    let begin = world.now();
    fill(world, 120);
    let everything = all(world);
    // Each event knows its place: the one before by its hash, and both beside it.
    let (first, second) = (everything.iter().map(|event| event.seq).min().unwrap(), 2);
    let linked = world.read(move |tx| events::linked(tx, &local(), second)).unwrap();
    let before = world.read(move |tx| events::one(tx, &local(), first)).unwrap();
    assert_eq!((linked.event.seq, linked.previous, linked.neighbours), (2, Some(before.hash), (Some(first), Some(3))));
    assert_eq!(linked.head, None, "nobody has signed a head");
    let mut filters = vec![EventFilter::default()];
    let text = |text: &str| Some(text.to_owned());
    // Every condition alone and with every other one: 2^9 combinations, with values that some events have.
    for bits in 0_u32..512 {
        let on = |bit: u32| bits & (1 << bit) != 0;
        let n = bits as usize;
        filters.push(EventFilter {
            operation: on(0).then(|| ["sign_in.", "role.changed", "session."][n % 3].to_owned()),
            object_kind: on(1).then(|| ["role", "session"][n / 2 % 2].to_owned()),
            object: (on(1) && on(2)).then_some(2),
            actor: on(3).then_some(PrincipalId((n % 5) as i64)),
            face: on(4).then(|| ["web", "cli"][n / 16 % 2].to_owned()),
            address: on(5).then(|| "192.0.2.1".to_owned()),
            request: on(6).then(|| format!("request-{}", n % 40)),
            text: on(7).then(|| ["ada", "%_S", "\\", "object 3", "zoë"][n % 5].to_owned()),
            since: on(8).then_some(begin + 20 * 3 * 3_600_000),
            until: (on(8) && on(3)).then_some(begin + 60 * 3 * 3_600_000),
            ..EventFilter::default()
        });
    }
    for filter in filters {
        let expected: Vec<i64> = everything.iter().filter(|event| wanted(event, &filter)).map(|event| event.seq).collect();
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = EventFilter { before, limit: 7, ..filter.clone() };
            let page = world.read(move |tx| events::list(tx, &local(), &page)).unwrap();
            found.extend(page.events.iter().map(|event| event.seq));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?}");
        let (mut exported, mut after) = (Vec::new(), Some(0));
        while let Some(from) = after {
            let step = filter.clone();
            let (found, next) = world.read(move |tx| export::step(tx, &local(), &step, from)).unwrap();
            exported.extend(found.iter().map(|event| event.seq));
            after = next;
        }
        exported.reverse();
        assert_eq!(exported, expected, "exported: {filter:?}");
    }
    let odd = EventFilter { object: Some(1), limit: 1, ..EventFilter::default() };
    assert!(matches!(refused(world, odd), Refusal::Invalid { field: "object", .. }));
    let odd = EventFilter { text: text(&"x".repeat(300)), limit: 1, ..EventFilter::default() };
    assert!(matches!(refused(world, odd), Refusal::Invalid { field: "text", .. }));

    let seq = everything[3].seq;
    assert_eq!(world.read(move |tx| events::one(tx, &local(), seq)).unwrap(), everything[3]);
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::CERTIFICATES_READ])]);
    let looking = reader.clone();
    assert!(matches!(world.refused(move |tx, _| events::one(tx, &looking, seq)), Refusal::Forbidden { .. }));
    let looking = reader.clone();
    assert!(matches!(
        world.refused(move |tx, _| export::step(tx, &looking, &EventFilter::default(), 0)),
        Refusal::Forbidden { .. }
    ));
    assert!(matches!(world.refused(move |tx, _| events::checkpoint(tx, &reader)), Refusal::Forbidden { .. }));
    assert!(matches!(world.refused(|tx, _| events::one(tx, &local(), 99_999)), Refusal::NotFound { .. }));
    assert!(world.read(|tx| events::last_backup(tx, &local())).unwrap().is_none());
}

fn refused(world: &World, filter: EventFilter) -> Refusal {
    world.refused(move |tx, _| events::list(tx, &local(), &filter))
}

/// Signs the end of the log.
fn sign(world: &World, pair: &Ed25519KeyPair) -> Checkpoint {
    let (seq, hash, installation) = world.read(events::head_to_sign).unwrap().expect("the log has grown");
    let at = world.now();
    let signature = pair.sign(&events::head_message(&installation, seq, &hash, at)).as_ref().to_vec();
    let head = Head { seq, hash, at, public_key: pair.public_key().as_ref().to_vec(), signature };
    world.write(move |tx, _| events::record_head(tx, &head)).unwrap();
    let made = world.read(|tx| events::checkpoint(tx, &local())).unwrap();
    let kept = made.to_json().to_string();
    assert_eq!(Checkpoint::parse(&kept), Some(made.clone()));
    assert!(made.is_genuine());
    made
}

fn held_against(world: &World, checkpoints: &[Checkpoint]) -> Verification {
    let trust = Trust { checkpoints: checkpoints.to_vec(), ..Trust::default() };
    world.read(move |tx| events::verify(tx, &trust)).unwrap()
}

fn jsonl(world: &World) -> String {
    let mut text = String::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let (found, next) = world.read(move |tx| export::step(tx, &local(), &EventFilter::default(), from)).unwrap();
        found.iter().for_each(|event| export::line(event, Format::JsonLines, "host", &mut text));
        after = next;
    }
    text
}

fn lines_against(text: &str, checkpoints: &[Checkpoint]) -> Verification {
    let trust = Trust { checkpoints: checkpoints.to_vec(), ..Trust::default() };
    export::verify_lines(text.as_bytes(), &trust).unwrap()
}

pub fn a_log_extends_its_checkpoints_or_says_where_not(world: &World) {
    let pair = Ed25519KeyPair::generate().unwrap();
    fill(world, 10);
    let early = sign(world, &pair);
    fill(world, 10);
    let late = sign(world, &pair);
    fill(world, 3);
    let both = [late.clone(), early.clone()];
    let found = held_against(world, &both);
    assert!(found.intact() && found.checkpoints == 2, "{found:?}");
    let exported = jsonl(world);
    let found = lines_against(&exported, &both);
    assert!(found.intact() && found.checkpoints == 2 && found.events == world.events(), "{found:?}");

    let forged = Checkpoint { head: Head { seq: early.head.seq - 1, ..early.head.clone() }, ..early.clone() };
    assert!(held_against(world, &[forged]).problems[0].what.contains("signature of a checkpoint"));
    let elsewhere = Checkpoint { installation: "another".into(), ..early.clone() };
    assert!(!held_against(world, &[elsewhere]).intact());

    // An exported line that was changed, left out, or added; an end that was cut off.
    let lines: Vec<&str> = exported.lines().collect();
    let problem = |text: String| lines_against(&text, &both).problems.first().map(|problem| (problem.seq, problem.what.clone()));
    let changed = exported.replacen("\"Object 3\"", "\"Object 4\"", 1);
    assert_ne!(changed, exported);
    assert!(problem(changed).unwrap().1.contains("not what was written"));
    let without: Vec<&str> = lines.iter().enumerate().filter(|(index, _)| *index != 4).map(|(_, line)| *line).collect();
    assert_eq!(problem(without.join("\n")).unwrap().0, 5);
    let cut = lines[..usize::try_from(early.head.seq).unwrap() + 2].join("\n");
    let (seq, what) = problem(cut).unwrap();
    assert_eq!(seq, early.head.seq + 3);
    assert!(what.contains(&format!("vouches for event {}", late.head.seq)), "{what}");
    assert!(export::verify_lines("nonsense\n".as_bytes(), &Trust::default()).is_err());

    // A log rewritten from some event on, with a chain that fits in itself: the checkpoint before agrees, the one after does not.
    world.tamper("DELETE FROM event_head");
    let (from, hash) = (early.head.seq, early.head.hash);
    rewrite(world, from, hash, 2);
    let found = held_against(world, &both);
    assert_eq!(found.checkpoints, 1, "the early one agrees");
    assert_eq!(found.problems.len(), 1, "{found:?}");
    assert_eq!(found.problems[0].seq, late.head.seq);
    assert!(found.problems[0].what.contains("rewritten at or before this event"), "{found:?}");
    assert!(held_against(world, &[]).intact(), "in itself it fits: only a checkpoint tells");
}

/// Rewrites every event after `from` with another actor and hashes that follow, as somebody with the database could. The
/// digests are computed here from the published description of the chain, not by the code under test.
fn rewrite(world: &World, from: i64, mut previous: [u8; 32], encoding: u8) {
    use aws_lc_rs::digest::{SHA256, digest};
    let sha = |bytes: &[u8]| <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).unwrap();
    let mut rows = all(world);
    rows.reverse();
    for event in rows.into_iter().filter(|event| event.seq > from) {
        let prefixed = |texts: &[&str]| -> Vec<u8> {
            texts
                .iter()
                .flat_map(|text| [(text.len() as u64).to_be_bytes().to_vec(), text.as_bytes().to_vec()].concat())
                .collect()
        };
        let number =
            |number: Option<i64>| [vec![u8::from(number.is_some())], number.unwrap_or(-1).to_be_bytes().to_vec()].concat();
        let content = [
            event.salt.clone(),
            prefixed(&["Mallory", &event.object_name, &event.request, &event.address]),
            event.payload.to_string().into_bytes(),
        ];
        let texts = match encoding {
            1 => prefixed(&[
                event.actor_kind.name(),
                "Mallory",
                &event.face,
                &event.operation,
                &event.object_kind,
                &event.object_name,
                &event.request,
                &event.address,
            ]),
            _ => prefixed(&[event.actor_kind.name(), &event.face, &event.operation, &event.object_kind]),
        };
        let content = if encoding == 1 { event.payload.to_string().into_bytes() } else { content.concat() };
        let row = [
            vec![encoding],
            event.seq.to_be_bytes().to_vec(),
            event.at.to_be_bytes().to_vec(),
            number(event.actor.map(|id| id.0)),
            number(event.object),
            texts,
            sha(&content).to_vec(),
        ];
        previous = sha(&[previous.as_slice(), sha(&row.concat()).as_slice()].concat());
        let seq = event.seq;
        let changed = world.store.write_blocking(move |tx| {
            let sql = "UPDATE event SET actor_name = 'Mallory', hash = $1, encoding = $2 WHERE seq = $3";
            Ok::<_, Error>(tx.execute(sql, certhold_store::params![&previous, i64::from(encoding), seq])?)
        });
        assert_eq!(changed.unwrap(), 1);
    }
}

fn erase(world: &World, rules: &[Rule]) -> bool {
    let server = Actor::system(Face::Server, "certhold");
    let (author, given) = (server.clone(), rules.to_vec());
    if !world.write(move |tx, now| retention::begin(tx, &author, &given, now)).unwrap() {
        return false;
    }
    let lease = world.write(|tx, now| jobs::claim_one(tx, JobKind::Retention, 0, "story", now)).unwrap().expect("its job");
    let (author, given) = (server.clone(), rules.to_vec());
    assert!(!world.write(move |tx, now| retention::begin(tx, &author, &given, now)).unwrap(), "one run at a time");
    loop {
        let author = server.clone();
        // In the middle of a run the log is as whole as before and after.
        assert!(world.intact().intact());
        if !world.write(move |tx, now| retention::step(tx, &author, &lease, now)).unwrap() {
            return true;
        }
    }
}

/// Operators see how far the log was erased and signed, and nobody else does.
fn operators_see_how_far(world: &World, last: i64) {
    let standing = world.read(|tx| retention::standing(tx, &Actor::local("story"))).unwrap();
    let families: Vec<&str> = standing.erased.iter().map(|(family, _)| family.as_str()).collect();
    assert_eq!((families, standing.running), (vec!["session.ended", "sign_in."], false));
    let end = world.read(|tx| events::log_end(tx, &Actor::local("story"))).unwrap();
    assert_eq!((end.last, end.signed.is_some()), (last, true));
    let nobody = world.somebody("nobody", &[]);
    let asking = nobody.clone();
    assert!(world.read(move |tx| retention::standing(tx, &asking)).is_err());
    assert!(world.read(move |tx| events::log_end(tx, &nobody)).is_err());
}

pub fn erased_events_stay_in_the_chain(world: &World) {
    let pair = Ed25519KeyPair::generate().unwrap();
    fill(world, 90);
    let checkpoint = sign(world, &pair);
    let rules = [Rule::new("sign_in.", 5 * DAY).unwrap(), Rule::new("session.ended", 9 * DAY).unwrap()];
    let before = all(world);
    let now = world.now();
    assert!(erase(world, &rules));
    let doomed: BTreeSet<i64> = before
        .iter()
        .filter(|event| {
            event.operation.starts_with("sign_in.") && event.at < now - 5 * DAY
                || event.operation == "session.ended" && event.at < now - 9 * DAY
        })
        .map(|event| event.seq)
        .collect();
    assert!(doomed.len() > 10, "{doomed:?}");
    let after = all(world);
    for old in &before {
        let new = after.iter().find(|event| event.seq == old.seq).unwrap();
        if doomed.contains(&old.seq) {
            assert!(new.payload.is_null() && new.erased.is_some() && new.salt.is_empty(), "{new:?}");
            assert!([&new.actor_name, &new.object_name, &new.request, &new.address].iter().all(|text| text.is_empty()));
            assert_eq!(
                (new.at, new.actor, &new.operation, new.object, new.hash),
                (old.at, old.actor, &old.operation, old.object, old.hash)
            );
        } else {
            assert_eq!(new, old);
        }
    }
    let found = held_against(world, std::slice::from_ref(&checkpoint));
    assert!(found.intact() && found.checkpoints == 1, "{found:?}");
    assert_eq!(found.erased, doomed.len() as i64);
    let exported = jsonl(world);
    let found = lines_against(&exported, &[checkpoint]);
    assert!(found.intact() && found.erased == doomed.len() as i64, "{found:?}");
    let said = &after[0];
    assert_eq!(said.operation, names::RETENTION_COMPLETED);
    let counted: i64 = said.payload["erased"].as_array().unwrap().iter().map(|rule| rule["events"].as_i64().unwrap()).sum();
    assert_eq!(counted, doomed.len() as i64);
    assert!(!erase(world, &rules), "nothing more to erase");

    operators_see_how_far(world, said.seq);

    // Erased is not tampered with, and tampering does not pass for erasing.
    let problems = |change: &'static str, undo: &'static str| {
        world.tamper(change);
        let found = world.intact();
        world.tamper(undo);
        assert!(world.intact().intact(), "undone: {undo}");
        found.problems
    };
    world.tamper("UPDATE setting SET value = (SELECT CAST(min(seq) AS TEXT) FROM event WHERE payload IS NULL) WHERE name = 'retention:sign_in.'");
    let named = problems(
        "UPDATE event SET actor_name = 'eve' WHERE seq = (SELECT min(seq) FROM event WHERE payload IS NULL)",
        "UPDATE event SET actor_name = '' WHERE seq = (SELECT min(seq) FROM event WHERE payload IS NULL)",
    );
    assert!(named[0].what.contains("and yet there is some"), "{named:?}");
    let later = problems(
        "UPDATE event SET at = at + 1 WHERE seq = (SELECT min(seq) FROM event WHERE payload IS NULL)",
        "UPDATE event SET at = at - 1 WHERE seq = (SELECT min(seq) FROM event WHERE payload IS NULL)",
    );
    assert!(later[0].what.contains("not what was written"), "{later:?}");
    // Somebody erases what no retention erased, with the right digest: the chain fits, and it is noticed all the same.
    let victim = after.iter().find(|event| event.operation == "role.changed").unwrap().clone();
    unpermitted(world, &victim);
    let found = world.intact();
    assert_eq!(found.problems.len(), 1, "{found:?}");
    assert_eq!(found.problems[0].seq, victim.seq);
    assert!(found.problems[0].what.contains("no retention says so"), "{found:?}");
}

fn unpermitted(world: &World, event: &Event) {
    use aws_lc_rs::digest::{SHA256, digest};
    let texts = [&event.actor_name, &event.object_name, &event.request, &event.address];
    let prefixed = texts.iter().flat_map(|text| [(text.len() as u64).to_be_bytes().to_vec(), text.as_bytes().to_vec()].concat());
    let content: Vec<u8> = event.salt.iter().copied().chain(prefixed).chain(event.payload.to_string().into_bytes()).collect();
    let content = digest(&SHA256, &content).as_ref().to_vec();
    let seq = event.seq;
    let changed = world.store.write_blocking(move |tx| {
        let sql = "UPDATE event SET payload = NULL, salt = NULL, actor_name = '', object_name = '', request = '', address = '', \
                   payload_digest = $1 WHERE seq = $2";
        Ok::<_, Error>(tx.execute(sql, certhold_store::params![&content, seq])?)
    });
    assert_eq!(changed.unwrap(), 1);
}

/// Signs in so often, at a time that some clock shows.
fn sign_ins(world: &World, ahead: i64, many: usize) {
    world.pass(ahead);
    world
        .write(move |tx, now| {
            for number in 0..many {
                let object = Object::new("person", 7, "Ada");
                let details = json!({ "failures": number });
                events::append(tx, &local(), now, NewEvent::new(names::SIGN_IN_FAILED, object, details))?;
            }
            Ok(())
        })
        .unwrap();
    world.pass(1_000 - ahead);
}

/// What a run says of a family, and whether the contents of sign-ins are there, in the order of their numbers.
fn told_and_kept(world: &World) -> ((i64, i64), Vec<bool>) {
    let all = all(world);
    let said = all.iter().find(|event| event.operation == names::RETENTION_COMPLETED).unwrap();
    let number = |name: &str| said.payload["erased"][0][name].as_i64().unwrap();
    let told = (number("events"), number("waiting"));
    let sign_ins = all.iter().rev().filter(|event| event.operation == names::SIGN_IN_FAILED);
    (told, sign_ins.map(|event| !event.payload.is_null()).collect())
}

/// Events of a clock that ran ahead keep nobody else's content, and lose theirs when they are old enough by it.
pub fn what_a_fast_clock_wrote_is_come_back_to(world: &World) {
    let rules = [Rule::new("sign_in.", 5 * DAY).unwrap()];
    sign_ins(world, 0, 2);
    sign_ins(world, 365 * DAY, 1);
    sign_ins(world, 10 * DAY, 1);
    sign_ins(world, 0, 2);
    world.pass(6 * DAY);
    assert!(erase(world, &rules));
    assert_eq!(told_and_kept(world), ((4, 2), vec![false, false, true, true, false, false]));
    assert!(!erase(world, &rules), "what is not old enough begins no run");

    // New ones come and go behind them.
    sign_ins(world, 0, 1);
    world.pass(6 * DAY);
    assert!(erase(world, &rules));
    assert_eq!(told_and_kept(world), ((1, 2), vec![false, false, true, true, false, false, false]));
    world.pass(3 * DAY + 3_000);
    assert!(erase(world, &rules), "the first of them is fifteen days old");
    assert_eq!(told_and_kept(world), ((1, 1), vec![false, false, true, false, false, false, false]));
    assert!(!erase(world, &rules));

    // A clock that is a year ahead for a while: more than one chunk, and not one of them is lost.
    sign_ins(world, 365 * DAY, 300);
    sign_ins(world, 0, 1);
    world.pass(6 * DAY);
    assert!(erase(world, &rules));
    let (told, kept) = told_and_kept(world);
    assert_eq!((told, kept.iter().filter(|kept| **kept).count()), ((1, 301), 301));
    // Runs of earlier versions remembered nothing of what they passed over.
    world.tamper("DELETE FROM setting WHERE name = 'retention_passed:sign_in.'");
    assert!(erase(world, &rules));
    assert_eq!(told_and_kept(world).0, (0, 301));
    assert!(!erase(world, &rules));
    world.pass(366 * DAY);
    world.tamper("DELETE FROM setting WHERE name = 'retention_passed:sign_in.'");
    assert!(erase(world, &rules));
    let (told, kept) = told_and_kept(world);
    assert_eq!(told, (301, 0));
    assert!(!kept.contains(&true));
    assert!(world.intact().intact());
    assert!(!erase(world, &rules));
}

pub fn events_of_an_earlier_version_lose_their_payload_only(world: &World) {
    fill(world, 12);
    let newest = all(world);
    let begin = newest.last().unwrap();
    rewrite(world, begin.seq, begin.hash, 1);
    world.tamper("UPDATE event SET salt = NULL WHERE encoding = 1");
    fill(world, 1);
    world.pass(30 * DAY);
    let found = world.intact();
    assert!(found.intact(), "{found:?}");
    assert!(erase(world, &[Rule::new("sign_in.", 5 * DAY).unwrap()]));
    let found = world.intact();
    assert!(found.intact() && found.erased > 4, "{found:?}");
    let old = all(world).into_iter().rfind(|event| event.operation.starts_with("sign_in.") && event.encoding == 1).unwrap();
    assert_eq!((old.actor_name.as_str(), old.payload.is_null()), ("Mallory", true), "names are digested with what stays there");
    world.tamper("UPDATE event SET actor_name = 'x' WHERE seq = (SELECT min(seq) FROM event WHERE payload IS NULL)");
    assert!(!world.intact().intact());
}

pub fn a_delivery_leaves_nothing_out(world: &World) {
    fill(world, 30);
    let last = world.events();
    let take = |holder: &'static str| world.write(move |tx, now| delivery::take(tx, "tcp://x:1", holder, now)).unwrap();
    let record = |holder: &'static str, seq: i64, error: Option<&'static str>| {
        world.write(move |tx, now| delivery::record(tx, "tcp://x:1", holder, seq, error, now)).unwrap()
    };
    assert_eq!(take("one"), Some(0));
    assert_eq!(take("two"), None, "one node at a time");
    let (found, reach) = world.read(|tx| delivery::next(tx, 0)).unwrap();
    assert_eq!((found.len() as i64, reach), (last, last));
    assert!(record("one", 10, None));
    assert!(record("one", 10, Some("no answer")));
    assert!(!record("two", 20, None), "whoever does not hold it records nothing");
    let cursors = world.read(|tx| delivery::cursors(tx, &local())).unwrap();
    assert_eq!((cursors[0].seq, cursors[0].waiting, cursors[0].error.as_deref()), (10, last - 10, Some("no answer")));
    world.pass(120_000);
    assert_eq!(take("two"), Some(10), "a node that fell silent is followed by another");
    assert!(!record("one", 30, None));
    let (found, _) = world.read(|tx| delivery::next(tx, 10)).unwrap();
    assert_eq!(found[0].seq, 11);
    world.write(|tx, _| certhold_domain::begin_derived_anew(tx)).unwrap();
}
