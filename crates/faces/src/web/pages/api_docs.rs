//! `/api/docs`: the native API, browsable; `/api/docs/keyfactor`: the Keyfactor API.

use std::sync::LazyLock;

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::api_try;
use crate::keyfactor;
use crate::native;
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::view::api_docs::{ApiDocsPage, ApiDocument};
use crate::web::view::frame::Section;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/docs", get(|visit: Visit| show(visit, &NATIVE)))
        .route("/api/docs/keyfactor", get(|visit: Visit| show(visit, &KEYFACTOR)))
        .route("/api/docs/try/{operation}", get(api_try::show_native).post(api_try::call_native))
        .route("/api/docs/keyfactor/try/{operation}", get(api_try::show_keyfactor).post(api_try::call_keyfactor))
}

/// An API that has a reference page.
pub struct Described {
    /// What its page is called.
    pub title: &'static str,
    /// Where its page is.
    pub page: &'static str,
    /// Where it is itself.
    pub root: &'static str,
    /// What stands before the paths of its document.
    pub server: &'static str,
    /// Headers that its clients send with every request.
    pub headers: &'static str,
    /// Another API's page, and what it is called.
    other: (&'static str, &'static str),
    /// What is described.
    pub document: LazyLock<ApiDocument>,
}

fn read(document: utoipa::openapi::OpenApi) -> ApiDocument {
    ApiDocument::from_openapi(&serde_json::to_value(document).unwrap_or_default())
}

/// The native API.
pub static NATIVE: Described = Described {
    title: "API",
    page: "/api/docs",
    root: native::ROOT,
    server: "",
    headers: "",
    other: ("/api/docs/keyfactor", "Keyfactor API"),
    document: LazyLock::new(|| read(native::openapi())),
};

/// The Keyfactor API.
pub static KEYFACTOR: Described = Described {
    title: "Keyfactor API",
    page: "/api/docs/keyfactor",
    root: keyfactor::ROOT,
    server: keyfactor::ROOT,
    headers: "x-keyfactor-requested-with: APIClient\nx-keyfactor-api-version: 1",
    other: ("/api/docs", "Native API"),
    document: LazyLock::new(|| read(keyfactor::openapi())),
};

async fn show(visit: Visit, api: &Described) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|_, _| Ok(())).await?;
    let frame = visit.frame(api.title, Section::Api, viewer);
    visit.ok(&ApiDocsPage {
        frame,
        document: api.document.clone(),
        openapi_href: format!("{}/openapi.json", api.root),
        other: (api.other.0.into(), api.other.1.into()),
        try_root: format!("{}/try", api.page),
    })
}
