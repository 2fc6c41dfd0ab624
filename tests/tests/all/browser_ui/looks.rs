//! Narrow, dark, and without a script.

use certhold_tests::browser::{DESKTOP, TELEPHONE};

use super::Ui;

const PAGES: [&str; 24] = [
    "/",
    "/certificates",
    "/certificates/1",
    "/import",
    "/managed",
    "/managed/new",
    "/managed/1",
    "/managed/1/deployments/new",
    "/issuers",
    "/issuers/new",
    "/issuers/1",
    "/dns-providers",
    "/dns-providers/new?kind=rfc2136",
    "/dns-providers/1",
    "/users",
    "/users/new",
    "/users/1",
    "/service-accounts",
    "/roles",
    "/roles/new",
    "/roles/1",
    "/account",
    "/events",
    "/api/docs",
];

fn name(page: &str) -> String {
    let words = page.split(['/', '?', '=']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    if words.is_empty() { "home".into() } else { words }
}

#[tokio::test]
async fn every_page_fits_a_telephone_and_the_dark() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("many.pem", 0, 90)]).await;
    ui.see("90 certificates imported").await;
    ui.manage("a-very-long-label-that-goes-on-and-on-until-it-is-sixty-three-x.internal.example.com").await;
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
    for page in PAGES {
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
