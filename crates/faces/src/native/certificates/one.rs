//! One certificate.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::access::roles;
use certhold_domain::collections::Scope;
use certhold_domain::inventory;
use certhold_domain::metadata;
use certhold_domain::ownership::{self, ChangeOwner, Scope as OwnerScope};
use certhold_domain::{CertificateId, CollectionId, ContainerId, RoleId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::wire::{Certificate, Facts};
use crate::auth::{Author, Bearer};
use crate::native::events::Event;
use crate::native::extract::{self, Id, Query};
use crate::native::findings::Finding;
use crate::native::hidden;
use crate::native::page::{self, Page};
use crate::problem::Answer;
use crate::state::App;

/// Certificates above this size are taken apart on another thread, so that they hold nobody up.
pub const LARGE: usize = 16 * 1024;

/// Where the right to see a certificate may come from.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Within {
    /// A collection that the certificate is in: the right to read that collection is enough.
    collection: Option<i64>,
}

impl Within {
    /// In this collection, if there is one.
    pub fn of(collection: Option<i64>) -> Within {
        Within { collection }
    }

    /// The scope now.
    pub fn scope(&self, app: &App) -> Scope {
        Scope::of(self.collection.map(CollectionId), app.now())
    }
}

/// Get a certificate
///
/// With everything it says.
#[utoipa::path(get, path = "/certificates/{id}", tag = "certificates", params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "The certificate", body = Certificate)))]
pub async fn get(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<Within>,
) -> Answer<Json<Certificate>> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found = app
        .read_as(caller, move |tx, actor| {
            let found = inventory::get_in(tx, actor, id, scope)?;
            let noted = metadata::of_found(tx, &found)?;
            Ok((found, noted))
        })
        .await;
    let (found, noted) = found.map_err(hidden("certificate", id))?;
    let answer = match found.der.len() {
        ..=LARGE => told(found)?,
        _ => {
            let taken = tokio::task::spawn_blocking(move || told(found)).await;
            taken.map_err(|_| certhold_domain::Error::from(certhold_store::Error::Panicked))??
        }
    };
    Ok(Json(Certificate { metadata: Some(super::metadata::by_name(noted)), ..answer }))
}

/// The certificate with all that is derived from its bytes.
fn told(found: inventory::Certificate) -> certhold_domain::Result<Certificate> {
    let facts = found.facts()?;
    let findings = certhold_pki::findings::evaluate(&facts, &found.der).into_iter().map(Finding::from).collect();
    Ok(Certificate { facts: Some(Facts::from(facts)), findings: Some(findings), ..Certificate::from(found.summary) })
}

/// Remove a certificate
///
/// One that is in use (current, deployed, or part of another's chain) stays. Its history stays in any case.
#[utoipa::path(delete, path = "/certificates/{id}", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within), responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id, Query(within): Query<Within>) -> Answer<StatusCode> {
    let scope = within.scope(&app);
    app.write(move |tx| inventory::remove_in(tx, &author.actor, CertificateId(id), scope)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The new owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// A role's id or name, or null for nobody.
    #[serde(deserialize_with = "extract::present")]
    #[schema(required = true)]
    owner: Option<RoleRef>,
}

/// A role, by id or by name.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a role is named by its id, a whole number, or by its name, a text")]
pub enum RoleRef {
    /// Its id.
    Id(i64),
    /// Its name, without regard to case.
    #[schema(example = "Web operations")]
    Name(String),
}

impl RoleRef {
    /// The role, as far as the actor may refer to it.
    pub fn resolve(&self, tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor) -> certhold_domain::Result<RoleId> {
        match self {
            RoleRef::Id(id) => Ok(RoleId(*id)),
            RoleRef::Name(name) => roles::by_name(tx, actor, name),
        }
    }
}

/// Where the right to change the owner is held, besides everywhere. A collection goes over a container.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnedWithin {
    /// A collection that the certificate is in.
    collection: Option<i64>,
    /// A container of certificate stores in one of which the certificate is.
    container: Option<i64>,
}

/// Change the owner of a certificate
///
/// The caller needs the permission, everywhere or in the collection or container that the request names, and must hold both the current and the
/// new owner role; or the expanded right in the permission sets of both. Nothing happens when the owner is this already.
#[utoipa::path(put, path = "/certificates/{id}/owner", tag = "certificates", params(("id" = i64, Path, description = "The certificate"), OwnedWithin),
    request_body = NewOwner, responses((status = 204, description = "The owner is this one now")))]
pub async fn set_owner(
    State(app): State<App>,
    author: Author,
    Id(id): Id,
    Query(within): Query<OwnedWithin>,
    extract::Json(new): extract::Json<NewOwner>,
) -> Answer<StatusCode> {
    let now = app.now();
    let scope = OwnerScope { collection: within.collection.map(CollectionId), container: within.container.map(ContainerId) };
    app.write(move |tx| {
        let to = new.owner.as_ref().map(|role| role.resolve(tx, &author.actor)).transpose()?;
        let command = ChangeOwner { certificate: CertificateId(id), scope, to };
        ownership::change(tx, &author.actor, &command, now)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which part of a history.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryParameters {
    /// Only events before this number: taken from `next`.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
    /// A collection that the certificate is in: the right to read that collection is enough.
    collection: Option<i64>,
}

/// Get the history of a certificate
///
/// Newest first.
#[utoipa::path(get, path = "/certificates/{id}/history", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), HistoryParameters),
    responses((status = 200, description = "A page of events", body = Page<Event>)))]
pub async fn history(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<HistoryParameters>,
) -> Answer<Page<Event>> {
    let (id, limit) = (CertificateId(id), page::rows(given.limit)?);
    let scope = Within::of(given.collection).scope(&app);
    let found = app
        .read_as(caller, move |tx, actor| {
            let found = inventory::history_in(tx, actor, id, scope, given.before, limit)?;
            // What was removed keeps its history; what never was has none.
            if found.events.is_empty() && given.before.is_none() {
                inventory::summary_in(tx, actor, id, scope)?;
            }
            Ok(found)
        })
        .await
        .map_err(hidden("certificate", id))?;
    let items = found.events.into_iter().map(Event::from).collect();
    Ok(Page::of(items, &uri, "before", found.next.map(|seq| seq.to_string())))
}
