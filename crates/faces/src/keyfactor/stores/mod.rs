//! `/CertificateStores`: where certificates are installed and found.

mod jobs;
#[cfg(test)]
mod tests;
mod wire;

use axum::extract::State;
use axum::http::StatusCode;
use certhold_domain::query::{Kind, Scalar};
use certhold_domain::stores::{self, PasswordChange, Store, StoreCommand, StoreFilter};
use certhold_domain::{Actor, ContainerId, Core, Refusal, Result as DomainResult, StoreId, limits};
use certhold_store::Tx;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Asked, Author, Body, Caller, Key, bounded};
use super::listing::{Listed, PageAsked, Short};
use super::protocol::Json;
use super::refused::{Answer, Refused};
use crate::state::App;
use wire::{CertificateStore, InventoryEntry, StoreSchedule, kind_of, properties};

pub(super) use wire::kind_of as kind_of_number;
pub use wire::{CertificateLocation, LocationCount, Locations, type_of};

/// The routes of certificate stores.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create, update, remove_many))
        .routes(routes!(get, remove))
        .routes(routes!(inventory))
        .routes(routes!(assign))
        .routes(routes!(schedule))
        .routes(routes!(jobs::add))
        .routes(routes!(jobs::remove))
}

/// List certificate stores
///
/// Those that the caller may see.
#[utoipa::path(get, path = "/CertificateStores", tag = "CertificateStores", params(
    ("QueryString" = Option<String>, Query, description = "A query over DisplayName, ContainerId, StorePath, ClientMachine, CertStoreType and Id"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "One of these fields; DisplayName by default"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending")),
    responses((status = 200, description = "A page of stores", body = Vec<CertificateStore>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<CertificateStore>> {
    let (found, me) = caller.read(|tx, actor| Ok((all(tx, actor)?, actor.name.clone()))).await?;
    let short = Short::<Store> {
        fields: &[
            ("DisplayName", Kind::Text),
            ("ContainerId", Kind::Number),
            ("StorePath", Kind::Text),
            ("ClientMachine", Kind::Text),
            ("CertStoreType", Kind::Number),
            ("Id", Kind::Text),
        ],
        values: |store| {
            vec![
                Some(Scalar::Text(store.name.clone())),
                store.container.as_ref().map(|(id, _)| Scalar::Number(id.0)),
                Some(Scalar::Text(store.path.clone())),
                Some(Scalar::Text(store.machine.clone())),
                Some(Scalar::Number(type_of(store.kind))),
                Some(Scalar::Text(store.uuid.clone())),
            ]
        },
    };
    let now = app.now();
    Ok(short.page(found, &asked, now, &me)?.map(|store| CertificateStore::of(store, now)))
}

/// All stores that somebody may see, by name.
fn all(tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Vec<Store>> {
    let mut filter = StoreFilter { limit: limits::PAGE_ROWS, ..StoreFilter::default() };
    let mut found = Vec::new();
    loop {
        let page = stores::list(tx, actor, &filter)?;
        found.extend(page.stores);
        match page.next {
            Some(after) => filter.after = Some(after),
            None => return Ok(found),
        }
    }
}

/// Get a certificate store
#[utoipa::path(get, path = "/CertificateStores/{id}", tag = "CertificateStores", params(("id" = String, Path, description = "Its GUID")),
    responses((status = 200, description = "The store", body = CertificateStore)))]
pub async fn get(State(app): State<App>, caller: Caller, Key(uuid): Key) -> Answer<Json<CertificateStore>> {
    let found = caller
        .read(move |tx, actor| {
            let id = stores::by_uuid(tx, actor, &uuid)?;
            stores::get(tx, actor, id)
        })
        .await?;
    Ok(Json(CertificateStore::of(found, app.now())))
}

/// A password, or where it is; only one that is sent is taken.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StorePassword {
    #[schema(value_type = Option<String>)]
    #[serde(default, deserialize_with = "secret")]
    secret_value: Option<SecretString>,
    /// A provider of passwords; there are none here.
    provider: Option<i64>,
}

impl StorePassword {
    /// Whether it is one, or says where one is.
    fn says_something(&self) -> bool {
        let secret = self.secret_value.as_ref().map(ExposeSecret::expose_secret);
        secret.is_some_and(|secret| !secret.is_empty()) || self.provider.is_some_and(|provider| provider > 0)
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// A certificate store as it shall be. What is left out keeps its value.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CertificateStoreRequest {
    /// Which store, to change it: its GUID.
    id: Option<String>,
    /// Its name here; `MACHINE - PATH` when left out.
    display_name: Option<String>,
    /// 0 is none.
    container_id: Option<i64>,
    client_machine: Option<String>,
    storepath: Option<String>,
    cert_store_type: Option<i64>,
    create_if_missing: Option<bool>,
    /// A JSON object as text: chain, key, encryption, mode and key_mode are known.
    properties: Option<String>,
    inventory_schedule: Option<StoreSchedule>,
    password: Option<StorePassword>,
}

impl CertificateStoreRequest {
    /// What becomes of the password; it is sealed here, so call it outside of transactions.
    fn password(&self, core: &Core) -> Answer<PasswordChange> {
        if self.password.as_ref().is_some_and(|password| password.provider.is_some_and(|provider| provider > 0)) {
            return Err(Refused::invalid("Password", "there are no providers of passwords here: send SecretValue"));
        }
        let secret = self.password.as_ref().and_then(|password| password.secret_value.as_ref());
        match secret.map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()) {
            Some(secret) => Ok(PasswordChange::Set(stores::seal_password(&core.custody, core.entropy.as_ref(), secret)?)),
            None => Ok(PasswordChange::Keep),
        }
    }

    /// The store as it shall be, where it is as `before` says now.
    fn command(&self, before: Option<&Store>, password: PasswordChange) -> Answer<StoreCommand> {
        let text = |sent: &Option<String>, kept: fn(&Store) -> &String| {
            sent.clone().unwrap_or_else(|| before.map(kept).cloned().unwrap_or_default())
        };
        let kind = match (self.cert_store_type, before) {
            (Some(number), _) => kind_of(number)?,
            (None, Some(before)) => before.kind,
            (None, None) => return Err(Refused::invalid("CertStoreType", "say which type of store it is")),
        };
        let (machine, path) = (text(&self.client_machine, |store| &store.machine), text(&self.storepath, |store| &store.path));
        let name = match (&self.display_name, before) {
            (Some(name), _) if !name.trim().is_empty() => name.clone(),
            (_, Some(before)) => before.name.clone(),
            _ => format!("{machine} - {path}"),
        };
        let container = match self.container_id {
            None => before.and_then(|before| before.container.as_ref()).map(|(id, _)| *id),
            Some(number) => Some(number).filter(|number| *number != 0).map(ContainerId),
        };
        Ok(StoreCommand {
            name,
            kind,
            machine,
            path,
            container,
            properties: match &self.properties {
                Some(text) => properties(text)?,
                None => before.map(|before| before.properties.clone()).unwrap_or_default(),
            },
            password,
            create_if_missing: self.create_if_missing.unwrap_or_else(|| before.is_some_and(|before| before.create_if_missing)),
            schedule: match &self.inventory_schedule {
                Some(schedule) => schedule.meaning()?,
                None => before.map(|before| before.schedule.clone()).unwrap_or_default(),
            },
        })
    }
}

/// Create a certificate store
///
/// Its first inventory is taken at once.
#[utoipa::path(post, path = "/CertificateStores", tag = "CertificateStores", request_body = CertificateStoreRequest,
    responses((status = 200, description = "The new store", body = CertificateStore)))]
pub async fn create(author: Author, Body(sent): Body<CertificateStoreRequest>) -> Answer<Json<CertificateStore>> {
    let command = sent.command(None, sent.password(author.app.core())?)?;
    let roots = author.app.settings().store_roots.clone();
    let made = author
        .write(move |tx, actor, now| {
            let id = stores::create(tx, actor, &command, &roots, now)?;
            stores::get(tx, actor, id)
        })
        .await?;
    Ok(Json(CertificateStore::of(made, author.app.now())))
}

/// Change a certificate store
#[utoipa::path(put, path = "/CertificateStores", tag = "CertificateStores", request_body = CertificateStoreRequest,
    responses((status = 200, description = "The store", body = CertificateStore)))]
pub async fn update(author: Author, Body(sent): Body<CertificateStoreRequest>) -> Answer<Json<CertificateStore>> {
    let uuid = sent.id.clone().ok_or_else(|| Refused::invalid("Id", "say which store"))?;
    let password = sent.password(author.app.core())?;
    let roots = author.app.settings().store_roots.clone();
    let changed = author
        .write(move |tx, actor, now| {
            let id = stores::by_uuid(tx, actor, &uuid)?;
            // What is left out is as it is in this transaction: nobody's change in between is undone.
            let before = stores::get(tx, actor, id)?;
            let command = match sent.command(Some(&before), password.clone()) {
                Ok(command) => command,
                Err(refused) => return Ok(Err(refused)),
            };
            stores::update(tx, actor, id, &command, &roots, now)?;
            stores::get(tx, actor, id).map(Ok)
        })
        .await??;
    Ok(Json(CertificateStore::of(changed, author.app.now())))
}

/// Remove a certificate store
///
/// Its files stay.
#[utoipa::path(delete, path = "/CertificateStores/{id}", tag = "CertificateStores", params(("id" = String, Path, description = "Its GUID")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(author: Author, Key(uuid): Key) -> Answer<StatusCode> {
    let gone = move |tx: &mut Tx<'_>, actor: &Actor, now: i64| {
        let id = stores::by_uuid(tx, actor, &uuid)?;
        stores::remove(tx, actor, id, now)
    };
    author.write(gone).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove certificate stores
///
/// All of them or none.
#[utoipa::path(delete, path = "/CertificateStores", tag = "CertificateStores", request_body = Vec<String>,
    responses((status = 204, description = "They are gone")))]
pub async fn remove_many(author: Author, Body(uuids): Body<Vec<String>>) -> Answer<StatusCode> {
    bounded("Ids", &uuids)?;
    let gone = move |tx: &mut Tx<'_>, actor: &Actor, now: i64| {
        for id in of_uuids(tx, actor, &uuids)? {
            stores::remove(tx, actor, id, now)?;
        }
        Ok(())
    };
    author.write(gone).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The stores of these GUIDs.
fn of_uuids(tx: &mut Tx<'_>, actor: &Actor, uuids: &[String]) -> DomainResult<Vec<StoreId>> {
    uuids.iter().map(|uuid| stores::by_uuid(tx, actor, uuid)).collect()
}

/// List what is in a certificate store
///
/// As its last inventory found it.
#[utoipa::path(get, path = "/CertificateStores/{id}/Inventory", tag = "CertificateStores", params(
    ("id" = String, Path, description = "Its GUID"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Entries, by alias", body = Vec<InventoryEntry>)))]
pub async fn inventory(caller: Caller, Key(uuid): Key, asked: Asked) -> Answer<Listed<InventoryEntry>> {
    let page = PageAsked::of(&asked)?;
    let found = caller
        .read(move |tx, actor| {
            let id = stores::by_uuid(tx, actor, &uuid)?;
            let total = stores::get(tx, actor, id)?.entries;
            let (mut rows, mut skipped, mut after) = (Vec::new(), 0, None::<String>);
            while rows.len() < page.limit {
                let wanted = if skipped < page.offset { page.offset - skipped } else { page.limit - rows.len() };
                let part = stores::inventory(tx, actor, id, after.as_deref(), wanted.min(limits::PAGE_ROWS))?;
                if skipped < page.offset {
                    skipped += part.entries.len();
                } else {
                    rows.extend(part.entries);
                }
                match part.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            Ok(Listed { rows, total })
        })
        .await?;
    Ok(found.map(InventoryEntry::from))
}

/// Stores and the container they shall be in.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerAssignment {
    /// The container; 0 is none.
    cert_store_container_id: Option<i64>,
    /// The name of a container that is made for them.
    new_container_name: Option<String>,
    /// The type of stores that it takes.
    new_container_type: Option<i64>,
    /// The stores' GUIDs.
    keystore_ids: Vec<String>,
}

/// Move certificate stores to a container
///
/// All of them or none. The container may be made with it.
#[utoipa::path(put, path = "/CertificateStores/AssignContainer", tag = "CertificateStores", request_body = ContainerAssignment,
    responses((status = 200, description = "The stores", body = Vec<CertificateStore>)))]
pub async fn assign(author: Author, Body(sent): Body<ContainerAssignment>) -> Answer<Json<Vec<CertificateStore>>> {
    bounded("KeystoreIds", &sent.keystore_ids)?;
    let kind = sent.new_container_type.map(kind_of).transpose()?;
    let moved = author
        .write(move |tx, actor, now| {
            let name = sent.new_container_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
            let container = match (sent.cert_store_container_id, name) {
                (Some(id), None) => Some(id).filter(|id| *id != 0).map(ContainerId),
                (_, Some(name)) => {
                    let command = stores::ContainerCommand { name: name.to_owned(), kind, ..Default::default() };
                    Some(stores::create_container(tx, actor, &command, now)?)
                }
                (None, None) => return Err(Refusal::invalid("CertStoreContainerId", "say which container").into()),
            };
            let ids = of_uuids(tx, actor, &sent.keystore_ids)?;
            stores::assign(tx, actor, &ids, container, now)?;
            ids.into_iter().map(|id| stores::get(tx, actor, id)).collect::<DomainResult<Vec<_>>>()
        })
        .await?;
    let now = author.app.now();
    Ok(Json(moved.into_iter().map(|store| CertificateStore::of(store, now)).collect()))
}

/// Stores and when their inventories are taken.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleRequest {
    /// The stores' GUIDs.
    store_ids: Vec<String>,
    schedule: StoreSchedule,
}

/// Say when inventories of certificate stores are taken
///
/// All of them or none. `Immediate` takes one now and leaves the schedule as it is.
#[utoipa::path(post, path = "/CertificateStores/Schedule", tag = "CertificateStores", request_body = ScheduleRequest,
    responses((status = 204, description = "It is so")))]
pub async fn schedule(author: Author, Body(sent): Body<ScheduleRequest>) -> Answer<StatusCode> {
    bounded("StoreIds", &sent.store_ids)?;
    let wanted = sent.schedule.meaning()?;
    let set = move |tx: &mut Tx<'_>, actor: &Actor, now: i64| {
        for id in of_uuids(tx, actor, &sent.store_ids)? {
            stores::set_schedule(tx, actor, id, &wanted, now)?;
        }
        Ok(())
    };
    author.write(set).await?;
    Ok(StatusCode::NO_CONTENT)
}
