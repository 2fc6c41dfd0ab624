//! A house with some of everything, and for each endpoint that takes a body one that succeeds there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Keyfactor;

/// A request that is in order.
pub struct Valid {
    pub path: String,
    pub body: Value,
    /// The version of the API.
    pub version: &'static str,
}

pub struct House {
    pub keyfactor: Keyfactor,
    ids: BTreeMap<&'static str, Value>,
    /// Imported ones, which nothing was done with.
    pub samples: Vec<i64>,
    /// With keys in custody.
    enrolled: Vec<i64>,
}

/// A signing request as PEM.
fn signing_request(name: &str) -> String {
    let mut wanted = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

impl House {
    pub async fn new() -> House {
        let keyfactor = Keyfactor::new().await;
        let authority = json!({ "name": "Root", "subject": "CN=Root, O=Example" });
        keyfactor.test.post("/api/v1/authorities", authority).await.expect(201);
        let mut enrolled = Vec::new();
        for number in 0..6 {
            enrolled.push(keyfactor.enrolled(&format!("CN=e{number}.example.org")).await);
        }
        let samples = keyfactor.test.import_samples(12).await;
        let mut house = House { keyfactor, ids: BTreeMap::new(), samples, enrolled };
        house.objects().await;
        house.stores().await;
        house
    }

    async fn make(&mut self, name: &'static str, path: &str, version: &str, body: Value) {
        let bearer = format!("Bearer {}", self.keyfactor.test.admin);
        let headers = [("x-keyfactor-api-version", version)];
        let path = format!("/KeyfactorAPI{path}");
        let made = self.keyfactor.with("POST", &path, &bearer, &headers, &body.to_string()).await.expect(200);
        self.ids.insert(name, made["Id"].clone());
    }

    async fn objects(&mut self) {
        let named = |name: &str| json!({ "Name": name, "Description": "" });
        for (name, path) in [("collection", "First"), ("collection to go", "Second")] {
            self.make(name, "/CertificateCollections", "1", json!({ "Name": path, "Query": "CertId -gt 0" })).await;
        }
        self.make("container", "/CertificateStoreContainers", "1", named("First")).await;
        self.make("container to go", "/CertificateStoreContainers", "1", named("Second")).await;
        for (name, value) in [("claim", "a"), ("claim to go", "b")] {
            let claim = json!({ "ClaimType": "OAuthRole", "ClaimValue": value, "ProviderAuthenticationScheme": "entra" });
            self.make(name, "/Security/Claims", "1", claim).await;
        }
        self.make("identity", "/Security/Identities", "1", json!({ "AccountName": "EXAMPLE\\kim" })).await;
        self.make("identity to go", "/Security/Identities", "1", json!({ "AccountName": "EXAMPLE\\joe" })).await;
        self.make("role", "/Security/Roles", "2", named("First")).await;
        self.make("role to go", "/Security/Roles", "2", named("Second")).await;
        for (name, title) in [("set", "First"), ("set to go", "Second")] {
            self.make(name, "/PermissionSets", "1", json!({ "Name": title, "Permissions": ["/certificates/"] })).await;
        }
        for (name, title) in [("field", "Team"), ("field to go", "Tier"), ("another field to go", "Stage")] {
            self.make(name, "/MetadataFields", "1", json!({ "Name": title, "Description": "", "DataType": 1 })).await;
        }
        for (name, title) in [("pattern", "Web servers"), ("pattern to go", "Others")] {
            let pattern = json!({ "Name": title, "Template": 1, "TemplateDefault": name == "pattern" });
            self.make(name, "/EnrollmentPatterns", "1", pattern).await;
        }
        self.make("provider", "/IdentityProviders", "1", House::provider("corporate", "sso.example.org")).await;
        for name in ["x", "y"] {
            let wanted = json!({ "Subject": format!("CN={name}.example.org"), "KeyType": "ECC", "KeyLength": 256 });
            self.keyfactor.call("POST", "/CSRGeneration/Generate", wanted).await.expect(200);
        }
        let pending = self.keyfactor.get("/CSRGeneration/Pending").await.expect(200);
        self.ids.insert("request", pending[0]["Id"].clone());
        self.ids.insert("another request", pending[1]["Id"].clone());
        let out = format!("/Certificates/Exclude/{}", self.samples[11]);
        self.keyfactor.call("DELETE", &out, Value::Null).await.expect(204);
        let excluded = self.keyfactor.get("/Certificates/ExcludedCertificates").await.expect(200);
        self.ids.insert("excluded", excluded[0]["Id"].clone());
    }

    async fn stores(&mut self) {
        for (name, path) in [("store", "one"), ("store to go", "two"), ("another store to go", "three")] {
            let body = json!({ "DisplayName": path, "ClientMachine": "here", "Storepath": format!("/srv/tls/{path}"), "CertStoreType": 2 });
            self.make(name, "/CertificateStores", "1", body).await;
        }
        let shown = self.keyfactor.get(&format!("/Certificates/{}", self.enrolled[4])).await.expect(200);
        let der = STANDARD.decode(shown["ContentBytes"].as_str().unwrap()).unwrap();
        self.keyfactor.test.stocked(self.ids["store"].as_str().unwrap(), &[der]).await;
    }

    fn provider(scheme: &str, host: &str) -> Value {
        let parameters = json!({ "Authority": format!("https://{host}"), "OIDCAudience": "certhold", "RoleClaimType": "roles" });
        json!({ "AuthenticationScheme": scheme, "DisplayName": scheme, "ProviderType": "Generic", "Parameters": parameters,
            "AuthenticationEnabled": true })
    }

    /// What the path of an endpoint names.
    fn path(&self, method: &str, path: &str) -> String {
        let to_go = method == "DELETE";
        let of = |kept: &str, gone: &str| {
            let id = &self.ids[if to_go { gone } else { kept }];
            id.as_str().map_or_else(|| id.to_string(), str::to_owned)
        };
        let id = match path.split('/').nth(1).unwrap() {
            "CertificateCollections" => of("collection", "collection to go"),
            "CertificateStoreContainers" => of("container", "container to go"),
            "CertificateStores" => of("store", "store to go"),
            "EnrollmentPatterns" => of("pattern", "pattern to go"),
            "IdentityProviders" => of("provider", "provider"),
            "MetadataFields" => of("field", "field to go"),
            "PermissionSets" => of("set", "set to go"),
            "CSRGeneration" => of("request", "request"),
            "Templates" => "1".into(),
            "Audit" => "1".into(),
            "Security" if path.contains("/Claims/") => of("claim", "claim to go"),
            "Security" if path.contains("/Identities/{id}") => of("identity", "identity to go"),
            "Security" => of("role", "role to go"),
            _ if path.contains("/PrivateKey/") => self.enrolled[1].to_string(),
            _ if path.contains("/Exclude/") => self.samples[4].to_string(),
            _ if to_go => self.samples[1].to_string(),
            _ => self.samples[8].to_string(),
        };
        // Certificates have values in it.
        let force = if (method, path) == ("DELETE", "/MetadataFields/{id}") { "?force=true" } else { "" };
        path.replace("{id}", &id).replace("{thumbprint}", &"0".repeat(40)) + force
    }

    /// A request for this endpoint that is in order, in each version that it has; none for an endpoint without a body.
    pub fn valid(&self, method: &str, path: &str) -> Vec<Valid> {
        let (ids, samples, enrolled) = (&self.ids, &self.samples, &self.enrolled);
        let by = |number: usize| format!("CertId -eq {}", samples[number]);
        let body = match (method, path) {
            ("GET", _) => return Vec::new(),
            ("DELETE", "/Certificates/Query") => json!(by(2)),
            ("DELETE", "/Certificates/Exclude/Query") => json!(by(5)),
            ("DELETE", "/Certificates") => json!([samples[0]]),
            ("DELETE", "/Certificates/Exclude") => json!([samples[3]]),
            ("DELETE", "/Certificates/ExcludedCertificates") => json!([ids["excluded"]]),
            ("DELETE", "/Certificates/PrivateKey") => json!([enrolled[0]]),
            ("DELETE", "/CertificateStores") => json!([ids["another store to go"]]),
            ("DELETE", "/MetadataFields") => json!([ids["another field to go"]]),
            ("DELETE", "/CSRGeneration/Pending") => json!([ids["another request"]]),
            ("DELETE", _) => Value::Null,
            (_, path) if path.starts_with("/Certificates/") => self.of_certificates(path),
            (_, path) if path.starts_with("/CertificateSto") => self.of_stores(method, path),
            (_, path) if path.starts_with("/Security") => return self.of_security(method, path),
            (_, path) if path.starts_with("/Enrollment") || path.starts_with("/CSRGeneration") => self.of_enrolment(method, path),
            ("POST", "/CertificateCollections") => json!({
                "Name": "Third", "Description": "d", "Query": "IssuedCN -contains \"x\"", "DuplicationField": 1,
                "ShowOnDashboard": false, "Favorite": true,
            }),
            (_, "/CertificateCollections") => {
                json!({ "Id": ids["collection"], "Name": "First", "Description": "e", "Query": "CertId -gt 0", "Favorite": true })
            }
            (_, "/CertificateCollections/Copy") => json!({ "CopyFromId": ids["collection"], "Name": "Copy", "Description": "c" }),
            (_, "/CertificateCollections/{id}/Favorite") => json!(true),
            (_, "/CertificateCollections/{id}/Permissions") => json!([{ "RoleId": ids["role"], "Permissions": ["Read"] }]),
            (_, "/Templates") => json!({ "Id": 2, "TemplatePolicy": { "CertificateOwnerRole": 1 } }),
            ("POST", "/MetadataFields") => json!({
                "Name": "Fresh", "Description": "d", "DataType": 5, "Hint": "h", "Enrollment": 0, "Options": "a,b",
                "DefaultValue": "a", "DisplayOrder": 3,
            }),
            (_, "/MetadataFields") => {
                json!({ "Id": ids["field"], "Name": "Team", "Description": "d", "DataType": 1, "Hint": "h", "Validation": ".", "Message": "m" })
            }
            ("POST", "/PermissionSets") => json!({ "Name": "Third", "Permissions": ["/certificates/"] }),
            (_, "/PermissionSets") => json!({ "Id": ids["set"], "Name": "First!", "Permissions": ["/certificates/"] }),
            ("POST", "/IdentityProviders") => House::provider("other", "other.example.org"),
            (_, "/IdentityProviders/{id}") => House::provider("corporate", "sso.example.org"),
            _ => panic!("{method} {path} has no valid request"),
        };
        vec![Valid { path: self.path(method, path), body, version: "1" }]
    }

    fn of_certificates(&self, path: &str) -> Value {
        let (ids, samples, enrolled) = (&self.ids, &self.samples, &self.enrolled);
        match path {
            "/Certificates/Owner" => json!({ "CertificateIds": [samples[8]], "NewRoleId": ids["role"], "NewRoleName": null }),
            "/Certificates/{id}/Owner" => json!({ "NewRoleName": "First" }),
            "/Certificates/Metadata" => json!({ "Id": samples[8], "Metadata": { "Team": "Web" } }),
            "/Certificates/Metadata/All" => json!({
                "CertificateIds": [samples[8]], "Metadata": [{ "MetadataName": "Tier", "Value": "2", "OverwriteExisting": false }],
            }),
            "/Certificates/Revoke" => json!({
                "CertificateIds": [samples[6]], "Reason": 4, "Comment": "c", "EffectiveDate": "2026-03-01T08:30:00Z",
            }),
            "/Certificates/RevokeAll" => {
                json!({ "Query": format!("CertId -eq {}", samples[7]), "Reason": 4, "Comment": "c", "IncludeExpired": true })
            }
            "/Certificates/Import" => {
                let content = crate::testing::sample_pem(77);
                json!({ "Certificate": STANDARD.encode(content), "Metadata": { "Team": "Web" }, "OwnerRoleId": ids["role"] })
            }
            "/Certificates/Analyze" => json!({ "Certificate": STANDARD.encode(crate::testing::sample_pem(78)) }),
            "/Certificates/Download" => json!({ "CertID": samples[8], "IncludeChain": true, "ChainOrder": "RootFirst" }),
            "/Certificates/Recover" => json!({ "CertID": enrolled[3], "Password": "sesame sesame", "IncludeChain": true }),
            other => panic!("{other} has no valid request"),
        }
    }

    fn of_stores(&self, method: &str, path: &str) -> Value {
        let (ids, enrolled) = (&self.ids, &self.enrolled);
        match (method, path) {
            ("POST", "/CertificateStoreContainers") => {
                json!({ "Name": "Third", "OverwriteSchedules": false, "Schedule": "", "CertStoreType": 102 })
            }
            (_, "/CertificateStoreContainers") => {
                json!({ "Id": ids["container"], "Name": "First!", "OverwriteSchedules": false })
            }
            ("POST", "/CertificateStores") => json!({
                "ContainerId": ids["container"], "DisplayName": "new", "ClientMachine": "here", "Storepath": "/srv/tls/new.p12",
                "CertStoreType": 102, "CreateIfMissing": true, "Properties": "{\"encryption\":\"legacy\"}",
                "InventorySchedule": { "Interval": { "Minutes": 30 } }, "Password": { "SecretValue": "changeit-4711" },
            }),
            (_, "/CertificateStores") => json!({ "Id": ids["store"], "DisplayName": "first", "ClientMachine": "there" }),
            (_, "/CertificateStores/Certificates/Add") => json!({
                "CertificateId": enrolled[3], "CollectionId": ids["collection"], "Schedule": { "Immediate": true },
                "CertificateStores": [{ "CertificateStoreId": ids["store"], "Alias": "x", "Overwrite": true, "IncludePrivateKey": true }],
            }),
            (_, "/CertificateStores/Certificates/Remove") => json!({
                "CertificateStores": [{ "CertificateStoreId": ids["store"], "Alias": "entry-0" }], "Schedule": { "Immediate": true },
            }),
            (_, "/CertificateStores/Schedule") => {
                let weekly = json!({ "Weekly": { "Days": [1], "Time": "2026-03-01T03:15:00Z" } });
                json!({ "StoreIds": [ids["store"]], "Schedule": weekly })
            }
            (_, "/CertificateStores/AssignContainer") => {
                json!({ "CertStoreContainerId": ids["container"], "KeystoreIds": [ids["store"]] })
            }
            other => panic!("{other:?} has no valid request"),
        }
    }

    fn of_security(&self, method: &str, path: &str) -> Vec<Valid> {
        let ids = &self.ids;
        let body = match (method, path) {
            ("POST" | "PUT", "/Security/Roles") => {
                let id = &ids["role"];
                let name = if method == "POST" { "Third" } else { "First" };
                let first = json!({ "Id": id, "Name": name, "Description": "d", "Permissions": ["Auditing:Read"],
                    "Identities": [{ "AccountName": "EXAMPLE\\kim", "SID": "S-1", "IdentityType": "User" }] });
                let second = json!({
                    "Id": id, "Name": if method == "POST" { "Fourth" } else { "First" }, "Description": "d",
                    "EmailAddress": "web@example.org", "Permissions": ["/certificates/collections/read/"],
                    "Claims": [{ "ClaimType": "OAuthRole", "ClaimValue": "w", "ProviderAuthenticationScheme": "entra", "Description": "" }],
                });
                let valid = |body, version| Valid { path: path.to_owned(), body, version };
                return vec![valid(first, "1"), valid(second, "2")];
            }
            (_, "/Security/Roles/{id}/Copy") => json!({ "Name": "Copy", "Description": "c" }),
            (_, "/Security/Roles/{id}/Identities") => json!({ "Ids": [ids["identity"]] }),
            (_, path) if path.ends_with("/Global") => json!([{ "Area": "Auditing", "Permission": "Read" }]),
            (_, path) if path.ends_with("/Collections") => json!([{ "CollectionId": ids["collection"], "Permission": "Read" }]),
            (_, path) if path.ends_with("/Containers") => json!([{ "ContainerId": ids["container"], "Permission": "Read" }]),
            ("POST", "/Security/Claims") => json!({
                "ClaimType": "OAuthSubject", "ClaimValue": "v", "ProviderAuthenticationScheme": "entra", "Description": "d",
            }),
            (_, "/Security/Claims") => {
                json!({ "Id": ids["claim"], "ClaimType": 4, "ClaimValue": "a", "ProviderAuthenticationScheme": "entra", "Description": "d" })
            }
            (_, "/Security/Identities") => json!({ "AccountName": "EXAMPLE\\ann", "IdentityType": "Group" }),
            other => panic!("{other:?} has no valid request"),
        };
        vec![Valid { path: self.path(method, path), body, version: "1" }]
    }

    fn of_enrolment(&self, method: &str, path: &str) -> Value {
        let (ids, enrolled) = (&self.ids, &self.enrolled);
        match (method, path) {
            ("POST" | "PUT", path) if path.starts_with("/EnrollmentPatterns") => json!({
                "Id": ids["pattern"], "Name": if method == "POST" { "Third" } else { "Web servers" }, "Description": "d", "Template": 1,
                "AllowedEnrollmentTypes": 7, "AssociatedRoles": ["First"], "CertificateAuthorities": [{ "Id": 1 }],
                "Regexes": [{ "SubjectPart": "O", "Regex": "^Ex", "Error": "ours", "CaseSensitive": true }],
                "Defaults": [{ "SubjectPart": "O", "Value": "Example" }],
                "MetadataFields": [{ "MetadataId": ids["field"], "DefaultValue": "Web", "Enrollment": 0 }],
                "Policies": { "AllowKeyReuse": true, "CertificateOwnerRole": 0, "DefaultCertificateOwnerRoleId": ids["role"] },
            }),
            (_, "/CSRGeneration/Generate") => json!({
                "Subject": "CN=z.example.org", "KeyType": "ECC", "KeyLength": 256, "Template": "client",
            }),
            (_, "/Enrollment/CSR/Parse") => json!({ "CSR": signing_request("p.example.org") }),
            (_, "/Enrollment/CSR") => json!({
                "CSR": signing_request("s.example.org"), "CertificateAuthority": "host\\Root", "Template": "server",
                "IncludeChain": true, "SANs": { "dns": ["s.example.org"] }, "Metadata": { "Team": "Web" }, "OwnerRoleName": "Administrator",
            }),
            (_, "/Enrollment/PFX") => json!({
                "Subject": "CN=t.example.org", "Password": "sesame sesame", "CertificateAuthority": "Root", "Template": "server",
                "IncludeChain": true, "KeyType": "ECC", "KeyLength": 256, "SANs": { "dns": ["t.example.org"], "ip4": ["192.0.2.1"] },
                "Metadata": { "Team": "Web" }, "OwnerRoleId": ids["role"], "CustomFriendlyName": "shop",
                "Stores": [{ "StoreId": ids["store"], "Alias": "t", "Overwrite": true }],
            }),
            (_, "/Enrollment/PFX/Deploy") => json!({
                "CertificateId": enrolled[3], "JobTime": "2099-01-01T00:00:00Z",
                "Stores": [{ "StoreId": ids["store"], "Alias": "d", "Overwrite": true }],
            }),
            (_, "/Enrollment/PFX/Replace") => {
                json!({ "ExistingCertificateId": enrolled[4], "CertificateId": enrolled[5], "JobTime": "2099-01-01T00:00:00Z" })
            }
            (_, "/Enrollment/Renew") => {
                json!({ "CertificateId": enrolled[2], "CertificateAuthority": "Root", "Template": "server" })
            }
            other => panic!("{other:?} has no valid request"),
        }
    }
}
