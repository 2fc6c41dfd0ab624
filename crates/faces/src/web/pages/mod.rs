//! One file for each family of pages: its addresses and its handlers.

mod access;
mod account_detail;
mod accounts;
mod api_docs;
mod certificate;
mod certificate_chains;
mod certificate_facts;
mod certificates;
mod claims;
mod collections;
mod deployments;
mod dns_providers;
mod download;
mod edits;
mod events;
mod home;
mod import;
mod inventory_csv;
mod issuers;
mod key_requests;
mod managed;
mod managed_detail;
mod managed_new;
mod metadata;
mod missing;
mod own_account;
mod private_key;
mod query;
mod roles;
mod sets;
mod sign_in;
mod system;
mod tokens;
mod trust_sets;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Extension, Router};
use certhold_domain::CollectionId;
use certhold_domain::collections::Scope;
use serde::de::DeserializeOwned;

use super::assets;
use super::shared::Shared;
use crate::state::App;

/// Every page, and the page for everything that is none.
pub fn router(app: &App) -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(home::routes())
        .merge(certificates::routes())
        .merge(certificate::routes())
        .merge(collections::routes())
        .merge(query::routes())
        .merge(private_key::routes())
        .merge(key_requests::routes())
        .merge(metadata::routes())
        .merge(edits::routes())
        .merge(managed::routes())
        .merge(managed_new::routes())
        .merge(managed_detail::routes())
        .merge(deployments::routes())
        .merge(issuers::routes())
        .merge(dns_providers::routes())
        .merge(accounts::routes())
        .merge(account_detail::routes())
        .merge(roles::routes())
        .merge(sets::routes())
        .merge(claims::routes())
        .merge(access::routes())
        .merge(trust_sets::routes())
        .merge(own_account::routes())
        .merge(events::routes())
        .merge(system::routes())
        .merge(api_docs::routes())
        .layer(DefaultBodyLimit::max(app.settings().body_bytes))
        .merge(import::routes(app))
        .method_not_allowed_fallback(missing::method)
        .route("/assets/{name}", get(assets::serve))
        .route("/favicon.ico", get(assets::favicon))
        .fallback(missing::page)
        .layer(Extension(Arc::new(Shared::default())))
}

/// The numbers in a path, from left to right. What is no number is 0, which nothing has: the page is then one that does not
/// exist, told like any other to whoever may know.
struct Ids([i64; 2]);

impl Ids {
    fn first(&self) -> i64 {
        self.0[0]
    }

    fn second(&self) -> i64 {
        self.0[1]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let mut ids = [0; 2];
        if let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await {
            for (id, (_, text)) in ids.iter_mut().zip(&parameters) {
                // `+7` and `007` would be further addresses of the same page.
                let canonical = text.parse::<i64>().ok().filter(|id| *id > 0 && id.to_string() == text);
                *id = canonical.unwrap_or(0);
            }
        }
        Ok(Self(ids))
    }
}

/// The collection through which somebody sees a certificate.
#[derive(Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct Within {
    collection: Option<i64>,
}

impl Within {
    /// The scope now.
    fn scope(self, now: i64) -> Scope {
        Scope::of(self.collection.map(CollectionId), now)
    }
}

/// The parameters of an address. What cannot be read is as if it were not there: addresses are typed, cut and passed on.
struct Asked<T>(T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Asked<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(asked)| asked).unwrap_or_default()))
    }
}
