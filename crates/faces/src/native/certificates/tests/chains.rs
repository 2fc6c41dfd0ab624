//! Chains and verdicts through the API: what is told, to whom, and what of certificates outside a collection.

use certhold_domain::access::paths::CERTIFICATES_READ;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use super::imported;
use crate::testing::{TestApp, sample_pem};

struct Party {
    key: KeyPair,
    params: CertificateParams,
}

impl Party {
    fn authority(name: &str) -> Party {
        let mut party = Party::server(name);
        party.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        party.params.extended_key_usages.clear();
        party.params.subject_alt_names.clear();
        party
    }

    fn server(name: &str) -> Party {
        let mut params = CertificateParams::new(vec![name.replace(' ', "-")]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Party { key: KeyPair::generate().unwrap(), params }
    }

    fn root(&self) -> String {
        self.params.self_signed(&self.key).unwrap().pem()
    }

    fn certifies(&self, subject: &Party) -> String {
        let issuer = Issuer::from_params(&self.params, &self.key);
        subject.params.signed_by(&subject.key, &issuer).unwrap().pem()
    }
}

/// A leaf below an issuing authority below a root that another root cross-signed: leaf, issuing, root, crossed, other.
async fn tree(test: &TestApp) -> Vec<i64> {
    let (root, issuing, other) = (Party::authority("Root"), Party::authority("Issuing"), Party::authority("Other Root"));
    let leaf = Party::server("www.example.com");
    let all = [issuing.certifies(&leaf), root.certifies(&issuing), root.root(), other.certifies(&root), other.root()].concat();
    imported(test, &all).await
}

async fn fingerprint(test: &TestApp, id: i64) -> Value {
    test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["sha256"].clone()
}

fn steps(path: &Value) -> Vec<Value> {
    path["steps"].as_array().unwrap().iter().map(|step| step["id"].clone()).collect()
}

#[tokio::test]
async fn every_path_is_told_with_its_certificates() {
    let test = TestApp::new().await;
    let [leaf, issuing, root, crossed, other] = tree(&test).await[..] else { panic!("five certificates") };
    let told = test.get(&format!("/api/v1/certificates/{leaf}/chains")).await.expect(200);
    let paths: Vec<Vec<Value>> = told["paths"].as_array().unwrap().iter().map(steps).collect();
    assert_eq!(json!(paths), json!([[leaf, issuing, root], [leaf, issuing, crossed, other]]));
    assert_eq!((&told["paths"][0]["end"], &told["paths"][0]["sound"]), (&json!("root"), &json!(true)));
    let mut crossing: Vec<Value> = told["cross_signed"][0].as_array().unwrap().clone();
    crossing.sort_by_key(Value::to_string);
    let mut expected = vec![fingerprint(&test, root).await, fingerprint(&test, crossed).await];
    expected.sort_by_key(Value::to_string);
    assert_eq!((told["cross_signed"].as_array().unwrap().len(), crossing), (1, expected));
    let first = &told["certificates"][0];
    assert_eq!((&first["id"], &first["sha256"]), (&json!(leaf), &fingerprint(&test, leaf).await));
    let issuer = &first["issuers"][0];
    assert_eq!((&issuer["id"], &issuer["sha256"]), (&json!(issuing), &fingerprint(&test, issuing).await));
    assert_eq!(issuer["verified"], true);

    let alone = imported(&test, &sample_pem(3)).await[0];
    let told = test.get(&format!("/api/v1/certificates/{alone}/chains")).await.expect(200);
    let missing = &told["paths"][0];
    assert_eq!((&missing["end"], &missing["sound"]), (&json!("missing"), &json!(false)), "{told}");
    assert_eq!(missing["missing"]["subject"], told["certificates"][0]["issuer"]);
}

#[tokio::test]
async fn trust_sets_judge_and_say_why_not() {
    let test = TestApp::new().await;
    let [leaf, issuing, root, crossed, other] = tree(&test).await[..] else { panic!("five certificates") };
    let set = |name: &str, id: i64| json!({ "name": name, "certificates": [id] });
    let ours = test.post("/api/v1/trust-sets", set("Ours", root)).await.expect(201)["id"].clone();
    let theirs = test.post("/api/v1/trust-sets", set("Theirs", other)).await.expect(201)["id"].clone();
    let stranger = imported(&test, &Party::authority("Stranger").root()).await[0];
    test.post("/api/v1/trust-sets", set("Strangers", stranger)).await.expect(201);
    let judged = test.get(&format!("/api/v1/certificates/{leaf}/trust")).await.expect(200);
    let verdicts: Vec<(&Value, &Value, &Value)> = judged["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| (&verdict["set"]["name"], &verdict["trusted"], &verdict["path"]))
        .collect();
    assert_eq!(
        json!(verdicts),
        json!([["Ours", true, [issuing, root]], ["Strangers", false, []], ["Theirs", true, [issuing, crossed, other]]])
    );
    assert!(judged["items"][1]["reasons"][0].as_str().unwrap().contains("No path leads"), "{judged}");

    let of = |query: &str| format!("/api/v1/certificates/{leaf}/trust?set={ours}{query}");
    let one = test.get(&of("&name=www.example.com")).await.expect(200);
    assert_eq!((one["items"].as_array().unwrap().len(), &one["items"][0]["trusted"]), (1, &json!(true)));
    for (query, part) in [
        ("&name=other.example.com", "not valid for other.example.com"),
        ("&usage=client", "extended key usage"),
        ("&at=5000-01-01T00:00:00Z", "has ended"),
    ] {
        let one = test.get(&of(query)).await.expect(200);
        assert_eq!(one["items"][0]["trusted"], false, "{query}");
        assert!(one["items"][0]["reasons"][0].as_str().unwrap().contains(part), "{query}: {one}");
    }
    test.get(&of("&usage=mail")).await.expect(400);
    test.get(&of("&at=yesterday")).await.expect(400);
    test.get(&of("&wrong=1")).await.expect(400);
    test.get(&format!("/api/v1/certificates/{leaf}/trust?set=987654")).await.expect(404);
    test.delete(&format!("/api/v1/trust-sets/{theirs}")).await.expect(204);
    test.get(&format!("/api/v1/certificates/{leaf}/trust?set={theirs}")).await.expect(404);
}

#[tokio::test]
async fn who_may_not_see_a_certificate_learns_nothing_of_its_chain() {
    let test = TestApp::new().await;
    let leaf = tree(&test).await[0];
    let (.., stranger) = test.service("stranger", &["/portal/read/"]).await;
    let (.., reader) = test.service("reader", &[CERTIFICATES_READ]).await;
    for part in ["chains", "trust"] {
        let path = |id: i64| format!("/api/v1/certificates/{id}/{part}");
        let hidden = test.call("GET", &path(leaf), &stranger, None).await;
        let missing = test.call("GET", &path(987_654), &stranger, None).await;
        assert_eq!((hidden.status.as_u16(), missing.status.as_u16()), (404, 404), "{part}");
        assert_eq!(hidden.text().replace(&format!(" {leaf}\""), " 987654\""), missing.text(), "{part}");
        test.call("GET", &path(leaf), &reader, None).await.expect(200);
        assert_eq!(test.call("GET", &path(987_654), &reader, None).await.status, 404, "{part}");
        assert_eq!(test.call("GET", &path(leaf), "", None).await.status, 401, "{part}");
    }
}

#[tokio::test]
async fn through_a_collection_authorities_outside_are_told_without_their_place_in_the_inventory() {
    let test = TestApp::new().await;
    let [leaf, issuing, root, crossed, other] = tree(&test).await[..] else { panic!("five certificates") };
    test.post("/api/v1/trust-sets", json!({ "name": "Ours", "certificates": [root] })).await.expect(201);
    let made = json!({ "name": "Mine", "query": format!("CertId -in ({leaf}, {issuing})") });
    let mine = test.post("/api/v1/collections", made).await.expect(201)["id"].clone();
    let (.., token) = test.service("scoped", &[&format!("{CERTIFICATES_READ}{mine}/")]).await;
    let get = async |path: String| test.call("GET", &path, &token, None).await;

    let told = get(format!("/api/v1/certificates/{leaf}/chains?collection={mine}")).await.expect(200);
    let everything = test.get(&format!("/api/v1/certificates/{leaf}/chains")).await.expect(200);
    let paths: Vec<Vec<Value>> = told["paths"].as_array().unwrap().iter().map(steps).collect();
    assert_eq!(json!(paths), json!([[leaf, issuing, null], [leaf, issuing, null, null]]));
    // What the certificates themselves prove is the same for everybody.
    assert_eq!(told["cross_signed"], everything["cross_signed"]);
    let without_ids = |value: &Value| {
        let mut members = value["certificates"].clone();
        for member in members.as_array_mut().unwrap() {
            member["id"] = Value::Null;
            member["issuers"].as_array_mut().unwrap().iter_mut().for_each(|issuer| issuer["id"] = Value::Null);
        }
        members
    };
    assert_eq!(without_ids(&told), without_ids(&everything));
    for hidden in [root, crossed, other] {
        let of_hidden = |member: &&Value| member["id"] == hidden;
        assert_eq!(told["certificates"].as_array().unwrap().iter().filter(of_hidden).count(), 0, "{hidden}");
        // And what is not in the collection is not to be had through it.
        assert_eq!(get(format!("/api/v1/certificates/{hidden}/chains?collection={mine}")).await.status, 404);
        assert_eq!(get(format!("/api/v1/certificates/{hidden}/trust?collection={mine}")).await.status, 404);
    }
    let judged = get(format!("/api/v1/certificates/{leaf}/trust?collection={mine}")).await.expect(200);
    assert_eq!((&judged["items"][0]["trusted"], &judged["items"][0]["path"]), (&json!(true), &json!([issuing, null])));
    for path in [format!("/{leaf}/chains"), format!("/{leaf}/trust"), format!("/{leaf}/chains?collection=987654")] {
        assert_eq!(get(format!("/api/v1/certificates{path}")).await.status, 404, "{path}");
    }
    assert_eq!(get("/api/v1/trust-sets".into()).await.status, 403, "the sets themselves are another matter");
    // Whoever may see everything sees everything, also through the collection.
    let all = test.get(&format!("/api/v1/certificates/{leaf}/chains?collection={mine}")).await.expect(200);
    assert_eq!(all, everything);
}

#[tokio::test]
async fn trust_sets_are_changed_by_whom_may_and_have_authorities_only() {
    let test = TestApp::new().await;
    let [leaf, issuing, root, ..] = tree(&test).await[..] else { panic!("five certificates") };
    let set = |name: &str, ids: &[i64]| json!({ "name": name, "description": "for tests", "certificates": ids });
    let id = test.post("/api/v1/trust-sets", set("Ours", &[root])).await.expect(201)["id"].clone();
    let before = test.events().await;
    for (body, status) in
        [(set("OURS", &[root]), 409), (set("", &[root]), 400), (set("Other", &[leaf]), 400), (set("Other", &[987_654]), 400)]
    {
        let reply = test.post("/api/v1/trust-sets", body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
    }
    let path = format!("/api/v1/trust-sets/{id}");
    test.put(&path, set("Ours", &[root])).await.expect(204);
    assert_eq!(test.events().await, before, "nothing changed, nothing was recorded");
    let (.., reader) = test.service("reader", &[CERTIFICATES_READ]).await;
    let before = test.events().await;
    for (method, path, body) in [
        ("POST", "/api/v1/trust-sets".to_owned(), Some(set("Mine", &[root]))),
        ("PUT", path.clone(), Some(set("Mine", &[root]))),
        ("DELETE", path.clone(), None),
        ("PUT", "/api/v1/trust-sets/987654".to_owned(), Some(set("Mine", &[root]))),
    ] {
        let refused = test.call(method, &path, &reader, body.as_ref()).await.expect(403);
        assert_eq!(refused["missing"], json!(["/trust_sets/modify/"]), "{method} {path}");
    }
    assert_eq!(test.events().await, before);
    test.put(&path, set("Ours", &[root, issuing])).await.expect(204);
    let members = test.call("GET", &format!("{path}/certificates"), &reader, None).await.expect(200);
    assert_eq!(super::ids(&members), [issuing, root], "in the order of their numbers");
    let events = test.get("/api/v1/events?operation=trust_set.changed").await.expect(200);
    assert_eq!(events["items"][0]["payload"]["added"], json!([issuing]));
    let held = test.delete(&format!("/api/v1/certificates/{issuing}")).await.expect(409);
    assert!(held["detail"].as_str().unwrap().contains("trust set"), "{held}");
    test.delete(&path).await.expect(204);
    test.get(&path).await.expect(404);
}
