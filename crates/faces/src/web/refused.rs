//! From what was refused or broke to a page, or to the place where it can be mended.

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::{Error, Fault, Refusal};

use super::view::address::Address;
use super::view::error::ErrorPage;
use super::view::frame::Frame;
use super::{local, respond};
use crate::middleware;
use crate::problem::Problem;

/// An answer that is not what was asked for.
pub struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Refused {
    /// The page that says why.
    pub fn because(frame: Frame, error: Error) -> Self {
        let (status, page) = match error {
            Error::Refused(refusal) => refusal_page(frame, refusal),
            Error::Fault(fault) => fault_page(frame, fault),
        };
        let mut response = respond::page(status, &page);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
        }
        response.into()
    }

    /// 400: a form or address that none of our pages makes.
    pub fn malformed(frame: Frame, message: &str) -> Self {
        let message = format!("{message} Go back, reload the page and try again.");
        respond::page(StatusCode::BAD_REQUEST, &ErrorPage::refused(frame, 400, "Not understood", message)).into()
    }

    /// 400: an address that asks for something that the page does not understand.
    pub fn wrong_address(frame: Frame, why: &str) -> Self {
        let message = format!(
            "A parameter of this address cannot be understood. {why} Leaving it out would show more than was asked for: correct the \
             address, or begin again from the menu."
        );
        respond::page(StatusCode::BAD_REQUEST, &ErrorPage::refused(frame, 400, "Not understood", message)).into()
    }
}

fn refusal_page(frame: Frame, refusal: Refusal) -> (StatusCode, ErrorPage) {
    let message = sentence(&refusal.to_string());
    let (status, title) = match refusal {
        Refusal::Forbidden { reason, missing } if missing.is_empty() => {
            return (StatusCode::FORBIDDEN, ErrorPage::refused(frame, 403, "Not allowed", sentence(&reason)));
        }
        Refusal::Forbidden { reason, missing } => {
            let mut page = ErrorPage::forbidden(frame, missing);
            if !reason.is_empty() {
                page.message = format!("{} {}", sentence(&reason), "One of these permissions would do:");
            }
            return (StatusCode::FORBIDDEN, page);
        }
        Refusal::NotFound { .. } => return (StatusCode::NOT_FOUND, ErrorPage::not_found(frame)),
        Refusal::Conflict(_) | Refusal::LeaseLost(_) => (StatusCode::CONFLICT, "In the way"),
        Refusal::Invalid { .. } => (StatusCode::BAD_REQUEST, "Not understood"),
        Refusal::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        Refusal::LockedOut { .. } => (StatusCode::TOO_MANY_REQUESTS, "Locked out"),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Busy"),
        Refusal::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Not available"),
        Refusal::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "Not signed in"),
    };
    (status, ErrorPage::refused(frame, status.as_u16(), title, message))
}

fn fault_page(frame: Frame, fault: Fault) -> (StatusCode, ErrorPage) {
    // The problem knows which faults pass by themselves, and writes the fault to the log under the request's id.
    let status = Problem::from(fault).status();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let message = "The database does not answer at the moment; nothing was changed. Try again in a moment.";
        return (status, ErrorPage::refused(frame, 503, "Not available", message));
    }
    let reference = middleware::request_id().map(|id| id.to_string()).unwrap_or_default();
    (status, ErrorPage::fault(frame, reference))
}

/// A refusal of the domain as a sentence: with a capital letter and a full stop.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// To the sign-in page, and from there back to where a page was asked for; `ended` says that there was a session.
///
/// A form that was sent is lost. What was in it stays out of the address; afterwards one is back at its page, `before`, or where
/// that is not known at the address it was sent to.
pub fn sign_in_first(method: &Method, uri: &Uri, before: Option<&str>, ended: bool) -> Response {
    let door = Address::new("/login");
    let asked = uri.path_and_query().map_or("", |asked| asked.as_str());
    let address = match (method.is_safe(), asked) {
        (true, "/") => door.with("ended", if ended { "true" } else { "" }),
        (true, asked) => door.with("next", asked).with("ended", if ended { "true" } else { "" }),
        (false, _) => match local::path(uri.path()) {
            Some(sent_to) => door.with("next", before.and_then(local::path).unwrap_or(sent_to)).with("lost", "true"),
            // Whoever is out need not sign out.
            None => door,
        },
    };
    respond::see_other(&address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_become_sentences() {
        assert_eq!(sentence("there is a role named \"x\" already"), "There is a role named \"x\" already.");
        assert_eq!(sentence("élan?"), "Élan?");
        assert_eq!(sentence(" "), "");
    }

    #[test]
    fn only_pages_are_returned_to() {
        let uri: Uri = "/certificates?q=a%20b".parse().expect("an address");
        let location = |response: Response| response.headers()[header::LOCATION].to_str().expect("text").to_owned();
        assert_eq!(location(sign_in_first(&Method::GET, &uri, None, false)), "/login?next=%2Fcertificates%3Fq%3Da%2520b");
        let sent = |before| location(sign_in_first(&Method::POST, &uri, before, true));
        assert_eq!(sent(None), "/login?next=%2Fcertificates&lost=true", "what was sent is not in the address");
        assert_eq!(sent(Some("/roles/new")), "/login?next=%2Froles%2Fnew&lost=true");
        assert_eq!(sent(Some("//evil.example")), "/login?next=%2Fcertificates&lost=true");
        let out: Uri = "/logout".parse().expect("an address");
        for before in [None, Some("/roles/2")] {
            assert_eq!(location(sign_in_first(&Method::POST, &out, before, false)), "/login");
        }
    }
}
