//! Descriptions of APIs (OpenAPI), as they are answered and as they are checked in.

use axum::http::header;
use axum::response::IntoResponse;

/// A description; it is no secret.
pub fn answer(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], text)
}

/// Asserts that the file of this crate has the description. `UPDATE_OPENAPI=1 cargo test -p certhold-faces openapi` refreshes it.
#[cfg(test)]
pub fn is_checked_in(file: &str, text: &str) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{text}\n");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{file} is not what the handlers say: run UPDATE_OPENAPI=1 cargo test -p certhold-faces openapi");
}
