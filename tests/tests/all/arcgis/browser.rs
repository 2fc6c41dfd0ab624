//! The directory in a real browser: an administrator signs in, imports a PKCS#12 file, sees it, assigns it, and deletes it. Without
//! scripts, since the pages have none.

use certhold_tests::server::ADMIN_PASSWORD;

use super::{made, pfx};
use crate::browser_ui::Ui;

const NAME: &str = "<b onclick=alert(1)>gateway</b> \"2026\"";

#[tokio::test]
async fn an_administrator_works_through_the_directory() {
    let Some(ui) = Ui::start().await else { return };
    ui.browser.javascript(false).await;
    let directory = tempfile::tempdir().unwrap();
    let file = pfx(directory.path(), &made("maps.example.test"), "s\u{e9}same & more", true);
    let send = "form.operation button";
    ui.open("/arcgis/admin/security/certificates/identity").await;
    ui.arrive("/arcgis/admin/login").await;
    ui.fill("username", "admin").await;
    ui.fill("password", "not this one").await;
    ui.click(send).await;
    ui.see("Invalid username or password.").await;
    ui.fill("username", "admin").await;
    ui.fill("password", ADMIN_PASSWORD).await;
    ui.click(send).await;
    ui.see("Signed in as admin").await;
    ui.open("/arcgis/admin").await;
    for (link, seen) in [
        ("Security", "Child resources"),
        ("Certificates", "Trust certificates"),
        ("Identity certificates", "There are no certificates yet."),
        ("Import identity certificate", "Certificate password"),
    ] {
        ui.press(link).await;
        ui.see(seen).await;
    }
    ui.fits("the form").await;
    ui.fill("certificateName", NAME).await;
    ui.fill("certificatePassword", "wrong").await;
    ui.find("#f-certificatePfxFile").await.send_keys(file.to_str().unwrap()).await.unwrap();
    ui.click(send).await;
    ui.see("The password does not open the PKCS#12 file.").await;
    ui.fill("certificateName", NAME).await;
    ui.fill("certificatePassword", "s\u{e9}same & more").await;
    ui.find("#f-certificatePfxFile").await.send_keys(file.to_str().unwrap()).await.unwrap();
    ui.click(send).await;
    ui.see("Status: success").await;
    ui.press("Back").await;
    ui.see(NAME).await;
    ui.see("CN=maps.example.test").await;
    ui.browser.screenshot("arcgis-list").await;
    ui.press("gateway").await;
    ui.see("IDENTITY").await;
    ui.see("DNSName: localhost").await;
    ui.fits("the certificate").await;
    ui.browser.screenshot("arcgis-certificate").await;
    let one = ui.path().await;

    ui.open("/arcgis/admin/security/ingress/update").await;
    let config = serde_json::json!({ "identityCertificateName": NAME }).to_string();
    ui.fill("ingressSecurityConfig", &config).await;
    ui.click(send).await;
    ui.see("Status: success").await;
    ui.press("Back").await;
    ui.see(NAME).await;
    ui.open(&format!("{one}/usage")).await;
    ui.see("ingress").await;
    ui.open(&format!("{one}/delete")).await;
    ui.click(send).await;
    ui.see("is assigned to the ingress: assign another one first.").await;
    ui.open("/arcgis/admin/security/ingress/update").await;
    ui.fill("ingressSecurityConfig", "{\"identityCertificateName\": \"\"}").await;
    ui.click(send).await;
    ui.see("Status: success").await;
    ui.open(&format!("{one}/delete")).await;
    ui.click(send).await;
    ui.see("Status: success").await;
    ui.press("Back").await;
    ui.see("There are no certificates yet.").await;
    ui.press("PJSON").await;
    ui.see("\"certificates\": []").await;
    ui.open("/arcgis/admin").await;
    ui.press("Sign out").await;
    ui.arrive("/arcgis/admin/login").await;
    ui.open("/arcgis/admin/security/saml").await;
    ui.arrive("/arcgis/admin/login").await;
    ui.no_complaints().await;
}
