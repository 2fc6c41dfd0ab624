//! Addresses and methods as clients spell them, brought into the one spelling that the routes have.
//!
//! Paths are the same in any letter case, with slashes doubled or at the end. One client encodes the `?` into the last segment, another
//! writes the method as `Put`.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::http::uri::{PathAndQuery, Uri};
use tower::util::MapRequestLayer;

use super::ROOT;
use super::routes::described;

/// The router behind a look at each request's address.
pub fn mounted(router: Router) -> Router {
    let layer = MapRequestLayer::new(spelled as fn(Request) -> Request);
    Router::new().fallback_service(tower::Layer::layer(&layer, router))
}

/// Every literal segment of a route, by its lower-case form.
static SEGMENTS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let document = described().into_openapi();
    let paths = document.paths.paths.keys().flat_map(|path| path.split('/'));
    let literal = paths.filter(|segment| !segment.is_empty() && !segment.starts_with('{'));
    literal.map(|segment| (segment.to_ascii_lowercase(), segment.to_owned())).collect()
});

/// Whether a path is below this face's root.
pub(crate) fn is_here(path: &str) -> bool {
    let first = path.split('/').find(|segment| !segment.is_empty());
    first.is_some_and(|first| first.eq_ignore_ascii_case(ROOT.trim_start_matches('/')))
}

fn spelled(mut request: Request) -> Request {
    if !is_here(request.uri().path()) {
        return request;
    }
    if let Some(uri) = rewritten(request.uri()) {
        *request.uri_mut() = uri;
    }
    if let Some(method) = upper(request.method()) {
        *request.method_mut() = method;
    }
    request
}

fn upper(method: &Method) -> Option<Method> {
    let upper = method.as_str().to_ascii_uppercase();
    if upper == method.as_str() { None } else { Method::from_bytes(upper.as_bytes()).ok() }
}

/// The address in the one spelling; nothing if it is in it already.
fn rewritten(uri: &Uri) -> Option<Uri> {
    let (path, mut query) = (uri.path(), uri.query().unwrap_or_default().to_owned());
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).skip(1).collect();
    if let Some((last, encoded)) = segments.last().and_then(|last| question(last)) {
        segments.pop();
        segments.extend((!last.is_empty()).then_some(last));
        query = if query.is_empty() { encoded } else { format!("{encoded}&{query}") };
    }
    let mut text = String::with_capacity(path.len() + query.len() + 1);
    text.push_str(ROOT);
    for segment in segments {
        text.push('/');
        text.push_str(SEGMENTS.get(&segment.to_ascii_lowercase()).map_or(segment, String::as_str));
    }
    if !query.is_empty() {
        text.push('?');
        text.push_str(&query);
    }
    if uri.path_and_query().is_some_and(|known| known.as_str() == text) {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// A last segment that hides parameters behind an encoded `?`.
fn question(segment: &str) -> Option<(&str, String)> {
    let at = segment.find("%3F").or_else(|| segment.find("%3f"))?;
    let encoded = segment[at + 3..].replace("%3D", "=").replace("%3d", "=").replace("%26", "&");
    encoded.contains('=').then(|| (&segment[..at], encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(uri: &str) -> String {
        let uri: Uri = uri.parse().unwrap();
        rewritten(&uri).unwrap_or(uri).to_string()
    }

    #[test]
    fn every_spelling_leads_to_the_route() {
        for (sent, route) in [
            ("/keyfactorapi/status/healthcheck", "/KeyfactorAPI/Status/HealthCheck"),
            ("/KeyfactorApi/certificates/12/owner?collectionid=5", "/KeyfactorAPI/Certificates/12/Owner?collectionid=5"),
            ("/KEYFACTORAPI//Audit/?a=b", "/KeyfactorAPI/Audit?a=b"),
            ("//KeyfactorAPI/certificates//", "/KeyfactorAPI/Certificates"),
            ("/KeyfactorAPI/Certificates/12/Owner%3FcollectionId=5", "/KeyfactorAPI/Certificates/12/Owner?collectionId=5"),
            (
                "/KeyfactorAPI/Certificates/12/owner%3fcollectionId%3D5?x=1",
                "/KeyfactorAPI/Certificates/12/Owner?collectionId=5&x=1",
            ),
            ("/KeyfactorAPI/CertificateCollections/What%3F", "/KeyfactorAPI/CertificateCollections/What%3F"),
            ("/KeyfactorAPI/CertificateCollections/Web%20Ops", "/KeyfactorAPI/CertificateCollections/Web%20Ops"),
            ("/keyfactorapi", "/KeyfactorAPI"),
            ("/keyfactorapi/No/Such", "/KeyfactorAPI/No/Such"),
        ] {
            assert_eq!(spelling(sent), route, "{sent}");
        }
    }

    #[test]
    fn other_addresses_are_left_alone() {
        for path in ["/", "/api/v1/certificates", "/KeyfactorAPIx/Certificates", "/x/KeyfactorAPI/Certificates", "//"] {
            assert!(!is_here(path), "{path}");
        }
        assert_eq!(upper(&Method::PUT), None);
        assert_eq!(upper(&Method::from_bytes(b"Put").unwrap()), Some(Method::PUT));
    }

    #[test]
    fn a_segment_has_one_spelling() {
        let document = described().into_openapi();
        for segment in document.paths.paths.keys().flat_map(|path| path.split('/')).filter(|part| !part.is_empty()) {
            if !segment.starts_with('{') {
                assert_eq!(SEGMENTS[&segment.to_ascii_lowercase()], segment);
            }
        }
    }
}
