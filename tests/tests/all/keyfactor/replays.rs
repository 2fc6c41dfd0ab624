//! What the other published clients send, byte for byte, over a bare connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_tests::server::{ADMIN_PASSWORD, Launch};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::certificate;
use crate::api::Api;

/// An answer as it came over the connection.
struct Raw {
    status: u16,
    head: String,
    body: String,
}

impl Raw {
    #[track_caller]
    fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        if self.body.is_empty() { Value::Null } else { serde_json::from_str(&self.body).unwrap() }
    }

    /// The values of a header.
    fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

struct Client {
    api: Api,
    authorization: String,
}

impl Client {
    async fn start() -> Client {
        Client::of(Launch::new()).await
    }

    async fn of(launch: Launch) -> Client {
        let api = Api::start(launch.plain_http()).await;
        let authorization = format!("Basic {}", STANDARD.encode(format!("EXAMPLE\\admin:{ADMIN_PASSWORD}")));
        Client { api, authorization }
    }

    /// Sends a request line, further headers and a body, each as it is.
    async fn send(&self, line: &str, headers: &str, body: &str) -> Raw {
        let address = self.api.server.url("").replace("http://", "");
        let mut connection = TcpStream::connect(&address).await.unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\nX-Keyfactor-Requested-With: APIClient\r\n{headers}{length}Connection: close\r\n\r\n{body}",
            self.authorization
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Raw { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn import(&self, name: &str) -> i64 {
        let body = json!({ "Certificate": STANDARD.encode(certificate(name)) }).to_string();
        let json = "Content-Type: application/json\r\n";
        self.send("POST /KeyfactorAPI/Certificates/Import", json, &body).await.expect(200);
        let found =
            self.send(&format!("GET /KeyfactorAPI/Certificates?pq.queryString=IssuedCN%20-eq%20%22{name}%22"), "", "").await;
        found.expect(200)[0]["Id"].as_i64().unwrap()
    }
}

const V1: &str = "Content-Type: application/json\r\nx-keyfactor-api-version: 1\r\n";
const V2: &str = "Content-Type: application/json\r\nx-keyfactor-api-version: 2.0\r\n";

/// A role gets another name: a copy of it is made, its certificates are given to the copy, and it is removed.
#[tokio::test]
async fn a_role_is_renamed_by_the_powershell_script() {
    let client = Client::start().await;
    let claim = r#"{"ClaimType":"OAuthRole","ClaimValue":"old-team","ProviderAuthenticationScheme":"entra","Description":"d"}"#;
    let claim = client.send("POST /KeyfactorAPI/Security/Claims", V1, claim).await.expect(200);
    let role = json!({ "Name": "Old Team", "Description": "x", "Permissions": ["/portal/read/"], "Claims": [{
        "ClaimType": "OAuthRole", "ClaimValue": "old-team", "ProviderAuthenticationScheme": "entra", "Description": "d" }] });
    client.send("POST /KeyfactorAPI/Security/Roles", V2, &role.to_string()).await.expect(200);
    let mut ids = Vec::new();
    for number in 0..52 {
        ids.push(client.import(&format!("{number}.example.com")).await);
    }
    for id in &ids {
        let path = format!("PUT /KeyfactorAPI/Certificates/{id}/Owner");
        client.send(&path, V1, r#"{"NewRoleName":"Old Team"}"#).await.expect(204);
    }
    let found =
        client.send("GET /KeyfactorAPI/Security/Roles?QueryString=Name%20-eq%20%22Old%20Team%22", V2, "").await.expect(200);
    let mut copy = found[0].clone();
    let one = client.send(&format!("GET /KeyfactorAPI/security/claims/{}", claim["Id"]), V1, "").await.expect(200);
    assert_eq!(one["Provider"]["AuthenticationScheme"], "entra");
    let old = copy["Id"].clone();
    copy["Name"] = json!("New Team");
    copy["Claims"][0]["ProviderAuthenticationScheme"] = one["Provider"]["AuthenticationScheme"].clone();
    let new = client.send("POST /KeyfactorAPI/security/roles", V2, &copy.to_string()).await.expect(200);
    let query = "QueryString=OwnerRoleName%20-eq%20%22Old%20Team%22";
    let first = client.send(&format!("GET /KeyfactorAPI/Certificates?{query}&ReturnLimit=1"), V1, "").await;
    assert_eq!(first.header("x-total-count"), ["52"], "exactly once");
    let mut theirs = Vec::new();
    for page in 1..=2 {
        let rows = client.send(&format!("GET /KeyfactorAPI/Certificates?{query}&PageReturned={page}&ReturnLimit="), V1, "").await;
        theirs.extend(rows.expect(200).as_array().unwrap().iter().map(|one| one["Id"].as_i64().unwrap()));
    }
    assert_eq!(theirs, ids, "pages of fifty, in one order");
    for id in theirs {
        client.send(&format!("PUT /KeyfactorAPI/certificates/{id}/owner"), V1, r#"{"NewRoleName":"New Team"}"#).await.expect(204);
    }
    client.send(&format!("DELETE /KeyfactorAPI/Security/Roles/{old}"), V1, "").await.expect(204);
    let theirs =
        client.send(&format!("GET /KeyfactorAPI/Certificates?QueryString=OwnerRoleId%20-eq%20{}", new["Id"]), V1, "").await;
    assert_eq!(theirs.header("x-total-count"), ["52"]);
}

/// A team is taken on board: a collection of what its role owns, and the role with rights on that collection.
#[tokio::test]
async fn a_team_is_taken_on_board_by_the_powershell_script() {
    let client = Client::start().await;
    let missing = client.send("GET /KeyfactorAPI/CertificateCollections/Web%20Operations", V1, "").await;
    assert!(missing.expect(404)["Message"].is_string());
    let collection = r#"{"Name":"Web Operations","Description":"d","Query":"OwnerRoleName -eq \"Web Operations\"","Favorite":true,"DuplicationField":2}"#;
    let collection = client.send("POST /KeyfactorAPI/CertificateCollections", V1, collection).await.expect(200)["Id"].clone();
    let sets = client.send("GET /KeyfactorAPI/permissionsets", V1, "").await.expect(200);
    let global =
        sets.as_array().unwrap().iter().find(|set| set["Name"].as_str().unwrap().eq_ignore_ascii_case("global")).unwrap();
    client.send("GET /KeyfactorAPI/security/claims", V1, "").await.expect(200);
    let claim = r#"{"ClaimType":"OAuthRole","ClaimValue":"web","ProviderAuthenticationScheme":"entra","Description":"d"}"#;
    client.send("POST /KeyfactorAPI/security/claims", V1, claim).await.expect(200);
    let rights = ["read", "metadata/modify", "private_key/read", "revoke", "change_owner"];
    let mut permissions: Vec<String> =
        rights.iter().map(|right| format!("/certificates/collections/{right}/{collection}/")).collect();
    permissions.push("/portal/read/".into());
    let role = json!({ "Name": "Web Operations", "Description": "d", "EmailAddress": "web@example.org",
        "PermissionSetId": global["Id"], "Permissions": permissions, "Claims": [] });
    let role = client.send("POST /KeyfactorAPI/security/roles", V2, &role.to_string()).await.expect(200);
    let mut whole = client.send(&format!("GET /KeyfactorAPI/Security/Roles/{}", role["Id"]), V2, "").await.expect(200);
    whole["Claims"] =
        json!([{ "ClaimType": "OAuthRole", "ClaimValue": "web", "ProviderAuthenticationScheme": "entra", "Description": "d" }]);
    let changed = client.send("PUT /KeyfactorAPI/security/Roles", V2, &whole.to_string()).await.expect(200);
    assert_eq!(changed["Claims"][0]["ClaimValue"], "web");
    let mut sorted: Vec<Value> = permissions.into_iter().map(Value::from).collect();
    sorted.sort_by_key(|path| path.as_str().map(str::to_owned));
    assert_eq!(changed["Permissions"], json!(sorted), "nothing was lost on the way");
}

/// The spellings of the Go clients.
#[tokio::test]
async fn the_go_clients_are_understood() {
    let client = Client::start().await;
    let go = "User-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\nx-keyfactor-api-version: 1\r\n";
    let endpoints = client.send("GET /KeyfactorAPI/Status/Endpoints", go, "null").await;
    assert_eq!(endpoints.header("x-keyfactor-product-version"), ["25.1.0.0"]);
    assert!(endpoints.expect(200).as_array().unwrap().len() > 50);
    let id = client.import("go.example.com").await;
    let listed = "GET /KeyfactorAPI/Certificates?includeLocations=true&pq.queryString=IssuedCN%20-eq%20%22go.example.com%22";
    assert_eq!(client.send(listed, go, "null").await.expect(200)[0]["PrincipalId"], json!(null));
    let glued = "GET /KeyfactorAPI/Certificates?pq.queryString=(IssuedCN%20-eq%20%22go.example.com%22)AND%20CertState%20-eq%201";
    assert_eq!(client.send(glued, go, "null").await.expect(200).as_array().unwrap().len(), 1);
    let owner = format!("PUT /KeyfactorAPI/Certificates/{id}/Owner%3FcollectionId=0");
    client.send(&owner, go, r#"{"NewRoleName":"Administrator"}"#).await.expect(204);
    let owner = format!("Put /KeyfactorAPI/Certificates/{id}/Owner");
    client.send(&owner, go, "{}").await.expect(204);
    let field = r#"{"Name":"Tier","Description":"d","DataType":1,"Hint":"","Validation":"","Enrollment":0,"Message":"","Options":"","DefaultValue":""}"#;
    client.send("POST /KeyfactorAPI/MetadataFields", go, field).await.expect(200);
    let all = format!(r#"{{"Id":{id},"Metadata":{{"Tier":""}}}}"#);
    client.send("PUT /KeyfactorAPI/Certificates/Metadata", go, &all).await.expect(204);
    let revoke =
        format!(r#"{{"CertificateIds":[{id}],"Reason":4,"Comment":"x","EffectiveDate":"2026-03-01T08:30:00.123456789+01:00"}}"#);
    assert_eq!(client.send("POST /KeyfactorAPI/Certificates/Revoke", go, &revoke).await.expect(200)["RevokedIds"], json!([id]));
    let p7b = "Content-Type: application/json\r\nx-certificateformat: P7B\r\n";
    let wanted = format!(r#"{{"CertID":{id},"IncludeChain":true,"ChainOrder":"EndEntityFirst"}}"#);
    let file = client.send("POST /KeyfactorAPI/Certificates/Download", p7b, &wanted).await.expect(200);
    assert!(STANDARD.decode(file["Content"].as_str().unwrap()).unwrap().starts_with(&[0x30]));
    let missing = client.send("GET /KeyfactorAPI/Certificates/999", go, "null").await.expect(404);
    assert_eq!(missing["Message"], "Unable to find 'Certificate' with Id '999'");
    let stores = client.send("GET /KeyfactorAPI/CertificateStores/?certificateStoreQuery.pageReturned=1", go, "null").await;
    assert_eq!(stores.expect(200), json!([]));
    let absent = client.send("GET /KeyfactorAPI/Workflow/Definitions", go, "null").await;
    assert!(absent.expect(404)["Message"].is_string(), "what is absent says so in JSON");
}

/// A signing request for a name, as PEM.
fn signing_request(name: &str) -> String {
    let mut wanted = CertificateParams::new(vec![name.to_owned()]).unwrap();
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, name);
    wanted.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

/// What the Terraform provider and the issuer for cert-manager send when they enrol, renew and revoke.
#[tokio::test]
async fn terraform_and_cert_manager_enrol() {
    let client = Client::start().await;
    client.api.create("/authorities", json!({ "name": "Root", "subject": "CN=Root, O=Example" })).await;
    let go = "User-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\nx-keyfactor-api-version: 1\r\n";
    let pattern = r#"{"Name":"Web servers","Template":1,"TemplateDefault":true,"AllowedEnrollmentTypes":7,"AssociatedRoles":["Administrator"],"Regexes":[{"SubjectPart":"DNS","Regex":"\\.example\\.org$","Error":"a host of ours"}]}"#;
    let pattern = client.send("POST /KeyfactorAPI/EnrollmentPatterns", go, pattern).await.expect(200)["Id"].clone();

    // Terraform: the template and the authority by their names, a password, a key that is made here.
    let store = format!("{go}x-certificateformat: STORE\r\n");
    let pfx = |name: &str| {
        format!(
            r#"{{"CustomFriendlyName":"","Password":"Pass-word-1234","PopulateMissingValuesFromAD":false,"Subject":"CN={name},O=Example","IncludeChain":true,"RenewalCertificateId":0,"CertificateAuthority":"pki.example.org\\Root","Metadata":{{}},"AdditionalEnrollmentFields":{{}},"Timestamp":"2026-11-26T08:00:00.123456789Z","Template":"server","SANs":{{"dns":["{name}"],"ip4":null,"uri":[]}}}}"#
        )
    };
    let made = client.send("POST /KeyfactorAPI/Enrollment/PFX", &store, &pfx("shop.example.org")).await.expect(200);
    let made = &made["CertificateInformation"];
    assert_eq!((&made["RequestDisposition"], &made["IssuerDN"]), (&json!("ISSUED"), &json!("CN=Root,O=Example")));
    assert_eq!(made["Pkcs12Blob"], "", "the key stays in custody");
    let id = made["KeyfactorId"].as_i64().unwrap();
    let said = client.send("POST /KeyfactorAPI/Enrollment/PFX", &store, &pfx("shop.example.com")).await.expect(400);
    assert!(said["Message"].as_str().unwrap().contains("a host of ours"), "{said}");
    let shown = format!("GET /KeyfactorAPI/Certificates/{id}?includeMetadata=true&includeLocations=true&collectionId=0");
    assert_eq!(client.send(&shown, go, "null").await.expect(200)["EnrollmentPatternId"], pattern);

    let file = format!("{go}x-certificateformat: PFX\r\n");
    let taken = client.send("POST /KeyfactorAPI/Enrollment/PFX", &file, &pfx("office.example.org")).await.expect(200);
    let blob = STANDARD.decode(taken["CertificateInformation"]["Pkcs12Blob"].as_str().unwrap()).unwrap();
    assert!(blob.starts_with(&[0x30]), "a PKCS#12 file");

    // cert-manager: the pattern by its number, found by its name; the chain follows the certificate.
    let patterns = "GET /KeyfactorAPI/EnrollmentPatterns?QueryString=Name%20-eq%20%22Web%20servers%22";
    assert_eq!(client.send(patterns, go, "").await.expect(200)[0]["Id"], pattern);
    let pem = format!("{go}x-certificateformat: PEM\r\n");
    let body = json!({ "CSR": signing_request("till.example.org"), "CertificateAuthority": "Root", "EnrollmentPatternId": pattern,
        "IncludeChain": true, "Metadata": {}, "Timestamp": "2026-11-26T08:00:00Z", "SANs": {} });
    let signed = client.send("POST /KeyfactorAPI/Enrollment/CSR", &pem, &body.to_string()).await.expect(200);
    let chain = signed["CertificateInformation"]["Certificates"].as_array().unwrap();
    assert!(chain.len() == 2 && chain.iter().all(|one| one.as_str().unwrap().contains("BEGIN CERTIFICATE")), "{signed}");

    // Renewed at once, and what went before revoked.
    let available = format!("GET /KeyfactorAPI/Enrollment/AvailableRenewal/Id/{id}");
    assert_eq!(client.send(&available, go, "").await.expect(200)["AvailableRenewalType"], 2);
    let body = format!(r#"{{"CertificateId":{id},"Timestamp":"2026-11-26T08:00:00Z"}}"#);
    let renewed = client.send("POST /KeyfactorAPI/Enrollment/Renew", go, &body).await.expect(200);
    assert!(renewed["KeyfactorId"].as_i64().is_some_and(|new| new > id), "{renewed}");
    let body = format!(r#"{{"CertificateIds":[{id}],"Reason":4,"Comment":"renewed"}}"#);
    client.send("POST /KeyfactorAPI/Certificates/Revoke", go, &body).await.expect(200);
    assert_eq!(client.send(&available, go, "").await.expect(200)["AvailableRenewalType"], 0);

    // A key that is made here with its signing request, which is enrolled for.
    let body = r#"{"Subject":"CN=desk.example.org","KeyType":"ECC","KeyLength":256,"Template":"server","SANs":{"dns":["desk.example.org"]}}"#;
    let csr = client.send("POST /KeyfactorAPI/CSRGeneration/Generate", go, body).await.expect(200)["CSR"].clone();
    let pending = client.send("GET /KeyfactorAPI/CSRGeneration/Pending", go, "").await.expect(200);
    assert_eq!(pending.as_array().unwrap().len(), 1);
    let body = json!({ "CSR": csr, "Template": "server", "Timestamp": "2026-11-26T08:00:00Z" });
    let signed = client.send("POST /KeyfactorAPI/Enrollment/CSR", &pem, &body.to_string()).await.expect(200);
    assert_eq!(client.send("GET /KeyfactorAPI/CSRGeneration/Pending", go, "").await.expect(200), json!([]));
    let body = format!(
        r#"{{"CertID":{},"Password":"Pass-word-1234","IncludeChain":true}}"#,
        signed["CertificateInformation"]["KeyfactorID"]
    );
    client.send("POST /KeyfactorAPI/Certificates/Recover", &file, &body).await.expect(200);
}

/// People are given roles by the claims of their groups: the script looks up roles, claims and the set, and writes what is missing.
#[tokio::test]
async fn groups_are_provisioned_by_the_python_script() {
    let client = Client::start().await;
    let roles = "GET /KeyfactorAPI/Security/Roles?returnlimit=100";
    let before = client.send(roles, V2, "").await;
    let count = before.header("x-total-count").concat();
    assert_eq!(before.expect(200).as_array().unwrap().len().to_string(), count);
    let claims = "GET /KeyfactorAPI/Security/Claims?QueryString=ClaimType%20-eq%20%224%22&ReturnLimit=100";
    let none = client.send(claims, V1, "").await;
    assert_eq!((none.header("x-total-count"), none.body.as_str()), (vec!["0"], "[]"));
    let mut sent = Vec::new();
    for name in ["web-team", "mail-team"] {
        let claim = format!(
            r#"{{"ClaimType":"OAuthRole","ClaimValue":"{name}","ProviderAuthenticationScheme":"entra","Description":"{name}"}}"#
        );
        let made = client.send("POST /KeyfactorAPI/Security/Claims", V1, &claim).await.expect(200);
        assert_eq!((&made["ClaimType"], &made["Provider"]["AuthenticationScheme"]), (&json!("OAuthRole"), &json!("entra")));
        sent.push(
            json!({ "ClaimType": "OAuthRole", "ClaimValue": name, "ProviderAuthenticationScheme": "entra", "Description": name }),
        );
    }
    let found = client.send(claims, V1, "").await.expect(200);
    assert_eq!(found.as_array().unwrap().len(), 2);
    // Its second page is asked for in the second version, which this address does not have.
    assert_eq!(client.send(&format!("{claims}&PageReturned=2"), V2, "").await.expect(200), json!([]));
    assert_eq!(client.send(claims, V2, "").await.expect(200), found, "and page 1 again is page 1");
    let set = client.send("GET /KeyfactorAPI/PermissionSets?QueryString=Name%20-eq%20%22Global%22", V1, "").await.expect(200);
    assert_eq!(set[0]["Name"], "Global");
    let role = json!({ "Name": "Web Team", "Description": "provisioned", "EmailAddress": "web@example.org",
        "PermissionSetId": set[0]["Id"], "Permissions": ["/portal/read/"], "Claims": [sent[0].clone()] });
    let role = client.send("POST /KeyfactorAPI/Security/Roles", V2, &role.to_string()).await.expect(200);
    let mut changed = role.clone();
    changed["Claims"] = json!(sent);
    let changed = client.send("PUT /KeyfactorAPI/Security/Roles", V2, &changed.to_string()).await.expect(200);
    assert_eq!(changed["Claims"].as_array().unwrap().len(), 2);
    assert_eq!((&changed["Id"], &changed["Permissions"]), (&role["Id"], &json!(["/portal/read/"])));
    let after = client.send(roles, V2, "").await.expect(200);
    let mine = after.as_array().unwrap().iter().find(|one| one["Name"] == "Web Team").unwrap();
    assert_eq!(mine["Claims"], changed["Claims"]);
}

/// The scripts that fetch the log: two slashes behind the root, a page at a time, and the file.
#[tokio::test]
async fn the_log_is_fetched_by_the_python_scripts() {
    let client = Client::start().await;
    let ids = [client.import("one.example.com").await, client.import("two.example.com").await];
    for id in ids {
        let owner = r#"{"NewRoleName":"Administrator"}"#;
        client.send(&format!("PUT /KeyfactorAPI/Certificates/{id}/Owner"), V1, owner).await.expect(204);
    }
    let since = "QueryString=Timestamp%20-ge%20%22%25TODAY-1%25%22%20AND%20Category%20-eq%202001%20AND%20Operation%20-eq%202";
    let first = client.send(&format!("GET /KeyfactorAPI//Audit?{since}&PageReturned=1&ReturnLimit=1"), V1, "").await;
    assert_eq!(first.header("x-total-count"), ["2"]);
    let mut entries = Vec::new();
    for page in 1.. {
        let path = format!("GET /KeyfactorAPI//Audit?{since}&PageReturned={page}&ReturnLimit=1");
        let rows = client.send(&path, V1, "").await.expect(200);
        match rows.as_array().unwrap().first() {
            Some(row) => entries.push(row.clone()),
            None => break,
        }
    }
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        let id = &entry["Id"];
        assert_eq!(client.send(&format!("GET /KeyfactorAPI/Audit/{id}"), V1, "").await.expect(200)["Message"], entry["Message"]);
        assert_eq!(client.send(&format!("GET /KeyfactorAPI/Audit/{id}/Validate"), V1, "").await.expect(200), true);
    }
    let file = client.send(&format!("GET /KeyfactorAPI//Audit/Download?{since}"), V1, "").await.expect(200);
    let file = file.as_str().unwrap();
    assert_eq!(file.lines().count(), 3, "a head and two lines: {file}");
}

/// Asks until it is so: jobs are done behind.
async fn until(client: &Client, line: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..300 {
        let told = client.send(line, V1, "null").await.expect(200);
        if is_so(&told) {
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{line} never says so:\n{}", client.api.server.log());
}

/// What kfutil and the Terraform provider send: a store is made, filled, watched, changed, emptied and removed.
#[tokio::test]
async fn stores_are_kept_by_kfutil_and_terraform() {
    let roots = tempfile::tempdir().unwrap();
    let root = roots.path().display().to_string();
    let client = Client::of(Launch::new().environment("CERTHOLD_STORE_ROOTS", &root)).await;
    let go = "User-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\nx-keyfactor-api-version: 1\r\n";
    let container = r#"{"Name":"Web","OverwriteSchedules":false,"Schedule":"","CertStoreType":102}"#;
    let container = client.send("POST /KeyfactorAPI/CertificateStoreContainers", go, container).await.expect(200);
    let containers = client.send("GET /KeyfactorAPI/CertificateStoreContainers?pq.pageReturned=1", go, "null").await.expect(200);
    assert_eq!((&containers[0]["Id"], &containers[0]["Schedule"]), (&container["Id"], &json!("")));
    let store = |name: &str| {
        format!(
            r#"{{"ContainerId":{},"ClientMachine":"web-1","Storepath":"{root}/{name}.p12","CertStoreInventoryJobId":null,"CertStoreType":102,"Approved":true,"CreateIfMissing":true,"Properties":"{{\"encryption\":\"legacy\",\"ServerUsesSsl\":\"true\"}}","AgentId":"00000000-0000-0000-0000-000000000000","AgentAssigned":null,"ContainerName":null,"InventorySchedule":{{"Interval":{{"Minutes":60}}}},"ReenrollmentStatus":null,"SetNewPasswordAllowed":null,"Password":{{"SecretValue":"changeit-4711"}}}}"#,
            container["Id"]
        )
    };
    let made = client.send("POST /KeyfactorAPI/CertificateStores", go, &store("shop")).await.expect(200);
    client.send("POST /KeyfactorAPI/CertificateStores", go, &store("mail")).await.expect(200);
    let guid = made["Id"].as_str().unwrap().to_owned();
    assert!(made["Properties"].is_string() && made["Password"].is_null(), "{made}");

    // Every page, until one is empty; the address ends in a slash.
    let mut all = Vec::new();
    for page in 1.. {
        let path = format!("GET /KeyfactorAPI/CertificateStores/?certificateStoreQuery.pageReturned={page}");
        let rows = client.send(&path, go, "null").await.expect(200);
        if rows == json!([]) {
            break;
        }
        all.extend(rows.as_array().unwrap().iter().map(|one| one["Id"].clone()));
    }
    assert_eq!(all.len(), 2);
    let query = format!("certificateStoreQuery.queryString=ContainerId%20-eq%20%22{}%22", container["Id"]);
    let found = client.send(&format!("GET /KeyfactorAPI/CertificateStores/?{query}"), go, "null").await.expect(200);
    assert_eq!(found.as_array().unwrap().len(), 2, "a number in quotation marks");

    // A certificate with its key is put into it, and looked for where Terraform looks.
    let id = client.import("shop.example.com").await;
    let add = format!(
        r#"{{"CertificateId":{id},"CertificateStores":[{{"CertificateStoreId":"{guid}","Alias":"shop","JobFields":{{}},"Overwrite":true,"EntryPassword":null,"IncludePrivateKey":true}}],"Schedule":{{"Immediate":true}},"CollectionId":0}}"#
    );
    let jobs = client.send("POST /KeyfactorAPI/CertificateStores/Certificates/Add", go, &add).await.expect(200);
    assert_eq!(jobs.as_array().unwrap().len(), 1);
    let inventory = format!("GET /KeyfactorAPI/CertificateStores/{guid}/Inventory?query.pageReturned=1");
    let held = until(&client, &inventory, |told| *told != json!([])).await;
    assert_eq!((&held[0]["Name"], &held[0]["Certificates"][0]["Id"]), (&json!("shop"), &json!(id)));
    let next = inventory.replace("pageReturned=1", "pageReturned=2");
    assert_eq!(client.send(&next, go, "null").await.expect(200), json!([]));
    let shown = format!("GET /KeyfactorAPI/Certificates/{id}?includeLocations=true&includeMetadata=true");
    let shown = client.send(&shown, go, "null").await.expect(200);
    assert_eq!((&shown["Locations"][0]["CertStoreId"], &shown["Locations"][0]["Alias"]), (&json!(guid), &json!("shop")));
    assert!(std::fs::read(format!("{root}/shop.p12")).unwrap().starts_with(&[0x30]), "a PKCS#12 file");

    // By thumbprint the client reads an object, fails, and asks the same again for a list.
    let by_thumbprint = format!(
        "GET /KeyfactorAPI/Certificates?includeLocations=true&pq.queryString=Thumbprint%20-eq%20%22{}%22",
        shown["Thumbprint"].as_str().unwrap()
    );
    let twice = [client.send(&by_thumbprint, go, "null").await, client.send(&by_thumbprint, go, "null").await];
    assert_eq!(twice[0].body, twice[1].body);
    let [first, _] = twice;
    assert_eq!(first.expect(200)[0]["Id"], id);

    // Changed by a method that is spelled as the client spells it.
    let change = format!(
        r#"{{"Id":"{guid}","ContainerId":null,"ClientMachine":"web-2","Storepath":"{root}/shop.p12","CertStoreType":102,"Properties":"{{\"encryption\":\"legacy\"}}","InventorySchedule":{{"Daily":{{"Time":"2022-05-27T03:15:00Z"}}}}}}"#
    );
    let changed = client.send("Put /KeyfactorAPI/CertificateStores", go, &change).await.expect(200);
    assert_eq!((&changed["ClientMachine"], &changed["Id"]), (&json!("web-2"), &json!(guid)));
    let remove = format!(
        r#"{{"CertificateStores":[{{"CertificateStoreId":"{guid}","Alias":"shop","JobFields":{{}}}}],"Schedule":{{"Immediate":true}},"CollectionId":0}}"#
    );
    client.send("POST /KeyfactorAPI/CertificateStores/Certificates/Remove", go, &remove).await.expect(200);
    until(&client, &inventory, |told| *told == json!([])).await;
    client.send(&format!("DELETE /KeyfactorAPI/CertificateStores/{guid}"), go, "null").await.expect(204);
    let gone = client.send(&format!("GET /KeyfactorAPI/CertificateStores/{guid}"), go, "null").await.expect(404);
    assert!(gone["Message"].as_str().unwrap().contains(&guid), "{gone}");
}
