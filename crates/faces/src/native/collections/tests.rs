//! Collections through the API: what they contain, who may see what through them, and what changing them takes.

use serde_json::{Value, json};

use crate::testing::TestApp;

const READ: &str = "/certificates/collections/read/";

async fn collection(test: &TestApp, name: &str, query: &str) -> i64 {
    let made = json!({ "name": name, "query": query });
    test.post("/api/v1/collections", made).await.expect(201)["id"].as_i64().unwrap()
}

fn ids(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_collection_is_made_told_changed_copied_marked_and_removed() {
    let test = TestApp::new().await;
    let query = "( IssuedCN -contains \"shop\" )AND KeySize -ge 2048";
    let made = json!({ "name": " Web shop ", "description": "two\nlines", "query": query, "duplicates": "common_name", "on_dashboard": true });
    let reply = test.post("/api/v1/collections", made).await;
    let location = reply.headers["location"].to_str().unwrap().to_owned();
    let id = reply.expect(201)["id"].as_i64().unwrap();
    assert_eq!(location, format!("/api/v1/collections/{id}"));
    let told = test.get(&location).await.expect(200);
    assert_eq!((&told["name"], &told["query"], &told["duplicates"]), (&json!("Web shop"), &json!(query), &json!("common_name")));
    assert_eq!((&told["on_dashboard"], &told["favourite"]), (&json!(true), &json!(false)));

    test.put(&format!("{location}/favourite"), json!(null)).await.expect(204);
    let marked = test.events().await;
    test.put(&format!("{location}/favourite"), json!(null)).await.expect(204);
    assert_eq!(test.events().await, marked, "marking twice is nothing new");
    assert_eq!(test.get(&location).await.expect(200)["favourite"], true);
    let (_, _, other) = test.service("other", &[READ]).await;
    assert_eq!(test.call("GET", &location, &other, None).await.expect(200)["favourite"], false, "a mark is one's own");

    let copy = test.post(&format!("{location}/copy"), json!({ "name": "Copy" })).await.expect(201)["id"].as_i64().unwrap();
    assert_eq!(test.get(&format!("/api/v1/collections/{copy}")).await.expect(200)["query"], query);
    test.put(&location, json!({ "name": "WEB SHOP", "query": "" })).await.expect(204);
    let events = test.get("/api/v1/events?operation=collection.changed").await.expect(200);
    let payload = &events["items"][0]["payload"];
    assert_eq!((&payload["before"]["query"], &payload["after"]["query"]), (&json!(query), &json!("")), "{events}");
    assert_eq!(ids(&test.get("/api/v1/collections").await.expect(200)), [copy, id], "by name");
    test.delete(&location).await.expect(204);
    test.get(&location).await.expect(404);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let test = TestApp::new().await;
    collection(&test, "Taken", "").await;
    let before = test.events().await;
    for (name, query, field, part) in [
        ("x", "IsuedCN -eq \"y\"", "query", "column 1: there is no field \"IsuedCN\"; did you mean IssuedCN?"),
        ("x", "IssuedCN -eq", "query", "column 13: a value was expected here"),
        ("x", "Owner -eq %ME%", "query", "must not depend on who asks"),
        ("x", "CN -in (\"a\", \"%me-an%\")", "query", "must not depend on who asks"),
        ("", "", "name", "a name is required"),
        ("12", "", "name", "digits"),
        ("a\u{202e}b", "", "name", "U+202E"),
    ] {
        let problem = test.post("/api/v1/collections", json!({ "name": name, "query": query })).await.expect(400);
        assert_eq!(problem["field"], field, "{name:?} {query:?}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
    test.post("/api/v1/collections", json!({ "name": "TAKEN", "query": "" })).await.expect(409);
    test.post("/api/v1/collections", json!({ "name": "x", "query": "", "duplicates": "all" })).await.expect(400);
    assert_eq!(test.events().await, before);
    for name in ["<script>alert(1)</script>", "'; DROP TABLE collection; --", "../..", "שלום"] {
        let id = collection(&test, name, "").await;
        assert_eq!(test.get(&format!("/api/v1/collections/{id}")).await.expect(200)["name"], name);
    }
}

#[tokio::test]
async fn a_right_on_a_collection_ends_at_its_edge() {
    let test = TestApp::new().await;
    let held = test.import_samples(4).await;
    let (inside, outside) = (held[1], held[2]);
    let mine = collection(&test, "Mine", &format!("CertId -in ({}, {inside})", held[0])).await;
    let other = collection(&test, "Other", &format!("CertId -eq {outside}")).await;
    let (_, _, token) = test.service("scoped", &[&format!("{READ}{mine}/")]).await;
    let get = async |path: String| test.call("GET", &path, &token, None).await;

    get("/api/v1/certificates".into()).await.expect(403);
    get(format!("/api/v1/certificates?collection={other}")).await.expect(403);
    get("/api/v1/certificates?collection=987654".into()).await.expect(403);
    assert_eq!(ids(&get(format!("/api/v1/certificates?collection={mine}")).await.expect(200)), [held[0], inside]);
    let narrowed = get(format!("/api/v1/certificates?collection={mine}&query=CertId+-ge+{inside}&total=true")).await.expect(200);
    assert_eq!((ids(&narrowed), &narrowed["total"]), (vec![inside], &json!(1)));
    let everything = get(format!("/api/v1/certificates?collection={mine}&query=CertId+-ge+0+OR+CertId+-eq+{outside}")).await;
    assert_eq!(ids(&everything.expect(200)), [held[0], inside], "a query widens nothing");

    for part in ["", "/pem", "/der", "/chain", "/history"] {
        let path = |id: i64, within: &str| format!("/api/v1/certificates/{id}{part}{within}");
        let within = format!("?collection={mine}");
        assert_eq!(get(path(inside, &within)).await.status, 200, "{part}");
        let missing = get(path(987_654, &within)).await;
        assert_eq!(missing.status, 404, "{part}");
        for (id, within) in [
            (outside, within.clone()),
            (outside, format!("?collection={other}")),
            (inside, String::new()),
            (inside, format!("?collection={other}")),
            (inside, "?collection=987654".to_owned()),
        ] {
            let reply = get(path(id, &within)).await;
            assert_eq!(reply.status, 404, "{part} {id} {within}");
            assert_eq!(reply.text().replace(&format!(" {id}\""), " 987654\""), missing.text(), "no word about existence");
        }
    }

    assert_eq!(ids(&get("/api/v1/collections".into()).await.expect(200)), [mine]);
    get(format!("/api/v1/collections/{other}")).await.expect(404);
    get(format!("/api/v1/collections/{mine}")).await.expect(200);
    // Reading is not owning, removing or changing.
    test.call("DELETE", &format!("/api/v1/certificates/{inside}"), &token, None).await.expect(403);
    test.call("PUT", &format!("/api/v1/collections/{mine}"), &token, Some(&json!({ "name": "x", "query": "" })))
        .await
        .expect(403);
}

#[tokio::test]
async fn a_named_collection_narrows_what_an_administrator_sees() {
    let test = TestApp::new().await;
    let held = test.import_samples(3).await;
    let one = collection(&test, "One", &format!("CertId -eq {}", held[0])).await;
    assert_eq!(ids(&test.get(&format!("/api/v1/certificates?collection={one}")).await.expect(200)), [held[0]]);
    test.get(&format!("/api/v1/certificates/{}?collection={one}", held[0])).await.expect(200);
    test.get(&format!("/api/v1/certificates/{}?collection={one}", held[1])).await.expect(404);
    test.get("/api/v1/certificates?collection=987654").await.expect(404);
}

#[tokio::test]
async fn a_certificate_that_leaves_a_collection_leaves_its_readers() {
    let test = TestApp::new().await;
    let id = test.import_samples(1).await[0];
    let unowned = collection(&test, "Unowned", "OwnerRoleName -eq NULL").await;
    let (_, _, token) = test.service("scoped", &[&format!("{READ}{unowned}/")]).await;
    let path = format!("/api/v1/certificates/{id}?collection={unowned}");
    test.call("GET", &path, &token, None).await.expect(200);
    let role = test.post("/api/v1/roles", json!({ "name": "Owners", "permissions": [] })).await.expect(201)["id"].clone();
    test.put(&format!("/api/v1/certificates/{id}/owner"), json!({ "owner": role })).await.expect(204);
    test.call("GET", &path, &token, None).await.expect(404);
}

#[tokio::test]
async fn who_changes_a_scope_must_hold_what_it_gives() {
    let test = TestApp::new().await;
    let id = collection(&test, "Scope", "CertId -eq 1").await;
    let path = format!("/api/v1/collections/{id}");
    let (_, _, editor) = test.service("editor", &["/certificates/collections/modify/", READ]).await;
    let change = |query: &str| json!({ "name": "Scope", "query": query });
    test.call("PUT", &path, &editor, Some(&change("CertId -eq 2"))).await.expect(204);

    let grant = format!("/certificates/collections/delete/{id}/");
    let (_, role, _) = test.service("deleter", &[&grant]).await;
    let problem = test.call("PUT", &path, &editor, Some(&change("CertId -ge 0"))).await.expect(403);
    assert_eq!(problem["missing"], json!(["/certificates/collections/delete/"]), "{problem}");
    let renamed = json!({ "name": "Renamed", "query": "CertId -eq 2" });
    test.call("PUT", &path, &editor, Some(&renamed)).await.expect(204);
    test.put(&path, change("CertId -ge 0")).await.expect(204);

    let roles = test.get(&format!("{path}/roles")).await.expect(200);
    assert_eq!((&roles["items"][0]["role"]["id"], &roles["items"][0]["permissions"]), (&json!(role.unwrap().0), &json!([grant])));
    let copied = json!({ "name": "Copy", "with_permissions": true });
    test.call("POST", &format!("{path}/copy"), &editor, Some(&copied)).await.expect(403);
    let copy = test.post(&format!("{path}/copy"), copied).await.expect(201)["id"].as_i64().unwrap();
    let permissions = test.get(&format!("/api/v1/roles/{}", role.unwrap())).await.expect(200)["permissions"].clone();
    assert_eq!(permissions, json!([grant, format!("/certificates/collections/delete/{copy}/")]));
}

#[tokio::test]
async fn a_collection_with_rights_on_it_goes_by_force_only() {
    let test = TestApp::new().await;
    let one = collection(&test, "One", "").await;
    // Its number begins with that of the first one.
    let mut twelve = one;
    while !twelve.to_string().starts_with(&one.to_string()) || twelve == one {
        twelve = collection(&test, &format!("More than {twelve}"), "").await;
    }
    let (grant, kept) = (format!("{READ}{one}/"), format!("{READ}{twelve}/"));
    let (_, role, token) = test.service("reader", &[&grant, &kept]).await;
    let problem = test.delete(&format!("/api/v1/collections/{one}")).await.expect(409);
    assert!(problem["detail"].as_str().unwrap().contains("role of reader"), "{problem}");
    let (_, _, editor) = test.service("editor", &["/certificates/collections/modify/", READ]).await;
    let forced = format!("/api/v1/collections/{one}?force=true");
    test.call("DELETE", &forced, &editor, None).await.expect(403);
    test.call("GET", &format!("/api/v1/certificates?collection={one}"), &token, None).await.expect(200);
    test.delete(&forced).await.expect(204);
    test.call("GET", &format!("/api/v1/certificates?collection={one}"), &token, None).await.expect(403);
    test.call("GET", &format!("/api/v1/certificates?collection={twelve}"), &token, None).await.expect(200);
    let left = test.get(&format!("/api/v1/roles/{}", role.unwrap())).await.expect(200)["permissions"].clone();
    assert_eq!(left, json!([kept]));
    let events = test.get("/api/v1/events?operation=role.changed").await.expect(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 1, "the roles' events say what they lost");
}

#[tokio::test]
async fn hundreds_of_overlapping_collections_agree_with_their_lists() {
    let test = TestApp::new().await;
    let held = test.import_samples(8).await;
    let mut expected = Vec::new();
    for number in 0..200_usize {
        let wanted: Vec<String> =
            held.iter().enumerate().filter(|(at, _)| (number >> at) & 1 == 1).map(|(_, id)| id.to_string()).collect();
        let query = if wanted.is_empty() { "CertId -lt 0".to_owned() } else { format!("CertId -in ({})", wanted.join(", ")) };
        let id = collection(&test, &format!("Collection {number:03}"), &query).await;
        if (number >> 3) & 1 == 1 {
            expected.push(id);
        }
        if number % 20 == 7 {
            let listed = ids(&test.get(&format!("/api/v1/certificates?collection={id}")).await.expect(200));
            assert_eq!(listed.iter().map(ToString::to_string).collect::<Vec<_>>(), wanted);
        }
    }
    let containing = test.get(&format!("/api/v1/certificates/{}/collections", held[3])).await.expect(200);
    assert_eq!(ids(&containing), expected);
}
