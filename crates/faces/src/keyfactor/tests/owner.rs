//! The owner: every combination of the page's table, walked through on a server, against a second implementation of the rule that
//! shares nothing with the first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Keyfactor, refused};
use crate::testing::PASSWORD;

/// The right that the caller holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    None,
    Everywhere,
    InCollection,
    OverStores,
    InContainer,
    Expanded,
    Both,
    Administrator,
}

/// Where the certificate is beside the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    Nowhere,
    /// In a store of container A.
    InContainer,
    /// In a store that is in no container.
    InStore,
}

/// What the request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Nothing,
    /// The collection that holds the certificate.
    Collection,
    /// A collection that does not.
    OtherCollection,
    /// Container A.
    Container,
    /// Container B, of which no store has the certificate.
    OtherContainer,
    CollectionAndContainer,
    CollectionAndOtherContainer,
    OtherCollectionAndContainer,
}

/// A role as the caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Mine,
    /// Of the permission set in which the expanded right is held.
    OfMySet,
    Foreign,
}

/// The owner to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Role(Role),
    Nobody,
    UnknownId,
    UnknownName,
}

const RIGHTS: [(Right, &str); 8] = [
    (Right::None, "none"),
    (Right::Everywhere, "change owner, everywhere"),
    (Right::InCollection, "change owner, in its collection"),
    (Right::OverStores, "change owner, over all stores"),
    (Right::InContainer, "change owner, in container A"),
    (Right::Expanded, "expanded change owner"),
    (Right::Both, "change owner and expanded"),
    (Right::Administrator, "administrator"),
];

const LIES: [(Lies, &str); 3] = [
    (Lies::Nowhere, "in no store"),
    (Lies::InContainer, "in a store of container A"),
    (Lies::InStore, "in a store of no container"),
];

const PLACES: [(Names, &str); 8] = [
    (Names::Nothing, "nothing"),
    (Names::Collection, "its collection"),
    (Names::OtherCollection, "another collection"),
    (Names::Container, "container A"),
    (Names::OtherContainer, "container B"),
    (Names::CollectionAndContainer, "its collection, container A"),
    (Names::CollectionAndOtherContainer, "its collection, container B"),
    (Names::OtherCollectionAndContainer, "another collection, container A"),
];

const OWNERS: [(Option<Role>, &str); 4] =
    [(None, "nobody"), (Some(Role::Mine), "yours"), (Some(Role::OfMySet), "of your set"), (Some(Role::Foreign), "foreign")];

/// Who asks that the certificate has an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Nobody,
    Installation,
    Template,
    Pattern,
}

/// The columns: the owner to be, and who asks for one.
const COLUMNS: [(To, Asks, &str); 9] = [
    (To::Role(Role::Mine), Asks::Nobody, "yours"),
    (To::Role(Role::OfMySet), Asks::Nobody, "of your set"),
    (To::Role(Role::Foreign), Asks::Nobody, "foreign"),
    (To::Nobody, Asks::Nobody, "nobody"),
    (To::Nobody, Asks::Installation, "nobody, where the installation asks for one"),
    (To::Nobody, Asks::Template, "nobody, where its template does"),
    (To::Nobody, Asks::Pattern, "nobody, where its pattern does"),
    (To::UnknownId, Asks::Nobody, "unknown id"),
    (To::UnknownName, Asks::Nobody, "unknown name"),
];

/// Numbers of what requests and permissions name.
#[derive(Clone, Copy)]
struct Numbers {
    collection: i64,
    other_collection: i64,
    container: i64,
    other_container: i64,
}

impl Numbers {
    /// The request's CollectionId and ContainerId; 0 is none.
    fn named(&self, names: Names) -> (i64, i64) {
        match names {
            Names::Nothing => (0, 0),
            Names::Collection => (self.collection, 0),
            Names::OtherCollection => (self.other_collection, 0),
            Names::Container => (0, self.container),
            Names::OtherContainer => (0, self.other_container),
            Names::CollectionAndContainer => (self.collection, self.container),
            Names::CollectionAndOtherContainer => (self.collection, self.other_container),
            Names::OtherCollectionAndContainer => (self.other_collection, self.container),
        }
    }

    /// What a role grants.
    fn permissions(&self, right: Right) -> Vec<String> {
        let expanded = ["/certificates/expanded_change_owner/", "/security/read/"].map(str::to_owned);
        match right {
            Right::None => vec!["/certificates/collections/read/".into()],
            Right::Everywhere => vec!["/certificates/collections/change_owner/".into()],
            Right::InCollection => vec![format!("/certificates/collections/change_owner/{}/", self.collection)],
            Right::OverStores => vec!["/certificate_stores/change_owner/".into()],
            Right::InContainer => vec![format!("/certificate_stores/change_owner/{}/", self.container)],
            Right::Expanded => expanded.to_vec(),
            Right::Both => ["/certificates/collections/change_owner/".to_owned()].into_iter().chain(expanded).collect(),
            Right::Administrator => vec!["/".into()],
        }
    }
}

/// A combination that is asked for.
#[derive(Clone, Copy, Debug)]
struct Case {
    right: Right,
    lies: Lies,
    names: Names,
    owner: Option<Role>,
    to: To,
    asks: Asks,
}

/// The vendor's rule, step by step, on permissions as they are written; nothing of the product is asked.
fn by_hand(case: Case) -> u16 {
    let numbers = Numbers { collection: 7, other_collection: 8, container: 4, other_container: 5 };
    let permissions = numbers.permissions(case.right);
    let has = |needed: &str| permissions.iter().any(|grant| needed.starts_with(grant.as_str()));
    let (collection, container) = numbers.named(case.names);
    // If both are given, the collection wins and the container is treated as 0.
    let container = if collection == 0 { container } else { 0 };
    let is_inside = collection == 0 || collection == numbers.collection;
    let is_inside = is_inside && (container == 0 || container == numbers.container && case.lies == Lies::InContainer);

    let plain = "/certificates/collections/change_owner/";
    let plain = has(plain) || collection != 0 && has(&format!("{plain}{collection}/"));
    let of_stores = "/certificate_stores/change_owner/";
    let of_stores = has(of_stores) || container != 0 && has(&format!("{of_stores}{container}/"));
    let expanded = has("/certificates/expanded_change_owner/") && has("/security/read/");
    // Whoever has no right that could ever do it learns nothing more.
    if !(plain || of_stores || expanded) {
        return 403;
    }
    if case.to == To::UnknownName {
        return if has("/security/read/") { 400 } else { 403 };
    }
    if !is_inside {
        return 403;
    }
    if case.to == To::UnknownId {
        return if has("/security/read/") { 404 } else { 403 };
    }
    // Rights over stores reach what some store's inventory has.
    let granted = plain || of_stores && case.lies != Lies::Nowhere;
    let mut roles: Vec<Role> = case.owner.into_iter().collect();
    if let To::Role(role) = case.to {
        roles.push(role);
    }
    let plain_ok = granted && roles.iter().all(|role| *role == Role::Mine);
    let expanded_ok = expanded && roles.iter().all(|role| *role != Role::Foreign);
    let as_administrator = granted && case.right == Right::Administrator;
    if !(plain_ok || expanded_ok || as_administrator) {
        return 403;
    }
    // Required on any level is required; what has no owner has none to clear.
    if case.to == To::Nobody && case.asks != Asks::Nobody && case.owner.is_some() { 400 } else { 204 }
}

struct Stage {
    keyfactor: Keyfactor,
    /// One for each place that a certificate can lie in.
    certificates: Vec<i64>,
    /// The one that lies in no store.
    certificate: i64,
    mine: i64,
    of_my_set: i64,
    foreign: i64,
    numbers: Numbers,
    pattern: i64,
    tokens: Vec<(Right, String)>,
}

impl Stage {
    async fn new() -> Stage {
        let keyfactor = Keyfactor::new().await;
        let authority = json!({ "name": "Root", "subject": "CN=Root, O=Example" });
        keyfactor.test.post("/api/v1/authorities", authority).await.expect(201);
        let pattern = json!({ "Name": "Web servers", "Template": 1, "TemplateDefault": true });
        let pattern = keyfactor.call("POST", "/EnrollmentPatterns", pattern).await.expect(200)["Id"].as_i64().unwrap();
        let (mine, of_my_set) = (keyfactor.role("Mine", &[]).await, keyfactor.role("Of my set", &[]).await);
        let set = json!({ "Name": "Other", "Permissions": ["/certificates/"] });
        let set = keyfactor.call("POST", "/PermissionSets", set).await.expect(200)["Id"].clone();
        let foreign = json!({ "Name": "Foreign", "Description": "", "PermissionSetId": set, "Permissions": [] });
        let foreign = keyfactor.second("POST", "/Security/Roles", foreign).await.expect(200)["Id"].as_i64().unwrap();
        let mut containers = Vec::new();
        for name in ["A", "B"] {
            let made = keyfactor.call("POST", "/CertificateStoreContainers", json!({ "Name": name })).await.expect(200);
            containers.push(made["Id"].as_i64().unwrap());
        }
        let numbers = Numbers {
            collection: keyfactor.collection("With", "").await,
            other_collection: keyfactor.collection("Without", "CertId -eq 0").await,
            container: containers[0],
            other_container: containers[1],
        };
        let mut certificates = Vec::new();
        for (number, (lies, _)) in LIES.into_iter().enumerate() {
            let id = keyfactor.enrolled(&format!("CN=a{number}.example.org")).await;
            certificates.push(id);
            if lies != Lies::Nowhere {
                Stage::put_into_a_store(&keyfactor, id, (lies == Lies::InContainer).then_some(numbers.container)).await;
            }
        }
        let mut tokens = Vec::new();
        for (right, name) in RIGHTS {
            let permissions = if right == Right::Administrator { Vec::new() } else { numbers.permissions(right) };
            let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
            let (id, _, token) = keyfactor.test.service(name, &permissions).await;
            let held = if right == Right::Administrator { 1 } else { mine };
            keyfactor.test.put(&format!("/api/v1/roles/{held}/holders/{id}"), Value::Null).await.expect(204);
            tokens.push((right, token));
        }
        let certificate = certificates[0];
        Stage { keyfactor, certificates, certificate, mine, of_my_set, foreign, numbers, pattern, tokens }
    }

    async fn put_into_a_store(keyfactor: &Keyfactor, certificate: i64, container: Option<i64>) {
        let shown = keyfactor.get(&format!("/Certificates/{certificate}")).await.expect(200);
        let der = STANDARD.decode(shown["ContentBytes"].as_str().unwrap()).unwrap();
        let path = format!("/srv/tls/{certificate}");
        let store = json!({ "ContainerId": container, "ClientMachine": "web-1", "Storepath": path, "CertStoreType": 2 });
        let store = keyfactor.call("POST", "/CertificateStores", store).await.expect(200);
        keyfactor.test.stocked(store["Id"].as_str().unwrap(), &[der]).await;
        let places = keyfactor.get(&format!("/Certificates/Locations/{certificate}")).await.expect(200);
        assert_eq!(places["Details"][0]["StoreCount"], 1, "{places}");
    }

    fn id(&self, role: Role) -> i64 {
        match role {
            Role::Mine => self.mine,
            Role::OfMySet => self.of_my_set,
            Role::Foreign => self.foreign,
        }
    }

    async fn set_owner(&self, certificate: i64, owner: Option<Role>) {
        let owner = owner.map(|role| self.id(role));
        let path = format!("/api/v1/certificates/{certificate}/owner");
        self.keyfactor.test.put(&path, json!({ "owner": owner })).await.expect(204);
    }

    /// Has exactly this level ask for an owner.
    async fn require_owner(&self, asks: Asks) {
        let policy = if asks == Asks::Installation { "required" } else { "optional" };
        self.keyfactor.test.put("/api/v1/owner-policy", json!({ "policy": policy })).await.expect(204);
        let number = |level| json!({ "CertificateOwnerRole": i64::from(asks == level) });
        let template = json!({ "Id": 1, "TemplatePolicy": number(Asks::Template) });
        self.keyfactor.call("PUT", "/Templates", template).await.expect(200);
        let path = format!("/EnrollmentPatterns/{}", self.pattern);
        self.keyfactor.call("PUT", &path, json!({ "Policies": number(Asks::Pattern) })).await.expect(200);
    }

    async fn owner(&self) -> Value {
        let one = self.keyfactor.get(&format!("/Certificates/{}", self.certificate)).await.expect(200);
        one["OwnerRoleId"].clone()
    }

    async fn change(&self, certificate: i64, case: Case) -> crate::testing::Reply {
        let token = &self.tokens.iter().find(|(known, _)| *known == case.right).unwrap().1;
        let query = match self.numbers.named(case.names) {
            (0, 0) => String::new(),
            (collection, 0) => format!("?collectionId={collection}"),
            (0, container) => format!("?containerId={container}"),
            (collection, container) => format!("?containerId={container}&collectionId={collection}"),
        };
        let body = match case.to {
            To::Role(role) => json!({ "NewRoleId": self.id(role) }),
            To::Nobody => json!({}),
            To::UnknownId => json!({ "NewRoleId": 987_654 }),
            To::UnknownName => json!({ "NewRoleName": "no such role" }),
        };
        self.keyfactor.as_somebody(token, "PUT", &format!("/Certificates/{certificate}/Owner{query}"), body).await
    }

    /// Asks for one combination; the status, and whether the owner is another one now.
    async fn walk(&self, certificate: i64, case: Case, events: &mut i64) -> (u16, bool) {
        let expected = by_hand(case);
        let reply = self.change(certificate, case).await;
        assert_eq!(reply.status.as_u16(), expected, "{case:?}: {}", reply.text());
        let changes = expected == 204 && case.to != case.owner.map_or(To::Nobody, To::Role);
        let now = self.keyfactor.test.events().await;
        assert_eq!(now - *events, i64::from(changes), "events of {case:?}");
        *events = now;
        if expected != 204 {
            assert!(reply.json()["Message"].is_string(), "{case:?}");
        }
        (expected, changes)
    }
}

/// The table as the page has it. Lines that differ in the owner only, and have the same answers, are one.
fn table() -> String {
    let heads = COLUMNS.map(|(.., head)| head).join(" | ");
    let lines = "---|".repeat(COLUMNS.len() + 4);
    let mut text = format!("| right held | the certificate is | request names | owner | {heads} |\n|{lines}\n");
    for (right, right_name) in RIGHTS {
        for (lies, lies_name) in LIES {
            for (names, place) in PLACES {
                let answers = OWNERS.map(|(owner, _)| {
                    COLUMNS.map(|(to, asks, _)| by_hand(Case { right, lies, names, owner, to, asks }).to_string()).join(" | ")
                });
                let mut line = |owner: &str, answers: &str| {
                    text.push_str(&format!("| {right_name} | {lies_name} | {place} | {owner} | {answers} |\n"));
                };
                if answers.iter().all(|one| *one == answers[0]) {
                    line("any", &answers[0]);
                } else {
                    OWNERS.iter().zip(&answers).for_each(|((_, owner), answers)| line(owner, answers));
                }
            }
        }
    }
    text
}

/// Refresh it with `UPDATE_DOCS=1 cargo test -p certhold-faces owner`.
#[test]
fn the_page_has_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keyfactor-owner.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, _) = page.split_once("| right held |").unwrap();
    let wanted = before.to_owned() + &table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &wanted).unwrap();
        return;
    }
    assert!(page == wanted, "the table is not the rule: run UPDATE_DOCS=1 cargo test -p certhold-faces owner");
}

#[tokio::test]
async fn every_combination_is_answered_as_the_table_says() {
    let stage = Stage::new().await;
    let (mut seen, mut by_stores) = (std::collections::BTreeMap::new(), 0);
    for asks in [Asks::Nobody, Asks::Installation, Asks::Template, Asks::Pattern] {
        for (certificate, (lies, _)) in stage.certificates.iter().zip(LIES) {
            for (owner, _) in OWNERS {
                stage.require_owner(Asks::Nobody).await;
                stage.set_owner(*certificate, owner).await;
                stage.require_owner(asks).await;
                let mut events = stage.keyfactor.test.events().await;
                for (right, _) in RIGHTS {
                    for (names, _) in PLACES {
                        for (to, when, _) in COLUMNS {
                            // Who asks makes a difference for clearing; that it makes none for the rest, one right shows.
                            let is_wanted = if to == To::Nobody { when == asks } else { asks == Asks::Nobody };
                            if !is_wanted && (to == To::Nobody || (right, names) != (Right::Both, Names::Nothing)) {
                                continue;
                            }
                            let case = Case { right, lies, names, owner, to, asks };
                            let (status, changes) = stage.walk(*certificate, case, &mut events).await;
                            *seen.entry(status).or_insert(0) += 1;
                            by_stores += i32::from(changes && matches!(right, Right::OverStores | Right::InContainer));
                            if changes {
                                if asks != Asks::Nobody {
                                    stage.require_owner(Asks::Nobody).await;
                                }
                                stage.set_owner(*certificate, owner).await;
                                if asks != Asks::Nobody {
                                    stage.require_owner(asks).await;
                                }
                                events = stage.keyfactor.test.events().await;
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [204, 400, 403, 404], "every answer occurs: {seen:?}");
    assert!(by_stores > 10, "rights over stores change owners: {by_stores}");
}

#[tokio::test]
async fn a_role_is_named_in_every_way_and_cleared_in_every_way() {
    let stage = Stage::new().await;
    let path = format!("/certificates/{}/owner", stage.certificate);
    let set = async |body: Value| stage.keyfactor.call("PUT", &path, body).await;
    for (body, owner) in [
        (json!({ "NewRoleId": stage.mine }), json!(stage.mine)),
        (json!({ "NewRoleName": "Of my set" }), json!(stage.of_my_set)),
        (json!({ "newrolename": " foreign " }), json!(stage.foreign)),
        (json!({ "NewRoleId": stage.mine.to_string() }), json!(stage.mine)),
        (json!({ "NewRoleId": stage.foreign, "NewRoleName": "Mine" }), json!(stage.foreign)),
        (json!({ "NewRoleId": null, "NewRoleName": "Mine" }), json!(stage.mine)),
        (json!({}), json!(null)),
    ] {
        assert!(set(body.clone()).await.expect(204).is_null());
        assert_eq!(stage.owner().await, owner, "{body}");
    }
    for clear in [
        json!({}),
        json!(null),
        json!({ "NewRoleId": null }),
        json!({ "NewRoleName": null }),
        json!({ "NewRoleName": "" }),
        json!({ "NewRoleName": "   " }),
        json!({ "NewRoleId": null, "NewRoleName": "" }),
    ] {
        set(json!({ "NewRoleId": stage.mine })).await.expect(204);
        let body = clear.to_string();
        let bearer = format!("Bearer {}", stage.keyfactor.test.admin);
        stage.keyfactor.with("PUT", &format!("/KeyfactorAPI{path}"), &bearer, &[], &body).await.expect(204);
        assert_eq!(stage.owner().await, json!(null), "{clear}");
    }
    let history =
        stage.keyfactor.get(&format!("/Certificates/{}/History?SortAscending=1&ReturnLimit=1", stage.certificate)).await;
    let last = history.expect(200)[0].clone();
    assert_eq!((&last["Action"], &last["Comment"]), (&json!("Owner Changed"), &json!("Owner changed from 'Mine' to nobody")));
    for wrong in [json!([]), json!({ "NewRoleId": "x" }), json!({ "NewRoleId": 1.5 }), json!({ "NewRoleName": 7 }), json!("x")] {
        refused(set(wrong).await, 400);
    }
    let missing = refused(stage.keyfactor.call("PUT", "/Certificates/412/Owner", json!({})).await, 404);
    assert_eq!(missing["Message"], "Unable to find 'Certificate' with Id '412'");
    let missing = refused(set(json!({ "NewRoleId": 31 })).await, 404);
    assert_eq!(missing["Message"], "Unable to find 'Security Role' with Id '31'");
    for wrong in ["?collectionId=x", "?containerId=4.5"] {
        refused(stage.keyfactor.call("PUT", &format!("{path}{wrong}"), json!({})).await, 400);
    }
    stage.require_owner(Asks::Installation).await;
    set(json!({ "NewRoleId": stage.mine })).await.expect(204);
    set(json!({ "NewRoleId": stage.foreign })).await.expect(204);
    let required = refused(set(json!({})).await, 400);
    assert!(required["Message"].as_str().unwrap().contains("needs an owner"), "{required}");
    // The same rule through the other doors.
    let native = format!("/api/v1/certificates/{}/owner", stage.certificate);
    stage.keyfactor.test.put(&native, json!({ "owner": null })).await.expect(400);
    let basic = super::basic("admin", PASSWORD);
    stage.keyfactor.with("PUT", &format!("/KeyfactorAPI{path}"), &basic, &[], "{}").await.expect(400);
}

#[tokio::test]
async fn many_change_together_or_not_at_all() {
    let stage = Stage::new().await;
    let others = stage.keyfactor.test.import_samples(3).await;
    let owners = async || -> Vec<Value> {
        let listed = stage.keyfactor.get("/Certificates?IncludeExpired=true").await.expect(200);
        // The authority's and the stage's three come first.
        listed.as_array().unwrap().iter().skip(4).map(|one| one["OwnerRoleName"].clone()).collect()
    };
    let many = |ids: Value, role: Value| json!({ "CertificateIds": ids, "NewRoleId": role, "NewRoleName": null });
    let call = async |body: Value| stage.keyfactor.call("PUT", "/Certificates/Owner", body).await;
    call(many(json!(others), json!(stage.mine))).await.expect(204);
    assert_eq!(owners().await, ["Mine", "Mine", "Mine"]);
    let events = stage.keyfactor.test.events().await;
    refused(call(many(json!([others[0], 999]), json!(stage.foreign))).await, 404);
    refused(call(many(json!([]), json!(stage.foreign))).await, 400);
    refused(call(json!({ "NewRoleId": stage.foreign })).await, 400);
    let token = &stage.tokens.iter().find(|(right, _)| *right == Right::Everywhere).unwrap().1;
    let body = many(json!(others), json!(stage.of_my_set));
    refused(stage.keyfactor.as_somebody(token, "PUT", "/Certificates/Owner", body).await, 403);
    assert_eq!(stage.keyfactor.test.events().await, events);
    let scope = format!("/Certificates/Owner?collectionId={}", stage.numbers.other_collection);
    refused(stage.keyfactor.call("PUT", &scope, many(json!(others), json!(stage.foreign))).await, 403);
    call(json!({ "CertificateIds": others, "NewRoleName": "" })).await.expect(204);
    assert_eq!(owners().await, [json!(null), json!(null), json!(null)]);
}
