use certhold_faces::web::view::api_docs::{ApiDocsPage, ApiDocument};
use certhold_faces::web::view::error::ErrorPage;
use certhold_faces::web::view::event::Change;
use certhold_faces::web::view::events::{ChainState, ChainVerdict, EventSearch, EventsPage};
use certhold_faces::web::view::form::{Choice, Input, Select};
use certhold_faces::web::view::frame::{Frame, Section};
use certhold_faces::web::view::import::{ImportOutcome, ImportPage, ImportResult, ImportRow};
use certhold_faces::web::view::sign_in::{SignInPage, SignInProblem};
use certhold_faces::web::view::table::Pager;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::Tone;
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
        page("import", &import(None)),
        page("import-result", &import(Some(import_result()))),
        page("import-refused", &import_refused()),
        page("events", &events()),
        page("events-broken", &broken()),
        page("api-docs", &api_docs()),
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
        exports: ["JSON Lines", "CEF", "syslog"].map(|label| Link::new(label, "/events/export?format=jsonl")),
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
    }
}
