//! What `docs/events.md` says of the payloads of events, against every event that the stories leave behind.

use std::collections::{BTreeMap, BTreeSet};

use certhold_domain::events::{self, EventFilter};
use certhold_domain::{Actor, limits};
use serde_json::{Map, Value as Json};

use super::world::World;

const PAGE: &str = include_str!("../../../../docs/events.md");
const NAMES: &str = include_str!("../../../../crates/domain/src/events/names.rs");

/// The fields of the events that the stories of the log make up.
const INVENTED: [&str; 4] = ["after.n", "after.text", "before.n", "before.text"];

/// The fields of each operation, such as `reason`, `before.state` and `after.*`.
fn documented() -> BTreeMap<&'static str, BTreeSet<String>> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let rows = rows.filter_map(|(operation, rest)| Some((operation, rest.rsplit_once(" | ")?.1)));
    rows.filter(|(operation, _)| operation.contains('.')).map(|(operation, cell)| (operation, fields(operation, cell))).collect()
}

/// `before/after.{a,b}` is four fields; the word "none" is none at all.
fn fields(operation: &str, cell: &str) -> BTreeSet<String> {
    let spans: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    assert!(!spans.is_empty() || cell == "none", "{operation}: {cell:?} lists no fields");
    let mut found = BTreeSet::new();
    for span in spans {
        let Some((when, what)) = span.split_once('.') else {
            found.insert(span.to_owned());
            continue;
        };
        let what = what.strip_prefix('{').and_then(|list| list.strip_suffix('}')).unwrap_or(what);
        for when in when.split('/') {
            assert!(matches!(when, "before" | "after"), "{operation}: {span}");
            found.extend(what.split(',').map(|field| format!("{when}.{field}")));
        }
    }
    found
}

fn told(payload: &Map<String, Json>) -> BTreeSet<String> {
    let within = |when: &str, fields: &Map<String, Json>| fields.keys().map(|field| format!("{when}.{field}")).collect();
    let one = |(name, value): (&String, &Json)| match value {
        // Where there was nothing, or is nothing any more.
        Json::Null if matches!(name.as_str(), "before" | "after") => Vec::new(),
        Json::Object(fields) if matches!(name.as_str(), "before" | "after") => within(name, fields),
        _ => vec![name.clone()],
    };
    payload.iter().flat_map(one).collect()
}

/// Asserts that every event of this world has only fields that the page lists.
pub fn are_documented(world: &World) {
    let known = documented();
    let mut before = None;
    loop {
        let filter = EventFilter { before, limit: limits::PAGE_ROWS, ..EventFilter::default() };
        let page = world.read(move |tx| events::list(tx, &Actor::local("story"), &filter)).unwrap();
        for event in &page.events {
            let Some(payload) = event.payload.as_object() else { continue };
            if told(payload).iter().eq(INVENTED) {
                continue;
            }
            let Some(known) = known.get(event.operation.as_str()) else { panic!("{} is not explained", event.operation) };
            let listed = |field: &String| {
                let any = field.split_once('.').map(|(when, _)| format!("{when}.*"));
                known.contains(field) || any.is_some_and(|any| known.contains(&any))
            };
            let missing: Vec<String> = told(payload).into_iter().filter(|field| !listed(field)).collect();
            assert!(missing.is_empty(), "docs/events.md does not list {missing:?} of {}: {payload:?}", event.operation);
        }
        before = page.next;
        if before.is_none() {
            return;
        }
    }
}

#[test]
fn every_operation_lists_its_fields() {
    let known = documented();
    let names: Vec<&str> = NAMES.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1)).collect();
    assert!(names.len() > 70, "{names:?}");
    for name in &names {
        assert!(known.contains_key(name), "docs/events.md does not list the fields of {name}");
    }
    assert_eq!(known.len(), names.len(), "docs/events.md explains events that do not exist");
    // What changes something says what was and what is.
    for (operation, fields) in &known {
        let (_, happened) = operation.split_once('.').unwrap();
        let has = |when: &str| fields.iter().any(|field| field.starts_with(when));
        if matches!(happened, "changed" | "paused" | "resumed" | "enabled" | "disabled" | "revoked" | "assigned" | "withdrawn") {
            assert!(has("before.") && has("after."), "{operation}: {fields:?}");
        }
    }
}

#[test]
fn the_notation_is_read_as_it_is_explained() {
    let read = fields("x", "`reason` `before/after.{a,b}` `after.*`: whatever");
    assert_eq!(
        read.iter().map(String::as_str).collect::<Vec<_>>(),
        ["after.*", "after.a", "after.b", "before.a", "before.b", "reason"]
    );
    assert!(fields("x", "none").is_empty());
    assert!(std::panic::catch_unwind(|| fields("x", "")).is_err());
}
