//! Metadata as the published clients change it: every field is sent, whether it changes or not.

use serde_json::{Value, json};

use super::{Keyfactor, refused};

#[tokio::test]
async fn all_fields_are_sent_and_only_those_that_change_count() {
    let keyfactor = Keyfactor::new().await;
    let field = |name: &str, enrollment: i64| json!({ "Name": name, "Description": "", "DataType": 1, "Enrollment": enrollment });
    let id = keyfactor.test.import_samples(1).await[0];
    for (name, enrollment) in [("Tier", 0), ("Team", 1), ("Note", 0)] {
        keyfactor.call("POST", "/MetadataFields", field(name, enrollment)).await.expect(200);
    }
    let mine = keyfactor.collection("Mine", &format!("CertId -eq {id}")).await;
    // What is in here is decided by a field, and somebody has a right on it.
    let tier = keyfactor.collection("Tier one", "Tier -eq \"1\"").await;
    keyfactor.test.service("watcher", &[&format!("/certificates/collections/read/{tier}/")]).await;
    let rights = ["read", "metadata/modify"].map(|right| format!("/certificates/collections/{right}/{mine}/"));
    let (_, _, token) = keyfactor.test.service("kim", &[&rights[0], &rights[1]]).await;
    let put = async |token: &str, metadata: Value| {
        let path = format!("/Certificates/Metadata?collectionId={mine}");
        keyfactor.as_somebody(token, "PUT", &path, json!({ "Id": id, "Metadata": metadata })).await
    };
    let noted = async || {
        let path = format!("/Certificates/{id}?includeMetadata=true");
        keyfactor.get(&path).await.expect(200)["Metadata"].clone()
    };
    put(&token, json!({ "Tier": "", "Team": "web", "Note": "x" })).await.expect(204);
    assert_eq!(noted().await, json!({ "Team": "web", "Note": "x" }));
    // As it is: nothing is written.
    let events = keyfactor.test.events().await;
    put(&token, json!({ "Tier": "", "Team": "web", "Note": "x" })).await.expect(204);
    assert_eq!(keyfactor.test.events().await, events);
    // The field that decides stays theirs who may change collections, in both directions.
    let told = refused(put(&token, json!({ "Tier": "1", "Team": "web", "Note": "y" })).await, 403);
    assert!(told["Message"].as_str().unwrap().contains("/certificates/collections/modify/"), "{told}");
    assert_eq!(keyfactor.test.events().await, events);
    let admin = keyfactor.test.admin.clone();
    put(&admin, json!({ "Tier": "1" })).await.expect(204);
    put(&token, json!({ "Tier": "1", "Team": "web", "Note": "z" })).await.expect(204);
    let events = keyfactor.test.events().await;
    refused(put(&token, json!({ "Tier": "", "Team": "web", "Note": "z" })).await, 403);
    refused(put(&token, json!({ "Tier": "1", "None": "" })).await, 400);
    assert_eq!(keyfactor.test.events().await, events);
    // A field that is required of new certificates clears like any other, as do all when all are empty.
    put(&token, json!({ "Tier": "1", "Team": "", "Note": "z" })).await.expect(204);
    assert_eq!(noted().await, json!({ "Tier": "1", "Note": "z" }));
    put(&admin, json!({ "Tier": "", "Team": "", "Note": "" })).await.expect(204);
    assert_eq!(noted().await, json!({}));
    // Elsewhere it is protected.
    put(&admin, json!({ "Team": "web" })).await.expect(204);
    let all = json!({ "CertificateIds": [id], "Metadata": [{ "MetadataName": "Team", "Value": "", "OverwriteExisting": true }] });
    let told = refused(keyfactor.call("PUT", "/Certificates/Metadata/All", all).await, 400);
    assert!(told["Message"].as_str().unwrap().contains("required"), "{told}");
    assert_eq!(noted().await, json!({ "Team": "web" }));
}
