//! `certhold serve`: first start, configuration, logs, end.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::support::{Data, Server, certhold, run, wait};

#[test]
fn the_first_start_creates_everything_and_says_one_line() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("new/data");
    let mut command = certhold();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&dir).stdin(Stdio::null());
    let (out, err) = (outer.path().join("out"), outer.path().join("err"));
    let mut child = command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap()).spawn().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !fs::read_to_string(&out).unwrap().ends_with('\n') && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert!(wait(&mut child).success());

    let (out, err) = (fs::read_to_string(&out).unwrap(), fs::read_to_string(&err).unwrap());
    let port = out.strip_prefix("listening on https://127.0.0.1:").and_then(|rest| rest.strip_suffix('\n'));
    assert!(port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0)), "{out:?}");
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode(""), mode("certhold.db"), mode("master.key"), mode("tls/root-key.pem")), (0o700, 0o600, 0o600, 0o600));
    assert!(fs::read_to_string(dir.join("tls/root.pem")).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));

    let password = err.lines().find_map(|line| line.split("password ").nth(1)).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!((password.len(), err.matches(&password).count()), (23, 1), "{err}");
    let key = fs::read_to_string(dir.join("master.key")).unwrap();
    assert!(!err.contains(key.trim()));
    let (status, log) = Server::on(&dir).stop();
    assert!(status.success() && !log.contains("password"), "{log}");
}

#[test]
fn stopping_signs_the_end_of_the_log_and_everything_is_there_again() {
    let data = Data::new();
    data.run(&["role", "add", "New"]).ok();
    let before = data.json(&["verify"]);
    let (status, log) = Server::on(data.path()).stop();
    assert!(status.success(), "{log}");
    let after = data.json(&["verify"]);
    assert_eq!(after["heads"].as_i64(), before["heads"].as_i64().map(|heads| heads + 1), "{before} {after}");
    let (_, _) = Server::on(data.path()).stop();
    assert_eq!(data.json(&["verify"]), after, "nothing new, nothing signed");
}

#[test]
fn plain_http_json_logs_and_the_environment() {
    let data = Data::new();
    let token = data.token();
    fs::write(data.path().join("certhold.toml"), "log = 'debug'\nlog_format = 'json'\nplain_http = true\n").unwrap();
    let server = Server::on(data.path());
    assert!(server.url.starts_with("http://127.0.0.1:"));
    run(certhold().args(["list", "--server", &server.url, "--token", &token])).ok();
    assert!(
        run(certhold().args(["show", "7", "--server", &server.url, "--token", &token])).refused(1).contains("no certificate 7")
    );
    let (_, log) = server.stop();
    let lines: Vec<Json> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    assert!(lines.iter().any(|line| line["route"] == "/api/v1/certificates"), "{log}");
    assert!(!log.contains(&token) && !log.contains(crate::support::ADMIN_PASSWORD), "{log}");
}

#[test]
fn what_keeps_a_server_from_starting_is_said() {
    let data = Data::new();
    let start = |arguments: &[&str]| run(certhold().args(["serve", "--data"]).arg(data.path()).args(arguments));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, why) in [
        (&["--listen", &address][..], "is in use by another program"),
        (&["--listen", "127.0.0.1"], "listen: "),
        (&["--listen", "192.0.2.1:0"], "cannot be listened on"),
        (&["--listen", "127.0.0.1:0", "--trusted-proxies", "10.0.0.0/99"], "trusted_proxies: "),
        (&["--listen", "127.0.0.1:0", "--dns-resolvers", "not an address"], "dns_resolvers: "),
        (&["--listen", "127.0.0.1:0", "--log", "certhold=loud"], "log: "),
        (&["--listen", "127.0.0.1:0", "--public-url", "certs.example.com"], "public_url: "),
    ] {
        let ended = start(arguments);
        assert!(ended.refused(1).contains(why) && ended.out.is_empty(), "{arguments:?}: {ended:?}");
    }
    fs::write(data.path().join("certhold.toml"), "listen = '127.0.0.1:0'\nlisten_on = 3\n").unwrap();
    let unknown = start(&[]);
    assert!(unknown.refused(1).contains("certhold.toml, line 2: listen_on: unknown field"), "{unknown:?}");

    let file = data.outside("file", "x");
    let below = run(certhold().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(file.join("data")));
    assert!(below.refused(1).contains("not a directory"), "{below:?}");
    let fresh = tempfile::tempdir().unwrap();
    let mut weak = certhold();
    weak.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(fresh.path()).env("CERTHOLD_ADMIN_PASSWORD", "short");
    let weak = run(&mut weak);
    assert!(weak.refused(1).contains("CERTHOLD_ADMIN_PASSWORD: ") && !weak.err.contains("short"), "{weak:?}");
}

#[test]
fn a_flag_goes_over_the_environment_which_goes_over_the_file() {
    let data = Data::new();
    fs::write(data.path().join("certhold.toml"), "log = 'from=the_file'\n").unwrap();
    let start = |variable: Option<&str>, flags: &[&str]| {
        let mut command = certhold();
        command.args(["serve", "--listen", "nowhere", "--data"]).arg(data.path()).args(flags);
        variable.map(|value| command.env("CERTHOLD_LOG_FORMAT", "json").env("CERTHOLD_LISTEN", value));
        run(&mut command).err
    };
    assert!(start(Some("127.0.0.1:0"), &[]).contains("\"nowhere\" is not an address"), "the flag goes over the environment");
    let without = |name: &str, value: &str| {
        let mut command = certhold();
        command.args(["serve", "--data"]).arg(data.path()).env("CERTHOLD_LISTEN", "127.0.0.1:0").env(name, value);
        run(&mut command).err
    };
    assert!(start(None, &[]).contains("nowhere"));
    assert!(without("CERTHOLD_HEAD_INTERVAL", "").contains("head_interval: "));
    assert!(
        without("CERTHOLD_LOG", "from=the_environment").contains("from=the_environment"),
        "the environment goes over the file"
    );
    assert!(without("CERTHOLD_WORKER_CONCURRENCY", "many").contains("many"));
    let file = without("CERTHOLD_TRUSTED_PROXIES", "::1");
    assert!(file.contains("from=the_file"), "{file}");
}

#[test]
fn scripts_and_descriptions_are_printed() {
    let script = run(certhold().args(["completions", "bash"])).ok();
    assert!(script.out.contains("complete -F _certhold"));
    let document = run(certhold().arg("openapi")).ok().json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1") && document["paths"]["/api/v1/certificates"].is_object());
    assert!(run(certhold().arg("--version")).ok().out.starts_with("certhold "));
}
