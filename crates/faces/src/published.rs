//! What private authorities publish for everybody, over HTTP and HTTPS: their certificates and revocation lists (RFC 5280 sections
//! 4.2.1.13 and 4.2.2.1, RFC 2585).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use certhold_domain::{AuthorityId, private_ca};

use crate::problem::Problem;
use crate::state::App;

/// The routes of what is published.
pub fn router() -> Router<App> {
    Router::new().route("/crl/{file}", get(list)).route("/ca/{file}", get(certificate))
}

/// `7.crl` is the list of authority 7.
fn authority(file: &str, suffix: &str) -> Option<AuthorityId> {
    let number = file.strip_suffix(suffix)?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok().map(AuthorityId))?
}

async fn list(State(app): State<App>, Path(file): Path<String>) -> Result<Response, Problem> {
    let Some(id) = authority(&file, ".crl") else { return Ok(nothing()) };
    let der = app.read(move |tx| private_ca::published(tx, id)).await?;
    Ok(der.map_or_else(nothing, |der| file_of("application/pkix-crl", "public, max-age=300", der)))
}

async fn certificate(State(app): State<App>, Path(file): Path<String>) -> Result<Response, Problem> {
    let Some(id) = authority(&file, ".cer") else { return Ok(nothing()) };
    let der = app.read(move |tx| private_ca::certificate_of(tx, id)).await?;
    Ok(der.map_or_else(nothing, |der| file_of("application/pkix-cert", "public, max-age=86400", der)))
}

fn file_of(kind: &'static str, caching: &'static str, der: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], der).into_response()
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "no private authority publishes this here\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_authorities() {
        assert_eq!(authority("7.crl", ".crl"), Some(AuthorityId(7)));
        for wrong in ["7.cer", "+7.crl", "-7.crl", ".crl", "x.crl", "7.crl.crl", "99999999999999999999.crl"] {
            assert_eq!(authority(wrong, ".crl"), None, "{wrong}");
        }
    }
}
