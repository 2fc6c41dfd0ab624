//! Private authorities, patterns, enrolment, API clients.

use super::Ui;

/// The button; the navigation says the same.
const ENROL: &str = "main .form-foot button";

/// A root, an issuing authority below it, and a pattern that issues from that.
async fn furnish(ui: &Ui) {
    ui.open("/authorities").await;
    ui.see("No private authority yet").await;
    ui.press("Make an authority").await;
    ui.fill("name", "Example Root").await;
    ui.fill("subject", "CN=Example Root, O=Example, C=DE").await;
    ui.fill("path_length", "1").await;
    ui.browser.screenshot_page("authority-new").await;
    ui.press("Make the authority").await;
    ui.see("The authority was made.").await;
    ui.open("/authorities/new").await;
    ui.fill("name", "Example Issuing").await;
    ui.fill("subject", "Example Issuing").await;
    ui.choose("parent", "Example Root").await;
    ui.fill("path_length", "0").await;
    ui.fill("permitted", "example.org").await;
    ui.fill("base_url", "http://pki.example.org").await;
    ui.press("Make the authority").await;
    ui.see("xpected an attribute and its value").await;
    ui.browser.screenshot_page("authority-refused").await;
    ui.fill("subject", "CN=Example Issuing, O=Example, C=DE").await;
    ui.press("Make the authority").await;
    ui.see("The authority was made.").await;
    ui.see("only within example.org").await;
    // The worker makes the first list at once.
    for _ in 0..100 {
        if ui.browser.text().await.contains("number 1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        ui.browser.client.refresh().await.unwrap();
    }
    ui.see("number 1").await;
    ui.browser.screenshot_page("authority").await;
    ui.open("/authorities").await;
    ui.see("Example Issuing").await;
    ui.browser.screenshot("authorities").await;

    ui.open("/patterns/new").await;
    ui.fill("name", "Web servers").await;
    ui.fill("description", "For the shops").await;
    ui.choose("authority", "Example Issuing").await;
    ui.fill("most_days", "60").await;
    ui.fill("default-O", "Example").await;
    ui.fill("regex-DNS", "(").await;
    ui.press("Add the pattern").await;
    ui.see("not a regular expression").await;
    ui.fill("regex-DNS", r"\.shop\.example\.org$").await;
    ui.fill("message-DNS", "Names end with .shop.example.org.").await;
    ui.press("Add the pattern").await;
    ui.see("The pattern was saved.").await;
    ui.browser.screenshot_page("pattern").await;
    ui.browser.resize(certhold_tests::browser::TELEPHONE).await;
    ui.browser.screenshot_page("pattern-phone").await;
    ui.browser.resize(certhold_tests::browser::DESKTOP).await;
}

#[tokio::test]
async fn a_pattern_leads_to_a_certificate_and_its_revocation() {
    let Some(ui) = Ui::signed_in().await else { return };
    furnish(&ui).await;
    ui.open("/patterns").await;
    ui.see("Who asks for owners").await;
    ui.browser.screenshot_page("patterns").await;
    ui.choose("owner_policy", "an owner is required").await;
    ui.press("Save the policy").await;
    ui.see("The policy of owners was saved.").await;

    ui.open("/enrol").await;
    ui.see("Web servers").await;
    ui.browser.screenshot("enrol").await;
    ui.press("Web servers").await;
    ui.see("What this pattern asks").await;
    ui.click("input[value=\"made\"]").await;
    ui.fill("names", "till.example.com").await;
    ui.click(ENROL).await;
    ui.see("Names end with .shop.example.org.").await;
    ui.browser.screenshot_page("enrol-refused").await;
    ui.fill("names", "till.shop.example.org").await;
    ui.click(ENROL).await;
    ui.see("very certificate needs an owner").await;
    ui.choose("owner", "Administrator").await;
    ui.click(ENROL).await;
    ui.see("The certificate was issued.").await;
    ui.see("till.shop.example.org").await;
    ui.browser.screenshot_page("enrolled").await;
    let issued = ui.path().await;

    ui.press("Issue again").await;
    ui.press("Issue it again").await;
    ui.see("issued again, for a new key").await;
    assert_ne!(ui.path().await, issued);
    ui.press("Revoke…").await;
    ui.see("on the next revocation list of Example Issuing").await;
    ui.choose("reason", "Another certificate has taken its place").await;
    ui.fill("comment", "A story").await;
    ui.browser.screenshot_page("revoke").await;
    ui.press("Revoke the certificate").await;
    ui.see("The certificate is recorded as revoked.").await;
    ui.see("Revoked").await;

    // A signing request that is made here waits, and is finished by its certificate.
    ui.open("/enrol").await;
    ui.press("Web servers").await;
    ui.click("input[value=\"request\"]").await;
    ui.fill("names", "desk.shop.example.org").await;
    ui.click(ENROL).await;
    ui.see("Its request can be enrolled for.").await;
    let csr = ui.script("return document.querySelector('.pem pre').textContent").await;
    ui.open("/enrol").await;
    ui.press("Web servers").await;
    ui.click("input[value=\"csr\"]").await;
    ui.fill("csr", csr.as_str().unwrap()).await;
    ui.choose("owner", "Administrator").await;
    ui.click(ENROL).await;
    ui.see("The certificate was issued.").await;
    ui.open("/key-requests").await;
    ui.see("certificate ").await;
    ui.no_complaints().await;
}

#[tokio::test]
async fn what_is_managed_is_issued_here() {
    let Some(ui) = Ui::signed_in().await else { return };
    furnish(&ui).await;
    ui.open("/managed/new").await;
    ui.see("By an ACME issuer").await;
    ui.fill("names", "till.example.com").await;
    ui.click(ENROL).await;
    ui.see("Names end with .shop.example.org.").await;
    ui.browser.screenshot_page("managed-new-private-refused").await;
    ui.fill("names", "till.shop.example.org").await;
    ui.click(ENROL).await;
    ui.see("It is being obtained now.").await;
    // The worker issues it at once.
    for _ in 0..100 {
        if ui.browser.text().await.contains("Version 1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        ui.browser.client.refresh().await.unwrap();
    }
    ui.see("Version 1").await;
    ui.see("Web servers").await;
    ui.browser.screenshot_page("managed-private").await;
    ui.open("/managed").await;
    ui.see("Example Issuing").await;
    ui.no_complaints().await;
}

#[tokio::test]
async fn an_api_client_shows_its_secret_once() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/account").await;
    ui.press("New client").await;
    ui.fill("client_name", "owner updates").await;
    ui.press("Create the client").await;
    ui.see("chk_").await;
    ui.browser.screenshot_page("client-made").await;
    ui.open("/account").await;
    ui.see("owner updates").await;
    assert!(!ui.browser.client.source().await.unwrap().contains("chk_"));
    ui.press("Revoke…").await;
    ui.press("Revoke the client").await;
    ui.see("The client was revoked.").await;
    ui.no_complaints().await;
}
