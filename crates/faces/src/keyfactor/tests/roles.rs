//! Roles in the first version beside what it has no words for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Keyfactor, refused};

/// The claims of a role in the order of their kinds and values.
async fn claims(keyfactor: &Keyfactor, role: &Value) -> Vec<(String, String)> {
    let role = keyfactor.second("GET", &format!("/Security/Roles/{role}"), Value::Null).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let claim = |claim: &Value| (text(&claim["ClaimType"]), text(&claim["ClaimValue"]));
    let mut claims: Vec<_> = role["Claims"].as_array().unwrap().iter().map(claim).collect();
    claims.sort();
    claims
}

fn known(claims: &[(&str, &str)]) -> Vec<(String, String)> {
    claims.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_first_version_leaves_claims_alone_that_it_does_not_show() {
    let keyfactor = Keyfactor::new().await;
    let claim = |kind: &str, value: &str, provider: &str| json!({ "ClaimType": kind, "ClaimValue": value, "ProviderAuthenticationScheme": provider, "Description": "" });
    let role = json!({
        "Name": "Operations", "Description": "x", "EmailAddress": "ops@example.org", "Permissions": ["/portal/read/"],
        "Claims": [
            claim("OAuthRole", "ops", "entra"), claim("OAuthSubject", "4711", "entra"), claim("OAuthClientId", "robot", "entra"),
            claim("Group", "EXAMPLE\\admins", "Active Directory"), claim("User", "EXAMPLE\\kim", "Active Directory"),
            claim("Computer", "EXAMPLE\\host$", "ldap"),
        ],
    });
    let id = keyfactor.second("POST", "/Security/Roles", role).await.expect(200)["Id"].clone();
    let all = claims(&keyfactor, &id).await;
    assert_eq!(all.len(), 6);
    let shown = keyfactor.get(&format!("/Security/Roles/{id}")).await.expect(200);
    let identities = shown["Identities"].as_array().unwrap();
    assert_eq!(identities.len(), 3);
    // What is documented of an identity: the name and the SID.
    let bare: Vec<Value> = identities.iter().map(|one| json!({ "AccountName": one["AccountName"], "SID": one["SID"] })).collect();
    let put = async |identities: Value| {
        let body = json!({ "Id": id, "Name": "Operations", "Description": "x", "Permissions": shown["Permissions"],
            "Identities": identities });
        keyfactor.call("PUT", "/Security/Roles", body).await
    };
    let events = keyfactor.test.events().await;
    assert_eq!(put(json!(bare)).await.expect(200)["Identities"], shown["Identities"]);
    assert_eq!(put(shown["Identities"].clone()).await.expect(200)["Identities"], shown["Identities"], "as it was read");
    assert_eq!(claims(&keyfactor, &id).await, all);
    assert_eq!(keyfactor.test.events().await, events + 2, "the role was written twice, and no claim");

    let tokens = known(&[("OAuthClientId", "robot"), ("OAuthRole", "ops"), ("OAuthSubject", "4711")]);
    put(json!([])).await.expect(200);
    assert_eq!(claims(&keyfactor, &id).await, tokens);
    // A name that is stored is the group that it was, in whatever letters; one that is not is a user's.
    put(json!([{ "AccountName": "example\\ADMINS" }, { "AccountName": "EXAMPLE\\new" }])).await.expect(200);
    let mut wanted = known(&[("Group", "EXAMPLE\\admins"), ("User", "EXAMPLE\\new")]);
    wanted.extend(tokens.clone());
    wanted.sort();
    assert_eq!(claims(&keyfactor, &id).await, wanted);
    // One name of a user and of a group: each is said, or both are sent without saying it.
    let typed = |kind: &str| json!({ "AccountName": "EXAMPLE\\new", "IdentityType": kind });
    put(json!([typed("Group"), typed("User"), typed("Group")])).await.expect(200);
    let mut wanted = known(&[("Group", "EXAMPLE\\new"), ("User", "EXAMPLE\\new")]);
    wanted.extend(tokens.clone());
    wanted.sort();
    assert_eq!(claims(&keyfactor, &id).await, wanted);
    let untyped = json!({ "AccountName": "EXAMPLE\\new" });
    put(json!([untyped, untyped, untyped])).await.expect(200);
    assert_eq!(claims(&keyfactor, &id).await, wanted);
    // A name of another directory is another one.
    put(json!([{ "AccountName": "EXAMPLE\\host$" }])).await.expect(200);
    let mut wanted = known(&[("User", "EXAMPLE\\host$")]);
    wanted.extend(tokens);
    wanted.sort();
    assert_eq!(claims(&keyfactor, &id).await, wanted);
    // Without a word about identities they stay; so does the rest of what the first version does not show.
    let body = json!({ "Id": id, "Name": "Operations", "Description": "y", "Permissions": shown["Permissions"] });
    keyfactor.call("PUT", "/Security/Roles", body).await.expect(200);
    assert_eq!(claims(&keyfactor, &id).await, wanted);
    let second = keyfactor.second("GET", &format!("/Security/Roles/{id}"), Value::Null).await.expect(200);
    assert_eq!((&second["EmailAddress"], &second["Description"]), (&json!("ops@example.org"), &json!("y")));

    let events = keyfactor.test.events().await;
    refused(put(json!([{ "AccountName": " " }])).await, 400);
    let (_, _, reader) = keyfactor.test.service("reader", &["/security/read/"]).await;
    let made = keyfactor.test.events().await;
    let body = json!({ "Id": id, "Name": "Operations", "Description": "y", "Permissions": [], "Identities": [] });
    refused(keyfactor.as_somebody(&reader, "PUT", "/Security/Roles", body).await, 403);
    assert_eq!(keyfactor.test.events().await, made);
    assert!(events < made);
    assert_eq!(claims(&keyfactor, &id).await, wanted);
}

#[tokio::test]
async fn what_the_first_version_shows_of_a_role_can_be_sent_back() {
    let keyfactor = Keyfactor::new().await;
    for (name, permissions) in [("wide", &["/certificates/", "/auditing/read/"][..]), ("widest", &["/"][..])] {
        let id = keyfactor.role(name, permissions).await;
        let path = format!("/Security/Roles/{id}");
        let before = keyfactor.second("GET", &path, Value::Null).await.expect(200);
        let shown = keyfactor.get(&path).await.expect(200);
        assert!(shown["Permissions"].as_array().unwrap().contains(&json!("Certificates:Read")), "{shown}");
        assert_eq!(keyfactor.call("PUT", "/Security/Roles", shown.clone()).await.expect(200), shown);
        assert_eq!(keyfactor.second("GET", &path, Value::Null).await.expect(200), before, "nothing else became of it");
    }
}

#[tokio::test]
async fn rights_on_collections_without_a_name_stay() {
    let keyfactor = Keyfactor::new().await;
    let collection = keyfactor.collection("Com", "").await;
    let on = |leaf: &str| format!("/certificates/collections/{leaf}/{collection}/");
    let unnamed = [on("delete_and_exclude"), on("private_key/delete")];
    let permissions = [on("read"), unnamed[0].clone(), unnamed[1].clone()];
    let texts: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let id = keyfactor.role("Keepers", &texts).await;
    let held = async || {
        let role = keyfactor.second("GET", &format!("/Security/Roles/{id}"), Value::Null).await.expect(200);
        let held: Vec<String> = serde_json::from_value(role["Permissions"].clone()).unwrap();
        held.into_iter().collect::<BTreeSet<String>>()
    };
    let all = |more: &[&str]| -> BTreeSet<String> { unnamed.iter().cloned().chain(more.iter().map(|leaf| on(leaf))).collect() };
    assert_eq!(held().await, all(&["read"]));
    let path = format!("/Security/Roles/{id}/Permissions/Collections");
    let shown = keyfactor.get(&path).await.expect(200);
    assert_eq!(shown, json!([{ "CollectionId": collection, "Name": "Com", "Permission": "Read" }]));
    assert_eq!(keyfactor.call("PUT", &path, shown.clone()).await.expect(200), shown);
    assert_eq!(held().await, all(&["read"]));
    let revoke = json!([{ "CollectionId": collection, "Permission": "Revoke" }]);
    keyfactor.call("PUT", &path, revoke).await.expect(200);
    assert_eq!(held().await, all(&["revoke"]), "what has a name is replaced");
    let by_collection = format!("/CertificateCollections/{collection}/Permissions");
    let wanted = json!([{ "RoleId": id, "Permissions": ["Delete"] }]);
    keyfactor.call("POST", &by_collection, wanted).await.expect(204);
    assert_eq!(held().await, all(&["delete"]));
    keyfactor.call("PUT", &path, json!([])).await.expect(200);
    assert_eq!(held().await, all(&[]));
}

#[tokio::test]
async fn what_a_token_may_not_is_in_none_of_its_permission_sets() {
    let keyfactor = Keyfactor::new().await;
    let (account, _, token) = keyfactor.test.service("kim", &["/certificates/", "/security/read/"]).await;
    let narrow = keyfactor.test.token(account, &["/certificates/collections/"], None).await;
    let sets = async |token: &str, path: &str| {
        let path = format!("/PermissionSets/My?accessControlString={path}");
        keyfactor.as_somebody(token, "GET", &path, Value::Null).await.expect(200).as_array().unwrap().len()
    };
    for (path, whole, scoped) in [
        ("/certificates/collections/read/", 1, 1),
        ("/certificates/import/", 1, 0),
        ("/security/read/", 1, 0),
        ("/security/modify/", 0, 0),
    ] {
        assert_eq!((sets(&token, path).await, sets(&narrow, path).await), (whole, scoped), "{path}");
    }
}

#[tokio::test]
async fn a_key_with_a_sign_is_a_name() {
    let keyfactor = Keyfactor::new().await;
    let id = keyfactor.collection("Com", "").await;
    let field = json!({ "Name": "Team", "Description": "", "DataType": 1 });
    let field = keyfactor.call("POST", "/MetadataFields", field).await.expect(200)["Id"].clone();
    keyfactor.get(&format!("/CertificateCollections/{id}")).await.expect(200);
    keyfactor.get(&format!("/MetadataFields/{field}")).await.expect(200);
    refused(keyfactor.get(&format!("/CertificateCollections/+{id}")).await, 404);
    refused(keyfactor.get(&format!("/MetadataFields/+{field}")).await, 404);
    let signed = keyfactor.collection(&format!("+{id}"), "").await;
    let found = keyfactor.get(&format!("/CertificateCollections/+{id}")).await.expect(200);
    assert_eq!(found["Id"], signed, "it may be one");
}
