mod chains;
mod export;
mod import;
mod revocation;
mod scopes;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::testing::{START, TestApp, sample_der, sample_pem};

/// A self-signed certificate of this name, PEM, and its key, PKCS#8 PEM.
fn self_signed(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Imports PEM and returns the ids in order.
async fn imported(test: &TestApp, pem: &str) -> Vec<i64> {
    let result = test.post("/api/v1/certificates", json!({ "content": pem })).await.expect(200);
    result["items"].as_array().unwrap().iter().map(|item| item["certificate"].as_i64().unwrap()).collect()
}

fn ids(list: &Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn one_certificate_is_told_with_all_it_says() {
    let test = TestApp::new().await;
    let (pem, key) = self_signed("www.example.com");
    let id = imported(&test, &format!("{pem}{key}")).await[0];
    let one = test.get(&format!("/api/v1/certificates/{id}")).await.expect(200);
    assert_eq!(one["subject"], "CN=rcgen self signed cert");
    assert_eq!(one["names"], json!(["www.example.com"]));
    assert_eq!(one["not_before"], "1975-01-01T00:00:00Z");
    assert_eq!(one["not_after"], "4096-01-01T00:00:00Z");
    assert_eq!((&one["key_algorithm"], &one["key_bits"]), (&json!("EC"), &json!(256)));
    assert_eq!((&one["owner"], &one["managed"], &one["has_private_key"]), (&Value::Null, &Value::Null, &json!(true)));
    assert_eq!(one["held_since"], crate::native::Time(START).to_string());
    assert_eq!(one["facts"]["key_curve"], "P-256");
    assert_eq!(one["facts"]["self_issued"], true);
    assert_eq!(one["facts"]["alternative_names"], json!([{ "kind": "dns", "value": "www.example.com" }]));
    assert!(!one.to_string().contains("PRIVATE KEY"));
}

/// Expected renderings: `openssl x509 -subject` and `X500Principal.toString()` of the same name.
#[tokio::test]
async fn a_certificate_is_taken_apart() {
    let test = TestApp::new().await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
    parameters.subject_alt_names.push(rcgen::SanType::Rfc822Name("a@b.example".try_into().unwrap()));
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "A, B\u{202e}");
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "<script>alert(\"x\")</script>");
    let pem = parameters.self_signed(&key).unwrap().pem();
    let id = imported(&test, &pem).await[0];
    let facts = test.get(&format!("/api/v1/certificates/{id}/facts")).await.expect(200);
    let subject = &facts["subject"];
    assert_eq!(subject["jdk"], "CN=\"<script>alert(\\\"x\\\")</script>\", O=\"A, B\\E2\\80\\AE\"");
    assert_eq!(subject["openssl"], "O = \"A, B\\E2\\80\\AE\", CN = \"<script>alert(\\\"x\\\")</script>\"");
    assert_eq!(subject["rfc4514"], "CN=\\<script\\>alert(\\\"x\\\")\\</script\\>,O=A\\, B\\E2\\80\\AE");
    let organization = json!({ "oid": "2.5.4.10", "keyword": "O", "string_type": "UTF8String", "text": "A, B\\E2\\80\\AE",
        "value": "412c2042e280ae" });
    assert_eq!(subject["relative_names"][0][0], organization);
    assert_eq!(facts["key"]["description"], "EC P-384");
    assert_eq!(facts["signature"]["hash"], "SHA-384");
    assert_eq!(facts["not_before"]["text"], "750101000000Z");
    let names: Vec<&str> =
        facts["alternative_names"].as_array().unwrap().iter().map(|name| name["kind"].as_str().unwrap()).collect();
    assert_eq!(names, ["dNSName", "rfc822Name"]);
    let names = facts["extensions"].as_array().unwrap().iter().find(|extension| extension["oid"] == "2.5.29.17").unwrap();
    assert_eq!(names["text"], json!(["dNSName www.example.com", "rfc822Name a@b.example"]));
    assert_eq!(names["state"], "decoded");
    test.get("/api/v1/certificates/99999/facts").await.expect(404);
}

#[tokio::test]
async fn lists_filter_and_count() {
    let test = TestApp::new().await;
    test.import_samples(150).await;
    let (pem, _) = self_signed("needle.example.com");
    let needle = imported(&test, &pem).await[0];
    let list = async |query: &str| test.get(&format!("/api/v1/certificates?{query}")).await.expect(200);

    assert_eq!(ids(&list("q=needle").await), [needle]);
    assert_eq!(ids(&list("q=NEEDLE.example.com").await), [needle]);
    assert_eq!(ids(&list("q=*.example.com%20needle").await), [needle]);
    assert_eq!(ids(&list("expires_after=4000-01-01T00:00:00Z").await), [needle]);
    assert_eq!(ids(&list("q=no%20such%20thing").await), Vec::<i64>::new());
    let sha256 = test.get(&format!("/api/v1/certificates/{needle}")).await.expect(200)["sha256"].as_str().unwrap().to_owned();
    assert_eq!(ids(&list(&format!("q={sha256}")).await), [needle]);

    let all = list("limit=1000&total=true").await;
    assert_eq!((ids(&all).len(), &all["total"], &all["next"]), (151, &json!(151), &Value::Null));
    let now = crate::native::Time(START).to_string();
    let ended = list("expired=true&limit=1000").await;
    let living = list("expired=false&limit=1000").await;
    assert_eq!(ids(&ended).len() + ids(&living).len(), 151);
    assert!(!ids(&ended).is_empty(), "the samples hold some that have ended");
    assert!(ended["items"].as_array().unwrap().iter().all(|item| item["not_after"].as_str().unwrap() < now.as_str()));
    assert_eq!(ids(&list("expired=true&expires_after=3000-01-01T00:00:00Z").await), Vec::<i64>::new());
    for (query, count) in [("managed=true", 0), ("managed=false&limit=1000", 151), ("owner=none&limit=1000", 151), ("owner=1", 0)]
    {
        assert_eq!(ids(&list(query).await).len(), count, "{query}");
    }
    let authorities = ids(&list("is_ca=true&limit=1000").await).len();
    assert_eq!(authorities + ids(&list("is_ca=false&limit=1000").await).len(), 151);
}

#[tokio::test]
async fn pages_lead_through_everything_once_in_every_order() {
    let test = TestApp::new().await;
    test.import_samples(23).await;
    for sort in ["id", "-id", "not_after", "-not_after"] {
        let mut path = format!("/api/v1/certificates?q=%25&sort={sort}&limit=5");
        path = path.replace("q=%25&", "q=&");
        let (mut found, mut keys) = (Vec::new(), Vec::new());
        loop {
            let reply = test.get(&path).await;
            let link = reply.headers.get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
            let page = reply.expect(200);
            found.extend(ids(&page));
            keys.extend(page["items"].as_array().unwrap().iter().map(|item| item["not_after"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else {
                assert_eq!(link, None);
                break;
            };
            assert_eq!(link, Some(format!("<{next}>; rel=\"next\"")));
            path = next.to_owned();
        }
        assert_eq!(found.len(), 23, "{sort}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 23, "{sort}: something came twice");
        let ordered = match sort {
            "id" => found.is_sorted(),
            "-id" => found.is_sorted_by(|a, b| a > b),
            "not_after" => keys.is_sorted(),
            _ => keys.is_sorted_by(|a, b| a >= b),
        };
        assert!(ordered, "{sort}: {found:?} {keys:?}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let test = TestApp::new().await;
    let long = format!("q={}", "x".repeat(501));
    for (query, field) in [
        ("sort=name", "sort"),
        ("after=x", "after"),
        ("after=1~2", "after"),
        ("sort=not_after&after=1", "after"),
        ("limit=0", "limit"),
        (long.as_str(), "q"),
    ] {
        let problem = test.get(&format!("/api/v1/certificates?{query}")).await.expect(400);
        assert_eq!(problem["field"], field, "{query:.40}: {problem}");
    }
    for query in ["expires_before=tomorrow", "managed=1", "total=yes", "Q=x", "expired="] {
        test.get(&format!("/api/v1/certificates?{query}")).await.expect(400);
    }
    test.get("/api/v1/certificates?owner=no%20such%20role").await.expect(404);
}

#[tokio::test]
async fn hostile_searches_find_nothing_and_break_nothing() {
    let test = TestApp::new().await;
    test.import_samples(3).await;
    for text in ["%", "_", "\\", "'", "\"; DROP TABLE certificate; --", "\0", "\u{202e}", "<script>", "*.", "*.%", "::", "%00"] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
        let found = test.get(&format!("/api/v1/certificates?{query}&total=true")).await.expect(200);
        assert!(found["total"].as_i64().unwrap() <= 3, "{text:?}");
        assert!(!matches!(text, "%" | "_" | "'" | "<script>") || ids(&found).is_empty(), "{text:?} is no wildcard");
    }
    assert_eq!(test.get("/api/v1/certificates?total=true").await.expect(200)["total"], 3);
}

#[tokio::test]
async fn downloads_are_the_bytes_under_a_harmless_name() {
    let test = TestApp::new().await;
    let id = test.import_samples(2).await[1];
    let pem = test.get(&format!("/api/v1/certificates/{id}/pem")).await;
    assert_eq!((pem.text(), &pem.headers[header::CONTENT_TYPE]), (sample_pem(1), &"application/x-pem-file".parse().unwrap()));
    let der = test.get(&format!("/api/v1/certificates/{id}/der")).await;
    assert_eq!(
        (der.body.to_vec(), &der.headers[header::CONTENT_TYPE]),
        (sample_der(1), &"application/pkix-cert".parse().unwrap())
    );
    let chain = test.get(&format!("/api/v1/certificates/{id}/chain")).await;
    assert_eq!(chain.text(), sample_pem(1), "no chain is known");
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "../../etc/passwd\"; rm -rf /; \u{202e}");
    let key = rcgen::KeyPair::generate().unwrap();
    let id = imported(&test, &parameters.self_signed(&key).unwrap().pem()).await[0];
    let hostile = test.get(&format!("/api/v1/certificates/{id}/pem")).await;
    let disposition = hostile.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    let name = disposition.strip_prefix("attachment; filename=\"").unwrap().strip_suffix('"').unwrap();
    assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{disposition}");
    assert!(!name.starts_with(['.', '-']), "{disposition}");
}

#[tokio::test]
async fn the_owner_changes_between_roles_one_holds() {
    let test = TestApp::new().await;
    let id = test.import_samples(1).await[0];
    let path = format!("/api/v1/certificates/{id}/owner");
    let owner = async || test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["owner"].clone();
    let (_, web, holder) = test.service("web", &["/certificates/collections/"]).await;
    let (_, dns, other) = test.service("dns", &["/certificates/collections/"]).await;
    let (web, dns) = (web.unwrap().0, dns.unwrap().0);

    test.call("PUT", &path, &holder, Some(&json!({ "owner": web }))).await.expect(204);
    assert_eq!(owner().await, json!({ "id": web, "name": "role of web" }));
    let events = test.events().await;
    test.call("PUT", &path, &holder, Some(&json!({ "owner": "ROLE OF WEB" }))).await.expect(204);
    assert_eq!(test.events().await, events, "nothing changed");

    test.call("PUT", &path, &holder, Some(&json!({ "owner": dns }))).await.expect(403);
    test.call("PUT", &path, &other, Some(&json!({ "owner": dns }))).await.expect(403);
    test.call("PUT", &path, &other, Some(&json!({ "owner": null }))).await.expect(403);
    test.call("PUT", &path, &holder, Some(&json!({ "owner": "role of dns" }))).await.expect(403);
    assert_eq!(owner().await["id"], web);
    test.put(&path, json!({ "owner": 4711 })).await.expect(404);
    test.put(&path, json!({ "owner": "no such role" })).await.expect(404);
    for wrong in [json!({}), json!({ "owner": true }), json!({ "owner": 1.5 }), json!({ "owner": [1] }), json!({ "role": 1 })] {
        test.put(&path, wrong).await.expect(400);
    }
    test.put(&path, json!({ "owner": dns })).await.expect(204);
    test.put(&path, json!({ "owner": null })).await.expect(204);
    assert_eq!(owner().await, Value::Null);
    let history = test.get(&format!("/api/v1/certificates/{id}/history")).await.expect(200);
    let newest = &history["items"][0];
    assert_eq!(newest["operation"], "certificate.owner_changed");
    assert_eq!((&newest["payload"]["before"]["owner_role"], &newest["payload"]["as_administrator"]), (&json!(dns), &json!(true)));
    assert_eq!(
        (&newest["face"], &newest["actor"]["name"], &newest["address"]),
        (&json!("native"), &json!("admin"), &json!("127.0.0.1"))
    );
}

#[tokio::test]
async fn what_is_removed_is_gone_and_its_history_stays() {
    let test = TestApp::new().await;
    let id = test.import_samples(1).await[0];
    let path = format!("/api/v1/certificates/{id}");
    test.delete(&path).await.expect(204);
    test.get(&path).await.expect(404);
    test.delete(&path).await.expect(404);
    let history = test.get(&format!("{path}/history?limit=1")).await.expect(200);
    assert_eq!(history["items"][0]["operation"], "certificate.deleted");
    let next = history["next"].as_str().unwrap();
    assert_eq!(test.get(next).await.expect(200)["items"][0]["operation"], "certificate.imported");
    test.get("/api/v1/certificates/4711/history").await.expect(404);
    assert_eq!(test.get("/api/v1/certificates?total=true").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn long_lists_are_compressed_on_demand_and_secrets_are_not() {
    let test = TestApp::new().await;
    test.import_samples(30).await;
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT_ENCODING, "gzip");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", test.admin));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        test.send(request.body(body).unwrap()).await
    };
    for path in ["/api/v1/certificates", "/api/v1/events", "/api/v1/openapi.json"] {
        let reply = ask("GET", path, None).await;
        assert_eq!(reply.headers[header::CONTENT_ENCODING], "gzip", "{path}");
        assert!(reply.body.starts_with(&[0x1f, 0x8b]), "{path}");
    }
    let token = json!({ "name": "x".repeat(150), "scopes": ["/"] });
    let reply = ask("POST", &format!("/api/v1/principals/{}/tokens", test.admin_id), Some(token)).await;
    assert_eq!(reply.status, 201);
    assert!(!reply.headers.contains_key(header::CONTENT_ENCODING));
}
