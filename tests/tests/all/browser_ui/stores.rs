//! Certificate stores and containers.

use std::fs;
use std::time::Duration;

use certhold_pki::pem;
use certhold_tests::server::{ADMIN_PASSWORD, Launch};

use super::Ui;
use crate::stores::Pki;

/// Reloads the page until it says this.
async fn reload_until(ui: &Ui, text: &str) {
    for _ in 0..100 {
        if ui.browser.text().await.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        ui.browser.client.refresh().await.unwrap();
    }
    panic!("the page never says {text:?}:\n{}", ui.browser.text().await);
}

#[tokio::test]
async fn a_certificate_goes_into_a_store_and_out_again() {
    let root = tempfile::tempdir().unwrap();
    let web = root.path().join("web");
    fs::create_dir(&web).unwrap();
    let pki = Pki::new();
    let (found, broken) = (pki.leaf("found.example.com"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    fs::write(web.join("found.pem"), pem::encode(pem::CERTIFICATE, &found.certificate)).unwrap();
    fs::write(web.join("broken.pem"), broken).unwrap();
    let launch = Launch::new().environment("CERTHOLD_STORE_ROOTS", root.path().display().to_string());
    let Some(ui) = Ui::start_on(launch).await else { return };
    ui.open("/login").await;
    ui.sign_in("admin", ADMIN_PASSWORD).await;
    ui.see("Home").await;

    ui.open("/containers/new").await;
    ui.fill("name", "Web servers").await;
    ui.fill("schedule", "sometimes").await;
    ui.press("Add the container").await;
    ui.see("is not a schedule").await;
    ui.fill("schedule", "daily 03:15").await;
    ui.press("Add the container").await;
    ui.see("The container was added.").await;

    ui.open("/stores").await;
    ui.press("Add a store").await;
    ui.fill("name", "Shop front").await;
    ui.fill("path", "/etc/ssl/private").await;
    ui.choose("container", "Web servers").await;
    ui.press("Add the store").await;
    ui.see("store_roots").await;
    ui.browser.screenshot_page("store-refused").await;
    ui.fill("path", web.to_str().unwrap()).await;
    ui.press("Add the store").await;
    ui.see("its first inventory is being taken").await;
    reload_until(&ui, "found.example.com").await;
    ui.see("Not readable").await;
    ui.see("broken.pem").await;
    ui.see("daily 03:15").await;
    ui.browser.screenshot_page("store").await;

    // The certificate that was found goes in again under another name; without the key, which is not in custody.
    let href = ui.script("return document.querySelector('tbody th p a').getAttribute('href')").await;
    let number = href.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    ui.fill("certificate", &number).await;
    ui.fill("alias", "../outside").await;
    ui.press("Put it in").await;
    ui.see("not in custody").await;
    ui.click("#f-with_key").await;
    ui.press("Put it in").await;
    ui.see("an alias is a file name").await;
    ui.fill("alias", "second").await;
    ui.press("Put it in").await;
    ui.see("The certificate is being put in.").await;
    reload_until(&ui, "the entry is new").await;
    assert!(web.join("second.pem").exists());
    ui.open(href.as_str().unwrap()).await;
    ui.see("Where it is installed").await;
    ui.see("as second").await;
    ui.browser.screenshot_page("certificate-installed").await;

    ui.press("Shop front").await;
    ui.press("Take out…").await;
    ui.press("Take it out").await;
    ui.see("The entry is being taken out.").await;
    reload_until(&ui, "the entry is removed").await;
    assert!(!web.join("found.pem").exists() && web.join("second.pem").exists());
    ui.fill("schedule", "every 2h").await;
    ui.press("Save the schedule").await;
    ui.see("The schedule was saved.").await;
    ui.open("/stores").await;
    ui.see("Partly readable").await;
    ui.browser.screenshot("stores").await;
    ui.no_complaints().await;
}
