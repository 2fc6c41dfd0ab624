//! One file for each family of pages: its addresses and its handlers.

mod access;
mod account_detail;
mod accounts;
mod api_docs;
mod api_try;
mod asked;
mod authorities;
mod certificate;
mod certificate_chains;
mod certificate_facts;
mod certificate_revoke;
mod certificates;
mod chosen;
mod claims;
mod clients;
mod collections;
mod columns;
mod containers;
mod deployments;
mod dns_providers;
mod download;
mod edits;
mod enrol;
mod events;
mod exclusions;
mod findings;
mod home;
mod identity_providers;
mod import;
mod inventory_csv;
mod issuers;
mod key_requests;
mod list_files;
mod managed;
mod managed_detail;
mod managed_new;
mod managed_new_private;
mod metadata;
mod missing;
mod own_account;
mod patterns;
mod private_key;
mod query;
mod remedy;
mod rights;
mod roles;
mod sets;
mod sign_in;
mod store_detail;
mod store_files;
mod store_jobs;
mod stores;
mod system;
mod tokens;
mod trust_sets;
mod views;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Extension, Router};
use certhold_domain::collections::Scope;
use certhold_domain::{CertificateId, CollectionId, inventory};

use self::asked::{Asked, Forgiving};
use super::assets;
use super::refused::Refused;
use super::sent::Sent;
use super::shared::Shared;
use super::view::address::Address;
use super::view::frame::{Frame, Section, Viewer};
use super::visit::Visit;
use crate::state::App;

/// Every page, and the page for everything that is none.
pub fn router(app: &App) -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(home::routes())
        .merge(certificates::routes())
        .merge(chosen::routes())
        .merge(views::routes())
        .merge(list_files::routes())
        .merge(certificate::routes())
        .merge(certificate_revoke::routes())
        .merge(authorities::routes())
        .merge(patterns::routes())
        .merge(enrol::routes())
        .merge(collections::routes())
        .merge(query::routes())
        .merge(findings::routes())
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
        .merge(identity_providers::routes())
        .merge(exclusions::routes())
        .merge(access::routes())
        .merge(trust_sets::routes())
        .merge(containers::routes())
        .merge(stores::routes())
        .merge(store_detail::routes())
        .merge(store_files::routes())
        .merge(store_jobs::routes())
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
    #[serde(deserialize_with = "asked::number")]
    collection: Option<i64>,
}

impl Within {
    /// As a form says it in the hidden field `collection`.
    fn sent(sent: &Sent) -> Result<Within, Refused> {
        Ok(Within { collection: sent.number("collection")? })
    }

    fn collection(self) -> Option<CollectionId> {
        self.collection.map(CollectionId)
    }

    /// The scope now.
    fn scope(self, now: i64) -> Scope {
        Scope::of(self.collection(), now)
    }

    /// A page below that of the certificate, seen in the same way; `below` is empty or begins with a slash.
    fn href(self, id: CertificateId, below: &str) -> String {
        Address::new(format!("/certificates/{id}{below}")).with("collection", self.parameter()).to_string()
    }

    /// The list in which the certificate was found.
    fn list(self) -> String {
        Address::new("/certificates").with("collection", self.parameter()).to_string()
    }

    /// Where to go on after a change: it may have taken the certificate out of the collection, then to the list.
    async fn back(self, visit: &Visit, id: CertificateId) -> String {
        let scope = self.scope(visit.app.now());
        let is_seen =
            self.collection.is_none() || visit.read(move |tx, actor| inventory::summary_in(tx, actor, id, scope)).await.is_ok();
        if is_seen { self.href(id, "") } else { self.list() }
    }

    fn parameter(self) -> String {
        self.collection.map(|id| id.to_string()).unwrap_or_default()
    }

    /// What surrounds a page of the certificate or below it.
    fn frame(self, visit: &Visit, title: impl Into<String>, viewer: Viewer) -> Frame {
        match self.collection {
            Some(_) => visit
                .frame(title, Section::Collections, viewer)
                .below("Collections", "/collections")
                .below("Certificates", self.list()),
            None => visit.frame(title, Section::Certificates, viewer).below("Certificates", self.list()),
        }
    }
}
