//! The pages' own files (style, script, icons), embedded in the binary and addressed by their content.
//!
//! A URL such as `/assets/3f9a1c0b77de-certhold.css` names the bytes, so it may be cached for ever; a new
//! version of the file has a new URL.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Embedded;

struct Asset {
    name: String,
    /// What follows `/assets/`.
    hashed: String,
    content_type: &'static str,
    bytes: Vec<u8>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    Embedded::iter()
        .filter_map(|name| {
            let file = Embedded::get(&name)?;
            let hash = file.metadata.sha256_hash().iter().take(6).map(|b| format!("{b:02x}")).collect::<String>();
            Some(Asset {
                hashed: format!("{hash}-{name}"),
                content_type: content_type(&name),
                name: name.into_owned(),
                bytes: file.data.into_owned(),
            })
        })
        .collect()
});

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        _ => "application/octet-stream",
    }
}

/// The URL of an asset by its plain name, for templates: `asset("certhold.css")`.
///
/// A name that does not exist yields a URL that answers 404; a test holds every template to existing names.
#[must_use]
pub fn url(name: &str) -> String {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => format!("/assets/{}", asset.hashed),
        None => format!("/assets/missing-{name}"),
    }
}

/// `GET /assets/{name}`: the bytes, cacheable for a year; 404 for anything that is not embedded.
pub async fn serve(Path(requested): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.hashed == requested) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.bytes.as_slice()).into_response()
}

/// `GET /favicon.ico`: browsers ask for it by this name whatever the page says.
pub async fn favicon() -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    match ASSETS.iter().find(|asset| asset.name == "favicon.svg") {
        Some(asset) => (headers, asset.bytes.as_slice()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_the_content() {
        let url = url("certhold.css");
        let hash = url.strip_prefix("/assets/").and_then(|rest| rest.strip_suffix("-certhold.css"));
        assert!(hash.is_some_and(|h| h.len() == 12 && h.bytes().all(|b| b.is_ascii_hexdigit())), "{url}");
    }

    #[test]
    fn the_files_of_every_page_exist() {
        for name in ["certhold.css", "pages.css", "certhold.js", "favicon.svg"] {
            assert!(!url(name).contains("missing"), "{name}");
        }
    }
}
