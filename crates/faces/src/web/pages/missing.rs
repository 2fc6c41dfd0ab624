//! Addresses without a page.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use certhold_domain::Refusal;

use crate::web::respond;
use crate::web::view::error::ErrorPage;
use crate::web::view::frame::Frame;
use crate::web::visit::{Visit, theme};

/// 404; with navigation for whoever is signed in.
pub async fn page(visit: Result<Visit, Response>, headers: HeaderMap) -> Response {
    let nothing = match visit {
        Ok(visit) => {
            let missing = |_: &mut certhold_store::Tx<'_>, _: &certhold_domain::Actor| Err(Refusal::not_found("page", "").into());
            let refused = visit.read::<()>(missing).await.err();
            refused.map(IntoResponse::into_response).filter(|response| response.status() == StatusCode::NOT_FOUND)
        }
        Err(_) => None,
    };
    nothing.unwrap_or_else(|| {
        let mut frame = Frame::signed_out("", "");
        frame.theme = theme(&headers);
        respond::page(StatusCode::NOT_FOUND, &ErrorPage::not_found(frame))
    })
}

/// 405; whoever is signed in and looks at an address that only takes a form is led to the page that the form is on.
pub async fn method(visit: Result<Visit, Response>, request: Request) -> Response {
    let is_looked_at = request.method() == Method::GET;
    let above = page_above(request.uri().path()).filter(|_| is_looked_at);
    if let (Ok(visit), Some(above)) = (visit, above)
        && visit.app.known(visit.browser.caller.clone()).await.is_ok()
    {
        return respond::see_other(&above);
    }
    let mut frame = Frame::signed_out("", "");
    frame.theme = theme(request.headers());
    let message = "This address is a page to look at, or a form to send, and was asked for the other way.";
    respond::page(StatusCode::METHOD_NOT_ALLOWED, &ErrorPage::refused(frame, 405, "Not that way", message))
}

/// The page above an address that only takes forms: that of the object, else that of the list.
fn page_above(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let is_number = |text: &str| text.parse::<i64>().is_ok_and(|number| number > 0 && number.to_string() == text);
    match parts.as_slice() {
        [] | [_] => None,
        ["access", ..] => Some("/access/review".into()),
        // These have no pages of their own.
        [list @ ("exclusions" | "views"), ..] => Some(format!("/{list}")),
        [list, id, "key", _] if is_number(id) => Some(format!("/{list}/{id}/key")),
        [list, id, _, ..] if is_number(id) => Some(format!("/{list}/{id}")),
        [list, ..] => Some(format!("/{list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_on_the_page_above() {
        for (path, above) in [
            ("/stores/1/add", "/stores/1"),
            ("/stores/1/jobs/3/retry", "/stores/1"),
            ("/managed/7/deployments/2/run", "/managed/7"),
            ("/certificates/7/key/export", "/certificates/7/key"),
            ("/certificates/chosen", "/certificates"),
            ("/account/tokens/1/revoke", "/account"),
            ("/access/review/export", "/access/review"),
            ("/exclusions/3/remove", "/exclusions"),
            ("/views/3", "/views"),
            ("/edits/preview", "/edits"),
            ("/stores/x/add", "/stores"),
        ] {
            assert_eq!(page_above(path).as_deref(), Some(above), "{path}");
        }
        assert_eq!((page_above("/logout"), page_above("/")), (None, None));
    }
}
