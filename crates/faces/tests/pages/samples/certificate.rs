use certhold_faces::web::view::access::WhoMay;
use certhold_faces::web::view::certificate::{
    CertificatePage, Contact, Download, Extension, Fact, FactGroup, FindingLine, KeyCard, OwnerCard, RenewalNotice, RevokedCard,
    SubjectName, Version,
};
use certhold_faces::web::view::chains::{ChainBox, ChainLine, ChainPath, ChainsCard, JudgeForm, TrustVerdict};
use certhold_faces::web::view::event::Change;
use certhold_faces::web::view::form::{Choice, Input, Select};
use certhold_faces::web::view::frame::{Notice, Section};
use certhold_faces::web::view::managed::TroubleDetail;
use certhold_faces::web::view::private_key::{
    DestroyForm, ExportForm, KeyRequestForm, KeyRequestPage, KeyRequestRow, KeyRequestsPage, PrivateKeyPage,
};
use certhold_faces::web::view::roles::Permission;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use certhold_faces::web::view::metadata::MetadataCard;

use super::home::event;
use super::metadata::noted;
use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("certificate", &rich()),
        page("certificate-refused", &refused()),
        page("certificate-bare", &bare()),
        page("certificate-hostile", &hostile()),
        page("private-key", &private_key("payments.example.com", None)),
        page("private-key-refused", &private_key(HOSTILE, Some(HOSTILE))),
        page("key-requests", &key_requests(&["www.example.com", HOSTILE, RTL, LONG])),
        page("key-requests-empty", &key_requests(&[])),
        page("key-request", &key_request("www.example.com")),
        page("key-request-hostile", &key_request(HOSTILE)),
    ]
}

fn private_key(name: &str, error: Option<&str>) -> PrivateKeyPage {
    let formats = vec![
        Choice::new("pem", "PEM").with_hint("For most servers."),
        Choice::new("pkcs12", "PKCS#12 (AES-256)"),
        Choice::new("jks", "Java keystore (JKS)"),
    ];
    let mut export = ExportForm { format: Select::of(formats).choose("pkcs12"), ..ExportForm::default() };
    let mut destroy = DestroyForm::default();
    if let Some(error) = error {
        export.error = Some(error.into());
        export.password.error = Some("At least 8 characters.".into());
        export.reason = Input::of(HOSTILE).refused(error);
        destroy.error = Some("The key belongs to a managed certificate.".into());
        destroy.why = Input::of(RTL).refused(error);
    }
    PrivateKeyPage {
        frame: frame(&format!("Private key of {name}"), Section::Certificates).below(name, "/certificates/812"),
        id: 812,
        within: Some(7),
        back: "/certificates/812?collection=7".into(),
        export: Some(export),
        destroy: Some(destroy),
    }
}

fn key_request_row(name: &str, number: i64) -> KeyRequestRow {
    KeyRequestRow {
        name: name.into(),
        href: format!("/key-requests/{number}"),
        key: "EC 256".into(),
        certificate: (number % 2 == 0).then(|| Link::new("certificate 812", "/certificates/812")),
        made: at(-number * DAY),
    }
}

fn key_requests(names: &[&str]) -> KeyRequestsPage {
    let key = Select::of(vec![Choice::new("p256", "ECDSA P-256"), Choice::new("rsa2048", "RSA 2048")]).choose("p256");
    KeyRequestsPage {
        frame: frame("Key requests", Section::Import).below("Import", "/import"),
        rows: names.iter().zip(1..).map(|(name, number)| key_request_row(name, number)).collect(),
        next: names.first().map(|_| "/key-requests?before=7".into()),
        form: Some(KeyRequestForm { names: Input::of(names.join("\n")), key, ..KeyRequestForm::default() }),
    }
}

fn key_request(name: &str) -> KeyRequestPage {
    KeyRequestPage {
        frame: frame(name, Section::Import).below("Key requests", "/key-requests"),
        row: key_request_row(name, 3),
        names: vec![name.into(), "*.example.com".into()],
        csr: format!("-----BEGIN CERTIFICATE REQUEST-----\n{name}\n-----END CERTIFICATE REQUEST-----\n"),
        remove_action: Some("/key-requests/3/remove".into()),
    }
}

fn roles() -> Select {
    Select::of(vec![
        Choice::new("", "Nobody"),
        Choice::new("4", "Payments team"),
        Choice::new("5", "Web shop"),
        Choice::new("6", "Platform").barred("you do not hold this role"),
    ])
}

fn rich() -> CertificatePage {
    let sha256 = "9D:1C:4B:E0:A7:F2:55:0B:61:3E:88:C4:0D:92:7F:AA:31:5E:66:D0:18:2B:4C:9F:E3:70:5A:B8:C1:04:DD:2E";
    let validity = life(-160, 38);
    let mut changed = event(48_211, 9 * MINUTE, "marta.lindqvist", "changed the owner", "people", Tone::Neutral);
    changed.changes =
        vec![Change { field: "owner".into(), before: Some("Infrastructure".into()), after: Some("Payments team".into()) }];
    CertificatePage {
        frame: frame("payments.example.com", Section::Certificates).below("Certificates", "/certificates"),
        id: 812,
        within: Some(7),
        badges: vec![validity.expiry.badge(), Badge::new("Unmanaged", Tone::Neutral)],
        validity,
        managed: Some(Link::new("payments.example.com", "/managed/7")),
        revoked: None,
        renewal: None,
        groups: vec![
            FactGroup {
                title: "Subject".into(),
                facts: vec![
                    Fact::text("Common name", "payments.example.com").copyable(),
                    Fact::text("Organisation", "Example Payments AB"),
                    Fact::text("Locality", "Göteborg, SE"),
                ],
            },
            FactGroup {
                title: "Issuer".into(),
                facts: vec![
                    Fact::link("Issued by", Link::new("DigiCert TLS RSA SHA256 2020 CA1", "/certificates/2")),
                    Fact::text("Organisation", "DigiCert Inc, US"),
                ],
            },
            FactGroup {
                title: "Key".into(),
                facts: vec![
                    Fact::text("Public key", "RSA 4096, exponent 65537"),
                    Fact::text("Signature", "SHA-256 with RSA"),
                    Fact::code("Key identifier", "B7:6B:A2:EA:A8:AA:84:8C:79:EA:B4:DA:0F:98:B2:C5:95:76:B9:F4"),
                ],
            },
            FactGroup {
                title: "Identifiers".into(),
                facts: vec![
                    Fact::code("Serial number", "0C:8E:E0:C9:0D:6A:89:15:88:04:06:1E:E2:41:F9:AF"),
                    Fact::code("SHA-256", sha256),
                    Fact::code("SHA-1", "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D"),
                    Fact::time("First seen", at(-150 * DAY)),
                ],
            },
        ],
        names: (0..64)
            .map(|i| SubjectName { kind: "DNS".into(), value: format!("pay-{i:02}.eu.payments.example.com") })
            .chain([
                SubjectName { kind: "IP".into(), value: "2001:db8::17".into() },
                SubjectName { kind: "email".into(), value: "payments@example.com".into() },
            ])
            .collect(),
        extensions: vec![
            Extension { name: "Key usage".into(), oid: "2.5.29.15".into(), is_critical: true, value: "Digital signature, key encipherment".into() },
            Extension { name: "Extended key usage".into(), oid: "2.5.29.37".into(), is_critical: false, value: "TLS server, TLS client".into() },
            Extension { name: "Basic constraints".into(), oid: "2.5.29.19".into(), is_critical: true, value: "Not a CA".into() },
            Extension { name: "CRL distribution points".into(), oid: "2.5.29.31".into(), is_critical: false, value: "http://crl3.digicert.com/DigiCertTLSRSASHA2562020CA1-4.crl\nhttp://crl4.digicert.com/DigiCertTLSRSASHA2562020CA1-4.crl".into() },
            Extension { name: "1.3.6.1.4.1.99999.1".into(), oid: "1.3.6.1.4.1.99999.1".into(), is_critical: false, value: "04 0A 13 08 75 6E 6B 6E 6F 77 6E 21".into() },
        ],
        more: vec![FactGroup {
            title: "Subject, taken apart".into(),
            facts: vec![
                Fact::text("OpenJDK", "CN=payments.example.com, O=Example Payments AB, L=Göteborg, C=SE").copyable(),
                Fact::text("O", "Example Payments AB (UTF8String)"),
            ],
        }],
        findings: findings(),
        chains: chains(),
        owner: OwnerCard {
            owner: Some(Link::new("Payments team", "/roles/4")),
            container: Some(4),
            people: Some(6),
            contact: Contact {
                email: "payments@example.com".into(),
                people: vec![Link::new("marta.lindqvist", "/users/4"), Link::new(HOSTILE, "/users/5")],
                has_more: true,
            },
            form: Some(roles().choose("4")),
            reason: String::new(),
            missing: Vec::new(),
        },
        noted: MetadataCard {
            values: vec![("Team".into(), "Payments".into()), ("Tier".into(), "2".into())],
            form: Some(noted("Payments")),
            error: None,
        },
        key: KeyCard { is_held: true, text: "Sealed in custody since 2026-06-15.".into(), href: Some("/certificates/812/key".into()) },
        locations: vec![super::stores::location("Shop front", "payments", false), super::stores::location(HOSTILE, RTL, true)],
        versions: vec![
            version(3, validity, true, true),
            version(2, life(-525, -160), false, false),
            version(1, life(-890, -525), false, false),
        ],
        history: vec![
            changed,
            event(31_007, 40 * DAY, "Certhold", "noticed that 38 names resolve to other addresses", "info", Tone::Info),
            event(20_112, 150 * DAY, "ci-importer", "imported the certificate with its private key", "import", Tone::Neutral),
        ],
        more_history: Some("/events?object=certificate-812".into()),
        adopt: Some("/managed/new?adopt=812".into()),
        may_remove: true,
        may_exclude: true,
        may_readmit: true,
        revoke: Some("/certificates/7/revoke".into()),
        renew: Some("/certificates/7/renew".into()),
        who_may: vec![WhoMay {
            permission: Permission { path: "/certificates/collections/read/".into(), meaning: "See certificates.".into() },
            why: "/access/why?action=%2Fcertificates%2Fcollections%2Fread%2F&certificate=7".into(),
            roles: vec![Link::new(HOSTILE, "/roles/4"), Link::new("Payments team (through container 7, Web servers)", "/roles/5")],
        }],
        downloads: downloads(),
        pem: format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", format!("{}\n", "MIIHQjCCBiqgAwIBAgIQDI7gyQ1qiRWIBAYe4kH5rzANBgkqhkiG9w0BAQsFADBE").repeat(24)),
    }
}

fn findings() -> Vec<FindingLine> {
    let line = |word: &str, tone: Tone, rule: &str, sentence: &str, remedy: &str, citation: &str| FindingLine {
        badge: Badge::new(word, tone),
        rule: rule.into(),
        sentence: sentence.into(),
        remedy: remedy.into(),
        citation: citation.into(),
        href: "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6".into(),
    };
    vec![
        line(
            "Error",
            Tone::Bad,
            "san-dns-malformed",
            "\"pay_1 .example\" is no host name.",
            "Use letters, digits and hyphens.",
            "RFC 5280 section 4.2.1.6",
        ),
        line(
            "Notice",
            Tone::Info,
            "tls-client-auth-ends",
            "The extended key usage has clientAuth; from 2027-03-15 public authorities leave it out.",
            "If clients sign in with it, move them to a private authority before the renewal.",
            "Chrome Root Program Policy v1.8, from 2027-03-15",
        ),
    ]
}

fn chains() -> ChainsCard {
    let held = |x: i64, y: i64, id: i64, label: &str, state: Badge| ChainBox {
        x,
        y,
        label: label.into(),
        title: label.into(),
        state,
        href: Some(format!("/certificates/{id}")),
        is_held: true,
        is_root: y == 6,
        is_this: id == 812,
    };
    let good = |date: &str| Badge::new(format!("Valid until {date}"), Tone::Good);
    let missing = ChainBox {
        href: None,
        is_held: false,
        is_root: false,
        ..held(260, 6, 0, "Baltimore CyberTrust Root", Badge::new("Not held", Tone::Warn))
    };
    let line = |from, to, is_verified| ChainLine { from, to, is_verified };
    ChainsCard {
        width: 496,
        height: 248,
        boxes: vec![
            held(133, 190, 812, "payments.example.com", good("2026-12-30")),
            held(133, 98, 2, "DigiCert TLS RSA SHA256 2020 …", Badge::new("Expired 2026-09-23", Tone::Bad)),
            held(6, 6, 1, "DigiCert Global Root CA", good("2031-11-10")),
            missing,
        ],
        lines: vec![line((248, 190), (248, 150), true), line((248, 98), (121, 58), true), line((248, 98), (375, 58), false)],
        paths: vec![
            ChainPath {
                badge: Badge::new("Reaches a root, with problems", Tone::Bad),
                names: ["payments.example.com", "DigiCert TLS RSA SHA256 2020 CA1", "DigiCert Global Root CA"]
                    .map(String::from)
                    .to_vec(),
                remarks: vec!["DigiCert TLS RSA SHA256 2020 CA1 has expired.".into()],
            },
            ChainPath {
                badge: Badge::new("Incomplete", Tone::Warn),
                names: vec!["payments.example.com".into(), "DigiCert TLS RSA SHA256 2020 CA1".into()],
                remarks: vec!["The issuer is not held: CN=Baltimore CyberTrust Root.".into()],
            },
        ],
        notes: vec!["DigiCert Global Root CA is cross-signed: it has 2 certificates for one key.".into()],
        verdicts: vec![TrustVerdict {
            name: "This machine".into(),
            href: "/trust-sets/1".into(),
            badge: Badge::new("Not trusted", Tone::Bad),
            reasons: vec!["It, or an authority above it, has ended on 2026-09-23 23:59:59 UTC.".into()],
        }],
        left_out: "Not looked at, since there are more than are judged at once: “Test”. Choose one.".into(),
        judge: Some(JudgeForm {
            action: "/certificates/812".into(),
            within: Some(7),
            trust: Select::of(vec![Choice::new("", "All trust sets"), Choice::new("1", HOSTILE)]),
            usage: Select::of(vec![Choice::new("server", "A server shows it"), Choice::new("client", "A client shows it")]),
            name: Input::of(HOSTILE),
        }),
    }
}

fn downloads() -> Vec<Download> {
    [
        ("PEM", "The certificate, text", "pem"),
        ("DER", "The certificate, binary", "der"),
        ("Chain", "The issuers, PEM", "chain"),
        ("Full chain", "The certificate and its issuers, PEM", "fullchain"),
    ]
    .map(|(label, hint, file)| Download { label: label.into(), hint: hint.into(), href: format!("/certificates/812/{file}") })
    .to_vec()
}

pub fn version(number: i64, validity: Validity, is_this: bool, is_in_service: bool) -> Version {
    Version {
        number,
        href: format!("/certificates/{}", 800 + number),
        validity,
        serial: "0C:8E:E0:C9:0D:6A:89:15:88:04:06:1E:E2:41:F9:AF".into(),
        is_this,
        is_in_service,
    }
}

fn refused() -> CertificatePage {
    let mut page = rich();
    page.frame = page.frame.with_notice(Notice::bad("The owner was not changed."));
    page.owner.form =
        Some(roles().choose("5").refused(
            "You hold Web shop but not Payments team, which owns the certificate now. Both are needed to hand it over.",
        ));
    page
}

fn bare() -> CertificatePage {
    let mut page = rich();
    page.frame.title = "9D1C4BE0A7F2550B613E88C40D927FAA315E66D0182B4C9FE3705AB8C104DD2E".into();
    page.validity = life(-1_000, -3);
    page.badges = vec![page.validity.expiry.badge()];
    page.managed = None;
    page.names.clear();
    page.findings.clear();
    page.chains = ChainsCard::default();
    page.extensions.clear();
    page.versions.truncate(1);
    page.history.truncate(1);
    page.more_history = None;
    page.renewal = Some(RenewalNotice {
        tone: Tone::Bad,
        trouble: TroubleDetail { headline: "Nobody renews this: it expired 3 days ago.".into(), ..TroubleDetail::default() },
        managed: None,
        renew: None,
        adopt: Some("/managed/new?adopt=812".into()),
        missing: "",
    });
    page.key = KeyCard { is_held: false, text: "Not here; only the certificate is held.".into(), href: None };
    page.owner = OwnerCard {
        owner: None,
        container: None,
        people: None,
        contact: Contact::default(),
        form: None,
        reason: String::new(),
        missing: vec!["/certificates/change_owner/".into(), "/certificates/collections/change_owner/7/".into()],
    };
    page
}

fn hostile() -> CertificatePage {
    let mut page = rich();
    page.frame.title = format!("{HOSTILE} {RTL}");
    page.pem = HOSTILE.into();
    page.renewal = Some(RenewalNotice {
        tone: Tone::Bad,
        trouble: TroubleDetail {
            headline: format!("{HOSTILE} expired."),
            cause: HOSTILE.into(),
            remedy: RTL.into(),
            place: Some(Link::new(HOSTILE, "/issuers/1")),
            next_try: "It is tried again in 4 hours.".into(),
            answer: HOSTILE.into(),
            failed: Some(at(-DAY)),
            tries: 7,
        },
        managed: Some(Link::new(HOSTILE, "/managed/7")),
        renew: Some("/managed/7/renew".into()),
        adopt: None,
        missing: "/renewal/read/",
    });
    page.validity = page.validity.revoked(Some(NOW - 3 * DAY));
    page.badges = vec![page.validity.expiry.badge()];
    page.revoked = Some(RevokedCard {
        at: at(-3 * DAY),
        by: HOSTILE.into(),
        because: "because its key is in wrong hands (keyCompromise)".into(),
        comment: format!("{HOSTILE} {RTL}"),
        at_issuer: (Tone::Bad, format!("It is revoked here, and not by Let’s Encrypt. {HOSTILE}")),
    });
    for fact in page.groups.iter_mut().flat_map(|group| &mut group.facts) {
        *fact = Fact::code(HOSTILE, HOSTILE);
    }
    for (name, text) in page.names.iter_mut().zip([HOSTILE, RTL, LONG]) {
        name.value = text.into();
    }
    for extension in &mut page.extensions {
        extension.name = HOSTILE.into();
        extension.value = format!("{HOSTILE}{}", "x".repeat(400));
    }
    page.noted.values = vec![(HOSTILE.into(), RTL.into()), (LONG.into(), LONG.into())];
    page.noted.form = Some(noted(HOSTILE));
    page.noted.error = Some(HOSTILE.into());
    page.owner.owner = Some(Link::new(HOSTILE, "/roles/1"));
    page.owner.contact.email = HOSTILE.into();
    for finding in &mut page.findings {
        finding.sentence = format!("\"{HOSTILE}\" {RTL} {LONG}");
    }
    for one in &mut page.chains.boxes {
        (one.label, one.title) = (HOSTILE.into(), RTL.into());
    }
    for path in &mut page.chains.paths {
        path.names = vec![HOSTILE.into(), RTL.into(), LONG.into()];
        path.remarks = vec![HOSTILE.into()];
    }
    page.chains.verdicts[0].name = HOSTILE.into();
    page
}
