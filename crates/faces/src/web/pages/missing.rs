//! Addresses without a page.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
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

/// 405.
pub async fn method(request: Request) -> Response {
    let mut frame = Frame::signed_out("", "");
    frame.theme = theme(request.headers());
    let message = "This address is a page to look at, or a form to send, and was asked for the other way.";
    respond::page(StatusCode::METHOD_NOT_ALLOWED, &ErrorPage::refused(frame, 405, "Not that way", message))
}
