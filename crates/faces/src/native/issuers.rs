//! `/issuers`: authorities that certificates are obtained from.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::IssuerId;
use certhold_domain::renewal::issuers::{self, AcmeSettings, NewIssuer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use super::secret::Secret;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of issuers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, remove))
}

/// An account at an ACME authority (RFC 8555).
#[derive(Serialize, ToSchema)]
pub struct Issuer {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    name: String,
    /// The directory's URL.
    directory: String,
    /// Mail addresses of the account.
    contacts: Vec<String>,
    /// PEM of the root that the directory's own TLS certificate chains to, where it is not a public one.
    trust_root: Option<String>,
    /// Key identifier of an external account binding.
    eab_key_id: Option<String>,
    /// Whether the account is registered; it is at first use.
    registered: bool,
    /// How many managed certificates use it.
    used_by: i64,
}

impl From<issuers::Issuer> for Issuer {
    fn from(issuer: issuers::Issuer) -> Issuer {
        Issuer {
            id: issuer.id.0,
            name: issuer.name,
            directory: issuer.settings.directory,
            contacts: issuer.settings.contacts,
            trust_root: issuer.settings.trust_root,
            eab_key_id: issuer.settings.eab_key_id,
            registered: issuer.registered,
            used_by: issuer.used_by,
        }
    }
}

/// A new issuer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerInput {
    /// Unique without regard to case.
    #[schema(example = "Let's Encrypt")]
    name: String,
    /// The directory's URL.
    #[schema(example = "https://acme-v02.api.letsencrypt.org/directory")]
    directory: String,
    /// Mail addresses of the account, without `mailto:`.
    #[serde(default)]
    contacts: Vec<String>,
    /// PEM of the root that the directory's own TLS certificate chains to, where it is not a public one.
    trust_root: Option<String>,
    /// Key identifier of an external account binding (RFC 8555 §7.3.4).
    eab_key_id: Option<String>,
    /// Its key, base64url.
    eab_key: Option<Secret>,
}

/// List issuers
#[utoipa::path(get, path = "/issuers", tag = "issuers",
    responses((status = 200, description = "All issuers, by name", body = Page<Issuer>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Issuer>> {
    let found = app.read_as(caller, issuers::list).await?;
    Ok(Page::whole(found.into_iter().map(Issuer::from).collect()))
}

/// Create an issuer
///
/// Its account is registered when the first certificate is obtained.
#[utoipa::path(post, path = "/issuers", tag = "issuers", request_body = IssuerInput,
    responses((status = 201, description = "The new issuer", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<IssuerInput>) -> Answer<Created> {
    let settings = AcmeSettings {
        directory: input.directory,
        contacts: input.contacts,
        trust_root: input.trust_root,
        eab_key_id: input.eab_key_id,
    };
    let (core, now) = (app.core(), app.now());
    let key = input.eab_key.as_ref().map(Secret::expose);
    let new = NewIssuer::new(&input.name, settings, key, &core.custody, core.entropy.as_ref())?;
    let id = app.write(move |tx| issuers::create(tx, &author.actor, &new, now)).await?;
    Ok(Created::at("issuers", id.0))
}

/// Get an issuer
#[utoipa::path(get, path = "/issuers/{id}", tag = "issuers", params(("id" = i64, Path, description = "The issuer")),
    responses((status = 200, description = "The issuer", body = Issuer)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<Issuer>> {
    let id = IssuerId(id);
    let found = app.read_as(caller, move |tx, actor| issuers::get(tx, actor, id)).await.map_err(hidden("issuer", id))?;
    Ok(Json(found.into()))
}

/// Remove an issuer
///
/// One that nothing uses and that never had an order.
#[utoipa::path(delete, path = "/issuers/{id}", tag = "issuers", params(("id" = i64, Path, description = "The issuer")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| issuers::remove(tx, &author.actor, IssuerId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    const EAB_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

    #[tokio::test]
    async fn an_issuer_keeps_its_external_account_key_to_itself() {
        let test = TestApp::new().await;
        let new = json!({ "name": "CA", "directory": "https://acme.example/dir", "eab_key_id": "kid-1", "eab_key": EAB_KEY });
        let reply = test.post("/api/v1/issuers", new).await;
        let location = reply.headers["location"].to_str().unwrap().to_owned();
        reply.expect(201);
        let told = test.get(&location).await;
        assert!(!told.text().contains(EAB_KEY));
        let told = told.expect(200);
        assert_eq!((&told["eab_key_id"], &told["registered"], &told["used_by"]), (&json!("kid-1"), &json!(false), &json!(0)));
        assert!(!test.get("/api/v1/events").await.text().contains(EAB_KEY));
        test.delete(&location).await.expect(204);
        test.get(&location).await.expect(404);
    }

    #[tokio::test]
    async fn wrong_issuers_are_refused() {
        let test = TestApp::new().await;
        let before = test.events().await;
        let directory = "https://acme.example/dir";
        for (wrong, field) in [
            (json!({ "name": "", "directory": directory }), "name"),
            (json!({ "name": "x", "directory": "http://acme.example/dir" }), "directory"),
            (json!({ "name": "x", "directory": "file:///etc/passwd" }), "directory"),
            (json!({ "name": "x", "directory": "https://user:pw@acme.example/" }), "directory"),
            (json!({ "name": "x", "directory": directory, "contacts": ["not an address"] }), "contacts"),
            (json!({ "name": "x", "directory": directory, "trust_root": "x" }), "trust_root"),
            (json!({ "name": "x", "directory": directory, "eab_key_id": "kid" }), "eab_key"),
            (json!({ "name": "x", "directory": directory, "eab_key": EAB_KEY }), "eab_key_id"),
            (json!({ "name": "x", "directory": directory, "eab_key_id": "kid", "eab_key": "not base64!" }), "eab_key"),
        ] {
            assert_eq!(test.post("/api/v1/issuers", wrong).await.expect(400)["field"], field);
        }
        assert_eq!(test.events().await, before);
    }
}
