//! `/permissions` and `/permission-sets`: what there is to grant, and what bounds it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::PermissionSetId;
use certhold_domain::access::sets::{self, SetCommand};
use certhold_domain::access::tree::{self, Takes};
use certhold_domain::access::{Path as PermissionPath, paths};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::certificates::Owner;
use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of permissions.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(catalogue)).routes(routes!(list, create)).routes(routes!(get, update, remove))
}

/// Something that can be granted.
#[derive(Serialize, ToSchema)]
pub struct Permission {
    /// The path.
    #[schema(example = "/certificates/import/")]
    path: &'static str,
    /// What it allows.
    description: &'static str,
    /// What may follow the path, so that it is granted for one object only: the number of a `collection` or `container`.
    takes: Option<&'static str>,
}

/// List permissions
///
/// Every path the product asks for. A shorter path includes everything below it.
#[utoipa::path(get, path = "/permissions", tag = "permissions",
    responses((status = 200, description = "All permissions", body = Page<Permission>)))]
pub async fn catalogue(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Permission>> {
    app.known(caller).await?;
    let takes = |path: &str| match tree::takes(path) {
        Takes::Nothing => None,
        Takes::Collection => Some("collection"),
        Takes::Container => Some("container"),
    };
    let all = paths::CATALOGUE.iter().map(|(path, description)| Permission { path, description, takes: takes(path) });
    Ok(Page::whole(all.collect()))
}

/// A permission set: the upper bound of the roles inside it, and a border of administration.
#[derive(Serialize, ToSchema)]
pub struct PermissionSet {
    /// Its handle.
    id: i64,
    /// Its public identifier.
    uuid: String,
    /// Unique without regard to case.
    name: String,
    /// What roles inside it may be given at most.
    permissions: Vec<String>,
    /// How many roles are inside it.
    roles: i64,
    /// Whether it bounds the administrator role and cannot be changed.
    built_in: bool,
}

impl From<sets::PermissionSet> for PermissionSet {
    fn from(set: sets::PermissionSet) -> PermissionSet {
        PermissionSet {
            id: set.id.0,
            uuid: set.uuid,
            name: set.name,
            permissions: texts(&set.permissions),
            roles: set.roles,
            built_in: set.built_in,
        }
    }
}

/// Paths as they stand on the wire.
pub(super) fn texts(paths: &[PermissionPath]) -> Vec<String> {
    paths.iter().map(|path| path.as_str().to_owned()).collect()
}

/// List permission sets
#[utoipa::path(get, path = "/permission-sets", tag = "permissions",
    responses((status = 200, description = "All permission sets", body = Page<PermissionSet>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<PermissionSet>> {
    let found = app.read_as(caller, sets::list).await?;
    Ok(Page::whole(found.into_iter().map(PermissionSet::from).collect()))
}

/// Get a permission set
#[utoipa::path(get, path = "/permission-sets/{id}", tag = "permissions", params(("id" = i64, Path, description = "The set")),
    responses((status = 200, description = "The set", body = PermissionSet)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<PermissionSet>> {
    let found = app.read_as(caller, move |tx, actor| sets::get(tx, actor, PermissionSetId(id))).await;
    Ok(Json(found.map_err(hidden("permission set", id))?.into()))
}

/// A permission set as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionSetInput {
    /// Unique without regard to case.
    name: String,
    /// What roles inside it may be given at most. Nobody bounds with more than they hold.
    #[schema(example = json!(["/certificates/"]))]
    permissions: Vec<String>,
}

impl From<PermissionSetInput> for SetCommand {
    fn from(input: PermissionSetInput) -> SetCommand {
        SetCommand { name: input.name, permissions: input.permissions }
    }
}

/// Create a permission set
#[utoipa::path(post, path = "/permission-sets", tag = "permissions", request_body = PermissionSetInput,
    responses((status = 201, description = "The new set", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<PermissionSetInput>) -> Answer<Created> {
    let (uuid, now, command) = (Uuid::now_v7(), app.now(), SetCommand::from(input));
    let made = app.write(move |tx| sets::create(tx, &author.actor, &command, uuid, now));
    Ok(Created::at("permission-sets", made.await?.0))
}

/// What a change of a set does to the roles inside it.
#[derive(Serialize, ToSchema)]
pub struct SetChange {
    /// What roles grant and has no effect any more.
    stopped: Vec<Affected>,
    /// What roles grant and has effect again.
    began: Vec<Affected>,
}

/// What happens to one role.
#[derive(Serialize, ToSchema)]
pub struct Affected {
    /// The role.
    role: Owner,
    /// What of it is concerned.
    permissions: Vec<String>,
    /// How many accounts hold it.
    holders: i64,
}

impl From<sets::Affected> for Affected {
    fn from(one: sets::Affected) -> Affected {
        Affected { role: Owner { id: one.role.0, name: one.name }, permissions: texts(&one.paths), holders: one.holders }
    }
}

/// Replace a permission set
///
/// It takes effect at once. Roles inside it keep what they grant; the answer says what of it has no effect any more, and what has
/// effect again.
#[utoipa::path(put, path = "/permission-sets/{id}", tag = "permissions", params(("id" = i64, Path, description = "The set")),
    request_body = PermissionSetInput, responses((status = 200, description = "It is replaced", body = SetChange)))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<PermissionSetInput>,
) -> Answer<Json<SetChange>> {
    let (command, now) = (SetCommand::from(input), app.now());
    let change = app.write(move |tx| sets::update(tx, &author.actor, PermissionSetId(id), &command, now)).await?;
    let told = |affected: Vec<sets::Affected>| affected.into_iter().map(Affected::from).collect();
    Ok(Json(SetChange { stopped: told(change.stopped), began: told(change.began) }))
}

/// Remove a permission set that no role is inside of
#[utoipa::path(delete, path = "/permission-sets/{id}", tag = "permissions", params(("id" = i64, Path, description = "The set")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| sets::remove(tx, &author.actor, PermissionSetId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_narrowed_set_tells_which_roles_lose_what() {
        let test = TestApp::new().await;
        let set = json!({ "name": "Web", "permissions": ["/certificates/"] });
        let id = test.post("/api/v1/permission-sets", set).await.expect(201)["id"].clone();
        let place = format!("/api/v1/permission-sets/{id}");
        let role = json!({ "name": "ops", "permission_set": id, "permissions": ["/certificates/import/", "/certificates/collections/"] });
        let role = test.post("/api/v1/roles", role).await.expect(201)["id"].clone();
        let (service, _, token) = test.service("service", &[]).await;
        test.put(&format!("/api/v1/roles/{role}/holders/{service}"), json!(null)).await.expect(204);
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(200);

        let narrow = json!({ "name": "Web", "permissions": ["/certificates/collections/delete/"] });
        let change = test.put(&place, narrow).await.expect(200);
        let stopped = &change["stopped"][0];
        assert_eq!((&stopped["role"]["name"], &stopped["holders"], &change["began"]), (&json!("ops"), &json!(1), &json!([])));
        let lost: Vec<&str> = stopped["permissions"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        assert!(lost.contains(&"/certificates/import/") && lost.contains(&"/certificates/collections/read/"), "{lost:?}");
        assert!(
            !lost.contains(&"/certificates/collections/delete/") && !lost.contains(&"/certificates/collections/"),
            "{lost:?}"
        );
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(403);
        let told = test.get(&format!("/api/v1/roles/{role}")).await.expect(200);
        assert_eq!(
            told["permissions"],
            json!(["/certificates/collections/", "/certificates/import/"]),
            "the role keeps its grants"
        );
        assert_eq!(told["without_effect"], stopped["permissions"]);

        test.delete(&place).await.expect(409);
        let change = test.put(&place, json!({ "name": "Web", "permissions": ["/certificates/"] })).await.expect(200);
        assert_eq!(change["began"], json!([stopped]));
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(200);
        test.delete(&format!("/api/v1/roles/{role}")).await.expect(204);
        test.delete(&place).await.expect(204);
        test.get(&place).await.expect(404);
    }

    #[tokio::test]
    async fn the_set_of_the_administrators_stays_as_it_is() {
        let test = TestApp::new().await;
        let before = test.events().await;
        let sets = test.get("/api/v1/permission-sets").await.expect(200);
        let place = format!("/api/v1/permission-sets/{}", sets["items"][0]["id"]);
        assert_eq!(test.get(&place).await.expect(200)["built_in"], true);
        test.put(&place, json!({ "name": "Global", "permissions": ["/portal/"] })).await.expect(409);
        test.delete(&place).await.expect(409);
        for permissions in [json!(["/certificates/nothing/"]), json!(["/a/", "/a/b/"]), json!([""])] {
            let problem = test.post("/api/v1/permission-sets", json!({ "name": "x", "permissions": permissions })).await;
            assert_eq!(problem.expect(400)["field"], "permissions");
        }
        assert_eq!(test.events().await, before);
    }

    #[tokio::test]
    async fn a_set_is_a_border_of_administration() {
        let test = TestApp::new().await;
        let set = async |name: &str, permissions: &[&str]| {
            let set = json!({ "name": name, "permissions": permissions });
            test.post("/api/v1/permission-sets", set).await.expect(201)["id"].clone()
        };
        let (web, inner) = (set("Web", &["/security/", "/certificates/"]).await, set("Inner", &["/certificates/import/"]).await);
        let role = async |name: &str, set: &serde_json::Value, permissions: &[&str]| {
            let role = json!({ "name": name, "permission_set": set, "permissions": permissions });
            test.post("/api/v1/roles", role).await.expect(201)["id"].clone()
        };
        let managers = role("managers", &web, &["/security/", "/certificates/import/"]).await;
        let in_inner = role("in inner", &inner, &["/certificates/import/"]).await;
        let in_global = role("in global", &json!(1), &["/certificates/import/"]).await;
        let (manager, _, token) = test.service("manager", &[]).await;
        let (other, ..) = test.service("other", &[]).await;
        test.put(&format!("/api/v1/roles/{managers}/holders/{manager}"), json!(null)).await.expect(204);
        let as_manager = async |method: &str, path: String, body: serde_json::Value| {
            test.call(method, &path, &token, Some(&body)).await.status.as_u16()
        };
        let new = |set: &serde_json::Value| json!({ "name": format!("new in {set}"), "permission_set": set, "permissions": [] });
        for (set, status) in [(&web, 201), (&inner, 201), (&json!(1), 403)] {
            assert_eq!(as_manager("POST", "/api/v1/roles".into(), new(set)).await, status, "{set}");
        }
        for (role, status) in [(&in_inner, 204), (&in_global, 403)] {
            let holder = format!("/api/v1/roles/{role}/holders/{other}");
            assert_eq!(as_manager("PUT", holder.clone(), json!(null)).await, status);
            assert_eq!(as_manager("DELETE", holder, json!(null)).await, status);
        }
        test.put(&format!("/api/v1/roles/{in_global}/holders/{other}"), json!(null)).await.expect(204);
        let disable = format!("/api/v1/principals/{other}/disable");
        assert_eq!(as_manager("POST", disable, json!(null)).await, 403, "an account with a role beyond the border");
        // A role does not cross the border, and the border does not move over what its mover lacks.
        let moved = json!({ "name": "in inner", "permission_set": 1, "permissions": ["/certificates/import/"] });
        assert_eq!(as_manager("PUT", format!("/api/v1/roles/{in_inner}"), moved).await, 403);
        let wider = json!({ "name": "Inner", "permissions": ["/certificates/import/", "/renewal/"] });
        assert_eq!(as_manager("PUT", format!("/api/v1/permission-sets/{inner}"), wider).await, 403);
        let narrower = json!({ "name": "Inner", "permissions": [] });
        assert_eq!(as_manager("PUT", format!("/api/v1/permission-sets/{inner}"), narrower).await, 200);
    }
}
