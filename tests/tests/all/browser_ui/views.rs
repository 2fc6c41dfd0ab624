//! Saved views of the inventory, and what somebody does who has rights on one collection only.

use super::{PASSWORD, Ui};

#[tokio::test]
async fn a_view_is_saved_opened_and_removed() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("some.pem", 0, 60)]).await;
    ui.see("60 certificates imported").await;

    // Ordered by the head of a column, page by page.
    ui.open("/certificates").await;
    ui.click("th.w-name a").await;
    ui.arrive("/certificates?sort=name").await;
    let first = ui.script("return document.querySelector('tbody th a').textContent").await;
    ui.press("Next").await;
    ui.see("10 of 60 certificates").await;
    let second = ui.script("return document.querySelector('tbody th a').textContent").await;
    let folded = |name: &serde_json::Value| name.as_str().unwrap_or_default().to_lowercase();
    assert!(folded(&first) < folded(&second), "{first} {second}");

    // A stretch of time narrows to as many as it says.
    ui.open("/certificates?sort=name").await;
    let facet = "aside.facets details:nth-of-type(1) li:nth-child(1) a";
    let count = ui.find(&format!("{facet} .count")).await.text().await.unwrap();
    ui.click(facet).await;
    ui.see(&format!("{count} certificate")).await;
    ui.press("Save this view").await;
    ui.fill("name", "Next ones").await;
    ui.click("form[action='/views'] button").await;
    ui.see("The view was saved.").await;
    ui.find("aside.facets a[aria-current] [title='Next ones']").await;
    ui.browser.screenshot_page("inventory-view").await;

    ui.open("/certificates").await;
    ui.press("Next ones").await;
    ui.see(&format!("{count} certificate")).await;
    assert!(ui.path().await.contains("sort=name"), "{}", ui.path().await);
    ui.press("All views").await;
    ui.see("Lists of the inventory that you have named.").await;
    ui.browser.screenshot_page("views").await;
    ui.press("Remove").await;
    ui.see("No saved views yet").await;
    ui.no_complaints().await;
}

#[tokio::test]
async fn rights_on_a_collection_are_used_on_the_pages() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("few.pem", 0, 5)]).await;
    ui.see("5 certificates imported").await;
    ui.open("/collections/new").await;
    ui.fill("name", "First two").await;
    ui.fill("query", "CertId -le 2").await;
    ui.choose("duplicates", "Of those with the same subject the newest is shown").await;
    ui.press("Add the collection").await;
    ui.see("lists show the newest").await;
    ui.open("/metadata/new").await;
    ui.fill("name", "Team").await;
    ui.press("Add the field").await;
    ui.see("The field was added.").await;
    let rights =
        ["read", "metadata/modify", "change_owner", "delete"].map(|right| format!("/certificates/collections/{right}/1/"));
    ui.open("/roles/new").await;
    ui.fill("name", "Keepers").await;
    ui.fill("permissions", &format!("/portal/read/\n/security/read/\n{}", rights.join("\n"))).await;
    ui.press("Add the role").await;
    ui.see("The role was added.").await;
    ui.person("kim", "Keepers").await;
    ui.sign_out().await;

    ui.sign_in("kim", PASSWORD).await;
    ui.open("/certificates?collection=1").await;
    ui.see("Edit metadata").await;
    ui.click("tbody th a").await;
    ui.see("Chain").await;
    ui.find(".chain-picture").await;
    let form = "form[action$='/metadata']";
    ui.script(&format!("document.querySelector(\"{form}\").closest('details').open = true")).await;
    ui.fill("noted-1", "Web").await;
    ui.click(&format!("{form} button")).await;
    ui.see("What is noted about the certificate was changed.").await;
    assert!(ui.path().await.ends_with("?collection=1"), "{}", ui.path().await);
    // Owners that cannot be chosen are shown, with the reason.
    ui.press("Give it an owner").await;
    let barred = "return [...document.querySelectorAll('[name=owner] option[disabled]')].map(o => o.textContent).join('; ')";
    let barred = ui.script(barred).await;
    assert!(barred.as_str().is_some_and(|barred| barred.contains("Administrator (Only somebody who holds")), "{barred}");
    ui.choose("owner", "Keepers").await;
    ui.click("form[action$='/owner'] button").await;
    ui.see("now belongs to Keepers").await;
    ui.browser.screenshot_page("certificate-in-collection").await;
    ui.press("Remove from the inventory").await;
    ui.press("Remove the certificate").await;
    ui.arrive("/certificates?collection=1").await;
    ui.see("no longer in the inventory").await;
    ui.no_complaints().await;
}
