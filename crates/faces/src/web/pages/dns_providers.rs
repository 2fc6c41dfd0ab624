//! `/dns-providers`: where TXT records are published.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::DnsProviderId;
use certhold_domain::access::{self, paths};
use certhold_domain::renewal::catalogue::{self, Parameter as Known, ProviderKind as Kind};
use certhold_domain::renewal::providers::{self, DnsProvider, MASK, ProviderCommand};
use serde::Deserialize;
use zeroize::Zeroize;

use super::{Asked, Ids};
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Author, Complaint, Sent};
use crate::web::shared::holds;
use crate::web::view::form::{Choice, Input, SecretInput, Select};
use crate::web::view::frame::Section;
use crate::web::view::issuers::{DnsProviderFormPage, DnsProviderRow, DnsProvidersPage, Parameter, ParameterField, ProviderKind};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/dns-providers", get(list))
        .route("/dns-providers/new", get(show_new).post(create))
        .route("/dns-providers/{id}", get(show).post(update))
        .route("/dns-providers/{id}/remove", post(remove))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    kind: String,
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, (all, may_change)) =
        visit.read(|tx, actor| Ok((providers::list(tx, actor)?, holds(&actor.access, paths::DNS_PROVIDERS_MODIFY)))).await?;
    let frame = visit.frame("DNS providers", Section::DnsProviders, viewer);
    visit.ok(&DnsProvidersPage { frame, rows: all.into_iter().map(row).collect(), may_change })
}

fn row(provider: DnsProvider) -> DnsProviderRow {
    let target = ["url", "server"].iter().find_map(|name| provider.settings.get(*name));
    DnsProviderRow {
        href: format!("/dns-providers/{}", provider.id),
        target: target.cloned().unwrap_or_default(),
        kind: catalogue::find(&provider.kind).map_or(provider.kind, |kind| kind.label.to_owned()),
        name: provider.name,
        used_by: provider.used_by,
    }
}

/// What the form is about, and what stands in its fields.
struct Filled<'a> {
    known: Option<&'a DnsProvider>,
    kind: Option<&'static Kind>,
    sent: Option<&'a Fields>,
}

fn form(author: &Visit, viewer: crate::web::view::frame::Viewer, filled: &Filled<'_>, may_change: bool) -> DnsProviderFormPage {
    let title = filled.known.map_or("New DNS provider", |known| known.name.as_str());
    let stored = |name: &str| filled.known.and_then(|known| known.settings.get(name)).map(String::as_str);
    let value = |name: &str, default: Option<&str>| match filled.sent {
        Some(sent) => sent.text(name).to_owned(),
        None => stored(name).or(default).unwrap_or("").to_owned(),
    };
    let parameter = |known: &Known| Parameter {
        name: known.name.into(),
        label: known.label.into(),
        hint: known.help.into(),
        is_required: known.required,
        field: match known {
            _ if known.secret => ParameterField::Secret(SecretInput { is_set: filled.known.is_some(), error: None }),
            _ if !known.choices.is_empty() => {
                let choices = known.choices.iter().map(|choice| Choice::new(*choice, *choice)).collect();
                ParameterField::Choice(Select::of(choices).choose(&value(known.name, known.default)))
            }
            _ => ParameterField::Text(Input::of(value(known.name, known.default))),
        },
    };
    let name = match filled.sent {
        Some(sent) => sent.text("name"),
        None => filled.known.map_or("", |known| known.name.as_str()),
    };
    let id = filled.known.map(|known| known.id);
    let removable = filled.known.is_some_and(|known| known.used_by == 0) && may_change;
    DnsProviderFormPage {
        frame: author.frame(title, Section::DnsProviders, viewer).below("DNS providers", "/dns-providers"),
        action: id.map_or_else(|| "/dns-providers/new".into(), |id| format!("/dns-providers/{id}")),
        is_new: id.is_none(),
        may_change,
        remove_action: id.filter(|_| removable).map(|id| format!("/dns-providers/{id}/remove")),
        kinds: catalogue::PROVIDERS.iter().map(kind).collect(),
        kind: filled.kind.map(kind),
        error: None,
        name: Input::of(name),
        parameters: filled.kind.map(|kind| kind.parameters.iter().map(parameter).collect()).unwrap_or_default(),
    }
}

fn kind(kind: &Kind) -> ProviderKind {
    ProviderKind {
        code: kind.name.into(),
        label: kind.label.into(),
        hint: kind.help.into(),
        href: format!("/dns-providers/new?kind={}", kind.name),
    }
}

/// The message at the field that it names, else above the form.
fn complain(page: &mut DnsProviderFormPage, complaint: Complaint) {
    if complaint.field == "name" {
        page.name.error = Some(complaint.message);
        return;
    }
    // The domain names a parameter by its key and a colon, or begins with what the form calls it.
    let (key, why) = complaint.message.split_once(": ").unwrap_or(("", ""));
    let is_about =
        |parameter: &&mut Parameter| parameter.name.eq_ignore_ascii_case(key) || complaint.message.starts_with(&parameter.label);
    let about = page.parameters.iter_mut().find(is_about);
    let message = if about.as_ref().is_some_and(|parameter| parameter.name.eq_ignore_ascii_case(key)) {
        sentence(why)
    } else {
        complaint.message.clone()
    };
    let place = about.map(|parameter| match &mut parameter.field {
        ParameterField::Choice(select) => &mut select.error,
        ParameterField::Secret(secret) => &mut secret.error,
        ParameterField::Text(input) => &mut input.error,
    });
    *place.unwrap_or(&mut page.error) = Some(message);
}

async fn show_new(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let chosen = given.kind;
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::DNS_PROVIDERS_MODIFY)).await?;
    visit.ok(&form(&visit, viewer, &Filled { known: None, kind: catalogue::find(&chosen), sent: None }, true))
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let id = DnsProviderId(ids.first());
    let (viewer, (known, may_change)) = visit
        .read(move |tx, actor| Ok((providers::get(tx, actor, id)?, holds(&actor.access, paths::DNS_PROVIDERS_MODIFY))))
        .await?;
    visit.ok(&form(&visit, viewer, &Filled { known: Some(&known), kind: catalogue::find(&known.kind), sent: None }, may_change))
}

/// The parameters of a kind as they were sent; an empty secret keeps what is stored.
fn settings(kind: &Kind, fields: &Fields, is_new: bool) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for parameter in kind.parameters {
        match fields.given(parameter.name) {
            Some(value) => drop(settings.insert(parameter.name.to_owned(), value)),
            None if parameter.secret && !is_new => drop(settings.insert(parameter.name.to_owned(), MASK.to_owned())),
            None => {}
        }
    }
    settings
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::DNS_PROVIDERS_MODIFY)?;
    let kind = catalogue::find(fields.text("kind")).ok_or_else(|| author.malformed("No kind of DNS provider was chosen."))?;
    let mut given = settings(kind, fields, true);
    let core = author.visit.app.core();
    let command = ProviderCommand::new(fields.text("name"), kind.name, &given, None, &core.custody, core.entropy.as_ref());
    given.values_mut().for_each(Zeroize::zeroize);
    let outcome = match command {
        Ok(command) => author.write(move |tx, actor, now| providers::create(tx, actor, &command, now)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(id) => Ok(author.done(&format!("/dns-providers/{id}"), "The DNS provider was added.")),
        Err(error) => refused(author, fields, None, kind, author.complaint(error)?).await,
    }
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, fields, id) = (&sent.author, &sent.fields, DnsProviderId(ids.first()));
    let asking = author.actor.clone();
    let found =
        author.visit.app.read(move |tx| Ok((providers::sealed_credentials(tx, &asking, id)?, providers::get(tx, &asking, id)?)));
    let (sealed, known) = found.await.map_err(|error| author.refused(error))?;
    let kind = catalogue::find(&known.kind).ok_or_else(|| author.malformed("This kind of DNS provider is unknown here."))?;
    let core = author.visit.app.core();
    let stored = sealed.map(|row| providers::open_credentials(&core.custody, &row)).transpose();
    let stored = stored.map_err(|error| author.refused(error))?;
    let mut given = settings(kind, fields, false);
    let name = fields.text("name");
    let command = ProviderCommand::new(name, kind.name, &given, stored.as_ref(), &core.custody, core.entropy.as_ref());
    given.values_mut().for_each(Zeroize::zeroize);
    let outcome = match command {
        Ok(command) => author.write(move |tx, actor, now| providers::update(tx, actor, id, &command, now)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(author.done(&format!("/dns-providers/{id}"), "The DNS provider was changed.")),
        Err(error) => refused(author, fields, Some(&known), kind, author.complaint(error)?).await,
    }
}

async fn refused(
    author: &Author,
    sent: &Fields,
    known: Option<&DnsProvider>,
    kind: &'static Kind,
    complaint: Complaint,
) -> Result<Response, Refused> {
    // The form shows nothing but what was sent, so no right to read is needed for it.
    let filled = Filled { known, kind: Some(kind), sent: Some(sent) };
    let mut page = form(&author.visit, author.viewer(), &filled, true);
    complain(&mut page, complaint);
    Ok(author.visit.page(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = DnsProviderId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| providers::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/dns-providers".to_owned() } else { format!("/dns-providers/{id}") };
    sent.author.done_or_said(&back, outcome, "The DNS provider was removed, and its credentials destroyed.")
}
