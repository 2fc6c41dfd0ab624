//! `/dns-providers`: where proofs are published.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::DnsProviderId;
use certhold_domain::renewal::catalogue;
use certhold_domain::renewal::providers::{self, ProviderCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroize;

use super::created::Created;
use super::extract::{Id, Json as Body};
use super::hidden;
use super::page::Page;
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The routes of DNS providers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(kinds)).routes(routes!(list, create)).routes(routes!(get, update, remove))
}

/// A kind of DNS provider, and what it needs to be told.
#[derive(Serialize, ToSchema)]
pub struct DnsProviderKind {
    /// The value of `kind`.
    #[schema(example = "powerdns")]
    name: &'static str,
    /// What people call it.
    label: &'static str,
    /// One sentence.
    help: &'static str,
    /// What it needs.
    parameters: Vec<Parameter>,
}

/// One thing a DNS provider must or may be told.
#[derive(Serialize, ToSchema)]
pub struct Parameter {
    /// The key in `settings`.
    name: &'static str,
    /// What a form calls it.
    label: &'static str,
    /// What to enter.
    help: &'static str,
    /// Kept sealed and never shown again.
    secret: bool,
    /// Whether it must be there.
    required: bool,
    /// What is assumed when it is absent.
    default: Option<&'static str>,
    /// The only values allowed; empty for any.
    choices: &'static [&'static str],
}

impl From<&'static catalogue::ProviderKind> for DnsProviderKind {
    fn from(kind: &'static catalogue::ProviderKind) -> DnsProviderKind {
        let parameter = |parameter: &'static catalogue::Parameter| Parameter {
            name: parameter.name,
            label: parameter.label,
            help: parameter.help,
            secret: parameter.secret,
            required: parameter.required,
            default: parameter.default,
            choices: parameter.choices,
        };
        DnsProviderKind {
            name: kind.name,
            label: kind.label,
            help: kind.help,
            parameters: kind.parameters.iter().map(parameter).collect(),
        }
    }
}

/// List kinds of DNS providers
#[utoipa::path(get, path = "/dns-provider-kinds", tag = "dns providers",
    responses((status = 200, description = "Every kind with its parameters", body = Page<DnsProviderKind>)))]
pub async fn kinds(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<DnsProviderKind>> {
    app.known(caller).await?;
    Ok(Page::whole(catalogue::PROVIDERS.iter().map(DnsProviderKind::from).collect()))
}

/// An account at a DNS provider.
#[derive(Serialize, ToSchema)]
pub struct DnsProvider {
    /// Its handle.
    id: i64,
    /// Unique without regard to case.
    name: String,
    /// A kind of `/dns-provider-kinds`.
    #[schema(example = "powerdns")]
    kind: String,
    /// Its settings; secrets appear as `********`.
    #[schema(example = json!({"url": "http://127.0.0.1:8081", "server_id": "localhost", "api_key": "********", "ttl": "60"}))]
    settings: BTreeMap<String, String>,
    /// How many managed certificates use it.
    used_by: i64,
}

impl From<providers::DnsProvider> for DnsProvider {
    fn from(provider: providers::DnsProvider) -> DnsProvider {
        DnsProvider {
            id: provider.id.0,
            name: provider.name,
            kind: provider.kind,
            settings: provider.settings,
            used_by: provider.used_by,
        }
    }
}

/// A DNS provider as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsProviderInput {
    /// Unique without regard to case.
    #[schema(example = "Our zones")]
    name: String,
    /// A kind of `/dns-provider-kinds`; it cannot change.
    #[schema(example = "powerdns")]
    kind: String,
    /// The parameters of that kind. A secret sent back as `********` stays what it was.
    #[schema(example = json!({"url": "http://127.0.0.1:8081", "api_key": "secret"}))]
    settings: BTreeMap<String, String>,
}

impl Drop for DnsProviderInput {
    fn drop(&mut self) {
        self.settings.values_mut().for_each(Zeroize::zeroize);
    }
}

/// List DNS providers
///
/// Without their secrets.
#[utoipa::path(get, path = "/dns-providers", tag = "dns providers",
    responses((status = 200, description = "All DNS providers, by name", body = Page<DnsProvider>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<DnsProvider>> {
    let found = app.read_as(caller, providers::list).await?;
    Ok(Page::whole(found.into_iter().map(DnsProvider::from).collect()))
}

/// Create a DNS provider
#[utoipa::path(post, path = "/dns-providers", tag = "dns providers", request_body = DnsProviderInput,
    responses((status = 201, description = "The new DNS provider", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Body(input): Body<DnsProviderInput>) -> Answer<Created> {
    let (core, now) = (app.core(), app.now());
    let command = ProviderCommand::new(&input.name, &input.kind, &input.settings, None, &core.custody, core.entropy.as_ref())?;
    let id = app.write(move |tx| providers::create(tx, &author.actor, &command, now)).await?;
    Ok(Created::at("dns-providers", id.0))
}

/// Get a DNS provider
///
/// Without its secrets.
#[utoipa::path(get, path = "/dns-providers/{id}", tag = "dns providers", params(("id" = i64, Path, description = "The DNS provider")),
    responses((status = 200, description = "The DNS provider", body = DnsProvider)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<DnsProvider>> {
    let id = DnsProviderId(id);
    let found = app.read_as(caller, move |tx, actor| providers::get(tx, actor, id)).await;
    Ok(Json(found.map_err(hidden("DNS provider", id))?.into()))
}

/// Replace a DNS provider
///
/// Its kind stays.
#[utoipa::path(put, path = "/dns-providers/{id}", tag = "dns providers", params(("id" = i64, Path, description = "The DNS provider")),
    request_body = DnsProviderInput, responses((status = 204, description = "It is replaced")))]
pub async fn update(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Body(input): Body<DnsProviderInput>,
) -> Answer<StatusCode> {
    let (id, asking, now) = (DnsProviderId(id), author.actor.clone(), app.now());
    let sealed = app.read(move |tx| providers::sealed_credentials(tx, &asking, id)).await?;
    let core = app.core();
    let stored = sealed.map(|row| providers::open_credentials(&core.custody, &row)).transpose()?;
    let command =
        ProviderCommand::new(&input.name, &input.kind, &input.settings, stored.as_ref(), &core.custody, core.entropy.as_ref())
            .map_err(Problem::from)?;
    app.write(move |tx| providers::update(tx, &author.actor, id, &command, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a DNS provider
///
/// One that nothing uses. Its secrets are destroyed.
#[utoipa::path(delete, path = "/dns-providers/{id}", tag = "dns providers", params(("id" = i64, Path, description = "The DNS provider")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| providers::remove(tx, &author.actor, DnsProviderId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    const KEY: &str = "pdns-api-key-4711";

    #[tokio::test]
    async fn credentials_go_in_and_never_come_out() {
        let test = TestApp::new().await;
        let settings = json!({ "url": "http://127.0.0.1:8081", "api_key": KEY });
        let new = json!({ "name": "Our zones", "kind": "powerdns", "settings": settings });
        let reply = test.post("/api/v1/dns-providers", new).await;
        let location = reply.headers["location"].to_str().unwrap().to_owned();
        reply.expect(201);
        let told = test.get(&location).await.expect(200);
        let shown = json!({ "url": "http://127.0.0.1:8081", "server_id": "localhost", "ttl": "60", "api_key": "********" });
        assert_eq!(told["settings"], shown);
        let back = json!({ "name": "Renamed", "kind": "powerdns", "settings": told["settings"] });
        test.put(&location, back).await.expect(204);
        let changed = test.get("/api/v1/events?operation=dns_provider.changed").await.expect(200);
        assert_eq!(changed["items"][0]["payload"]["after"]["name"], "Renamed");
        assert!(!changed.to_string().contains("\"changed\""), "the masked credential kept the stored one: {changed}");
        for path in ["/api/v1/dns-providers", "/api/v1/events", "/metrics"] {
            assert!(!test.get(path).await.text().contains(KEY), "{path}");
        }
        test.delete(&location).await.expect(204);
    }

    #[tokio::test]
    async fn wrong_settings_are_named_without_repeating_secrets() {
        let test = TestApp::new().await;
        let before = test.events().await;
        for settings in [
            json!({ "url": "http://127.0.0.1:8081" }),
            json!({ "url": "http://127.0.0.1:8081", "api_key": "********" }),
            json!({ "api_key": KEY }),
            json!({ "url": "http://127.0.0.1:8081", "api_key": KEY, "colour": "red" }),
            json!({ "url": "a\u{0}b", "api_key": KEY }),
            json!({ "url": "http://127.0.0.1:8081", "api_key": { "nested": KEY } }),
        ] {
            let reply =
                test.post("/api/v1/dns-providers", json!({ "name": "x", "kind": "powerdns", "settings": settings })).await;
            assert!(!reply.text().contains(KEY), "{}", reply.text());
            reply.expect(400);
        }
        test.post("/api/v1/dns-providers", json!({ "name": "x", "kind": "unknown", "settings": {} })).await.expect(400);
        assert_eq!(test.events().await, before);
    }

    #[tokio::test]
    async fn the_catalogue_says_what_each_kind_needs() {
        let test = TestApp::new().await;
        let kinds = test.get("/api/v1/dns-provider-kinds").await.expect(200);
        let powerdns = kinds["items"].as_array().unwrap().iter().find(|kind| kind["name"] == "powerdns").unwrap();
        let key = powerdns["parameters"].as_array().unwrap().iter().find(|one| one["name"] == "api_key").unwrap();
        assert_eq!((&key["secret"], &key["required"]), (&json!(true), &json!(true)));
    }
}
