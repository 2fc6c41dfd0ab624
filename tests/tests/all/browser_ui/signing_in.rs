//! Coming in and going out.

use certhold_tests::server::ADMIN_PASSWORD;
use serde_json::json;

use super::Ui;

#[tokio::test]
async fn somebody_signs_in_is_locked_out_and_signs_out() {
    let Some(ui) = Ui::start().await else { return };
    ui.open("/certificates").await;
    ui.see("First start?").await;
    assert_eq!(ui.path().await, "/login?next=%2Fcertificates");
    ui.browser.screenshot_page("sign-in").await;
    ui.sign_in("admin", "not the password").await;
    ui.see("Name or password is wrong.").await;
    ui.sign_in("admin", ADMIN_PASSWORD).await;
    ui.arrive("/certificates").await;
    ui.see("The inventory is empty").await;
    ui.click("[aria-label=\"Sign out\"]").await;
    ui.arrive("/login").await;
    ui.open("/account").await;
    ui.arrive("/login").await;

    // The administrator at the machine is never locked out; anybody else is.
    let api = |path: &str| format!("/api/v1{path}");
    let session = ui.server.post(&api("/sessions"), "", &json!({ "name": "admin", "password": ADMIN_PASSWORD })).await;
    let token = session.expect(201).json()["token"].as_str().unwrap().to_owned();
    let eve = json!({ "kind": "person", "name": "eve", "password": "eve's own long password" });
    ui.server.post(&api("/principals"), &token, &eve).await.expect(201);
    ui.open("/login").await;
    for guess in 1..=5 {
        ui.sign_in("eve", &format!("guess number {guess}")).await;
        ui.see(if guess < 5 { "Name or password is wrong." } else { "Too many wrong tries." }).await;
    }
    ui.browser.screenshot_page("sign-in-locked").await;
    ui.sign_in("eve", "eve's own long password").await;
    ui.see("Too many wrong tries.").await;
    ui.no_complaints().await;
}
