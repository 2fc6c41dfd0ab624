//! `/identity-providers`: who else may say who somebody is.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::IdentityProviderId;
use certhold_domain::access::{self, paths};
use certhold_domain::identity_providers::{
    self, ClaimMapping, ExternalAccount, IdentityProvider, KeyState, ProviderChange, ProviderCommand,
};
use certhold_domain::people::PrincipalKind;
use uuid::Uuid;

use super::Ids;
use crate::auth::key_state;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::view::form::{Check, Input};
use crate::web::view::frame::Section;
use crate::web::view::identity_providers::{
    ExternalAccountRow, IdentityProviderForm, IdentityProviderPage, IdentityProviderRow, IdentityProvidersPage,
    NewIdentityProviderPage,
};
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/identity-providers", get(list))
        .route("/identity-providers/new", get(show_new).post(create))
        .route("/identity-providers/{id}", get(show).post(update))
        .route("/identity-providers/{id}/remove", post(remove))
}

fn state(enabled: bool, keys: &KeyState) -> Badge {
    match (enabled, keys.keys, &keys.error) {
        (false, ..) => Badge::new("Disabled", Tone::Neutral),
        (true, 0, Some(_)) => Badge::new("No keys", Tone::Bad),
        (true, 0, None) => Badge::new("Keys not fetched yet", Tone::Neutral),
        (true, _, Some(_)) => Badge::new("Keys not fresh", Tone::Warn),
        (true, _, None) => Badge::new("Accepted", Tone::Good),
    }
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, (all, may_change)) = visit
        .read(|tx, actor| Ok((identity_providers::list(tx, actor)?, holds(&actor.access, paths::IDENTITY_PROVIDERS_MODIFY))))
        .await?;
    let row = |provider: IdentityProvider| IdentityProviderRow {
        href: format!("/identity-providers/{}", provider.id),
        state: state(provider.enabled, &key_state(&visit.app, &provider.issuer)),
        name: provider.name,
        issuer: provider.issuer,
        accounts: provider.accounts,
    };
    let rows = all.into_iter().map(row).collect();
    visit.ok(&IdentityProvidersPage {
        frame: visit.frame("Identity providers", Section::IdentityProviders, viewer),
        rows,
        may_change,
    })
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, IdentityProviderId(ids.first()), StatusCode::OK, None).await
}

async fn page(
    visit: &Visit,
    id: IdentityProviderId,
    status: StatusCode,
    refused: Option<(&Fields, Complaint)>,
) -> Result<Response, Refused> {
    let find = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor| {
        let provider = identity_providers::get(tx, actor, id)?;
        let accounts = match holds(&actor.access, paths::SECURITY_READ) {
            true => Some(identity_providers::accounts_of(tx, actor, id)?),
            false => None,
        };
        Ok((provider, accounts, holds(&actor.access, paths::IDENTITY_PROVIDERS_MODIFY)))
    };
    let (viewer, (provider, accounts, may_change)) = visit.read(find).await?;
    let (now, keys) = (visit.app.now(), key_state(&visit.app, &provider.issuer));
    let form = may_change.then(|| match refused {
        Some((sent, complaint)) => filled(sent, Some(complaint)),
        None => known(&provider),
    });
    let page = IdentityProviderPage {
        frame: visit.frame(&provider.name, Section::IdentityProviders, viewer).below("Identity providers", "/identity-providers"),
        id: id.0,
        state: state(provider.enabled, &keys),
        display_name: provider.display_name,
        issuer: provider.issuer,
        created: Moment::new(provider.created_at, now),
        keys: i64::try_from(keys.keys).unwrap_or(i64::MAX),
        fetched: keys.fetched_at.map(|at| Moment::new(at, now)),
        problem: keys.error.map(|error| sentence(&error)),
        accounts: accounts.map(|accounts| accounts.into_iter().map(|account| account_row(account, now)).collect()),
        form,
    };
    Ok(visit.page(status, &page))
}

fn account_row(account: ExternalAccount, now: i64) -> ExternalAccountRow {
    let place = if account.kind == PrincipalKind::Person { "/users" } else { "/service-accounts" };
    ExternalAccountRow {
        account: Link::new(account.name, format!("{place}/{}", account.id)),
        display_name: account.display_name,
        subject: account.subject,
        is_disabled: account.disabled,
        last_seen: account.last_seen_at.map(|at| Moment::new(at, now)),
    }
}

fn lines(values: &[String]) -> Input {
    Input::of(values.join("\n"))
}

fn known(provider: &IdentityProvider) -> IdentityProviderForm {
    IdentityProviderForm {
        error: None,
        display_name: Input::of(&provider.display_name),
        audiences: lines(&provider.audiences),
        role_claims: lines(&provider.mapping.role),
        subject_claims: lines(&provider.mapping.subject),
        oid_claims: lines(&provider.mapping.oid),
        client_id_claims: lines(&provider.mapping.client_id),
        roots: Input::of(provider.roots.clone().unwrap_or_default()),
        enabled: Check::of(provider.enabled),
    }
}

fn filled(sent: &Fields, complaint: Option<Complaint>) -> IdentityProviderForm {
    let input = |name: &str| Input::of(sent.text(name));
    let mut form = IdentityProviderForm {
        error: None,
        display_name: input("display_name"),
        audiences: input("audiences"),
        role_claims: input("role_claims"),
        subject_claims: input("subject_claims"),
        oid_claims: input("oid_claims"),
        client_id_claims: input("client_id_claims"),
        roots: input("roots"),
        enabled: Check::of(sent.text("enabled") == "true"),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("display_name", &mut form.display_name.error),
            ("audiences", &mut form.audiences.error),
            ("role_claims", &mut form.role_claims.error),
            ("subject_claims", &mut form.subject_claims.error),
            ("oid_claims", &mut form.oid_claims.error),
            ("client_id_claims", &mut form.client_id_claims.error),
            ("roots", &mut form.roots.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

fn change(sent: &Fields) -> ProviderChange {
    let roots = sent.text("roots").trim();
    ProviderChange {
        display_name: sent.text("display_name").to_owned(),
        audiences: sent.lines("audiences"),
        mapping: ClaimMapping {
            oid: sent.lines("oid_claims"),
            role: sent.lines("role_claims"),
            subject: sent.lines("subject_claims"),
            client_id: sent.lines("client_id_claims"),
        },
        roots: (!roots.is_empty()).then(|| roots.to_owned()),
        enabled: sent.text("enabled") == "true",
    }
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    let usual = ClaimMapping::default();
    let form = IdentityProviderForm {
        role_claims: lines(&usual.role),
        subject_claims: lines(&usual.subject),
        oid_claims: lines(&usual.oid),
        client_id_claims: lines(&usual.client_id),
        enabled: Check::of(true),
        ..IdentityProviderForm::default()
    };
    page_new(&visit, StatusCode::OK, [Input::default(), Input::default()], form).await
}

async fn page_new(
    visit: &Visit,
    status: StatusCode,
    [name, issuer]: [Input; 2],
    form: IdentityProviderForm,
) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::IDENTITY_PROVIDERS_MODIFY)).await?;
    let frame = visit.frame("New identity provider", Section::IdentityProviders, viewer);
    let frame = frame.below("Identity providers", "/identity-providers");
    Ok(visit.page(status, &NewIdentityProviderPage { frame, name, issuer, form }))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::IDENTITY_PROVIDERS_MODIFY)?;
    let command = ProviderCommand {
        name: fields.text("name").to_owned(),
        issuer: fields.text("issuer").to_owned(),
        rest: change(fields),
        uuid: Uuid::now_v7(),
    };
    let complaint = match author.write(move |tx, actor, now| identity_providers::create(tx, actor, &command, now)).await {
        Ok(id) => {
            let said =
                "The identity provider was added. What its tokens say gives nothing until claims of its name are given roles.";
            return Ok(author.done(&format!("/identity-providers/{id}"), said));
        }
        Err(error) => author.complaint(error)?,
    };
    let input = |name: &str| {
        let input = Input::of(fields.text(name));
        if complaint.field == name { input.refused(&complaint.message) } else { input }
    };
    let inputs = [input("name"), input("issuer")];
    let is_told = matches!(complaint.field, "name" | "issuer");
    let form = filled(fields, (!is_told).then_some(complaint));
    page_new(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, inputs, form).await
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, IdentityProviderId(ids.first()));
    author.require(paths::IDENTITY_PROVIDERS_MODIFY)?;
    let change = change(&sent.fields);
    match author.write(move |tx, actor, now| identity_providers::update(tx, actor, id, &change, now)).await {
        Ok(()) => Ok(author.done(&format!("/identity-providers/{id}"), "The identity provider was saved.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some((&sent.fields, complaint))).await
        }
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = IdentityProviderId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| identity_providers::remove(tx, actor, id, now)).await;
    sent.author.done_or_said(
        "/identity-providers",
        outcome,
        "The identity provider was removed. Its tokens are accepted no more.",
    )
}
