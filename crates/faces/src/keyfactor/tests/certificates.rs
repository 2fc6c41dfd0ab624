//! Certificates: found, looked at, changed, brought in, handed out, removed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Keyfactor, refused};
use crate::testing::START;

pub(super) const DAY: i64 = 86_400_000;

/// A certificate with its key as PEM.
pub(super) fn made(name: &str, not_after: i64) -> (String, String) {
    let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    parameters.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, "Ops");
    let at = |ms: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64)).into();
    parameters.not_before = at(START - 30 * DAY);
    parameters.not_after = at(not_after);
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

impl Keyfactor {
    /// Imports a certificate; its id.
    pub(super) async fn held(&self, pem: &str) -> i64 {
        let sent = self.call("POST", "/Certificates/Import", json!({ "Certificate": STANDARD.encode(pem) })).await.expect(200);
        let query = format!(
            "/Certificates?IncludeExpired=true&QueryString=Thumbprint%20-eq%20%22{}%22",
            sent["Thumbprint"].as_str().unwrap()
        );
        self.get(&query).await.expect(200)[0]["Id"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn lists_are_asked_ordered_and_paged() {
    let keyfactor = Keyfactor::new().await;
    for name in ["b.example.com", "a.example.com", "c.example.org"] {
        keyfactor.held(&made(name, START + 60 * DAY).0).await;
    }
    let expired = keyfactor.held(&made("old.example.com", START - DAY).0).await;
    let names = async |query: &str| {
        let reply = keyfactor.get(&format!("/Certificates?{query}")).await;
        let total = reply.headers["x-total-count"].to_str().unwrap().to_owned();
        let names: Vec<String> =
            reply.expect(200).as_array().unwrap().iter().map(|one| one["IssuedCN"].as_str().unwrap()[..1].to_owned()).collect();
        (names.concat(), total)
    };
    let is = |names: &str, total: &str| (names.to_owned(), total.to_owned());
    assert_eq!(names("").await, is("bac", "3"), "by id, without expired ones");
    assert_eq!(names("ReturnLimit=1").await, is("b", "3"));
    assert_eq!(names("pq.returnLimit=2&pq.pageReturned=2").await, is("c", "3"));
    assert_eq!(names("ReturnLimit=2&PageReturned=9").await, is("", "3"), "a page past the end is empty");
    assert_eq!(names("SortField=issuedcn").await, is("abc", "3"));
    assert_eq!(names("SortField=IssuedCN&SortAscending=1&ReturnLimit=2").await, is("cb", "3"));
    assert_eq!(names("SortField=IssuedCN&SortAscending=1&ReturnLimit=2&PageReturned=2").await, is("a", "3"));
    assert_eq!(names("SortField=CertId&SortAscending=1").await, is("cab", "3"));
    for field in ["IssuedDate", "IssuerDN", "ExpirationDate", "ImportDate"] {
        assert_eq!(names(&format!("SortField={field}")).await.1, "3");
    }
    assert_eq!(names("IncludeExpired=true").await, is("baco", "4"));
    assert_eq!(names("QueryString=IssuedCN+-endswith+%22.com%22AND+IssuedCN+-ne+%22a.example.com%22").await, is("b", "1"));
    assert_eq!(names("queryString=IssuedCN%20-eq%20%22old.example.com%22").await, is("", "0"), "the flag decides");
    keyfactor.get(&format!("/Certificates/{expired}")).await.expect(200);
    for field in ["Id", "CertificateId", "Nonsense"] {
        let body = refused(keyfactor.get(&format!("/Certificates?SortField={field}")).await, 400);
        assert_eq!(body["ErrorCode"], "0xA011004A");
        assert_eq!(body["Message"], format!("Invalid sort field: {field}."));
    }
    let wrong = refused(keyfactor.get("/Certificates?QueryString=IssuedCN%20-eq").await, 400);
    assert_eq!(wrong["ErrorCode"], "0xCE110004");
    assert!(wrong["Message"].as_str().unwrap().starts_with("column "), "{wrong}");
    for wrong in ["ReturnLimit=x", "PageReturned=-1", "IncludeExpired=maybe", "CollectionId=x", "SortAscending=9"] {
        refused(keyfactor.get(&format!("/Certificates?{wrong}")).await, 400);
    }
    let table = keyfactor.get("/Certificates/CSV?query=IssuedCN+-contains+%22example%22&sortName=IssuedCN").await.expect(200);
    let lines: Vec<&str> = table.as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].contains("a.example.com") && lines[3].contains("c.example.org"), "{lines:?}");
    let parsers = keyfactor.get("/Certificates/QueryParsers").await.expect(200);
    let owner = parsers.as_array().unwrap().iter().find(|one| one["Name"] == "OwnerRoleName").unwrap();
    assert!(owner["Comparisons"].as_array().unwrap().contains(&json!("-eq")));
}

#[tokio::test]
async fn a_certificate_says_everything() {
    let keyfactor = Keyfactor::new().await;
    let (pem, key) = made("shop.example.com", START + 60 * DAY);
    let id = keyfactor.held(&(pem.clone() + &key)).await;
    let field = json!({ "Name": "CostCentre", "Description": "", "DataType": 1 });
    keyfactor.call("POST", "/MetadataFields", field).await.expect(200);
    let set = json!({ "Id": id, "Metadata": { "costcentre": "8841" } });
    keyfactor.call("PUT", "/Certificates/Metadata", set).await.expect(204);
    let one = keyfactor.get(&format!("/Certificates/{id}?includeMetadata=true&includeLocations=true")).await.expect(200);
    let der = pem.lines().filter(|line| !line.starts_with("---")).collect::<String>();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &STANDARD.decode(&der).unwrap());
    for (member, value) in [
        ("ContentBytes", json!(der)),
        ("Thumbprint", json!(certhold_domain::hex(digest.as_ref()).to_uppercase())),
        ("IssuedCN", json!("shop.example.com")),
        ("IssuedOU", json!("Ops")),
        ("IssuedDN", json!("OU=Ops,CN=shop.example.com")),
        ("KeyType", json!(3)),
        ("KeyTypeString", json!("ECC")),
        ("KeySizeInBits", json!(256)),
        ("Curve", json!("P-256")),
        ("CertState", json!(1)),
        ("CertStateString", json!("Active")),
        ("HasPrivateKey", json!(true)),
        ("OwnerRoleId", json!(null)),
        ("PrincipalId", json!(null)),
        ("Metadata", json!({ "CostCentre": "8841" })),
        ("Locations", json!([])),
        ("LocationsCount", json!([])),
        ("SSLLocations", json!([])),
    ] {
        assert_eq!(one[member], value, "{member}");
    }
    let name = &one["SubjectAltNameElements"][0];
    assert_eq!((&name["Type"], &name["Value"]), (&json!(2), &json!("shop.example.com")));
    let listed = keyfactor.get("/Certificates").await.expect(200);
    assert_eq!((&listed[0]["HasPrivateKey"], &listed[0]["Metadata"]), (&json!(false), &json!({})), "only when asked for");
    let listed = keyfactor.get("/Certificates?IncludeHasPrivateKey=true&IncludeMetadata=true").await.expect(200);
    assert_eq!(listed[0], one, "the list and the one agree");
    let compare =
        |value: &str| format!("/Certificates/Metadata/Compare?certificateId={id}&metadataFieldName=costcentre&value={value}");
    assert_eq!(keyfactor.get(&compare("8841")).await.expect(200), json!(true));
    assert_eq!(keyfactor.get(&compare("1")).await.expect(200), json!(false));
    let locations = keyfactor.get(&format!("/Certificates/Locations/{id}")).await.expect(200);
    assert_eq!(locations, json!({ "Details": [] }));
    let valid = keyfactor.get(&format!("/Certificates/{id}/Validate")).await.expect(200);
    assert_eq!(valid["Valid"], json!(true), "{valid}");
    let history = keyfactor.get(&format!("/Certificates/{id}/History?SortAscending=1")).await;
    assert_eq!(history.headers["x-total-count"], "3");
    let history = history.expect(200);
    assert_eq!(history[0]["Action"], "Metadata Updated");
    assert_eq!((&history[2]["Action"], &history[2]["Username"]), (&json!("Imported"), &json!("admin")));
    assert_eq!(refused(keyfactor.get(&format!("/Certificates/{id}/History?SortField=Id")).await, 400)["ErrorCode"], "0xA011004A");
    let missing = refused(keyfactor.get("/Certificates/999").await, 404);
    assert_eq!(missing["Message"], "Unable to find 'Certificate' with Id '999'");
    refused(keyfactor.get("/Certificates/abc").await, 400);
}

#[tokio::test]
async fn files_are_imported_analyzed_downloaded_and_recovered() {
    let keyfactor = Keyfactor::new().await;
    let (pem, key) = made("shop.example.com", START + 60 * DAY);
    let analyze = json!({ "Certificate": STANDARD.encode(&pem), "Password": "" });
    let events = keyfactor.test.events().await;
    let found = keyfactor.call("POST", "/Certificates/Analyze", analyze).await.expect(200);
    assert_eq!((&found[0]["IssuedDN"], &found[0]["IsEndEntity"]), (&json!("OU=Ops,CN=shop.example.com"), &json!(true)));
    assert_eq!(keyfactor.test.events().await, events, "looking changes nothing");
    let role = keyfactor.role("Web", &[]).await;
    let import =
        json!({ "certificate": STANDARD.encode(pem.clone() + &key), "OwnerRoleName": "web", "Metadata": {}, "StoreIds": [] });
    let sent = keyfactor.call("POST", "/Certificates/Import", import.clone()).await.expect(200);
    assert_eq!((&sent["ImportStatus"], &sent["InvalidKeystores"]), (&json!(1), &json!([])));
    let again = keyfactor.call("POST", "/Certificates/Import", import).await.expect(200);
    assert_eq!((&again["ImportStatus"], &again["Thumbprint"]), (&json!(2), &sent["Thumbprint"]));
    let one = keyfactor.get("/Certificates").await.expect(200)[0].clone();
    assert_eq!(one["OwnerRoleId"], role);
    let bearer = format!("Bearer {}", keyfactor.test.admin);
    let file = async |what: &str, format: &str, body: Value| {
        let path = format!("/KeyfactorAPI/Certificates/{what}");
        keyfactor.with("POST", &path, &bearer, &[("x-certificateformat", format)], &body.to_string()).await
    };
    let by_serial = json!({ "SerialNumber": one["SerialNumber"], "IssuerDN": one["IssuerDN"], "IncludeChain": true });
    for body in [
        json!({ "CertID": one["Id"] }),
        json!({ "CertId": one["Id"], "Thumbprint": "" }),
        json!({ "Thumbprint": one["Thumbprint"] }),
        by_serial,
    ] {
        let der = file("Download", "DER", body.clone()).await.expect(200);
        assert_eq!(der["Content"], one["ContentBytes"], "{body}");
    }
    let text = file("Download", "pem", json!({ "CertID": one["Id"], "IncludeSubjectHeader": true })).await.expect(200);
    let text = String::from_utf8(STANDARD.decode(text["Content"].as_str().unwrap()).unwrap()).unwrap();
    assert!(text.starts_with("Subject: OU=Ops,CN=shop.example.com\n-----BEGIN CERTIFICATE-----"), "{text}");
    let p7b = file("Download", "P7B", json!({ "CertID": one["Id"] })).await.expect(200);
    let p7b = STANDARD.decode(p7b["Content"].as_str().unwrap()).unwrap();
    let read = certhold_pki::read(&p7b, None).unwrap();
    assert_eq!(STANDARD.encode(&read.certificates[0].der), one["ContentBytes"]);
    assert_eq!(refused(file("Download", "", json!({ "CertID": one["Id"] })).await, 400)["ErrorCode"], "0xA0110007");
    assert_eq!(refused(file("Download", "PFX", json!({ "CertID": one["Id"] })).await, 400)["ErrorCode"], "0xA0110007");
    refused(file("Download", "DER", json!({})).await, 400);
    refused(file("Download", "DER", json!({ "Thumbprint": "00".repeat(20) })).await, 404);
    let wanted = json!({ "CertID": one["Id"], "Password": "sesame sesame", "IncludeChain": true });
    for (format, name) in [("PFX", "pfx"), ("PEM", "pem"), ("ZIP", "zip"), ("JKS", "jks")] {
        let events = keyfactor.test.events().await;
        let found = file("Recover", format, wanted.clone()).await.expect(200);
        assert!(found["FileName"].as_str().unwrap().ends_with(name), "{found}");
        assert_eq!(keyfactor.test.events().await, events + 1, "every key that leaves is recorded");
        let bytes = STANDARD.decode(found["PFX"].as_str().unwrap()).unwrap();
        match format {
            "ZIP" => assert!(bytes.starts_with(b"PK\x03\x04")),
            _ => assert_eq!(certhold_pki::read(&bytes, Some("sesame sesame")).unwrap().keys.len(), 1, "{format}"),
        }
    }
    for wrong in [json!({ "CertID": one["Id"] }), json!({ "CertID": one["Id"], "Password": "short" })] {
        refused(file("Recover", "PFX", wrong).await, 400);
    }
    for wrong in ["", "!!!", &STANDARD.encode("not a certificate")] {
        refused(keyfactor.call("POST", "/Certificates/Import", json!({ "Certificate": wrong })).await, 400);
    }
}

#[tokio::test]
async fn metadata_of_many_changes_together() {
    let keyfactor = Keyfactor::new().await;
    let ids = keyfactor.test.import_samples(3).await;
    let field = json!({ "Name": "Tier", "Description": "", "DataType": 2 });
    keyfactor.call("POST", "/MetadataFields", field).await.expect(200);
    let all = |change: Value, ids: Value, query: Value| json!({ "Query": query, "CertificateIds": ids, "Metadata": [change] });
    let first = json!({ "MetadataName": "Tier", "Value": "1", "OverwriteExisting": false });
    keyfactor.call("PUT", "/Certificates/Metadata/All", all(first, json!([ids[0]]), Value::Null)).await.expect(204);
    let second = json!({ "MetadataName": "tier", "Value": 2, "OverwriteExisting": false });
    keyfactor.call("PUT", "/Certificates/Metadata/All", all(second, Value::Null, json!("CertId -ge 1"))).await.expect(204);
    let values = keyfactor.get("/Certificates?IncludeMetadata=true&IncludeExpired=true").await.expect(200);
    let values: Vec<&Value> = values.as_array().unwrap().iter().map(|one| &one["Metadata"]["Tier"]).collect();
    assert_eq!(values, [&json!("1"), &json!("2"), &json!("2")], "what was there stays");
    let events = keyfactor.test.events().await;
    let change = json!({ "MetadataName": "Tier", "Value": "x", "OverwriteExisting": true });
    for wrong in [
        all(change.clone(), json!([ids[0]]), Value::Null),
        all(change.clone(), json!([ids[0]]), json!("CertId -ge 1")),
        all(change.clone(), Value::Null, Value::Null),
        all(json!({ "MetadataName": "None", "Value": "1" }), json!([ids[0]]), Value::Null),
    ] {
        refused(keyfactor.call("PUT", "/Certificates/Metadata/All", wrong).await, 400);
    }
    let both = json!({ "MetadataName": "Tier", "Value": "3", "OverwriteExisting": true });
    refused(keyfactor.call("PUT", "/Certificates/Metadata/All", all(both, json!([ids[0], 999]), Value::Null)).await, 404);
    refused(keyfactor.call("PUT", "/Certificates/Metadata", json!({ "Id": ids[0], "Metadata": { "Tier": "x" } })).await, 400);
    refused(keyfactor.call("PUT", "/Certificates/Metadata", json!({ "Metadata": {} })).await, 400);
    assert_eq!(keyfactor.test.events().await, events, "all or none");
    keyfactor.call("PUT", "/Certificates/Metadata", json!({ "Id": ids[0], "Metadata": { "Tier": "" } })).await.expect(204);
}

#[tokio::test]
async fn revocation_is_recorded_and_hides() {
    let keyfactor = Keyfactor::new().await;
    let (first, second) = (
        keyfactor.held(&made("a.example.com", START + DAY).0).await,
        keyfactor.held(&made("b.example.com", START + DAY).0).await,
    );
    let revoke = json!({ "CertificateIds": [first], "Comment": "lost", "Reason": 1, "EffectiveDate": "2026-03-01T08:30:00Z" });
    let done = keyfactor.call("POST", "/Certificates/Revoke", revoke.clone()).await.expect(200);
    assert_eq!(done, json!({ "RevokedIds": [first], "SuspendedCerts": [] }));
    let events = keyfactor.test.events().await;
    keyfactor.call("POST", "/Certificates/Revoke", revoke).await.expect(200);
    assert_eq!(keyfactor.test.events().await, events, "again changes nothing");
    let one = keyfactor.get(&format!("/Certificates/{first}")).await.expect(200);
    assert_eq!((&one["CertState"], &one["CertStateString"], &one["RevocationReason"]), (&json!(2), &json!("Revoked"), &json!(1)));
    assert_eq!((&one["RevocationEffDate"], &one["RevocationComment"]), (&json!("2026-03-01T08:30:00Z"), &json!("lost")));
    let count = async |query: &str| keyfactor.get(&format!("/Certificates?{query}")).await.headers["x-total-count"].clone();
    assert_eq!((count("").await, count("IncludeRevoked=true").await), ("1".parse().unwrap(), "2".parse().unwrap()));
    assert_eq!(count("IncludeRevoked=true&QueryString=CertState+-eq+2").await, "1");
    assert_eq!(count("IncludeRevoked=true&QueryString=RevocationDate+-ge+%222026-01-01%22").await, "1");
    assert_eq!(count("IncludeRevoked=true&QueryString=CertState+-eq+%22Active%22").await, "1");
    let valid = keyfactor.get(&format!("/Certificates/{first}/Validate")).await.expect(200);
    assert!(valid["Valid"] == json!(false) && valid["Results"]["Revocation"].as_str().unwrap().starts_with("Failed"), "{valid}");
    let event = keyfactor.test.get("/api/v1/events?limit=1").await.expect(200)["items"][0].clone();
    assert_eq!(
        (&event["operation"], &event["payload"]["at_issuer"]),
        (&json!("certificate.revoked"), &json!(false)),
        "never claimed"
    );
    let hold = json!({ "CertificateIds": [second], "Comment": "suspicious", "Reason": 6 });
    keyfactor.call("POST", "/Certificates/Revoke", hold).await.expect(200);
    let release = |id: i64| json!({ "CertificateIds": [id], "Comment": "harmless", "Reason": -1 });
    keyfactor.call("POST", "/Certificates/Revoke", release(second)).await.expect(200);
    assert_eq!(count("").await, "1");
    let events = keyfactor.test.events().await;
    refused(keyfactor.call("POST", "/Certificates/Revoke", release(first)).await, 409);
    for (wrong, status) in [
        (json!({ "CertificateIds": [second], "Comment": "", "Reason": 1 }), 400),
        (json!({ "CertificateIds": [second], "Comment": "x", "Reason": 7 }), 400),
        (json!({ "CertificateIds": [], "Comment": "x" }), 400),
        (json!({ "CertificateIds": [second, 999], "Comment": "x" }), 404),
        (json!({ "CertificateIds": [second], "Comment": "x", "EffectiveDate": "yesterday" }), 400),
    ] {
        let body = keyfactor.call("POST", "/Certificates/Revoke", wrong).await;
        refused(body, status);
    }
    assert_eq!(keyfactor.test.events().await, events, "all or none");
    let all = json!({ "Query": "IssuedCN -eq \"b.example.com\"", "Reason": 4, "Comment": "replaced" });
    let done = keyfactor.call("POST", "/Certificates/RevokeAll", all).await.expect(200);
    assert_eq!(done["RevokedIds"], json!([second]));
    refused(keyfactor.call("POST", "/Certificates/RevokeAll", json!({ "Query": "", "Reason": 4, "Comment": "x" })).await, 400);
}

#[tokio::test]
async fn certificates_go_with_their_keys() {
    let keyfactor = Keyfactor::new().await;
    let (pem, key) = made("a.example.com", START + DAY);
    let keyed = keyfactor.held(&(pem + &key)).await;
    keyfactor.call("DELETE", &format!("/Certificates/PrivateKey/{keyed}"), Value::Null).await.expect(204);
    assert_eq!(keyfactor.get(&format!("/Certificates/{keyed}")).await.expect(200)["HasPrivateKey"], json!(false));
    refused(keyfactor.call("DELETE", &format!("/Certificates/PrivateKey/{keyed}"), Value::Null).await, 409);
    let (pem, key) = made("b.example.com", START + DAY);
    let other = keyfactor.held(&(pem.clone() + &key)).await;
    keyfactor.call("DELETE", &format!("/Certificates/{other}"), Value::Null).await.expect(204);
    refused(keyfactor.get(&format!("/Certificates/{other}")).await, 404);
    let again = keyfactor.held(&pem).await;
    assert_eq!(
        keyfactor.get(&format!("/Certificates/{again}")).await.expect(200)["HasPrivateKey"],
        json!(false),
        "the key went, too"
    );
    let ids = keyfactor.test.import_samples(2).await;
    let left = keyfactor.call("DELETE", "/Certificates", json!([ids[0], 999])).await.expect(200);
    assert_eq!(left, json!([999]), "what could not be deleted");
    refused(keyfactor.call("DELETE", "/Certificates", json!([999])).await, 404);
    keyfactor.call("DELETE", "/Certificates", json!([ids[1]])).await.expect(204);
    keyfactor.call("DELETE", "/Certificates/Query", json!("IssuedCN -eq \"b.example.com\"")).await.expect(204);
    refused(keyfactor.get(&format!("/Certificates/{again}")).await, 404);
    refused(keyfactor.call("DELETE", "/Certificates/Query", json!("")).await, 400);
    keyfactor.get(&format!("/Certificates/{keyed}")).await.expect(200);
}

#[tokio::test]
async fn whoever_sees_a_collection_sees_what_is_in_it_and_nothing_else() {
    let keyfactor = Keyfactor::new().await;
    let inside = keyfactor.held(&made("in.example.com", START + DAY).0).await;
    let outside = keyfactor.held(&made("out.example.org", START + DAY).0).await;
    let collection = keyfactor.collection("Com", "IssuedCN -endswith \".com\"").await;
    let paths: Vec<String> = ["read", "metadata/modify", "revoke", "delete"]
        .iter()
        .map(|right| format!("/certificates/collections/{right}/{collection}/"))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let (_, _, token) = keyfactor.test.service("com", &paths).await;
    let ask = async |method: &str, path: String, body: Value| keyfactor.as_somebody(&token, method, &path, body).await;
    let scope = format!("collectionId={collection}");
    let refusal = refused(ask("GET", "/Certificates".into(), Value::Null).await, 403);
    assert_eq!(refusal["ErrorCode"], "0xA0140002");
    assert!(refusal["Message"].as_str().unwrap().contains("CollectionId"), "it says which scope would do: {refusal}");
    let listed = ask("GET", format!("/Certificates?{scope}"), Value::Null).await;
    assert_eq!(listed.headers["x-total-count"], "1");
    assert_eq!(listed.expect(200)[0]["Id"], inside);
    ask("GET", format!("/Certificates/{inside}?{scope}"), Value::Null).await.expect(200);
    let there = refused(ask("GET", format!("/Certificates/{outside}?{scope}"), Value::Null).await, 403);
    let missing = refused(ask("GET", format!("/Certificates/987654?{scope}"), Value::Null).await, 403);
    assert_eq!(there, missing, "nothing is learned about what is outside");
    ask("GET", format!("/Certificates/{inside}/History?{scope}"), Value::Null).await.expect(200);
    let revoke = |id: i64| json!({ "CertificateIds": [id], "Comment": "x", "CollectionId": collection });
    refused(ask("POST", "/Certificates/Revoke".into(), revoke(outside)).await, 403);
    ask("POST", "/Certificates/Revoke".into(), revoke(inside)).await.expect(200);
    let events = keyfactor.test.events().await;
    refused(ask("DELETE", format!("/Certificates/{outside}?{scope}"), Value::Null).await, 403);
    refused(ask("DELETE", format!("/Certificates/{inside}"), Value::Null).await, 403);
    refused(ask("GET", format!("/Certificates/{inside}?containerId=4"), Value::Null).await, 403);
    assert_eq!(keyfactor.test.events().await, events);
    ask("DELETE", format!("/Certificates/{inside}?{scope}"), Value::Null).await.expect(204);
    assert_eq!(refused(keyfactor.get(&format!("/Certificates/{outside}?{scope}")).await, 404)["ErrorCode"], "0xCE110005");
    refused(keyfactor.get(&format!("/Certificates/{outside}?containerId=4")).await, 404);
}

#[tokio::test]
async fn deep_pages_agree_with_one_long_page() {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.import_samples(130).await;
    let ids = async |query: String| -> Vec<i64> {
        let reply = keyfactor.get(&format!("/Certificates?IncludeExpired=true&{query}")).await.expect(200);
        reply.as_array().unwrap().iter().map(|one| one["Id"].as_i64().unwrap()).collect()
    };
    for order in ["", "&SortField=IssuedCN", "&SortField=ExpirationDate&SortAscending=1", "&QueryString=KeyType -ne 2"] {
        let order = order.replace(' ', "%20");
        let whole = ids(format!("ReturnLimit=1000{order}")).await;
        for size in [7, 50] {
            let mut paged = Vec::new();
            for page in (1..).take_while(|page| (page - 1) * size < whole.len()) {
                paged.extend(ids(format!("ReturnLimit={size}&PageReturned={page}{order}")).await);
            }
            assert_eq!(paged, whole, "{order} by {size}");
            let last = whole.len().div_ceil(size);
            assert_eq!(ids(format!("ReturnLimit={size}&PageReturned={last}{order}")).await, whole[(last - 1) * size..]);
        }
    }
}

#[tokio::test]
async fn excluded_certificates_are_listed_and_let_in_again() {
    let keyfactor = Keyfactor::new().await;
    let ids = keyfactor.test.import_samples(4).await;
    let (_, _, token) = keyfactor.test.service("remover", &["/certificates/collections/delete/"]).await;
    refused(keyfactor.as_somebody(&token, "DELETE", &format!("/Certificates/Exclude/{}", ids[0]), json!(null)).await, 403);
    keyfactor.call("DELETE", &format!("/Certificates/Exclude/{}", ids[0]), json!(null)).await.expect(204);
    let left = keyfactor.call("DELETE", "/Certificates/Exclude", json!([ids[1], 98765])).await.expect(200);
    assert_eq!(left, json!([98765]));
    let query = json!(format!("CertId -eq {}", ids[2]));
    let found = keyfactor.call("DELETE", "/Certificates/Exclude/Query", query).await;
    assert!(found.status == 204, "{}", found.text());
    let listed = keyfactor.get("/Certificates/ExcludedCertificates?SortField=Id&SortAscending=1").await;
    let total = listed.headers["x-total-count"].to_str().unwrap().to_owned();
    let listed = listed.expect(200);
    assert_eq!(total, listed.as_array().unwrap().len().to_string());
    let pem = |number: u64| json!({ "Certificate": STANDARD.encode(crate::testing::sample_pem(number)) });
    let told = refused(keyfactor.call("POST", "/Certificates/Import", pem(0)).await, 400);
    assert!(told["Message"].as_str().unwrap().contains("excluded"), "{told}");
    let all: Vec<i64> = listed.as_array().unwrap().iter().map(|one| one["Id"].as_i64().unwrap()).collect();
    keyfactor.call("DELETE", "/Certificates/ExcludedCertificates", json!(all)).await.expect(204);
    assert_eq!(keyfactor.get("/Certificates/ExcludedCertificates").await.expect(200), json!([]));
    keyfactor.call("POST", "/Certificates/Import", pem(0)).await.expect(200);
}
