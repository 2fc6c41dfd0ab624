//! Narrow, dark, and without a script.

use certhold_tests::browser::{DESKTOP, TELEPHONE};
use certhold_tests::server::ADMIN_PASSWORD;
use serde_json::json;

use super::Ui;

const PAGES: [&str; 58] = [
    "/",
    "/certificates",
    "/certificates?columns=serial,findings,subject",
    "/certificates?q=no-such-name",
    "/certificates/1",
    "/collections",
    "/collections/new",
    "/collections/1",
    "/findings",
    "/import",
    "/metadata",
    "/metadata/new",
    "/metadata/1",
    "/edits",
    "/edits/new",
    "/edits/new?kind=owner&chosen=ids:1,2,3",
    "/edits/1",
    "/query",
    "/managed",
    "/managed/new",
    "/managed/1",
    "/managed/1/deployments/new",
    "/key-requests",
    "/key-requests/1",
    "/issuers",
    "/issuers/new",
    "/issuers/1",
    "/dns-providers",
    "/dns-providers/new?kind=rfc2136",
    "/dns-providers/1",
    "/trust-sets",
    "/trust-sets/new",
    "/trust-sets/1",
    "/users",
    "/users/new",
    "/users/1",
    "/service-accounts",
    "/service-accounts/new",
    "/roles",
    "/roles/new",
    "/roles/1",
    "/permission-sets",
    "/permission-sets/new",
    "/permission-sets/1",
    "/claims",
    "/claims/1",
    "/identity-providers",
    "/identity-providers/new",
    "/identity-providers/1",
    "/access/why",
    "/access/why?action=/certificates/import/",
    "/access/review",
    "/account",
    "/events",
    "/events/1",
    "/system",
    "/api/docs",
    "/api/docs/keyfactor/try/op-put-certificates-id-owner",
];

/// One of each thing that has a page.
async fn furnish(ui: &Ui) {
    let signing_in = json!({ "name": "admin", "password": ADMIN_PASSWORD });
    let session = ui.server.post("/api/v1/sessions", "", &signing_in).await.expect(201).json();
    let token = session["token"].as_str().unwrap().to_owned();
    let add = async |path: &str, body: serde_json::Value| {
        ui.server.post(&format!("/api/v1{path}"), &token, &body).await.expect(201);
    };
    add("/collections", json!({ "name": "Short keys", "query": "KeySize -lt 3072", "on_dashboard": true })).await;
    let field =
        json!({ "name": "Cost-centre", "type": "multiple_choice", "options": ["4711", "4712"], "description": "Who pays" });
    add("/metadata-fields", field).await;
    add("/claims", json!({ "type": "group", "value": "web-operators", "provider": "corporate" })).await;
    let provider = json!({ "name": "Corporate", "issuer": "https://127.0.0.1:1/realms/x", "audiences": ["certhold"] });
    add("/identity-providers", provider).await;
    add("/key-requests", json!({ "names": ["by-hand.internal.example.com"], "key_kind": "p256" })).await;
    add("/trust-sets", json!({ "name": "Our own", "certificates": [] })).await;
    let edit = json!({ "kind": "metadata", "changes": [{ "field": "Cost-centre", "value": "4711" }] });
    add("/bulk-edits", json!({ "filter": { "q": "example" }, "edit": edit })).await;
}

fn name(page: &str) -> String {
    let words = page.split(['/', '?', '=', '&', ':', ',']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    if words.is_empty() { "home".into() } else { words }
}

#[tokio::test]
async fn every_page_fits_a_telephone_and_the_dark() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("many.pem", 0, 90)]).await;
    ui.see("90 certificates imported").await;
    ui.manage("a-very-long-label-that-goes-on-and-on-until-it-is-sixty-three-x.internal.example.com").await;
    furnish(&ui).await;
    ui.no_complaints().await;

    ui.browser.resize(TELEPHONE).await;
    for page in PAGES {
        ui.open(page).await;
        ui.fits(page).await;
        ui.browser.screenshot_page(&format!("telephone-{}", name(page))).await;
    }
    ui.open("/certificates").await;
    ui.click("[popovertarget=nav]").await;
    ui.see("DNS providers").await;
    ui.browser.screenshot("telephone-menu").await;
    ui.no_complaints().await;

    ui.browser.resize(DESKTOP).await;
    ui.browser.prefer_colours("dark").await;
    // The colours are the same everywhere: some pages show them all.
    for page in PAGES.into_iter().step_by(3) {
        ui.open(page).await;
        ui.fits(page).await;
        ui.browser.screenshot_page(&format!("dark-{}", name(page))).await;
    }
    let dark = ui.script("return getComputedStyle(document.body).backgroundColor").await;
    // A choice in the account is stronger than the system's.
    ui.open("/account").await;
    ui.press("Light").await;
    ui.see("Colours: light.").await;
    let light = ui.script("return getComputedStyle(document.body).backgroundColor").await;
    assert_ne!(dark, light);
    ui.no_complaints().await;
}

#[tokio::test]
async fn everything_works_without_a_script() {
    let Some(ui) = Ui::start().await else { return };
    ui.browser.javascript(false).await;
    ui.open("/").await;
    ui.sign_in("admin", certhold_tests::server::ADMIN_PASSWORD).await;
    ui.see("Nothing is held yet").await;
    ui.import(&[ui.samples("few.pem", 0, 60)]).await;
    ui.see("60 certificates imported").await;
    ui.open("/certificates").await;
    ui.press("Next").await;
    ui.see("10 of 60 certificates").await;
    ui.click("tbody th a").await;
    ui.press("Give it an owner").await;
    ui.choose("owner", "Administrator").await;
    ui.click("form[action$=\"/owner\"] button").await;
    ui.see("The certificate now belongs to Administrator.").await;
    ui.open("/account").await;
    ui.press("Dark").await;
    ui.see("Colours: dark.").await;
    ui.browser.screenshot_page("without-script").await;
    ui.click("[aria-label=\"Sign out\"]").await;
    ui.arrive("/login").await;
}
