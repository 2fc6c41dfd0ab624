//! One certificate, its history, and who may do what with it.

use std::collections::BTreeMap;

use axum::extract::State;
use certhold_domain::access::audit::{self, Identity, IdentityRights, RoleRights};
use certhold_domain::access::paths;
use certhold_domain::events::{Event, HistoryPage, names};
use certhold_domain::inventory;
use certhold_domain::people::PrincipalKind;
use certhold_domain::stores;
use certhold_domain::{Actor, CertificateId, Error, Result as DomainResult, chains};
use certhold_store::Tx;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::Certificate;
use crate::keyfactor::claims::{self, Providers};
use crate::keyfactor::extract::{Asked, Caller, Id};
use crate::keyfactor::listing::{Listed, PageAsked, no_such_order};
use crate::keyfactor::protocol::{Json, Version};
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::stores::{CertificateLocation, LocationCount, Locations};
use crate::keyfactor::wire::Moment;
use crate::state::App;

/// The routes of one certificate that is looked at.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(history))
        .routes(routes!(security))
        .routes(routes!(identity_audit))
        .routes(routes!(locations))
        .routes(routes!(validate))
        .routes(routes!(compare))
}

/// Get a certificate
///
/// Also a revoked or expired one.
#[utoipa::path(get, path = "/Certificates/{id}", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("includeLocations" = Option<bool>, Query, description = "With locations"),
    ("includeMetadata" = Option<bool>, Query, description = "With what is noted about it"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("containerId" = Option<i64>, Query, description = "Scope of the right to read")),
    responses((status = 200, description = "The certificate", body = Certificate)))]
pub async fn get(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Answer<Json<Certificate>> {
    let scope = asked.scope(app.now())?;
    let with_locations = asked.flag("includelocations")?;
    let with_metadata = asked.flag("includemetadata")?;
    let found = caller.read(move |tx, actor| {
        let whole = inventory::get_whole(tx, actor, CertificateId(id), scope)?;
        let places = if with_locations { stores::locations(tx, actor, CertificateId(id), scope)? } else { Vec::new() };
        Ok((whole, places))
    });
    let (mut whole, places) = found.await?;
    if !with_metadata {
        whole.metadata.clear();
    }
    let mut certificate = Certificate::of(whole, true)?;
    certificate.locations_count = LocationCount::of(&places);
    certificate.locations = places.into_iter().map(CertificateLocation::from).collect();
    Ok(Json(certificate))
}

/// An entry of a certificate's history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct HistoryEntry {
    /// The event's number.
    id: i64,
    #[schema(value_type = String)]
    operation_start: Moment,
    #[schema(value_type = String)]
    operation_end: Moment,
    username: String,
    comment: String,
    /// What was done.
    action: String,
}

impl From<Event> for HistoryEntry {
    fn from(event: Event) -> HistoryEntry {
        HistoryEntry {
            id: event.seq,
            operation_start: Moment(event.at),
            operation_end: Moment(event.at),
            comment: comment(&event),
            username: event.actor_name,
            action: action(&event.operation).to_owned(),
        }
    }
}

/// What was done, in the vendor's manner of words; an event that it has no word for keeps its own name.
fn action(operation: &str) -> &str {
    match operation {
        names::CERTIFICATE_IMPORTED => "Imported",
        names::CERTIFICATE_OWNER_CHANGED => "Owner Changed",
        names::CERTIFICATE_METADATA_CHANGED => "Metadata Updated",
        names::CERTIFICATE_REVOKED => "Revoked",
        names::CERTIFICATE_RELEASED => "Removed From Hold",
        names::CERTIFICATE_DELETED => "Deleted",
        names::CERTIFICATE_NEIGHBOUR_DELETED => "Renewal Chain Changed",
        names::PRIVATE_KEY_EXPORTED => "Recovered",
        names::PRIVATE_KEY_IMPORTED => "Private Key Imported",
        names::PRIVATE_KEY_DESTROYED => "Private Key Deleted",
        names::CERTIFICATE_INSTALLED => "Added To Certificate Store",
        names::CERTIFICATE_UNINSTALLED => "Removed From Certificate Store",
        other => other,
    }
}

fn comment(event: &Event) -> String {
    let (before, after) = (&event.payload["before"], &event.payload["after"]);
    let name = |owner: &Value| owner["owner_name"].as_str().map_or_else(|| "nobody".to_owned(), |name| format!("'{name}'"));
    match event.operation.as_str() {
        names::CERTIFICATE_OWNER_CHANGED => format!("Owner changed from {} to {}", name(before), name(after)),
        names::CERTIFICATE_METADATA_CHANGED => {
            let fields: Vec<&str> = after.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
            format!("Fields: {}", fields.join(", "))
        }
        names::CERTIFICATE_REVOKED => after["comment"].as_str().unwrap_or_default().to_owned(),
        names::CERTIFICATE_NEIGHBOUR_DELETED => {
            // Not told to whoever reads this certificate through a collection or a container only.
            let which = match (event.payload["certificate"].as_i64(), event.payload["title"].as_str()) {
                (Some(id), Some(title)) => format!("Certificate {id} '{title}'"),
                _ => "A certificate".to_owned(),
            };
            match event.payload["is"].as_str() {
                Some("predecessor") => format!("{which}, which this one renewed, was deleted"),
                _ => format!("{which}, which renewed this one, was deleted"),
            }
        }
        names::CERTIFICATE_INSTALLED | names::CERTIFICATE_UNINSTALLED => {
            match (event.payload["store_name"].as_str(), event.payload["alias"].as_str()) {
                (Some(store), Some(alias)) => format!("Store '{store}', alias '{alias}'"),
                _ => "A certificate store that is not shown here".to_owned(),
            }
        }
        _ => event.payload["reason"].as_str().or_else(|| event.payload["source"].as_str()).unwrap_or_default().to_owned(),
    }
}

/// Get the history of a certificate
#[utoipa::path(get, path = "/Certificates/{id}/History", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default"),
    ("SortField" = Option<String>, Query, description = "OperationStart (default), OperationEnd or UserName"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("containerId" = Option<i64>, Query, description = "Scope of the right to read")),
    responses((status = 200, description = "What was done, the oldest first", body = Vec<HistoryEntry>)))]
pub async fn history(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Answer<Listed<HistoryEntry>> {
    let (page, scope) = (PageAsked::of(&asked)?, asked.scope(app.now())?);
    let by_actor = match page.sort.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("operationstart" | "operationend") => false,
        Some("username") => true,
        Some(_) => {
            return Err(no_such_order(page.sort.as_deref().unwrap_or_default()));
        }
    };
    let wanted = HistoryPage { offset: page.offset, limit: page.limit, by_actor, descending: page.descending };
    let (events, total) =
        caller.read(move |tx, actor| inventory::history_page_in(tx, actor, CertificateId(id), scope, &wanted)).await?;
    Ok(Listed { rows: events, total }.map(HistoryEntry::from))
}

/// What the vendor calls a right on certificates.
fn right(action: &str) -> &'static str {
    match action {
        paths::CERTIFICATES_METADATA_MODIFY => "EditMetadata",
        paths::CERTIFICATES_CHANGE_OWNER => "ChangeOwner",
        paths::PRIVATE_KEY_READ => "Recover",
        paths::CERTIFICATES_REVOKE => "Revoke",
        paths::CERTIFICATES_DELETE => "Delete",
        _ => "Read",
    }
}

/// Who may do what with a certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CertificateSecurity {
    /// Every role, also those that allow nothing.
    roles: Vec<RoleOnCertificate>,
}

/// A role with what it allows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RoleOnCertificate {
    name: String,
    /// `Read`, `EditMetadata`, `ChangeOwner`, `Recover`, `Revoke`, `Delete`.
    permissions: Vec<&'static str>,
}

/// List what every role allows on a certificate
///
/// Everywhere, through a collection that it is in, and through certificate stores that it is in.
#[utoipa::path(get, path = "/Certificates/{id}/Security", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read")),
    responses((status = 200, description = "Every role", body = CertificateSecurity)))]
pub async fn security(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Answer<Json<CertificateSecurity>> {
    let scope = asked.scope(app.now())?;
    let roles = caller.read(move |tx, actor| audit::roles_on(tx, actor, CertificateId(id), scope)).await?;
    let shown =
        |role: RoleRights| RoleOnCertificate { name: role.name, permissions: role.actions.into_iter().map(right).collect() };
    Ok(Json(CertificateSecurity { roles: roles.into_iter().map(shown).collect() }))
}

/// List who may do what with a certificate
///
/// Version 1 answers accounts and groups by name, version 2 claims. Rights count that hold everywhere, through a collection that the
/// certificate is in, or through certificate stores that it is in.
#[utoipa::path(get, path = "/Certificates/IdentityAudit/{id}", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("PageReturned" = Option<i64>, Query, description = "A page, from 1; the whole list otherwise"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default")),
    responses((status = 200, description = "Everybody with a right on it", body = Vec<Object>)))]
pub async fn identity_audit(
    State(app): State<App>,
    caller: Caller,
    version: Version,
    Id(id): Id,
    asked: Asked,
) -> Answer<Listed<Value>> {
    let scope = asked.scope(app.now())?;
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        Ok((audit::identities_on(tx, actor, CertificateId(id), scope)?, Providers::stored(tx)?))
    };
    let (found, providers) = caller.read(find).await?;
    Ok(Listed::whole(found, &asked)?.map(|one| audited(one, version, &providers)))
}

fn audited(one: IdentityRights, version: Version, providers: &Providers) -> Value {
    let permission = |(action, roles): (&str, Vec<String>)| json!({ "Name": right(action), "GrantedBy": roles });
    let permissions: Vec<Value> = one.actions.into_iter().map(permission).collect();
    let (id, name, is_group, sid, claim) = match one.identity {
        Identity::Account { id, uuid, name, kind } => {
            let claim = claims::of_account(id, &name, kind == PrincipalKind::Service);
            (id.0, name, false, uuid, json!(claim))
        }
        Identity::Claim(claim) => {
            let is_group = claims::is_group(claim.key.kind);
            (claim.id.0, claim.key.value.clone(), is_group, String::new(), json!(claims::Claim::of(claim, providers)))
        }
    };
    match version {
        Version::One => json!({
            "Id": id, "AccountName": name, "IdentityType": if is_group { "Group" } else { "User" }, "SID": sid,
            "Permissions": permissions,
        }),
        Version::Two => json!({ "Identity": claim, "Permissions": permissions }),
    }
}

/// List the certificate stores that a certificate is in
#[utoipa::path(get, path = "/Certificates/Locations/{id}", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("containerId" = Option<i64>, Query, description = "Scope of the right to read")),
    responses((status = 200, description = "By type of store", body = Locations)))]
pub async fn locations(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Answer<Json<Locations>> {
    let scope = asked.scope(app.now())?;
    let found = caller.read(move |tx, actor| {
        inventory::summary_in(tx, actor, CertificateId(id), scope)?;
        stores::locations(tx, actor, CertificateId(id), scope)
    });
    Ok(Json(Locations::of(found.await?)))
}

/// What was found out about a certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Validation {
    /// Whether nothing is wrong.
    valid: bool,
    /// Each check with what came of it.
    results: BTreeMap<&'static str, String>,
}

/// Validate a certificate
///
/// Against what is held here: its validity now, the path to a root, what is recorded about its revocation. Nobody outside is asked.
#[utoipa::path(get, path = "/Certificates/{id}/Validate", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("containerId" = Option<i64>, Query, description = "Scope of the right to read")),
    responses((status = 200, description = "Each check", body = Validation)))]
pub async fn validate(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Answer<Json<Validation>> {
    let now = app.now();
    let scope = asked.scope(now)?;
    let (whole, above) = caller
        .read(move |tx, actor| {
            let whole = inventory::get_whole(tx, actor, CertificateId(id), scope)?;
            Ok((whole, chains::above_in(tx, actor, CertificateId(id), scope)?))
        })
        .await?;
    let chain = tokio::task::spawn_blocking(move || chain(&above, now)).await.map_err(|_| Refused::from(panicked()))??;
    let summary = &whole.certificate.summary;
    let validity = match (now < summary.not_before, now > summary.not_after) {
        (true, _) => Err(format!("not valid before {}", crate::time::Time(summary.not_before))),
        (_, true) => Err(format!("expired on {}", crate::time::Time(summary.not_after))),
        _ => Ok("Passed".to_owned()),
    };
    let revocation = match &whole.revocation {
        Some(revocation) => Err(format!("recorded as revoked, reason {}", revocation.reason.code())),
        None => Ok("Passed: nothing is recorded here; the issuer was not asked".to_owned()),
    };
    let checks = [("ValidityPeriod", validity), ("Chain", chain), ("Revocation", revocation)];
    let valid = checks.iter().all(|(_, outcome)| outcome.is_ok());
    let told = |outcome: Result<String, String>| outcome.unwrap_or_else(|why| format!("Failed: {why}"));
    Ok(Json(Validation { valid, results: checks.into_iter().map(|(name, outcome)| (name, told(outcome))).collect() }))
}

type Checked = Result<String, String>;

/// Whether a path leads to a root on which nothing is wrong now.
fn chain(above: &chains::Above, now: i64) -> DomainResult<Checked> {
    use certhold_pki::graph::End;
    let (graph, _) = above.graph()?;
    let rooted: Vec<_> = graph.paths.iter().filter(|path| path.end == End::Root).collect();
    if rooted.is_empty() {
        return Ok(Err("no path leads to a root that is held here".into()));
    }
    let sound =
        |path: &&certhold_pki::graph::Path| (0..path.nodes.len()).all(|place| graph.problems(path, place, now).is_empty());
    Ok(match rooted.into_iter().find(sound) {
        Some(path) => Ok(format!("Passed: {} certificates up to a root", path.nodes.len())),
        None => Err("something is wrong with a certificate on every path to a root".into()),
    })
}

fn panicked() -> Error {
    Error::from(certhold_store::Error::Panicked)
}

/// Compare a metadata value
#[utoipa::path(get, path = "/Certificates/Metadata/Compare", tag = "Certificates", params(
    ("certificateId" = i64, Query, description = "The certificate"),
    ("metadataFieldName" = String, Query, description = "The field"),
    ("value" = String, Query, description = "The value to compare with"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read")),
    responses((status = 200, description = "Whether the field has this value", body = bool)))]
pub async fn compare(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Json<bool>> {
    let scope = asked.scope(app.now())?;
    let id = asked.number("certificateid")?.ok_or_else(|| Refused::invalid("CertificateId", "this parameter is required"))?;
    let field =
        asked.text("metadatafieldname").ok_or_else(|| Refused::invalid("MetadataFieldName", "this parameter is required"))?;
    let (field, value) = (field.to_owned(), asked.text("value").unwrap_or_default().to_owned());
    let same = caller
        .read(move |tx, actor| {
            let held = certhold_domain::metadata::of_in(tx, actor, CertificateId(id), scope)?;
            let field = certhold_domain::metadata::by_name(tx, actor, &field)?;
            let found = held.into_iter().find(|held| held.field == field.id).map(|held| held.value).unwrap_or_default();
            Ok(found == value)
        })
        .await?;
    Ok(Json(same))
}
