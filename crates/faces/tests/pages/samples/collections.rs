use certhold_faces::web::view::collections::*;
use certhold_faces::web::view::form::{Check, Choice, Input, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::text::Link;

use super::*;

pub fn samples() -> Vec<Sample> {
    let new = NewCollectionPage { frame: frame("New collection", Section::Collections), form: form() };
    let hostile = CollectionForm { query: Input::of(HOSTILE).refused(HOSTILE), error: Some(HOSTILE.into()), ..form() };
    vec![
        page("collections", &list()),
        page("collections-empty", &CollectionsPage { rows: Vec::new(), ..list() }),
        page("collection", &one()),
        page("collection-hostile", &odd()),
        page("collection-new", &new),
        page("collection-new-hostile", &NewCollectionPage { form: hostile, ..new }),
        page("query", &language()),
    ]
}

const QUERY: &str = "SAN -endswith \".shop.example.com\" AND (KeySize -ge 2048 OR KeyType -eq ECC)";

fn list() -> CollectionsPage {
    let row = |name: &str, description: &str, query: &str, count, is_favourite| CollectionRow {
        href: "/collections/3".into(),
        name: name.into(),
        description: description.into(),
        query: query.into(),
        count,
        is_favourite,
    };
    CollectionsPage {
        frame: frame("Collections", Section::Collections),
        rows: vec![
            row("Web shop", "What the shop answers for", QUERY, Some(1_204), true),
            row("Everything", "", "", Some(12_408), false),
            row("Weak", "", "KeySize -lt 2048", None, false),
            row(HOSTILE, RTL, LONG, Some(0), false),
        ],
        may_change: true,
    }
}

fn form() -> CollectionForm {
    CollectionForm {
        error: None,
        name: Input::of("Web shop"),
        description: Input::of("What the shop answers for"),
        query: Input::of(QUERY),
        duplicates: Select::of(vec![Choice::new("none", "All are shown"), Choice::new("common_name", "The newest")]),
        on_dashboard: Check::of(true),
    }
}

fn one() -> CollectionPage {
    CollectionPage {
        frame: frame("Web shop", Section::Collections).below("Collections", "/collections"),
        id: 3,
        description: "What the shop answers for".into(),
        query: QUERY.into(),
        broken: None,
        certificates: Link::new("1,204 certificates", "/certificates?collection=3"),
        is_favourite: true,
        on_dashboard: true,
        duplicates: "Of certificates with the same subject, lists show the newest.".into(),
        grants: Some(vec![GrantLine {
            role: Link::new("Web shop", "/roles/4"),
            paths: vec!["/certificates/collections/read/3/".into(), "/certificates/collections/change_owner/3/".into()],
        }]),
        form: Some(form()),
        removal: "1 role has rights on it.".into(),
    }
}

fn odd() -> CollectionPage {
    CollectionPage {
        frame: frame(HOSTILE, Section::Collections).below("Collections", "/collections"),
        description: RTL.into(),
        query: HOSTILE.into(),
        broken: Some(HOSTILE.into()),
        is_favourite: false,
        grants: Some(vec![GrantLine { role: Link::new(HOSTILE, "/roles/4"), paths: vec![LONG.into()] }]),
        form: None,
        ..one()
    }
}

fn language() -> QueryPage {
    let line = |name: &str, aliases: &str, kind: &str, values: &str, meaning: &str| FieldLine {
        name: name.into(),
        aliases: aliases.into(),
        kind: kind.into(),
        operators: "-eq -ne -contains -in".into(),
        values: values.into(),
        meaning: meaning.into(),
    };
    QueryPage {
        frame: frame("Query language", Section::Collections),
        fields: vec![
            line("IssuedCN", "CN, CommonName", "text", "", "The subject’s common name."),
            line("KeyType", "", "choice", "RSA, DSA, ECC", "The family of the key’s algorithm."),
            line(HOSTILE, RTL, "text, several", LONG, HOSTILE),
        ],
        operators: vec![("-eq".into(), "Is equal to.".into()), ("-in".into(), "Is one of the values in parentheses.".into())],
    }
}
