//! Every list as a file: whole, for whoever may see the list, and harmless in a spreadsheet.

use certhold_domain::identity_providers::{self, NewExternalAccount};
use certhold_domain::inventory::Candidate;
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::people::PrincipalKind;
use certhold_domain::stores::work::{self, FoundEntry};

use super::{Visitor, attributes, furnish, gist};
use crate::testing::{TestApp, sample_der};

/// Pages with a list, the file of each, and the right that both ask for.
const LISTS: [(&str, &str, &str); 30] = [
    ("/certificates", "/certificates.csv", "/certificates/collections/read/"),
    ("/collections", "/collections.csv", "/certificates/collections/read/"),
    ("/metadata", "/metadata.csv", ""),
    ("/edits", "/edits.csv", ""),
    ("/findings?filter=all", "/findings.csv?filter=all", ""),
    ("/views", "/views.csv", ""),
    ("/key-requests", "/key-requests.csv", "/certificates/key_requests/read/"),
    ("/managed", "/managed.csv", "/renewal/read/"),
    ("/issuers", "/issuers.csv", "/certificate_authorities/read/"),
    ("/authorities", "/authorities.csv", "/certificate_authorities/read/"),
    ("/patterns", "/patterns.csv", "/enrollment_pattern/read/"),
    ("/dns-providers", "/dns-providers.csv", "/dns_providers/read/"),
    ("/users", "/users.csv", "/security/read/"),
    ("/users", "/tokens.csv", "/security/read/"),
    ("/service-accounts", "/service-accounts.csv", "/security/read/"),
    ("/roles", "/roles.csv", "/security/read/"),
    ("/permission-sets", "/permission-sets.csv", "/security/read/"),
    ("/events", "/events/export?format=csv", "/auditing/read/"),
    ("/claims", "/claims.csv", "/security/read/"),
    ("/users", "/api-clients.csv", "/security/read/"),
    ("/exclusions", "/exclusions.csv", "/certificates/collections/delete_and_exclude/"),
    ("/trust-sets", "/trust-sets.csv", "/certificates/collections/read/"),
    ("/trust-sets/1", "/trust-sets/1/certificates.csv", "/certificates/collections/read/"),
    ("/identity-providers", "/identity-providers.csv", "/identity_providers/read/"),
    ("/identity-providers/1", "/identity-providers/1/accounts.csv", "/identity_providers/read/"),
    ("/stores", "/stores.csv", "/certificate_stores/read/"),
    ("/containers", "/containers.csv", "/certificate_stores/read/"),
    ("/stores/1", "/stores/1/entries.csv", "/certificate_stores/read/"),
    ("/stores/1", "/stores/1/jobs.csv", "/certificate_stores/read/"),
    ("/query", "/query/fields.csv", ""),
];

/// A container with a store that has an entry, and a store outside.
async fn furnish_stores(server: &TestApp, admin: &Visitor<'_>) {
    admin.follow("/containers/new", &[("name", "Edge"), ("description", ""), ("schedule", "off")]).await;
    for (name, container) in [("shop", "1"), ("mail", "")] {
        let path = format!("/srv/tls/{name}");
        let fields = [("kind", "pem-directory"), ("name", name), ("path", &path), ("container", container), ("schedule", "off")];
        admin.follow("/stores/new", &fields).await;
    }
    let candidate = Candidate::of(&sample_der(900)).unwrap();
    let now = server.app.now();
    server
        .as_system(move |tx, actor| {
            let lease = jobs::claim_one(tx, JobKind::Store, 1, "test", now)?.expect("its first inventory is wanted");
            let job = work::begin(tx, actor, &lease, now)?.expect("its first inventory").job;
            let entry = FoundEntry { alias: "=front".into(), certificates: vec![candidate.clone()], has_key: true };
            work::found(tx, actor, &lease, job, &[entry], now)?;
            work::inventoried(tx, actor, &lease, job, &[], now)
        })
        .await;
}

/// What the other lists have a line of.
async fn furnish_lists(server: &TestApp, admin: &Visitor<'_>, ids: &[i64]) {
    admin.follow("/claims", &[("type", "group"), ("value", "ops"), ("provider", "corporate"), ("description", "")]).await;
    admin.post("/account/clients", &[("client_name", "nightly"), ("client_scopes", "")]).await;
    admin.follow(&format!("/certificates/{}/exclude", ids[0]), &[]).await;
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = authority.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
    let answer = server.post("/api/v1/certificates", serde_json::json!({ "content": authority })).await.expect(200);
    let trusted = answer["items"][0]["certificate"].as_i64().unwrap().to_string();
    admin.follow("/trust-sets/new", &[("name", "Ours"), ("certificates", &trusted)]).await;
    let provider = [
        ("name", "Corporate"),
        ("display_name", "Corporate"),
        ("issuer", "https://sso.example.org"),
        ("audiences", "certhold"),
        ("subject_claims", "sub"),
    ];
    admin.follow("/identity-providers/new", &provider).await;
    let now = server.app.now();
    server
        .as_system(move |tx, actor| {
            let id = certhold_domain::IdentityProviderId(1);
            let (subject, display_name) = ("u-1".to_owned(), "Kim".to_owned());
            let new = NewExternalAccount { subject, kind: PrincipalKind::Person, display_name, uuid: uuid::Uuid::from_u128(7) };
            identity_providers::create_account(tx, actor, id, &new, now).map(drop)
        })
        .await;
}

#[tokio::test]
async fn every_list_is_a_file_for_whoever_may_see_it() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(5).await;
    furnish(&admin).await;
    furnish_lists(&server, &admin, &ids).await;
    furnish_stores(&server, &admin).await;
    admin.follow("/metadata/new", &[("name", "Team"), ("type", "string"), ("enrolment", "optional")]).await;
    admin.follow("/key-requests", &[("names", "hand.example.com"), ("key", "p256")]).await;
    let authority = [("name", "Root"), ("subject", "CN=Root, O=Example"), ("key", "p256"), ("days", "365"), ("list_days", "7")];
    admin.follow("/authorities/new", &authority).await;
    let pattern = [("name", "Web"), ("template", "server"), ("kind", "csr"), ("owner_policy", "optional")];
    admin.follow("/patterns/new", &pattern).await;
    admin.follow("/service-accounts/new", &[("name", "robot"), ("description", "CI"), ("role", "1")]).await;
    admin.follow("/edits/new", &[("kind", "metadata"), ("field", "Team"), ("value", "Web")]).await;
    admin.post("/account/tokens", &[("token_name", "mine"), ("token_expires", "7"), ("token_scopes", "")]).await;
    admin.follow("/views", &[("name", "Ends soon"), ("list", "filter=expiring")]).await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    for (page, file, right) in LISTS {
        let hrefs = attributes(&admin.page(page).await, "href");
        assert!(hrefs.iter().any(|href| href == file), "{page} links {file}: {hrefs:?}");
        let reply = admin.get(file).await;
        assert_eq!(reply.status, 200, "{file}: {}", gist(&reply.text()));
        assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/csv"), "{file}");
        assert!(reply.headers["content-disposition"].to_str().unwrap().contains(".csv"), "{file}");
        let text = reply.text();
        let columns = text.lines().next().unwrap().split(',').count();
        assert!(columns > 3 && text.lines().count() > 1, "{file}: {text}");
        if !right.is_empty() {
            let refused = eve.get(file).await;
            assert_eq!(refused.status, 403, "{file}");
            assert!(refused.text().contains(&format!("<code>{right}</code>")), "{file}: {}", gist(&refused.text()));
        }
    }
    let tokens = admin.page("/tokens.csv").await;
    let row = tokens.lines().find(|line| line.contains("mine")).expect("the token");
    assert!(row.contains("admin") && !tokens.contains("chs_"), "{tokens}");
    let text = row.split(',').find(|cell| cell.starts_with("cht_")).expect("its beginning");
    assert!(text.len() < 16, "no more than its beginning: {text}");
    assert!(!admin.page("/dns-providers.csv").await.contains("very secret"));
}

#[tokio::test]
async fn files_of_stores_have_what_their_pages_have() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    furnish_stores(&server, &admin).await;
    // The filters of the page, and the reach of whoever asks.
    let href = |page: &str| attributes(page, "href").into_iter().find(|href| href.starts_with("/stores.csv")).expect("its file");
    let names = |file: &str| -> Vec<String> {
        file.lines().skip(1).map(|line| line.split(',').nth(1).unwrap_or_default().to_owned()).collect()
    };
    for (page, expected) in [
        ("/stores", &["mail", "shop"][..]),
        ("/stores?q=sho", &["shop"]),
        ("/stores?container=1", &["shop"]),
        ("/stores?q=mai&container=1", &[]),
        ("/stores?troubled=true", &[]),
    ] {
        let html = admin.page(page).await;
        let file = if expected.is_empty() { page.replace("/stores", "/stores.csv") } else { href(&html) };
        assert_eq!(names(&admin.page(&file).await), expected, "{page}: {file}");
    }
    admin.follow("/containers/new", &[("name", "Core"), ("description", ""), ("schedule", "off")]).await;
    let (keeper, ..) = Visitor::with(&server, "keeper", &["/portal/read/", "/certificate_stores/read/1/"]).await;
    assert_eq!(names(&keeper.page("/stores.csv").await), ["shop"]);
    assert_eq!(names(&keeper.page("/containers.csv").await), ["Edge"]);
    let entries = keeper.page("/stores/1/entries.csv").await;
    assert!(entries.contains("\"'=front\"") && entries.lines().count() == 2, "{entries}");
    assert_eq!(names(&keeper.page("/stores/1/jobs.csv").await), ["inventory"]);
    for outside in ["/stores/2/entries.csv", "/stores/2/jobs.csv", "/stores/99/jobs.csv"] {
        assert_eq!(keeper.get(outside).await.status, 403, "{outside}");
    }
    assert_eq!(admin.get("/stores/99/entries.csv").await.status, 404);
}

#[tokio::test]
async fn names_that_strangers_choose_are_no_formulas() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    admin
        .follow("/roles/new", &[("name", "=cmd|'/c calc'!A1"), ("description", "+1\r\n-2"), ("permissions", "/portal/read/")])
        .await;
    admin.follow("/claims", &[("type", "group"), ("value", "@SUM(A1:A9)"), ("provider", "-x")]).await;
    let roles = admin.page("/roles.csv").await;
    assert!(roles.contains("\"'=cmd|'/c calc'!A1\""), "{roles}");
    let claims = admin.page("/claims.csv").await;
    assert!(claims.contains("\"'@SUM(A1:A9)\"") && claims.contains("\"'-x\""), "{claims}");
    let events = admin.page("/events/export?format=csv").await;
    assert!(events.contains("\"'=cmd|'/c calc'!A1\""), "{events}");
    for text in [roles, claims, events] {
        let cells = text.split("\r\n").flat_map(|line| line.split(','));
        let quoted = cells.filter(|cell| cell.starts_with(['=', '+', '-', '@'])).count();
        assert_eq!(quoted, 0, "{text}");
    }
}

#[tokio::test]
async fn an_event_has_a_page_with_everything_it_says() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(1).await;
    admin.follow(&format!("/certificates/{}/owner", ids[0]), &[("owner", "1")]).await;
    let last = server.events().await;
    let page = admin.page(&format!("/events/{last}")).await;
    for told in ["changed the owner of", "certificate.owner_changed", "<ins>", "Digest before", "not signed yet", "rel=\"prev\""]
    {
        assert!(page.contains(told), "{told}: {}", gist(&page));
    }
    assert!(page.contains(&format!("/certificates/{}", ids[0])) && !page.contains("rel=\"next\""), "{}", gist(&page));
    let first = admin.page("/events/1").await;
    assert!(first.contains("none: this is the first event") && first.contains("rel=\"next\""), "{}", gist(&first));
    assert_eq!(admin.get(&format!("/events/{}", last + 100)).await.status, 404);
    assert_eq!(admin.get("/events/0").await.status, 404);
}
