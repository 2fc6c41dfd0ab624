//! `/import`: bringing certificates in.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::{self, paths};
use certhold_domain::inventory::Outcome as Taken;
use certhold_domain::metadata::{self, Change, Field};
use certhold_domain::ownership;
use certhold_domain::{Actor, Error, Refusal, RoleId};
use certhold_store::Tx;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::import::{self, Import, Item, Outcome, Upload};
use crate::state::App;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Complaint};
use crate::web::show::{self, choices, noted};
use crate::web::view::form::Input;
use crate::web::view::frame::Section;
use crate::web::view::import::{ImportOutcome, ImportPage, ImportResult, ImportRow};
use crate::web::view::text::count;
use crate::web::view::tone::Validity;
use crate::web::visit::Visit;

pub fn routes(app: &App) -> Router<App> {
    let limit = DefaultBodyLimit::max(app.settings().import_bytes);
    Router::new().route("/import", get(show).post(take).layer(limit))
}

/// Files in one import.
const FILES_MAX: usize = 10_000;
/// Items that the answer lists.
const LISTED: usize = 500;
/// Bytes of a field that is no file: the longest metadata value.
const FIELD_BYTES: usize = 16_384;
/// Metadata fields of a form.
const FIELDS_MAX: usize = 250;

async fn show(visit: Visit) -> Result<Response, Refused> {
    page(&visit, StatusCode::OK, &Form::default(), None, None).await
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    sent: &Form,
    result: Option<ImportResult>,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        access::require_path(tx, actor, paths::CERTIFICATES_IMPORT)?;
        // Whoever may give a certificate that nobody owns to no role is offered none.
        let may_own = ownership::require_beforehand(&*access::held(tx, actor)?, ownership::Scope::default()).is_ok();
        let roles = if may_own { ownership::candidates_for_new(tx, actor)? } else { Vec::new() };
        Ok((roles, metadata::list(tx, actor)?))
    };
    let (viewer, (roles, fields)) = visit.read(find).await?;
    let mut page = ImportPage {
        frame: visit.frame("Import", Section::Import, viewer),
        files: Input::default(),
        password: Input::default(),
        owner: choices::owners(&roles, &sent.owner),
        noted: noted::form(&fields, |field| sent.noted.get(&noted::slug(field)).cloned().unwrap_or_default()),
        error: None,
        limit: size(visit.app.settings().import_bytes),
        result,
    };
    if let Some(Complaint { field, message }) = complaint {
        match field {
            "password" => page.password.error = Some(message),
            "owner" => page.owner.error = Some(message),
            "metadata" => page.error = Some(message),
            _ => page.files.error = Some(message),
        }
    }
    Ok(visit.page(status, &page))
}

/// What was sent: the token comes first, so that nothing of a foreign form is read further.
#[derive(Default)]
struct Form {
    uploads: Vec<Upload>,
    password: Option<SecretString>,
    owner: String,
    /// Values by the names of the form's fields.
    noted: BTreeMap<String, String>,
}

/// Why a form with files was not read to its end.
enum Unread {
    Refused(Refused),
    Complaint(Complaint),
}

async fn take(State(app): State<App>, request: Request) -> Result<Response, Refused> {
    // A body is held in memory while it is read, so only a few are at a time.
    let turn = app.imports().clone().acquire_owned().await;
    let (mut parts, body) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, &app).await?;
    let author = Author::of(visit).await?;
    let _turn = turn.map_err(|_| author.refused(Refusal::Busy))?;
    import::require_allowed(&app, &author.actor).await.map_err(|error| author.refused(error))?;
    let multipart = Multipart::from_request(Request::from_parts(parts, body), &app).await;
    let multipart = multipart.map_err(|_| author.malformed("This is not what the form of this page sends."))?;
    let visit = &author.visit;
    let mut form = match read(&author, multipart).await {
        Ok(form) => form,
        Err(Unread::Refused(refused)) => return Err(refused),
        Err(Unread::Complaint(complaint)) => {
            return page(visit, StatusCode::UNPROCESSABLE_ENTITY, &Form::default(), None, Some(complaint)).await;
        }
    };
    let owner = match form.owner.as_str() {
        "" => None,
        text => Some(RoleId(text.parse().map_err(|_| author.malformed("The owner is none of those that were offered."))?)),
    };
    let asking = author.actor.clone();
    let fields = app.read(move |tx| metadata::list(tx, &asking)).await.map_err(|error| author.refused(error))?;
    let value = |field: &Field| Some(Change::new(&field.name, form.noted.get(&noted::slug(field))?));
    let metadata = fields.iter().filter_map(value).filter(|change| !change.value.trim().is_empty()).collect();
    let (uploads, password) = (std::mem::take(&mut form.uploads), form.password.take());
    let import = Import { uploads, password, owner, source: "upload".into(), metadata };
    match import::run(&app, &author.actor, import).await {
        Ok(items) => page(visit, StatusCode::OK, &form, Some(result(items, app.now())), None).await,
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) if missing.is_empty() => {
            let complaint = Complaint::about("owner", sentence(&reason));
            page(visit, StatusCode::UNPROCESSABLE_ENTITY, &form, None, Some(complaint)).await
        }
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(visit, StatusCode::UNPROCESSABLE_ENTITY, &form, None, Some(complaint)).await
        }
    }
}

async fn read(author: &Author, mut parts: Multipart) -> Result<Form, Unread> {
    let limit = author.visit.app.settings().import_bytes;
    let broken = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Unread::Complaint(Complaint::about("files", format!("Together the files are larger than {}.", size(limit))))
        }
        _ => {
            tracing::info!(%error, "a form with files did not arrive whole");
            Unread::Refused(author.malformed("The files did not arrive whole."))
        }
    };
    let mut form = Form::default();
    let mut is_ours = false;
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or("").to_owned();
        let file = part.file_name().unwrap_or("").to_owned();
        if !is_ours && name != "csrf" {
            author.require_own_page("").map_err(Unread::Refused)?;
        }
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if name != "files" && bytes.len() > FIELD_BYTES {
                return Err(Unread::Refused(author.malformed("A field of the form is far too long.")));
            }
        }
        if name == "files" {
            // A form without a chosen file sends one that has neither name nor content.
            if file.is_empty() && bytes.is_empty() {
                continue;
            }
            if form.uploads.len() == FILES_MAX {
                let message =
                    format!("At most {} files go into one import.", count(i64::try_from(FILES_MAX).unwrap_or(i64::MAX)));
                return Err(Unread::Complaint(Complaint::about("files", message)));
            }
            form.uploads.push(Upload { file, bytes });
            continue;
        }
        let text =
            std::str::from_utf8(&bytes).map_err(|_| Unread::Refused(author.malformed("A field of the form is not text.")))?;
        match name.as_str() {
            "csrf" => {
                author.require_own_page(text).map_err(Unread::Refused)?;
                is_ours = true;
            }
            "password" => form.password = (!text.is_empty()).then(|| SecretString::from(text)),
            "owner" => text.clone_into(&mut form.owner),
            slug if slug.starts_with("noted-") && form.noted.len() < FIELDS_MAX => {
                form.noted.insert(name, text.replace("\r\n", "\n"));
            }
            _ => {}
        }
    }
    if !is_ours {
        author.require_own_page("").map_err(Unread::Refused)?;
    }
    if form.uploads.is_empty() {
        return Err(Unread::Complaint(Complaint::about("files", "Choose at least one file.")));
    }
    Ok(form)
}

fn result(items: Vec<Item>, now: i64) -> ImportResult {
    let mut rows: Vec<ImportRow> = items.into_iter().map(|item| row(item, now)).collect();
    let number =
        |outcome: ImportOutcome| i64::try_from(rows.iter().filter(|row| row.outcome == outcome).count()).unwrap_or(i64::MAX);
    let (imported, already_held) = (number(ImportOutcome::Imported), number(ImportOutcome::AlreadyHeld));
    let refused = number(ImportOutcome::Refused);
    rows.sort_by_key(|row| match row.outcome {
        ImportOutcome::Refused => 0,
        ImportOutcome::Imported => 1,
        ImportOutcome::AlreadyHeld => 2,
    });
    let unlisted = i64::try_from(rows.len().saturating_sub(LISTED)).unwrap_or(i64::MAX);
    rows.truncate(LISTED);
    ImportResult { imported, already_held, refused, rows, unlisted }
}

fn row(Item { file, place, outcome, .. }: Item, now: i64) -> ImportRow {
    let file = if file.is_empty() { "(unnamed)".to_owned() } else { file.to_string() };
    match outcome {
        Outcome::Refused(reason) => ImportRow {
            file,
            item: place,
            outcome: ImportOutcome::Refused,
            name: String::new(),
            href: None,
            validity: None,
            remark: sentence(&reason),
        },
        Outcome::Taken { item, title, not_before, not_after, note } => {
            let (outcome, id) = match item.outcome {
                Taken::Imported(id) => (ImportOutcome::Imported, Some(id)),
                Taken::AlreadyHeld(id) => (ImportOutcome::AlreadyHeld, Some(id)),
                Taken::Excluded => (ImportOutcome::Refused, None),
            };
            let key = item.key_taken.then(|| "private key taken into custody".to_owned());
            ImportRow {
                file,
                item: place,
                outcome,
                name: title,
                href: id.map(show::certificate_href),
                validity: Some(Validity::new(not_before, not_after, now).unmanaged()),
                remark: key.into_iter().chain(note).collect::<Vec<_>>().join("; "),
            }
        }
    }
}

/// `64 MiB`, `900 KiB`.
fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    match bytes {
        ..KIB => format!("{bytes} bytes"),
        KIB..0x10_0000 => format!("{} KiB", bytes / KIB),
        _ => format!("{} MiB", bytes / KIB / KIB),
    }
}
