//! Bad input, for every endpoint: wrong types, unknown words, texts that are far too long, ids of nothing, broken queries, collections of
//! others. Each is refused in the shape of this API, and nothing is changed. That the requests are in order but for the one thing
//! shows at the end, when each of them succeeds.

use serde_json::{Value, json};

use super::house::{House, Valid};
use super::refused;
use crate::keyfactor::endpoints::ENDPOINTS;
use crate::testing::Reply;

/// Nobody has made so many of anything.
const MISSING: i64 = 999_999;
const MISSING_GUID: &str = "e8a7a2f0-0000-4000-8000-000000000000";

/// Members with a word or a number out of few.
const WORDS: &[&str] = &[
    "KeyType",
    "ChainOrder",
    "SubjectPart",
    "ClaimType",
    "Permission",
    "Permissions",
    "IdentityType",
    "CertStoreType",
    "DataType",
    "Enrollment",
    "DuplicationField",
    "Reason",
    "CertificateOwnerRole",
    "AllowedEnrollmentTypes",
    "Template",
    "KeyLength",
    "Schedule",
    "Area",
];

/// Where a number that nobody counted to is as good as any other.
const ANY_NUMBER: &[&str] = &["DisplayOrder"];

/// What is taken although it looks wrong: endpoint, the end of the mutation's name, and why.
const TAKEN: &[(&str, &str, &str)] = &[
    ("POST /Security/Roles", "/Id: an unknown number", "whole answers are sent back under another name: the id is left out"),
    ("PUT /Security/Roles", "/Claims/0/Description: 100,000 characters", "the claim is there already, and stays as it is"),
    (
        "/Permissions/Collections",
        "/0/CollectionId: an unknown number",
        "a right on what is not there may be granted, and is worth nothing",
    ),
    (
        "/Permissions/Containers",
        "/0/ContainerId: an unknown number",
        "a right on what is not there may be granted, and is worth nothing",
    ),
    ("POST /EnrollmentPatterns", "/Id: an unknown number", "whole answers are sent back under another name: the id is left out"),
    ("PUT /EnrollmentPatterns/{id}", "/Id: an unknown number", "the path says which one"),
];

/// One thing that is wrong, and the body with it.
struct Mutation {
    what: String,
    body: Value,
}

/// The pointers of all members and of the first items of lists.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                all.push(pointer.clone());
                pointers(inner, &pointer, all);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let pointer = format!("{at}/0");
            all.push(pointer.clone());
            pointers(&items[0], &pointer, all);
        }
        _ => {}
    }
}

fn mutations(body: &Value) -> Vec<Mutation> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    pointers(body, "", &mut places);
    for place in places {
        let value = body.pointer(&place).unwrap();
        let member = place.split('/').rfind(|part| part.parse::<u8>().is_err()).unwrap_or_default();
        let mut wrong: Vec<(&str, Value)> = match value {
            Value::Null => continue,
            Value::Bool(_) => vec![("a word", json!("perhaps")), ("a list", json!([1]))],
            Value::Number(_) => vec![("a word", json!("x")), ("an object", json!({ "a": 1 })), ("a fraction", json!(1.5))],
            Value::String(_) => vec![("an object", json!({ "a": [1] })), ("a list", json!([["x"]]))],
            Value::Array(_) => vec![("a text", json!("x")), ("an object", json!({ "a": 1 }))],
            Value::Object(_) => vec![("a text", json!("x")), ("a list", json!([1]))],
        };
        if value.is_string() {
            wrong.push(("100,000 characters", json!("x".repeat(100_000))));
            if WORDS.contains(&member) {
                wrong.push(("an unknown word", json!("no such word")));
            }
        }
        if value.is_number() && !ANY_NUMBER.contains(&member) {
            wrong.push(("an unknown number", json!(MISSING)));
        }
        for (what, value) in wrong {
            let mut body = body.clone();
            *body.pointer_mut(&place).unwrap() = value;
            all.push(Mutation { what: format!("{place}: {what}"), body });
        }
    }
    all
}

impl House {
    async fn send(&self, token: &str, method: &str, valid: &Valid, body: &Value) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let format = if valid.path.ends_with("Recover") || valid.path.ends_with("/Enrollment/PFX") { "PFX" } else { "PEM" };
        let headers = [("x-certificateformat", format), ("x-keyfactor-api-version", valid.version)];
        self.keyfactor.with(method, &format!("/KeyfactorAPI{}", valid.path), &format!("Bearer {token}"), &headers, &text).await
    }

    async fn asked(&self, token: &str, method: &str, path: &str, body: &Value) -> Reply {
        let valid = Valid { path: path.to_owned(), body: Value::Null, version: "1" };
        self.send(token, method, &valid, body).await
    }
}

#[tokio::test]
async fn one_wrong_member_is_refused_and_changes_nothing() {
    let house = House::new().await;
    let admin = house.keyfactor.test.admin.clone();
    let before = house.keyfactor.test.events().await;
    let (mut problems, mut count) = (Vec::new(), 0);
    for endpoint in ENDPOINTS {
        for valid in house.valid(endpoint.method, endpoint.path) {
            for Mutation { what, body } in mutations(&valid.body) {
                let called = format!("{} {}", endpoint.method, endpoint.path);
                if TAKEN.iter().any(|(end, mutation, _)| called.ends_with(end) && what.ends_with(mutation)) {
                    continue;
                }
                count += 1;
                let reply = house.send(&admin, endpoint.method, &valid, &body).await;
                let status = reply.status.as_u16();
                let name = format!("{} {} v{} {what}", endpoint.method, endpoint.path, valid.version);
                if !(400..500).contains(&status) {
                    problems.push(format!("{name}: {status} {:.200}", reply.text()));
                } else if reply.text().len() > 4_000 {
                    problems.push(format!("{name}: an answer of {} octets", reply.text().len()));
                } else {
                    refused(reply, status);
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems.join("\n"));
    assert_eq!(house.keyfactor.test.events().await, before, "something was written");
    assert!(count > 700, "{count}");
    // But for that one thing they were in order.
    for endpoint in ENDPOINTS {
        for valid in house.valid(endpoint.method, endpoint.path) {
            let reply = house.send(&admin, endpoint.method, &valid, &valid.body).await;
            let status = reply.status.as_u16();
            if status != 200 && status != 204 {
                problems.push(format!("{} {} v{}: {status} {}", endpoint.method, endpoint.path, valid.version, reply.text()));
            }
        }
    }
    assert!(problems.is_empty(), "requests that should be in order:\n{}", problems.join("\n"));
}

#[tokio::test]
async fn ids_of_nothing_are_refused_and_change_nothing() {
    let house = House::new().await;
    let admin = house.keyfactor.test.admin.clone();
    let before = house.keyfactor.test.events().await;
    let mut problems = Vec::new();
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.path.contains('{')) {
        let by_guid = ["/PermissionSets", "/CertificateStores/", "/IdentityProviders/"];
        let is_guid = by_guid.iter().any(|area| endpoint.path.starts_with(area));
        let missing = if is_guid { MISSING_GUID.to_owned() } else { MISSING.to_string() };
        let body = house.valid(endpoint.method, endpoint.path).pop().map_or(Value::Null, |valid| valid.body);
        for (id, expected) in [(missing.as_str(), &[404][..]), ("n%20one", &[400, 404])] {
            let path = endpoint.path.replace("{id}", id).replace("{thumbprint}", &"0".repeat(40));
            let reply = house.asked(&admin, endpoint.method, &path, &body).await;
            let status = reply.status.as_u16();
            if expected.contains(&status) {
                refused(reply, status);
            } else {
                problems.push(format!("{} {path}: {status} {:.200}", endpoint.method, reply.text()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(house.keyfactor.test.events().await, before, "something was written");
}

/// Lists that say how many there are and take no query: of what this face knows, and of one's own sets.
const WITHOUT_QUERY: &[&str] = &[
    "/Certificates/QueryParsers",
    "/EnrollmentPatterns/SubjectParts",
    "/IdentityProviders/Types",
    "/PermissionSets/My",
    "/Status/Endpoints",
    "/Templates/SubjectParts",
];

#[tokio::test]
async fn broken_queries_are_refused_with_their_position() {
    let house = House::new().await;
    let admin = house.keyfactor.test.admin.clone();
    let before = house.keyfactor.test.events().await;
    let mut problems = Vec::new();
    let broken = [("", "(", "column 2"), ("", "Nonsense%20-eq%201", "column 1"), ("", "(Nonsense%20-eq%201)", "column 2")];
    let mut lists = 0;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method == "GET" && !endpoint.path.contains('{')) {
        let plain = house.asked(&admin, "GET", endpoint.path, &Value::Null).await;
        if !plain.headers.contains_key("x-total-count") || WITHOUT_QUERY.contains(&endpoint.path) {
            continue;
        }
        lists += 1;
        for (_, query, said) in broken {
            for name in ["QueryString", "pq.queryString"] {
                let path = format!("{}?{name}={query}", endpoint.path);
                let reply = house.asked(&admin, "GET", &path, &Value::Null).await;
                if reply.status != 400 || !reply.text().contains(said) || !reply.text().contains("0xCE110004") {
                    problems.push(format!("{path}: {} {:.200}", reply.status, reply.text()));
                } else {
                    refused(reply, 400);
                }
            }
        }
    }
    let long = format!("IssuedCN -eq \"{}\"", "x".repeat(100_000));
    let many = vec!["CertId -eq 1"; 600].join(" OR ");
    for (query, said) in
        [("IssuedCN -eq", "column "), ("IssuedCN -eq \"a\" AND Nonsense -eq 1", "column 22"), (&long, ""), (&many, "")]
    {
        for (method, path, body) in [
            ("DELETE", "/Certificates/Query", json!(query)),
            ("DELETE", "/Certificates/Exclude/Query", json!(query)),
            ("POST", "/Certificates/RevokeAll", json!({ "Query": query, "Comment": "c", "Reason": 1 })),
            (
                "PUT",
                "/Certificates/Metadata/All",
                json!({ "Query": query, "Metadata": [{ "MetadataName": "Team", "Value": "x" }] }),
            ),
            ("POST", "/CertificateCollections", json!({ "Name": "Broken", "Query": query })),
        ] {
            let reply = house.asked(&admin, method, path, &body).await;
            if reply.status != 400 || !reply.text().contains(said) || reply.text().len() > 4_000 {
                problems.push(format!("{method} {path} {query:.60}: {} {:.200}", reply.status, reply.text()));
            } else {
                refused(reply, 400);
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(lists > 10, "{lists}");
    assert_eq!(house.keyfactor.test.events().await, before, "something was written");
}

#[tokio::test]
async fn certificates_of_other_collections_are_as_if_they_were_not_there() {
    let house = House::new().await;
    let keyfactor = &house.keyfactor;
    let (mine, other) = (house.samples[8], house.samples[10]);
    let collection = keyfactor.collection("Mine", &format!("CertId -eq {mine}")).await;
    let foreign = keyfactor.collection("Theirs", &format!("CertId -eq {other}")).await;
    let rights = ["read", "change_owner", "delete", "delete_and_exclude", "metadata/modify", "private_key/read", "revoke"];
    let mut permissions: Vec<String> =
        rights.iter().map(|right| format!("/certificates/collections/{right}/{collection}/")).collect();
    permissions.extend(["/certificates/enrollment/pfx/", "/certificate_stores/modify/", "/security/read/"].map(str::to_owned));
    let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let (_, _, token) = keyfactor.test.service("of one collection", &permissions).await;
    let before = keyfactor.test.events().await;
    let store = keyfactor.get("/CertificateStores").await.expect(200)[0]["Id"].clone();
    let requests = |id: i64, scope: i64| {
        let by_query = format!("CertId -eq {id}");
        vec![
            ("GET", format!("/Certificates/{id}"), Value::Null),
            ("GET", format!("/Certificates/{id}/History"), Value::Null),
            ("GET", format!("/Certificates/{id}/Security"), Value::Null),
            ("GET", format!("/Certificates/{id}/Validate"), Value::Null),
            ("GET", format!("/Certificates/IdentityAudit/{id}"), Value::Null),
            ("GET", format!("/Certificates/Locations/{id}"), Value::Null),
            ("PUT", format!("/Certificates/{id}/Owner"), json!({})),
            ("PUT", "/Certificates/Owner".to_owned(), json!({ "CertificateIds": [id] })),
            ("PUT", "/Certificates/Metadata".to_owned(), json!({ "Id": id, "Metadata": { "Team": "x" } })),
            ("POST", "/Certificates/Download".to_owned(), json!({ "CertID": id })),
            ("POST", "/Certificates/Recover".to_owned(), json!({ "CertID": id, "Password": "sesame sesame" })),
            ("POST", "/Certificates/Revoke".to_owned(), json!({ "CertificateIds": [id], "Comment": "c", "CollectionId": scope })),
            ("DELETE", format!("/Certificates/{id}"), Value::Null),
            ("DELETE", format!("/Certificates/Exclude/{id}"), Value::Null),
            ("DELETE", format!("/Certificates/PrivateKey/{id}"), Value::Null),
            ("GET", format!("/Enrollment/AvailableRenewal/Id/{id}"), Value::Null),
            ("POST", "/Enrollment/Renew".to_owned(), json!({ "CertificateId": id })),
            (
                "POST",
                "/CertificateStores/Certificates/Add".to_owned(),
                json!({ "CertificateId": id, "CollectionId": scope, "CertificateStores": [{ "CertificateStoreId": store, "Alias": "x" }] }),
            ),
            // These name what they change by a query, or go through their list and say what is left.
            ("POST", "/Certificates/RevokeAll".to_owned(), json!({ "Query": by_query, "Comment": "c", "Reason": 1 })),
            (
                "PUT",
                "/Certificates/Metadata/All".to_owned(),
                json!({ "Query": by_query, "Metadata": [{ "MetadataName": "Team", "Value": "x" }] }),
            ),
            ("DELETE", "/Certificates/Query".to_owned(), json!(by_query)),
            ("DELETE", "/Certificates/Exclude/Query".to_owned(), json!(by_query)),
            ("DELETE", "/Certificates".to_owned(), json!([id])),
            ("DELETE", "/Certificates/Exclude".to_owned(), json!([id])),
            ("DELETE", "/Certificates/PrivateKey".to_owned(), json!([id])),
        ]
    };
    let mut problems = Vec::new();
    for scope in [collection, foreign, 0] {
        let (theirs, nothing) = (requests(other, scope), requests(MISSING, scope));
        for (number, ((method, path, body), (_, missing_path, missing_body))) in theirs.iter().zip(&nothing).enumerate() {
            let scoped = |path: &str| format!("{path}?CollectionId={scope}");
            let reply = house.asked(&token, method, &scoped(path), body).await;
            let absent = house.asked(&token, method, &scoped(missing_path), missing_body).await;
            let (status, said) = (reply.status.as_u16(), reply.text().replace(&other.to_string(), "?"));
            let as_if = (absent.status.as_u16(), absent.text().replace(&MISSING.to_string(), "?"));
            if (status, said.clone()) != as_if {
                problems.push(format!("{method} {path} {scope}: {status} {said}, but of nothing {as_if:?}"));
            }
            // What goes through a list or a query finds nothing in the collection; everything else is refused.
            let finds_nothing = scope == collection && number >= 18;
            if status != 403 && !(finds_nothing && (200..=204).contains(&status)) {
                problems.push(format!("{method} {path} {scope}: {status} {said}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(keyfactor.test.events().await, before, "something was written");
    // With the certificate that is in it the same requests are allowed.
    for (method, path, body) in requests(mine, collection).into_iter().take(6) {
        house.asked(&token, method, &format!("{path}?CollectionId={collection}"), &body).await.expect(200);
    }
}
