//! From an empty installation to a certificate with an owner.

use super::Ui;

#[tokio::test]
async fn certificates_come_in_are_found_and_get_an_owner() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.see("Nothing is held yet").await;
    ui.browser.screenshot_page("home-fresh").await;

    // Import by the form.
    ui.press("Import files").await;
    ui.see("Drop files here").await;
    let (many, odd) = (ui.samples("many.pem", 0, 160), ui.file("notes.txt", b"no certificate in here"));
    ui.import(&[many, odd]).await;
    ui.see("160 certificates imported").await;
    ui.see("1 refused").await;
    ui.browser.screenshot("import-result").await;

    // Import by dropping: the list shows what was dropped before it is sent.
    ui.open("/import").await;
    ui.drop_files("#f-files", &[ui.samples("more.pem", 150, 20)]).await;
    ui.see("more.pem").await;
    ui.browser.screenshot_page("import").await;
    ui.click("form[data-drop] button.primary").await;
    ui.see("10 certificates imported").await;
    ui.see("10 already held").await;

    ui.open("/").await;
    ui.see("What expires when").await;
    ui.browser.screenshot_page("home").await;

    // Keys: the list, its rows, its pages.
    ui.key("g").await;
    ui.key("c").await;
    ui.arrive("/certificates").await;
    ui.see("50 of 170 certificates").await;
    ui.browser.screenshot("inventory").await;
    let first = ui.script("return document.querySelector('tbody a').textContent").await;
    ui.key("n").await;
    ui.arrive("/certificates?after=").await;
    assert_ne!(ui.script("return document.querySelector('tbody a').textContent").await, first);
    ui.key("p").await;
    for _ in 0..100 {
        if ui.path().await == "/certificates" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(ui.path().await, "/certificates");
    ui.key("j").await;
    ui.key("j").await;
    assert_eq!(ui.script("return [...document.querySelectorAll('tbody th a')].indexOf(document.activeElement)").await, 1);
    ui.key("k").await;
    let name = ui.script("return document.activeElement.textContent").await.as_str().unwrap().to_owned();
    assert_eq!(Some(name.as_str()), first.as_str());

    // Search.
    ui.key("/").await;
    let word = name.rsplit('.').next().unwrap_or(&name).to_owned();
    ui.key(&word).await;
    ui.key("\u{e007}").await;
    ui.arrive("/certificates?q=").await;
    ui.see("certificate").await;
    ui.open("/certificates?q=no-such-name").await;
    ui.see("Nothing matches").await;

    // One certificate.
    ui.open("/certificates").await;
    ui.click("tbody th a").await;
    ui.arrive("/certificates/").await;
    ui.see("Nobody answers for this certificate.").await;
    ui.press("Give it an owner").await;
    ui.choose("owner", "Administrator").await;
    ui.click("form[action$=\"/owner\"] button").await;
    ui.see("The certificate now belongs to Administrator.").await;
    ui.see("changed the owner of it").await;
    ui.browser.screenshot_page("certificate").await;
    let here = ui.path().await;
    let pem = ui.script(&format!("return fetch('{here}/pem').then(answer => answer.text())")).await;
    assert!(pem.as_str().is_some_and(|text| text.starts_with("-----BEGIN CERTIFICATE-----")), "{pem}");
    let shown = ui.script("return document.querySelector('.pem pre').textContent").await;
    assert_eq!(shown, pem, "the page shows what the file holds");
    ui.no_complaints().await;
}
