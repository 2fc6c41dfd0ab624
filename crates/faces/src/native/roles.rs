//! `/roles`: security roles, and who holds them.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::access::roles::{self, RoleCommand};
use certhold_domain::{PermissionSetId, PrincipalId, RoleId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Owner;
use super::created::Created;
use super::extract::{Id, Json as Body, Query};
use super::hidden;
use super::page::{Page, rows};
use super::permissions::texts;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of roles.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(assignable))
        .routes(routes!(get, update, remove))
        .routes(routes!(holders))
        .routes(routes!(assign, withdraw))
}

/// A security role.
#[derive(Serialize, ToSchema)]
pub struct Role {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    #[schema(example = "Web operations")]
    name: String,
    /// What it is for.
    description: String,
    /// Where its people are reached.
    email: Option<String>,
    /// The permission set that bounds it.
    permission_set: Owner,
    /// The administrator role that cannot be changed.
    built_in: bool,
    /// What it grants: permission paths; a shorter one includes everything below it.
    #[schema(example = json!(["/certificates/collections/read/"]))]
    permissions: Vec<String>,
    /// What of its permissions, or of what is below them, has no effect because the permission set does not allow it.
    without_effect: Vec<String>,
    /// How many people and service accounts hold it.
    holders: i64,
    /// How many claims hold it.
    claims: i64,
}

impl From<roles::Role> for Role {
    fn from(role: roles::Role) -> Role {
        Role {
            id: role.id.0,
            name: role.name,
            description: role.description,
            email: role.email,
            permission_set: Owner { id: role.permission_set.0, name: role.permission_set_name },
            built_in: role.built_in,
            permissions: texts(&role.permissions),
            without_effect: texts(&role.without_effect),
            holders: role.holders,
            claims: role.claims,
        }
    }
}

/// A role as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleInput {
    /// Unique without regard to case.
    #[schema(example = "Web operations")]
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// Where its people are reached.
    email: Option<String>,
    /// The permission set that bounds it; `Global` if left out.
    permission_set: Option<i64>,
    /// What it grants: permission paths. Nobody can grant what they do not hold.
    #[schema(example = json!(["/certificates/collections/read/"]))]
    permissions: Vec<String>,
}

impl From<RoleInput> for RoleCommand {
    fn from(input: RoleInput) -> RoleCommand {
        RoleCommand {
            name: input.name,
            description: input.description,
            email: input.email,
            permission_set: input.permission_set.map(PermissionSetId),
            permissions: input.permissions,
        }
    }
}

/// List roles
#[utoipa::path(get, path = "/roles", tag = "roles", responses((status = 200, description = "All roles, by name", body = Page<Role>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Role>> {
    let found = app.read_as(caller, roles::list).await?;
    Ok(Page::whole(found.into_iter().map(Role::from).collect()))
}

/// List the roles that the caller may make owners
///
/// The roles they hold, or all of them for administrators.
#[utoipa::path(get, path = "/roles/assignable", tag = "roles",
    responses((status = 200, description = "Ids and names", body = Page<Owner>)))]
pub async fn assignable(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Owner>> {
    let found = app.read_as(caller, roles::assignable).await?;
    Ok(Page::whole(found.into_iter().map(Owner::from).collect()))
}

/// Create a role
#[utoipa::path(post, path = "/roles", tag = "roles", request_body = RoleInput,
    responses((status = 201, description = "The new role", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<RoleInput>) -> Answer<Created> {
    let (command, now) = (RoleCommand::from(input), app.now());
    let id = app.write(move |tx| roles::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("roles", id.0))
}

/// Get a role
#[utoipa::path(get, path = "/roles/{id}", tag = "roles", params(("id" = i64, Path, description = "The role")),
    responses((status = 200, description = "The role", body = Role)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Role>> {
    let id = RoleId(id);
    let found = app.read_as(caller, move |tx, actor| roles::get(tx, actor, id)).await.map_err(hidden("role", id))?;
    Ok(Json(found.into()))
}

/// Replace a role
#[utoipa::path(put, path = "/roles/{id}", tag = "roles", params(("id" = i64, Path, description = "The role")), request_body = RoleInput,
    responses((status = 204, description = "It is replaced")))]
pub async fn update(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<RoleInput>) -> Answer<StatusCode> {
    let (command, now) = (RoleCommand::from(input), app.now());
    app.write(move |tx| roles::update(tx, &author.actor, RoleId(id), &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a role
#[utoipa::path(delete, path = "/roles/{id}", tag = "roles", params(("id" = i64, Path, description = "The role")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| roles::remove(tx, &author.actor, RoleId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who holds a role.
#[derive(Serialize, ToSchema)]
pub struct Holder {
    /// The account.
    id: i64,
    /// Its name.
    name: String,
    /// `person` or `service`.
    kind: &'static str,
    /// Disabled accounts hold nothing until they are enabled again.
    disabled: bool,
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HolderParameters {
    /// Only accounts after this name: taken from `next`.
    after: Option<String>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List who holds a role
#[utoipa::path(get, path = "/roles/{id}/holders", tag = "roles",
    params(("id" = i64, Path, description = "The role"), HolderParameters),
    responses((status = 200, description = "People and service accounts, by name", body = Page<Holder>)))]
pub async fn holders(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(asked): Query<HolderParameters>,
    OriginalUri(uri): OriginalUri,
) -> Answer<Page<Holder>> {
    let limit = rows(asked.limit)?;
    let found = app.read_as(caller, move |tx, actor| roles::members(tx, actor, RoleId(id), asked.after.as_deref(), limit)).await;
    let found = found.map_err(hidden("role", id))?;
    let next = (found.len() == limit).then(|| found.last().map(|member| member.name.clone())).flatten();
    let holder = |member: roles::Member| Holder {
        id: member.id.0,
        name: member.name,
        kind: member.kind.name(),
        disabled: member.disabled,
    };
    Ok(Page::of(found.into_iter().map(holder).collect(), &uri, "after", next))
}

/// Give a role to somebody
#[utoipa::path(put, path = "/roles/{id}/holders/{principal}", tag = "roles",
    params(("id" = i64, Path, description = "The role"), ("principal" = i64, Path, description = "A person or service account")),
    responses((status = 204, description = "They hold it")))]
pub async fn assign(State(app): State<App>, author: Author, Id((role, principal)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| roles::assign(tx, &author.actor, RoleId(role), PrincipalId(principal), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a role from somebody
#[utoipa::path(delete, path = "/roles/{id}/holders/{principal}", tag = "roles",
    params(("id" = i64, Path, description = "The role"), ("principal" = i64, Path, description = "A person or service account")),
    responses((status = 204, description = "They do not hold it")))]
pub async fn withdraw(State(app): State<App>, author: Author, Id((role, principal)): Id<(i64, i64)>) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| roles::withdraw(tx, &author.actor, RoleId(role), PrincipalId(principal), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_role_is_made_told_replaced_and_removed() {
        let test = TestApp::new().await;
        let made = json!({ "name": " Web Ops ", "description": "two\nlines", "permissions": ["Certificates/Import"] });
        let reply = test.post("/api/v1/roles", made).await;
        let location = reply.headers["location"].to_str().unwrap().to_owned();
        let id = reply.expect(201)["id"].as_i64().unwrap();
        assert_eq!(location, format!("/api/v1/roles/{id}"));
        let role = test.get(&location).await.expect(200);
        assert_eq!((&role["name"], &role["permissions"]), (&json!("Web Ops"), &json!(["/certificates/import/"])));
        assert_eq!(
            (&role["permission_set"]["name"], &role["built_in"], &role["holders"]),
            (&json!("Global"), &json!(false), &json!(0))
        );
        test.put(&location, json!({ "name": "DNS ops", "email": "dns@example.com", "permissions": [] })).await.expect(204);
        let role = test.get(&location).await.expect(200);
        assert_eq!(
            (&role["name"], &role["description"], &role["email"]),
            (&json!("DNS ops"), &json!(""), &json!("dns@example.com"))
        );
        test.delete(&location).await.expect(204);
        test.get(&location).await.expect(404);
    }

    #[tokio::test]
    async fn hostile_and_wrong_roles_are_refused_and_odd_names_kept() {
        let test = TestApp::new().await;
        let before = test.events().await;
        let role = |name: &str| json!({ "name": name, "permissions": [] });
        for name in ["", "  ", "a\0b", "admin\u{202e}", "two\nlines", "zero\u{200b}", &"x".repeat(201)] {
            let problem = test.post("/api/v1/roles", role(name)).await.expect(400);
            assert_eq!(problem["field"], "name", "{name:?}");
        }
        for permissions in [
            json!(["/a/../b/"]),
            json!([""]),
            json!(["/a b/"]),
            json!(["/certificates/", "/certificates/import/"]),
            json!(["/nothing/"]),
        ] {
            let problem = test.post("/api/v1/roles", json!({ "name": "x", "permissions": permissions })).await.expect(400);
            assert_eq!(problem["field"], "permissions");
        }
        for twin in ["ADMINISTRATOR", "Ａdministrator", "  administrator  "] {
            test.post("/api/v1/roles", role(twin)).await.expect(409);
        }
        test.post("/api/v1/roles", role("Аdministrator")).await.expect(400);
        let typo = json!({ "name": "x", "permissions": ["/certificates/imports/"] });
        let problem = test.post("/api/v1/roles", typo).await.expect(400);
        assert!(problem["detail"].as_str().unwrap().contains("did you mean /certificates/import/?"), "{problem}");
        test.post("/api/v1/roles", json!({ "name": "x", "permissions": [], "permission_set": 4711 })).await.expect(400);
        assert_eq!(test.events().await, before);
        for name in ["<script>alert(1)</script>", "'; DROP TABLE role; --", "../../etc/passwd", "שלום", "$(reboot)"] {
            let id = test.post("/api/v1/roles", role(name)).await.expect(201)["id"].clone();
            assert_eq!(test.get(&format!("/api/v1/roles/{id}")).await.expect(200)["name"], name);
        }
    }

    #[tokio::test]
    async fn the_administrator_role_stays_and_nobody_grants_what_they_lack() {
        let test = TestApp::new().await;
        let roles = test.get("/api/v1/roles").await.expect(200);
        let id = roles["items"][0]["id"].as_i64().unwrap();
        test.delete(&format!("/api/v1/roles/{id}")).await.expect(409);
        test.put(&format!("/api/v1/roles/{id}"), json!({ "name": "x", "permissions": [] })).await.expect(409);
        test.delete(&format!("/api/v1/roles/{id}/holders/{}", test.admin_id)).await.expect(409);
        let (me, _, token) = test.service("security", &["/security/"]).await;
        let wide = json!({ "name": "wide", "permissions": ["/certificates/"] });
        let problem = test.call("POST", "/api/v1/roles", &token, Some(&wide)).await.expect(403);
        assert_eq!(problem["missing"], json!(["/certificates/"]));
        test.call("PUT", &format!("/api/v1/roles/{id}/holders/{me}"), &token, None).await.expect(403);
    }

    #[tokio::test]
    async fn a_role_given_and_taken_counts_at_once() {
        let test = TestApp::new().await;
        let (service, _, token) = test.service("service", &[]).await;
        let role = json!({ "name": "readers", "permissions": ["/certificates/collections/read/"] });
        let role = test.post("/api/v1/roles", role).await.expect(201)["id"].clone();
        let holder = format!("/api/v1/roles/{role}/holders/{service}");
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(403);
        test.put(&holder, json!(null)).await.expect(204);
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(200);
        assert_eq!(test.get(&format!("/api/v1/principals/{service}/roles")).await.expect(200)["items"][0]["name"], "readers");
        test.delete(&holder).await.expect(204);
        test.call("GET", "/api/v1/certificates", &token, None).await.expect(403);
    }
}
