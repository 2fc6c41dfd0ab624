//! Enrolment: with patterns and templates, by signing requests that are made here, renewed, deployed.

use serde_json::{Value, json};

use super::{Keyfactor, refused};
use crate::testing::Reply;

struct House {
    keyfactor: Keyfactor,
    authority: i64,
    /// Who may enrol in every way, with the role `Web`.
    kim: String,
    web: i64,
}

impl House {
    async fn new() -> House {
        let keyfactor = Keyfactor::new().await;
        let authority = json!({ "name": "Root", "subject": "CN=Root, O=Example" });
        let authority = keyfactor.test.post("/api/v1/authorities", authority).await.expect(201)["id"].as_i64().unwrap();
        let (id, _, kim) = keyfactor.test.service("kim", &[]).await;
        let web = keyfactor.role("Web", &["/certificates/enrollment/", "/certificates/collections/read/"]).await;
        keyfactor.test.put(&format!("/api/v1/roles/{web}/holders/{id}"), Value::Null).await.expect(204);
        House { keyfactor, authority, kim, web }
    }

    async fn pattern(&self, extra: Value) -> i64 {
        let mut body = json!({ "Name": "Web servers", "Template": 1, "AssociatedRoles": ["Web"] });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.keyfactor.call("POST", "/EnrollmentPatterns", body).await.expect(200)["Id"].as_i64().unwrap()
    }

    async fn pfx(&self, body: Value) -> Reply {
        self.keyfactor.formatted(&self.kim, "/Enrollment/PFX", "STORE", body).await
    }

    async fn csr(&self, body: Value) -> Reply {
        self.keyfactor.formatted(&self.kim, "/Enrollment/CSR", "PEM", body).await
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.keyfactor.as_somebody(&self.kim, method, path, body).await
    }

    async fn one(&self, id: &Value) -> Value {
        self.keyfactor.get(&format!("/Certificates/{id}")).await.expect(200)
    }
}

fn csr(names: &[&str]) -> String {
    let pair = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut wanted = rcgen::CertificateParams::new(names).unwrap();
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted.serialize_request(&pair).unwrap().pem().unwrap()
}

fn id_of(issued: &Value) -> Value {
    let information = &issued["CertificateInformation"];
    let id = if information["KeyfactorId"].is_null() { &information["KeyfactorID"] } else { &information["KeyfactorId"] };
    assert!(id.as_i64().is_some_and(|id| id > 0), "{issued}");
    id.clone()
}

#[tokio::test]
async fn a_pattern_decides_and_refuses_in_its_words() {
    let house = House::new().await;
    let pattern = house
        .pattern(json!({
            "Regexes": [{ "SubjectPart": "DNS", "Regex": "\\.example\\.org$", "Error": "a host of ours" }],
            "Defaults": [{ "SubjectPart": "O", "Value": "Example" }],
            "AllowedEnrollmentTypes": 3,
        }))
        .await;
    let with = |extra: Value| {
        let mut body = json!({ "EnrollmentPatternId": pattern, "CertificateAuthority": "host\\Root" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let issued = house.pfx(with(json!({ "Subject": "CN=a.example.org" }))).await.expect(200);
    let shown = house.one(&id_of(&issued)).await;
    assert_eq!((&shown["IssuedDN"], &shown["EnrollmentPatternId"]), (&json!("CN=a.example.org,O=Example"), &json!(pattern)));
    let issued = house.csr(with(json!({ "CSR": csr(&["b.example.org"]) }))).await.expect(200);
    assert_eq!(issued["CertificateInformation"]["Certificates"].as_array().unwrap().len(), 2);
    assert_eq!(house.one(&id_of(&issued)).await["EnrollmentPatternId"], pattern);
    let twice = csr(&["c.example.org"]);
    house.csr(with(json!({ "CSR": twice }))).await.expect(200);

    let (_, _, eve) = house.keyfactor.test.service("eve", &["/certificates/enrollment/"]).await;
    let events = house.keyfactor.test.events().await;
    for (body, said) in [
        (json!({ "CSR": csr(&["a.example.com"]) }), "SANs: DNS: a host of ours"),
        (json!({ "CSR": csr(&["*.example.org"]) }), "no wildcards"),
        (json!({ "CSR": twice }), "Key: a certificate for this key"),
        (json!({ "CSR": csr(&["d.example.org"]), "SANs": { "ip4": ["a"] } }), "SANs"),
        (json!({ "CSR": "x" }), "CSR"),
    ] {
        let reply = refused(house.csr(with(body)).await, 400);
        assert!(reply["Message"].as_str().unwrap().contains(said), "{said}: {reply}");
    }
    for (body, said) in [
        (json!({ "Subject": "CN=a.example.com" }), "SANs: DNS: a host of ours"),
        (json!({ "Subject": "CN=Kim Doe", "SANs": { "dns": ["a.example.org"] } }), "must be among"),
        (json!({ "Subject": "nothing" }), "Subject"),
        (json!({ "Subject": "CN=a.example.org", "KeyType": "DSA" }), "KeyType"),
    ] {
        let reply = refused(house.pfx(with(body)).await, 400);
        assert!(reply["Message"].as_str().unwrap().contains(said), "{said}: {reply}");
    }
    refused(house.pfx(with(json!({ "Subject": "CN=a.example.org", "CertificateAuthority": "nobody" }))).await, 404);
    // Somebody without a role of the pattern is refused like for one that does not exist.
    let as_eve = async |pattern: i64| {
        let body = json!({ "Subject": "CN=a.example.org", "EnrollmentPatternId": pattern });
        refused(house.keyfactor.formatted(&eve, "/Enrollment/PFX", "STORE", body).await, 403)
    };
    let said = as_eve(pattern).await;
    assert_eq!(said, as_eve(4_711).await);
    assert!(said["Message"].as_str().unwrap().contains("none of the roles"), "{said}");
    // The template has a pattern, but no default.
    let reply = refused(house.pfx(json!({ "Subject": "CN=a.example.org", "Template": "server" })).await, 400);
    assert!(
        reply["Message"].as_str().unwrap().starts_with("EnrollmentPatternId: the template \"server\" has no default"),
        "{reply}"
    );
    let reply = refused(house.pfx(json!({ "Subject": "CN=a.example.org", "Template": "nothing" })).await, 400);
    assert!(reply["Message"].as_str().unwrap().contains("there is no template"), "{reply}");
    assert_eq!(house.keyfactor.test.events().await, events);
    let path = format!("/EnrollmentPatterns/{pattern}");
    house.keyfactor.call("PUT", &path, json!({ "AllowedEnrollmentTypes": 2, "TemplateDefault": true })).await.expect(200);
    refused(house.pfx(json!({ "Subject": "CN=a.example.org", "Template": "server" })).await, 409);
    house.csr(json!({ "CSR": csr(&["e.example.org"]), "Template": "TLS server" })).await.expect(200);
}

#[tokio::test]
async fn owners_follow_the_policies() {
    let house = House::new().await;
    let other = house.keyfactor.role("House", &[]).await;
    let owner =
        json!({ "CertificateOwnerRole": 1, "DefaultCertificateOwnerRoleId": other, "DefaultCertificateOwnerOverride": false });
    let pattern = house.pattern(json!({ "Policies": owner })).await;
    let ask = async |owner: Value| {
        let mut body = json!({ "Subject": "CN=a.example.org", "EnrollmentPatternId": pattern });
        body.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
        house.pfx(body).await
    };
    let issued = ask(json!({})).await.expect(200);
    assert_eq!(house.one(&id_of(&issued)).await["OwnerRoleName"], "House");
    let reply = refused(ask(json!({ "OwnerRoleName": "Web" })).await, 400);
    assert!(reply["Message"].as_str().unwrap().contains("cannot be overridden"), "{reply}");
    let path = format!("/EnrollmentPatterns/{pattern}");
    let free = json!({ "Policies": { "DefaultCertificateOwnerRoleName": "" } });
    house.keyfactor.call("PUT", &path, free).await.expect(200);
    let reply = refused(ask(json!({})).await, 400);
    assert!(reply["Message"].as_str().unwrap().contains("need an owner"), "{reply}");
    let issued = ask(json!({ "OwnerRoleId": house.web })).await.expect(200);
    let id = id_of(&issued);
    let clear = format!("/Certificates/{id}/Owner");
    let reply = refused(house.keyfactor.call("PUT", &clear, json!({})).await, 400);
    assert!(reply["Message"].as_str().unwrap().contains("\"Web servers\" need an owner"), "{reply}");
    house.keyfactor.call("PUT", &clear, json!({ "NewRoleId": other })).await.expect(204);
    house.keyfactor.call("PUT", &path, json!({ "Policies": { "CertificateOwnerRole": 0 } })).await.expect(200);
    house.keyfactor.call("PUT", &clear, json!({})).await.expect(204);
}

#[tokio::test]
async fn the_context_shows_what_can_be_enrolled_for() {
    let house = House::new().await;
    let pattern = house
        .pattern(json!({ "AllowedEnrollmentTypes": 2, "TemplateDefault": true, "CertificateAuthorities": [house.authority] }))
        .await;
    let context = async |token: &str, kind: &str| {
        house.keyfactor.as_somebody(token, "GET", &format!("/Enrollment/{kind}/Context/My"), Value::Null).await
    };
    let names = |context: &Value| {
        let all = context["Templates"].as_array().unwrap();
        all.iter().map(|one| one["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let requests = context(&house.kim, "CSR").await.expect(200);
    assert_eq!(names(&requests), ["server", "client", "server_client", "mail", "code_signing"]);
    assert_eq!(requests["Templates"][0]["CAs"], json!([{ "Name": "Root", "RFCEnforcement": true }]));
    assert_eq!(requests["Templates"][0]["RFCEnforcement"], true);
    assert_eq!(requests["EnrollmentPatterns"][0]["Id"], pattern);
    let keys = context(&house.kim, "PFX").await.expect(200);
    assert_eq!(names(&keys)[0], "client", "the pattern of servers takes signing requests only");
    assert_eq!(keys["EnrollmentPatterns"], json!([]));
    let (_, _, eve) = house.keyfactor.test.service("eve", &["/certificates/enrollment/csr/"]).await;
    let hers = context(&eve, "CSR").await.expect(200);
    assert_eq!((names(&hers)[0].as_str(), &hers["EnrollmentPatterns"]), ("client", &json!([])));
    refused(context(&eve, "PFX").await, 403);
}

#[tokio::test]
async fn a_signing_request_made_here_is_finished_by_its_certificate() {
    let house = House::new().await;
    let pattern = house.pattern(json!({ "Defaults": [{ "SubjectPart": "O", "Value": "Example" }] })).await;
    let generate = async |body: Value| house.call("POST", "/CSRGeneration/Generate", body).await;
    let wanted = json!({ "Subject": "CN=a.example.org", "KeyType": "ECC", "KeyLength": 256, "EnrollmentPatternId": pattern });
    let made = generate(wanted).await.expect(200)["CSR"].as_str().unwrap().to_owned();
    assert!(made.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{made}");
    generate(json!({ "Subject": "CN=b.example.org", "KeyType": "RSA", "KeyLength": 2048, "SANs": { "ip4": ["192.0.2.1"] } }))
        .await
        .expect(200);
    for (body, said) in [
        (json!({ "KeyType": "ECC" }), "Subject"),
        (json!({ "Subject": "CN=a", "KeyType": "RSA", "KeyLength": 1024 }), "KeyLength"),
        (json!({ "Subject": "CN=*.example.org", "EnrollmentPatternId": pattern }), "no wildcards"),
        (json!({ "Subject": "CN=a", "Template": "server" }), "no default enrolment pattern"),
        (json!({ "Subject": "CN=a", "Template": "nothing" }), "Template"),
    ] {
        let reply = refused(generate(body).await, 400);
        assert!(reply["Message"].as_str().unwrap().contains(said), "{said}: {reply}");
    }
    let pending = async |token: &str| house.keyfactor.as_somebody(token, "GET", "/CSRGeneration/Pending", Value::Null).await;
    let reply = pending(&house.kim).await;
    assert_eq!(reply.headers["x-total-count"], "2");
    let listed = reply.expect(200);
    assert_eq!(listed[1]["Subject"], json!(["CN=a.example.org", "O=Example"]));
    assert_eq!(listed[1]["CSR"], made);
    let first = listed[1]["Id"].as_i64().unwrap();
    let one = house.call("GET", &format!("/CSRGeneration/Pending/{first}"), Value::Null).await.expect(200);
    assert_eq!((&one["CSRFilePath"], &one["CSRText"]), (&json!("a.example.org.csr"), &json!(made)));
    let page = house.call("GET", "/CSRGeneration/Pending?sq.pageReturned=2&sq.returnLimit=1", Value::Null).await.expect(200);
    assert_eq!(page[0]["Id"], first);
    refused(house.call("GET", "/CSRGeneration/Pending?SortField=Size", Value::Null).await, 400);
    // Nobody sees those of others, nor removes them.
    let (_, _, eve) = house.keyfactor.test.service("eve", &["/certificates/enrollment/csr_generation/"]).await;
    assert_eq!(pending(&eve).await.expect(200), json!([]));
    let path = format!("/CSRGeneration/Pending/{first}");
    for method in ["GET", "DELETE"] {
        refused(house.keyfactor.as_somebody(&eve, method, &path, Value::Null).await, 404);
    }
    // The certificate finds its key, and the request waits no more.
    let issued = house.csr(json!({ "CSR": made, "EnrollmentPatternId": pattern })).await.expect(200);
    let shown = house.one(&id_of(&issued)).await;
    assert_eq!((&shown["HasPrivateKey"], &shown["IssuedDN"]), (&json!(true), &json!("CN=a.example.org,O=Example")));
    let left = pending(&house.kim).await.expect(200);
    assert_eq!(left.as_array().unwrap().len(), 1);
    let body = json!({ "CertID": id_of(&issued), "Password": "sesame sesame" });
    let recovered = house.keyfactor.formatted(&house.keyfactor.test.admin, "/Certificates/Recover", "PFX", body).await;
    assert!(recovered.expect(200)["PFX"].as_str().unwrap().len() > 1_000);
    let other = left[0]["Id"].as_i64().unwrap();
    refused(house.call("DELETE", "/CSRGeneration/Pending", json!([other, 4_711])).await, 404);
    refused(house.call("DELETE", "/CSRGeneration/Pending", json!([])).await, 400);
    assert_eq!(pending(&house.kim).await.expect(200).as_array().unwrap().len(), 1, "all or none");
    house.call("DELETE", "/CSRGeneration/Pending", json!([other])).await.expect(204);
    house.call("DELETE", &path, Value::Null).await.expect(204);
    refused(house.call("DELETE", &path, Value::Null).await, 404);
    assert_eq!(house.one(&id_of(&issued)).await["HasPrivateKey"], true);
}

#[tokio::test]
async fn what_was_issued_is_renewed() {
    let house = House::new().await;
    let pattern = house.pattern(json!({})).await;
    let body = json!({ "Subject": "CN=a.example.org,O=Example", "SANs": { "ip4": ["192.0.2.1"] }, "EnrollmentPatternId": pattern,
        "OwnerRoleName": "Web" });
    let first = id_of(&house.pfx(body).await.expect(200));
    let before = house.one(&first).await;
    let how = async |path: String| house.call("GET", &path, Value::Null).await;
    let available = how(format!("/Enrollment/AvailableRenewal/Id/{first}")).await.expect(200);
    assert_eq!(available["AvailableRenewalType"], 2);
    let thumbprint = before["Thumbprint"].as_str().unwrap();
    assert_eq!(how(format!("/enrollment/availablerenewal/thumbprint/{thumbprint}")).await.expect(200), available);
    refused(how("/Enrollment/AvailableRenewal/Id/4711".into()).await, 404);
    refused(how(format!("/Enrollment/AvailableRenewal/Thumbprint/{}", "0".repeat(40))).await, 404);
    refused(how("/Enrollment/AvailableRenewal/Thumbprint/00".into()).await, 400);
    let renew = async |body: Value| house.call("POST", "/Enrollment/Renew", body).await;
    let renewed = renew(json!({ "Thumbprint": thumbprint, "Timestamp": "2026-03-01T08:30:00Z" })).await.expect(200);
    assert_eq!((&renewed["RequestDisposition"], &renewed["Password"]), (&json!("ISSUED"), &Value::Null));
    let after = house.one(&renewed["KeyfactorId"]).await;
    for member in ["IssuedDN", "OwnerRoleName", "EnrollmentPatternId", "IssuerDN"] {
        assert_eq!(before[member], after[member], "{member}");
    }
    let names = |one: &Value| {
        one["SubjectAltNameElements"].as_array().unwrap().iter().map(|name| name["Value"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&before), names(&after));
    assert_eq!((&after["Thumbprint"], &after["SerialNumber"]), (&renewed["Thumbprint"], &renewed["SerialNumber"]));
    assert_ne!(before["Thumbprint"], after["Thumbprint"]);
    // With another template, another authority, or through a signing request.
    let client = json!({ "CertificateId": first, "Template": "server_client", "CertificateAuthority": "Root" });
    let other = renew(client).await.expect(200);
    assert_eq!(house.one(&other["KeyfactorId"]).await["TemplateName"], "server_client");
    let body = json!({ "CSR": csr(&["a.example.org"]), "EnrollmentPatternId": pattern, "RenewalCertificateId": first });
    let seeded = id_of(&house.csr(body).await.expect(200));
    assert_eq!(house.one(&seeded).await["OwnerRoleName"], "Web");
    assert_eq!(how(format!("/Enrollment/AvailableRenewal/Id/{seeded}")).await.expect(200)["AvailableRenewalType"], 1);
    let imported = house.keyfactor.test.import_samples(1).await[0];
    assert_eq!(how(format!("/Enrollment/AvailableRenewal/Id/{imported}")).await.expect(200)["AvailableRenewalType"], 0);
    let events = house.keyfactor.test.events().await;
    refused(renew(json!({})).await, 400);
    refused(renew(json!({ "CertificateId": 4_711 })).await, 404);
    refused(renew(json!({ "CertificateId": imported })).await, 409);
    refused(renew(json!({ "CertificateId": seeded })).await, 409);
    refused(renew(json!({ "CertificateId": first, "CertificateAuthority": "nobody" })).await, 404);
    refused(renew(json!({ "CertificateId": first, "Template": "nothing" })).await, 400);
    refused(renew(json!({ "CertificateId": first, "EnrollmentPatternId": 4_711 })).await, 403);
    let body = json!({ "CSR": csr(&["a.example.org"]), "EnrollmentPatternId": pattern, "RenewalCertificateId": imported });
    refused(house.csr(body).await, 400);
    assert_eq!(house.keyfactor.test.events().await, events);
}

#[tokio::test]
async fn certificates_go_into_stores() {
    let house = House::new().await;
    let admin = &house.keyfactor;
    let store = async |path: &str| {
        let body =
            json!({ "DisplayName": path, "ClientMachine": "here", "Storepath": format!("/srv/tls/{path}"), "CertStoreType": 2 });
        admin.call("POST", "/CertificateStores", body).await.expect(200)["Id"].as_str().unwrap().to_owned()
    };
    let (one, two) = (store("one").await, store("two").await);
    let body = json!({ "Subject": "CN=a.example.org", "Stores": [{ "StoreId": one, "Alias": "shop" }] });
    let issued = admin.pfx("STORE", body).await.expect(200);
    assert_eq!(issued["SuccessfulStores"], json!([one]));
    let id = id_of(&issued);
    let deploy = async |body: Value| admin.call("POST", "/Enrollment/PFX/Deploy", body).await;
    let done =
        deploy(json!({ "CertificateId": id, "Password": "x", "Stores": [{ "StoreId": two, "Alias": "a" }, { "StoreId": one }] }));
    assert_eq!(done.await.expect(200), json!({ "SuccessfulStores": [two, one], "FailedStores": [] }));
    let by_type = json!({ "CertificateId": id, "StoreIds": [one], "StoreTypes": [{ "StoreTypeId": 2, "Alias": "b", "Overwrite": true }],
        "JobTime": "2099-01-01T00:00:00Z" });
    assert_eq!(deploy(by_type).await.expect(200)["SuccessfulStores"], json!([one]));
    let events = admin.test.events().await;
    refused(deploy(json!({ "CertificateId": id })).await, 400);
    refused(deploy(json!({ "Stores": [{ "StoreId": one }] })).await, 400);
    refused(deploy(json!({ "RequestId": 7, "Stores": [{ "StoreId": one }] })).await, 404);
    refused(deploy(json!({ "CertificateId": 4_711, "Stores": [{ "StoreId": one }] })).await, 404);
    refused(deploy(json!({ "CertificateId": id, "Stores": [{ "StoreId": "e8a7a2f0-0000-4000-8000-000000000000" }] })).await, 404);
    let keyless = admin.test.import_samples(1).await[0];
    let imported = admin.test.events().await;
    let reply = refused(deploy(json!({ "CertificateId": keyless, "Stores": [{ "StoreId": one }] })).await, 409);
    assert!(reply["Message"].as_str().unwrap().contains("not in custody"), "{reply}");
    assert_eq!(admin.test.events().await, imported);
    assert!(events < imported);
    // Nothing is in a store before its job is done; then its places are taken over.
    let replace = json!({ "ExistingCertificateId": id, "CertificateId": id });
    let reply = refused(admin.call("POST", "/Enrollment/PFX/Replace", replace).await, 409);
    assert!(reply["Message"].as_str().unwrap().contains("in no certificate store"), "{reply}");
    // Kim may enrol, but put nothing into stores.
    let body = json!({ "CertificateId": id, "Stores": [{ "StoreId": one }] });
    refused(house.call("POST", "/Enrollment/PFX/Deploy", body).await, 403);
}
