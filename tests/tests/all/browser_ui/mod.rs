//! The web pages in a real browser.

mod access;
mod bulk;
mod collections;
mod custody;
mod enrolling;
mod inventory;
mod issuance;
mod looks;
mod rights;
mod signing_in;
mod stores;
mod trying;
mod views;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use certhold_pki::pem;
use certhold_pki::sample::Generator;
use certhold_tests::browser::{Browser, DESKTOP, PATIENCE, PAUSE};
use certhold_tests::server::{ADMIN_PASSWORD, Launch, Server};
use fantoccini::{Locator, elements::Element};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The password of everybody that a story adds.
pub const PASSWORD: &str = "a word that is long enough";

/// Marks the document and says whether a click on this element leads to another one: a link to another page, or a
/// button that sends its form. What a script of the page or the browser itself (a field that does not fit) then
/// refuses takes the mark away again.
const WATCH: &str = "\
    const target = arguments[0].closest('a[href], button, input[type=submit]'); \
    if (!target) return false; \
    const link = target.tagName === 'A'; \
    if (link ? target.target || target.hasAttribute('download') || target.getAttribute('href').startsWith('#') \
             : !target.form || target.type !== 'submit') return false; \
    const mark = document.documentElement.dataset; \
    mark.left = 'no'; \
    const stay = () => delete mark.left; \
    addEventListener(link ? 'click' : 'submit', (event) => { if (event.defaultPrevented) stay(); }, { once: true }); \
    if (!link) target.form.addEventListener('invalid', stay, { once: true, capture: true }); \
    return true";

/// Whether the document is another one than the marked one, or stays after all; loaded in both cases.
const LEFT: &str = "return document.readyState === 'complete' && !document.documentElement.dataset.left";

/// A server and a browser that looks at it.
pub struct Ui {
    pub server: Server,
    pub browser: Browser,
    files: TempDir,
    /// When the story began, unix milliseconds: samples of one story are around one instant.
    began: i64,
}

impl Ui {
    /// None, with a note, when no browser is installed.
    pub async fn start() -> Option<Ui> {
        Ui::start_on(Launch::new()).await
    }

    /// The same on a server that is started like this.
    pub async fn start_on(launch: Launch) -> Option<Ui> {
        let browser = Browser::start(DESKTOP).await?;
        let server = launch.start().await;
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        Some(Ui { server, browser, files: tempfile::tempdir().unwrap(), began: i64::try_from(began).unwrap() })
    }

    pub async fn signed_in() -> Option<Ui> {
        let ui = Ui::start().await?;
        ui.open("/login").await;
        ui.sign_in("admin", ADMIN_PASSWORD).await;
        ui.see("Home").await;
        Some(ui)
    }

    pub async fn open(&self, path: &str) {
        self.browser.open(&self.server.url(path)).await;
    }

    /// Waits until the reader sees this text.
    pub async fn see(&self, text: &str) {
        self.browser.wait_for_text(text).await;
    }

    pub async fn find(&self, css: &str) -> Element {
        for _ in 0..PATIENCE {
            if let Ok(element) = self.browser.client.find(Locator::Css(css)).await {
                return element;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("no {css} on the page, which says:\n{}", self.browser.text().await);
    }

    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.follow(element, css).await;
    }

    /// Clicks the button or link with these words.
    pub async fn press(&self, words: &str) {
        let path = format!("//*[self::button or self::a or self::summary][contains(normalize-space(.), \"{words}\")]");
        for _ in 0..PATIENCE {
            for element in self.browser.client.find_all(Locator::XPath(&path)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    return self.follow(element, words).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("nothing says “{words}”; the page says:\n{}", self.browser.text().await);
    }

    /// Clicks, and when that leads to another document, waits for that one: until it is there the old one would be
    /// read, filled in and clicked, and it may say what the new one will say.
    async fn follow(&self, element: Element, what: &str) {
        let arguments = vec![serde_json::to_value(&element).unwrap()];
        let leads = self.browser.client.execute(WATCH, arguments).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        if leads != Value::Bool(true) {
            return;
        }
        for _ in 0..PATIENCE {
            // Between two documents there is nothing that could run a script.
            if let Ok(Value::Bool(true)) = self.browser.client.execute(LEFT, vec![]).await {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("“{what}” led nowhere; the page says:\n{}", self.browser.text().await);
    }

    /// Types into a field, instead of what is in it.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.find(&format!("main [name=\"{name}\"]:not([type=hidden])")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub async fn choose(&self, name: &str, label: &str) {
        let field = self.find(&format!("main select[name=\"{name}\"]")).await;
        field.select_by_label(label).await.unwrap_or_else(|error| panic!("{name}: {label}: {error}"));
    }

    /// Presses a key while nothing is being typed into.
    pub async fn key(&self, key: &str) {
        let active = self.browser.client.active_element().await.unwrap();
        active.send_keys(key).await.unwrap();
    }

    pub async fn path(&self) -> String {
        let url = self.browser.client.current_url().await.unwrap();
        url[url::Position::BeforePath..].to_owned()
    }

    /// Waits until the address begins so.
    pub async fn arrive(&self, path: &str) {
        for _ in 0..PATIENCE {
            if self.path().await.starts_with(path) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("not at {path} but at {}; the page says:\n{}", self.path().await, self.browser.text().await);
    }

    pub async fn script(&self, script: &str) -> Value {
        self.browser.client.execute(script, vec![]).await.unwrap()
    }

    pub async fn sign_in(&self, name: &str, password: &str) {
        self.fill("name", name).await;
        self.fill("password", password).await;
        self.press("Sign in").await;
    }

    pub async fn sign_out(&self) {
        self.click("[aria-label=\"Sign out\"]").await;
        self.arrive("/login").await;
    }

    /// Ticks or chooses what has this label.
    pub async fn label(&self, words: &str) {
        let path = format!("//main//label[contains(normalize-space(.), \"{words}\")]");
        for _ in 0..PATIENCE {
            if let Ok(label) = self.browser.client.find(Locator::XPath(&path)).await {
                return label.click().await.unwrap_or_else(|error| panic!("{words}: {error}"));
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("no label “{words}”; the page says:\n{}", self.browser.text().await);
    }

    /// Adds somebody who holds a role.
    pub async fn person(&self, name: &str, role: &str) {
        self.open("/users/new").await;
        self.fill("name", name).await;
        self.fill("password", PASSWORD).await;
        self.label(role).await;
        self.press("Add the user").await;
        self.see("The user was added.").await;
    }

    /// A file with so many sample certificates, from the `first` on.
    pub fn samples(&self, name: &str, first: u64, count: u64) -> PathBuf {
        let generator = Generator::new(7).around(self.began);
        let text: String = (first..first + count).map(|n| pem::encode(pem::CERTIFICATE, &generator.certificate(n))).collect();
        self.file(name, text.as_bytes())
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Imports files by the form.
    pub async fn import(&self, files: &[PathBuf]) {
        self.open("/import").await;
        let paths: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        self.find("#f-files").await.send_keys(&paths.join("\n")).await.unwrap();
        self.click("form[data-drop] button.primary").await;
    }

    /// An issuer and a DNS provider that nobody answers for, and a managed certificate at them, through the forms.
    pub async fn manage(&self, name: &str) {
        self.open("/issuers/new").await;
        self.fill("name", "Nobody’s authority").await;
        self.fill("directory", "https://127.0.0.1:1/directory").await;
        self.fill("contact", "pki@example.com").await;
        self.click("#f-terms").await;
        self.press("Add the issuer").await;
        self.see("The issuer was added.").await;
        self.open("/dns-providers/new").await;
        self.press("PowerDNS").await;
        self.fill("name", "Nobody’s zones").await;
        self.fill("url", "http://127.0.0.1:1").await;
        self.fill("api_key", "a secret of the zones").await;
        self.press("Add the DNS provider").await;
        self.see("The DNS provider was added.").await;
        self.open("/managed/new").await;
        self.fill("names", name).await;
        self.press("Obtain it").await;
        self.see("It is being obtained now.").await;
    }

    /// Nothing was refused by the policy, missing, or broken in a script.
    pub async fn no_complaints(&self) {
        let complaints = self.browser.complaints().await;
        // Pages that refuse something have a status that the browser reports too.
        let real: Vec<String> =
            complaints.into_iter().filter(|complaint| !complaint.contains("the server responded with a status of 4")).collect();
        assert!(real.is_empty(), "{real:?}");
    }

    /// The page is not wider than the window.
    pub async fn fits(&self, what: &str) {
        let widths = self.script("return [document.documentElement.scrollWidth, innerWidth]").await;
        if widths[0].as_u64() > widths[1].as_u64() {
            let culprits = self
                .script(
                    "return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)\
                     .slice(0, 8).map(e => e.tagName + '.' + e.className)",
                )
                .await;
            panic!("{what} is {} wide in a window of {}: {culprits}", widths[0], widths[1]);
        }
    }

    /// Drops files from the desktop onto an element.
    pub async fn drop_files(&self, css: &str, files: &[PathBuf]) {
        let place = format!(
            "const r = document.querySelector({}).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]",
            json!(css)
        );
        let place = self.script(&place).await;
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({ "items": [], "files": files, "dragOperationsMask": 1 });
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "data": data });
            self.browser.devtools("Input.dispatchDragEvent", event).await;
        }
    }
}
