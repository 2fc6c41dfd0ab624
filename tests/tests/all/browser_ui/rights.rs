//! Roles by their tree, permission sets, claims, why, and the access review.

use super::{PASSWORD, Ui};

#[tokio::test]
async fn rights_are_given_bounded_explained_and_reviewed() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("few.pem", 0, 5)]).await;
    ui.see("5 certificates imported").await;

    // A role by its tree.
    ui.open("/roles/new").await;
    ui.fill("name", "Web team").await;
    for path in ["/portal/read/", "/certificates/collections/read/", "/certificates/collections/change_owner/"] {
        ui.click(&format!("input[name=grant][value='{path}']")).await;
    }
    ui.browser.screenshot_page("role-tree").await;
    ui.press("Add the role").await;
    ui.see("The role was added.").await;
    ui.see("/certificates/collections/change_owner/").await;
    ui.person("ola", "Web team").await;

    // A set bounds what the role may grant: what it does not allow has no effect, and is said.
    ui.open("/permission-sets/new").await;
    ui.fill("name", "Readers only").await;
    for path in ["/portal/read/", "/certificates/collections/read/"] {
        ui.click(&format!("input[name=grant][value='{path}']")).await;
    }
    ui.press("Add the permission set").await;
    ui.see("The permission set was added.").await;
    ui.browser.screenshot_page("permission-set").await;

    let id = what_ola_may_not_do_says_why(&ui).await;
    a_claim_gives_a_role(&ui).await;
    why_and_who(&ui, &id).await;
    ui.no_complaints().await;
}

/// An owner that Ola cannot change, and many of which she can change some; the certificate's number.
async fn what_ola_may_not_do_says_why(ui: &Ui) -> String {
    // What somebody may not do is refused with its reason: the owner's role is not theirs.
    ui.open("/certificates").await;
    ui.click("tbody th a").await;
    ui.press("Give it an owner").await;
    ui.choose("owner", "Administrator").await;
    ui.click("form[action$='/owner'] button").await;
    ui.see("The certificate now belongs to Administrator.").await;
    let certificate = ui.path().await;
    let id = certificate.rsplit('/').next().unwrap().to_owned();
    ui.sign_out().await;
    ui.sign_in("ola", PASSWORD).await;
    ui.see("Home").await;
    ui.open(&certificate).await;
    ui.see("Administrator").await;
    let card = ui.find("section[aria-labelledby=owner-title]").await.text().await.unwrap();
    assert!(card.contains("role"), "{card}");
    ui.browser.screenshot_page("owner-refused").await;
    // The same for many: nothing would change, and it says why.
    ui.open("/certificates").await;
    ui.choose("which", "all 5 of this list").await;
    ui.press("Change owner…").await;
    ui.choose("owner", "Web team").await;
    ui.press("Show what would change").await;
    ui.see("4 changed").await;
    ui.see("1 refused").await;
    ui.see("Why certificates are refused").await;
    ui.browser.screenshot_page("edit-refused").await;
    ui.press("Edit 4 certificates").await;
    ui.see("Done").await;
    ui.see("5 of 5 certificates").await;
    ui.sign_out().await;
    ui.sign_in("admin", certhold_tests::server::ADMIN_PASSWORD).await;
    ui.see("Home").await;
    id
}

async fn a_claim_gives_a_role(ui: &Ui) {
    // A claim, the role it gives, its end.
    ui.open("/claims").await;
    ui.see("No claims").await;
    ui.fill("value", "web-operators").await;
    ui.fill("provider", "corporate").await;
    ui.press("Add the claim").await;
    ui.see("It gives nothing until it is given a role.").await;
    ui.label("Web team").await;
    ui.press("Save roles").await;
    ui.fill("description", "Everybody in web operations").await;
    ui.press("Save the description").await;
    ui.see("The description was saved.").await;
    ui.browser.screenshot_page("claim").await;
}

async fn why_and_who(ui: &Ui, id: &str) {
    // Why.
    ui.open(&format!("/access/why?certificate={id}")).await;
    ui.fill("user", "ola").await;
    ui.fill("action", "/certificates/collections/change_owner/").await;
    ui.press("Explain").await;
    ui.see("Web team").await;
    ui.browser.screenshot_page("why").await;
    ui.fill("action", "/certificates/import/").await;
    ui.press("Explain").await;
    ui.see("Any one of these would do").await;
    ui.fill("action", "no path").await;
    ui.press("Explain").await;
    ui.find("[role=alert], .field-error").await;

    // The review, as page and as file.
    ui.open("/access/review").await;
    ui.see("ola").await;
    ui.browser.screenshot_page("access-review").await;
    ui.press("Next").await;
    ui.see("web-operators").await;
    ui.open("/access/review").await;
    let file = ui
        .script(
            "const form = document.querySelector(\"form[action='/access/review/export']\"); \
             return fetch(form.getAttribute('action'), { method: 'POST', body: new URLSearchParams(new FormData(form)) }) \
             .then((answer) => answer.text())",
        )
        .await;
    let file = file.as_str().unwrap_or_default().to_owned();
    assert!(file.contains("ola") && file.contains("/certificates/collections/change_owner/"), "{file}");
    ui.open("/events").await;
    ui.see("exported an access review").await;

    // Every list of the section is a file too; no list of tokens tells one.
    for list in ["/roles.csv", "/permission-sets.csv", "/claims.csv", "/users.csv", "/service-accounts.csv", "/tokens.csv"] {
        let text = ui.script(&format!("return fetch('{list}').then((answer) => answer.text())")).await;
        assert!(text.as_str().is_some_and(|text| text.starts_with("id,")), "{list}: {text}");
    }
}
