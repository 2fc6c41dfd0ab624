//! The first segment of the addresses is configured; the routes have one of their own.

use axum::Router;
use axum::extract::Request;
use axum::http::uri::{PathAndQuery, Uri};
use tower::util::MapRequestLayer;

use super::{CONTEXT, ROOT};

/// First segments that are somebody else's: other faces, and the web pages.
const TAKEN: &[&str] = &[
    "access",
    "account",
    "api",
    "assets",
    "authenticate",
    "authorities",
    "ca",
    "certificates",
    "claims",
    "collections",
    "containers",
    "crl",
    "csc",
    "dns-providers",
    "edits",
    "enrol",
    "events",
    "favicon",
    "findings",
    "healthz",
    "import",
    "issuers",
    "key-requests",
    "keyfactorapi",
    "login",
    "logout",
    "managed",
    "metadata",
    "metrics",
    "oauth2",
    "openapi",
    "patterns",
    "permission-sets",
    "query",
    "readyz",
    "roles",
    "service-accounts",
    "sets",
    "stores",
    "system",
    "tokens",
    "trust-sets",
    "users",
    "v3",
    "v4",
    "why",
];

/// Whether `text` can be the first segment of this API's addresses: one plain segment that is nobody else's.
pub fn context_fits(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a path, as the routes spell it, is below this face's root.
pub(crate) fn is_here(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The router behind a look at each request's first segment.
pub fn mounted(router: Router, context: &str) -> Router {
    if context == CONTEXT {
        return router;
    }
    let context = format!("/{context}");
    let layer = MapRequestLayer::new(move |mut request: Request| {
        if let Some(uri) = rewritten(request.uri(), &context) {
            *request.uri_mut() = uri;
        }
        request
    });
    Router::new().fallback_service(tower::Layer::layer(&layer, router))
}

/// The address as the routes spell it. What the routes would answer under their own spelling is nobody's then.
fn rewritten(uri: &Uri, context: &str) -> Option<Uri> {
    let path = uri.path();
    let rest = path.strip_prefix(context).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let path = match rest {
        Some(rest) => format!("{ROOT}{rest}"),
        None if is_here(path) => format!("/not-here{path}"),
        None => return None,
    };
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_configured_context_leads_here() {
        let led = |text: &str| rewritten(&text.parse().unwrap(), "/maps").map(|uri| uri.to_string());
        assert_eq!(led("/maps/admin?f=json").as_deref(), Some("/arcgis/admin?f=json"));
        assert_eq!(led("/maps").as_deref(), Some("/arcgis"));
        assert_eq!(led("/arcgis/admin").as_deref(), Some("/not-here/arcgis/admin"));
        assert_eq!(led("/mapsadmin"), None);
        assert_eq!(led("/certificates"), None);
    }

    #[test]
    fn contexts_are_plain_and_nobody_elses() {
        for fits in ["arcgis", "portal", "Maps-2_x"] {
            assert!(context_fits(fits), "{fits}");
        }
        for wrong in ["", "a/b", "a b", "ü", "..", "api", "KeyfactorAPI", "users", "import", &"x".repeat(65)] {
            assert!(!context_fits(wrong), "{wrong}");
        }
    }
}
