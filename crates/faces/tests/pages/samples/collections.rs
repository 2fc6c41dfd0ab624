use certhold_faces::web::view::collections::*;
use certhold_faces::web::view::form::{Check, Choice, Input, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::rights::{RightLine, RightsCard, RightsForm, RoleRights};
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
        rights: Some(rights("/collections/3/rights", "collection", "Web shop")),
        form: Some(form()),
        removal: "1 role has rights on it.".into(),
    }
}

/// The rights of roles on a collection or container.
pub fn rights(action: &str, noun: &'static str, role: &str) -> RightsCard {
    let line = |meaning: &str, path: &str, may_take| RightLine { meaning: meaning.into(), path: path.into(), may_take };
    let right = |path: &str, meaning: &str| Choice::new(path, meaning).with_hint(path);
    RightsCard {
        action: action.into(),
        noun,
        held: vec![RoleRights {
            role: Link::new(role, "/roles/4"),
            number: 4,
            rights: vec![
                line("See certificates and their history.", "/certificates/collections/read/3/", true),
                line(role, LONG, false),
            ],
        }],
        form: Some(RightsForm {
            error: Some(role.into()),
            role: Select::of(vec![Choice::new("", "—"), Choice::new("4", role), Choice::new("5", role).barred(role)]),
            rights: vec![
                right("/certificates/collections/read/3/", "See certificates and their history."),
                right(LONG, role).barred("You do not hold it."),
            ],
        }),
    }
}

fn odd() -> CollectionPage {
    CollectionPage {
        frame: frame(HOSTILE, Section::Collections).below("Collections", "/collections"),
        description: RTL.into(),
        query: HOSTILE.into(),
        broken: Some(HOSTILE.into()),
        is_favourite: false,
        rights: Some(rights("/collections/3/rights", "collection", HOSTILE)),
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
