//! `/bulk-edits`: edits of many certificates, looked at first and then done by a job.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use certhold_domain::access::roles;
use certhold_domain::bulk::{self, Command, Edit, Selection, Wanted};
use certhold_domain::metadata::Change;
use certhold_domain::{Actor, BulkEditId, CertificateId, CollectionId, Refusal, RoleId, hex};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::{Given, RoleRef};
use super::created::Created;
use super::extract::{self, Id, Json as Body, Query};
use super::hidden;
use super::page::{self, Page};
use super::time::Time;
use crate::auth::{Author, Bearer};
use crate::bulk::look;
use crate::problem::Answer;
use crate::state::App;

/// The routes of edits of many certificates.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, start)).routes(routes!(preview)).routes(routes!(get)).routes(routes!(cancel))
}

/// An edit of many certificates. Name either `certificates` or a `filter`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkEditInput {
    /// These certificates, at most 10,000.
    certificates: Option<Vec<i64>>,
    /// All certificates that this finds.
    filter: Option<FilterInput>,
    /// What is done to each.
    edit: EditInput,
    /// The `digest` of a preview: the edit stops before it changes anything when other certificates are selected by then.
    digest: Option<String>,
}

/// Which certificates; what is left out does not matter. An empty filter is all of them.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterInput {
    /// Words, as in `GET /certificates`.
    #[serde(default)]
    q: String,
    /// A query, as in `GET /certificates`.
    #[serde(default)]
    query: String,
    /// Ends before this instant.
    expires_before: Option<Time>,
    /// Ends at this instant or later.
    expires_after: Option<Time>,
    /// The owner: a role's id or name, or `none`.
    owner: Option<RoleRef>,
    /// Is a version of a managed certificate, or not.
    managed: Option<bool>,
    /// May issue certificates, or not.
    is_ca: Option<bool>,
    /// Is in this collection: then rights on the collection are enough.
    collection: Option<i64>,
}

/// What is done to each certificate.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EditInput {
    /// Changes what is noted about it.
    Metadata {
        /// The new values.
        changes: Vec<ChangeInput>,
    },
    /// Gives it another owner.
    Owner {
        /// A role's id or name, or null for nobody.
        #[serde(deserialize_with = "extract::present")]
        #[schema(required = true)]
        owner: Option<RoleRef>,
    },
    /// Removes it from the inventory, unless something needs it. Its history stays in the record.
    Remove,
}

/// A new value of one field.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeInput {
    /// The field's name.
    #[schema(example = "Tier")]
    field: String,
    /// The value; empty or null clears.
    #[schema(value_type = String, example = "2")]
    value: Given,
    /// Whether a value that is there already gives way; true if left out.
    #[serde(default = "yes")]
    overwrite: bool,
}

fn yes() -> bool {
    true
}

impl BulkEditInput {
    fn command(&self, tx: &mut Tx<'_>, actor: &Actor) -> certhold_domain::Result<Command> {
        let selection = match (&self.certificates, &self.filter) {
            (Some(ids), None) => Selection::Certificates(ids.iter().copied().map(CertificateId).collect()),
            (None, Some(filter)) => Selection::Filter(filter.wanted(tx, actor)?),
            _ => return Err(Refusal::invalid("certificates", "name either certificates or a filter").into()),
        };
        let edit = match &self.edit {
            EditInput::Metadata { changes } => {
                let change = |given: &ChangeInput| Change {
                    overwrite: given.overwrite,
                    ..Change::new(given.field.clone(), given.value.clone().into_text())
                };
                Edit::Metadata { changes: changes.iter().map(change).collect() }
            }
            EditInput::Owner { owner } => Edit::Owner { to: owner.as_ref().map(|role| role.resolve(tx, actor)).transpose()? },
            EditInput::Remove => Edit::Remove,
        };
        let confirmed = self.digest.as_deref().map(digest).transpose()?;
        Ok(Command { selection, edit, confirmed })
    }
}

impl FilterInput {
    fn wanted(&self, tx: &mut Tx<'_>, actor: &Actor) -> certhold_domain::Result<Wanted> {
        let unowned = matches!(&self.owner, Some(RoleRef::Name(name)) if name == "none");
        let owner = match &self.owner {
            Some(RoleRef::Id(id)) => Some(RoleId(*id)),
            Some(RoleRef::Name(name)) if !unowned => Some(roles::by_name(tx, actor, name)?),
            _ => None,
        };
        Ok(Wanted {
            query: self.query.clone(),
            text: self.q.clone(),
            expires_from: self.expires_after.as_ref().map(|time| time.0),
            expires_before: self.expires_before.as_ref().map(|time| time.0),
            owner,
            unowned,
            managed: self.managed,
            is_ca: self.is_ca,
            collection: self.collection.map(CollectionId),
        })
    }
}

fn digest(text: &str) -> Result<[u8; 32], Refusal> {
    let wrong = || Refusal::invalid("digest", "this is not the digest of a preview: 64 hexadecimal digits");
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}

/// Why certificates are refused.
#[derive(Serialize, ToSchema)]
pub struct ReasonShown {
    /// One sentence.
    reason: String,
    /// How many certificates.
    count: i64,
    /// Some of them.
    examples: Vec<i64>,
}

impl From<bulk::Reason> for ReasonShown {
    fn from(reason: bulk::Reason) -> ReasonShown {
        let examples = reason.examples.into_iter().map(|id| id.0).collect();
        ReasonShown { reason: reason.reason, count: reason.count, examples }
    }
}

/// What an edit would do.
#[derive(Serialize, ToSchema)]
pub struct BulkEditPreview {
    /// Certificates selected.
    total: i64,
    /// Certificates that would change.
    changed: i64,
    /// Certificates that are so already, or keep a value that may not be overwritten.
    unchanged: i64,
    /// Certificates for which a rule forbids it.
    refused: i64,
    /// Why.
    reasons: Vec<ReasonShown>,
    /// The first ones that would change.
    sample: Vec<SampleShown>,
    /// Stands for the selected certificates: send it with the edit to be sure that these are edited and no others.
    digest: String,
}

/// A certificate that would change.
#[derive(Serialize, ToSchema)]
pub struct SampleShown {
    /// The certificate.
    certificate: i64,
    /// What people call it.
    title: String,
    /// The fields that change, as they are.
    #[schema(value_type = Object)]
    before: AnyJson,
    /// The same fields as they would be; null when it would be removed.
    #[schema(value_type = Object)]
    after: AnyJson,
}

/// Look at what an edit would do
///
/// Counts exactly and changes nothing.
#[utoipa::path(post, path = "/bulk-edits/preview", tag = "bulk edits", request_body = BulkEditInput,
    responses((status = 200, description = "What would become of the selected certificates", body = BulkEditPreview)))]
pub async fn preview(State(app): State<App>, author: Author, Body(input): Body<BulkEditInput>) -> Answer<Json<BulkEditPreview>> {
    let asking = author.actor.clone();
    let command = app.read(move |tx| input.command(tx, &asking)).await?;
    let found = look(&app, &author.actor, &command).await?;
    let sample = |one: bulk::Sample| SampleShown {
        certificate: one.certificate.0,
        title: one.title,
        before: one.before,
        after: one.after,
    };
    Ok(Json(BulkEditPreview {
        total: found.total,
        changed: found.tally.changed,
        unchanged: found.tally.unchanged,
        refused: found.tally.refused,
        reasons: found.tally.reasons.into_iter().map(ReasonShown::from).collect(),
        sample: found.sample.into_iter().map(sample).collect(),
        digest: hex(&found.digest),
    }))
}

/// Start an edit
///
/// A job does it, with the rights that the caller has while it runs.
#[utoipa::path(post, path = "/bulk-edits", tag = "bulk edits", request_body = BulkEditInput,
    responses((status = 201, description = "The new edit", body = Created)))]
pub async fn start(State(app): State<App>, author: Author, Body(input): Body<BulkEditInput>) -> Answer<Created> {
    let now = app.now();
    let id = app
        .write(move |tx| {
            let command = input.command(tx, &author.actor)?;
            bulk::start(tx, &author.actor, &command, now)
        })
        .await?;
    Ok(Created::at("bulk-edits", id.0))
}

/// An edit of many certificates.
#[derive(Serialize, ToSchema)]
pub struct BulkEdit {
    /// Its handle.
    id: i64,
    /// `selecting`, `running`, `done`, `cancelled` or `stopped`.
    #[schema(example = "running")]
    state: &'static str,
    /// What is done to each certificate.
    #[schema(value_type = Object, example = json!({ "kind": "metadata", "changes": [{ "field": "Tier", "value": "2", "overwrite": false }] }))]
    edit: AnyJson,
    /// Which certificates.
    #[schema(value_type = Object)]
    selection: AnyJson,
    /// Who started it.
    author: String,
    /// Certificates selected; grows while it selects.
    total: i64,
    /// Certificates that are done: changed, unchanged or refused.
    done: i64,
    /// Certificates that were changed.
    changed: i64,
    /// Certificates that were so already, or kept a value that may not be overwritten.
    unchanged: i64,
    /// Certificates for which a rule forbade it.
    refused: i64,
    /// Why.
    reasons: Vec<ReasonShown>,
    /// Why it stopped.
    error: Option<String>,
    /// When it was started.
    created_at: Time,
    /// When it ended.
    finished_at: Option<Time>,
}

impl From<bulk::BulkEdit> for BulkEdit {
    fn from(edit: bulk::BulkEdit) -> BulkEdit {
        BulkEdit {
            id: edit.id.0,
            state: edit.state.name(),
            done: edit.done(),
            edit: serde_json::to_value(&edit.edit).unwrap_or_default(),
            selection: serde_json::to_value(&edit.selection).unwrap_or_default(),
            author: edit.author,
            total: edit.total,
            changed: edit.tally.changed,
            unchanged: edit.tally.unchanged,
            refused: edit.tally.refused,
            reasons: edit.tally.reasons.into_iter().map(ReasonShown::from).collect(),
            error: edit.error,
            created_at: Time(edit.created_at),
            finished_at: edit.finished_at.map(Time),
        }
    }
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Only edits before this number: taken from `next`.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// List edits
///
/// Newest first: the caller's own, or all for whoever may see the server's jobs.
#[utoipa::path(get, path = "/bulk-edits", tag = "bulk edits", params(ListParameters),
    responses((status = 200, description = "A page of edits", body = Page<BulkEdit>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<ListParameters>,
) -> Answer<Page<BulkEdit>> {
    let limit = page::rows(given.limit)?;
    let mut found = app.read_as(caller, move |tx, actor| bulk::list(tx, actor, given.before, limit + 1)).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Page::of(found.into_iter().map(BulkEdit::from).collect(), &uri, "before", next))
}

/// Get an edit
///
/// One's own, or any for whoever may see the server's jobs.
#[utoipa::path(get, path = "/bulk-edits/{id}", tag = "bulk edits", params(("id" = i64, Path, description = "The edit")),
    responses((status = 200, description = "How far it is", body = BulkEdit)))]
pub async fn get(State(app): State<App>, Bearer(caller): Bearer, Id(id): Id) -> Answer<Json<BulkEdit>> {
    let found = app.read_as(caller, move |tx, actor| bulk::get(tx, actor, BulkEditId(id))).await;
    Ok(Json(found.map_err(hidden("bulk edit", id))?.into()))
}

/// Cancel an edit
///
/// What it has done stays. One that has ended stays as it is.
#[utoipa::path(post, path = "/bulk-edits/{id}/cancel", tag = "bulk edits", params(("id" = i64, Path, description = "The edit")),
    responses((status = 204, description = "It does nothing more")))]
pub async fn cancel(State(app): State<App>, author: Author, Id(id): Id) -> Answer<StatusCode> {
    let now = app.now();
    app.write(move |tx| bulk::cancel(tx, &author.actor, BulkEditId(id), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
