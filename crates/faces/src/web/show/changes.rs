//! What an event says has changed, and what it says besides.

use certhold_domain::events::Event;
use certhold_domain::inventory::RevocationReason;
use serde_json::{Map, Value, json};

use crate::web::view::event::Change;
use crate::web::view::time::Moment;

/// What changed, whole: what was added or removed, too.
pub fn whole_changes(event: &Event) -> Vec<Change> {
    compared(&event.payload, usize::MAX, true)
}

/// What changed, where an event knows before and after; values are cut to so many characters.
pub fn changes(payload: &Value, longest: usize) -> Vec<Change> {
    let knows_both = payload.get("before").is_some() && payload.get("after").is_some();
    if knows_both { compared(payload, longest, false) } else { Vec::new() }
}

/// What an event says besides its changes, as text; empty when there is nothing.
pub fn details(event: &Event) -> String {
    let payload = match &event.payload {
        Value::Null => return String::new(),
        Value::Object(fields) => fields,
        other => return format!("{other:#}"),
    };
    let is_told = tells_all(&event.payload);
    let others = payload.iter().filter(|(key, _)| !(is_told && matches!(key.as_str(), "before" | "after")));
    let others: Map<String, Value> = others.map(|(key, value)| (key.clone(), in_words(key, value))).collect();
    if others.is_empty() { String::new() } else { format!("{:#}", Value::Object(others)) }
}

/// The fields of both sides that differ. A side that is absent or null has none; one that is no object is compared as it is.
fn compared(payload: &Value, longest: usize, whole: bool) -> Vec<Change> {
    let (before, after) = (side(payload, "before"), side(payload, "after"));
    let (Some(before), Some(after)) = (fields(before), fields(after)) else {
        let change = Change { field: "value".into(), before: shown(before, longest), after: shown(after, longest) };
        return if before == after { Vec::new() } else { vec![change] };
    };
    let only_after = after.keys().filter(|key| !before.contains_key(*key));
    let differs = |key: &&String| {
        let is_said_by_name = !whole && is_number_of_a_name(key, &before, &after);
        before.get(*key) != after.get(*key) && !is_said_by_name
    };
    let change = |key: &String| Change {
        field: label(key),
        before: shown(before.get(key).map(|value| in_words(key, value)).as_ref(), longest),
        after: shown(after.get(key).map(|value| in_words(key, value)).as_ref(), longest),
    };
    before.keys().chain(only_after).filter(differs).map(change).filter(|change| change.before != change.after).collect()
}

/// Whether the changes leave nothing of both sides unsaid: what stayed, and nothings that differ, are not among them.
fn tells_all(payload: &Value) -> bool {
    let (before, after) = (side(payload, "before"), side(payload, "after"));
    let (Some(before), Some(after)) = (fields(before), fields(after)) else { return before != after };
    let keys = before.len() + after.keys().filter(|key| !before.contains_key(*key)).count();
    compared(payload, usize::MAX, true).len() == keys
}

fn side<'a>(payload: &'a Value, key: &str) -> Option<&'a Value> {
    payload.get(key).filter(|value| !value.is_null())
}

fn fields(side: Option<&Value>) -> Option<Map<String, Value>> {
    match side {
        None => Some(Map::new()),
        Some(Value::Object(fields)) => Some(fields.clone()),
        Some(_) => None,
    }
}

/// Instants and reasons in words; they are numbers in the record.
fn in_words(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), in_words(key, value))).collect(),
        Value::Number(number) => match number.as_i64() {
            Some(at) if is_instant(key) => json!(Moment::new(at, at).stamp()),
            Some(code) if key == "reason" => RevocationReason::of(code).map_or_else(|| value.clone(), |why| json!(reason(why))),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

fn is_instant(key: &str) -> bool {
    key.ends_with("_at") || matches!(key, "not_after" | "not_before" | "until" | "since")
}

/// Why a certificate is revoked, in words and as the standard spells it.
fn reason(reason: RevocationReason) -> String {
    format!("{} ({})", reason_in_words(reason), reason.name())
}

/// A reason of RFC 5280, 5.3.1, as a part of a sentence.
pub fn reason_in_words(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => "none is given",
        RevocationReason::KeyCompromise => "its key is in wrong hands",
        RevocationReason::CaCompromise => "the key of its authority is in wrong hands",
        RevocationReason::AffiliationChanged => "whom it is for is called differently or has left",
        RevocationReason::Superseded => "another certificate has taken its place",
        RevocationReason::CessationOfOperation => "it is not needed any more",
        RevocationReason::CertificateHold => "for the time being",
        RevocationReason::PrivilegeWithdrawn => "what it says is not allowed any more",
    }
}

/// `owner_role: 7` says nothing beside `owner_name: Platform`.
fn is_number_of_a_name(key: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let name = key.strip_suffix("_role").map(|noun| format!("{noun}_name"));
    name.is_some_and(|name| before.contains_key(&name) || after.contains_key(&name))
}

fn label(key: &str) -> String {
    key.strip_suffix("_name").unwrap_or(key).replace('_', " ")
}

fn shown(value: Option<&Value>, longest: usize) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(cut(text, longest)),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.into()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            Some(cut(&items.collect::<Vec<_>>().join(", "), longest))
        }
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(key, value)| format!("{}: {}", label(key), shown(Some(value), longest).unwrap_or_default()));
            Some(cut(&fields.collect::<Vec<_>>().join(", "), longest))
        }
        Value::Number(number) => Some(number.to_string()),
    }
}

/// The text, cut to so many characters.
pub fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use certhold_domain::events::names;

    use super::*;
    use crate::web::show;

    fn event(payload: Value) -> Event {
        show::event::tests::event(names::COLLECTION_CHANGED, ("collection", 3, "Web"), payload)
    }

    /// Field, before, after, of what the event's own page says has changed.
    fn told(payload: &Value) -> Vec<(String, String, String)> {
        let text = |side: Option<String>| side.unwrap_or_else(|| "nothing".into());
        let whole = whole_changes(&event(payload.clone()));
        whole.into_iter().map(|change| (change.field, text(change.before), text(change.after))).collect()
    }

    fn one(field: &str, before: &str, after: &str) -> Vec<(String, String, String)> {
        vec![(field.into(), before.into(), after.into())]
    }

    #[test]
    fn nothing_of_an_event_is_left_out_on_its_own_page() {
        let long = "x".repeat(5_000);
        let payload = json!({ "before": { "query": "a" }, "after": { "query": long }, "bulk_edit": 7 });
        let listed = changes(&payload, 200);
        let one = event(payload);
        assert_eq!(whole_changes(&one)[0].after.as_deref(), Some(long.as_str()));
        assert!(listed[0].after.as_deref().is_some_and(|text| text.ends_with('…')));
        assert_eq!(details(&one), "{\n  \"bulk_edit\": 7\n}");
        assert_eq!(details(&event(json!(null))), "");
        assert_eq!(details(&event(json!(["a"]))), "[\n  \"a\"\n]");
    }

    #[test]
    fn every_pair_of_sides_is_told() {
        let name = json!({ "name": "a" });
        assert_eq!(told(&json!({ "before": null, "after": name })), one("name", "nothing", "a"));
        assert_eq!(told(&json!({ "after": name })), one("name", "nothing", "a"));
        assert_eq!(told(&json!({ "before": name, "after": null })), one("name", "a", "nothing"));
        assert_eq!(told(&json!({ "before": name })), one("name", "a", "nothing"));
        assert_eq!(told(&json!({ "before": name, "after": { "name": "b" } })), one("name", "a", "b"));
        assert_eq!(told(&json!({ "before": 3, "after": 4 })), one("value", "3", "4"));
        assert_eq!(told(&json!({ "before": 3, "after": null })), one("value", "3", "nothing"));
        assert_eq!(told(&json!({ "after": "x" })), one("value", "nothing", "x"));
        assert_eq!(told(&json!({ "before": "x", "after": name })), one("value", "x", "name: a"));
        assert_eq!(told(&json!({ "before": name, "after": ["x", "y"] })), one("value", "name: a", "x, y"));
        for same in [json!({}), json!({ "before": null, "after": null }), json!({ "before": 3, "after": 3 }), json!(null)] {
            assert!(told(&same).is_empty(), "{same}");
        }
    }

    #[test]
    fn what_the_changes_do_not_say_is_among_the_details() {
        let kept = json!({ "before": { "name": "a", "query": "q" }, "after": { "name": "b", "query": "q" } });
        assert!(details(&event(kept)).contains("\"query\": \"q\""), "what stayed");
        let nothings = json!({ "before": { "name": "" }, "after": { "name": null } });
        assert!(details(&event(nothings)).contains("\"name\": null"), "two ways to say nothing");
        let number = json!({ "before": { "owner_role": 1, "owner_name": "A" }, "after": { "owner_role": 2, "owner_name": "B" } });
        assert_eq!(changes(&number, 200).len(), 1, "a list names the owner only");
        assert_eq!((whole_changes(&event(number.clone())).len(), details(&event(number))), (2, String::new()));
        assert!(changes(&json!({ "after": { "name": "a" } }), 200).is_empty(), "lists do not repeat what was added");
        assert_eq!(details(&event(json!({ "before": 3, "after": 3 }))).matches('3').count(), 2);
    }

    #[test]
    fn a_revocation_says_why_and_when() {
        let after = json!({ "reason": 1, "effective_at": 1_795_305_727_000_i64, "comment": "Stolen laptop" });
        let payload = json!({ "before": null, "after": after, "due_at": 0, "job": 7 });
        let told = told(&payload);
        let says = |field: &str| told.iter().find(|(name, ..)| name == field).map(|(_, _, after)| after.as_str());
        assert_eq!(says("comment"), Some("Stolen laptop"));
        assert_eq!(says("reason"), Some("its key is in wrong hands (keyCompromise)"));
        assert_eq!(says("effective at"), Some("2026-11-22 00:02:07 UTC"));
        assert_eq!(changes(&payload, 200).len(), 3, "lists say it, too");
        let details = details(&event(payload));
        assert!(details.contains("\"due_at\": \"1970-01-01 00:00:00 UTC\"") && details.contains("\"job\": 7"), "{details}");
        assert!(!details.contains("comment"), "{details}");
    }
}
