//! Fields and members that follow from what is known, and lists that end.

use serde_json::{Value, json};

use super::{Keyfactor, refused};

/// A query as it stands in an address.
fn encoded(query: &str) -> String {
    url::form_urlencoded::byte_serialize(query.as_bytes()).collect()
}

async fn found(keyfactor: &Keyfactor, query: &str) -> Vec<String> {
    let listed = keyfactor.get(&format!("/Certificates?SortField=IssuedCN&QueryString={}", encoded(query))).await.expect(200);
    listed.as_array().unwrap().iter().map(|one| one["IssuedCN"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn who_enrolled_and_where_are_told_and_asked() {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.post("/api/v1/authorities", json!({ "name": "Root", "subject": "CN=Root, O=Example" })).await.expect(201);
    let (_, _, kim) = keyfactor.test.service("kim", &["/certificates/enrollment/", "/certificates/collections/read/"]).await;
    let body = json!({ "Subject": "CN=a.example.org" });
    let issued = keyfactor.formatted(&kim, "/Enrollment/PFX", "STORE", body).await.expect(200);
    let id = issued["CertificateInformation"]["KeyfactorId"].clone();
    keyfactor.enrolled("CN=b.example.org").await;
    keyfactor.test.import_samples(1).await;
    let one = keyfactor.get(&format!("/Certificates/{id}")).await.expect(200);
    assert_eq!((&one["RequesterName"], &one["RequesterId"]), (&json!("kim"), &Value::Null));
    assert_eq!(found(&keyfactor, "NetBIOSRequester -eq \"KIM\"").await, ["a.example.org"]);
    assert_eq!(found(&keyfactor, "CA -eq \"pki.example.org\\\\root\"").await, ["a.example.org", "b.example.org"]);
    assert_eq!(found(&keyfactor, "RFC2818Compliant -eq false AND IssuedCN -eq \"Root\"").await, ["Root"]);
    assert_eq!(found(&keyfactor, "RFC2818Compliant -eq true AND NetBIOSRequester -ne NULL").await.len(), 2);
}

#[tokio::test]
async fn members_say_what_is_known() {
    let keyfactor = Keyfactor::new().await;
    let provider = json!({ "AuthenticationScheme": "Corporate", "DisplayName": "The company",
        "Parameters": { "Authority": "https://sso.example.org/realms/corporate", "OIDCAudience": "certhold" } });
    let provider = keyfactor.call("POST", "/IdentityProviders", provider).await.expect(200)["Id"].clone();
    let claim = |scheme: &str| json!({ "ClaimType": "OAuthRole", "ClaimValue": "ops", "ProviderAuthenticationScheme": scheme });
    let known = json!({ "Id": provider, "AuthenticationScheme": "Corporate", "DisplayName": "The company" });
    let made = keyfactor.call("POST", "/Security/Claims", claim("Corporate")).await.expect(200);
    assert_eq!(made["Provider"], known);
    let other = keyfactor.call("POST", "/Security/Claims", claim("entra")).await.expect(200);
    assert_eq!(other["Provider"], json!({ "Id": null, "AuthenticationScheme": "entra", "DisplayName": "entra" }));
    let path = format!("/Security/Claims/{}", made["Id"]);
    assert_eq!(keyfactor.get(&path).await.expect(200), made);
    assert_eq!(keyfactor.get("/Security/Claims").await.expect(200), json!([made, other]));
    let described = json!({ "Id": made["Id"], "ClaimType": "OAuthRole", "ClaimValue": "ops", "Description": "the team" });
    assert_eq!(keyfactor.call("PUT", "/Security/Claims", described).await.expect(200)["Provider"], known);
    let role = json!({ "Name": "Operations", "Description": "They run it.", "Permissions": ["/certificates/collections/read/"],
        "Claims": [claim("Corporate"), { "ClaimType": "User", "ClaimValue": "kim", "ProviderAuthenticationScheme": "ldap" }] });
    let role = keyfactor.second("POST", "/Security/Roles", role).await.expect(200);
    assert!(role["Claims"].as_array().unwrap().iter().any(|claim| claim["Provider"] == known), "{role}");
    let certificate = keyfactor.test.import_samples(1).await[0];
    let audit = format!("/Certificates/IdentityAudit/{certificate}");
    let audit = keyfactor.second("GET", &audit, Value::Null).await.expect(200);
    assert!(audit.as_array().unwrap().iter().any(|one| one["Identity"]["Provider"] == known), "{audit}");
    let held = json!([{ "Id": role["Id"], "Name": "Operations", "Description": "They run it." }]);
    assert_eq!(keyfactor.get("/Security/Identities").await.expect(200)[0]["Roles"], held);
    let path = format!("/Security/Roles/{}/Identities", role["Id"]);
    assert_eq!(keyfactor.get(&path).await.expect(200)[0]["Roles"], held);
    let fresh = keyfactor.call("POST", "/Security/Identities", json!({ "AccountName": "new" })).await.expect(200);
    assert_eq!(fresh["Roles"], json!([]));

    let container =
        keyfactor.call("POST", "/CertificateStoreContainers", json!({ "Name": "Web" })).await.expect(200)["Id"].clone();
    let path = format!("/Security/Roles/{}/Permissions/Containers", role["Id"]);
    let told = json!([{ "ContainerId": container, "Name": "Web", "Permission": "Read" }]);
    let wanted = json!([{ "ContainerId": container, "Permission": "Read" }]);
    assert_eq!(keyfactor.call("POST", &path, wanted.clone()).await.expect(200), told);
    assert_eq!(keyfactor.call("PUT", &path, wanted).await.expect(200), told);
    assert_eq!(keyfactor.get(&path).await.expect(200), told);
}

#[tokio::test]
async fn stores_tell_their_job_and_what_is_noted() {
    let keyfactor = Keyfactor::new().await;
    let certificate = keyfactor.test.import_samples(1).await[0];
    let field = json!({ "Name": "Tier", "Description": "", "DataType": 1 });
    keyfactor.call("POST", "/MetadataFields", field).await.expect(200);
    let note = json!({ "Id": certificate, "Metadata": { "Tier": "gold" } });
    keyfactor.call("PUT", "/Certificates/Metadata", note).await.expect(204);
    let store = keyfactor.store("a.p12", 102).await;
    let path = format!("/CertificateStores/{store}");
    let job = keyfactor.get(&path).await.expect(200)["CertStoreInventoryJobId"].clone();
    assert!(uuid::Uuid::parse_str(job.as_str().unwrap()).is_ok(), "the first inventory is asked for at once: {job}");
    keyfactor.occupy(&store, "shop", certificate).await;
    let inventory = async |token: &str| {
        let found = keyfactor.as_somebody(token, "GET", &format!("{path}/Inventory"), Value::Null).await.expect(200);
        assert_eq!(found[0]["Certificates"][0]["Id"], certificate);
        found[0]["Certificates"][0]["Metadata"].clone()
    };
    let admin = keyfactor.test.admin.clone();
    assert_eq!(inventory(&admin).await, json!({ "Tier": "gold" }));
    let (_, _, keeper) = keyfactor.test.service("keeper", &["/certificate_stores/read/"]).await;
    assert_eq!(inventory(&keeper).await, json!({}), "who may not read certificates sees what is installed only");
    let container =
        keyfactor.call("POST", "/CertificateStoreContainers", json!({ "Name": "Web" })).await.expect(200)["Id"].clone();
    keyfactor.call("PUT", "/CertificateStores", json!({ "Id": store, "ContainerId": container })).await.expect(200);
    let (_, _, inside) = keyfactor.test.service("inside", &[&format!("/certificate_stores/read/{container}/")]).await;
    assert_eq!(inventory(&inside).await, json!({ "Tier": "gold" }), "the container reads its certificates");
}

#[tokio::test]
async fn every_list_ends() {
    let keyfactor = Keyfactor::new().await;
    keyfactor.test.post("/api/v1/authorities", json!({ "name": "Root", "subject": "CN=Root, O=Example" })).await.expect(201);
    let certificate = keyfactor.test.import_samples(1).await[0];
    let collections = [keyfactor.collection("One", "").await, keyfactor.collection("Two", "").await];
    let grants: Vec<String> = collections.iter().map(|id| format!("/certificates/collections/revoke/{id}/")).collect();
    let mut permissions: Vec<&str> = grants.iter().map(String::as_str).collect();
    permissions.extend(["/auditing/read/", "/certificates/collections/read/", "/certificate_stores/read/4/"]);
    permissions.push("/certificate_stores/read/5/");
    let role = keyfactor.role("Wide", &permissions).await;
    let identities = json!({ "Id": role, "Name": "Wide", "Permissions": ["Auditing:Read", "Certificates:Read"],
        "Identities": [{ "AccountName": "kim" }, { "AccountName": "ana" }] });
    keyfactor.call("PUT", "/Security/Roles", identities).await.expect(200);
    for name in ["b", "a", "c"] {
        let body = json!({ "Subject": format!("CN={name}.example.org"), "KeyType": "ECC", "KeyLength": 256 });
        keyfactor.call("POST", "/CSRGeneration/Generate", body).await.expect(200);
    }
    let role = format!("/Security/Roles/{role}");
    for (path, least) in [
        (format!("{role}/Permissions"), 2),
        (format!("{role}/Permissions/Global"), 2),
        (format!("{role}/Permissions/Collections"), 2),
        (format!("{role}/Permissions/Containers"), 2),
        (format!("{role}/Identities"), 2),
        (format!("/Certificates/IdentityAudit/{certificate}"), 2),
        ("/PermissionSets/My".into(), 1),
        ("/CSRGeneration/Pending".into(), 3),
        ("/Certificates/QueryParsers".into(), 40),
        ("/Status/Endpoints".into(), 60),
        ("/EnrollmentPatterns/SubjectParts".into(), 5),
        ("/Templates/SubjectParts".into(), 5),
        ("/IdentityProviders/Types".into(), 1),
    ] {
        let whole = keyfactor.get(&path).await;
        let total: usize = whole.headers["x-total-count"].to_str().unwrap().parse().unwrap();
        let whole = whole.expect(200).as_array().unwrap().clone();
        assert!(total >= least, "{path}: {total}");
        assert_eq!(whole.len(), total, "{path}: all of them when no page is asked for");
        let mut paged = Vec::new();
        for page in 1..=total + 1 {
            let some = keyfactor.get(&format!("{path}?query.pageReturned={page}&ReturnLimit=1")).await;
            assert_eq!(some.headers["x-total-count"].to_str().unwrap(), total.to_string(), "{path}");
            let some = some.expect(200).as_array().unwrap().clone();
            assert_eq!(some.len(), usize::from(page <= total), "{path}: page {page} of {total}");
            paged.extend(some);
        }
        assert_eq!(paged, whole, "{path}");
        refused(keyfactor.get(&format!("{path}?PageReturned=x")).await, 400);
    }
    let pending = async |query: &str| {
        let listed = keyfactor.get(&format!("/CSRGeneration/Pending?{query}")).await;
        let total = listed.headers["x-total-count"].to_str().unwrap().to_owned();
        let listed = listed.expect(200);
        let names = listed.as_array().unwrap().iter().map(|one| one["Subject"][0].as_str().unwrap()[3..4].to_owned());
        (names.collect::<String>(), total)
    };
    let is = |names: &str, total: &str| (names.to_owned(), total.to_owned());
    assert_eq!(pending("").await, is("cab", "3"), "the newest first");
    let query = encoded("Subject -contains \"A.EXAMPLE\" OR Subject -startswith \"CN=b\"");
    assert_eq!(pending(&format!("sq.queryString={query}&sq.returnLimit=1")).await, is("a", "2"));
    assert_eq!(pending("SortField=Id").await, is("bac", "3"));
    assert_eq!(pending("SortField=Subject&SortAscending=1").await, is("cba", "3"));
    refused(keyfactor.get("/CSRGeneration/Pending?QueryString=Size%20-eq%201").await, 400);
}

#[tokio::test]
async fn a_permission_set_is_renamed_without_losing_anything() {
    let keyfactor = Keyfactor::new().await;
    let set = json!({ "Name": "Shop", "Permissions": ["/certificates/", "/portal/read/"] });
    let set = keyfactor.call("POST", "/PermissionSets", set).await.expect(200);
    let renamed = keyfactor.call("PUT", "/PermissionSets", json!({ "Id": set["Id"], "Name": "Web" })).await.expect(200);
    assert_eq!((&renamed["Name"], &renamed["Permissions"]), (&json!("Web"), &set["Permissions"]));
    let emptied = json!({ "Id": set["Id"], "Name": "Web", "Permissions": [] });
    assert_eq!(keyfactor.call("PUT", "/PermissionSets", emptied).await.expect(200)["Permissions"], json!([]));
}
