//! Comma-separated values (RFC 4180) that spreadsheets read as text and as nothing else: what is in them was written by strangers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// One line with its end.
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(field).collect();
    fields.join(",") + "\r\n"
}

/// Objects as lines below a head: a column for each field that any of them has, `owner.name` for what is inside another. Handles and
/// names stand first, the others follow by name.
pub fn objects(items: &[Json]) -> String {
    let rows: Vec<BTreeMap<String, String>> = items.iter().map(flat).collect();
    let known: BTreeSet<&str> = rows.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
    // What is an object in one row and null in another is told by the columns of the object.
    let is_outer =
        |column: &str| known.range(column..).any(|other| other.strip_prefix(column).is_some_and(|rest| rest.starts_with('.')));
    let columns: Vec<&str> = known.iter().copied().filter(|column| !is_outer(column)).collect();
    let (first, others): (Vec<&str>, Vec<&str>) = columns.into_iter().partition(|column| FIRST.contains(column));
    let mut columns: Vec<&str> = FIRST.into_iter().filter(|column| first.contains(column)).collect();
    columns.extend(others);
    let mut text = line(columns.iter().copied());
    for row in &rows {
        text.push_str(&line(columns.iter().map(|column| row.get(*column).map_or("", String::as_str))));
    }
    text
}

/// Columns that stand before all others.
const FIRST: [&str; 4] = ["id", "seq", "at", "name"];

/// How deep objects are taken apart; what is deeper is written as JSON.
const DEPTH: usize = 3;

fn flat(item: &Json) -> BTreeMap<String, String> {
    let mut row = BTreeMap::new();
    flatten("", item, DEPTH, &mut row);
    row
}

fn flatten(name: &str, value: &Json, depth: usize, row: &mut BTreeMap<String, String>) {
    match value {
        Json::Object(fields) if depth > 0 && !fields.is_empty() => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flatten(&name, value, depth - 1, row);
            }
        }
        other => {
            let name = if name.is_empty() { "value" } else { name };
            row.insert(name.to_owned(), cell(other));
        }
    }
}

/// A value as one cell; the elements of a list are separated by semicolons.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(true) => "yes".into(),
        Json::Bool(false) => "no".into(),
        Json::Number(number) => number.to_string(),
        Json::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join("; "),
        Json::Object(fields) => match fields.get("name").and_then(Json::as_str) {
            Some(name) => name.to_owned(),
            None if fields.is_empty() => String::new(),
            None => value.to_string(),
        },
    }
}

/// What begins a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// One field: quoted where it must be, and harmless in a spreadsheet: what would be read as a formula is preceded by an
/// apostrophe, which spreadsheets show as text. Where fields are taken to end with a semicolon or a tab, quotation marks in the middle
/// of such a field protect nothing, so that what follows one of these is looked at, too.
fn field(text: &str) -> String {
    let dangerous = text.starts_with(FORMULA) || text.starts_with(['\t', '\r', '\n']);
    let mut told = String::with_capacity(text.len() + 1);
    let mut begins = dangerous;
    for c in text.chars() {
        if begins && (FORMULA.contains(&c) || told.is_empty()) {
            told.push('\'');
        }
        begins = matches!(c, ';' | '\t' | '\r' | '\n') || (begins && c == ' ');
        told.push(c);
    }
    let text = told;
    if text.contains([',', '"', '\r', '\n', ';', '\t']) || dangerous || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_never_formulas() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(field("two\nlines"), "\"two\nlines\"");
        for (inside, told) in [
            ("a;=1+1", "\"a;'=1+1\""),
            ("a; @SUM(A1)", "\"a; '@SUM(A1)\""),
            ("a\t+1", "\"a\t'+1\""),
            ("a\n-1;＝2", "\"a\n'-1;'＝2\""),
            ("a;b", "\"a;b\""),
            ("a\tb", "\"a\tb\""),
            ("a=1 -2", "a=1 -2"),
        ] {
            assert_eq!(field(inside), told);
        }
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            let told = field(formula);
            assert!(told.starts_with("\"'"), "{told:?}");
        }
    }

    #[test]
    fn objects_become_columns() {
        let items = [
            serde_json::json!({ "name": "a", "id": 1, "owner": null, "tags": ["x", "y"], "ok": true, "roles": [{ "id": 3, "name": "Ops" }] }),
            serde_json::json!({ "name": "=b", "id": 2, "owner": { "id": 7, "name": "Web" }, "ok": false, "deep": { "a": { "b": { "c": 1 } } } }),
        ];
        let expected = "id,name,deep.a.b,ok,owner.id,owner.name,roles,tags\r\n\
             1,a,,yes,,,Ops,\"x; y\"\r\n\
             2,\"'=b\",\"{\"\"c\"\":1}\",no,7,Web,,\r\n";
        assert_eq!(objects(&items), expected);
        assert_eq!(objects(&[]), "\r\n");
        assert_eq!(objects(&[serde_json::json!("x"), serde_json::json!(3)]), "value\r\nx\r\n3\r\n");
    }

    #[test]
    fn lines_have_commas_between_and_an_end() {
        assert_eq!(line(["a", "b, c", "say \"hi\"", ""]), "a,\"b, c\",\"say \"\"hi\"\"\",\r\n");
        assert_eq!(
            line(["=HYPERLINK(\"http://x\")", "-1+2", "@x", "a=b"]),
            "\"'=HYPERLINK(\"\"http://x\"\")\",\"'-1+2\",\"'@x\",a=b\r\n"
        );
    }
}
