//! Certificates that go into certificate stores, and that take the places of others.

use certhold_domain::stores::{self, Deployed, Place};
use certhold_domain::{CertificateId, Error, Refusal, Result as DomainResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::keyfactor::extract::{Author, Body, bounded};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::stores::type_of;
use crate::keyfactor::wire::Moment;
use crate::state::App;

/// The routes of deployment.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(deploy)).routes(routes!(replace))
}

/// A certificate store that a certificate is put into.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StoreWanted {
    /// Its GUID.
    store_id: String,
    /// The entry's name; the certificate's thumbprint when left out.
    alias: Option<String>,
    /// Whether an entry of this name may be replaced.
    overwrite: Option<bool>,
}

/// How entries are called in the stores of one type.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StoreTypeWanted {
    store_type_id: i64,
    /// The entry's name; the certificate's thumbprint when left out.
    alias: Option<String>,
    /// Whether an entry of this name may be replaced.
    overwrite: Option<bool>,
}

/// A certificate and the stores that it is put into.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DeployRequest {
    /// The stores, each with its entry;
    stores: Option<Vec<StoreWanted>>,
    /// or the GUIDs of stores,
    store_ids: Option<Vec<String>>,
    /// with what the entries are called, by type.
    store_types: Option<Vec<StoreTypeWanted>>,
    certificate_id: Option<i64>,
    /// Nothing waits here, so no request has a number: name the certificate.
    request_id: Option<i64>,
    /// When it is done; at once otherwise.
    #[schema(value_type = Option<String>)]
    job_time: Option<Moment>,
}

/// A certificate that takes the places of another.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ReplaceRequest {
    /// The certificate that is replaced.
    existing_certificate_id: i64,
    /// The certificate that takes its places.
    certificate_id: Option<i64>,
    /// Nothing waits here, so no request has a number: name the certificate.
    request_id: Option<i64>,
    /// When it is done; at once otherwise.
    #[schema(value_type = Option<String>)]
    job_time: Option<Moment>,
}

/// GUIDs of stores: those that will have it, and those whose state is in the way.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StoresAnswered {
    successful_stores: Vec<String>,
    failed_stores: Vec<String>,
}

fn certificate(id: Option<i64>, request: Option<i64>) -> Answer<CertificateId> {
    match (id.filter(|id| *id != 0), request.filter(|id| *id != 0)) {
        (Some(id), _) => Ok(CertificateId(id)),
        (None, Some(request)) => Err(Refused::not_found("Certificate Request", request)),
        (None, None) => Err(Refused::invalid("CertificateId", "name the certificate")),
    }
}

/// Stores that are named by their GUIDs alone, with what is said about entries in stores of their types.
///
/// # Errors
/// There is no such store, or none that the author may see.
pub async fn of_types(author: &Author, ids: Vec<String>, types: Vec<StoreTypeWanted>) -> Answer<Vec<StoreWanted>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    bounded("StoreIds", &ids)?;
    author
        .read(move |tx, actor| {
            let mut known = Vec::new();
            let find = |uuid: String| {
                let id = stores::by_uuid(tx, actor, &uuid)?;
                let kind = type_of(stores::get(tx, actor, id)?.kind);
                known.push(kind);
                let of_type = types.iter().find(|one| one.store_type_id == kind);
                let alias = of_type.and_then(|one| one.alias.clone());
                Ok(StoreWanted { store_id: uuid, alias, overwrite: of_type.and_then(|one| one.overwrite) })
            };
            let wanted = ids.into_iter().map(find).collect::<DomainResult<Vec<_>>>()?;
            // What is said of another type would be lost, and the certificate stand where nobody looks for it.
            for (at, one) in types.iter().enumerate() {
                let id = one.store_type_id;
                if !known.contains(&id) || types[..at].iter().any(|before| before.store_type_id == id) {
                    let message = format!("say it once for each type of the stores that are named, not of {id}");
                    return Err(Refusal::invalid("StoreTypes", message).into());
                }
            }
            Ok(wanted)
        })
        .await
}

/// Stores as the domain names them, in the order sent.
///
/// # Errors
/// There is no such store, or none that the author may see.
pub async fn places(author: &Author, wanted: Vec<StoreWanted>) -> Answer<Vec<Place>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    bounded("Stores", &wanted)?;
    author
        .read(move |tx, actor| {
            let mut places = Vec::with_capacity(wanted.len());
            for one in wanted {
                let alias = one.alias.map(|alias| alias.trim().to_owned()).filter(|alias| !alias.is_empty());
                let store = stores::by_uuid(tx, actor, &one.store_id)?;
                places.push(Place { store, alias, overwrite: one.overwrite.unwrap_or(false), with_key: true });
            }
            Ok(places)
        })
        .await
}

/// Refuses whoever may not put what is about to be issued, with its key, into these stores and into those that have `existing`; and stores
/// that cannot have it under the name that is wanted.
///
/// # Errors
/// The right that is missing, or what is in the way.
pub async fn require_may_install(author: &Author, places: &[Place], existing: Option<CertificateId>) -> Answer<()> {
    let (places, now) = (places.to_vec(), author.app.now());
    author
        .read(move |tx, actor| {
            stores::require_fit(tx, actor, &places)?;
            existing.map_or(Ok(()), |existing| stores::require_may_replace(tx, actor, existing, now))
        })
        .await
}

/// GUIDs of the stores that a certificate was wanted in.
#[derive(Default)]
pub struct Installed {
    /// They will have it.
    pub successful: Vec<String>,
    /// They have what it renews, and will not have it.
    pub invalid_for_renewal: Vec<String>,
}

/// Puts a certificate that was just issued into stores, and into the places of `existing`. It is issued whatever becomes of them, so
/// what fails as a whole names no store.
pub async fn into(
    author: &Author,
    certificate: CertificateId,
    places: Vec<Place>,
    existing: Option<CertificateId>,
    at: Option<Moment>,
) -> Installed {
    if places.is_empty() && existing.is_none() {
        return Installed::default();
    }
    let at = at.map(|at| at.0);
    let installed = author
        .write(move |tx, actor, now| {
            let wanted = stores::deploy_brought(tx, actor, certificate, &places, true, at, now)?;
            let taken_over = match existing {
                Some(existing) => stores::replace_renewed(tx, actor, existing, certificate, at, now)?,
                None => Deployed::default(),
            };
            let (first, second) = (answered(tx, actor, &wanted)?, answered(tx, actor, &taken_over)?);
            let mut successful = first.successful_stores;
            for store in second.successful_stores {
                if !successful.contains(&store) {
                    successful.push(store);
                }
            }
            Ok(Installed { successful, invalid_for_renewal: second.failed_stores })
        })
        .await;
    installed.unwrap_or_default()
}

fn answered(
    tx: &mut certhold_store::Tx<'_>,
    actor: &certhold_domain::Actor,
    deployed: &Deployed,
) -> certhold_domain::Result<StoresAnswered> {
    let mut uuids = |ids: Vec<certhold_domain::StoreId>| {
        ids.into_iter().map(|id| stores::get(tx, actor, id).map(|store| store.uuid)).collect::<certhold_domain::Result<Vec<_>>>()
    };
    let successful_stores = uuids(deployed.asked.iter().map(|(store, _)| *store).collect())?;
    let failed_stores = uuids(deployed.failed.iter().map(|(store, _)| *store).collect())?;
    Ok(StoresAnswered { successful_stores, failed_stores })
}

/// Refuses as the only thing in the way does, when nothing could be asked for at all.
fn some_asked(deployed: Deployed) -> certhold_domain::Result<Deployed> {
    match deployed.failed.first() {
        Some((_, why)) if deployed.asked.is_empty() => Err(Error::Refused(Refusal::Conflict(why.clone()))),
        _ => Ok(deployed),
    }
}

/// Put a certificate with its key into certificate stores
///
/// Its key is in custody, so no password is needed. Stores whose state is in the way are in `FailedStores`; when that is so of all of
/// them, nothing is asked for and the answer is a refusal that says why.
#[utoipa::path(post, path = "/Enrollment/PFX/Deploy", tag = "Enrollment", request_body = DeployRequest,
    responses((status = 200, description = "What was asked for", body = StoresAnswered)))]
pub async fn deploy(author: Author, Body(sent): Body<DeployRequest>) -> Answer<Json<StoresAnswered>> {
    author.read(stores::require_may_deploy).await?;
    let certificate = certificate(sent.certificate_id, sent.request_id)?;
    let mut wanted = sent.stores.unwrap_or_default();
    let (named, types) = (sent.store_ids.unwrap_or_default(), sent.store_types.unwrap_or_default());
    wanted.extend(of_types(&author, named, types).await?);
    bounded("Stores", &wanted)?;
    let places = places(&author, wanted).await?;
    let at = sent.job_time.map(|at| at.0);
    let answered = author
        .write(move |tx, actor, now| {
            let deployed = some_asked(stores::deploy(tx, actor, certificate, &places, None, at, now)?)?;
            answered(tx, actor, &deployed)
        })
        .await?;
    Ok(Json(answered))
}

/// Let a certificate take the places of another
///
/// It goes into every certificate store in which the other one is, under the same names, with its key where the key of the other one is.
#[utoipa::path(post, path = "/Enrollment/PFX/Replace", tag = "Enrollment", request_body = ReplaceRequest,
    responses((status = 200, description = "What was asked for", body = StoresAnswered)))]
pub async fn replace(author: Author, Body(sent): Body<ReplaceRequest>) -> Answer<Json<StoresAnswered>> {
    author.read(stores::require_may_deploy).await?;
    let certificate = certificate(sent.certificate_id, sent.request_id)?;
    let (existing, at) = (CertificateId(sent.existing_certificate_id), sent.job_time.map(|at| at.0));
    let answered = author
        .write(move |tx, actor, now| {
            let deployed = some_asked(stores::replace(tx, actor, existing, certificate, None, at, now)?)?;
            answered(tx, actor, &deployed)
        })
        .await?;
    Ok(Json(answered))
}
