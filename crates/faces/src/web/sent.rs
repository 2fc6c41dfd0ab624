//! Somebody sends a form from one of our pages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::access::{Decision, Need};
use certhold_domain::{Actor, CollectionId, Error, Refusal, Result as DomainResult, SessionId};
use certhold_store::Tx;

use super::fields::{Fields, NotOurs};
use super::refused::{Refused, sentence};
use super::shared::viewer;
use super::view::frame::{Notice, Viewer};
use super::visit::{Visit, may_use_pages};
use super::{notice, respond};
use crate::state::App;

/// Who sends something, checked before the body is read.
pub struct Author {
    pub visit: Visit,
    pub actor: Arc<Actor>,
    pub session: SessionId,
}

impl Author {
    /// Checks the session of whoever sends something.
    pub async fn of(visit: Visit) -> Result<Self, Refused> {
        let known = visit.app.known(visit.browser.caller.clone()).await.map_err(|error| visit.refused(None, error))?;
        let Some(session) = known.session else {
            return Err(visit.refused(None, Refusal::Unauthenticated("sign in first".into())));
        };
        Ok(Self { visit, actor: known.actor, session })
    }

    /// Refuses what does not come from one of our own pages, and whoever may not use them.
    pub fn require_own_page(&self, token: &str) -> Result<(), Refused> {
        self.require_own_form(token)?;
        if may_use_pages(&self.actor) { Ok(()) } else { Err(self.visit.shut_out(&self.actor.name)) }
    }

    /// Refuses what does not come from one of our own pages. Signing out asks for no more.
    fn require_own_form(&self, token: &str) -> Result<(), Refused> {
        let Visit { app, browser, method, headers, .. } = &self.visit;
        browser.require_own_page(app, method, headers, Some(token)).map_err(|refusal| self.refused(refusal))
    }

    /// Refuses early whoever lacks a right that the operation will ask for again.
    pub fn require(&self, path: &str) -> Result<(), Refused> {
        self.require_in(path, None)
    }

    /// The same where the right on a collection is enough, too.
    pub fn require_in(&self, path: &str, collection: Option<CollectionId>) -> Result<(), Refused> {
        match self.actor.access.evaluate(&Need::system(path).or_collection(path, collection)) {
            Decision::Allowed { .. } => Ok(()),
            Decision::Denied { missing, reason } => Err(self.refused(Refusal::Forbidden { reason, missing })),
        }
    }

    /// The viewer for a page that answers the form itself.
    pub fn viewer(&self) -> Viewer {
        viewer(&self.actor)
    }

    /// The answer to what was refused.
    pub fn refused(&self, error: impl Into<Error>) -> Refused {
        self.visit.refused(Some(self.viewer()), error)
    }

    /// 400: a form that none of our pages sends.
    pub fn malformed(&self, message: &str) -> Refused {
        Refused::malformed(self.visit.frame("", super::view::frame::Section::None, self.viewer()), message)
    }

    /// Runs a change of the domain; answers when it is durable.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Actor, i64) -> DomainResult<T> + Send + 'static,
    ) -> DomainResult<T> {
        let (actor, now) = (self.actor.clone(), self.visit.app.now());
        let outcome = self.visit.app.write(move |tx| work(tx, &actor, now)).await;
        self.visit.shared.changed();
        outcome
    }

    /// Leads on to a page, which says what was done.
    pub fn done(&self, path: &str, what: impl Into<String>) -> Response {
        let mut response = respond::see_other(path);
        let notice = notice::set(&self.visit.browser.csrf, &Notice::good(what), self.visit.app.is_secure());
        response.headers_mut().append(header::SET_COOKIE, notice);
        response
    }

    /// For buttons, which have no form to come back to: what stands in the way is said on the page they were on.
    pub fn done_or_said(&self, path: &str, outcome: DomainResult<()>, what: impl Into<String>) -> Result<Response, Refused> {
        match outcome {
            Ok(()) => Ok(self.done(path, what)),
            Err(Error::Refused(Refusal::Conflict(why))) => {
                let mut response = respond::see_other(path);
                let notice = notice::set(&self.visit.browser.csrf, &Notice::bad(sentence(&why)), self.visit.app.is_secure());
                response.headers_mut().append(header::SET_COOKIE, notice);
                Ok(response)
            }
            Err(error) => Err(self.refused(error)),
        }
    }

    /// What a refused form says when it is shown again; whatever cannot be mended there is a page of its own.
    pub fn complaint(&self, error: Error) -> Result<Complaint, Refused> {
        match error {
            Error::Refused(Refusal::Invalid { field, message }) => Ok(Complaint { field, message: sentence(&message) }),
            Error::Refused(Refusal::Conflict(message) | Refusal::TooLarge(message)) => {
                Ok(Complaint { field: "", message: sentence(&message) })
            }
            other => Err(self.refused(other)),
        }
    }
}

/// Why a form was refused.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// The field, in the words of the domain; empty when no single one is to blame.
    pub field: &'static str,
    /// One sentence.
    pub message: String,
}

impl Complaint {
    /// About a field.
    pub fn about(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }

    /// The message at the first of these fields that it is about, else above the form.
    pub fn place(self, whole: &mut Option<String>, places: &mut [(&str, &mut Option<String>)]) {
        match places.iter_mut().find(|(field, _)| *field == self.field) {
            Some((_, place)) => **place = Some(self.message),
            None => *whole = Some(self.message),
        }
    }
}

/// A form from one of our own pages, from whoever may use them.
pub struct Sent {
    pub author: Author,
    pub fields: Fields,
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let SentBySomebody(sent) = SentBySomebody::from_request(request, app).await?;
        sent.author.require_own_page(sent.fields.text("csrf")).map_err(IntoResponse::into_response)?;
        Ok(sent)
    }
}

/// A form from one of our own pages, from whoever is signed in: those who may not use the pages can still sign out.
pub struct SentBySomebody(pub Sent);

impl FromRequest<App> for SentBySomebody {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        let author = Author::of(visit).await.map_err(IntoResponse::into_response)?;
        let fields = fields(Request::from_parts(parts, body), app).await;
        let fields = fields.map_err(|error| match error {
            Unreadable::NotOurs(NotOurs(message)) => author.malformed(message).into_response(),
            Unreadable::TooLarge => author.refused(Refusal::TooLarge("the form is too large".into())).into_response(),
        })?;
        author.require_own_form(fields.text("csrf")).map_err(IntoResponse::into_response)?;
        Ok(Self(Sent { author, fields }))
    }
}

/// Why a body is no form.
pub enum Unreadable {
    NotOurs(NotOurs),
    TooLarge,
}

/// Reads the fields of a form.
pub async fn fields(request: Request, app: &App) -> Result<Fields, Unreadable> {
    let form = "application/x-www-form-urlencoded";
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(form)) {
        return Err(Unreadable::NotOurs(NotOurs("This is not what a form of these pages sends.")));
    }
    let body = Bytes::from_request(request, app).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unreadable::TooLarge,
        _ => Unreadable::NotOurs(NotOurs("The form did not arrive whole.")),
    })?;
    Fields::parse(&body).map_err(Unreadable::NotOurs)
}

impl Sent {
    /// A number that one of our pages offered as a choice; `None` for the empty choice.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Refused> {
        self.fields.number(name).map_err(|NotOurs(message)| self.author.malformed(message))
    }

    /// The ticked boxes of one name.
    pub fn numbers(&self, name: &str) -> Result<Vec<i64>, Refused> {
        self.fields.numbers(name).map_err(|NotOurs(message)| self.author.malformed(message))
    }
}
