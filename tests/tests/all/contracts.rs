//! What scripts and users depend on, on both engines, through the program itself.

use std::process::{Command, Output};

use certhold_tests::postgres::engines;
use certhold_tests::server::{ADMIN_PASSWORD, Launch, certhold};
use serde_json::{Value, json};

use crate::api::Api;

fn run(command: &mut Command) -> Output {
    command.output().expect("certhold runs")
}

fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&output.stdout)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_keeps_its_contracts_on_both_engines() {
    for database in engines() {
        let mut api = Api::start(Launch::new().on(&database)).await;
        for (path, status) in
            [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/api/v1/openapi.json", 200), ("/login", 200)]
        {
            api.server.get(path, "").await.expect(status);
        }
        let root = api.server.data().join("tls/root.pem");
        let remote = |api: &Api, arguments: &[&str]| {
            let mut command = certhold();
            command.args(arguments).args(["--server", &api.server.url(""), "--ca"]).arg(&root);
            command.args(["--output", "json"]).env("CERTHOLD_TOKEN", &api.token);
            run(&mut command)
        };

        let files = tempfile::tempdir().unwrap();
        for name in ["www.example.com", "mail.example.com"] {
            let key = rcgen::KeyPair::generate().unwrap();
            let pem = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap().pem();
            std::fs::write(files.path().join(name), format!("some words before\n{pem}")).unwrap();
        }
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(files.path().join("broken.pem"), broken).unwrap();
        let imported = remote(&api, &["import", files.path().to_str().unwrap()]);
        assert!(!imported.status.success(), "one of three files was refused");
        let listed = json_of(&remote(&api, &["list", "www.example.com"]));
        let id = listed[0]["id"].as_i64().unwrap();
        assert_eq!(json_of(&remote(&api, &["list"])).as_array().unwrap().len(), 2);
        let shown = json_of(&remote(&api, &["show", &id.to_string()]));
        assert_eq!(shown["names"][0], "www.example.com");
        let mut openssl = Command::new("openssl");
        let printed = run(openssl.args(["x509", "-noout", "-subject", "-in"]).arg(files.path().join("www.example.com")));
        let subject = shown["details"]["subject"]["openssl"].as_str().unwrap();
        assert_eq!(String::from_utf8_lossy(&printed.stdout).trim_end(), format!("subject={subject}"));
        assert_eq!(shown["details"]["key"]["description"], "EC P-256");

        let web = api.create("/roles", json!({ "name": "Web Ops", "permissions": ["/certificates/"] })).await;
        assert!(remote(&api, &["owner", "set", &id.to_string(), "Web Ops"]).status.success());
        assert_eq!(api.get(&format!("/certificates/{id}")).await["owner"]["id"], web);
        let events = json_of(&remote(&api, &["events"]));
        assert!(events.to_string().contains("certificate.owner_changed"));
        assert!(remote(&api, &["verify"]).status.success());
        assert!(!remote(&api, &["show", "9999"]).status.success());

        // The directory is the server's while it runs.
        let mut second = certhold();
        second.args(["list", "--data"]).arg(api.server.data()).args(["--database", &database.location()]);
        let refused = run(&mut second);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--server"), "{}", String::from_utf8_lossy(&refused.stderr));

        api.server.kill();
        api.server.restart().await;
        assert_eq!(api.get(&format!("/certificates/{id}")).await["owner"]["name"], "Web Ops", "after kill -9");
        assert!(api.server.stop().await.success(), "an orderly end");
        let here = run(&mut second);
        assert!(here.status.success(), "{}", String::from_utf8_lossy(&here.stderr));
        assert!(!api.server.log().contains(ADMIN_PASSWORD));
    }
}
