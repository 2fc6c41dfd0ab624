//! The owner: every combination of the page's table, walked through on a server, against a second implementation of the rule that
//! shares nothing with the first.

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

/// What the request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Nothing,
    /// The collection that holds the certificate.
    Collection,
    /// A collection that does not.
    OtherCollection,
    Container,
    /// The collection that holds it, and a container.
    CollectionAndContainer,
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
    (Right::InCollection, "change owner, in the collection"),
    (Right::OverStores, "change owner, over all stores"),
    (Right::InContainer, "change owner, in the container"),
    (Right::Expanded, "expanded change owner"),
    (Right::Both, "change owner and expanded"),
    (Right::Administrator, "administrator"),
];

const PLACES: [(Names, &str); 5] = [
    (Names::Nothing, "nothing"),
    (Names::Collection, "its collection"),
    (Names::OtherCollection, "another collection"),
    (Names::Container, "a container"),
    (Names::CollectionAndContainer, "its collection and a container"),
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

/// The vendor's rule, step by step.
fn by_hand(right: Right, names: Names, owner: Option<Role>, to: To, asks: Asks) -> u16 {
    let effective_container = names == Names::Container;
    let may_begin = match right {
        Right::None => false,
        Right::InCollection => matches!(names, Names::Collection | Names::CollectionAndContainer),
        Right::InContainer => effective_container,
        _ => true,
    };
    if !may_begin {
        return 403;
    }
    let sees_roles = matches!(right, Right::Expanded | Right::Both | Right::Administrator);
    if to == To::UnknownName {
        return if sees_roles { 400 } else { 403 };
    }
    if names == Names::OtherCollection || effective_container {
        return 403;
    }
    if to == To::UnknownId {
        return 404;
    }
    let mut roles = Vec::new();
    roles.extend(owner);
    if let To::Role(role) = to {
        roles.push(role);
    }
    let plain_grant = matches!(right, Right::Everywhere | Right::InCollection | Right::Both | Right::Administrator);
    let plain = plain_grant && roles.iter().all(|role| *role == Role::Mine);
    let expanded = sees_roles && roles.iter().all(|role| *role != Role::Foreign);
    if !(plain || expanded || right == Right::Administrator) {
        return 403;
    }
    // Required on any level is required; what has no owner has none to clear.
    if to == To::Nobody && asks != Asks::Nobody && owner.is_some() { 400 } else { 204 }
}

struct Stage {
    keyfactor: Keyfactor,
    certificate: i64,
    mine: i64,
    of_my_set: i64,
    foreign: i64,
    with: i64,
    without: i64,
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
        let certificate = keyfactor.enrolled("CN=a.example.org").await;
        let (mine, of_my_set) = (keyfactor.role("Mine", &[]).await, keyfactor.role("Of my set", &[]).await);
        let set = json!({ "Name": "Other", "Permissions": ["/certificates/"] });
        let set = keyfactor.call("POST", "/PermissionSets", set).await.expect(200)["Id"].clone();
        let foreign = json!({ "Name": "Foreign", "Description": "", "PermissionSetId": set, "Permissions": [] });
        let foreign = keyfactor.second("POST", "/Security/Roles", foreign).await.expect(200)["Id"].as_i64().unwrap();
        let with = keyfactor.collection("With", "").await;
        let without = keyfactor.collection("Without", "CertId -eq 0").await;
        let mut tokens = Vec::new();
        for (right, name) in RIGHTS {
            let in_collection = format!("/certificates/collections/change_owner/{with}/");
            let expanded = ["/certificates/expanded_change_owner/", "/security/read/"];
            let permissions: Vec<&str> = match right {
                Right::None => vec!["/certificates/collections/read/"],
                Right::Everywhere => vec!["/certificates/collections/change_owner/"],
                Right::InCollection => vec![&in_collection],
                Right::OverStores => vec!["/certificate_stores/change_owner/"],
                Right::InContainer => vec!["/certificate_stores/change_owner/4/"],
                Right::Expanded => expanded.to_vec(),
                Right::Both => ["/certificates/collections/change_owner/"].into_iter().chain(expanded).collect(),
                Right::Administrator => vec![],
            };
            let (id, _, token) = keyfactor.test.service(name, &permissions).await;
            let held = if right == Right::Administrator { 1 } else { mine };
            keyfactor.test.put(&format!("/api/v1/roles/{held}/holders/{id}"), Value::Null).await.expect(204);
            tokens.push((right, token));
        }
        Stage { keyfactor, certificate, mine, of_my_set, foreign, with, without, pattern, tokens }
    }

    fn id(&self, role: Role) -> i64 {
        match role {
            Role::Mine => self.mine,
            Role::OfMySet => self.of_my_set,
            Role::Foreign => self.foreign,
        }
    }

    async fn set_owner(&self, owner: Option<Role>) {
        let owner = owner.map(|role| self.id(role));
        let path = format!("/api/v1/certificates/{}/owner", self.certificate);
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

    async fn change(&self, right: Right, names: Names, to: To) -> crate::testing::Reply {
        let token = &self.tokens.iter().find(|(known, _)| *known == right).unwrap().1;
        let query = match names {
            Names::Nothing => String::new(),
            Names::Collection => format!("?collectionId={}", self.with),
            Names::OtherCollection => format!("?collectionId={}", self.without),
            Names::Container => "?containerId=4".into(),
            Names::CollectionAndContainer => format!("?containerId=4&collectionId={}", self.with),
        };
        let body = match to {
            To::Role(role) => json!({ "NewRoleId": self.id(role) }),
            To::Nobody => json!({}),
            To::UnknownId => json!({ "NewRoleId": 987_654 }),
            To::UnknownName => json!({ "NewRoleName": "no such role" }),
        };
        self.keyfactor.as_somebody(token, "PUT", &format!("/Certificates/{}/Owner{query}", self.certificate), body).await
    }
}

/// The table as the page has it.
fn table() -> String {
    let heads = COLUMNS.map(|(.., head)| head).join(" | ");
    let mut text = format!("| right held | request names | owner | {heads} |\n|---|---|---|{}\n", "---|".repeat(COLUMNS.len()));
    for (right, right_name) in RIGHTS {
        for (names, place) in PLACES {
            for (owner, owner_name) in OWNERS {
                let cells = COLUMNS.map(|(to, asks, _)| by_hand(right, names, owner, to, asks).to_string());
                text.push_str(&format!("| {right_name} | {place} | {owner_name} | {} |\n", cells.join(" | ")));
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
    let mut seen = std::collections::BTreeMap::new();
    for asks in [Asks::Nobody, Asks::Installation, Asks::Template, Asks::Pattern] {
        for (owner, _) in OWNERS {
            stage.require_owner(Asks::Nobody).await;
            stage.set_owner(owner).await;
            stage.require_owner(asks).await;
            for (right, _) in RIGHTS {
                for (names, _) in PLACES {
                    for (to, when, _) in COLUMNS {
                        let is_clearing = to == To::Nobody;
                        if is_clearing && when != asks || !is_clearing && asks != Asks::Nobody && right != Right::Both {
                            continue;
                        }
                        let expected = by_hand(right, names, owner, to, asks);
                        let case = format!("{right:?} {names:?} {owner:?} {to:?} asked by {asks:?}");
                        let before = stage.keyfactor.test.events().await;
                        let reply = stage.change(right, names, to).await;
                        assert_eq!(reply.status.as_u16(), expected, "{case}: {}", reply.text());
                        *seen.entry(expected).or_insert(0) += 1;
                        let changes = expected == 204 && to != owner.map_or(To::Nobody, To::Role);
                        let events = stage.keyfactor.test.events().await - before;
                        assert_eq!(events, i64::from(changes), "{case}");
                        if expected != 204 {
                            assert!(reply.json()["Message"].is_string(), "{case}");
                        }
                        if changes {
                            stage.require_owner(Asks::Nobody).await;
                            stage.set_owner(owner).await;
                            stage.require_owner(asks).await;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [204, 400, 403, 404], "every answer occurs: {seen:?}");
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
        // The authority's and the stage's own come first.
        listed.as_array().unwrap().iter().skip(2).map(|one| one["OwnerRoleName"].clone()).collect()
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
    let scope = format!("/Certificates/Owner?collectionId={}", stage.without);
    refused(stage.keyfactor.call("PUT", &scope, many(json!(others), json!(stage.foreign))).await, 403);
    call(json!({ "CertificateIds": others, "NewRoleName": "" })).await.expect(204);
    assert_eq!(owners().await, [json!(null), json!(null), json!(null)]);
}
