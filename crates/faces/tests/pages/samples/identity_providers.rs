use certhold_faces::web::view::form::{Check, Input};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::identity_providers::*;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("identity-providers", &list()),
        page("identity-providers-empty", &IdentityProvidersPage { rows: Vec::new(), ..list() }),
        page("identity-provider", &one()),
        page(
            "identity-provider-fresh",
            &IdentityProviderPage { accounts: Some(Vec::new()), form: None, problem: None, fetched: None, keys: 0, ..one() },
        ),
        page("identity-provider-new", &new()),
    ]
}

fn list() -> IdentityProvidersPage {
    let row = |name: &str, state: Badge| IdentityProviderRow {
        href: "/identity-providers/1".into(),
        name: name.into(),
        issuer: "https://sso.example.org/realms/corporate".into(),
        state,
        accounts: 1_204,
    };
    IdentityProvidersPage {
        frame: frame("Identity providers", Section::IdentityProviders),
        rows: vec![
            row("Corporate", Badge::new("Accepted", Tone::Good)),
            row(HOSTILE, Badge::new("No keys", Tone::Bad)),
            row(RTL, Badge::new("Keys not fresh", Tone::Warn)),
            row(LONG, Badge::new("Disabled", Tone::Neutral)),
        ],
        may_change: true,
    }
}

fn form() -> IdentityProviderForm {
    IdentityProviderForm {
        error: Some("There is an identity provider with this issuer already.".into()),
        display_name: Input::of(HOSTILE),
        audiences: Input::of("certhold").refused("Say what tokens for this server have as their audience (aud)."),
        role_claims: Input::of("roles\n/realm_access/roles"),
        subject_claims: Input::of("sub").refused("12 accounts are known by what sub says: it stays."),
        oid_claims: Input::of("oid"),
        client_id_claims: Input::of("azp\nclient_id"),
        roots: Input::of("-----BEGIN CERTIFICATE-----").refused("Give certificates in PEM."),
        enabled: Check::of(true),
    }
}

fn one() -> IdentityProviderPage {
    let account = |name: &str, is_disabled| ExternalAccountRow {
        account: Link::new(format!("Corporate\\{name}"), "/users/9"),
        display_name: name.into(),
        subject: HOSTILE.into(),
        is_disabled,
        last_seen: Some(at(-3 * HOUR)),
    };
    IdentityProviderPage {
        frame: frame(HOSTILE, Section::IdentityProviders).below("Identity providers", "/identity-providers"),
        id: 1,
        display_name: RTL.into(),
        issuer: "https://sso.example.org/realms/corporate".into(),
        state: Badge::new("Keys not fresh", Tone::Warn),
        created: at(-40 * DAY),
        keys: 3,
        fetched: Some(at(-2 * HOUR)),
        problem: Some(format!("It does not answer in time: {HOSTILE}.")),
        accounts: Some(vec![account("Marta", false), account(HOSTILE, true), account(LONG, false)]),
        form: Some(form()),
    }
}

fn new() -> NewIdentityProviderPage {
    NewIdentityProviderPage {
        frame: frame("New identity provider", Section::IdentityProviders).below("Identity providers", "/identity-providers"),
        name: Input::of(HOSTILE).refused("There is an identity provider named so already."),
        issuer: Input::of("http://sso.example.org").refused("The address must begin with https://."),
        form: form(),
    }
}
