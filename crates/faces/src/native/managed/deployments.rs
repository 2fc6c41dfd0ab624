//! Where versions of a managed certificate are installed.

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::stores;
use certhold_domain::{DeploymentId, LineageId, StoreId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NOUN;
use crate::auth::{Author, Bearer};
use crate::native::created::Created;
use crate::native::extract::{Id, Json as Body};
use crate::native::hidden;
use crate::native::page::Page;
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// What is written where, and what is run afterwards.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Path for the certificate alone, PEM.
    #[schema(example = "/etc/ssl/example.pem")]
    certificate: Option<String>,
    /// Path for its chain without it, PEM.
    chain: Option<String>,
    /// Path for the certificate followed by its chain, PEM.
    full_chain: Option<String>,
    /// Path for the private key, PKCS#8 PEM.
    private_key: Option<String>,
    /// Owner of the files: a user name or id.
    owner: Option<String>,
    /// Group of the files: a group name or id.
    group: Option<String>,
    /// Mode of the certificate files, octal; 0644 by default.
    mode: Option<String>,
    /// Mode of the private key file, octal; 0600 by default.
    key_mode: Option<String>,
    /// Program and arguments, run without a shell after the files are in place.
    #[schema(example = json!(["/usr/bin/systemctl", "reload", "nginx"]))]
    command: Vec<String>,
    /// An entry of a certificate store, in place of files.
    store: Option<StoreTarget>,
}

/// An entry of a certificate store that follows the managed certificate.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreTarget {
    /// The certificate store.
    store: i64,
    /// The entry's name.
    #[schema(example = "shop.example.com")]
    alias: String,
    /// Whether the private key goes with it.
    #[serde(default = "with_key")]
    include_key: bool,
}

fn with_key() -> bool {
    true
}

impl From<StoreTarget> for stores::StoreTarget {
    fn from(target: StoreTarget) -> stores::StoreTarget {
        stores::StoreTarget { store: StoreId(target.store), alias: target.alias, include_key: target.include_key }
    }
}

impl From<stores::StoreTarget> for StoreTarget {
    fn from(target: stores::StoreTarget) -> StoreTarget {
        StoreTarget { store: target.store.0, alias: target.alias, include_key: target.include_key }
    }
}

impl From<Settings> for DeploymentSettings {
    fn from(settings: Settings) -> DeploymentSettings {
        DeploymentSettings {
            certificate: settings.certificate,
            chain: settings.chain,
            full_chain: settings.full_chain,
            private_key: settings.private_key,
            owner: settings.owner,
            group: settings.group,
            mode: settings.mode,
            key_mode: settings.key_mode,
            command: settings.command,
            store: settings.store.map(Into::into),
        }
    }
}

impl From<DeploymentSettings> for Settings {
    fn from(settings: DeploymentSettings) -> Settings {
        Settings {
            certificate: settings.certificate,
            chain: settings.chain,
            full_chain: settings.full_chain,
            private_key: settings.private_key,
            owner: settings.owner,
            group: settings.group,
            mode: settings.mode,
            key_mode: settings.key_mode,
            command: settings.command,
            store: settings.store.map(Into::into),
        }
    }
}

/// A place where a managed certificate is installed.
#[derive(Serialize, ToSchema)]
pub struct Deployment {
    /// Its handle.
    id: i64,
    /// The managed certificate.
    managed: i64,
    /// Unique within the managed certificate.
    name: String,
    /// What is written where.
    settings: Settings,
    /// `waiting`, `deployed` or `failing`.
    #[schema(example = "deployed")]
    state: String,
    /// The certificate that was installed last.
    certificate: Option<i64>,
    /// Why the last installation failed.
    last_error: Option<String>,
    /// When it was last tried.
    last_at: Option<Time>,
}

impl From<deployment::Deployment> for Deployment {
    fn from(deployment: deployment::Deployment) -> Deployment {
        Deployment {
            id: deployment.id.0,
            managed: deployment.lineage.0,
            name: deployment.name,
            settings: deployment.settings.into(),
            state: deployment.state,
            certificate: deployment.certificate.map(|id| id.0),
            last_error: deployment.last_error,
            last_at: deployment.last_at.map(Time),
        }
    }
}

/// A new deployment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentInput {
    /// Unique within the managed certificate.
    #[schema(example = "web server")]
    name: String,
    /// What is written where.
    settings: Settings,
}

/// List the deployments of a managed certificate
#[utoipa::path(get, path = "/managed-certificates/{id}/deployments", tag = "deployments",
    params(("id" = i64, Path, description = "The managed certificate")),
    responses((status = 200, description = "Its deployments", body = Page<Deployment>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Page<Deployment>> {
    let id = LineageId(id);
    let found = app.read_as(caller, move |tx, actor| deployment::list(tx, actor, id)).await.map_err(hidden(NOUN, id))?;
    Ok(Page::whole(found.into_iter().map(Deployment::from).collect()))
}

/// Create a deployment
///
/// The current version, if there is one, is installed at once. It writes files and runs commands as the server's user.
#[utoipa::path(post, path = "/managed-certificates/{id}/deployments", tag = "deployments",
    params(("id" = i64, Path, description = "The managed certificate")), request_body = DeploymentInput,
    responses((status = 201, description = "The new deployment", body = Created)))]
pub async fn create(State(app): State<App>, author: Author, Id(id): Id, Body(input): Body<DeploymentInput>) -> Answer<Created> {
    let (settings, now) = (DeploymentSettings::from(input.settings), app.now());
    let made = app.write(move |tx| deployment::create(tx, &author.actor, LineageId(id), &input.name, &settings, now));
    Ok(Created::at("deployments", made.await?.0))
}

/// Remove a deployment
///
/// Its files stay.
#[utoipa::path(delete, path = "/deployments/{id}", tag = "deployments", params(("id" = i64, Path, description = "The deployment")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| deployment::remove(tx, &author.actor, DeploymentId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Install the current version again
#[utoipa::path(post, path = "/deployments/{id}/run", tag = "deployments", params(("id" = i64, Path, description = "The deployment")),
    responses((status = 202, description = "The installation is enqueued")))]
pub async fn run(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| deployment::run_now(tx, &author.actor, DeploymentId(id), now)).await?;
    Ok(StatusCode::ACCEPTED)
}
