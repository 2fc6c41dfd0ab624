use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::testing::{Reply, TestApp};

async fn call(test: &TestApp, method: &str, path: &str, token: &str, body: Option<Value>) -> Reply {
    let request = Request::builder().method(method).uri(format!("/KeyfactorAPI{path}"));
    let request = request
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-keyfactor-requested-with", "APIClient")
        .header("x-keyfactor-api-version", "1");
    test.send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()).await
}

async fn admin(test: &TestApp, method: &str, path: &str, body: Option<Value>) -> Reply {
    call(test, method, path, &test.admin, body).await
}

fn store(machine: &str, path: &str, container: i64) -> Value {
    json!({
        "ContainerId": container, "ClientMachine": machine, "Storepath": path, "CertStoreType": 102, "CreateIfMissing": true,
        "Properties": "{\"encryption\":\"legacy\",\"ServerUsesSsl\":true}", "AgentId": "00000000-0000-0000-0000-000000000000",
        "InventorySchedule": { "Interval": { "Minutes": 30 } }, "Password": { "SecretValue": "changeit-4711" },
    })
}

#[tokio::test]
async fn stores_and_containers_are_served_as_clients_know_them() {
    let test = TestApp::new().await;
    let certificate = test.import_samples(1).await[0];
    let container = json!({ "Name": "Web", "OverwriteSchedules": false, "Schedule": "", "CertStoreType": 102 });
    let made = admin(&test, "POST", "/CertificateStoreContainers", Some(container)).await.expect(200);
    let id = made["Id"].as_i64().unwrap();
    assert_eq!(
        made,
        json!({ "Id": id, "Name": "Web", "OverwriteSchedules": false, "Schedule": "", "CertStoreType": 102, "StoreCount": 0 })
    );

    let made = admin(&test, "POST", "/CertificateStores", Some(store("web-1", "/srv/tls/a.p12", id))).await.expect(200);
    assert_eq!((&made["ContainerName"], &made["DisplayName"]), (&json!("Web"), &json!("web-1 - /srv/tls/a.p12")));
    assert_eq!((&made["Properties"], &made["Password"]), (&json!("{\"encryption\":\"legacy\"}"), &Value::Null));
    assert_eq!(made["InventorySchedule"], json!({ "Interval": { "Minutes": 30 } }));
    let uuid = made["Id"].as_str().unwrap().to_owned();
    admin(&test, "POST", "/CertificateStores", Some(store("web-2", "/srv/tls/b.p12", 0))).await.expect(200);
    let query = "/CertificateStores?certificateStoreQuery.queryString=ClientMachine%20-eq%20%22web-2%22";
    let listed = admin(&test, "GET", query, None).await;
    assert_eq!(listed.headers["x-total-count"], "1");
    assert_eq!(listed.expect(200)[0]["Storepath"], "/srv/tls/b.p12");
    let shown = admin(&test, "GET", &format!("/CertificateStores/{}", uuid.to_uppercase()), None).await.expect(200);
    assert_eq!(shown["Id"], uuid);

    let changed =
        admin(&test, "PUT", "/CertificateStores", Some(json!({ "Id": uuid, "ClientMachine": "web-9" }))).await.expect(200);
    assert_eq!((&changed["ClientMachine"], &changed["CertStoreType"]), (&json!("web-9"), &json!(102)));
    let nightly = json!({ "StoreIds": [uuid], "Schedule": { "Daily": { "Time": "2022-05-27T03:15:00Z" } } });
    admin(&test, "POST", "/CertificateStores/Schedule", Some(nightly)).await.expect(204);
    let shown = admin(&test, "GET", &format!("/CertificateStores/{uuid}"), None).await.expect(200);
    assert!(shown["InventorySchedule"]["Daily"]["Time"].as_str().unwrap().ends_with("T03:15:00Z"), "{shown}");

    let later = json!({ "ExactlyOnce": { "Time": "2099-01-01T00:00:00Z" } });
    let add = json!({ "CertificateId": certificate, "Schedule": later, "CollectionId": 0,
        "CertificateStores": [{ "CertificateStoreId": uuid, "Overwrite": false, "IncludePrivateKey": false }] });
    let jobs = admin(&test, "POST", "/CertificateStores/Certificates/Add", Some(add.clone())).await.expect(200);
    assert_eq!(jobs.as_array().unwrap().len(), 1);
    assert!(uuid::Uuid::parse_str(jobs[0].as_str().unwrap()).is_ok());
    let before = test.events().await;
    let mut repeating = add.clone();
    repeating["Schedule"] = json!({ "Interval": { "Minutes": 5 } });
    admin(&test, "POST", "/CertificateStores/Certificates/Add", Some(repeating)).await.expect(400);
    let mut with_key = add;
    with_key["CertificateStores"][0]["IncludePrivateKey"] = json!(true);
    admin(&test, "POST", "/CertificateStores/Certificates/Add", Some(with_key)).await.expect(409);
    assert_eq!(test.events().await, before);
    let remove =
        json!({ "Schedule": { "Immediate": true }, "CertificateStores": [{ "CertificateStoreId": uuid, "Alias": "x" }] });
    assert_eq!(
        admin(&test, "POST", "/CertificateStores/Certificates/Remove", Some(remove)).await.expect(200).as_array().unwrap().len(),
        1
    );
    assert_eq!(
        admin(&test, "GET", &format!("/CertificateStores/{uuid}/Inventory?query.pageReturned=1"), None).await.expect(200),
        json!([])
    );
    let places = admin(&test, "GET", &format!("/Certificates/Locations/{certificate}"), None).await.expect(200);
    assert_eq!(places, json!({ "Details": [] }));

    // A container is all that its keepers see.
    let (_, _, keeper) = test.service("keeper", &[&format!("/certificate_stores/read/{id}/")]).await;
    let seen = call(&test, "GET", "/CertificateStores", &keeper, None).await.expect(200);
    assert_eq!(seen.as_array().unwrap().len(), 1);
    call(&test, "DELETE", &format!("/CertificateStores/{uuid}"), &keeper, None).await.expect(403);
    // It reads certificates that are in the container's stores, and this one is in none.
    call(&test, "GET", &format!("/Certificates/{certificate}?containerId={id}"), &keeper, None).await.expect(403);

    let assign = json!({ "NewContainerName": "Mail", "NewContainerType": 102, "KeystoreIds": [uuid] });
    let moved = admin(&test, "PUT", "/CertificateStores/AssignContainer", Some(assign)).await.expect(200);
    assert_eq!(moved[0]["ContainerName"], "Mail");
    admin(&test, "DELETE", "/CertificateStores", Some(json!([uuid]))).await.expect(204);
    admin(&test, "DELETE", &format!("/CertificateStoreContainers/{id}"), None).await.expect(409);
    for path in ["/KeyfactorAPI/CertificateStores", "/api/v1/events"] {
        assert!(!test.get(path).await.text().contains("changeit-4711"), "{path}");
    }
}

#[tokio::test]
async fn what_there_is_not_is_said_as_clients_know_it() {
    let test = TestApp::new().await;
    let missing = admin(&test, "GET", "/CertificateStores/6d2b53e2-0000-4000-8000-000000000000", None).await;
    let told = missing.expect(404);
    assert_eq!(told["Message"], "Certificate store with id '6d2b53e2-0000-4000-8000-000000000000' does not exist.");
    let unknown = admin(&test, "POST", "/CertificateStores", Some(json!({ "CertStoreType": 999 }))).await.expect(404);
    assert_eq!(unknown["Message"], "The certificate store type with StoreType '999' does not exist.");
    let group = json!({ "Name": "x", "CertStoreType": 999 });
    assert_eq!(admin(&test, "POST", "/CertificateStoreContainers", Some(group)).await.expect(404), unknown);
}

#[tokio::test]
async fn what_cannot_be_a_store_is_refused() {
    let test = TestApp::new().await;
    let before = test.events().await;
    for (member, value, said) in [
        ("CertStoreType", Value::Null, "CertStoreType"),
        ("Storepath", json!("/etc/ssl/x.p12"), "Storepath"),
        ("Properties", json!("[]"), "Properties"),
        ("Properties", json!("{\"encryption\":\"rot13\"}"), "Properties"),
        ("Password", Value::Null, "Password"),
        ("Password", json!({ "SecretValue": "short" }), "Password"),
        ("Password", json!({ "Provider": 3 }), "Password"),
        ("InventorySchedule", json!({ "Interval": { "Minutes": 0 } }), "Schedule"),
        ("InventorySchedule", json!({ "Immediate": true, "Interval": { "Minutes": 9 } }), "Schedule"),
    ] {
        let mut body = store("web-1", "/srv/tls/a.p12", 0);
        body[member] = value;
        let reply = admin(&test, "POST", "/CertificateStores", Some(body)).await;
        assert!(reply.text().contains(said), "{member}: {}", reply.text());
        reply.expect(400);
    }
    admin(&test, "POST", "/CertificateStores", Some(store("web-1", "/srv/tls/a.p12", 4711))).await.expect(404);
    admin(&test, "DELETE", "/CertificateStores", Some(json!([]))).await.expect(400);
    assert_eq!(test.events().await, before);
}
