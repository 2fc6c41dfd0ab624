//! A real browser: headless Chromium, driven through chromedriver.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, installed, left_out};

/// The window of a desktop.
pub const DESKTOP: (u32, u32) = (1280, 800);
/// The window of a telephone.
pub const TELEPHONE: (u32, u32) = (390, 844);

/// How often a story looks for what should appear, with a [`PAUSE`] between: half a minute, for a machine that does
/// much else beside.
pub const PATIENCE: u32 = 600;
/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(50);

const FLAGS: [&str; 11] = [
    "--headless",
    // Chromium refuses its sandbox to root, as whom tests may run.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    // It must talk to the server under test and to nobody else.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A browser with one window and a fresh profile; ended when dropped.
pub struct Browser {
    /// Finds, clicks, types and waits.
    pub client: Client,
    /// The session's address at the driver, for what the client has no word for.
    session: String,
    /// Before the profile: it must be gone when the profile goes.
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with a window of this size; none, with a note, when it is not installed.
    ///
    /// It accepts certificates that it does not know, as ours are from a local root.
    ///
    /// # Panics
    /// When it does not start, or is not installed and `CI=true`.
    pub async fn start((width, height): (u32, u32)) -> Option<Self> {
        let (Some(driver), Some(chromium)) = (installed("chromedriver"), installed("chromium")) else {
            left_out("no browser is installed (Debian packages chromium and chromium-driver)");
            return None;
        };
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut driver = Process::start(Command::new(driver).arg("--port=0"), &profile.path().join("chromedriver.log"));
        let port: u16 =
            driver.wait_for_line(0, |line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()).await;
        let address = format!("http://127.0.0.1:{port}");
        let capabilities = capabilities(&chromium, profile.path(), width, height);
        let client = ClientBuilder::rustls()
            .expect("the roots of this machine")
            .capabilities(capabilities)
            .connect(&address)
            .await
            .unwrap_or_else(|error| panic!("the browser did not start: {error}\n{}", driver.output()));
        let id = client.session_id().await.ok().flatten().expect("a session has an id");
        let browser = Self { client, session: format!("{address}/session/{id}"), _driver: driver, _profile: profile };
        browser.resize((width, height)).await;
        Some(browser)
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// The text a reader sees.
    ///
    /// # Panics
    /// When the page is gone.
    pub async fn text(&self) -> String {
        // A page that reloads itself has no body for an instant, and sometimes nothing that could run a script.
        let mut last = None;
        for _ in 0..PATIENCE {
            match self.client.execute("return document.body.innerText", vec![]).await {
                Ok(text) => return text.as_str().unwrap_or_default().to_owned(),
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("the page has no body: {last:?}");
    }

    /// Waits until the reader sees this text, for at most half a minute.
    ///
    /// # Panics
    /// When it does not appear; with what is seen instead.
    pub async fn wait_for_text(&self, wanted: &str) {
        for _ in 0..PATIENCE {
            if self.text().await.contains(wanted) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("“{wanted}” did not appear; the page says:\n{}", self.text().await);
    }

    /// Gives the page itself (without the window's frame) this size.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn resize(&self, (width, height): (u32, u32)) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What the page is told the reader prefers: `dark` or `light`.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn prefer_colours(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Switches the page's JavaScript off or on, from the next page on.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn javascript(&self, on: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !on})).await;
    }

    /// What the browser has complained about since the last call: errors of scripts, refused or missing resources,
    /// broken content security policy.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.command("se/log", json!({"type": "browser"})).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Saves what the window shows as `target/screenshots/NAME.png`; returns where.
    ///
    /// # Panics
    /// When it cannot be taken or saved.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let picture = self.client.screenshot().await.expect("a screenshot");
        let directory = screenshots();
        std::fs::create_dir_all(&directory).expect("target/ can be written to");
        let path = directory.join(format!("{name}.png"));
        std::fs::write(&path, picture).expect("target/ can be written to");
        path
    }

    /// The same, of the whole page from top to bottom, at the current width.
    ///
    /// # Panics
    /// When it cannot be taken or saved.
    pub async fn screenshot_page(&self, name: &str) -> PathBuf {
        let script = "return [innerWidth, innerHeight, document.documentElement.scrollHeight]";
        let sizes = self.client.execute(script, vec![]).await.expect("the page has a size");
        let size = |index: usize| u32::try_from(sizes[index].as_u64().unwrap_or_default()).unwrap_or(u32::MAX);
        self.resize((size(0), size(2).clamp(size(1), 10_000))).await;
        let path = self.screenshot(name).await;
        self.resize((size(0), size(1))).await;
        path
    }

    /// Sends a command of the DevTools protocol, for what WebDriver has no word for.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn devtools(&self, command: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await;
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let answer = client.post(format!("{}/{path}", self.session)).json(&body).send().await;
        let mut answer: Value = answer.expect("chromedriver answers").json().await.expect("chromedriver speaks JSON");
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{path} {body}: {value}");
        value
    }
}

/// `target/screenshots`, of the target directory that this test program lies in.
fn screenshots() -> PathBuf {
    let program = std::env::current_exe().expect("a running program knows where it is");
    // target/PROFILE/deps/PROGRAM
    program.ancestors().nth(3).expect("tests run from target/PROFILE/deps").join("screenshots")
}

fn capabilities(chromium: &Path, profile: &Path, width: u32, height: u32) -> Capabilities {
    let own = [format!("--user-data-dir={}", profile.join("profile").display()), format!("--window-size={width},{height}")];
    let flags: Vec<String> = FLAGS.into_iter().map(str::to_owned).chain(own).collect();
    let capabilities = json!({
        "acceptInsecureCerts": true,
        "goog:chromeOptions": {"binary": chromium, "args": flags},
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    capabilities.as_object().cloned().expect("an object was written above")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use fantoccini::Locator;

    use super::*;
    use crate::process::descendants;

    const PAGE: &str = "<!doctype html><title>Small</title><meta name=viewport content='width=device-width'>\
        <style>@media (prefers-color-scheme: dark) { b { display: none } } div { height: 3000px }</style>\
        <h1>Hello</h1><p id=p>unscripted</p><b>bright</b><button onclick=\"p.textContent='clicked'\">Press</button>\
        <script>p.textContent = 'scripted ' + innerWidth; console.error('on purpose')</script><div></div>";

    /// Serves a page to whoever asks for anything, until the test process ends.
    fn serve(page: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten().take(100) {
                let _ = stream.read(&mut [0; 8192]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length:";
                let _ = write!(stream, "{head} {}\r\n\r\n{page}", page.len());
            }
        });
        format!("http://{address}/")
    }

    /// A page that reloads itself at once, many times.
    const RESTLESS: &str = "<!doctype html><title>Restless</title><p id=p>reloading</p><script>\
        const left = Number(sessionStorage.left ?? 60) - 1; sessionStorage.left = left; \
        if (left > 0) location.reload(); else p.textContent = 'at rest'</script>";

    /// Width and height from the header of a PNG file.
    fn png_size(path: &Path) -> (u32, u32) {
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes[..8], [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a]);
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    }

    #[tokio::test]
    async fn a_page_that_reloads_itself_is_read() {
        let Some(browser) = Browser::start(DESKTOP).await else { return };
        browser.open(&serve(RESTLESS)).await;
        browser.wait_for_text("at rest").await;
    }

    #[tokio::test]
    async fn a_page_is_seen_used_and_photographed() {
        let Some(browser) = Browser::start(DESKTOP).await else { return };
        browser.open(&serve(PAGE)).await;
        assert_eq!(browser.client.title().await.unwrap(), "Small");
        browser.wait_for_text("scripted 1280").await;
        browser.client.find(Locator::Css("button")).await.unwrap().click().await.unwrap();
        browser.wait_for_text("clicked").await;
        let complaints = browser.complaints().await;
        assert!(complaints.iter().any(|complaint| complaint.contains("on purpose")), "{complaints:?}");

        assert!(browser.text().await.contains("bright"));
        browser.prefer_colours("dark").await;
        assert!(!browser.text().await.contains("bright"));

        assert_eq!(png_size(&browser.screenshot("harness").await), DESKTOP);
        let (width, height) = png_size(&browser.screenshot_page("harness-page").await);
        assert!(width == DESKTOP.0 && height > 3000, "{width} × {height}");

        browser.resize(TELEPHONE).await;
        browser.javascript(false).await;
        browser.client.refresh().await.unwrap();
        browser.wait_for_text("unscripted").await;
        assert_eq!(png_size(&browser.screenshot("harness-telephone").await), TELEPHONE);
    }

    #[tokio::test]
    async fn nothing_of_it_is_left_when_dropped() {
        let Some(browser) = Browser::start(DESKTOP).await else { return };
        let driver = browser._driver.pid();
        let profile = browser._profile.path().to_path_buf();
        let processes = descendants(driver);
        assert!(!processes.is_empty(), "chromium was started by the driver");
        drop(browser);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let left = |pid: &u32| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(profile.to_str().unwrap())
        };
        assert_eq!(processes.iter().filter(|pid| left(pid)).count(), 0);
        assert!(!profile.exists(), "{} was left behind", profile.display());
    }
}
