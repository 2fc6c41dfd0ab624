//! Narrowing, saved queries, and who sees what through them.

use super::Ui;

/// From the values beside the list to a collection, and to somebody who sees nothing else.
#[tokio::test]
async fn a_narrowed_list_becomes_a_collection_that_somebody_may_see() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("many.pem", 0, 80)]).await;
    ui.see("80 certificates imported").await;

    // A value beside the list narrows it to as many certificates as it said.
    ui.open("/certificates").await;
    ui.see("50 of 80 certificates").await;
    let facet = "aside.facets details:nth-of-type(3) li:nth-child(1) a";
    ui.script(&format!("document.querySelector('{facet}').closest('details').open = true")).await;
    let count = ui.find(&format!("{facet} .count")).await.text().await.unwrap();
    ui.click(facet).await;
    ui.arrive("/certificates?where=").await;
    ui.see(&format!("{count} certificate")).await;
    assert!(ui.find(".chips code").await.text().await.unwrap().contains(" -eq "));
    ui.browser.screenshot_page("inventory-narrowed").await;

    ui.press("Save as a collection").await;
    ui.arrive("/collections/new?query=").await;
    ui.fill("name", "First issuer").await;
    ui.press("Add the collection").await;
    ui.see("The collection was added.").await;
    ui.see(&format!("{count} certificate")).await;
    let collection = ui.path().await;
    let id = collection.rsplit('/').next().unwrap().to_owned();

    // What is wrong with a query is said while it is written, and refused when it is sent.
    let good = ui.find("#f-query").await.prop("value").await.unwrap().unwrap();
    ui.fill("query", "KeySize -lesser 2048").await;
    ui.find("[role=status].field-error:not([hidden])").await;
    ui.press("Save the collection").await;
    ui.find("#query-error").await;
    ui.fill("query", &good).await;
    ui.fill("description", "What the first issuer issued").await;
    ui.press("Save the collection").await;
    ui.see("The collection was saved.").await;
    ui.see("What the first issuer issued").await;
    ui.press("Add to favourites").await;
    ui.see("Remove from favourites").await;

    // A role with the right to see what is inside, and a person who holds it.
    ui.open("/roles/new").await;
    ui.fill("name", "Watchers").await;
    ui.fill("permissions", &format!("/portal/read/\n/certificates/collections/read/{id}/")).await;
    ui.press("Add the role").await;
    ui.see("The role was added.").await;
    ui.person("wanda", "Watchers").await;
    ui.open(&collection).await;
    ui.see("Watchers").await;
    ui.browser.screenshot_page("collection").await;

    ui.sign_out().await;
    ui.sign_in("wanda", super::PASSWORD).await;
    ui.arrive("/collections").await;
    ui.see("First issuer").await;
    ui.open(&format!("/certificates?collection={id}")).await;
    ui.see(&format!("{count} certificate")).await;
    let buttons = ui.script("return [...document.querySelectorAll('.bulk-bar [name=do]')].map(b => b.value)").await;
    assert_eq!(buttons, serde_json::json!(["pem", "pkcs7", "csv"]), "who may only look is offered files");
    ui.open("/certificates").await;
    ui.see("Your roles do not grant this.").await;
    ui.no_complaints().await;
}
