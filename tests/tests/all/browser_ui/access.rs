//! People, roles, tokens, the record.

use super::Ui;

#[tokio::test]
async fn somebody_gets_a_role_and_a_token_and_the_record_shows_it() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/roles/new").await;
    ui.fill("name", "Platform").await;
    ui.fill("description", "Keeps the servers running").await;
    ui.fill("permissions", "/portal/read/\n/certificates/collections/read/\n/nonsense path/").await;
    ui.press("Add the role").await;
    ui.see("is not a permission path").await;
    ui.fill("permissions", "/portal/read/\n/certificates/collections/read/").await;
    ui.press("Add the role").await;
    ui.see("The role was added.").await;
    ui.browser.screenshot_page("role").await;

    ui.open("/users/new").await;
    ui.fill("name", "marta").await;
    ui.fill("description", "Marta Lindqvist").await;
    ui.fill("password", "a word that is long enough").await;
    ui.label("Platform").await;
    ui.browser.screenshot_page("user-new").await;
    ui.press("Add the user").await;
    ui.see("The user was added.").await;
    ui.browser.screenshot_page("user").await;

    ui.open("/service-accounts/new").await;
    ui.fill("name", "deployer").await;
    ui.label("Platform").await;
    ui.press("Add the service account").await;
    ui.see("The service account was added.").await;
    ui.press("New token").await;
    ui.fill("token_name", "deploy script").await;
    ui.press("Create the token").await;
    ui.see("Copy this token now.").await;
    let token = ui.find(".secret code").await.text().await.unwrap();
    assert!(token.starts_with("cht_"), "{token}");
    ui.browser.screenshot_page("service-account").await;
    ui.server.get("/api/v1/certificates", &token).await.expect(200);
    ui.server.get("/api/v1/issuers", &token).await.expect(403);

    ui.open("/account").await;
    ui.see("this one").await;
    ui.browser.screenshot_page("account").await;
    ui.open("/events").await;
    ui.press("Check now").await;
    ui.see("Chain whole").await;
    ui.see("each is the one that was written").await;
    ui.see("made the API token “deploy script” of").await;
    ui.browser.screenshot("events").await;

    // What Marta may not see is not offered, and refused by name when she asks for it.
    ui.click("[aria-label=\"Sign out\"]").await;
    ui.arrive("/login").await;
    ui.sign_in("marta", "a word that is long enough").await;
    ui.see("Nothing is held yet").await;
    let links = ui.script("return [...document.querySelectorAll('#nav .nav-groups a')].map(a => a.pathname)").await;
    assert_eq!(links, serde_json::json!(["/", "/certificates", "/collections", "/findings", "/trust-sets", "/api/docs"]));
    ui.browser.screenshot_page("home-reader").await;
    ui.open("/users").await;
    ui.see("Your roles do not grant this.").await;
    ui.see("/security/read/").await;
    ui.browser.screenshot("forbidden").await;
    ui.no_complaints().await;
}
