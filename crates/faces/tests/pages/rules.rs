//! What holds for every page, whatever it shows.

use crate::samples::{self, Sample};

#[test]
fn every_page_is_a_whole_document() {
    for Sample { name, html } in samples::all() {
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert!(html.trim_end().ends_with("</html>"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name} has exactly one h1");
        assert!(html.contains("<title>"), "{name}");
        assert!(html.contains("lang=\"en\""), "{name}");
    }
}

#[test]
fn hostile_text_stays_text() {
    for Sample { name, html } in samples::all() {
        let scripts = html.matches("<script").count();
        assert_eq!(scripts, 1, "{name}: only the page's own script element");
        assert!(!html.contains("<img"), "{name}: no element comes from a value");
        assert!(!html.contains("\"onmouseover="), "{name}: no attribute comes from a value");
    }
}

#[test]
fn pages_need_nothing_inline() {
    for Sample { name, html } in samples::all() {
        for tag in tags(&html) {
            for attribute in ["style=", "onclick=", "onload=", "onsubmit=", "onchange=", "onerror="] {
                assert!(!tag_has(tag, attribute), "{name}: {attribute} in {tag}");
            }
            assert!(!tag.contains("javascript:"), "{name}: {tag}");
            assert!(!tag.starts_with("<style"), "{name}: {tag}");
        }
        assert!(html.contains("<script src=\"/assets/"), "{name}");
        assert!(!html.contains("missing-"), "{name} names an asset that does not exist");
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for Sample { name, html } in samples::all() {
        for form in html.split("<form").skip(1) {
            let (opening, rest) = form.split_once('>').expect("a form tag ends");
            let body = rest.split("</form>").next().expect("a form ends");
            if opening.contains("method=\"post\"") {
                assert!(body.contains("name=\"csrf\" value=\"sample-csrf\""), "{name}: {opening}");
            } else {
                assert!(!body.contains("name=\"csrf\""), "{name}: the token does not belong into a URL");
            }
        }
    }
}

#[test]
fn every_symbol_exists_and_every_label_has_its_field() {
    for Sample { name, html } in samples::all() {
        for symbol in values(&html, "<use href=\"#") {
            assert!(html.contains(&format!("<symbol id=\"{symbol}\"")), "{name}: no symbol {symbol}");
        }
        for id in values(&html, "<label for=\"") {
            assert!(html.contains(&format!(" id=\"{id}\"")), "{name}: no field {id}");
        }
        for attribute in ["aria-labelledby=\"", "aria-describedby=\"", "popovertarget=\"", "aria-controls=\""] {
            for id in values(&html, attribute).into_iter().flat_map(str::split_whitespace) {
                assert!(html.contains(&format!(" id=\"{id}\"")), "{name}: {attribute}{id}");
            }
        }
    }
}

#[test]
fn ids_are_unique() {
    for Sample { name, html } in samples::all() {
        let mut ids = values(&html, " id=\"");
        ids.sort_unstable();
        for pair in ids.windows(2) {
            assert_ne!(pair[0], pair[1], "{name}");
        }
    }
}

#[test]
fn buttons_and_fields_have_names() {
    for Sample { name, html } in samples::all() {
        for button in html.split("<button").skip(1) {
            let (opening, rest) = button.split_once('>').expect("a button tag ends");
            let body = rest.split("</button>").next().expect("a button ends");
            let text = strip_tags(body);
            assert!(opening.contains("aria-label=") || !text.trim().is_empty(), "{name}: <button{opening}>");
        }
        for tag in tags(&html).filter(|tag| {
            (tag.starts_with("<input") && !tag.contains("type=\"hidden\"") && !tag.ends_with(" hidden"))
                || tag.starts_with("<select")
                || tag.starts_with("<textarea")
        }) {
            let labelled = tag.contains("aria-label=")
                || values(tag, " id=\"").first().is_some_and(|id| html.contains(&format!("<label for=\"{id}\"")));
            assert!(labelled, "{name}: {tag} has no label");
        }
    }
}

/// On a narrow screen the headings are out of sight, so each cell says its own.
#[test]
fn labels_of_cells_are_headings_of_their_table() {
    let mut labelled = 0;
    for Sample { name, html } in samples::all() {
        for table in html.split("<table class=\"rows").skip(1) {
            let table = table.split("</table>").next().expect("a table ends");
            let head = table.split("</thead>").next().expect("a head ends");
            for label in values(table, " data-label=\"") {
                assert!(strip_tags(head).contains(label), "{name}: no heading {label}");
                labelled += 1;
            }
        }
    }
    assert!(labelled > 50, "{labelled}");
}

fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split('>').next()).map(|tag| {
        let start = tag.as_ptr() as usize - html.as_ptr() as usize - 1;
        &html[start..start + tag.len() + 1]
    })
}

/// Whether the tag has an attribute that begins so, outside of quoted values.
fn tag_has(tag: &str, attribute: &str) -> bool {
    let bare = tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    bare.to_ascii_lowercase().contains(&format!(" {attribute}"))
}

fn values<'a>(html: &'a str, before: &str) -> Vec<&'a str> {
    html.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn strip_tags(html: &str) -> String {
    html.split('<').enumerate().map(|(i, part)| if i == 0 { part } else { part.split_once('>').map_or("", |p| p.1) }).collect()
}
