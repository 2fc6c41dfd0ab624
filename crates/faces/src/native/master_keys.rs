//! `/master-keys`: what everything is sealed under.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::custody::rekey;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Id;
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::problem::Answer;
use crate::state::App;

/// The routes of master keys.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, rotate)).routes(routes!(forget))
}

/// Master keys and how far a rotation is.
#[derive(Serialize, ToSchema)]
pub struct MasterKeys {
    /// The keys, oldest first.
    keys: Vec<MasterKey>,
    /// Nodes that were seen lately.
    nodes: Vec<Node>,
    /// Whether a rotation is under way.
    rotating: bool,
    /// What the rotation waits for, if it waits.
    waits: Option<String>,
}

/// A master key. The key itself is kept outside the database and is never shown.
#[derive(Serialize, ToSchema)]
pub struct MasterKey {
    /// Its number.
    number: i64,
    /// `pending`, `current`, `retired` or `forgotten`.
    #[schema(example = "current")]
    state: &'static str,
    /// When it was made.
    created_at: Time,
    /// Secrets that are sealed under it.
    secrets: i64,
}

/// A server of this installation.
#[derive(Serialize, ToSchema)]
pub struct Node {
    /// Its name.
    name: String,
    /// The master keys that it holds.
    keys: Vec<i64>,
    /// The one it seals with.
    sealing: i64,
    /// When it was last seen.
    seen_at: Time,
}

/// Show the master keys
#[utoipa::path(get, path = "/master-keys", tag = "system",
    responses((status = 200, description = "The keys, without the keys themselves", body = MasterKeys)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Json<MasterKeys>> {
    let now = app.now();
    let status = app.read_as(caller, move |tx, actor| rekey::status(tx, actor, now)).await?;
    let keys = status.keys.into_iter().map(|one| MasterKey {
        number: one.key.number,
        state: one.key.state.name(),
        created_at: Time(one.key.created_at),
        secrets: one.secrets,
    });
    let nodes = status.nodes.into_iter().map(|node| Node {
        name: node.name,
        keys: node.keys,
        sealing: node.sealing,
        seen_at: Time(node.seen_at),
    });
    Ok(Json(MasterKeys {
        keys: keys.collect(),
        nodes: nodes.collect(),
        rotating: status.running.is_some(),
        waits: status.running.flatten(),
    }))
}

/// A rotation that has begun.
#[derive(Serialize, ToSchema)]
pub struct Rotation {
    /// The number of the new master key.
    number: i64,
}

/// Rotate the master key
///
/// Makes the next key, unless it is kept already, and begins to wrap the data keys of all secrets under it. The work goes on by
/// itself, also after a restart; `GET /master-keys` says how far it is.
#[utoipa::path(post, path = "/master-keys", tag = "system",
    responses((status = 202, description = "The rotation has begun", body = Rotation)))]
pub async fn rotate(State(app): State<App>, author: Author) -> Answer<(StatusCode, Json<Rotation>)> {
    let number = crate::rekey::begin(&app, &author.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(Rotation { number })))
}

/// Let go of an old master key
///
/// Refused while anything is sealed under it. It is removed from where the server keeps its keys; backups that were made under
/// it open only with a copy of it.
#[utoipa::path(delete, path = "/master-keys/{id}", tag = "system",
    params(("id" = i64, Path, description = "The key's number")),
    responses((status = 204, description = "The key is forgotten")))]
pub async fn forget(State(app): State<App>, author: Author, Id(number): Id) -> Answer<StatusCode> {
    crate::rekey::forget(&app, &author.actor, number).await?;
    Ok(StatusCode::NO_CONTENT)
}
