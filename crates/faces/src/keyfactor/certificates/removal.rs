//! Removing certificates, and destroying their private keys.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use certhold_domain::collections::Scope;
use certhold_domain::custody::DestroyKey;
use certhold_domain::inventory::{self, Expiry, Filter, Sort};
use certhold_domain::{CertificateId, Error, Refusal};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export;
use crate::keyfactor::extract::{Asked, Author, Body, Id, bounded};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::state::App;

/// The routes that remove.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(remove))
        .routes(routes!(remove_many))
        .routes(routes!(remove_found))
        .routes(routes!(destroy_key))
        .routes(routes!(destroy_keys))
}

async fn take_out(author: &Author, id: i64, scope: Scope) -> Answer<()> {
    let nothing = author.refusing(export::nothing(&author.app))?;
    author.write(move |tx, actor, now| inventory::remove_with_key(tx, actor, CertificateId(id), scope, &nothing, now)).await
}

async fn destroy(author: &Author, id: i64, scope: Scope) -> Answer<()> {
    let nothing = author.refusing(export::nothing(&author.app))?;
    let command = DestroyKey { certificate: CertificateId(id), reason: "deleted through the Keyfactor API".into(), nothing };
    author.write(move |tx, actor, now| certhold_domain::custody::destroy_key_in(tx, actor, &command, scope, now)).await
}

/// Remove a certificate
///
/// With its private key, unless another certificate has the same one. What is in use stays.
#[utoipa::path(delete, path = "/Certificates/{id}", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to delete")),
    responses((status = 204, description = "It is gone")))]
pub async fn remove(State(app): State<App>, author: Author, Id(id): Id, asked: Asked) -> Answer<StatusCode> {
    take_out(&author, id, asked.scope(app.now())?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes through all of them; the ids of those that stay. A server that is in trouble ends it: what is left then is not refused, but
/// was not tried.
pub(super) async fn each<F: Future<Output = Answer<()>>>(mut ids: Vec<i64>, mut work: impl FnMut(i64) -> F) -> Answer<Response> {
    // What is named twice is gone the second time, which is no failure.
    let mut seen = HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(*id));
    let mut left = Vec::new();
    let mut first = None;
    let all = ids.len();
    for id in ids {
        match work(id).await {
            Ok(()) => {}
            Err(refused) if refused.is_fault() => return Err(refused),
            Err(refused) => {
                left.push(id);
                first.get_or_insert(refused);
            }
        }
    }
    match first {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        // Nothing was done: the one answer that says why is better than a list of ids.
        Some(refused) if left.len() == all => Err(refused),
        Some(_) => Ok(Json(left).into_response()),
    }
}

/// Remove several certificates
///
/// One after the other; the answer has the ids of those that could not be removed, if there are any.
#[utoipa::path(delete, path = "/Certificates", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to delete")),
    request_body = Vec<i64>, responses((status = 204, description = "They are gone"),
    (status = 200, description = "Those that could not be removed", body = Vec<i64>)))]
pub async fn remove_many(State(app): State<App>, author: Author, asked: Asked, Body(ids): Body<Vec<i64>>) -> Answer<Response> {
    let scope = asked.scope(app.now())?;
    bounded("the list of ids", &ids)?;
    each(ids, |id| take_out(&author, id, scope)).await
}

/// Remove all certificates that a query finds
///
/// Those that are neither revoked nor expired, at most 1,000: a query that finds more is refused. The body is the query, as a JSON
/// string.
#[utoipa::path(delete, path = "/Certificates/Query", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Only those in this collection; scope of the right to delete")),
    request_body = String, responses((status = 204, description = "They are gone"),
    (status = 200, description = "Those that could not be removed", body = Vec<i64>)))]
pub async fn remove_found(State(app): State<App>, author: Author, asked: Asked, Body(query): Body<String>) -> Answer<Response> {
    let now = app.now();
    let scope = asked.scope(now)?;
    let ids = found(&author, query, scope, now).await?;
    each(ids, |id| take_out(&author, id, scope)).await
}

/// The certificates that a query finds and that are neither revoked nor expired, by id.
///
/// # Errors
/// There are more than one request may name.
pub(super) async fn found(author: &Author, query: String, scope: Scope, now: i64) -> Answer<Vec<i64>> {
    if query.trim().is_empty() {
        return Err(Refused::malformed("The body: say which certificates, since the empty query is every one"));
    }
    author
        .read(move |tx, actor| {
            let condition = inventory::question(tx, actor, &query, scope)?;
            let expiry = Expiry { from: Some(now), before: None };
            let limit = certhold_domain::limits::PAGE_ROWS;
            let filter = Filter { condition, expiry, revoked: Some(false), sort: Sort::Id, limit, ..Filter::default() };
            let page = inventory::list_in(tx, actor, &filter, scope)?;
            if page.next.is_some() {
                return Err(Refusal::TooLarge(format!("the query finds more than {limit} certificates: narrow it")).into());
            }
            Ok::<_, Error>(page.certificates.into_iter().map(|found| found.id.0).collect::<Vec<_>>())
        })
        .await
}

/// Destroy the private key of a certificate
///
/// The certificate stays. A key that is in use stays, too.
#[utoipa::path(delete, path = "/Certificates/PrivateKey/{id}", tag = "Certificates", params(
    ("id" = i64, Path, description = "The certificate"),
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to delete")),
    responses((status = 204, description = "It is gone")))]
pub async fn destroy_key(State(app): State<App>, author: Author, Id(id): Id, asked: Asked) -> Answer<StatusCode> {
    destroy(&author, id, asked.scope(app.now())?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Destroy the private keys of several certificates
///
/// One after the other; the answer has the ids of those whose key could not be destroyed, if there are any.
#[utoipa::path(delete, path = "/Certificates/PrivateKey", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to delete")),
    request_body = Vec<i64>, responses((status = 204, description = "They are gone"),
    (status = 200, description = "Those that could not be destroyed", body = Vec<i64>)))]
pub async fn destroy_keys(State(app): State<App>, author: Author, asked: Asked, Body(ids): Body<Vec<i64>>) -> Answer<Response> {
    let scope = asked.scope(app.now())?;
    bounded("the list of ids", &ids)?;
    each(ids, |id| destroy(&author, id, scope)).await
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    async fn gone_through(outcomes: [fn() -> Answer<()>; 3]) -> (Answer<Response>, i64) {
        let tried = Cell::new(0);
        let work = |id: i64| {
            tried.set(id);
            let outcome = outcomes[usize::try_from(id - 1).unwrap()]();
            async move { outcome }
        };
        let answer = each(vec![1, 2, 3], work).await;
        (answer, tried.get())
    }

    #[tokio::test]
    async fn what_is_named_twice_is_done_once() {
        let tried = RefCell::new(Vec::new());
        let work = |id: i64| {
            let is_first = !tried.borrow().contains(&id);
            tried.borrow_mut().push(id);
            async move { if is_first { Ok(()) } else { Err(Refused::from(Refusal::not_found("certificate", id))) } }
        };
        let answer = each(vec![2, 1, 2, 2], work).await;
        assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(tried.into_inner(), [2, 1]);
    }

    #[tokio::test]
    async fn trouble_of_the_server_is_no_refusal_of_one_certificate() {
        let done: fn() -> Answer<()> = || Ok(());
        let refused: fn() -> Answer<()> = || Err(Refused::from(Refusal::Conflict("it is in use".into())));
        let busy: fn() -> Answer<()> = || Err(Refused::from(Refusal::Busy));
        let (answer, tried) = gone_through([done, refused, done]).await;
        assert_eq!((answer.unwrap().status(), tried), (StatusCode::OK, 3));
        let (answer, _) = gone_through([done, done, done]).await;
        assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
        let (answer, _) = gone_through([refused, refused, refused]).await;
        assert_eq!(answer.unwrap_err().into_response().status(), StatusCode::CONFLICT);
        let (answer, tried) = gone_through([refused, busy, done]).await;
        assert_eq!((answer.unwrap_err().into_response().status(), tried), (StatusCode::SERVICE_UNAVAILABLE, 2));
    }
}
