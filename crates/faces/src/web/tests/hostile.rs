//! Names that want to be more than names, on real pages.

use super::{Visitor, furnish, gist};
use crate::testing::TestApp;

const HOSTILE: &str = "<script>alert(1)</script>\"onmouseover=\"x' OR 1=1;--";

fn is_harmless(page: &str, what: &str) {
    assert_eq!(page.matches("<script").count(), 1, "{what}: only the page's own script");
    assert!(!page.contains("\"onmouseover="), "{what}");
}

#[tokio::test]
async fn names_stay_text_everywhere() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    furnish(&admin).await;
    let page = admin.follow("/roles/new", &[("name", HOSTILE), ("description", HOSTILE), ("permissions", "/portal/read/")]).await;
    is_harmless(&page, "the role");
    is_harmless(
        &admin.follow("/users/new", &[("name", HOSTILE), ("description", HOSTILE), ("password", "a long enough word")]).await,
        "the user",
    );
    is_harmless(
        &admin.follow("/issuers/new", &[("name", HOSTILE), ("directory", "https://x.example/<script>"), ("terms", "true")]).await,
        "the issuer",
    );
    let provider =
        [("kind", "powerdns"), ("name", HOSTILE), ("url", "http://127.0.0.1:1/<script>\"onmouseover=\""), ("api_key", HOSTILE)];
    is_harmless(&admin.follow("/dns-providers/new", &provider).await, "the DNS provider");
    let reply = admin.import(&admin.csrf, &[(r"..%2f<img src=x>.pem", b"x")], "").await;
    assert!(!reply.text().contains("<img"), "{}", gist(&reply.text()));
    let query = "%3Cscript%3Ealert(1)%3C/script%3E%22onmouseover=%22";
    let pages = ["/roles", "/users", "/issuers", "/dns-providers", "/managed/new", "/events", "/import", "/users/new"];
    for page in pages {
        is_harmless(&admin.page(page).await, page);
    }
    for page in [
        "/certificates?q=",
        "/certificates?owner=",
        "/certificates?sort=",
        "/certificates?filter=",
        "/events?actor=",
        "/events?operation=",
        "/events?since=",
        "/managed?after=",
        "/certificates?trail=",
    ] {
        // Shown as what was looked for, or not understood: never anything else.
        let reply = admin.get(&format!("{page}{query}")).await;
        assert!(matches!(reply.status.as_u16(), 200 | 400), "{page}: {}", reply.status);
        is_harmless(&reply.text(), page);
    }
    let page = server.send(super::get(&format!("/login?next=/{query}"), "")).await.text();
    is_harmless(&page, "/login");
    is_harmless(&admin.get(&format!("/{query}")).await.text(), "a page that does not exist");
}

#[tokio::test]
async fn odd_certificates_have_pages() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    // The samples hold every oddity that the generator knows: empty subjects, hostile and very many names, years far away.
    for id in server.import_samples(250).await {
        let page = admin.page(&format!("/certificates/{id}")).await;
        is_harmless(&page, &format!("certificate {id}"));
        assert!(!page.contains('\0') && !page.contains('\u{202e}'), "certificate {id}");
    }
    is_harmless(&admin.page("/").await, "home");
}
