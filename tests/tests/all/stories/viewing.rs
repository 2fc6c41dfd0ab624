//! Saved views, facets, and the roles that may become owners.

use std::collections::BTreeMap;

use certhold_domain::access::paths;
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::inventory::{self, Expiry, Filter, OwnerFilter, STRETCHES};
use certhold_domain::ownership::{self, Facts};
use certhold_domain::views::{self, ViewCommand};
use certhold_domain::{Actor, Refusal, ViewId, limits, query};

use super::world::{DAY, START, World, issue, key};

fn local() -> Actor {
    Actor::local("story")
}

fn view(name: &str, parameters: &[(&str, &str)]) -> ViewCommand {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ViewCommand { name: name.into(), parameters }
}

pub fn views_are_ones_own(world: &World) {
    let reading = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let (ana, bo) = (world.somebody("ana", &[reading]), world.somebody("bo", &[reading]));
    let create = |actor: &Actor, command: ViewCommand| {
        let actor = actor.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| views::create(tx, &actor, &command, now)
    };
    let list = |actor: &Actor| {
        let actor = actor.clone();
        world.read(move |tx| views::list(tx, &actor)).unwrap()
    };
    let events = world.events();
    let ends = world.write(create(&ana, view(" Ends soon ", &[("filter", "expiring"), ("q", "")]))).unwrap();
    let other = world.write(create(&ana, view("All", &[]))).unwrap();
    world.write(create(&bo, view("ends soon", &[("sort", "-name")]))).unwrap();
    let names: Vec<String> = list(&ana).into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["All", "Ends soon"]);
    let kept = BTreeMap::from([("filter".to_owned(), "expiring".to_owned())]);
    assert_eq!(list(&ana)[1].parameters, kept, "what is empty is not kept");
    assert_eq!(world.events(), events + 3);

    for odd in [
        view("ENDS SOON", &[]),
        view("", &[]),
        view("4711", &[]),
        view("x", &[("after", "3")]),
        view("x", &[("q", &"a".repeat(limits::QUERY_CHARS + 1))]),
        view("x", &[("q", "a\0b")]),
        view("x", &[("filter", "expirred")]),
        view("x", &[("sort", "-nothing")]),
        view("x", &[("owner", "Web")]),
    ] {
        world.refused(create(&ana, odd));
    }
    let nobody = world.somebody("cy", &[]);
    let refusal = world.refused(create(&nobody, view("Mine", &[])));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "who sees no list has no view of one: {refusal}");
    let refusal = world.refused(create(&local(), view("Mine", &[])));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    assert!(list(&local()).is_empty());

    // Somebody else's is as if it were not there.
    let touch = |actor: &Actor, id: ViewId, command: ViewCommand| {
        let actor = actor.clone();
        move |tx: &mut certhold_store::Tx<'_>, now| views::update(tx, &actor, id, &command, now)
    };
    for (actor, id) in [(&bo, ends), (&local(), ends), (&ana, ViewId(4_711))] {
        let refusal = world.refused(touch(actor, id, view("Theirs", &[])));
        assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal}");
        let (actor, reader) = (actor.clone(), actor.clone());
        world.refused(move |tx, now| views::remove(tx, &actor, id, now));
        assert!(world.read(move |tx| views::get(tx, &reader, id)).is_err());
    }
    world.refused(touch(&ana, other, view("Ends Soon", &[])));
    let events = world.events();
    world.write(touch(&ana, ends, view("Ends soon", &[("filter", "expiring")]))).unwrap();
    assert_eq!(world.events(), events, "nothing changed");
    world.write(touch(&ana, ends, view("Ended", &[("filter", "expired"), ("columns", "serial")]))).unwrap();
    let remover = ana.clone();
    world.write(move |tx, now| views::remove(tx, &remover, other, now)).unwrap();
    let left = list(&ana);
    assert_eq!((left.len(), left[0].name.as_str(), left[0].parameters.len()), (1, "Ended", 2));
    assert_eq!(world.events(), events + 2);
    for number in 1..limits::VIEWS {
        world.write(create(&ana, view(&format!("View {number}"), &[]))).unwrap();
    }
    let refusal = world.refused(create(&ana, view("One more", &[])));
    assert!(matches!(refusal, Refusal::TooLarge(_)), "{refusal}");
}

pub fn facets_count_what_their_conditions_find(world: &World) {
    let web = world.role("Web", &[]);
    let pair = key();
    for (number, days) in [-400, -1, 0, 3, 7, 29, 30, 89, 90, 364, 365, 4_000].into_iter().enumerate() {
        let der = issue(&pair, &[&format!("host{number}.example.com")], START - 500 * DAY, START + days * DAY + DAY / 2);
        world.import(&[der], (number % 2 == 0).then_some(web)).unwrap();
    }
    let command = CollectionCommand { name: "Some".into(), query: "CertId -gt 3".into(), ..CollectionCommand::default() };
    let some = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
    let now = world.now();
    let condition =
        |text: &'static str| world.read(move |tx| Ok(query::check(tx, text)?.unwrap().resolve(now, "story"))).unwrap();
    let selections = [
        (Filter::default(), None),
        (Filter { owner: Some(OwnerFilter::Role(web)), ..Filter::default() }, None),
        (Filter { condition: Some(condition("KeySize -gt 1 AND SAN -contains \"example\"")), ..Filter::default() }, None),
        // Only a look in memory decides.
        (Filter { condition: Some(condition("SAN -like \"h*1*\"")), ..Filter::default() }, None),
        (Filter { expiry: Expiry { from: Some(START), before: None }, ..Filter::default() }, Some(some)),
    ];
    for (filter, collection) in selections {
        let scope = Scope::of(collection, now);
        let asked = filter.clone();
        let facets = world.read(move |tx| inventory::facets(tx, &local(), &asked, scope)).unwrap();
        let expiry = facets.iter().find(|facet| facet.name == "expiry").expect("stretches of time");
        assert!(expiry.exact);
        for (name, from, before) in STRETCHES {
            let at = |days: Option<i64>| days.map(|days| (now.div_euclid(DAY) + days) * DAY);
            let stretch = Expiry { from: at(from).max(filter.expiry.from), before: at(before) };
            let wanted = Filter { expiry: stretch, limit: 100, count: true, ..filter.clone() };
            let found = world.read(move |tx| inventory::list_in(tx, &local(), &wanted, scope)).unwrap();
            let told = expiry.values.iter().find(|value| value.value == name).map_or(0, |value| value.count);
            assert_eq!(Some(told), found.total, "{name} of {filter:?}");
        }
        let owners = facets.iter().find(|facet| facet.name == "owner").expect("owners");
        let counted: i64 = owners.values.iter().map(|value| value.count).sum();
        let all = Filter { limit: 1, count: true, ..filter.clone() };
        assert_eq!(Some(counted), world.read(move |tx| inventory::list_in(tx, &local(), &all, scope)).unwrap().total);
    }
}

pub fn owners_that_cannot_be_chosen_say_why(world: &World) {
    let (web, finance) = (world.role("Web", &["/certificates/collections/change_owner/"]), world.role("Finance", &[]));
    let ana = world.somebody("ana", &[web]);
    let asked = ana.clone();
    let known = world.read(move |tx| ownership::candidates(tx, &asked, &Facts::default())).unwrap();
    assert_eq!(
        known.iter().map(|one| (one.role, one.barred.is_none())).collect::<Vec<_>>(),
        [(web, true)],
        "others are not hers to know"
    );
    let reader = world.role("Readers of security", &["/security/read/"]);
    let bo = world.somebody("bo", &[web, reader]);
    let asked = bo.clone();
    let known = world.read(move |tx| ownership::candidates(tx, &asked, &Facts::default())).unwrap();
    let barred = |role| known.iter().find(|one| one.role == role).expect("it is known").barred.clone();
    assert_eq!(barred(web), None);
    assert!(barred(finance).is_some_and(|why| why.contains("\"Finance\"")), "{known:?}");
    // Nobody chooses anything without the right to change owners, and everybody has what they hold for what is new.
    let carl = world.somebody("carl", &[reader]);
    let asked = carl.clone();
    let known = world.read(move |tx| ownership::candidates(tx, &asked, &Facts::default())).unwrap();
    assert!(known.iter().all(|one| one.barred.is_some()), "{known:?}");
    let known = world.read(move |tx| ownership::candidates_for_new(tx, &carl)).unwrap();
    assert!(known.iter().all(|one| one.barred.is_none() == (one.role == reader)), "{known:?}");
}
