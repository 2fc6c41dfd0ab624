use certhold_faces::web::view::access::*;
use certhold_faces::web::view::form::{Check, Choice, Input, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::table::Pager;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use super::people::tree;
use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("sets", &sets()),
        page("set", &set()),
        page("set-built-in", &SetPage { form: None, remove_action: None, stopped: Vec::new(), began: Vec::new(), ..set() }),
        page("set-new", &SetPage { is_new: true, roles: Vec::new(), stopped: Vec::new(), began: Vec::new(), ..set() }),
        page("claims", &claims()),
        page("claims-empty", &ClaimsPage { rows: Vec::new(), form: None, ..claims() }),
        page("claim", &claim()),
        page("why", &why()),
        page("why-empty", &WhyPage { answer: None, error: None, ..why() }),
        page("access-review", &review()),
        page("access-review-empty", &ReviewPage { rows: Vec::new(), ..review() }),
    ]
}

fn sets() -> SetsPage {
    let row = |name: &str, permissions: &[&str], is_built_in| SetRow {
        href: "/permission-sets/2".into(),
        name: name.into(),
        permissions: permissions.iter().map(|path| (*path).to_owned()).collect(),
        roles: 4,
        is_built_in,
    };
    SetsPage {
        frame: frame("Permission sets", Section::Sets),
        rows: vec![
            row("Global", &["/"], true),
            row(HOSTILE, &["/certificates/", "/security/read/"], false),
            row(RTL, &[], false),
        ],
        may_change: true,
    }
}

fn set() -> SetPage {
    let affected = |name: &str| Affected {
        role: Link::new(name, "/roles/4"),
        paths: vec!["/certificates/import/".into(), "/certificates/collections/read/".into()],
        holders: 17,
    };
    SetPage {
        frame: frame(HOSTILE, Section::Sets).below("Permission sets", "/permission-sets"),
        is_new: false,
        action: "/permission-sets/2".into(),
        permissions: vec!["/certificates/".into()],
        form: Some(SetForm {
            error: None,
            name: Input::of(HOSTILE).refused("There is a permission set of this name already."),
            tree: tree(),
            permissions: Input::of("/certificates/collections/read/12/"),
        }),
        roles: vec![Link::new("Payments team", "/roles/4"), Link::new(HOSTILE, "/roles/9")],
        stopped: vec![affected("Payments team"), affected(HOSTILE)],
        began: vec![affected(RTL)],
        remove_action: Some("/permission-sets/2/remove".into()),
    }
}

fn claims() -> ClaimsPage {
    let row = |value: &str| ClaimRow {
        href: "/claims/1".into(),
        kind: "oauth_role".into(),
        value: value.into(),
        provider: HOSTILE.into(),
        is_unknown: true,
        description: "Whoever is on call.".into(),
        roles: vec!["Payments team".into(), HOSTILE.into()],
    };
    ClaimsPage {
        frame: frame("Claims", Section::Claims),
        rows: vec![row("certificate-operators"), row(HOSTILE), row(RTL), row(LONG)],
        form: Some(ClaimForm {
            error: None,
            kind: Select::of(vec![Choice::new("group", "group"), Choice::new("oauth_role", "oauth_role")]).choose("group"),
            value: Input::of("").refused("A claim says something."),
            providers: Some(Select::of(vec![Choice::new(HOSTILE, HOSTILE), Choice::new("", "Another, by its name")])),
            provider: Input::of("corporate"),
            description: Input::default(),
        }),
    }
}

fn claim() -> ClaimPage {
    let mut held = Choice::new("4", "Payments team").with_hint("Answers for what takes money.");
    held.is_chosen = true;
    ClaimPage {
        frame: frame(HOSTILE, Section::Claims).below("Claims", "/claims"),
        id: 1,
        kind: "oauth_role".into(),
        provider: HOSTILE.into(),
        is_unknown: true,
        description: "Whoever is on call.".into(),
        created: at(-40 * DAY),
        roles: vec![held, Choice::new("1", "Administrator").barred("You do not hold /, which this role grants.")],
        new_description: Input::of("Whoever is on call."),
        may_change: true,
    }
}

fn why() -> WhyPage {
    let role = |name: &str, brings: bool| WhyRole {
        role: Link::new(name, "/roles/4"),
        badge: if brings { Badge::new("Brings it", Tone::Good) } else { Badge::new("Does not", Tone::Neutral) },
        set: HOSTILE.into(),
        verdict: "Grants it in collection 7 only, where the certificate is not.".into(),
    };
    WhyPage {
        frame: frame("Why", Section::None),
        error: Some("There is no certificate 4711.".into()),
        user: Input::of(HOSTILE),
        token: Input::of("12"),
        client: Input::default(),
        claim: Input::of("x").refused("This is no number."),
        action: Input::of("/certificates/collections/change_owner/").refused("This is no permission."),
        certificate: Input::of("4711"),
        collection: Input::default(),
        container: Input::default(),
        answer: Some(WhyAnswer {
            subject: HOSTILE.into(),
            badge: Badge::new("Not allowed", Tone::Bad),
            sentence: "Missing /certificates/collections/change_owner/7/.".into(),
            action: "/certificates/collections/change_owner/".into(),
            meaning: "Change a certificate's owner, between roles one holds.".into(),
            missing: vec!["/certificates/collections/change_owner/".into()],
            roles: vec![role("Payments team", true), role(HOSTILE, false)],
        }),
        known: vec![WhyLink {
            href: "/access/why?action=%2Fcertificates%2Fimport%2F".into(),
            path: "/certificates/import/".into(),
            meaning: "Add certificates to the inventory.".into(),
        }],
    }
}

fn review() -> ReviewPage {
    let row = |name: &str, kind: &str, certificates| ReviewRow {
        holder: Link::new(name, "/users/3"),
        kind: kind.into(),
        is_disabled: kind == "person",
        meaning: "Change a certificate's owner, between roles one holds.".into(),
        action: "/certificates/collections/change_owner/".into(),
        why: "/access/why?action=%2F".into(),
        reach: format!("Collection 7, {HOSTILE}"),
        owners: format!("Owned by nobody, {HOSTILE}."),
        roles: vec![Link::new("Payments team", "/roles/4"), Link::new(HOSTILE, "/roles/9")],
        certificates,
    };
    ReviewPage {
        frame: frame("Access review", Section::Review),
        as_of: at(0),
        error: None,
        user: Input::of(HOSTILE),
        action: Select::of(vec![Choice::new("", "All that concern certificates"), Choice::new("/", "/")]).choose("/"),
        action_value: "/".into(),
        role: Select::of(vec![Choice::new("", "Any"), Choice::new("4", HOSTILE)]).choose("4"),
        role_value: "4".into(),
        disabled: Check::of(true),
        rows: vec![
            row("marta.lindqvist", "person", Some(1_204)),
            row(HOSTILE, "claim", None),
            row(RTL, "service account", Some(0)),
        ],
        pager: Pager { shown: 3, next: Some("/access/review?after=x".into()), ..Pager::default() },
    }
}
