//! Somebody with a session asks for a page.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use certhold_domain::access::paths;
use certhold_domain::{Actor, Error, Refusal, Result as DomainResult};
use certhold_store::Tx;

use super::refused::{Refused, sign_in_first};
use super::shared::{Shared, holds};
use super::view::error::ShutOutPage;
use super::view::frame::{Frame, Notice, Section, Theme, Viewer};
use super::{notice, respond};
use crate::auth::{Browser, Caller, page_before};
use crate::middleware::Coordinates;
use crate::problem::Problem;
use crate::state::App;

/// The cookie that keeps the viewer's colours.
pub const THEME_COOKIE: &str = "certhold-theme";

/// A request with a session cookie, which is checked in the transaction that reads for it.
pub struct Visit {
    pub app: App,
    pub shared: Arc<Shared>,
    pub browser: Browser,
    pub method: Method,
    pub headers: HeaderMap,
    uri: Uri,
    notice: Option<Notice>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    /// Whoever has no session is sent to sign in.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        use axum::response::IntoResponse;
        let at = Coordinates::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let shared = shared(parts).map_err(IntoResponse::into_response)?;
        let browser = Browser::of(app, &parts.headers, at).map_err(|_| {
            let before = page_before(app, &parts.headers);
            sign_in_first(&parts.method, &parts.uri, before.as_deref(), false)
        })?;
        let jar = CookieJar::from_headers(&parts.headers);
        let notice = jar.get(notice::COOKIE).and_then(|cookie| notice::read(&browser.csrf, cookie.value()));
        Ok(Self {
            app: app.clone(),
            shared,
            browser,
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            notice,
        })
    }
}

/// What all pages share; the router puts it into every request.
pub fn shared(parts: &Parts) -> Result<Arc<Shared>, Problem> {
    parts.extensions.get::<Arc<Shared>>().cloned().ok_or_else(Problem::internal)
}

/// The viewer's colours.
pub fn theme(headers: &HeaderMap) -> Theme {
    CookieJar::from_headers(headers).get(THEME_COOKIE).map_or(Theme::System, |cookie| Theme::from_name(cookie.value()))
}

impl Visit {
    /// Checks the session and reads for the page, in one transaction.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Actor) -> DomainResult<T> + Send + 'static,
    ) -> Result<(Viewer, T), Refused> {
        let (shared, now) = (self.shared.clone(), self.app.now());
        let caller: Caller = self.browser.caller.clone();
        let outcome = self.app.read_as(caller, move |tx, actor| {
            if !may_use_pages(actor) {
                return Ok(Seen::Nothing(actor.name.clone()));
            }
            let viewer = shared.viewer(tx, actor, now)?;
            match work(tx, actor) {
                Err(Error::Refused(refusal)) => Ok(Seen::Refused(viewer, refusal)),
                found => found.map(|found| Seen::Found(viewer, found)),
            }
        });
        match outcome.await {
            Ok(Seen::Found(viewer, found)) => Ok((viewer, found)),
            Ok(Seen::Refused(viewer, refusal)) => Err(self.refused(Some(viewer), refusal)),
            Ok(Seen::Nothing(name)) => Err(self.shut_out(name)),
            Err(error) => Err(self.refused(None, error)),
        }
    }

    /// What surrounds the page.
    pub fn frame(&self, title: impl Into<String>, section: Section, viewer: Viewer) -> Frame {
        let mut frame = Frame::new(title, section, viewer, &self.browser.csrf);
        frame.notice.clone_from(&self.notice);
        frame.theme = theme(&self.headers);
        frame
    }

    /// The page as an answer; a notice that it shows is not shown again.
    pub fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = respond::page(status, page);
        if self.notice.is_some() {
            response.headers_mut().append(header::SET_COOKIE, notice::clear(self.app.is_secure()));
        }
        response
    }

    /// The page with status 200.
    pub fn ok(&self, page: &impl Template) -> Result<Response, Refused> {
        Ok(self.page(StatusCode::OK, page))
    }

    /// The page for whoever is signed in and may not use the pages: no link, which would lead back to it, and a way out.
    pub fn shut_out(&self, name: impl Into<String>) -> Refused {
        let mut frame = Frame::signed_out("Nothing here is open to you", &self.browser.csrf);
        frame.theme = theme(&self.headers);
        let page = ShutOutPage { frame, name: name.into(), permission: paths::PORTAL_READ.into() };
        respond::page(StatusCode::FORBIDDEN, &page).into()
    }

    /// The answer to what was refused.
    pub fn refused(&self, viewer: Option<Viewer>, error: impl Into<Error>) -> Refused {
        let error = error.into();
        if matches!(error.refusal(), Some(Refusal::Unauthenticated(_))) {
            let before = page_before(&self.app, &self.headers);
            return Refused::from(sign_in_first(&self.method, &self.uri, before.as_deref(), true));
        }
        let mut frame = match viewer {
            Some(viewer) => Frame::new("", Section::None, viewer, &self.browser.csrf),
            None => Frame::signed_out("", ""),
        };
        frame.theme = theme(&self.headers);
        Refused::because(frame, error)
    }
}

/// What came of reading for a page.
enum Seen<T> {
    Found(Viewer, T),
    Refused(Viewer, Refusal),
    /// The viewer, of this name, may not use the pages at all.
    Nothing(String),
}

/// Whether somebody may use the web pages at all.
pub fn may_use_pages(actor: &Actor) -> bool {
    holds(&actor.access, paths::PORTAL_READ)
}
