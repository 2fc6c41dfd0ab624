//! Calling an API from its reference; identity providers.

use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, Ui};

#[tokio::test]
async fn calls_are_tried_from_the_reference_with_the_readers_own_rights() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/api/docs/keyfactor#op-post-security-claims").await;
    ui.click("#op-post-security-claims a.button").await;
    ui.see("What it changes is changed.").await;
    ui.fill("body", "{ \"ClaimType\": \"OAuthRole\", \"ClaimValue\": ").await;
    ui.press("Call POST").await;
    ui.see("400 Bad Request").await;
    ui.see("0xCE110001").await;
    ui.fill(
        "body",
        "{ \"ClaimType\": \"OAuthRole\", \"ClaimValue\": \"made <b>here</b>\", \"ProviderAuthenticationScheme\": \"x\" }",
    )
    .await;
    ui.press("Call POST").await;
    ui.see("200 OK").await;
    ui.see("x-keyfactor-product-version").await;
    ui.see("\"ClaimValue\": \"made <b>here</b>\"").await;
    ui.browser.screenshot_page("api-try").await;

    ui.open("/api/docs/keyfactor/try/op-get-security-claims").await;
    ui.fill("parameter-0", "ClaimValue -contains \"<b>\"").await;
    ui.press("Call GET").await;
    ui.see("QueryString=ClaimValue+-contains+%22%3Cb%3E%22").await;
    ui.see("x-total-count").await;
    ui.open("/api/docs/keyfactor/try/op-put-security-claims").await;
    ui.fill("body", "{ \"Id\": 1, \"ClaimType\": 4, \"ClaimValue\": \"made <b>here</b>\", \"Description\": \"tried\" }").await;
    ui.press("Call PUT").await;
    ui.see("\"Description\": \"tried\"").await;
    ui.open("/api/docs/keyfactor/try/op-delete-security-claims-id").await;
    ui.fill("parameter-0", "1").await;
    ui.press("Call DELETE").await;
    ui.see("204 No Content").await;
    ui.press("Call DELETE").await;
    ui.see("404 Not Found").await;
    ui.open("/api/docs/keyfactor/try/op-get-status-endpoints").await;
    ui.fill("headers", "authorization: Bearer x").await;
    ui.press("Call GET").await;
    ui.see("is not typed in").await;
    ui.fill("headers", "x-keyfactor-requested-with: APIClient").await;
    ui.fill("token", "cht_garbage").await;
    ui.press("Call GET").await;
    ui.see("401 Unauthorized").await;
    let kept = ui.script("return document.documentElement.outerHTML.includes('cht_garbage')").await;
    assert_eq!(kept, json!(false), "a token is not shown again");

    // The native API, too.
    ui.open("/api/docs/try/op-get-api-v1-me").await;
    ui.press("Call GET").await;
    ui.see("\"name\": \"admin\"").await;
    ui.no_complaints().await;

    // Whoever may do less may do as little from here.
    ui.open("/roles/new").await;
    ui.fill("name", "Readers").await;
    ui.fill("permissions", "/portal/read/").await;
    ui.press("Add the role").await;
    ui.see("The role was added.").await;
    ui.person("kim", "Readers").await;
    ui.sign_out().await;
    ui.sign_in("kim", PASSWORD).await;
    // Without a script as well.
    ui.browser.javascript(false).await;
    ui.open("/api/docs/keyfactor/try/op-get-security-claims").await;
    ui.press("Call GET").await;
    ui.see("403 Forbidden").await;
    ui.see("User kim does not have the required permissions: /security/read/.").await;
}

#[tokio::test]
async fn an_identity_provider_is_added_changed_and_removed() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/identity-providers").await;
    ui.see("No identity providers").await;
    ui.press("New identity provider").await;
    ui.fill("name", "Corporate").await;
    ui.fill("issuer", "http://sso.example.org").await;
    ui.fill("audiences", "certhold").await;
    ui.press("Add the identity provider").await;
    ui.see("must begin with https://").await;
    ui.fill("issuer", "https://127.0.0.1:1/realms/corporate").await;
    ui.press("Add the identity provider").await;
    ui.see("The identity provider was added.").await;
    ui.browser.screenshot_page("identity-provider").await;
    ui.fill("role_claims", "roles\n/realm_access/roles").await;
    ui.press("Save the identity provider").await;
    ui.see("The identity provider was saved.").await;

    // Somebody whom it knows, made beforehand.
    let signing_in = json!({ "name": "admin", "password": certhold_tests::server::ADMIN_PASSWORD });
    let session = ui.server.post("/api/v1/sessions", "", &signing_in).await.expect(201).json();
    let token = session["token"].as_str().unwrap();
    let somebody = json!({ "subject": "7", "kind": "person", "display_name": "Kim" });
    ui.server.send(Method::POST, "/api/v1/identity-providers/1/accounts", token, &somebody).await.expect(201);
    ui.open("/identity-providers/1").await;
    ui.press("Corporate\\7").await;
    ui.see("known by the word of Corporate").await;
    let offered = ui.script("return document.querySelector('[name=password], #tokens, #clients') !== null").await;
    assert_eq!(offered, json!(false), "no credentials are offered");
    ui.browser.screenshot_page("user-of-provider").await;
    ui.open("/identity-providers/1").await;
    ui.press("Remove…").await;
    ui.press("Remove the identity provider").await;
    ui.see("The identity provider was removed.").await;
    ui.open("/events").await;
    ui.see("removed the identity provider").await;
    ui.no_complaints().await;
}
