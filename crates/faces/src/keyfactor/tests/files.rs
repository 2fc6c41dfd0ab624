//! Files with keys: their formats, the order in them, and what is refused before anything is issued.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Keyfactor, refused};

const PASSWORD: &str = "sesame sesame";

async fn house() -> Keyfactor {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.post("/api/v1/authorities", json!({ "name": "Root", "subject": "CN=Root, O=Example" })).await.expect(201);
    keyfactor
}

fn asking(more: Value) -> Value {
    let mut body = json!({ "Subject": "CN=shop.example.org,O=Example", "Password": PASSWORD });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn file(encoded: &Value) -> Vec<u8> {
    STANDARD.decode(encoded.as_str().unwrap()).unwrap()
}

/// The common names of a PEM file's certificates in their order, behind its key.
fn order(text: &str) -> Vec<String> {
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{text}");
    let read = certhold_pki::read(text.as_bytes(), Some(PASSWORD)).unwrap();
    assert_eq!(read.keys.len(), 1);
    let name = |found: &certhold_pki::Found| certhold_pki::Facts::of(&found.der).unwrap().common_name.unwrap();
    read.certificates.iter().map(name).collect()
}

#[tokio::test]
async fn files_are_written_as_they_are_asked_for() {
    let keyfactor = house().await;
    let issued = async |format: &str, more: Value| {
        let reply = keyfactor.pfx(format, asking(more)).await.expect(200);
        let information = &reply["CertificateInformation"];
        (file(&information["Pkcs12Blob"]), information["KeyfactorId"].as_i64().unwrap())
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (plain, id) = issued("PEM", json!({})).await;
    assert_eq!(order(&text(plain)), ["shop.example.org", "Root"]);
    let (turned, _) = issued("PEM", json!({ "ChainOrder": "rootfirst", "IncludeSubjectHeader": true })).await;
    let turned = text(turned);
    assert_eq!(order(&turned), ["Root", "shop.example.org"]);
    let subjects: Vec<&str> = turned.lines().filter(|line| line.starts_with("Subject: ")).collect();
    assert_eq!(subjects, ["Subject: CN=Root,O=Example", "Subject: CN=shop.example.org,O=Example"]);
    let (alone, _) = issued("PEM", json!({ "ChainOrder": "RootFirst", "IncludeChain": false })).await;
    assert_eq!(order(&text(alone)), ["shop.example.org"]);
    let (zip, _) = issued("Zip", json!({ "ChainOrder": "RootFirst" })).await;
    assert!(zip.starts_with(b"PK\x03\x04"));
    let inside = String::from_utf8_lossy(&zip).into_owned();
    assert!(inside.contains("shop.example.org.pem"), "{inside}");
    let start = inside.find("-----BEGIN").unwrap();
    let end = inside.rfind("-----END CERTIFICATE-----").unwrap() + "-----END CERTIFICATE-----".len();
    assert_eq!(order(&inside[start..end]), ["Root", "shop.example.org"]);
    for format in ["PFX", "JKS"] {
        let (bytes, _) = issued(format, json!({ "ChainOrder": "RootFirst", "IncludeSubjectHeader": true })).await;
        let read = certhold_pki::read(&bytes, Some(PASSWORD)).unwrap();
        assert_eq!((read.keys.len(), read.certificates.len()), (1, 2), "{format}");
    }
    let recover = async |format: &str, more: Value| {
        let mut body = json!({ "CertID": id, "Password": PASSWORD, "IncludeChain": true });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let token = keyfactor.test.admin.clone();
        keyfactor.formatted(&token, "/Certificates/Recover", format, body).await
    };
    let arranged = json!({ "ChainOrder": "RootFirst", "IncludeSubjectHeader": true });
    let turned = text(file(&recover("PEM", arranged).await.expect(200)["PFX"]));
    assert_eq!(order(&turned), ["Root", "shop.example.org"]);
    assert_eq!(turned.matches("Subject: ").count(), 2);
    let plain = text(file(&recover("PEM", json!({})).await.expect(200)["PFX"]));
    assert_eq!(order(&plain), ["shop.example.org", "Root"]);
    let events = keyfactor.test.events().await;
    refused(recover("PEM", json!({ "ChainOrder": "LeafFirst" })).await, 400);
    assert_eq!(keyfactor.test.events().await, events, "no key leaves");
}

#[tokio::test]
async fn what_cannot_be_delivered_is_not_issued() {
    let keyfactor = house().await;
    let events = keyfactor.test.events().await;
    for (format, more, said) in [
        ("JKS", json!({ "CustomFriendlyName": "x".repeat(201) }), "CustomFriendlyName"),
        ("PEM", json!({ "ChainOrder": "LeafFirst" }), "ChainOrder"),
        ("PFX", json!({ "Password": "short" }), "Password"),
        ("ZIP", json!({ "Password": Value::Null }), "Password"),
        ("DER", json!({}), "x-certificateformat"),
        ("STORE", json!({ "InstallIntoExistingCertificateStores": true }), "RenewalCertificateId"),
        ("STORE", json!({ "InstallIntoExistingCertificateStores": true, "RenewalCertificateId": 0 }), "RenewalCertificateId"),
    ] {
        let told = refused(keyfactor.pfx(format, asking(more)).await, 400);
        assert!(told["Message"].as_str().unwrap().contains(said), "{said}: {told}");
    }
    assert_eq!(keyfactor.test.events().await, events);
    assert_eq!(keyfactor.get("/Certificates").await.headers["x-total-count"], "1", "the authority's");
    // A key beside its signing request, and a password of an entry, would be left out without a word.
    let csr = json!({ "CSR": "x", "PrivateKey": "-----BEGIN PRIVATE KEY-----" });
    let token = keyfactor.test.admin.clone();
    let told = refused(keyfactor.formatted(&token, "/Enrollment/CSR", "PEM", csr).await, 400);
    assert!(told["Message"].as_str().unwrap().starts_with("PrivateKey"), "{told}");
    let store = keyfactor.store("a.jks", 0).await;
    let add = |password: Value| {
        json!({ "CertificateId": 1, "Schedule": { "Immediate": true },
            "CertificateStores": [{ "CertificateStoreId": store, "EntryPassword": password, "PfxPassword": "x" }] })
    };
    let added = async |password: Value| keyfactor.call("POST", "/CertificateStores/Certificates/Add", add(password)).await;
    for password in [json!({ "SecretValue": "sesame" }), json!({ "Provider": 2 })] {
        let told = refused(added(password).await, 400);
        assert!(told["Message"].as_str().unwrap().starts_with("EntryPassword"), "{told}");
    }
    added(json!({ "SecretValue": "" })).await.expect(200);
    added(Value::Null).await.expect(200);
}

#[tokio::test]
async fn a_renewal_takes_the_places_of_what_it_renews() {
    let keyfactor = house().await;
    let first = keyfactor.pfx("STORE", asking(json!({}))).await.expect(200);
    let first = first["CertificateInformation"]["KeyfactorId"].as_i64().unwrap();
    let (one, two) = (keyfactor.store("one.p12", 102).await, keyfactor.store("two.p12", 102).await);
    keyfactor.occupy(&one, "shop", first).await;
    keyfactor.occupy(&one, "mail", first).await;
    let renewing = |more: Value| {
        let mut body = asking(json!({ "RenewalCertificateId": first, "JobTime": "2099-01-01T00:00:00Z" }));
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let install = json!({ "InstallIntoExistingCertificateStores": true, "Stores": [{ "StoreId": two, "Alias": "new" }] });
    let renewed = keyfactor.pfx("STORE", renewing(install.clone())).await.expect(200);
    assert_eq!(renewed["SuccessfulStores"], json!([two, one]));
    assert_eq!(renewed["CertificateInformation"]["StoreIdsInvalidForRenewal"], json!([]));
    let due = 4_070_908_800_000;
    let wanted = [("mail".to_owned(), true, due), ("shop".to_owned(), true, due)];
    assert_eq!(keyfactor.additions(&one).await, wanted, "under the names that they have");
    assert_eq!(keyfactor.additions(&two).await, [("new".to_owned(), true, due)]);
    keyfactor.pfx("STORE", renewing(json!({ "InstallIntoExistingCertificateStores": false }))).await.expect(200);
    assert_eq!(keyfactor.additions(&one).await.len(), 2, "only where it is asked for");
    // Whoever may not fill those stores is refused before anything is issued.
    let enroller = ["/certificates/enrollment/pfx/", "/certificates/collections/read/"];
    let with = |more: &[&'static str]| enroller.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let mut tokens = Vec::new();
    for (name, more) in [
        ("nobody", &[][..]),
        ("reader", &["/certificate_stores/read/", "/certificates/collections/private_key/read/"][..]),
        ("keyless", &["/certificate_stores/modify/"][..]),
    ] {
        tokens.push(keyfactor.test.service(name, &with(more)).await.2);
    }
    let events = keyfactor.test.events().await;
    for token in &tokens {
        let body = renewing(json!({ "InstallIntoExistingCertificateStores": true }));
        refused(keyfactor.formatted(token, "/Enrollment/PFX", "STORE", body).await, 403);
    }
    let body = asking(json!({ "Stores": [{ "StoreId": two }] }));
    refused(keyfactor.formatted(&tokens[1], "/Enrollment/PFX", "STORE", body).await, 403);
    let missing = renewing(json!({ "InstallIntoExistingCertificateStores": true, "RenewalCertificateId": 4_711 }));
    refused(keyfactor.pfx("STORE", missing).await, 404);
    assert_eq!(keyfactor.test.events().await, events, "nothing is issued");
    assert_eq!(keyfactor.additions(&one).await.len(), 2);
}

#[tokio::test]
async fn what_a_store_cannot_have_is_not_issued() {
    let keyfactor = house().await;
    let (file, directory) = (keyfactor.store("one.p12", 102).await, keyfactor.store("pem", 2).await);
    let held = keyfactor.pfx("STORE", asking(json!({}))).await.expect(200);
    let held = held["CertificateInformation"]["KeyfactorId"].as_i64().unwrap();
    keyfactor.occupy(&file, "shop", held).await;
    let into = |store: &str, alias: &str, overwrite: bool| {
        // The first one could have it.
        asking(json!({ "Stores": [
            { "StoreId": directory, "Alias": "fine" },
            { "StoreId": store, "Alias": alias, "Overwrite": overwrite },
        ] }))
    };
    let events = keyfactor.test.events().await;
    let long = "x".repeat(100_000);
    for (store, alias, status) in [
        (&directory, "../escape", 400),
        (&directory, "shop.key", 400),
        (&file, long.as_str(), 400),
        (&file, "two\nlines", 400),
        (&file, " shop ", 409),
    ] {
        for format in ["STORE", "PEM"] {
            let reply = refused(keyfactor.pfx(format, into(store, alias, false)).await, status);
            assert!(!reply["Message"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(keyfactor.test.events().await, events, "nothing is issued, and no store is asked");
    let issued = keyfactor.pfx("STORE", into(&file, "shop", true)).await.expect(200);
    assert_eq!(issued["SuccessfulStores"], json!([directory, file]));
}
