use certhold_faces::web::view::api_docs::tried::{TriedAnswer, TryField, TryPage};
use certhold_faces::web::view::api_docs::{ApiDocsPage, ApiDocument};
use certhold_faces::web::view::error::{ErrorPage, ShutOutPage};
use certhold_faces::web::view::event::{Change, EventPage, HeadCard};
use certhold_faces::web::view::events::{ChainState, ChainVerdict, EventSearch, EventsPage};
use certhold_faces::web::view::exclusions::{ExclusionRow, ExclusionsPage};
use certhold_faces::web::view::findings::{FindingsPage, RuleRow};
use certhold_faces::web::view::form::{Choice, Input, SecretInput, Select};
use certhold_faces::web::view::frame::{Frame, Section};
use certhold_faces::web::view::import::{ImportOutcome, ImportPage, ImportResult, ImportRow};
use certhold_faces::web::view::sign_in::{SignInPage, SignInProblem};
use certhold_faces::web::view::table::{FilterLink, Pager};
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};
use serde_json::json;

use super::home::event;
use super::*;

pub fn samples() -> Vec<Sample> {
    let nobody = || Frame::signed_out("Sign in", "sample-csrf");
    vec![
        page("sign-in", &sign_in(None, "", true)),
        page("sign-in-wrong", &sign_in(Some(SignInProblem::Wrong), HOSTILE, false)),
        page("sign-in-locked", &sign_in(Some(SignInProblem::LockedOut(at(12 * MINUTE))), "admin", false)),
        page("sign-in-ended", &sign_in(Some(SignInProblem::Ended), "admin", false)),
        page("sign-in-lost", &sign_in(Some(SignInProblem::Lost), "", false)),
        page("import", &import(None)),
        page("import-result", &import(Some(import_result()))),
        page("import-refused", &import_refused()),
        page("events", &events()),
        page("events-broken", &broken()),
        page("event", &one_event("marta")),
        page("event-hostile", &one_event(HOSTILE)),
        page("event-erased", &erased_event()),
        page("findings", &findings()),
        page("api-docs", &api_docs()),
        page("api-try", &api_try()),
        page("exclusions", &exclusions()),
        page("exclusions-empty", &ExclusionsPage { rows: Vec::new(), ..exclusions() }),
        page(
            "error-403",
            &ErrorPage::forbidden(
                frame("", Section::None),
                vec!["/certificates/read/".into(), "/certificates/collections/read/12/".into()],
            ),
        ),
        page("error-404", &ErrorPage::not_found(frame("", Section::None))),
        page("error-500", &ErrorPage::fault(frame("", Section::None), "01JD9Q7W-4F2C")),
        page("error-signed-out", &ErrorPage::not_found(nobody())),
        page(
            "shut-out",
            &ShutOutPage {
                frame: Frame::signed_out("Nothing here is open to you", "sample-csrf"),
                name: HOSTILE.into(),
                permission: "/portal/read/".into(),
            },
        ),
        page(
            "error-413",
            &ErrorPage::refused(
                frame("", Section::Import),
                413,
                "Too large",
                format!("The upload is larger than 64 MiB. {HOSTILE}"),
            ),
        ),
    ]
}

fn sign_in(problem: Option<SignInProblem>, name: &str, is_first_start: bool) -> SignInPage {
    SignInPage {
        frame: Frame::signed_out("Sign in", "sample-csrf"),
        name: name.into(),
        next: if name.is_empty() { String::new() } else { "/certificates?q=<script>".into() },
        problem,
        is_first_start,
    }
}

fn import(result: Option<ImportResult>) -> ImportPage {
    ImportPage {
        frame: frame("Import", Section::Import),
        files: Input::default(),
        password: Input::default(),
        owner: Select::of(vec![Choice::new("", "Nobody"), Choice::new("6", "Platform")]),
        noted: super::metadata::noted(HOSTILE),
        error: None,
        limit: "64 MiB".into(),
        result,
    }
}

fn import_refused() -> ImportPage {
    let mut page = import(None);
    page.files = Input::default().refused("No file was chosen.");
    page.password = Input::default().refused("The password opens none of the files.");
    page
}

fn import_result() -> ImportResult {
    let row = |file: &str, item: &str, outcome, name: &str, remark: &str| ImportRow {
        file: file.into(),
        item: item.into(),
        outcome,
        name: name.into(),
        href: (!name.is_empty()).then(|| "/certificates/812".into()),
        validity: (!name.is_empty()).then(|| life(-20, 70)),
        remark: remark.into(),
    };
    ImportResult {
        imported: 214,
        already_held: 9,
        refused: 3,
        rows: vec![
            row("shop.p12", "", ImportOutcome::Refused, "", "The password does not open this PKCS#12 file."),
            row(
                "bundle.pem",
                "certificate 12",
                ImportOutcome::Refused,
                "",
                "Cut off: the block ends 212 bytes before its length says.",
            ),
            row(HOSTILE, "", ImportOutcome::Refused, "", "This is a private key without a certificate; it was not kept."),
            row("bundle.pem", "certificate 1", ImportOutcome::Imported, "payments.example.com", "private key taken into custody"),
            row("bundle.pem", "certificate 2", ImportOutcome::AlreadyHeld, "DigiCert TLS RSA SHA256 2020 CA1", ""),
            row(&format!("{LONG}.pem"), "", ImportOutcome::Imported, LONG, ""),
            row(RTL, "", ImportOutcome::Imported, RTL, ""),
        ],
        unlisted: 219,
    }
}

fn events() -> EventsPage {
    let mut owner = event(48_211, 9 * MINUTE, "marta.lindqvist", "changed the owner of", "people", Tone::Neutral);
    owner.object = Some(Link::new("payments.example.com", "/certificates/812"));
    owner.changes = vec![Change { field: "owner".into(), before: None, after: Some("Payments team".into()) }];
    let mut failed = event(48_207, 2 * HOUR, "Certhold", "could not renew", "stop", Tone::Bad);
    failed.object = Some(Link::new("shop.example.com", "/managed/12"));
    failed.operation = "renewal.failed".into();
    let mut hostile = event(48_206, 3 * HOUR, HOSTILE, HOSTILE, "info", Tone::Neutral);
    hostile.object = Some(Link::new(RTL, "/certificates/3"));
    hostile.changes = vec![Change { field: HOSTILE.into(), before: Some(LONG.into()), after: None }];
    let mut rows = vec![owner, failed, hostile];
    rows.extend(
        (0..14).map(|i| event(48_205 - i, (4 + i) * HOUR, "ci-importer", "imported a certificate", "import", Tone::Neutral)),
    );
    EventsPage {
        frame: frame("Events", Section::Events),
        search: EventSearch {
            operation: Select::of(vec![Choice::new("", "Everything"), Choice::new("renewal.failed", "renewal.failed")]),
            ..EventSearch::default()
        },
        rows,
        pager: Pager { next: Some("/events?before=48191".into()), shown: 17, total: Some(48_211), previous: None },
        exports: ["JSON Lines", "CEF", "syslog", "CSV"].map(|label| Link::new(label, "/events/export?format=jsonl")).to_vec(),
        chain: ChainState {
            verdict: ChainVerdict::Whole,
            checked: Some(at(-4 * MINUTE)),
            head: 48_211,
            head_digest: "9d1c4be0a7f2550b".into(),
            heads: Some(312),
            check_action: Some("/events/check".into()),
            checkpoint_action: Some("/events/checkpoint".into()),
        },
    }
}

fn one_event(text: &str) -> EventPage {
    let mut line = event(48_211, 9 * MINUTE, text, "changed the owner of", "people", Tone::Neutral);
    line.object = Some(Link::new(text, "/certificates/812"));
    EventPage {
        frame: frame("Event #48211", Section::Events).below("Events", "/events"),
        line,
        actor: Link::new(text, "/users/3"),
        actor_kind: "person".into(),
        object: Link::new(text, "/certificates/812"),
        about: "certificate 812".into(),
        address: text.into(),
        request: "0198a7c3".into(),
        changes: vec![Change { field: text.into(), before: Some(LONG.into()), after: None }],
        details: text.into(),
        erased: None,
        previous: "7f".repeat(32),
        encoding: 2,
        salt: "0a".repeat(16),
        head: Some(HeadCard {
            number: 48_300,
            at: at(-MINUTE),
            digest: "9d".repeat(32),
            public_key: "41".repeat(32),
            signature: "5c".repeat(64),
        }),
        before: Some("/events/48210".into()),
        after: Some("/events/48212".into()),
    }
}

fn erased_event() -> EventPage {
    EventPage {
        erased: Some("00".repeat(32)),
        head: None,
        previous: String::new(),
        after: None,
        before: None,
        ..one_event("marta")
    }
}

fn findings() -> FindingsPage {
    let row = |id: &str, text: &str, certificates: Option<i64>| RuleRow {
        id: id.into(),
        severity: Badge::new("Error", Tone::Bad),
        title: text.into(),
        remedy: text.into(),
        citation: text.into(),
        url: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.2".into(),
        certificates,
        href: "/certificates?q=a".into(),
    };
    FindingsPage {
        frame: frame("Findings", Section::Certificates).below("Certificates", "/certificates"),
        filters: vec![FilterLink { label: "All".into(), href: "/findings".into(), count: Some(70), is_current: true }],
        rows: vec![row("weak-rsa-key", "The RSA key is too short", Some(12)), row("b", HOSTILE, Some(0)), row("c", LONG, None)],
        csv_href: "/findings.csv".into(),
    }
}

fn broken() -> EventsPage {
    let mut page = events();
    page.rows.clear();
    page.search.is_filtered = true;
    page.search.actor = Input::of(HOSTILE);
    page.chain.verdict = ChainVerdict::Broken {
        event: 31_007,
        what: "its digest does not follow from event 31,006; the row was changed after it was written.".into(),
    };
    page.chain.check_action = None;
    page
}

fn api_docs() -> ApiDocsPage {
    let problem = json!({ "description": "Refused", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let document = json!({
        "info": { "title": "Certhold API", "version": "v1", "description": "Everything the pages do, for programs.\n\nSend a token as `Authorization: Bearer …`. Errors are problem details (RFC 9457)." },
        "tags": [{ "name": "Certificates", "description": "What is held." }, { "name": "Managed", "description": HOSTILE }],
        "paths": {
            "/api/v1/certificates": {
                "get": { "tags": ["Certificates"], "summary": "List certificates", "description": "Newest first; paged by key.",
                    "parameters": [
                        { "name": "q", "in": "query", "schema": { "type": "string" }, "description": "A query." },
                        { "name": "limit", "in": "query", "schema": { "type": "integer", "format": "int32" } }
                    ],
                    "responses": { "200": { "description": "One page", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/CertificateList" } } } }, "403": problem } },
                "post": { "tags": ["Certificates"], "summary": "Import certificates",
                    "requestBody": { "content": { "application/pkix-cert": { "schema": { "type": "string", "format": "binary" } } } },
                    "responses": { "200": { "description": "What became of each item" }, "413": problem } }
            },
            "/api/v1/certificates/{id}/owner": { "put": { "tags": ["Certificates"], "summary": "Change the owner",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer", "format": "int64" } }],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/NewOwner" } } } },
                "responses": { "204": { "description": "Changed" }, "403": problem, "404": problem } } },
            "/api/v1/managed/{id}": { "delete": { "tags": ["Managed"], "summary": "Stop managing", "responses": { "204": { "description": "Stopped" } } },
                "patch": { "tags": ["Managed"], "summary": "Change the plan", "responses": { "200": { "description": "Changed" } } } }
        },
        "components": { "schemas": {
            "CertificateList": { "type": "object", "required": ["items"], "properties": { "items": { "type": "array", "items": { "$ref": "#/components/schemas/Problem" } }, "next": { "type": ["string", "null"], "description": "Where the next page begins." } } },
            "NewOwner": { "type": "object", "required": ["role"], "description": "Who shall answer.", "properties": { "role": { "type": "integer", "format": "int64", "description": HOSTILE } } },
            "Problem": { "type": "object", "properties": { "type": { "type": "string", "format": "uri" }, "detail": { "type": "string" } } },
            "KeyKind": { "type": "string", "enum": ["ec-p256", "rsa-2048"] }
        } }
    });
    ApiDocsPage {
        frame: frame("API", Section::Api),
        document: ApiDocument::from_openapi(&document),
        openapi_href: "/api/v1/openapi.json".into(),
        try_root: "/api/docs/try".into(),
        other: ("/api/docs/keyfactor".into(), "Keyfactor API".into()),
    }
}

fn api_try() -> TryPage {
    let document = api_docs().document;
    let operation = document.groups[0].operations[0].clone();
    TryPage {
        frame: frame("GET /certificates", Section::Api).below("API", "/api/docs"),
        action: "/api/docs/try/op-get-certificates".into(),
        back: "/api/docs#op-get-certificates".into(),
        operation,
        error: Some("id stands in the path: fill it in.".into()),
        fields: vec![TryField {
            slug: "parameter-0".into(),
            name: HOSTILE.into(),
            help: "In the query.".into(),
            is_required: true,
            input: Input::of(HOSTILE),
        }],
        headers: Input::of("x-keyfactor-requested-with: APIClient"),
        body: Some(Input::of(HOSTILE)),
        token: SecretInput::default(),
        answer: Some(TriedAnswer {
            asked: format!("GET /api/v1/certificates?q={LONG}"),
            status: 200,
            reason: "OK".into(),
            headers: vec![("x-request-id".into(), HOSTILE.into())],
            body: format!("{{\n  \"a\": \"{HOSTILE}\"\n}}"),
            note: "Only the first 262144 bytes are shown.".into(),
        }),
    }
}

fn exclusions() -> ExclusionsPage {
    let row = |title: &str| ExclusionRow { id: 7, title: title.into(), sha256: "ab".repeat(32), excluded: at(-3 * HOUR) };
    ExclusionsPage {
        frame: frame("Excluded from imports", Section::Certificates).below("Certificates", "/certificates"),
        rows: vec![row("shop.example.com"), row(HOSTILE), row(RTL)],
    }
}
