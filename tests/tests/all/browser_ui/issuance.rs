//! Issuers, DNS providers, managed certificates.

use super::Ui;

#[tokio::test]
async fn a_failure_says_its_cause_and_is_tried_again() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/managed/new").await;
    ui.see("Two things are needed first").await;
    ui.browser.screenshot_page("managed-first").await;
    ui.open("/dns-providers/new").await;
    ui.see("Dynamic update (RFC 2136)").await;
    ui.browser.screenshot_page("dns-provider-kinds").await;
    ui.manage("shop.example.com").await;

    // Nothing listens at the authority: the attempt fails, says so, and another one is planned.
    for _ in 0..100 {
        if ui.browser.text().await.contains("in a row") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        ui.browser.client.refresh().await.unwrap();
    }
    ui.see("1 failure in a row").await;
    ui.see("It is tried again").await;
    ui.see("Retrying").await;
    ui.browser.screenshot_page("managed-failing").await;
    ui.press("Pause").await;
    ui.see("Nothing is renewed by itself until you resume it.").await;
    ui.press("Resume").await;
    ui.see("It renews by itself again.").await;
    ui.press("Renew now").await;
    ui.see("A new version is being obtained.").await;

    ui.press("Add a deployment").await;
    ui.fill("name", "nginx").await;
    ui.fill("full_chain", "relative/path.pem").await;
    ui.press("Add and deploy now").await;
    ui.see("Give an absolute path").await;
    ui.browser.screenshot_page("deployment-refused").await;
    ui.fill("full_chain", "/etc/ssl/shop/fullchain.pem").await;
    ui.fill("private_key", "/etc/ssl/shop/privkey.pem").await;
    ui.fill("command", "/usr/bin/systemctl reload nginx").await;
    ui.press("Add and deploy now").await;
    ui.see("The deployment was added.").await;
    ui.browser.screenshot_page("managed-detail").await;

    ui.open("/managed").await;
    ui.see("shop.example.com").await;
    ui.browser.screenshot("managed").await;
    ui.open("/").await;
    ui.see("What failed").await;
    ui.see("shop.example.com").await;
    ui.browser.screenshot_page("home-failing").await;

    ui.open("/dns-providers").await;
    ui.click("tbody th a").await;
    let stored = ui.script("return document.querySelector('#f-api_key').placeholder").await;
    assert!(stored.as_str().is_some_and(|text| text.contains("stored")), "{stored}");
    assert!(!ui.browser.client.source().await.unwrap().contains("a secret of the zones"));
    ui.browser.screenshot_page("dns-provider").await;
    ui.open("/issuers").await;
    ui.see("Not registered yet").await;
    ui.browser.screenshot("issuers").await;
    ui.no_complaints().await;
}
