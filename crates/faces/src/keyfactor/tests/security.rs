//! Roles in both versions, claims, permission sets, collections, metadata fields, the log.

use serde_json::{Value, json};

use super::{Keyfactor, refused};

#[tokio::test]
async fn roles_are_written_and_read_in_the_second_version() {
    let keyfactor = Keyfactor::new().await;
    let claims = json!([
        { "ClaimType": "OAuthRole", "ClaimValue": "web-ops", "ProviderAuthenticationScheme": "entra", "Description": "the team" },
        { "ClaimType": 6, "ClaimValue": "robot", "ProviderAuthenticationScheme": "entra", "Description": "" },
    ]);
    let role = json!({
        "Name": "Web Operations", "Description": "They run the shop.", "EmailAddress": "web@example.org",
        "Permissions": ["/portal/read/", "/certificates/collections/read/"], "Claims": claims,
    });
    let made = keyfactor.second("POST", "/Security/Roles", role.clone()).await.expect(200);
    assert_eq!((&made["Name"], &made["Immutable"]), (&json!("Web Operations"), &json!(false)));
    assert_eq!(made["Permissions"], json!(["/certificates/collections/read/", "/portal/read/"]));
    let claim = &made["Claims"][1];
    assert_eq!((&claim["ClaimType"], &claim["Provider"]["AuthenticationScheme"]), (&json!("OAuthRole"), &json!("entra")));
    let path = format!("/security/roles/{}", made["Id"]);
    assert_eq!(keyfactor.second("GET", &path, Value::Null).await.expect(200), made);
    let found = keyfactor.second("GET", "/Security/Roles?QueryString=name%20-eq%20%22web%20operations%22", Value::Null).await;
    assert_eq!(found.headers["x-total-count"], "1");
    assert_eq!(found.expect(200), json!([made.clone()]));
    // A whole answer is sent back under another name: what is not known is left out.
    let mut copied = made.clone();
    copied["Name"] = json!("Web Operations 2");
    let other = keyfactor.second("POST", "/security/roles", copied).await.expect(200);
    assert_ne!(other["Id"], made["Id"]);
    assert_eq!((&other["Permissions"], &other["Claims"]), (&made["Permissions"], &made["Claims"]));
    let narrowed = json!({ "Id": made["Id"], "Name": "Web Operations", "Description": "x" });
    let narrowed = keyfactor.second("PUT", "/Security/Roles", narrowed).await.expect(200);
    assert_eq!((&narrowed["Permissions"], &narrowed["Claims"]), (&json!([]), &json!([])), "what is left out is taken away");
    keyfactor.call("DELETE", &path, Value::Null).await.expect(204);
    refused(keyfactor.second("GET", &path, Value::Null).await, 404);
    let events = keyfactor.test.events().await;
    let redundant = json!({ "Name": "x", "Description": "", "Permissions": ["/certificates/", "/certificates/import/"] });
    let told = refused(keyfactor.second("POST", "/Security/Roles", redundant).await, 400);
    assert!(told["Message"].as_str().unwrap().starts_with("Redundant permissions detected"), "{told}");
    for (wrong, status) in [
        (json!({ "Name": "", "Permissions": [] }), 400),
        (json!({ "Description": "x" }), 400),
        (json!({ "Name": "x", "Permissions": ["/nonsense/"] }), 400),
        (json!({ "Name": "x", "Permissions": "all" }), 400),
        (json!({ "Name": "x", "Claims": [{ "ClaimType": "Wizard", "ClaimValue": "m" }] }), 400),
        (json!({ "Name": "x", "PermissionSetId": "e8a7a2f0-0000-4000-8000-000000000000" }), 404),
        (json!({ "Name": "Administrator", "Permissions": [] }), 409),
        (json!([]), 400),
    ] {
        refused(keyfactor.second("POST", "/Security/Roles", wrong).await, status);
    }
    refused(keyfactor.second("PUT", "/Security/Roles", json!({ "Id": 1, "Name": "Mine now" })).await, 409);
    refused(keyfactor.second("DELETE", "/Security/Roles/1", Value::Null).await, 409);
    assert_eq!(keyfactor.test.events().await, events);
    let theirs = json!({ "Name": "Theirs", "Permissions": ["/reports/read/", "/workflows/instances/read/mine/", "/certificate_stores/read/4/"] });
    keyfactor.second("POST", "/Security/Roles", theirs).await.expect(200);
}

#[tokio::test]
async fn nobody_grants_what_they_do_not_hold() {
    let keyfactor = Keyfactor::new().await;
    let (_, _, token) = keyfactor.test.service("security", &["/security/"]).await;
    let wide = json!({ "Name": "wide", "Description": "", "Permissions": ["/certificates/"] });
    let body = wide.to_string();
    let headers = [("x-keyfactor-api-version", "2")];
    let reply = keyfactor.with("POST", "/KeyfactorAPI/Security/Roles", &format!("Bearer {token}"), &headers, &body).await;
    let told = refused(reply, 403);
    assert!(
        told["Message"].as_str().unwrap().starts_with("User security does not have the required permissions: /certificates/."),
        "{told}"
    );
}

#[tokio::test]
async fn roles_of_the_first_version_speak_of_areas() {
    let keyfactor = Keyfactor::new().await;
    let role = json!({
        "Name": "Old", "Description": "x", "Permissions": ["Certificates:Read", "SecuritySettings:Modify"],
        "Identities": [{ "AccountName": "EXAMPLE\\kim", "SID": "S-1" }],
    });
    let made = keyfactor.call("POST", "/Security/Roles", role).await.expect(200);
    assert_eq!(made["Permissions"], json!(["Certificates:Read", "SecuritySettings:Modify"]));
    assert_eq!((&made["Identities"][0]["AccountName"], &made["Enabled"]), (&json!("EXAMPLE\\kim"), &json!(true)));
    let id = made["Id"].as_i64().unwrap();
    let second = keyfactor.second("GET", &format!("/Security/Roles/{id}"), Value::Null).await.expect(200);
    assert_eq!(second["Permissions"], json!(["/certificates/collections/read/", "/security/modify/"]));
    let collection = keyfactor.collection("Com", "").await;
    let on = |right: &str| json!([{ "CollectionId": collection, "Permission": right }]);
    let path = format!("/Security/Roles/{id}/Permissions");
    let told = keyfactor.call("POST", &format!("{path}/Collections"), on("Revoke")).await.expect(200);
    assert_eq!(told, json!([{ "CollectionId": collection, "Name": "Com", "Permission": "Revoke" }]));
    let told = keyfactor.call("POST", &format!("{path}/Collections"), on("Read")).await.expect(200);
    assert_eq!(told.as_array().unwrap().len(), 1, "what is granted everywhere says it already");
    let told = keyfactor.call("PUT", &format!("{path}/Global"), json!([{ "Area": "Auditing", "Permission": "Read" }])).await;
    assert_eq!(told.expect(200), json!([{ "Area": "Auditing", "Permission": "Read" }]));
    let told = keyfactor.call("PUT", &format!("{path}/Collections"), on("Read")).await.expect(200);
    assert_eq!(told[0]["Permission"], "Read");
    let told = keyfactor.call("POST", &format!("{path}/Containers"), json!([{ "ContainerId": 4, "Permission": "Modify" }])).await;
    assert_eq!(told.expect(200)[0]["ContainerId"], 4);
    let kept = json!({ "Id": id, "Name": "Old", "Description": "y", "Permissions": ["Certificates:Import"] });
    keyfactor.call("PUT", "/Security/Roles", kept).await.expect(200);
    let second = keyfactor.second("GET", &format!("/Security/Roles/{id}"), Value::Null).await.expect(200);
    let scoped = format!("/certificates/collections/read/{collection}/");
    assert_eq!(
        second["Permissions"],
        json!(["/certificate_stores/modify/4/", scoped, "/certificates/import/"]),
        "what has no words stays"
    );
    let copy = keyfactor.call("POST", &format!("/Security/Roles/{id}/Copy"), json!({ "Name": "Copy" })).await.expect(200);
    assert_eq!(copy["Permissions"], json!(["Certificates:Import"]));
    refused(keyfactor.call("POST", "/Security/Roles", json!({ "Name": "x", "Permissions": ["Certificates:Fly"] })).await, 400);
    refused(keyfactor.call("PUT", &format!("{path}/Collections"), on("Fly")).await, 400);
    keyfactor.get(&path).await.expect(200);
    keyfactor.get(&format!("{path}/Global")).await.expect(200);
    keyfactor.get(&format!("{path}/Containers")).await.expect(200);
    keyfactor.get(&format!("{path}/Collections")).await.expect(200);
}

#[tokio::test]
async fn claims_by_number_and_by_name() {
    let keyfactor = Keyfactor::new().await;
    let claim = json!({ "ClaimType": "OAuthSubject", "ClaimValue": "kim", "ProviderAuthenticationScheme": "entra", "Description": "Kim" });
    let made = keyfactor.second("POST", "/Security/Claims", claim.clone()).await.expect(200);
    assert_eq!((&made["ClaimType"], &made["Provider"]["AuthenticationScheme"]), (&json!("OAuthSubject"), &json!("entra")));
    refused(keyfactor.call("POST", "/Security/Claims", claim).await, 409);
    let group = json!({ "ClaimType": "1", "ClaimValue": "EXAMPLE\\ops" });
    let group = keyfactor.call("POST", "/Security/Claims", group).await.expect(200);
    assert_eq!((&group["ClaimType"], &group["Provider"]["AuthenticationScheme"]), (&json!("Group"), &json!("Certhold")));
    for (query, count) in [
        ("ClaimType -eq \"5\"", "1"),
        ("ClaimType -eq 5 AND ClaimValue -eq \"kim\"", "1"),
        ("ClaimType -eq \"OAuthSubject\"", "1"),
        ("ClaimType -eq 4", "0"),
        ("ClaimValue -contains \"ops\"", "1"),
    ] {
        let query = query.replace(' ', "%20").replace('"', "%22");
        let found = keyfactor.second("GET", &format!("/Security/Claims?QueryString={query}&ReturnLimit=100"), Value::Null).await;
        assert_eq!(found.headers["x-total-count"], count, "{query}");
        found.expect(200);
    }
    refused(keyfactor.get("/Security/Claims?QueryString=Nonsense%20-eq%201").await, 400);
    let mut changed = made.clone();
    changed["Description"] = json!("Kim of the shop");
    let told = keyfactor.call("PUT", "/Security/Claims", changed.clone()).await.expect(200);
    assert_eq!(told["Description"], "Kim of the shop");
    changed["ClaimValue"] = json!("eve");
    refused(keyfactor.call("PUT", "/Security/Claims", changed).await, 400);
    let path = format!("/Security/Claims/{}", made["Id"]);
    keyfactor.get(&path).await.expect(200);
    keyfactor.call("DELETE", &path, Value::Null).await.expect(204);
    refused(keyfactor.get(&path).await, 404);
}

#[tokio::test]
async fn identities_are_claims_of_a_directory() {
    let keyfactor = Keyfactor::new().await;
    let made = keyfactor.call("POST", "/Security/Identities", json!({ "AccountName": "EXAMPLE\\kim" })).await.expect(200);
    assert_eq!((&made["IdentityType"], &made["Roles"], &made["Valid"]), (&json!("User"), &json!([]), &json!(true)));
    refused(keyfactor.call("POST", "/Security/Identities", json!({ "AccountName": "example\\KIM" })).await, 409);
    let collection = keyfactor.collection("Com", "").await;
    let scoped = format!("/certificates/collections/read/{collection}/");
    let role = json!({ "Name": "Old", "Description": "", "Permissions": ["/auditing/read/", scoped],
        "Claims": [{ "ClaimType": "OAuthRole", "ClaimValue": "stays", "ProviderAuthenticationScheme": "entra" }] });
    let role = keyfactor.second("POST", "/Security/Roles", role).await.expect(200)["Id"].as_i64().unwrap();
    let path = format!("/Security/Roles/{role}/Identities");
    let told = keyfactor.call("PUT", &path, json!({ "Ids": [made["Id"]] })).await.expect(200);
    assert_eq!((&told[0]["AccountName"], &told[0]["Roles"][0]["Name"]), (&json!("EXAMPLE\\kim"), &json!("Old")));
    assert_eq!(keyfactor.get(&path).await.expect(200), told);
    let claims = keyfactor.second("GET", &format!("/Security/Roles/{role}"), Value::Null).await.expect(200)["Claims"].clone();
    assert_eq!(claims.as_array().unwrap().len(), 2, "{claims}");
    let one = format!("/Security/Identities/{}", made["Id"]);
    let permissions = keyfactor.get(&one).await.expect(200);
    assert_eq!(permissions["SecuredAreaPermissions"], json!([{ "Permission": "Auditing:Read", "GrantedByRoles": ["Old"] }]));
    assert_eq!(permissions["CollectionPermissions"], json!([{ "Permission": scoped, "GrantedByRoles": ["Old"] }]));
    let lookup = |name: &str| format!("/Security/Identities/Lookup?accountName={name}");
    assert_eq!(keyfactor.get(&lookup("example%5CKIM")).await.expect(200), json!({ "Valid": true }));
    assert_eq!(keyfactor.get(&lookup("nobody")).await.expect(200), json!({ "Valid": false }));
    let other = claims.as_array().unwrap().iter().find(|claim| claim["ClaimValue"] == "stays").unwrap()["Id"].clone();
    refused(keyfactor.get(&format!("/Security/Identities/{other}")).await, 404);
    refused(keyfactor.call("PUT", &path, json!({ "Ids": [other] })).await, 404);
    assert_eq!(keyfactor.get("/Security/Identities").await.headers["x-total-count"], "1");
    assert_eq!(keyfactor.call("PUT", &path, json!({ "Ids": [] })).await.expect(200), json!([]));
    keyfactor.call("DELETE", &one, Value::Null).await.expect(204);
    refused(keyfactor.get(&one).await, 404);
}

#[tokio::test]
async fn permission_sets_bound() {
    let keyfactor = Keyfactor::new().await;
    let global = keyfactor.get("/permissionsets?QueryString=Name%20-eq%20%22Global%22").await.expect(200);
    assert_eq!((global.as_array().unwrap().len(), &global[0]["Name"]), (1, &json!("Global")));
    let set = json!({ "Name": "Shop", "Permissions": ["/certificates/"] });
    let made = keyfactor.call("POST", "/PermissionSets", set).await.expect(200);
    assert_eq!(keyfactor.get("/PermissionSets").await.expect(200)[0]["Name"], "Global", "the oldest first");
    let path = format!("/PermissionSets/{}", made["Id"].as_str().unwrap());
    assert_eq!(keyfactor.get(&path.to_uppercase().replace("/PERMISSIONSETS", "/PermissionSets")).await.expect(200), made);
    let outside = json!({ "Name": "x", "Description": "", "PermissionSetId": made["Id"], "Permissions": ["/security/read/"] });
    refused(keyfactor.second("POST", "/Security/Roles", outside).await, 400);
    let changed = json!({ "Id": made["Id"], "Name": "Shop 2", "Permissions": ["/certificates/", "/security/"] });
    assert_eq!(keyfactor.call("PUT", "/PermissionSets", changed).await.expect(200)["Name"], "Shop 2");
    let mine = keyfactor.get("/PermissionSets/My?accessControlString=/security/read/").await.expect(200);
    assert_eq!((&mine[0]["Name"], &mine[0]["SecurityRoles"]), (&json!("Global"), &json!(["Administrator"])));
    keyfactor.call("DELETE", &path, Value::Null).await.expect(204);
    refused(keyfactor.get(&path).await, 404);
    refused(keyfactor.get("/PermissionSets/not-a-guid").await, 404);
}

#[tokio::test]
async fn a_team_is_taken_on_board() {
    let keyfactor = Keyfactor::new().await;
    refused(keyfactor.get("/CertificateCollections/Web%20Operations").await, 404);
    let query = "OwnerRoleName -eq \"Web Operations\"";
    let collection =
        json!({ "Name": "Web Operations", "Description": "theirs", "Query": query, "Favorite": true, "DuplicationField": 2 });
    let made = keyfactor.call("POST", "/CertificateCollections", collection).await.expect(200);
    assert_eq!((&made["Content"], &made["Query"], &made["DuplicationField"]), (&json!(query), &json!(query), &json!(2)));
    let id = made["Id"].as_i64().unwrap();
    let found = keyfactor.get("/certificatecollections/web%20operations").await.expect(200);
    assert_eq!((&found["Id"], &found["Favorite"], &found["Automated"]), (&json!(id), &json!(true), &json!(false)));
    let rights = ["read", "metadata/modify", "private_key/read", "revoke", "change_owner"];
    let mut permissions: Vec<String> = rights.iter().map(|right| format!("/certificates/collections/{right}/{id}/")).collect();
    permissions.push("/portal/read/".into());
    let role = json!({ "Name": "Web Operations", "Description": "x", "Permissions": permissions, "Claims": [] });
    let role = keyfactor.second("POST", "/security/roles", role).await.expect(200);
    let certificate = keyfactor.test.import_samples(1).await[0];
    let owner = json!({ "NewRoleName": "Web Operations" });
    keyfactor.call("PUT", &format!("/certificates/{certificate}/owner"), owner).await.expect(204);
    let (person, _, token) = keyfactor.test.service("kim", &[]).await;
    keyfactor.test.put(&format!("/api/v1/roles/{}/holders/{person}", role["Id"]), Value::Null).await.expect(204);
    let scope = format!("IncludeExpired=true&collectionId={id}");
    let theirs = keyfactor.as_somebody(&token, "GET", &format!("/Certificates?{scope}"), Value::Null).await;
    assert_eq!(theirs.headers["x-total-count"], "1");
    let security = keyfactor.get(&format!("/Certificates/{certificate}/Security")).await.expect(200);
    let roles = security["Roles"].as_array().unwrap();
    let of = |name: &str| roles.iter().find(|role| role["Name"] == name).unwrap()["Permissions"].clone();
    assert_eq!(of("Web Operations"), json!(["Read", "EditMetadata", "ChangeOwner", "Recover", "Revoke"]));
    assert_eq!(of("Administrator").as_array().unwrap().len(), 6);
    let audit = keyfactor.get(&format!("/Certificates/IdentityAudit/{certificate}")).await.expect(200);
    let kim = audit.as_array().unwrap().iter().find(|one| one["AccountName"] == "kim").unwrap().clone();
    assert_eq!(
        (&kim["IdentityType"], &kim["Permissions"][0]),
        (&json!("User"), &json!({ "Name": "Read", "GrantedBy": ["Web Operations"] }))
    );
    let audit = keyfactor.second("GET", &format!("/Certificates/IdentityAudit/{certificate}"), Value::Null).await.expect(200);
    assert!(audit.as_array().unwrap().iter().any(|one| one["Identity"]["ClaimValue"] == "kim"), "{audit}");
}

#[tokio::test]
async fn collections_are_changed_copied_and_removed() {
    let keyfactor = Keyfactor::new().await;
    let id = keyfactor.collection("First", "( IssuedCN -eq \"x\" )").await;
    let role = keyfactor.role("Readers", &[]).await;
    let rights = json!([{ "RoleId": role, "Permissions": ["Read", "EditMetadata"] }]);
    keyfactor.call("POST", &format!("/CertificateCollections/{id}/Permissions"), rights).await.expect(204);
    let rights = json!([{ "RoleId": role, "Permissions": ["Read"] }]);
    keyfactor.call("POST", &format!("/CertificateCollections/{id}/Permissions"), rights).await.expect(204);
    let paths = keyfactor.second("GET", &format!("/Security/Roles/{role}"), Value::Null).await.expect(200)["Permissions"].clone();
    assert_eq!(paths, json!([format!("/certificates/collections/read/{id}/")]));
    let changed = json!({ "Id": id, "Name": "Renamed", "ShowOnDashboard": true });
    let told = keyfactor.call("PUT", "/CertificateCollections", changed).await.expect(200);
    assert_eq!(
        (&told["Query"], &told["ShowOnDashboard"]),
        (&json!("( IssuedCN -eq \"x\" )"), &json!(true)),
        "exactly as it was sent"
    );
    let copy = json!({ "CopyFromId": id, "Name": "Copy", "Description": "another" });
    let copy = keyfactor.call("POST", "/CertificateCollections/Copy", copy).await.expect(200);
    let paths = keyfactor.second("GET", &format!("/Security/Roles/{role}"), Value::Null).await.expect(200)["Permissions"].clone();
    assert!(paths.as_array().unwrap().contains(&json!(format!("/certificates/collections/read/{}/", copy["Id"]))), "{paths}");
    let listed = keyfactor.get("/CertificateCollections?QueryString=Name%20-startswith%20%22re%22").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let favourite = format!("/CertificateCollections/{id}/Favorite");
    for (body, is) in [(Value::Null, true), (json!(false), false), (json!({ "favorite": true }), true)] {
        keyfactor.call("PUT", &favourite, body).await.expect(204);
        assert_eq!(keyfactor.get(&format!("/CertificateCollections/{id}")).await.expect(200)["Favorite"], json!(is));
    }
    refused(keyfactor.call("PUT", &favourite, json!([])).await, 400);
    refused(keyfactor.call("DELETE", &format!("/CertificateCollections/{id}"), Value::Null).await, 409);
    for (wrong, status) in [
        (json!({ "Name": "", "Query": "" }), 400),
        (json!({ "Name": "x", "Query": "Nonsense -eq 1" }), 400),
        (json!({ "Name": "x", "Query": "", "DuplicationField": 3 }), 400),
        (json!({ "Name": "RENAMED", "Query": "" }), 409),
        (json!({ "Query": "" }), 400),
    ] {
        refused(keyfactor.call("POST", "/CertificateCollections", wrong).await, status);
    }
}

#[tokio::test]
async fn metadata_fields_have_types() {
    let keyfactor = Keyfactor::new().await;
    let field = json!({
        "Name": "Tier", "Description": "importance", "DataType": 5, "Hint": null, "Validation": null, "Enrollment": 0, "Message": "",
        "Options": "1, 2,3", "DefaultValue": "2", "DisplayOrder": 7,
    });
    let made = keyfactor.call("POST", "/MetadataFields", field).await.expect(200);
    assert_eq!((&made["DataType"], &made["Options"], &made["DefaultValue"]), (&json!(5), &json!("1,2,3"), &json!("2")));
    let id = made["Id"].as_i64().unwrap();
    assert_eq!(keyfactor.get("/MetadataFields/tier").await.expect(200), made);
    assert_eq!(keyfactor.get(&format!("/MetadataFields/{id}")).await.expect(200), made);
    assert_eq!(keyfactor.get(&format!("/MetadataFields/{id}/InUse")).await.expect(200), json!(false));
    keyfactor.test.import_samples(1).await;
    assert_eq!(keyfactor.get(&format!("/MetadataFields/{id}/InUse")).await.expect(200), json!(true), "new ones get the default");
    let listed = keyfactor.get("/MetadataFields").await;
    assert_eq!(listed.headers["x-total-count"], "1");
    let mut changed = made.clone();
    changed["Description"] = json!("how important");
    assert_eq!(keyfactor.call("PUT", "/MetadataFields", changed).await.expect(200)["Description"], "how important");
    refused(keyfactor.call("DELETE", &format!("/MetadataFields/{id}"), Value::Null).await, 409);
    refused(keyfactor.call("DELETE", "/MetadataFields?force=false", json!([id])).await, 409);
    keyfactor.call("DELETE", "/MetadataFields?force=true", json!([id])).await.expect(204);
    refused(keyfactor.get("/MetadataFields/tier").await, 404);
    for wrong in [
        json!({ "Name": "x", "Description": "", "DataType": 8 }),
        json!({ "Name": "x", "Description": "", "DataType": 1, "Enrollment": 9 }),
        json!({ "Name": "x y", "Description": "", "DataType": 1 }),
        json!({ "Name": "x", "Description": "", "DataType": 1, "Validation": "(" }),
        json!({ "Name": "x", "Description": "" }),
    ] {
        refused(keyfactor.call("POST", "/MetadataFields", wrong).await, 400);
    }
}

#[tokio::test]
async fn the_log_is_asked_and_validated() {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.import_samples(3).await;
    keyfactor.role("Web", &[]).await;
    let total = keyfactor.test.events().await;
    let all = keyfactor.get("/KeyfactorAPI/../Audit").await;
    refused(all, 404);
    let page = keyfactor.get("//Audit?ReturnLimit=2&PageReturned=2").await;
    assert_eq!(page.headers["x-total-count"].to_str().unwrap(), total.to_string());
    let page = page.expect(200);
    assert_eq!((&page[0]["Id"], &page[1]["Id"]), (&json!(3), &json!(4)));
    let last = keyfactor.get("/Audit?SortAscending=1&ReturnLimit=1").await.expect(200);
    assert_eq!(last[0]["Id"], total);
    let count = async |query: &str| {
        let query =
            query.replace(' ', "%20").replace('"', "%22").replace('%', "%25").replace("%2520", "%20").replace("%2522", "%22");
        let found = keyfactor.get(&format!("/Audit?QueryString={query}&SortField=Timestamp")).await;
        found.headers["x-total-count"].to_str().unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(count("Operation -eq 13 AND Category -eq 2001").await, 3);
    assert_eq!(count("Operation -eq \"Imported\"").await, 3);
    assert_eq!(count("Operation -ne 13").await, total - 3);
    assert_eq!(count("User -eq \"ADMIN\" AND EntityType -eq \"role\"").await, 1);
    assert_eq!(count("User -contains \"dmi\" OR Id -le 1").await, count("User -startswith \"adm\"").await + 1);
    assert_eq!(count("AuditIdentifier -eq \"Web\"").await, 1);
    assert_eq!(count("Timestamp -ge \"%TODAY%\" AND Level -eq 0").await, total);
    assert_eq!(count("Timestamp -lt \"2001-01-01\"").await, 0);
    refused(keyfactor.get("/Audit?QueryString=IssuedCN%20-eq%20%22x%22").await, 400);
    refused(keyfactor.get("/Audit?SortField=User").await, 400);
    for id in [1, total] {
        assert_eq!(keyfactor.get(&format!("/Audit/{id}/Validate")).await.expect(200), json!(true));
    }
    keyfactor
        .test
        .app
        .write(|tx| Ok(tx.execute("UPDATE event SET object_name = 'x' WHERE seq = 3", certhold_store::params![])?))
        .await
        .unwrap();
    assert_eq!(keyfactor.get("/Audit/3/Validate").await.expect(200), json!(false), "somebody changed it");
    assert_eq!(keyfactor.get("/Audit/4/Validate").await.expect(200), json!(true));
    refused(keyfactor.get("/Audit/987654/Validate").await, 404);
    refused(keyfactor.get("/Audit/987654").await, 404);
    let table = keyfactor.get("/Audit/Download?QueryString=Operation%20-eq%2013").await.expect(200);
    assert_eq!(table.as_str().unwrap().lines().count(), 4);
}

#[tokio::test]
async fn identity_providers_are_configured() {
    let keyfactor = Keyfactor::new().await;
    let types = keyfactor.get("/IdentityProviders/Types").await.expect(200);
    assert_eq!((&types[0]["Name"], &types[0]["TypeParameters"][0]["Name"]), (&json!("Generic"), &json!("Authority")));
    // As the published client sends it: endpoints and secrets beside what counts here.
    let sent = json!({
        "AuthenticationScheme": "Corporate", "DisplayName": "The company", "ProviderType": types[0]["Id"],
        "Parameters": {
            "Authority": "https://sso.example.org/realms/corporate", "OIDCAudience": "certhold, api://certhold",
            "RoleClaimType": "groups", "UniqueClaimType": "sub", "FallbackUniqueClaimType": "cid", "NameClaimType": "preferred_username",
            "ClientId": "x", "ClientSecret": { "SecretValue": "hunter2" }, "TokenEndpoint": "https://sso.example.org/token",
            "AuthorizationEndpoint": "https://sso.example.org/auth", "JSONWebKeySetUri": "https://sso.example.org/keys", "Timeout": 30
        }
    });
    let made = keyfactor.call("POST", "/IdentityProviders", sent.clone()).await.expect(200);
    let id = made["Id"].as_str().unwrap().to_owned();
    let values: Vec<_> = made["Parameters"].as_array().unwrap().iter().map(|one| one["Value"].clone()).collect();
    let issuer = "https://sso.example.org/realms/corporate";
    assert_eq!(values, [json!(issuer), json!("certhold, api://certhold"), json!("groups"), json!("sub"), json!("cid")]);
    assert_eq!((&made["AuthenticationEnabled"], &made["TypeId"]), (&json!(true), &types[0]["Id"]));
    assert!(!made.to_string().contains("hunter2"));
    refused(keyfactor.call("POST", "/IdentityProviders", sent).await, 409);
    assert_eq!(keyfactor.get(&format!("/IdentityProviders/{}", id.to_uppercase())).await.expect(200), made);
    let listed = keyfactor
        .get(
            "/IdentityProviders?QueryString=AuthenticationScheme -eq \"corporate\""
                .replace(' ', "%20")
                .replace('"', "%22")
                .as_str(),
        )
        .await;
    assert_eq!(listed.headers["x-total-count"], "1");
    assert_eq!(listed.expect(200), json!([made]));

    let path = format!("/IdentityProviders/{id}");
    let change = |more: serde_json::Value| {
        let mut body = json!({ "AuthenticationScheme": "Corporate", "DisplayName": "Company" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let body = change(json!({ "AuthenticationEnabled": false, "Parameters": { "OIDCAudience": "certhold" } }));
    let changed = keyfactor.call("PUT", &path, body).await.expect(200);
    assert_eq!((&changed["DisplayName"], &changed["AuthenticationEnabled"]), (&json!("Company"), &json!(false)));
    assert_eq!((&changed["Parameters"][1]["Value"], &changed["Parameters"][2]["Value"]), (&json!("certhold"), &json!("groups")));
    for (body, named) in [
        (json!({ "AuthenticationScheme": "Other", "DisplayName": "x" }), "Name"),
        (change(json!({ "Parameters": { "Authority": "https://evil.example" } })), "Authority"),
        (change(json!({ "Parameters": { "OIDCAudience": "," } })), "OIDCAudience"),
    ] {
        let told = refused(keyfactor.call("PUT", &path, body).await, 400);
        assert!(told["Message"].as_str().unwrap().contains(named), "{told}");
    }
    refused(keyfactor.get("/IdentityProviders/e8a7a2f0-0000-4000-8000-000000000000").await, 404);
    let other = json!({ "AuthenticationScheme": "x", "DisplayName": "x", "ProviderType": "SAML" });
    refused(keyfactor.call("POST", "/IdentityProviders", other).await, 400);
}
