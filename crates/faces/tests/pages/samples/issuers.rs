use certhold_faces::web::view::form::{Check, Choice, Input, SecretInput, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::issuers::*;
use certhold_faces::web::view::tone::{Badge, Tone};

use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("issuers", &issuers()),
        page("issuers-empty", &IssuersPage { rows: Vec::new(), ..issuers() }),
        page("issuer-new", &issuer()),
        page("issuer-refused", &refused_issuer()),
        page("issuer", &known_issuer()),
        page("dns-providers", &providers()),
        page("dns-providers-empty", &DnsProvidersPage { rows: Vec::new(), ..providers() }),
        page("dns-provider-kinds", &kinds()),
        page("dns-provider-edit", &provider()),
    ]
}

fn issuers() -> IssuersPage {
    let row = |name: &str, directory: &str, state: Badge, used_by| IssuerRow {
        href: "/issuers/1".into(),
        name: name.into(),
        directory: directory.into(),
        contact: "pki@example.com".into(),
        state,
        used_by,
    };
    IssuersPage {
        frame: frame("Issuers", Section::Issuers),
        rows: vec![
            row("Let’s Encrypt", "https://acme-v02.api.letsencrypt.org/directory", Badge::new("Registered", Tone::Good), 309),
            row(
                "Example Issuing CA 2",
                "https://acme.pki.example.com/acme/issuing2/directory",
                Badge::new("Registered", Tone::Good),
                3,
            ),
            row(HOSTILE, "https://localhost:14000/dir", Badge::new("Not registered yet", Tone::Neutral), 0),
        ],
        may_change: true,
    }
}

fn issuer() -> IssuerFormPage {
    IssuerFormPage {
        frame: frame("New issuer", Section::Issuers).below("Issuers", "/issuers"),
        error: None,
        name: Input::default(),
        directory: Input::default(),
        known_directories: vec![("Let’s Encrypt".into(), "https://acme-v02.api.letsencrypt.org/directory".into())],
        contact: Input::default(),
        eab_kid: Input::default(),
        eab_key: SecretInput::default(),
        trust: Input::default(),
        terms: Check::default(),
    }
}

fn known_issuer() -> IssuerDetailPage {
    IssuerDetailPage {
        frame: frame(HOSTILE, Section::Issuers).below("Issuers", "/issuers"),
        state: Badge::new("Registered", Tone::Good),
        directory: "https://acme.pki.example.com/acme/issuing2/directory".into(),
        contacts: vec!["pki@example.com".into(), HOSTILE.into()],
        eab_kid: "kid-7".into(),
        trust: format!("-----BEGIN CERTIFICATE-----\n{LONG}\n-----END CERTIFICATE-----"),
        used_by: 3,
        remove_action: Some("/issuers/2/remove".into()),
    }
}

fn refused_issuer() -> IssuerFormPage {
    let mut page = issuer();
    page.error = Some("The authority did not answer: connection refused at acme.pki.example.com:443.".into());
    page.name = Input::of("Example Issuing CA 2");
    page.directory = Input::of("http://acme.pki.example.com/directory").refused("The directory must be reached by https.");
    page.eab_kid = Input::of("kid-7");
    page.eab_key = SecretInput { is_set: true, error: None };
    page.terms = Check { is_checked: false, error: Some("The authority registers nobody without consent.".into()) };
    page
}

fn providers() -> DnsProvidersPage {
    let row = |name: &str, kind: &str, target: &str| DnsProviderRow {
        href: "/dns-providers/2".into(),
        name: name.into(),
        kind: kind.into(),
        target: target.into(),
        used_by: 12,
    };
    DnsProvidersPage {
        frame: frame("DNS providers", Section::DnsProviders),
        rows: vec![
            row("PowerDNS, Frankfurt", "PowerDNS", "https://dns.example.net:8081"),
            row("BIND, office", "RFC 2136", "192.0.2.53:53"),
            row(HOSTILE, "RFC 2136", RTL),
        ],
        may_change: true,
    }
}

fn kind(code: &str, label: &str, hint: &str) -> ProviderKind {
    ProviderKind { code: code.into(), label: label.into(), hint: hint.into(), href: format!("/dns-providers/new?kind={code}") }
}

fn kinds() -> DnsProviderFormPage {
    DnsProviderFormPage {
        frame: frame("New DNS provider", Section::DnsProviders).below("DNS providers", "/dns-providers"),
        action: "/dns-providers/new".into(),
        is_new: true,
        may_change: true,
        remove_action: None,
        kinds: vec![
            kind("powerdns", "PowerDNS", "HTTP API: URL and API key"),
            kind("rfc2136", "RFC 2136", "Dynamic update with TSIG: BIND, Knot, Windows and others"),
        ],
        kind: None,
        error: None,
        name: Input::default(),
        parameters: Vec::new(),
    }
}

fn provider() -> DnsProviderFormPage {
    let mut page = kinds();
    page.frame.title = "BIND, office".into();
    page.is_new = false;
    page.action = "/dns-providers/3".into();
    page.remove_action = Some("/dns-providers/3/remove".into());
    page.kind = Some(page.kinds[1].clone());
    page.name = Input::of("BIND, office");
    let parameter = |name: &str, label: &str, hint: &str, field| Parameter {
        name: name.into(),
        label: label.into(),
        hint: hint.into(),
        is_required: true,
        field,
    };
    page.parameters = vec![
        parameter("server", "Server", "Address and port.", ParameterField::Text(Input::of("192.0.2.53:53"))),
        parameter("key_name", "Key name", "", ParameterField::Text(Input::of("certhold."))),
        parameter(
            "algorithm",
            "Algorithm",
            "",
            ParameterField::Choice(Select::of(vec![
                Choice::new("hmac-sha256", "HMAC-SHA-256"),
                Choice::new("hmac-sha512", "HMAC-SHA-512"),
            ])),
        ),
        parameter(
            "secret",
            "Key",
            "Base64, as tsig-keygen prints it.",
            ParameterField::Secret(SecretInput { is_set: true, error: Some("This is not base64.".into()) }),
        ),
    ];
    page
}
