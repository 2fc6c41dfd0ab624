//! Enrolment patterns and templates, as clients read and write them.

use serde_json::{Value, json};

use super::{Keyfactor, refused};

async fn house() -> (Keyfactor, i64) {
    let keyfactor = Keyfactor::new().await;
    let authority = json!({ "name": "Root", "subject": "CN=Root, O=Example" });
    let authority = keyfactor.test.post("/api/v1/authorities", authority).await.expect(201)["id"].as_i64().unwrap();
    (keyfactor, authority)
}

fn whole(authority: i64, field: &Value, role: &str) -> Value {
    json!({
        "Name": "Web servers", "Description": "for shops", "Template": 1, "TemplateDefault": true, "AllowedEnrollmentTypes": 3,
        "AssociatedRoles": [role], "RestrictCAs": true, "CertificateAuthorities": [authority],
        "Regexes": [
            { "SubjectPart": "DNS", "Regex": "\\.example\\.org$", "Error": "a host of ours", "CaseSensitive": true },
            { "SubjectPart": "OU", "Regex": "^ops$", "Error": "", "CaseSensitive": false },
        ],
        "Defaults": [{ "SubjectPart": "O", "Value": "Example" }, { "SubjectPart": "OU", "Value": "Ops" }],
        "MetadataFields": [{ "MetadataId": field, "DefaultValue": "", "Validation": "", "Enrollment": 1, "Message": "" }],
        "Policies": {
            "AllowKeyReuse": false, "AllowWildcards": true, "RFCEnforcement": true, "CertificateOwnerRole": 1,
            "DefaultCertificateOwnerRoleName": role, "DefaultCertificateOwnerOverride": false,
            "KeyInfo": { "RSA": { "BitLengths": [3072, 4096] }, "ECDSA": { "Curves": ["1.3.132.0.34"] } },
        },
    })
}

#[tokio::test]
async fn a_pattern_is_read_as_it_was_written() {
    let (keyfactor, authority) = house().await;
    let role = keyfactor.role("Web", &["/certificates/enrollment/"]).await;
    let field = json!({ "Name": "Team", "Description": "", "DataType": 1 });
    let field = keyfactor.call("POST", "/MetadataFields", field).await.expect(200)["Id"].clone();
    let made = keyfactor.call("POST", "/EnrollmentPatterns", whole(authority, &field, "Web")).await.expect(200);
    let id = made["Id"].as_i64().unwrap();
    let path = format!("/EnrollmentPatterns/{id}");
    assert_eq!(keyfactor.get(&path).await.expect(200), made);
    for (member, value) in [
        ("Name", json!("Web servers")),
        ("TemplateDefault", json!(true)),
        ("AllowedEnrollmentTypes", json!(3)),
        ("AssociatedRoles", json!([{ "Id": role, "Name": "Web" }])),
        ("RestrictCAs", json!(true)),
        ("CertificateAuthorities", json!([{ "Id": authority, "Name": "Root" }])),
        ("UseADPermissions", json!(false)),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    assert_eq!(made["Template"]["TemplateName"], "server");
    assert_eq!(made["Regexes"][1], json!({ "SubjectPart": "OU", "Regex": "(?i)^ops$", "Error": "", "CaseSensitive": false }));
    let policies = &made["Policies"];
    assert_eq!((&policies["CertificateOwnerRole"], &policies["DefaultCertificateOwnerRoleId"]), (&json!(1), &json!(role)));
    assert_eq!(policies["KeyInfo"]["RSA"]["BitLengths"], json!([3072, 4096]));
    assert_eq!(policies["KeyInfo"]["ECDSA"]["Curves"], json!(["1.3.132.0.34"]));

    // What was read can be sent back, to either address, and changes nothing; what is left out stays.
    let events = keyfactor.test.events().await;
    assert_eq!(keyfactor.call("PUT", &path, made.clone()).await.expect(200), made);
    assert_eq!(keyfactor.call("PUT", "/EnrollmentPatterns", made.clone()).await.expect(200), made);
    assert_eq!(keyfactor.test.events().await, events);
    let changed = keyfactor.call("PUT", &path, json!({ "Policies": { "AllowWildcards": false } })).await.expect(200);
    assert_eq!(changed["Policies"]["AllowWildcards"], false);
    assert_eq!((&changed["Defaults"], &changed["MetadataFields"]), (&made["Defaults"], &made["MetadataFields"]));
    let bare = json!({ "Regexes": [], "Defaults": [], "MetadataFields": [], "AssociatedRoles": [], "RestrictCAs": false,
        "Policies": { "DefaultCertificateOwnerRoleName": "", "CertificateOwnerRole": 0, "KeyInfo": {} } });
    let bare = keyfactor.call("PUT", &path, bare).await.expect(200);
    for member in ["Regexes", "Defaults", "MetadataFields", "AssociatedRoles", "CertificateAuthorities"] {
        assert_eq!(bare[member], json!([]), "{member}");
    }
    assert_eq!(bare["Policies"]["DefaultCertificateOwnerRoleId"], Value::Null);
    assert_eq!(bare["Policies"]["KeyInfo"]["RSA"]["BitLengths"], json!([2048, 3072, 4096]), "every key again");

    // Lists are asked, ordered and counted.
    let second = json!({ "Name": "Another", "Template": 2 });
    keyfactor.call("POST", "/EnrollmentPatterns", second).await.expect(200);
    let reply = keyfactor.get("/EnrollmentPatterns?QueryString=Template%20-eq%20%22client%22").await;
    assert_eq!(reply.headers["x-total-count"], "1");
    assert_eq!(reply.expect(200)[0]["Name"], "Another");
    let all = keyfactor.get("/EnrollmentPatterns?SortField=Name&SortAscending=1").await.expect(200);
    assert_eq!(all[0]["Name"], "Web servers");
    refused(keyfactor.get("/EnrollmentPatterns?SortField=Size").await, 400);
    let settings = keyfactor.get(&format!("{path}/Settings")).await.expect(200);
    assert_eq!((&settings["EnrollmentPatternId"], &settings["Policies"]), (&json!(id), &bare["Policies"]));
    assert_eq!(settings["MetadataFields"][0]["MetadataId"], field, "every field, as it holds");
    let parts = keyfactor.get("/EnrollmentPatterns/SubjectParts").await.expect(200);
    assert_eq!(parts[0], json!({ "SubjectPart": "CN", "SubjectPartName": "Common name" }));
    assert_eq!(keyfactor.get("/Templates/SubjectParts").await.expect(200), parts);
    keyfactor.call("DELETE", &path, Value::Null).await.expect(204);
    let gone = refused(keyfactor.get(&path).await, 404);
    assert_eq!(gone["Message"], format!("Unable to find 'Enrollment Pattern' with Id '{id}'"));
}

#[tokio::test]
async fn what_cannot_be_a_pattern_is_refused() {
    let (keyfactor, authority) = house().await;
    let made = json!({ "Name": "First", "Template": 1, "TemplateDefault": true });
    let first = keyfactor.call("POST", "/EnrollmentPatterns", made).await.expect(200)["Id"].as_i64().unwrap();
    let events = keyfactor.test.events().await;
    for (status, body, said) in [
        (400, json!({ "Template": 1 }), "Name"),
        (400, json!({ "Name": "x" }), "Template"),
        (404, json!({ "Name": "x", "Template": 9 }), "'Template' with Id '9'"),
        (409, json!({ "Name": " first", "Template": 1 }), "already"),
        (409, json!({ "Name": "x", "Template": 1, "TemplateDefault": true }), "is the default"),
        (400, json!({ "Name": "x", "Template": 1, "AllowedEnrollmentTypes": 8 }), "AllowedEnrollmentTypes"),
        (400, json!({ "Name": "x", "Template": 1, "CertificateAuthorities": [99] }), "CertificateAuthority"),
        (400, json!({ "Name": "x", "Template": 1, "CertificateAuthorities": [authority, 99] }), "one authority"),
        (400, json!({ "Name": "x", "Template": 1, "RestrictCAs": true, "CertificateAuthorities": [] }), "names its authority"),
        (404, json!({ "Name": "x", "Template": 1, "AssociatedRoles": ["nobody"] }), "Security Role"),
        (400, json!({ "Name": "x", "Template": 1, "Regexes": [{ "SubjectPart": "CN", "Regex": "(" }] }), "regular expression"),
        (400, json!({ "Name": "x", "Template": 1, "Regexes": [{ "SubjectPart": "X", "Regex": "a" }] }), "no part"),
        (
            400,
            json!({ "Name": "x", "Template": 1,
                "Regexes": [{ "SubjectPart": "CN", "Regex": "a" }, { "SubjectPart": "cn", "Regex": "b" }] }),
            "stands twice",
        ),
        (
            400,
            json!({ "Name": "x", "Template": 1, "Defaults": [{ "SubjectPart": "DNS", "Value": "a" }] }),
            "only parts of the subject",
        ),
        (400, json!({ "Name": "x", "Template": 1, "MetadataFields": [{ "MetadataId": 9 }] }), "no metadata field 9"),
        (400, json!({ "Name": "x", "Template": 1, "Policies": { "CertificateOwnerRole": 3 } }), "0 optional"),
        (
            400,
            json!({ "Name": "x", "Template": 1, "Policies": { "DefaultCertificateOwnerRoleName": "nobody" } }),
            "no role named",
        ),
        (400, json!({ "Name": "x", "Template": 1, "Policies": { "KeyInfo": { "RSA": { "BitLengths": [1024] } } } }), "KeyLength"),
    ] {
        let reply = refused(keyfactor.call("POST", "/EnrollmentPatterns", body.clone()).await, status);
        assert!(reply["Message"].as_str().unwrap().contains(said), "{body}: {reply}");
    }
    refused(keyfactor.call("PUT", "/EnrollmentPatterns", json!({ "Name": "x" })).await, 400);
    refused(keyfactor.call("PUT", "/EnrollmentPatterns/99", json!({ "Name": "x" })).await, 404);
    refused(keyfactor.call("DELETE", "/EnrollmentPatterns/99", Value::Null).await, 404);
    assert_eq!(keyfactor.test.events().await, events);
    let forced = json!({ "Name": "Second", "Template": 1, "TemplateDefault": true });
    keyfactor.call("POST", "/EnrollmentPatterns?forceTemplateDefault=true", forced).await.expect(200);
    let first = keyfactor.get(&format!("/EnrollmentPatterns/{first}")).await.expect(200);
    assert_eq!(first["TemplateDefault"], false);
}

#[tokio::test]
async fn a_pattern_with_certificates_is_removed_by_force() {
    let (keyfactor, _) = house().await;
    let made = json!({ "Name": "First", "Template": 1, "TemplateDefault": true });
    let id = keyfactor.call("POST", "/EnrollmentPatterns", made).await.expect(200)["Id"].as_i64().unwrap();
    let certificate = keyfactor.enrolled("CN=a.example.org").await;
    let shown = async || keyfactor.get(&format!("/Certificates/{certificate}")).await.expect(200);
    let before = shown().await;
    assert_eq!(
        (&before["EnrollmentPatternId"], &before["TemplateName"], &before["TemplateId"], &before["CertificateAuthorityName"]),
        (&json!(id), &json!("server"), &json!(1), &json!("Root"))
    );
    let path = format!("/EnrollmentPatterns/{id}");
    let said = refused(keyfactor.call("DELETE", &path, Value::Null).await, 409);
    assert!(said["Message"].as_str().unwrap().contains("1 certificates"), "{said}");
    keyfactor.call("DELETE", &format!("{path}?force=true"), Value::Null).await.expect(204);
    assert_eq!((&shown().await["EnrollmentPatternId"], &shown().await["TemplateName"]), (&Value::Null, &json!("server")));
}

#[tokio::test]
async fn templates_show_their_default_pattern() {
    let (keyfactor, authority) = house().await;
    keyfactor.role("Web", &[]).await;
    let field = json!({ "Name": "Team", "Description": "", "DataType": 1 });
    let field = keyfactor.call("POST", "/MetadataFields", field).await.expect(200)["Id"].clone();
    let all = keyfactor.get("/Templates").await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 5);
    assert_eq!((&all[0]["CommonName"], &all[0]["AllowedEnrollmentTypes"]), (&json!("server"), &json!(7)));
    assert_eq!(all[0]["ExtendedKeyUsages"][0]["Oid"], "1.3.6.1.5.5.7.3.1");
    keyfactor.call("POST", "/EnrollmentPatterns", whole(authority, &field, "Web")).await.expect(200);
    let shown = keyfactor.get("/Templates/1").await.expect(200);
    assert_eq!((&shown["AllowedEnrollmentTypes"], &shown["AllowedRequesters"]), (&json!(3), &json!(["Web"])));
    assert_eq!((&shown["KeyType"], &shown["KeySize"], &shown["RFCEnforcement"]), (&json!("ECC"), &json!("384"), &json!(true)));
    assert_eq!(shown["TemplateRegexes"][0]["SubjectPart"], "DNS");
    // A whole template can be sent back; only what it asks about owners changes.
    let mut sent = shown.clone();
    sent["TemplatePolicy"]["CertificateOwnerRole"] = json!(1);
    let changed = keyfactor.call("PUT", "/Templates", sent.clone()).await.expect(200);
    assert_eq!(changed, sent);
    let events = keyfactor.test.events().await;
    keyfactor.call("PUT", "/Templates", sent).await.expect(200);
    refused(keyfactor.call("PUT", "/Templates", json!({ "Id": 1, "TemplatePolicy": { "CertificateOwnerRole": 2 } })).await, 400);
    refused(keyfactor.call("PUT", "/Templates", json!({ "Id": 1, "TemplatePolicy": { "CertificateOwnerRole": 7 } })).await, 400);
    refused(keyfactor.call("PUT", "/Templates", json!({ "Id": 9 })).await, 404);
    refused(keyfactor.get("/Templates/9").await, 404);
    assert_eq!(keyfactor.test.events().await, events);
    let found = keyfactor.get("/Templates?QueryString=DisplayName%20-contains%20%22mail%22").await.expect(200);
    assert_eq!(found[0]["CommonName"], "mail");
}
