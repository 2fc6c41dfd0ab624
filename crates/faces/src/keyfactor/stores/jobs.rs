//! `/CertificateStores/Certificates`: entries put into stores and taken out.

use certhold_domain::stores::{self, AddCertificate, RemoveCertificate};
use certhold_domain::{CertificateId, CollectionId, Result as DomainResult, StoreId, StoreJobId};
use certhold_store::Tx;
use serde::Deserialize;
use utoipa::ToSchema;

use super::StorePassword;
use super::wire::StoreSchedule;
use crate::keyfactor::extract::{Author, Body, bounded};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};

/// A store that a certificate is put into.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StoreToAdd {
    /// Its GUID.
    certificate_store_id: String,
    /// The entry's name; the certificate's thumbprint when left out.
    alias: Option<String>,
    /// Whether an entry of this name may be replaced.
    overwrite: Option<bool>,
    /// Whether the private key goes with the certificate; needs the right to take it out.
    include_private_key: Option<bool>,
    /// Entries have the password of their store: leave it out.
    entry_password: Option<StorePassword>,
}

/// A certificate and the stores that it is put into.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AddRequest {
    certificate_id: i64,
    certificate_stores: Vec<StoreToAdd>,
    /// `Immediate` (default) or `ExactlyOnce`.
    schedule: Option<StoreSchedule>,
    /// Scope of the right to read the certificate; 0 is none.
    collection_id: Option<i64>,
}

/// Put a certificate into certificate stores
///
/// All of them or none are asked for. The answer are the GUIDs of the jobs.
#[utoipa::path(post, path = "/CertificateStores/Certificates/Add", tag = "CertificateStores", request_body = AddRequest,
    responses((status = 200, description = "GUIDs of the jobs", body = Vec<String>)))]
pub async fn add(author: Author, Body(sent): Body<AddRequest>) -> Answer<Json<Vec<String>>> {
    bounded("CertificateStores", &sent.certificate_stores)?;
    if sent.certificate_stores.iter().filter_map(|one| one.entry_password.as_ref()).any(StorePassword::says_something) {
        return Err(Refused::invalid("EntryPassword", "an entry has the password of its store here: leave it out"));
    }
    let at = sent.schedule.clone().unwrap_or_default().once()?;
    let certificate = CertificateId(sent.certificate_id);
    let jobs = author
        .write(move |tx, actor, now| {
            let mut jobs = Vec::with_capacity(sent.certificate_stores.len());
            for wanted in &sent.certificate_stores {
                let store = stores::by_uuid(tx, actor, &wanted.certificate_store_id)?;
                let alias = wanted.alias.as_deref().map(str::trim).filter(|alias| !alias.is_empty());
                let command = AddCertificate {
                    store,
                    certificate,
                    alias: match alias {
                        Some(alias) => alias.to_owned(),
                        None => stores::default_alias(tx, certificate)?,
                    },
                    overwrite: wanted.overwrite.unwrap_or(false),
                    with_key: wanted.include_private_key.unwrap_or(false),
                    collection: sent.collection_id.filter(|id| *id != 0).map(CollectionId),
                    at,
                };
                let id = stores::add(tx, actor, &command, now)?;
                jobs.push(uuid_of(tx, actor, store, id)?);
            }
            Ok(jobs)
        })
        .await?;
    Ok(Json(jobs))
}

fn uuid_of(tx: &mut Tx<'_>, actor: &certhold_domain::Actor, store: StoreId, id: StoreJobId) -> DomainResult<String> {
    Ok(stores::job(tx, actor, store, id)?.uuid)
}

/// An entry that is taken out of a store.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StoreToRemove {
    /// Its GUID.
    certificate_store_id: String,
    /// The entry's name.
    alias: String,
}

/// Entries that are taken out of stores.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RemoveRequest {
    certificate_stores: Vec<StoreToRemove>,
    /// `Immediate` (default) or `ExactlyOnce`.
    schedule: Option<StoreSchedule>,
}

/// Take entries out of certificate stores
///
/// All of them or none are asked for. The answer are the GUIDs of the jobs.
#[utoipa::path(post, path = "/CertificateStores/Certificates/Remove", tag = "CertificateStores", request_body = RemoveRequest,
    responses((status = 200, description = "GUIDs of the jobs", body = Vec<String>)))]
pub async fn remove(author: Author, Body(sent): Body<RemoveRequest>) -> Answer<Json<Vec<String>>> {
    bounded("CertificateStores", &sent.certificate_stores)?;
    let at = sent.schedule.clone().unwrap_or_default().once()?;
    let jobs = author
        .write(move |tx, actor, now| {
            let mut jobs = Vec::with_capacity(sent.certificate_stores.len());
            for wanted in &sent.certificate_stores {
                let store = stores::by_uuid(tx, actor, &wanted.certificate_store_id)?;
                let command = RemoveCertificate { store, alias: wanted.alias.clone(), at };
                let id = stores::remove_entry(tx, actor, &command, now)?;
                jobs.push(uuid_of(tx, actor, store, id)?);
            }
            Ok(jobs)
        })
        .await?;
    Ok(Json(jobs))
}
