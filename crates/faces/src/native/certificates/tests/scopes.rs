//! Rights that hold in one collection: keys, files, removal, notes, owners and edits of many, and where they end.

use certhold_domain::access::paths::{
    CERTIFICATES_CHANGE_OWNER, CERTIFICATES_DELETE, CERTIFICATES_METADATA_MODIFY, CERTIFICATES_READ, PRIVATE_KEY_DELETE,
    PRIVATE_KEY_READ,
};
use serde_json::{Value, json};

use super::{imported, self_signed};
use crate::testing::{Reply, TestApp};

/// A certificate with its key inside a collection, one outside, and somebody who holds these paths on the collection.
struct House {
    test: TestApp,
    inside: i64,
    outside: i64,
    mine: i64,
    token: String,
}

impl House {
    async fn new(paths: &[&str]) -> House {
        let test = TestApp::new().await;
        let mut held = Vec::new();
        for name in ["in.example.com", "out.example.com"] {
            let (pem, key) = self_signed(name);
            held.push(imported(&test, &format!("{pem}{key}")).await[0]);
        }
        let made = json!({ "name": "Mine", "query": "SAN -eq \"in.example.com\"" });
        let mine = test.post("/api/v1/collections", made).await.expect(201)["id"].as_i64().unwrap();
        let paths: Vec<String> = paths.iter().map(|path| format!("{path}{mine}/")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let token = test.service("scoped", &paths).await.2;
        House { inside: held[0], outside: held[1], mine, token, test }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.test.call(method, &format!("/api/v1{path}"), &self.token, body.as_ref()).await
    }

    fn within(&self) -> String {
        format!("?collection={}", self.mine)
    }

    /// Asserts that the right reaches the certificate inside and no other, and that no answer tells whether another exists.
    async fn ends_at_the_edge(&self, method: &str, part: &str, body: Option<Value>, refused: u16) {
        let before = self.test.events().await;
        let path = |id: i64, within: &str| format!("/certificates/{id}{part}{within}");
        let missing = self.call(method, &path(987_654, &self.within()), body.clone()).await;
        assert_eq!(missing.status.as_u16(), refused, "{method} {part}: {}", missing.text());
        for (id, within) in [
            (self.outside, self.within()),
            (self.inside, String::new()),
            (self.outside, String::new()),
            (self.inside, "?collection=987654".into()),
        ] {
            let reply = self.call(method, &path(id, &within), body.clone()).await;
            assert_eq!(reply.status.as_u16(), refused, "{method} {part} {id} {within}: {}", reply.text());
        }
        let outside = self.call(method, &path(self.outside, &self.within()), body.clone()).await;
        let alike = outside.text().replace(&format!(" {}\"", self.outside), " 987654\"");
        assert_eq!(alike, missing.text(), "{method} {part}: no word about existence");
        assert_eq!(self.test.events().await, before, "a refused request left an event");
    }
}

#[tokio::test]
async fn a_key_is_exported_through_a_collection() {
    let house = House::new(&[CERTIFICATES_READ, PRIVATE_KEY_READ]).await;
    let body = json!({ "format": "pem", "reason": "moves to another server" });
    house.ends_at_the_edge("POST", "/export", Some(body.clone()), 403).await;
    let reply = house.call("POST", &format!("/certificates/{}/export{}", house.inside, house.within()), Some(body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("PRIVATE KEY"));
    let events = house.test.get("/api/v1/events?operation=private_key.exported").await.expect(200);
    assert_eq!(events["items"][0]["payload"]["collection"], house.mine, "{events}");
}

#[tokio::test]
async fn reading_a_collection_is_not_exporting_its_keys() {
    let house = House::new(&[CERTIFICATES_READ]).await;
    let body = json!({ "format": "pem", "reason": "curious" });
    let path = format!("/certificates/{}/export{}", house.inside, house.within());
    let refused = house.call("POST", &path, Some(body)).await.expect(403);
    let missing = [PRIVATE_KEY_READ.to_owned(), format!("{PRIVATE_KEY_READ}{}/", house.mine)];
    assert_eq!(refused["missing"], json!(missing), "{refused}");
    // And the other way round: a key without its certificate is not handed out.
    let house = House::new(&[PRIVATE_KEY_READ]).await;
    let body = json!({ "format": "pem", "reason": "curious" });
    let path = format!("/certificates/{}/export{}", house.inside, house.within());
    house.call("POST", &path, Some(body)).await.expect(403);
}

#[tokio::test]
async fn a_key_is_destroyed_through_a_collection_when_nobody_else_has_it() {
    let house = House::new(&[CERTIFICATES_READ, PRIVATE_KEY_DELETE]).await;
    let body = json!({ "reason": "the server is gone" });
    house.ends_at_the_edge("POST", "/private-key/destroy", Some(body.clone()), 403).await;
    let path = format!("/certificates/{}/private-key/destroy{}", house.inside, house.within());

    // A certificate outside that has the same key.
    let exported = house
        .test
        .post(&format!("/api/v1/certificates/{}/export", house.inside), json!({ "format": "pem", "reason": "x" }))
        .await;
    let key = rcgen::KeyPair::from_pem(certhold_key(&exported.text())).unwrap();
    let twin = rcgen::CertificateParams::new(vec!["twin.example.com".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let twin = imported(&house.test, &twin).await[0];
    let refused = house.call("POST", &path, Some(body.clone())).await.expect(403);
    assert!(refused["detail"].as_str().unwrap().contains("not the concern of collection"), "{refused}");
    assert!(!refused["detail"].as_str().unwrap().contains(&format!("certificate {twin}")), "{refused}");
    house.test.delete(&format!("/api/v1/certificates/{twin}")).await.expect(204);
    house.call("POST", &path, Some(body.clone())).await.expect(204);
    house.call("POST", &path, Some(body)).await.expect(409);
    let one = house.test.get(&format!("/api/v1/certificates/{}", house.inside)).await.expect(200);
    assert_eq!(one["has_private_key"], false);
}

/// The private key in a PEM file with its certificate.
fn certhold_key(pem: &str) -> &str {
    &pem[pem.find("-----BEGIN PRIVATE KEY-----").unwrap()..]
}

#[tokio::test]
async fn files_and_facts_are_read_through_a_collection() {
    let house = House::new(&[CERTIFICATES_READ]).await;
    for part in ["/download", "/facts", "/metadata", "/pem", "/chains", "/trust"] {
        house.ends_at_the_edge("GET", part, None, 404).await;
        let reply = house.call("GET", &format!("/certificates/{}{part}{}", house.inside, house.within()), None).await;
        assert_eq!(reply.status, 200, "{part}: {}", reply.text());
    }
    let chained = format!("/certificates/{}/download?format=pkcs7&chain=true&collection={}", house.inside, house.mine);
    assert!(house.call("GET", &chained, None).await.text().starts_with("-----BEGIN PKCS7"));
}

#[tokio::test]
async fn a_certificate_is_noted_about_and_removed_through_a_collection() {
    let house = House::new(&[CERTIFICATES_READ, CERTIFICATES_METADATA_MODIFY, CERTIFICATES_DELETE]).await;
    house.test.post("/api/v1/metadata-fields", json!({ "name": "Team", "type": "string" })).await.expect(201);
    let body = json!({ "metadata": { "Team": "Web" } });
    house.ends_at_the_edge("PATCH", "/metadata", Some(body.clone()), 403).await;
    house.ends_at_the_edge("PUT", "/metadata", Some(body.clone()), 403).await;
    house.ends_at_the_edge("DELETE", "", None, 403).await;
    let path = |part: &str| format!("/certificates/{}{part}{}", house.inside, house.within());
    house.call("PATCH", &path("/metadata"), Some(body)).await.expect(204);
    let events = house.test.get("/api/v1/events?operation=certificate.metadata_changed").await.expect(200);
    assert_eq!(events["items"][0]["payload"]["collection"], house.mine, "{events}");
    house.call("DELETE", &path(""), None).await.expect(204);
    house.test.get(&format!("/api/v1/certificates/{}", house.inside)).await.expect(404);
}

#[tokio::test]
async fn an_edit_of_many_stays_inside_its_collection() {
    let house = House::new(&[CERTIFICATES_READ, CERTIFICATES_METADATA_MODIFY]).await;
    house.test.post("/api/v1/metadata-fields", json!({ "name": "Team", "type": "string" })).await.expect(201);
    let edit = json!({ "kind": "metadata", "changes": [{ "field": "Team", "value": "Web" }] });
    let wanted = |filter: Value| json!({ "filter": filter, "edit": edit });
    let before = house.test.events().await;
    for body in [
        wanted(json!({})),
        wanted(json!({ "collection": 987_654 })),
        json!({ "certificates": [house.inside], "edit": edit }),
        json!({ "certificates": [house.outside], "edit": edit }),
    ] {
        for path in ["/bulk-edits/preview", "/bulk-edits"] {
            let refused = house.call("POST", path, Some(body.clone())).await.expect(403);
            assert!(refused["missing"].to_string().contains(CERTIFICATES_READ), "{path} {body}: {refused}");
        }
    }
    let owner = json!({ "filter": { "collection": house.mine }, "edit": { "kind": "owner", "owner": null } });
    let refused = house.call("POST", "/bulk-edits", Some(owner)).await.expect(403);
    assert!(refused["missing"].to_string().contains(&format!("{CERTIFICATES_CHANGE_OWNER}{}/", house.mine)), "{refused}");
    assert_eq!(house.test.events().await, before);

    let everything = format!("CertId -eq {} OR CertId -ge 0", house.outside);
    let looked =
        house.call("POST", "/bulk-edits/preview", Some(wanted(json!({ "collection": house.mine, "query": everything })))).await;
    let looked = looked.expect(200);
    assert_eq!((&looked["total"], &looked["sample"][0]["certificate"]), (&json!(1), &json!(house.inside)), "{looked}");
    let mut body = wanted(json!({ "collection": house.mine, "query": everything }));
    body["digest"] = looked["digest"].clone();
    let id = house.call("POST", "/bulk-edits", Some(body)).await.expect(201)["id"].clone();
    let told = house.call("GET", &format!("/bulk-edits/{id}"), None).await.expect(200);
    assert_eq!(told["state"], "selecting", "{told}");
}
