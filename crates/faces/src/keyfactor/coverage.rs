//! Every endpoint is called without credentials, with wrong ones, without the header, and without its permission. An endpoint of the
//! description that is not in the table, and a line of the table that is none, fail the build.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::endpoints::{ENDPOINTS, Endpoint, Needs};
use super::openapi;
use super::tests::{Keyfactor, basic, refused};

#[test]
fn every_endpoint_is_in_the_table_and_every_line_is_one() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let listed: BTreeSet<_> = ENDPOINTS.iter().map(|one| (one.method.to_owned(), one.path.to_owned())).collect();
    assert_eq!(listed.len(), ENDPOINTS.len(), "a line stands twice");
    assert_eq!(described.symmetric_difference(&listed).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

const GUID: &str = "e8a7a2f0-0000-4000-8000-000000000000";

fn path(endpoint: &Endpoint) -> String {
    let by_guid = ["/PermissionSets", "/CertificateStores/", "/IdentityProviders/"];
    let id = if by_guid.iter().any(|area| endpoint.path.starts_with(area)) { GUID } else { "1" };
    let query = if endpoint.path.ends_with("/Compare") { "?certificateId=1&metadataFieldName=Team&value=x" } else { "" };
    endpoint.path.replace("{id}", id).replace("{thumbprint}", "00") + query
}

/// A body that could be meant.
fn body(endpoint: &Endpoint) -> Value {
    match (endpoint.method, endpoint.path) {
        ("GET", _) => Value::Null,
        ("DELETE", "/Certificates/Query" | "/Certificates/Exclude/Query") => json!("CertId -eq 1"),
        ("DELETE", "/CertificateStores") => json!([GUID]),
        (_, "/CertificateStores/Certificates/Add") => {
            json!({ "CertificateId": 1, "CertificateStores": [{ "CertificateStoreId": GUID, "Alias": "x" }] })
        }
        (_, "/CertificateStores/Certificates/Remove") => {
            json!({ "CertificateStores": [{ "CertificateStoreId": GUID, "Alias": "x" }] })
        }
        (_, "/CertificateStores/Schedule") => json!({ "StoreIds": [GUID], "Schedule": { "Immediate": true } }),
        (_, "/CertificateStores/AssignContainer") => json!({ "KeystoreIds": [GUID], "CertStoreContainerId": 1 }),
        ("POST" | "PUT", "/CertificateStores") => {
            json!({ "Id": GUID, "DisplayName": "x", "ClientMachine": "x", "Storepath": "/srv/x.p12", "CertStoreType": 102 })
        }
        ("DELETE", path) if path.contains('{') => Value::Null,
        ("DELETE", _) => json!([1]),
        (_, "/Certificates/Owner") => json!({ "CertificateIds": [1] }),
        (_, "/Certificates/{id}/Owner") => json!({}),
        (_, "/Certificates/Metadata") => json!({ "Id": 1, "Metadata": {} }),
        (_, "/Certificates/Metadata/All") => json!({ "CertificateIds": [1], "Metadata": [] }),
        (_, "/Certificates/Revoke") => json!({ "CertificateIds": [1], "Comment": "x" }),
        (_, "/Certificates/RevokeAll") => json!({ "Query": "CertId -eq 1", "Comment": "x", "Reason": 1 }),
        (_, "/Certificates/Import" | "/Certificates/Analyze") => json!({ "Certificate": "x" }),
        (_, "/Certificates/Download" | "/Certificates/Recover") => json!({ "CertID": 1, "Password": "sesame sesame" }),
        (_, "/CSRGeneration/Generate") => json!({ "Subject": "CN=x.example.org", "KeyType": "ECC", "KeyLength": 256 }),
        (_, "/Enrollment/PFX/Deploy") => json!({ "CertificateId": 1, "Stores": [{ "StoreId": GUID }] }),
        (_, "/Enrollment/PFX/Replace") => json!({ "ExistingCertificateId": 1, "CertificateId": 2 }),
        (_, "/Enrollment/Renew") => json!({ "CertificateId": 1 }),
        ("POST" | "PUT", path) if path.starts_with("/EnrollmentPatterns") => json!({ "Id": 1, "Name": "x", "Template": 1 }),
        (_, "/Templates") => json!({ "Id": 1, "TemplatePolicy": { "CertificateOwnerRole": 1 } }),
        (_, "/Enrollment/PFX") => json!({ "Subject": "CN=x.example.org", "Password": "sesame sesame" }),
        (_, path) if path.starts_with("/Enrollment/CSR") => json!({ "CSR": "x" }),
        (_, path) if path.contains("/Permissions") => json!([]),
        (_, "/CertificateCollections/{id}/Favorite") => json!(true),
        (_, "/CertificateCollections/Copy") => json!({ "CopyFromId": 1, "Name": "x" }),
        (_, "/Security/Claims") => json!({ "Id": 1, "ClaimType": 1, "ClaimValue": "x" }),
        (_, path) if path.starts_with("/IdentityProviders") => {
            let parameters = json!({ "Authority": "https://sso.example.org", "OIDCAudience": "x" });
            json!({ "AuthenticationScheme": "x", "DisplayName": "x", "Parameters": parameters })
        }
        (_, "/Security/Identities") => json!({ "AccountName": "x" }),
        (_, path) if path.ends_with("/Identities") => json!({ "Ids": [1] }),
        (_, "/PermissionSets") => json!({ "Id": GUID, "Name": "x" }),
        (_, "/MetadataFields") => json!({ "Id": 1, "Name": "x", "DataType": 1 }),
        _ => json!({ "Id": 1, "Name": "x" }),
    }
}

async fn house() -> Keyfactor {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.import_samples(2).await;
    keyfactor.collection("First", "CertId -eq 1").await;
    let field = json!({ "Name": "Team", "Description": "", "DataType": 1 });
    keyfactor.call("POST", "/MetadataFields", field).await.expect(200);
    keyfactor.call("POST", "/Security/Claims", json!({ "ClaimType": 1, "ClaimValue": "x" })).await.expect(200);
    keyfactor
}

async fn call(
    keyfactor: &Keyfactor,
    endpoint: &Endpoint,
    authorization: &str,
    headers: &[(&str, &str)],
) -> crate::testing::Reply {
    let sent = body(endpoint);
    let text = if sent.is_null() { String::new() } else { sent.to_string() };
    let path = format!("/KeyfactorAPI{}", path(endpoint));
    let format = [("x-certificateformat", if endpoint.path.ends_with("Recover") { "PFX" } else { "PEM" })];
    let headers: Vec<(&str, &str)> = headers.iter().copied().chain(format).collect();
    keyfactor.with(endpoint.method, &path, authorization, &headers, &text).await
}

#[tokio::test]
async fn without_valid_credentials_nothing_happens() {
    let keyfactor = house().await;
    let test = &keyfactor.test;
    let expired = test.token(test.admin_id, &["/"], Some(test.app.now() + 1)).await;
    test.clock.advance(2);
    let wrong = [
        String::new(),
        "Bearer cht_garbage".to_owned(),
        "Bearer cha_garbage".to_owned(),
        "Bearer chs_garbage".to_owned(),
        format!("Bearer {expired}"),
        "Basic ###".to_owned(),
        "Negotiate x".to_owned(),
    ];
    let before = test.events().await;
    for endpoint in ENDPOINTS {
        for authorization in &wrong {
            let reply = call(&keyfactor, endpoint, authorization, &[]).await;
            assert_eq!(reply.status, 401, "{} {} with {authorization}", endpoint.method, endpoint.path);
            refused(reply, 401);
        }
        let bearer = format!("Bearer {}", test.admin);
        refused(call(&keyfactor, endpoint, &bearer, &[("x-keyfactor-requested-with", "")]).await, 400);
        refused(call(&keyfactor, endpoint, &bearer, &[("x-keyfactor-api-version", "9")]).await, 400);
    }
    assert_eq!(test.events().await, before, "something was written");
    refused(call(&keyfactor, &ENDPOINTS[0], &basic("admin", "wrong"), &[]).await, 401);
}

#[tokio::test]
async fn without_the_permission_nothing_happens() {
    let keyfactor = house().await;
    let (_, _, nobody) = keyfactor.test.service("nobody", &[]).await;
    let narrow = keyfactor.test.token(keyfactor.test.admin_id, &["/portal/"], None).await;
    let before = keyfactor.test.events().await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| !matches!(endpoint.needs, Needs::Nothing)) {
        for token in [&nobody, &narrow] {
            let reply = call(&keyfactor, endpoint, &format!("Bearer {token}"), &[]).await;
            assert_eq!(reply.status, 403, "{} {}: {}", endpoint.method, endpoint.path, reply.text());
            assert_eq!(refused(reply, 403)["ErrorCode"], "0xA0140002", "{} {}", endpoint.method, endpoint.path);
        }
    }
    assert_eq!(keyfactor.test.events().await, before, "something was written");
}

#[tokio::test]
async fn what_the_status_lists_is_what_can_be_used() {
    let keyfactor = house().await;
    for (number, endpoint) in ENDPOINTS.iter().enumerate() {
        let alternatives: Vec<Vec<&str>> = match endpoint.needs {
            Needs::Nothing => vec![vec![]],
            Needs::All(paths) => vec![paths.to_vec()],
            Needs::Any(paths) => paths.iter().map(|path| vec![*path]).collect(),
        };
        for (place, permissions) in alternatives.iter().enumerate() {
            let (_, _, token) = keyfactor.test.service(&format!("holder {number} {place}"), permissions).await;
            let bearer = format!("Bearer {token}");
            let listed = keyfactor.with("GET", "/KeyfactorAPI/Status/Endpoints", &bearer, &[], "").await.expect(200);
            let name = format!("{} {}", endpoint.method, endpoint.path);
            assert!(listed.as_array().unwrap().contains(&json!(name)), "{name} with {permissions:?}");
            for missing in permissions {
                let others: Vec<&str> = permissions.iter().copied().filter(|path| path != missing).collect();
                let (_, _, token) = keyfactor.test.service(&format!("not {number} {place} {missing}"), &others).await;
                let listed = keyfactor.with("GET", "/KeyfactorAPI/Status/Endpoints", &format!("Bearer {token}"), &[], "").await;
                assert!(!listed.expect(200).as_array().unwrap().contains(&json!(name)), "{name} without {missing}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_without_a_change() {
    let keyfactor = house().await;
    let bearer = format!("Bearer {}", keyfactor.test.admin);
    let before = keyfactor.test.events().await;
    let large = format!("{{\"Name\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    for endpoint in ENDPOINTS.iter().filter(|endpoint| !body(endpoint).is_null()) {
        let name = format!("{} {}", endpoint.method, endpoint.path);
        let path = format!("/KeyfactorAPI{}", path(endpoint));
        for text in ["{", "\u{0}", "17", "[[[[", "\"\u{202e}\""] {
            let is_flag = endpoint.path.ends_with("/Favorite");
            let reply = keyfactor.with(endpoint.method, &path, &bearer, &[("x-certificateformat", "PEM")], text).await;
            assert!(reply.status == 400 || is_flag && reply.status == 204, "{name} {text:?}: {} {}", reply.status, reply.text());
        }
        if !endpoint.path.ends_with("Import") && !endpoint.path.ends_with("Analyze") && !endpoint.path.ends_with("Favorite") {
            let reply = keyfactor.with(endpoint.method, &path, &bearer, &[("x-certificateformat", "PEM")], &large).await;
            assert_eq!(reply.status, 413, "{name}: {}", reply.text());
        }
    }
    assert_eq!(keyfactor.test.events().await, before, "something was written");
}
