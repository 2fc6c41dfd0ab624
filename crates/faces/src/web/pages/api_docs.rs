//! `/api/docs`: the native API, browsable.

use std::sync::LazyLock;

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::native;
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::view::api_docs::{ApiDocsPage, ApiDocument};
use crate::web::view::frame::Section;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/api/docs", get(show))
}

static DOCUMENT: LazyLock<ApiDocument> = LazyLock::new(|| {
    let document = serde_json::to_value(native::openapi()).unwrap_or_default();
    ApiDocument::from_openapi(&document)
});

async fn show(visit: Visit) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|_, _| Ok(())).await?;
    let frame = visit.frame("API", Section::Api, viewer);
    visit.ok(&ApiDocsPage { frame, document: DOCUMENT.clone(), openapi_href: format!("{}/openapi.json", native::ROOT) })
}
