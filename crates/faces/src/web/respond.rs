//! From a page to an answer: one place for the headers that every page carries.

use askama::Template;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::CONTENT_SECURITY_POLICY;

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The page as an answer, with the policy that its templates are tested against.
///
/// Pages show what one viewer may see, so nobody in between may keep them.
pub fn page(status: StatusCode, page: &impl Template) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered.\n").into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    ];
    (status, headers, html).into_response()
}

/// 303 to another page of this server, after a form was accepted.
pub fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::view::error::ErrorPage;
    use crate::web::view::frame::Frame;

    #[test]
    fn pages_carry_the_policy_and_stay_with_the_viewer() {
        let answer = page(StatusCode::NOT_FOUND, &ErrorPage::not_found(Frame::signed_out("", "")));
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let header = |name: HeaderName| answer.headers()[name].to_str().expect("headers are text").to_owned();
        assert_eq!(header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(header::CACHE_CONTROL), "no-store");
        let policy = header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn accepted_forms_lead_on_by_get() {
        assert_eq!(see_other("/managed/7").status(), StatusCode::SEE_OTHER);
    }
}
