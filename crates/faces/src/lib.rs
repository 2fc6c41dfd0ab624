//! The faces of Certhold: everything that speaks HTTP.
//!
//! A face authenticates in its own way to one actor, translates its own words to one command of the domain, and
//! translates the outcome back. A face decides nothing, and faces do not know each other.
//!
//! | module | what it is |
//! |---|---|
//! | [`auth`] | who asks: bearer tokens, the session cookie, signing in |
//! | [`in_process`] | the native API without a socket, for the command line |
//! | [`import`] | bringing certificates in, for every face that can |
//! | [`export`] | certificates and keys as files, for every face that can |
//! | [`native`] | the native API, `/api/v1` |
//! | [`operation`] | health and metrics |
//! | [`listener`] | sockets, TLS, shutting down |
//! | [`web`] | the pages people see |

mod address;
mod attachment;
pub mod auth;
mod bulk;
pub mod export;
pub mod import;
pub mod in_process;
pub mod listener;
mod middleware;
pub mod native;
pub mod operation;
mod problem;
mod rekey;
mod review_csv;
mod state;
#[cfg(test)]
mod testing;
pub mod web;

pub use address::{Address, Network, NotANetwork, Peer};
pub use middleware::{Coordinates, REQUEST_ID};
pub use problem::{Answer, Problem};
pub use state::{App, Settings, SignHead, VERSION};

/// Everything that this server answers.
pub fn router(app: App) -> axum::Router {
    axum::Router::new()
        .merge(native::router(&app))
        .merge(operation::router())
        .merge(web::router(&app))
        .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::around))
        .with_state(app)
}
