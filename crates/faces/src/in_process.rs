//! The native API without a socket: for the command line on a data directory, where whoever holds the directory's lock is the
//! operator. One program, one set of words, whether a command goes to a server or to the files.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, header};
use certhold_domain::Actor;
use http_body_util::BodyExt;
use tower::ServiceExt;

pub use axum::http::{Method, StatusCode};

use crate::middleware;
use crate::native::{self, ROOT};
use crate::problem::Problem;
use crate::state::App;

/// An actor whom this program itself vouches for. It travels in a request's extensions, which nothing that comes over a
/// connection can set.
#[derive(Clone)]
pub(crate) struct Vouched(pub(crate) Arc<Actor>);

/// The native API in this process, used by one actor.
pub struct InProcess {
    router: Router,
    actor: Arc<Actor>,
}

/// An answer of the native API.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

impl InProcess {
    /// The native API of `app` for `actor`.
    pub fn new(app: App, actor: Actor) -> InProcess {
        let around = axum::middleware::from_fn_with_state(app.clone(), middleware::around);
        InProcess { router: native::router(&app).layer(around).with_state(app), actor: Arc::new(actor) }
    }

    /// Asks; `path` begins with [`ROOT`] and may have a query. A `body` comes with its media type.
    ///
    /// # Errors
    /// [`Problem`] when the request could not be made or its answer could not be read; refusals are answers.
    pub async fn ask(&self, method: Method, path: &str, body: Option<(&str, Bytes)>) -> Result<Answer, Problem> {
        let answer = self.send(method, path, body).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|_| Problem::internal())?.to_bytes();
        Ok(Answer { status, body })
    }

    /// [`InProcess::ask`] to read, for a long answer: `visit` sees its bytes as they come, if its status is a success.
    /// Otherwise the answer is that of `ask`.
    ///
    /// # Errors
    /// As there, and when the answer was cut short or `visit` answers no.
    pub async fn follow(&self, path: &str, mut visit: impl FnMut(&[u8]) -> bool) -> Result<Answer, Problem> {
        let answer = self.send(Method::GET, path, None).await?;
        let status = answer.status();
        let mut body = answer.into_body();
        if !status.is_success() {
            let body = body.collect().await.map_err(|_| Problem::internal())?.to_bytes();
            return Ok(Answer { status, body });
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Problem::internal())?;
            if frame.data_ref().is_some_and(|bytes| !visit(bytes)) {
                return Err(Problem::internal());
            }
        }
        Ok(Answer { status, body: Bytes::new() })
    }

    async fn send(&self, method: Method, path: &str, body: Option<(&str, Bytes)>) -> Result<axum::response::Response, Problem> {
        debug_assert!(path.starts_with(ROOT), "{path}");
        let (media_type, body) = body.unzip();
        let mut request = Request::new(Body::from(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| Problem::malformed("the path is no path"))?;
        if let Some(media_type) = media_type.and_then(|media_type| HeaderValue::from_str(media_type).ok()) {
            request.headers_mut().insert(header::CONTENT_TYPE, media_type);
        }
        request.extensions_mut().insert(Vouched(self.actor.clone()));
        match self.router.clone().oneshot(request).await {
            Ok(answer) => Ok(answer),
            Err(never) => match never {},
        }
    }
}

/// Calls an API of this server within a request that is being served: for its id and address, and for an actor, or with the
/// credentials that the inner request has.
pub(crate) async fn ask_within(
    api: Router,
    at: crate::middleware::Coordinates,
    actor: Option<Arc<Actor>>,
    mut request: Request<Body>,
) -> axum::response::Response {
    request.extensions_mut().insert(at);
    if let Some(actor) = actor {
        request.extensions_mut().insert(Vouched(actor));
    }
    match api.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use certhold_domain::Face;

    use super::*;
    use crate::testing::TestApp;

    #[tokio::test]
    async fn the_operator_needs_no_token_and_nobody_else_is_let_in() {
        let server = TestApp::new().await;
        let operator = InProcess::new(server.app.clone(), Actor::local("root"));
        let path = format!("{ROOT}/certificates");
        let answer = operator.ask(Method::GET, &path, None).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        let nobody = InProcess::new(server.app.clone(), Actor::anonymous(Face::Cli, "nobody", "", ""));
        assert_eq!(nobody.ask(Method::GET, &path, None).await.unwrap().status, StatusCode::FORBIDDEN);
    }
}
