//! Every list as a file: whole, for whoever may see the list, and harmless in a spreadsheet.

use super::{Visitor, attributes, furnish, gist};
use crate::testing::TestApp;

/// Pages with a list, the file of each, and the right that both ask for.
const LISTS: [(&str, &str, &str); 17] = [
    ("/certificates", "/certificates.csv", "/certificates/collections/read/"),
    ("/collections", "/collections.csv", "/certificates/collections/read/"),
    ("/metadata", "/metadata.csv", ""),
    ("/edits", "/edits.csv", ""),
    ("/findings", "/findings.csv", ""),
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
];

#[tokio::test]
async fn every_list_is_a_file_for_whoever_may_see_it() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(5).await;
    furnish(&admin).await;
    admin.follow("/metadata/new", &[("name", "Team"), ("type", "string"), ("enrolment", "optional")]).await;
    admin.follow("/key-requests", &[("names", "hand.example.com"), ("key", "p256")]).await;
    let authority = [("name", "Root"), ("subject", "CN=Root, O=Example"), ("key", "p256"), ("days", "365"), ("list_days", "7")];
    admin.follow("/authorities/new", &authority).await;
    let pattern = [("name", "Web"), ("template", "server"), ("kind", "csr"), ("owner_policy", "optional")];
    admin.follow("/patterns/new", &pattern).await;
    admin.follow("/service-accounts/new", &[("name", "robot"), ("description", "CI"), ("role", "1")]).await;
    admin.follow("/edits/new", &[("kind", "metadata"), ("field", "Team"), ("value", "Web")]).await;
    admin.post("/account/tokens", &[("token_name", "mine"), ("token_expires", "7"), ("token_scopes", "")]).await;
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
