//! Keys that are made here, chains, the record and what everything is sealed under.

use std::process::Command;

use super::Ui;

impl Ui {
    /// Lets OpenSSL issue a certificate for a request, by a new authority; both as PEM.
    fn issue(&self, csr: &str) -> (String, String) {
        let at = |name: &str| self.files.path().join(name);
        std::fs::write(at("request.pem"), csr).unwrap();
        std::fs::write(at("leaf.ext"), "subjectAltName = DNS:hand.example.com\nextendedKeyUsage = serverAuth\n").unwrap();
        let openssl = |arguments: &[&str]| {
            let output = Command::new("openssl").args(arguments).current_dir(self.files.path()).output().expect("openssl runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=Hand-made Root",
            "-days",
            "900",
        ]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "90",
            "-extfile",
            "leaf.ext",
            "-out",
            "leaf.pem",
        ]);
        let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        (read("leaf.pem"), read("ca.pem"))
    }
}

#[tokio::test]
async fn a_key_made_here_gets_its_certificate_and_its_chain() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.open("/key-requests").await;
    ui.see("No key request yet").await;
    ui.fill("names", "not a name").await;
    ui.press("Make the key").await;
    ui.find(".field-error").await;
    ui.fill("names", "hand.example.com").await;
    ui.press("Make the key").await;
    ui.see("The key is in custody. Give the request to an authority.").await;
    ui.see("It waits for its certificate").await;
    ui.browser.screenshot_page("key-request").await;
    let request = ui.path().await;
    let csr = ui.script("return document.querySelector('.pem pre').textContent").await.as_str().unwrap().to_owned();
    assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{csr}");

    // The answer of the authority finds its key.
    let (leaf, root) = ui.issue(&csr);
    ui.import(&[ui.file("answer.pem", leaf.as_bytes())]).await;
    ui.see("1 certificate imported").await;
    ui.open(&request).await;
    ui.see("Its certificate").await;
    ui.click(".lead a[href^='/certificates/']").await;
    ui.arrive("/certificates/").await;
    ui.see("hand.example.com").await;
    ui.find("section[aria-labelledby=key-title] .tone-good").await;
    let boxes = "return document.querySelectorAll('.chain-box').length";
    assert_eq!(ui.script("return document.querySelectorAll('.chain-box.missing').length").await, 1, "its issuer is missing");
    let certificate = ui.path().await;

    // With the root the chain is whole, and a trust set says so.
    ui.import(&[ui.file("root.pem", root.as_bytes())]).await;
    ui.see("1 certificate imported").await;
    ui.open(&certificate).await;
    assert_eq!(ui.script(boxes).await, 2);
    assert_eq!(ui.script("return document.querySelectorAll('.chain-box.missing').length").await, 0);
    let root_page = ui
        .script(
            "return document.querySelector('.chain-picture a:not([href=\"' + location.pathname + '\"])').getAttribute('href')",
        )
        .await;
    let root_id = root_page.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    ui.open("/trust-sets/new").await;
    ui.fill("name", "Ours").await;
    ui.fill("certificates", &root_id).await;
    ui.press("Add the trust set").await;
    ui.open(&certificate).await;
    ui.see("Ours").await;
    ui.browser.screenshot_page("certificate-chain").await;
    ui.no_complaints().await;
}

#[tokio::test]
async fn the_record_is_signed_and_everything_is_sealed_anew() {
    let Some(ui) = Ui::signed_in().await else { return };
    ui.import(&[ui.samples("few.pem", 0, 3)]).await;
    ui.see("3 certificates imported").await;
    ui.open("/certificates").await;
    ui.click("tbody th a").await;
    ui.press("Give it an owner").await;
    ui.choose("owner", "Administrator").await;
    ui.click("form[action$='/owner'] button").await;
    ui.see("The certificate now belongs to Administrator.").await;

    // One event, whole.
    ui.open("/events").await;
    ui.click("[data-row-link]").await;
    ui.see("Place in the chain").await;
    ui.see("What changed").await;
    ui.see("not signed yet").await;
    let event = ui.path().await;
    ui.browser.screenshot_page("event").await;
    ui.key("p").await;
    for _ in 0..100 {
        if ui.path().await != event {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    ui.see("certificate.imported").await;

    // A checkpoint covers it.
    ui.open("/events").await;
    let signed = ui
        .script(
            "const form = document.querySelector(\"form[action='/events/checkpoint']\"); \
             return fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).then((answer) => answer.json())",
        )
        .await;
    assert!(signed["signature"].as_str().is_some_and(|text| !text.is_empty()), "{signed}");
    ui.open(&event).await;
    ui.see("Whoever changes this event breaks that signature.").await;
    ui.see(signed["signature"].as_str().unwrap()).await;
    for format in ["csv", "jsonl"] {
        let text = ui.script(&format!("return fetch('/events/export?format={format}').then((answer) => answer.text())")).await;
        assert!(text.as_str().is_some_and(|text| text.contains("certificate.owner_changed")), "{format}: {text}");
    }

    // A new master key.
    ui.open("/system").await;
    ui.see("Master keys").await;
    ui.press("Rotate the master key…").await;
    ui.press("Rotate it now").await;
    ui.see("The rotation has begun.").await;
    for _ in 0..100 {
        let rows = ui.script("return document.querySelectorAll('tbody tr').length").await;
        if rows == 2 && !ui.browser.text().await.contains("under way") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        ui.open("/system").await;
    }
    ui.see("current").await;
    ui.browser.screenshot_page("system").await;
    ui.no_complaints().await;
}
