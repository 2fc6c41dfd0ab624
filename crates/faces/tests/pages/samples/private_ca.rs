//! Private authorities, enrolment, patterns.

use certhold_faces::web::view::form::{Check, Choice, Input, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::metadata::{NotedField, NotedInput};
use certhold_faces::web::view::private_ca::*;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use super::*;

pub fn samples() -> Vec<Sample> {
    let rows = vec![
        authority_row("Example Root", 0, Badge::new("Issues", Tone::Good)),
        authority_row("Example Issuing", 1, Badge::new("Issues", Tone::Good)),
        authority_row(HOSTILE, 1, Badge::new("Retired", Tone::Neutral)),
    ];
    let choices = vec![choice("Web servers", "Example Issuing"), choice(HOSTILE, "")];
    vec![
        page("authorities", &authorities(rows)),
        page("authorities-empty", &authorities(Vec::new())),
        page("authority", &authority()),
        page("authority-new", &new_authority()),
        page("enrol", &enrol(choices.clone(), choices, true)),
        page("enrol-nothing", &enrol(Vec::new(), Vec::new(), true)),
        page("enrol-without-authority", &enrol(Vec::new(), Vec::new(), false)),
        page("enrol-form", &enrol_form()),
        page(
            "enrolled",
            &EnrolledPage {
                frame: frame("Issued", Section::Enrol).below("Enrol", "/enrol"),
                chain: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into(),
                key_made: true,
            },
        ),
        page("revoke", &revoke(Some("Example Issuing".into()))),
        page("revoke-elsewhere", &revoke(None)),
        page("patterns", &patterns(vec![pattern_row("Web servers"), pattern_row(HOSTILE)], true)),
        page("patterns-empty", &patterns(Vec::new(), false)),
        page("pattern", &pattern(Some(3))),
        page("pattern-new", &pattern(None)),
    ]
}

fn authority_row(name: &str, depth: usize, state: Badge) -> AuthorityRow {
    AuthorityRow {
        name: name.into(),
        href: "/authorities/1".into(),
        subject: format!("CN={name},O=Example,C=DE"),
        state,
        key: "EC P-384".into(),
        validity: life(-30, 3_000),
        issued: 12_408,
        depth,
    }
}

fn authorities(rows: Vec<AuthorityRow>) -> AuthoritiesPage {
    AuthoritiesPage { frame: frame("Private authorities", Section::Authorities), rows, may_change: true }
}

fn authority() -> AuthorityPage {
    AuthorityPage {
        frame: frame(HOSTILE, Section::Authorities).below("Private authorities", "/authorities"),
        id: 2,
        state: Badge::new("Issues", Tone::Good),
        subject: format!("CN={HOSTILE},O=Example"),
        certificate: Link::new("certificate 2", "/certificates/2"),
        parent: Some(Link::new(RTL, "/authorities/1")),
        key: "EC P-384".into(),
        validity: life(-30, 3_000),
        bounds: vec!["no authority below it".into(), format!("only within {LONG}")],
        base_url: "http://pki.example.org".into(),
        list_days: 7,
        list: Some((42, at(6 * DAY))),
        issued: 1,
        issued_href: "/certificates?q=IssuerDN".into(),
        enrol: Some("/enrol".into()),
        may_retire: true,
    }
}

fn new_authority() -> NewAuthorityPage {
    NewAuthorityPage {
        frame: frame("New authority", Section::Authorities).below("Private authorities", "/authorities"),
        error: Some("There is a private authority of this name already.".into()),
        name: Input::of(HOSTILE),
        subject: Input::of("O=Example").refused("An authority’s name has a common name."),
        parent: Select::of(vec![Choice::new("", "Itself: a root"), Choice::new("1", HOSTILE)]).choose("1"),
        key: Select::of(vec![Choice::new("p384", "ECDSA P-384")]).choose("p384"),
        days: Input::of("3650"),
        path_length: Input::of("0"),
        permitted: Input::of(format!("example.org\n{LONG}")),
        excluded: Input::default(),
        base_url: Input::of("http://pki.example.org"),
        list_days: Input::of("7"),
    }
}

fn choice(name: &str, authority: &str) -> EnrolChoice {
    EnrolChoice {
        href: "/enrol?pattern=3".into(),
        name: name.into(),
        description: "For shops".into(),
        template: "TLS server".into(),
        authority: authority.into(),
    }
}

fn enrol(patterns: Vec<EnrolChoice>, templates: Vec<EnrolChoice>, has_authority: bool) -> EnrolPage {
    EnrolPage { frame: frame("Enrol", Section::Enrol), patterns, templates, has_authority }
}

fn enrol_form() -> EnrolFormPage {
    let ways = vec![
        Choice::new("csr", "That of a signing request").with_hint("Whoever has the key sends its request below."),
        Choice::new("made", "A new one that is made here").with_hint("It stays in custody."),
    ];
    let owners = vec![Choice::new("", "Nobody"), Choice::new("7", HOSTILE)];
    EnrolFormPage {
        frame: frame(HOSTILE, Section::Enrol).below("Enrol", "/enrol"),
        description: "For shops".into(),
        pattern: "3".into(),
        template: String::new(),
        rules: vec!["No wildcards.".into(), format!("DNS name: {HOSTILE}")],
        error: Some("This pattern issues nothing with a key that is made here.".into()),
        way: Select::of(ways).choose("csr"),
        csr: Input::of("-----BEGIN").refused("Give one signing request as PEM."),
        key: Select::of(vec![Choice::new("p256", "ECDSA P-256")]).choose("p256"),
        authority: Some(Select::of(vec![Choice::new("1", RTL), Choice::new("2", "Example Issuing")]).choose("2")),
        subject: Input::of("CN=shop.example.org"),
        defaults: "O=Example, C=DE".into(),
        names: Input::of(LONG).refused("A host of ours."),
        days: Input::of("30"),
        life: (90, 398),
        owner: Some(Select::of(owners).choose("7").refused("Certificates of this pattern need an owner.")),
        noted: vec![NotedField {
            slug: "noted-1".into(),
            name: "Team".into(),
            hint: "Who answers for it.".into(),
            required: true,
            input: NotedInput::Line(Input::of(HOSTILE), "text"),
        }],
    }
}

fn revoke(authority: Option<String>) -> RevokePage {
    RevokePage {
        frame: frame("Revoke", Section::Certificates).below("Certificates", "/certificates").below(HOSTILE, "/certificates/7"),
        id: 7,
        within: Some(7),
        back: "/certificates/7?collection=7".into(),
        certificate: HOSTILE.into(),
        issuer: authority.is_none().then(|| HOSTILE.into()),
        authority,
        error: None,
        reason: Select::of(vec![Choice::new("0", "None is given"), Choice::new("4", "Another one has taken its place")]),
        comment: Input::default().refused("Say why."),
    }
}

fn pattern_row(name: &str) -> PatternRow {
    PatternRow {
        name: name.into(),
        href: "/patterns/3".into(),
        description: "For shops".into(),
        template: "TLS server".into(),
        is_default: true,
        authority: "Example Issuing".into(),
        roles: format!("Web, {RTL}"),
        owner: "Required",
    }
}

fn patterns(rows: Vec<PatternRow>, may_change: bool) -> PatternsPage {
    let policies = vec![Choice::new("optional", "an owner is optional"), Choice::new("required", "an owner is required")];
    PatternsPage {
        frame: frame("Enrolment patterns", Section::Patterns),
        rows,
        may_change,
        installation: may_change.then(|| Select::of(policies).choose("optional")),
        installation_says: "an owner is optional".into(),
        templates: vec![
            TemplateRow { number: 1, name: "TLS server".into(), required: true },
            TemplateRow { number: 2, name: "TLS client".into(), required: false },
        ],
        may_change_templates: may_change,
    }
}

fn pattern(id: Option<i64>) -> PatternPage {
    let part = |code, name, has_default| PartRow {
        code,
        name,
        has_default,
        default: String::new(),
        regex: r"\.example\.org$".into(),
        message: HOSTILE.into(),
    };
    let asks = vec![Choice::new("", "As the field asks by itself"), Choice::new("required", "Required")];
    let form = PatternForm {
        name: Input::of(HOSTILE).refused("There is an enrolment pattern of this name already."),
        template: Select::of(vec![Choice::new("server", "TLS server")]).choose("server"),
        authority: Select::of(vec![Choice::new("", "Whichever is named"), Choice::new("1", RTL)]).choose("1"),
        is_default: Check::of(true),
        roles: vec![Choice::new("7", HOSTILE)],
        kinds: vec![Choice::new("csr", "For a signing request")],
        most_days: Input::of("4000").refused("A TLS server certificate lives 1 to 398 days."),
        keys: vec![Choice::new("p256", "ECDSA P-256")],
        parts: vec![part("CN", "Common name", true), part("DNS", "DNS name", false)],
        parts_error: Some("CN: this is not a regular expression that can be used.".into()),
        owner_policy: Select::of(vec![Choice::new("required", "Required")]).choose("required"),
        default_owner: Select::of(vec![Choice::new("", "Nobody"), Choice::new("7", HOSTILE)]),
        fields: vec![FieldRow {
            id: 1,
            name: "Team".into(),
            enrolment: Select::of(asks).choose("required"),
            default: HOSTILE.into(),
            has_regex: true,
            regex: "^[a-z]+$".into(),
            message: String::new(),
        }],
        fields_error: Some("Team: the value does not match.".into()),
        ..PatternForm::default()
    };
    let title = if id.is_some() { HOSTILE } else { "New pattern" };
    PatternPage { frame: frame(title, Section::Patterns).below("Enrolment patterns", "/patterns"), id, may_change: true, form }
}
