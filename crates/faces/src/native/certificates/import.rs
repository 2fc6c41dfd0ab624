//! `POST /certificates`: bringing certificates in.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::inventory::{self, ImportItem};
use certhold_domain::{Actor, RoleId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::metadata::{self, Given};
use super::one::RoleRef;
use crate::auth::Author;
use crate::import::{self, Import, Item, Outcome, Upload};
use crate::native::extract::{self, Query};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// Files in one import.
const FILES_MAX: usize = 10_000;

/// For bodies that are the file itself.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// The owner of new certificates: a role's id or name.
    owner: Option<String>,
    /// Where they come from, for people; `upload` by default.
    source: Option<String>,
    /// What is noted about new certificates: a JSON object of values by the names of their fields.
    #[param(example = json!("{\"Team\":\"Web\"}"))]
    metadata: Option<String>,
}

/// An import as JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonImport {
    /// PEM text; or `content_base64`.
    #[schema(example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    content: Option<String>,
    /// Any format that can be read (PEM, DER, PKCS#7, PKCS#12), in base64.
    content_base64: Option<String>,
    /// For whatever is encrypted in it.
    #[schema(format = Password)]
    password: Option<String>,
    /// The owner of new certificates: a role's id or name.
    owner: Option<RoleRef>,
    /// Where they come from, for people; `upload` by default.
    source: Option<String>,
    /// What is noted about new certificates, by the names of the fields.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "Team": "Web" }))]
    metadata: BTreeMap<String, Given>,
}

/// An import as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub struct FormImport {
    /// One part for each file, in any format that can be read (PEM, DER, PKCS#7, PKCS#12).
    #[schema(content_media_type = "application/octet-stream")]
    file: Vec<Vec<u8>>,
    /// For whatever is encrypted in them.
    #[schema(format = Password)]
    password: Option<String>,
    /// The owner of new certificates: a role's id or name.
    owner: Option<String>,
    /// Where they come from, for people; `upload` by default.
    source: Option<String>,
    /// What is noted about new certificates: a JSON object of values by the names of their fields.
    metadata: Option<String>,
}

/// What became of an import.
#[derive(Serialize, ToSchema)]
pub struct ImportResult {
    /// Certificates that are new.
    imported: usize,
    /// Certificates that were held before.
    already_held: usize,
    /// Items that were not taken.
    refused: usize,
    /// Private keys that came into custody.
    keys_taken: usize,
    /// Every item.
    items: Vec<ImportedItem>,
}

/// What became of one item.
#[derive(Serialize, ToSchema)]
pub struct ImportedItem {
    /// The file it was in; empty when the body was the file.
    file: String,
    /// Where in the file: `line 12`, `certificate 3`; empty when it is the whole file.
    place: String,
    /// `imported`, `already_held` or `refused`.
    outcome: ItemOutcome,
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<i64>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Whether its private key came into custody.
    key_taken: bool,
    /// Why it was refused, or what was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of one item.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// It is new.
    Imported,
    /// It was held before; nothing changed.
    AlreadyHeld,
    /// It was not taken.
    Refused,
}

/// Import certificates
///
/// Takes a form with any number of files, JSON, or the file itself as the body; PEM (with anything between the blocks), DER,
/// PKCS#7, PKCS#12, and private keys beside their certificates. Every item is imported, held already, or refused with a reason;
/// sending the same again changes nothing. A file with a password is sent as a form or as JSON.
#[utoipa::path(post, path = "/certificates", tag = "certificates", params(Parameters),
    request_body(content((FormImport = "multipart/form-data"), (JsonImport = "application/json"), (Vec<u8> = "application/octet-stream"),
        (String = "application/x-pem-file"))),
    responses((status = 200, description = "What became of each item", body = ImportResult)))]
pub async fn import(
    State(app): State<App>,
    author: Author,
    Query(given): Query<Parameters>,
    request: Request,
) -> Answer<Json<ImportResult>> {
    // A body is held in memory while it is read, so only a few are at a time.
    let turn = app.imports().clone().acquire_owned().await;
    let _turn = turn.map_err(|_| Problem::internal())?;
    let mut sent = receive(&app, &author.actor, request).await?;
    sent.owner = sent.owner.or(given.owner);
    let owner = match sent.owner {
        Some(owner) => Some(role(&app, &author.actor, owner).await?),
        None => None,
    };
    let source = sent.source.or(given.source).unwrap_or_else(|| "upload".into());
    let metadata = match given.metadata {
        Some(text) if sent.metadata.is_empty() => noted(&text)?,
        _ => sent.metadata,
    };
    let import = Import { uploads: sent.uploads, password: sent.password, owner, source, metadata: metadata::changes(metadata) };
    let items = import::run(&app, &author.actor, import).await?;
    Ok(Json(result(items)))
}

#[derive(Default)]
struct Sent {
    uploads: Vec<Upload>,
    password: Option<SecretString>,
    owner: Option<String>,
    source: Option<String>,
    metadata: BTreeMap<String, Given>,
}

/// Values by field, as JSON text.
fn noted(text: &str) -> Answer<BTreeMap<String, Given>> {
    let wrong = |_| Problem::invalid("metadata", "this is not a JSON object of values by the names of their fields");
    serde_json::from_str(text).map_err(wrong)
}

/// Reads the body in whichever form it was sent. Whoever may not import at all is refused before.
async fn receive(app: &App, actor: &std::sync::Arc<Actor>, request: Request) -> Answer<Sent> {
    import::require_allowed(app, actor).await?;
    let limit = app.settings().import_bytes;
    match extract::media_type(request.headers()) {
        Some("multipart/form-data") => form(Multipart::from_request(request, app).await, limit).await,
        Some("application/json") => json(&Zeroizing::new(extract::body(request, limit).await?.to_vec())),
        Some(
            "application/octet-stream"
            | "application/x-pem-file"
            | "application/pem-certificate-chain"
            | "application/pkix-cert"
            | "application/x-x509-ca-cert"
            | "application/x-x509-user-cert"
            | "application/pkcs7-mime"
            | "application/x-pkcs7-certificates"
            | "application/pkcs12"
            | "application/x-pkcs12"
            | "text/plain",
        ) => {
            let bytes = Zeroizing::new(extract::body(request, limit).await?.to_vec());
            Ok(Sent { uploads: vec![Upload { file: String::new(), bytes }], ..Sent::default() })
        }
        _ => {
            Err(extract::unsupported("multipart/form-data, application/json, application/x-pem-file or application/octet-stream"))
        }
    }
}

fn json(body: &[u8]) -> Answer<Sent> {
    let given: JsonImport = extract::parse_json(body)?;
    let bytes = match (given.content, given.content_base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => {
            let text: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
            STANDARD.decode(text.as_slice()).map_err(|_| Problem::invalid("content_base64", "this is not base64"))?
        }
        _ => return Err(Problem::invalid("content", "send either content or content_base64")),
    };
    let owner = given.owner.map(|owner| match owner {
        RoleRef::Id(id) => id.to_string(),
        RoleRef::Name(name) => name,
    });
    let uploads = vec![Upload { file: String::new(), bytes: Zeroizing::new(bytes) }];
    let password = given.password.map(SecretString::from);
    Ok(Sent { uploads, password, owner, source: given.source, metadata: given.metadata })
}

async fn form(parts: Result<Multipart, axum::extract::multipart::MultipartRejection>, limit: usize) -> Answer<Sent> {
    let mut parts = parts.map_err(|_| Problem::malformed("the Content-Type of the form has no boundary"))?;
    let broken = |error: axum::extract::multipart::MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(limit),
        _ => Problem::malformed("the form is damaged or ended before it was complete"),
    };
    let mut sent = Sent::default();
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or("").to_owned();
        let file = part.file_name().map(str::to_owned);
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
        }
        if file.is_some() || name == "file" {
            if sent.uploads.len() == FILES_MAX {
                return Err(Problem::invalid("file", format!("at most {FILES_MAX} files go into one import")));
            }
            sent.uploads.push(Upload { file: file.unwrap_or_default(), bytes });
            continue;
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| Problem::malformed("a field of the form is not UTF-8"))?;
        let text = Some(text.to_owned()).filter(|text| !text.is_empty());
        match name.as_str() {
            "password" => sent.password = text.map(SecretString::from),
            "owner" => sent.owner = text,
            "source" => sent.source = text,
            "metadata" => sent.metadata = text.as_deref().map(noted).transpose()?.unwrap_or_default(),
            _ => return Err(Problem::malformed("the form has a field other than file, password, owner, source and metadata")),
        }
    }
    if sent.uploads.is_empty() {
        return Err(Problem::invalid("file", "send at least one file"));
    }
    Ok(sent)
}

async fn role(app: &App, actor: &std::sync::Arc<Actor>, text: String) -> Answer<RoleId> {
    let reference = text.parse().map_or(RoleRef::Name(text), RoleRef::Id);
    let actor = actor.clone();
    Ok(app.read(move |tx| reference.resolve(tx, &actor)).await?)
}

fn result(items: Vec<Item>) -> ImportResult {
    let items: Vec<ImportedItem> = items.into_iter().map(shown).collect();
    let count = |outcome| items.iter().filter(|item| item.outcome == outcome).count();
    ImportResult {
        imported: count(ItemOutcome::Imported),
        already_held: count(ItemOutcome::AlreadyHeld),
        refused: count(ItemOutcome::Refused),
        keys_taken: items.iter().filter(|item| item.key_taken).count(),
        items,
    }
}

fn shown(Item { file, place, outcome, .. }: Item) -> ImportedItem {
    let file = file.to_string();
    match outcome {
        Outcome::Refused(reason) => ImportedItem {
            file,
            place,
            outcome: ItemOutcome::Refused,
            certificate: None,
            title: None,
            key_taken: false,
            reason: Some(reason),
        },
        Outcome::Taken { item: ImportItem { outcome, key_taken }, title, note, .. } => {
            let (outcome, id) = match outcome {
                inventory::Outcome::Imported(id) => (ItemOutcome::Imported, Some(id.0)),
                inventory::Outcome::AlreadyHeld(id) => (ItemOutcome::AlreadyHeld, Some(id.0)),
                inventory::Outcome::Excluded => (ItemOutcome::Refused, None),
            };
            ImportedItem { file, place, outcome, certificate: id, title: Some(title), key_taken, reason: note }
        }
    }
}
