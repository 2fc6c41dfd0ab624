//! Changes of many certificates: in pieces, and still all or none as far as it can be foreseen.

use serde_json::{Value, json};

use super::{Keyfactor, refused};

/// More than one piece.
const MANY: u64 = 300;

#[tokio::test]
async fn many_change_in_pieces_and_none_where_one_is_refused() {
    let keyfactor = Keyfactor::new().await;
    let ids = keyfactor.test.import_samples(MANY).await;
    let (first, last) = (ids[0], ids[ids.len() - 1]);
    keyfactor.call("POST", "/MetadataFields", json!({ "Name": "Tier", "Description": "", "DataType": 2 })).await.expect(200);
    let (_, mine, _) = keyfactor.test.service("mine", &["/portal/read/"]).await;
    let mine = mine.unwrap().0;
    let note = async |body: Value| keyfactor.call("PUT", "/Certificates/Metadata/All", body).await;
    let change = |value: &str| json!([{ "MetadataName": "Tier", "Value": value, "OverwriteExisting": true }]);
    let own = async |body: Value| keyfactor.call("PUT", "/Certificates/Owner", body).await;
    let revoke = async |body: Value| keyfactor.call("POST", "/Certificates/RevokeAll", body).await;

    // What the last one refuses is refused of all, although they are written in pieces.
    let before = keyfactor.test.events().await;
    let with_unknown = [&ids[..ids.len() - 1], &[last + 1]].concat();
    refused(note(json!({ "CertificateIds": with_unknown, "Metadata": change("1") })).await, 404);
    refused(own(json!({ "CertificateIds": with_unknown, "NewRoleId": mine })).await, 404);
    let last_only = json!({ "Name": "all but the last", "Query": format!("CertId -lt {last}"), "DuplicationField": 1 });
    let collection = keyfactor.call("POST", "/CertificateCollections", last_only).await.expect(200)["Id"].clone();
    let events = keyfactor.test.events().await;
    assert_eq!(events, before + 1, "only the collection is new");
    let named = json!({ "CertificateIds": ids, "CollectionId": collection, "Metadata": change("1") });
    refused(note(named).await, 404);
    assert_eq!(keyfactor.test.events().await, events);

    // Each has its event.
    note(json!({ "Query": format!("CertId -ge {first}"), "Metadata": change("2") })).await.expect(204);
    assert_eq!(keyfactor.test.events().await, events + MANY as i64);
    own(json!({ "CertificateIds": ids, "NewRoleId": mine })).await.expect(204);
    assert_eq!(keyfactor.test.events().await, events + 2 * MANY as i64);
    let lost = json!({ "Query": format!("CertId -lt {last}"), "Reason": 4, "Comment": "x", "IncludeExpired": true });
    let done = revoke(lost).await.expect(200);
    assert_eq!(done["RevokedIds"], json!(ids[..ids.len() - 1]));
    let left = keyfactor.get("/Certificates?IncludeExpired=true&ReturnLimit=10").await;
    assert_eq!(left.headers["x-total-count"], "1");
    let left = left.expect(200);
    assert_eq!((&left[0]["Id"], &left[0]["OwnerRoleName"]), (&json!(last), &json!("role of mine")));
}

/// So many writes of their own had a request's changes.
async fn writes(keyfactor: &Keyfactor, body: Value) -> u64 {
    let before = keyfactor.test.app.core().store.statistics().closures;
    keyfactor.call("POST", "/Certificates/Revoke", body).await.expect(200);
    keyfactor.test.app.core().store.statistics().closures - before
}

#[tokio::test]
async fn many_are_revoked_and_released_in_pieces_and_none_where_one_is_refused() {
    let keyfactor = Keyfactor::new().await;
    let ids = keyfactor.test.import_samples(MANY).await;
    let (first, last) = (ids[0], ids[ids.len() - 1]);
    let asked = |ids: &[i64], reason: i64| json!({ "CertificateIds": ids, "Reason": reason, "Comment": "x" });
    let revoke = async |body: Value| keyfactor.call("POST", "/Certificates/Revoke", body).await;

    // What the last one refuses is refused of all, although they are written in pieces.
    let before = keyfactor.test.events().await;
    let with_unknown = [&ids[..ids.len() - 1], &[last + 1]].concat();
    let refusal = refused(revoke(asked(&with_unknown, 6)).await, 404);
    assert!(refusal["FailedOperations"][0]["Reason"].as_str().unwrap().contains("none was changed"), "{refusal}");
    assert_eq!(keyfactor.test.events().await, before);
    assert_eq!(writes(&keyfactor, asked(&[first], 6)).await, 1, "nobody else writes");
    refused(revoke(asked(&ids, -1)).await, 409);
    assert_eq!(keyfactor.test.events().await, before + 1, "only the first is on hold, and it stays so");

    // Whatever others write goes between the pieces; one that is named twice counts once.
    let twice = [&ids[..], &[first]].concat();
    assert_eq!(writes(&keyfactor, asked(&twice, 6)).await, 2);
    assert_eq!(keyfactor.test.events().await, before + MANY as i64);
    assert_eq!(writes(&keyfactor, asked(&twice, -1)).await, 2);
    assert_eq!(keyfactor.test.events().await, before + 2 * MANY as i64);
    assert_eq!(writes(&keyfactor, asked(&ids, 1)).await, 2);
    refused(revoke(asked(&ids, -1)).await, 409);
    assert_eq!(keyfactor.test.events().await, before + 3 * MANY as i64);
}
