//! Several certificates at once: ticked, looked at, changed, taken away; and what is noted about them.

use serde_json::json;

use super::Ui;

impl Ui {
    /// What the bar above answers with for a choice of ours, without leaving the page: media type and text.
    async fn fetched(&self, which: &str, what: &str) -> (String, String) {
        let script = "const [which, what, done] = arguments; \
            const fields = new URLSearchParams(new FormData(document.getElementById('chosen'))); \
            fields.set('which', which); fields.set('do', what); \
            fetch('/certificates/chosen', { method: 'POST', body: fields }) \
            .then(async (answer) => done([answer.headers.get('content-type'), await answer.text()]))";
        let answer = self.browser.client.execute_async(script, vec![json!(which), json!(what)]).await.unwrap();
        let text = |index: usize| answer[index].as_str().unwrap_or_default().to_owned();
        (text(0), text(1))
    }

    /// Waits until the edit on the page has ended.
    async fn edited(&self, counts: &str) {
        self.arrive("/edits/").await;
        self.see("Done").await;
        self.see(counts).await;
    }
}

#[tokio::test]
async fn fields_are_defined_filled_and_edited_for_many() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/metadata").await;
    ui.see("There are no fields yet").await;
    ui.press("New field").await;
    ui.fill("name", "Tier").await;
    ui.choose("type", "Choice").await;
    ui.fill("options", "gold\nsilver").await;
    ui.fill("description", "How much it matters").await;
    ui.fill("default", "bronze").await;
    ui.press("Add the field").await;
    // What does not fit is said where it was written.
    ui.find(".field-error").await;
    ui.fill("default", "").await;
    ui.press("Add the field").await;
    ui.see("The field was added.").await;
    ui.import(&[ui.samples("some.pem", 0, 60)]).await;
    ui.see("60 certificates imported").await;

    ui.open("/certificates").await;
    ui.click("tbody th a").await;
    ui.click("section[aria-labelledby=noted-title] summary").await;
    ui.choose("noted-1", "gold").await;
    ui.click("form[action$='/metadata'] button.primary").await;
    ui.see("What is noted about the certificate was changed.").await;
    ui.see("changed what is noted about it").await;

    // From the keyboard: the first row, the third and all between them.
    ui.open("/certificates").await;
    for key in ["j", "x", "j", "j", "X"] {
        ui.key(key).await;
    }
    assert_eq!(ui.script("return document.querySelector('[data-ticked]').textContent").await, "the 3 ticked");
    ui.browser.screenshot("inventory-ticked").await;
    ui.press("Edit metadata…").await;
    ui.see("3 certificates that you ticked").await;
    ui.choose("field", "Tier (Choice)").await;
    ui.fill("value", "platinum").await;
    ui.press("Show what would change").await;
    ui.find(".field-error").await;
    ui.fill("value", "silver").await;
    ui.click("#f-keep").await;
    ui.press("Show what would change").await;
    ui.see("3 certificates are selected").await;
    ui.see("2 changed").await;
    ui.see("1 so already").await;
    ui.browser.screenshot_page("edit-preview").await;
    ui.press("Edit 2 certificates").await;
    ui.edited("3 of 3 certificates").await;
    ui.browser.screenshot_page("edit-done").await;
    ui.open("/certificates?q=Tier+-eq+%22silver%22").await;
    ui.see("2 certificates").await;

    // Everything that matches, however many pages that is.
    ui.open("/certificates").await;
    ui.choose("which", "all 60 that match").await;
    ui.press("Edit metadata…").await;
    ui.see("All certificates of the list: the whole inventory").await;
    ui.fill("value", "gold").await;
    ui.press("Show what would change").await;
    ui.see("60 certificates are selected").await;
    ui.press("Edit 59 certificates").await;
    ui.edited("60 of 60 certificates").await;
    ui.open("/edits").await;
    ui.see("Set Tier to “gold”.").await;
    ui.no_complaints().await;
}

#[tokio::test]
async fn ticked_certificates_change_owner_are_downloaded_and_removed() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("some.pem", 0, 60)]).await;
    ui.see("60 certificates imported").await;
    ui.open("/certificates").await;
    ui.press("PEM").await;
    ui.see("Nothing is ticked: tick certificates, or choose all that match.").await;

    // With the mouse: one row, and with Shift those up to another.
    let count = "return document.querySelectorAll('[data-tick]:checked').length";
    ui.click("tbody tr:nth-child(2) [data-tick]").await;
    ui.script(
        "document.querySelector('tbody tr:nth-child(5) [data-tick]').dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }))",
    )
    .await;
    assert_eq!(ui.script(count).await, 4);
    ui.key("a").await;
    assert_eq!(ui.script(count).await, 50, "the whole page");
    ui.key("a").await;
    assert_eq!(ui.script(count).await, 0);
    for row in [1, 3] {
        ui.click(&format!("tbody tr:nth-child({row}) [data-tick]")).await;
    }

    let (kind, text) = ui.fetched("ticked", "pem").await;
    assert_eq!((kind.as_str(), text.matches("BEGIN CERTIFICATE").count()), ("application/x-pem-file", 2));
    assert_eq!(ui.fetched("all", "pem").await.1.matches("BEGIN CERTIFICATE").count(), 60);
    assert_eq!(ui.fetched("page", "pem").await.1.matches("BEGIN CERTIFICATE").count(), 50);
    assert!(ui.fetched("ticked", "pkcs7").await.0.starts_with("application/"));
    let (kind, text) = ui.fetched("ticked", "csv").await;
    assert!(kind.starts_with("text/csv") && text.lines().count() == 3 && text.starts_with("id,name,"), "{kind}: {text}");

    ui.press("Change owner…").await;
    ui.see("2 certificates that you ticked").await;
    ui.choose("owner", "Administrator").await;
    ui.press("Show what would change").await;
    ui.see("2 changed").await;
    ui.press("Edit 2 certificates").await;
    ui.edited("2 of 2 certificates").await;
    ui.open("/certificates?filter=unowned").await;
    ui.see("50 of 58 certificates").await;

    ui.click("tbody tr:nth-child(1) [data-tick]").await;
    ui.press("Remove…").await;
    ui.see("Look before you remove").await;
    ui.see("removed").await;
    ui.browser.screenshot_page("removal-preview").await;
    ui.press("Remove 1 certificate").await;
    ui.edited("1 of 1 certificate").await;
    ui.open("/certificates").await;
    ui.see("50 of 59 certificates").await;
    ui.no_complaints().await;
}

#[tokio::test]
async fn several_are_chosen_without_a_script() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("few.pem", 0, 4)]).await;
    ui.see("4 certificates imported").await;
    ui.browser.javascript(false).await;
    ui.open("/certificates").await;
    for row in [1, 2] {
        ui.click(&format!("tbody tr:nth-child({row}) [data-tick]")).await;
    }
    ui.press("Change owner…").await;
    ui.see("2 certificates that you ticked").await;
    ui.choose("owner", "Administrator").await;
    ui.press("Show what would change").await;
    ui.press("Edit 2 certificates").await;
    ui.edited("2 of 2 certificates").await;
    ui.open("/certificates").await;
    ui.choose("which", "all 4 of this list").await;
    ui.press("Remove…").await;
    ui.press("Remove 4 certificates").await;
    ui.edited("4 of 4 certificates").await;
    ui.open("/certificates").await;
    ui.see("The inventory is empty").await;
}
