//! Changes beside each other, of many, and through containers.

use serde_json::{Value, json};

use super::certificates::{DAY, made};
use super::{Keyfactor, refused};
use crate::testing::START;

#[tokio::test]
async fn two_who_change_different_members_undo_nothing() {
    let keyfactor = Keyfactor::new().await;
    let store = keyfactor.store("a.p12", 102).await;
    let container = keyfactor.call("POST", "/CertificateStoreContainers", json!({ "Name": "Web" })).await.expect(200);
    let pattern = keyfactor.call("POST", "/EnrollmentPatterns", json!({ "Name": "Web", "Template": 1 })).await.expect(200);
    let (container, pattern) = (container["Id"].clone(), pattern["Id"].clone());
    let put = async |path: &str, body: Value| keyfactor.call("PUT", path, body).await.expect(200);
    for round in 1..=10 {
        let machine = json!({ "Id": store, "ClientMachine": format!("web-{round}") });
        let every = json!({ "Id": store, "InventorySchedule": { "Interval": { "Minutes": round } } });
        let type_of = if round % 2 == 0 { 102 } else { 2 };
        let group = json!({ "Id": container, "Name": "Web", "Schedule": format!("every {round}m") });
        let takes = json!({ "Id": container, "Name": "Web", "CertStoreType": type_of });
        let described = json!({ "Id": pattern, "Description": format!("the {round}th") });
        let ruled = json!({ "Id": pattern, "Regexes": [{ "SubjectPart": "O", "Regex": format!("^{round}$") }] });
        tokio::join!(
            put("/CertificateStores", machine),
            put("/CertificateStores", every),
            put("/CertificateStoreContainers", group),
            put("/CertificateStoreContainers", takes),
            put("/EnrollmentPatterns", described),
            put("/EnrollmentPatterns", ruled),
        );
        let shown = keyfactor.get(&format!("/CertificateStores/{store}")).await.expect(200);
        let schedule = json!({ "Interval": { "Minutes": round } });
        assert_eq!((&shown["ClientMachine"], &shown["InventorySchedule"]), (&json!(format!("web-{round}")), &schedule));
        let shown = keyfactor.get(&format!("/CertificateStoreContainers/{container}")).await.expect(200);
        assert_eq!((&shown["Schedule"], &shown["CertStoreType"]), (&json!(format!("every {round}m")), &json!(type_of)));
        let shown = keyfactor.get(&format!("/EnrollmentPatterns/{pattern}")).await.expect(200);
        let rule = (&shown["Description"], &shown["Regexes"][0]["Regex"]);
        assert_eq!(rule, (&json!(format!("the {round}th")), &json!(format!("^{round}$"))));
    }
    let events = keyfactor.test.events().await;
    for (path, wrong) in [
        ("/CertificateStores", json!({ "Id": store, "Properties": "[]" })),
        ("/CertificateStores", json!({ "Id": store, "CertStoreType": 999 })),
        ("/CertificateStoreContainers", json!({ "Id": container, "Name": "Web", "Schedule": "now and then" })),
        ("/EnrollmentPatterns", json!({ "Id": pattern, "AllowedEnrollmentTypes": 4_711 })),
    ] {
        let reply = keyfactor.call("PUT", path, wrong).await;
        assert!(matches!(reply.status.as_u16(), 400 | 404), "{path}: {}", reply.text());
    }
    refused(keyfactor.call("PUT", "/EnrollmentPatterns", json!({ "Id": 4_711, "Description": "x" })).await, 404);
    assert_eq!(keyfactor.test.events().await, events);
}

#[tokio::test]
async fn a_query_that_finds_too_many_removes_none() {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.import_samples(1_800).await;
    let count = async || keyfactor.get("/Certificates?ReturnLimit=1").await.headers["x-total-count"].to_str().unwrap().to_owned();
    let there: i64 = count().await.parse().unwrap();
    assert!(there > 1_000, "{there}");
    let events = keyfactor.test.events().await;
    for path in ["/Certificates/Query", "/Certificates/Exclude/Query"] {
        let told = refused(keyfactor.call("DELETE", path, json!("CertId -ge 1")).await, 413);
        assert!(told["Message"].as_str().unwrap().contains("narrow it"), "{told}");
    }
    assert_eq!(keyfactor.test.events().await, events);
    keyfactor.call("DELETE", "/Certificates/Query", json!("CertId -le 5")).await.expect(204);
    keyfactor.call("DELETE", "/Certificates/Exclude/Query", json!("CertId -le 9")).await.expect(204);
    let left: i64 = count().await.parse().unwrap();
    assert!(left < there && left > there - 10, "{left} of {there}");
}

#[tokio::test]
async fn a_container_reads_by_every_name_and_narrows_the_rest() {
    let keyfactor = Keyfactor::new().await;
    let inside = keyfactor.held(&made("in.example.com", START + DAY).0).await;
    let outside = keyfactor.held(&made("out.example.org", START + DAY).0).await;
    let container = keyfactor.call("POST", "/CertificateStoreContainers", json!({ "Name": "Web" })).await.expect(200);
    let container = container["Id"].clone();
    let store = keyfactor.store("a.p12", 102).await;
    keyfactor.call("PUT", "/CertificateStores", json!({ "Id": store, "ContainerId": container })).await.expect(200);
    keyfactor.occupy(&store, "shop", inside).await;
    let (_, _, keeper) = keyfactor.test.service("keeper", &[&format!("/certificate_stores/read/{container}/")]).await;
    let one = async |id: i64| keyfactor.get(&format!("/Certificates/{id}")).await.expect(200);
    let (shown, hidden) = (one(inside).await, one(outside).await);
    let scope = format!("containerId={container}");
    let download = async |token: &str, body: Value| {
        keyfactor.formatted(token, &format!("/Certificates/Download?{scope}"), "DER", body).await
    };
    let serial = |one: &Value| json!({ "SerialNumber": one["SerialNumber"], "IssuerDN": one["IssuerDN"] });
    let thumbprint = |one: &Value| json!({ "Thumbprint": one["Thumbprint"] });
    for body in [json!({ "CertID": inside }), thumbprint(&shown), serial(&shown)] {
        assert_eq!(download(&keeper, body.clone()).await.expect(200)["Content"], shown["ContentBytes"], "{body}");
    }
    let missing = json!({ "Thumbprint": "00".repeat(20) });
    let told = refused(download(&keeper, missing.clone()).await, 403);
    for body in [json!({ "CertID": outside }), json!({ "CertID": 4_711 }), thumbprint(&hidden), serial(&hidden)] {
        assert_eq!(refused(download(&keeper, body.clone()).await, 403), told, "{body}: nothing is learned about what is outside");
    }
    let admin = keyfactor.test.admin.clone();
    for body in [missing, thumbprint(&hidden)] {
        refused(download(&admin, body).await, 404);
    }
    download(&admin, thumbprint(&shown)).await.expect(200);
    let how = async |print: &Value| {
        let path = format!("/Enrollment/AvailableRenewal/Thumbprint/{}?{scope}", print.as_str().unwrap());
        keyfactor.as_somebody(&keeper, "GET", &path, Value::Null).await
    };
    assert_eq!(how(&shown["Thumbprint"]).await.expect(200)["AvailableRenewalType"], 0);
    refused(how(&hidden["Thumbprint"]).await, 403);
    let other = format!("/Certificates/Download?containerId={}", 4_711);
    refused(keyfactor.formatted(&keeper, &other, "DER", thumbprint(&shown)).await, 403);
    // Of other rights there is none on a container: it narrows what is held everywhere.
    let field = json!({ "Name": "Tier", "Description": "", "DataType": 1 });
    keyfactor.call("POST", "/MetadataFields", field).await.expect(200);
    let note = async |token: &str, id: i64| {
        let body = json!({ "Id": id, "Metadata": { "Tier": "1" } });
        keyfactor.as_somebody(token, "PUT", &format!("/Certificates/Metadata?{scope}"), body).await
    };
    refused(note(&keeper, inside).await, 403);
    let (_, _, noter) = keyfactor.test.service("noter", &["/certificates/collections/metadata/modify/"]).await;
    note(&noter, inside).await.expect(204);
    refused(note(&noter, outside).await, 404);
}

#[tokio::test]
async fn a_container_shows_its_own_places_only() {
    let keyfactor = Keyfactor::new().await;
    let certificate = keyfactor.held(&made("in.example.com", START + DAY).0).await;
    let container = keyfactor.call("POST", "/CertificateStoreContainers", json!({ "Name": "Web" })).await.expect(200);
    let container = container["Id"].clone();
    let (front, hidden) = (keyfactor.store("front.p12", 102).await, keyfactor.store("hidden.p12", 102).await);
    keyfactor.call("PUT", "/CertificateStores", json!({ "Id": front, "ContainerId": container })).await.expect(200);
    keyfactor.occupy(&front, "shop", certificate).await;
    keyfactor.occupy(&hidden, "shop", certificate).await;
    let right = format!("/certificate_stores/modify/{container}/");
    let (_, _, keeper) = keyfactor.test.service("keeper", &[&right]).await;
    for path in [
        format!("/Certificates/Locations/{certificate}?containerId={container}"),
        format!("/Certificates/{certificate}?containerId={container}&includeLocations=true"),
    ] {
        let told = keyfactor.as_somebody(&keeper, "GET", &path, Value::Null).await.expect(200).to_string();
        assert!(told.contains("front.p12") && !told.contains("hidden.p12"), "{told}");
        let all = keyfactor.get(&path).await.expect(200).to_string();
        assert!(all.contains("front.p12") && all.contains("hidden.p12"), "{all}");
    }
    let taken = json!({ "DisplayName": "new", "ClientMachine": "here", "Storepath": "/srv/tls/hidden.p12", "CertStoreType": 102,
        "ContainerId": container, "Password": { "SecretValue": "changeit-4711" } });
    let told = refused(keyfactor.as_somebody(&keeper, "POST", "/CertificateStores", taken).await, 409);
    assert!(!told.to_string().contains("hidden"), "{told}");
}
