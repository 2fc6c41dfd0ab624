//! Every noun's commands, on a data directory and against a server: the words and the answers are the same.

use std::process::Command;

use serde_json::{Value as Json, json};

use crate::support::{Data, Ended, Server, bundle, run, with_key};

/// Where a story runs.
pub trait Place {
    fn command(&self, arguments: &[&str]) -> Command;

    fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Json {
        self.run(&[&["--output", "json"], arguments].concat()).ok().json()
    }
}

impl Place for Data {
    fn command(&self, arguments: &[&str]) -> Command {
        Data::command(self, arguments)
    }
}

struct Remote {
    server: Server,
    token: String,
}

impl Place for Remote {
    fn command(&self, arguments: &[&str]) -> Command {
        self.server.command(&self.token, arguments)
    }
}

/// Tells a story twice, each time from the beginning.
pub fn both(story: fn(&dyn Place, &Data)) {
    let data = Data::new();
    story(&data, &data);
    let data = Data::new();
    let token = data.token();
    let remote = Remote { server: Server::on(data.path()), token };
    story(&remote, &data);
}

#[test]
fn certificates_are_imported_listed_shown_and_owned() {
    both(|place, data| {
        let path = data.outside("bundle.pem", bundle(0, 5));
        let report = place.json(&["import", path.to_str().unwrap(), "--source", "test"]);
        assert_eq!((&report["imported"], &report["refused"]), (&json!(5), &json!(0)), "{report}");
        assert_eq!(place.json(&["import", path.to_str().unwrap()])["already_held"], 5);
        let all = place.json(&["list"]);
        assert_eq!(all.as_array().unwrap().len(), 5);
        assert_eq!(place.json(&["list", "--limit", "2"]).as_array().unwrap().len(), 2);
        assert_eq!(place.json(&["list", "--sort", "newest", "--limit", "1"])[0]["id"], 5);
        assert_eq!(place.json(&["list", "no such words"]), json!([]));
        let expired = place.json(&["list", "--expired"]).as_array().unwrap().len();
        let later = place.json(&["list", "--expires-within", "50000d"]).as_array().unwrap().len();
        assert_eq!(expired + later, 5);

        let one = place.json(&["show", "3"]);
        let fingerprint = one["sha256"].as_str().unwrap();
        assert_eq!(place.json(&["show", fingerprint])["id"], 3);
        assert_eq!(place.json(&["list", fingerprint])[0]["id"], 3);
        assert!(place.run(&["show", "3"]).ok().out.contains(fingerprint));

        assert_eq!(place.run(&["show", "3", "--pem"]).ok().out, bundle(2, 1));
        assert_eq!(place.run(&["show", "3", "--chain"]).ok().out, bundle(2, 1));

        place.run(&["role", "add", "Web team", "--description", "who runs the web"]).ok();
        assert_eq!(place.run(&["owner", "set", "3", "Web team"]).ok().out, "certificate 3 belongs to Web team\n");
        assert_eq!(place.json(&["show", "3"])["owner"]["name"], "Web team");
        assert_eq!(place.json(&["list", "--owner", "Web team"])[0]["id"], 3);
        assert!(place.run(&["owner", "set", "3", "99"]).refused(1).contains("there is no role 99"));
        place.run(&["owner", "set", "3", "1"]).ok();
        place.run(&["owner", "clear", fingerprint]).ok();
        assert_eq!(place.json(&["list", "--no-owner"]).as_array().unwrap().len(), 5);

        let changes = place.json(&["events", "--operation", "certificate.owner_changed", "--about", "certificate/3"]);
        assert_eq!(changes.as_array().unwrap().len(), 3);
        assert_eq!(place.json(&["events", "--limit", "1", "--since", "1h"]).as_array().unwrap().len(), 1);
        assert_eq!(place.json(&["events", "--until", "1h"]).as_array().unwrap().len(), 0);
        assert_eq!(place.json(&["verify"])["intact"], true);
        assert!(place.run(&["verify"]).ok().out.starts_with("the log is intact: "));
    });
}

#[test]
fn private_keys_are_imported_with_their_certificates() {
    both(|place, data| {
        let (certificate, key) = with_key("www.example.com");
        let (_, stray) = with_key("nobody");
        let certificate = data.outside("c.pem", certificate);
        let key = data.outside("k.pem", key);
        let stray = data.outside("s.pem", stray);
        place.run(&["import", certificate.to_str().unwrap()]).ok();
        let taken = place.json(&["import", key.to_str().unwrap()]);
        assert_eq!((&taken["keys_imported"], &taken["refused"]), (&json!(1), &json!(0)), "{taken}");
        assert_eq!(place.json(&["import", key.to_str().unwrap()])["keys_already_held"], 1);
        assert_eq!(place.json(&["show", "1"])["has_private_key"], true);
        let refused = place.run(&["import", stray.to_str().unwrap()]);
        assert!(refused.out.contains("belongs to this private key"), "{refused:?}");
        refused.refused(1);
    });
}

#[test]
fn queries_find_certificates_and_collections_keep_them() {
    both(|place, data| {
        let path = data.outside("bundle.pem", bundle(0, 6));
        place.run(&["import", path.to_str().unwrap()]).ok();
        let ids = |arguments: &[&str]| -> Vec<i64> {
            let items = place.json(&[&["list"], arguments].concat());
            items.as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
        };
        assert_eq!(ids(&["CertId -in (2, 4) OR CertId -gt 5"]), [2, 4, 6]);
        assert_eq!(ids(&["ExpirationDate -eq NULL"]), [] as [i64; 0]);
        let wrong = place.run(&["list", "IsuedCN -eq \"x\""]).refused(1).to_owned();
        assert!(wrong.contains("column 1: there is no field \"IsuedCN\"; did you mean IssuedCN?"), "{wrong}");

        place.run(&["query", "check", "Owner -eq %ME%"]).ok();
        let wrong = place.run(&["query", "check", "CN -eqq 1"]).refused(1).to_owned();
        assert!(wrong.contains("did you mean -eq?\n  CN -eqq 1\n     ^"), "{wrong}");
        assert_eq!(place.run(&["query", "complete", "IsCA -eq t"]).ok().out, "IsCA -eq true\n");
        assert!(place.json(&["query", "fields"]).as_array().unwrap().iter().any(|field| field["name"] == "KeySize"));

        let added = place.run(&["collection", "add", "Some", "CertId -le 3", "--description", "the first ones"]).ok().out;
        assert_eq!(added, "collection Some is added as number 1\n");
        assert_eq!(ids(&["--collection", "some"]), [1, 2, 3]);
        assert_eq!(ids(&["CertId -ge 3", "--collection", "1"]), [3]);
        place.run(&["collection", "set", "Some", "--query", "CertId -eq 5"]).ok();
        let shown = place.json(&["collection", "show", "Some"]);
        assert_eq!((&shown["query"], &shown["description"]), (&json!("CertId -eq 5"), &json!("the first ones")));
        assert!(place.run(&["collection", "set", "Some", "--query", "CertId"]).refused(1).contains("column 7"));
        place.run(&["collection", "copy", "Some", "Others"]).ok();
        assert_eq!(place.json(&["collection", "list"]).as_array().unwrap().len(), 2);

        place.run(&["role", "add", "Readers", "--permission", "/certificates/collections/read/1/"]).ok();
        assert!(place.run(&["collection", "remove", "Some"]).refused(1).contains("\"Readers\""));
        place.run(&["collection", "remove", "Some", "--force"]).ok();
        assert!(place.run(&["list", "--collection", "Some"]).refused(1).contains("there is no collection \"Some\""));
    });
}

#[test]
fn people_roles_and_tokens_are_managed() {
    both(|place, data| {
        let password = data.outside("password", "three sour lemons\n");
        let password = password.to_str().unwrap();
        place
            .run(&["user", "add", "ann", "--display-name", "Ann", "--email", "ann@example.com", "--password-file", password])
            .ok();
        place.run(&["user", "add", "robot", "--service"]).ok();
        let users = place.json(&["user", "list"]);
        let names: Vec<&str> = users.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["admin", "ann", "robot"]);
        assert!(place.run(&["user", "add", "ANN", "--service"]).refused(1).contains("there is an account named"));
        let short = data.outside("short", "short");
        let short = place.run(&["user", "password", "ann", "--password-file", short.to_str().unwrap()]);
        assert!(short.refused(1).contains("at least 10 characters"));
        place.run(&["user", "password", "ann", "--password-file", password]).ok();

        place.run(&["role", "add", "Readers", "--permission", "/certificates/collections/read/"]).ok();
        place.run(&["role", "assign", "readers", "robot"]).ok();
        assert_eq!(place.json(&["user", "roles", "robot"])[0]["name"], "Readers");
        let roles = place.json(&["role", "list"]);
        assert_eq!(roles.as_array().unwrap().iter().find(|role| role["name"] == "Readers").unwrap()["holders"], 1);
        assert!(place.run(&["role", "permissions"]).ok().out.contains("/certificates/import/"));

        let made = place.json(&["token", "create", "robot", "--name", "nightly", "--scope", "/certificates/", "--expires", "1h"]);
        assert!(made["token"].as_str().unwrap().starts_with("cht_"));
        let token = place.run(&["token", "create", "robot", "--endless"]).ok();
        assert!(token.out.starts_with("cht_") && token.out.trim().len() > 40 && token.err.is_empty());
        let tokens = place.json(&["token", "list", "robot"]);
        assert_eq!(tokens.as_array().unwrap().len(), 2);
        assert!(!tokens.to_string().contains(made["token"].as_str().unwrap()), "it is shown once");
        place.run(&["token", "revoke", &made["id"].to_string()]).ok();
        assert!(place.json(&["token", "list", "robot"])[1]["revoked_at"].is_string());

        place.run(&["role", "withdraw", "Readers", "robot"]).ok();
        assert_eq!(place.json(&["user", "roles", "robot"]), json!([]));
        place.run(&["role", "remove", "Readers"]).ok();
        place.run(&["user", "disable", "ann"]).ok();
        assert!(place.run(&["user", "list"]).ok().out.contains("disabled"));
        place.run(&["user", "enable", "ann"]).ok();
        assert!(place.run(&["user", "disable", "admin"]).refused(1).contains("must keep the Administrator role"));
    });
}

#[test]
fn issuers_providers_managed_certificates_and_deployments_are_managed() {
    both(|place, data| {
        // Nothing listens there: what this story is about is the plan, not the certificate.
        place.run(&["issuer", "add", "lab", "--directory", "https://127.0.0.1:1/dir", "--contact", "ops@example.com"]).ok();
        let key = data.outside("eab", "c2VjcmV0LWtleS1vZi10aGUtYmluZGluZw\n");
        let bound = ["issuer", "add", "bound", "--directory", "https://127.0.0.1:1/dir", "--eab-key-id", "kid", "--eab-key-file"];
        place.run(&[&bound[..], &[key.to_str().unwrap()]].concat()).ok();
        let issuers = place.run(&["issuer", "list", "--output", "json"]).ok();
        assert_eq!(issuers.json().as_array().unwrap().len(), 2);
        assert!(!issuers.out.contains("c2VjcmV0"), "{}", issuers.out);
        let plain = place.run(&["issuer", "add", "plain", "--directory", "http://127.0.0.1:1/dir"]);
        assert!(plain.refused(1).contains("https://"));

        assert!(place.run(&["dns", "kinds"]).ok().out.contains("api_key"));
        let secret = data.outside("api-key", "s3cr3t-of-powerdns\n");
        let secret = format!("api_key=@{}", secret.display());
        let add = ["dns", "add", "pdns", "--kind", "powerdns", "--set", "url=http://127.0.0.1:1", "--set", &secret];
        place.run(&add).ok();
        let providers = place.run(&["dns", "list", "--output", "json"]).ok();
        assert_eq!(providers.json()[0]["settings"]["url"], "http://127.0.0.1:1");
        assert!(
            !providers.out.contains("s3cr3t") && place.run(&["dns", "list"]).ok().out.contains("api_key=********"),
            "{providers:?}"
        );
        let missing = place.run(&["dns", "add", "other", "--kind", "powerdns", "--set", "url=http://127.0.0.1:1"]);
        assert!(missing.refused(1).contains("API key is required"));
        assert!(place.run(&["dns", "add", "other", "--kind", "abacus"]).refused(1).contains("choose one of powerdns"));

        let create = [
            "managed",
            "create",
            "www.example.com",
            "example.com",
            "--issuer",
            "lab",
            "--dns",
            "pdns",
            "--owner",
            "Administrator",
        ];
        let created = place.json(&create);
        let id = created["id"].to_string();
        let one = place.json(&["managed", "show", "www.example.com"]);
        assert_eq!((&one["names"], &one["owner"]["name"]), (&json!(["www.example.com", "example.com"]), &json!("Administrator")));
        assert!(place.run(&create).refused(1).contains("there is a managed certificate named"));
        assert!(place.run(&["managed", "create", "bad name", "--issuer", "lab", "--dns", "pdns"]).refused(1).contains("names: "));
        place.run(&["managed", "pause", &id]).ok();
        assert_eq!(place.json(&["managed", "list"])[0]["health"], "paused");
        assert!(place.run(&["managed", "list"]).ok().out.contains("www.example.com"));
        place.run(&["managed", "resume", "www.example.com"]).ok();
        place.run(&["renew", "WWW.example.com"]).ok();
        let log = place.json(&["managed", "log", &id]);
        assert!(log.as_array().unwrap().iter().any(|event| event["operation"] == "renewal.requested"), "{log}");

        let target = data.files().join("out.pem");
        let target = target.to_str().unwrap();
        let add = ["deploy", "add", &id, "web server", "--full-chain", target, "--mode", "0640", "--", "/bin/true", "reload"];
        let deployment = place.json(&add)["id"].to_string();
        let listed = place.json(&["deploy", "list", "www.example.com"]);
        assert_eq!(
            (&listed[0]["settings"]["command"], &listed[0]["state"]),
            (&json!(["/bin/true", "reload"]), &json!("waiting"))
        );
        assert!(place.run(&["deploy", "run", &deployment]).refused(1).contains("there is no version to install yet"));
        assert!(place.run(&["deploy", "add", &id, "x", "--chain", "relative.pem"]).refused(1).contains("absolute path"));
        place.run(&["deploy", "remove", &deployment]).ok();
        assert!(place.run(&["issuer", "remove", "lab"]).refused(1).contains("give them another first"));
        place.run(&["issuer", "remove", "bound"]).ok();
    });
}

#[test]
fn what_does_not_exist_is_refused_in_one_sentence() {
    both(|place, _| {
        for (arguments, why) in [
            (&["show", "99"][..], "there is no certificate 99"),
            (&["show", &"0".repeat(64)], "there is no certificate"),
            (&["owner", "set", "99", "Administrator"], "there is no certificate 99"),
            (&["owner", "set", "99", "Nobody"], "there is no role \"Nobody\""),
            (&["managed", "show", "nothing"], "there is no managed certificate \"nothing\""),
            (&["managed", "show", "99"], "there is no managed certificate 99"),
            (&["renew", "99"], "there is no managed certificate 99"),
            (&["deploy", "run", "99"], "there is no deployment 99"),
            (&["user", "disable", "nobody"], "there is no account \"nobody\""),
            (&["token", "revoke", "99"], "there is no token 99"),
            (&["token", "list", "nobody"], "there is no account \"nobody\""),
            (&["role", "remove", "nothing"], "there is no role \"nothing\""),
            (&["events", "--about", "certificate/99", "--limit", "0"], ""),
            (&["list", "--owner", "Nobody"], "there is no role \"Nobody\""),
        ] {
            let ended = place.run(arguments);
            if why.is_empty() {
                ended.ok();
                continue;
            }
            let sentence = ended.refused(1);
            assert!(sentence.starts_with("certhold: ") && sentence.contains(why), "{arguments:?}: {sentence}");
            assert_eq!(sentence.lines().count(), 1, "{sentence}");
        }
        let problem = place.run(&["show", "99", "--output", "json"]);
        let problem: Json = serde_json::from_str(problem.refused(1)).unwrap();
        assert_eq!((&problem["status"], &problem["detail"]), (&json!(404), &json!("there is no certificate 99")));
    });
}

#[test]
fn events_name_who_came_through_what() {
    both(|place, _| {
        place.run(&["role", "add", "New"]).ok();
        let event = &place.json(&["events", "--operation", "role.created"])[0];
        let expected = if event["actor"]["kind"] == "local" { "cli" } else { "native" };
        assert_eq!(event["face"], expected);
        assert!(!event["actor"]["name"].as_str().unwrap().is_empty());
    });
}

#[test]
fn keys_are_made_exported_and_destroyed() {
    both(|place, data| {
        let (certificate, key) = with_key("www");
        let path = data.outside("with-key.pem", certificate + &key);
        place.json(&["import", path.to_str().unwrap()]);
        let file = data.outside("exported", "");
        std::fs::remove_file(&file).unwrap();
        let password = data.outside("password", "correct horse\n");
        let (file, password) = (file.to_str().unwrap(), password.to_str().unwrap());
        let export = ["export", "1", "--file", file, "--password-file", password];
        assert!(place.run(&export).refused(2).contains("--reason"));
        let reason = ["--reason", "moves to another server"];
        place.run(&[&export[..], &reason].concat()).ok();
        let found = certhold_pki::read(&std::fs::read(file).unwrap(), Some("correct horse")).unwrap();
        assert_eq!((found.format, found.keys.len()), (certhold_pki::Format::Pkcs12, 1));
        assert!(place.run(&[&export[..], &reason].concat()).refused(1).contains("there is a file already"));
        std::fs::remove_file(file).unwrap();
        place.run(&["export", "1", "--no-key", "--format", "pkcs7", "--file", file]).ok();
        assert_eq!(certhold_pki::read(&std::fs::read(file).unwrap(), None).unwrap().keys.len(), 0);
        let events = place.json(&["events", "--operation", "private_key.exported"]);
        assert_eq!(events.as_array().unwrap().len(), 1, "{events}");

        let request = place.json(&["key", "generate", "www.example.com", "*.example.com", "--kind", "p521"]);
        assert_eq!((&request["key_bits"], &request["certificate"]), (&json!(521), &Json::Null));
        let csr = place.run(&["key", "show", "1", "--csr"]).ok().out;
        assert_eq!(csr, request["csr"].as_str().unwrap());
        let read = certhold_pki::read(csr.as_bytes(), None).unwrap();
        assert_eq!(certhold_pki::verify_request(&read.only_request().unwrap().der), Ok(()));
        assert_eq!(place.json(&["key", "list"]).as_array().unwrap().len(), 1);
        place.run(&["key", "remove", "1"]).ok();
        assert_eq!(place.json(&["key", "list"]), json!([]));

        place.run(&["key", "destroy", "1", "--reason", "the server is gone"]).ok();
        assert_eq!(place.json(&["show", "1"])["has_private_key"], false);
        assert!(place.run(&["key", "destroy", "1", "--reason", "again"]).refused(1).contains("not in custody"));
    });
}

#[test]
fn files_are_converted_without_a_data_directory() {
    let data = Data::new();
    let (certificate, key) = with_key("www");
    let source = data.outside("with-key.pem", certificate + &key);
    let password = data.outside("password", "correct horse\n");
    let (source, password) = (source.to_str().unwrap(), password.to_str().unwrap());
    let convert = |arguments: &[&str]| run(crate::support::certhold().arg("convert").args(arguments));
    let target = |name: &str| data.path().with_file_name(format!("converted-{name}-{}", std::process::id()));
    let mut before = source.to_owned();
    for format in ["jks", "pkcs12", "pkcs12-legacy", "pem"] {
        let file = target(format);
        let file = file.to_str().unwrap();
        let passwords = ["--password-file", password, "--new-password-file", password];
        convert(&[&[before.as_str(), "--to", format, "--file", file][..], &passwords].concat()).ok();
        let found = certhold_pki::read(&std::fs::read(file).unwrap(), Some("correct horse")).unwrap();
        assert_eq!((found.keys.len(), found.certificates.len()), (1, 1), "{format}");
        before = file.to_owned();
    }
    let file = target("der");
    let file = file.to_str().unwrap();
    let refused = convert(&[source, "--to", "der", "--file", file]);
    assert!(refused.refused(1).contains("a DER file holds one"), "{refused:?}");
    let refused = convert(&[source, "--to", "pkcs7", "--file", file]);
    assert!(refused.refused(1).contains("holds certificates only"), "{refused:?}");
    assert!(convert(&[source, "--to", "p7", "--file", file]).refused(2).contains("choose one of"));
    convert(&[source, "--to", "der", "--no-keys", "--file", file]).ok();
    assert!(certhold_pki::Facts::of(&std::fs::read(file).unwrap()).is_ok());
    let csr = data.outside("request.pem", "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n");
    assert!(convert(&[csr.to_str().unwrap(), "--to", "pem", "--file", "x"]).refused(1).contains("not recognised"));
    for format in ["jks", "pkcs12", "pkcs12-legacy", "pem", "der"] {
        std::fs::remove_file(target(format)).unwrap();
    }
}

#[test]
fn private_authorities_issue_what_is_managed_and_revocations_are_told() {
    both(|place, data| {
        place.run(&["authority", "create", "House", "--subject", "CN=House"]).ok();
        place.run(&["pattern", "add", "Databases", "--template", "server", "--authority", "House"]).ok();
        let create =
            ["managed", "create", "db1.internal", "192.0.2.7", "--pattern", "databases", "--days", "30", "--key", "p384"];
        place.run(&create).ok();
        let one = place.json(&["managed", "show", "db1.internal"]);
        assert_eq!((&one["authority"]["name"], &one["pattern"]["name"]), (&json!("House"), &json!("Databases")));
        assert_eq!(
            (&one["names"], &one["days"], &one["issuer"]),
            (&json!(["db1.internal", "192.0.2.7"]), &json!(30), &Json::Null)
        );
        assert!(place.run(&["managed", "list"]).ok().out.contains("House"));
        assert!(place.run(&["managed", "create", "bad name", "--pattern", "Databases"]).refused(1).contains("names: "));
        assert!(
            place
                .run(&["managed", "create", "x.internal", "--authority", "nobody"])
                .refused(1)
                .contains("private authority \"nobody\"")
        );
        for usage in [
            &["managed", "create", "x.internal"][..],
            &["managed", "create", "x.internal", "--issuer", "lab"],
            &["managed", "create", "x.internal", "--issuer", "lab", "--dns", "pdns", "--pattern", "Databases"],
            &["managed", "create", "x.internal", "--pattern", "Databases", "--template", "server"],
            &["managed", "create", "--pattern", "Databases"],
            &["revoke", "1"],
        ] {
            place.run(usage).refused(2);
        }

        let issued = place.json(&["enrol", "shop.internal", "--pattern", "Databases"])["certificate"].to_string();
        let path = data.outside("bundle.pem", bundle(0, 1));
        place.run(&["import", path.to_str().unwrap(), "--source", "test"]).ok();
        let foreign = place.json(&["list", "Source -eq test"])[0]["id"].to_string();
        for (id, standing, words) in [(&issued, "listed", "on its list"), (&foreign, "not_told", "revoke it there")] {
            assert_eq!(place.json(&["revocation", id])["revoked"], false);
            assert!(
                place.run(&["revoke", id, "--comment", "x", "--reason", "nothing"]).refused(1).contains("reason: choose one of")
            );
            place.run(&["revoke", id, "--comment", "for now", "--reason", "certificateHold"]).ok();
            place.run(&["release", id, "--comment", "found again"]).ok();
            assert!(place.run(&["release", id, "--comment", "again"]).refused(1).contains("not on hold"));
            place.run(&["revoke", id, "--comment", "replaced", "--reason", "superseded"]).ok();
            let told = place.json(&["revocation", id]);
            assert_eq!((&told["reason"], &told["at_issuer"]), (&json!("superseded"), &json!(standing)), "{told}");
            assert!(place.run(&["revocation", id]).ok().out.contains(words));
        }
    });
}

#[test]
fn a_token_that_ends_makes_none_that_outlives_it() {
    let data = Data::new();
    data.run(&["user", "add", "robot", "--service"]).ok();
    let short = data.json(&["token", "create", "admin", "--expires", "1d"]);
    let place = Remote { server: Server::on(data.path()), token: short["token"].as_str().unwrap().to_owned() };
    let own = place.json(&["token", "list", "admin"])[0]["expires_at"].clone();
    assert!(own.is_string(), "{own}");
    place.run(&["token", "create", "robot"]).ok();
    place.run(&["token", "create", "robot", "--expires", "1h"]).ok();
    let made = place.json(&["token", "list", "robot"]);
    assert_eq!(made[1]["expires_at"], own, "the usual end is its own where that is earlier: {made}");
    assert!(made[0]["expires_at"].as_str() < own.as_str(), "{made}");
    for later in [&["--expires", "2d"][..], &["--endless"]] {
        let refused = place.run(&[&["token", "create", "robot"], later].concat());
        assert!(refused.refused(1).contains("give them an earlier end, or sign in"), "{refused:?}");
    }
    assert_eq!(place.json(&["token", "list", "robot"]).as_array().unwrap().len(), 2);
}
