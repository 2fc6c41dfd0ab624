//! `/query`: the query language, and what the script asks while somebody writes in it.

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use certhold_domain::query::{self, Entry, Op};
use serde::Deserialize;
use serde_json::json;

use super::Asked;
use crate::state::App;
use crate::web::refused::{Refused, sentence};
use crate::web::view::collections::{FieldLine, QueryPage};
use crate::web::view::frame::Section;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/query", get(show)).route("/query/complete", get(complete)).route("/query/check", get(check))
}

async fn show(visit: Visit) -> Result<Response, Refused> {
    let (viewer, catalogue) = visit.read(|tx, _| query::catalogue(tx)).await?;
    let page = QueryPage {
        frame: visit.frame("Query language", Section::Collections, viewer),
        fields: catalogue.entries().iter().map(line).collect(),
        operators: Op::ALL.iter().map(|(_, word, meaning)| ((*word).to_owned(), sentence(meaning))).collect(),
    };
    visit.ok(&page)
}

pub(super) fn line(entry: &Entry) -> FieldLine {
    let choices = entry.kind.choices().iter().map(|choice| choice.names[0].to_owned());
    let operators: Vec<&str> = entry.kind.operators().iter().map(|op| op.word()).collect();
    FieldLine {
        name: entry.name.clone(),
        aliases: entry.aliases.join(", "),
        kind: if entry.several { format!("{}, several", entry.kind.word()) } else { entry.kind.word().to_owned() },
        operators: operators.join(" "),
        values: choices.chain(entry.options.iter().cloned()).collect::<Vec<_>>().join(", "),
        meaning: sentence(&entry.sentence),
    }
}

/// Where somebody is writing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Writing {
    text: String,
    cursor: Option<usize>,
}

async fn complete(visit: Visit, Asked(given): Asked<Writing>) -> Result<Response, Refused> {
    let cursor = given.cursor.unwrap_or(usize::MAX);
    let (_, found) = visit.read(move |tx, actor| query::completions(tx, actor, &given.text, cursor)).await?;
    let items: Vec<_> = found.items.into_iter().map(|item| json!({ "text": item.text, "detail": item.detail })).collect();
    Ok(Json(json!({ "from": found.from, "items": items })).into_response())
}

async fn check(visit: Visit, Asked(given): Asked<Writing>) -> Result<Response, Refused> {
    let (_, checked) = visit.read(move |tx, _| query::check(tx, &given.text)).await?;
    let error = checked.err().map(|error| sentence(&error.to_string()));
    Ok(Json(json!({ "error": error })).into_response())
}
