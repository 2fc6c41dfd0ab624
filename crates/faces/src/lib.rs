//! The faces of Certhold: everything that speaks HTTP.
//!
//! A face authenticates in its own way to one actor, translates its own words to one command of the domain, and
//! translates the outcome back. A face decides nothing, and faces do not know each other.
//!
//! | module | what it is |
//! |---|---|
//! | [`arcgis`] | the ArcGIS Enterprise Administrator API, `/arcgis` |
//! | [`auth`] | who asks: bearer tokens, the session cookie, signing in |
//! | [`in_process`] | the native API without a socket, for the command line |
//! | [`keyfactor`] | the Keyfactor Command API, `/KeyfactorAPI`, and the token endpoint `/oauth2/token` |
//! | [`import`] | bringing certificates in, for every face that can |
//! | [`export`] | certificates and keys as files, for every face that can |
//! | [`identity`] | files with identities and trusted certificates, for every face that keeps them under names |
//! | [`issue`] | private authorities at work, for every face that lets people issue |
//! | `clients` | API clients, for every face that makes them |
//! | [`native`] | the native API, `/api/v1` |
//! | [`operation`] | health and metrics |
//! | [`listener`] | sockets, TLS, shutting down |
//! | [`presenting`] | the listener shows what is assigned to it |
//! | [`web`] | the pages people see |

mod address;
pub mod arcgis;
mod attachment;
pub mod auth;
mod bulk;
mod clients;
mod document;
pub mod export;
pub mod identity;
pub mod import;
pub mod in_process;
pub mod issue;
pub mod keyfactor;
pub mod listener;
mod middleware;
pub mod native;
mod oauth;
pub mod operation;
pub mod presenting;
mod problem;
mod published;
mod rekey;
mod review;
mod state;
#[cfg(test)]
mod testing;
mod threads;
mod time;
pub mod web;

pub use address::{Address, Network, NotANetwork, Peer};
pub use middleware::{Coordinates, REQUEST_ID};
pub use problem::{Answer, Problem};
pub use state::{App, Checkpoints, Settings, SignHead, VERSION};

/// Everything that this server answers.
pub fn router(app: App) -> axum::Router {
    let context = app.settings().arcgis_context.clone();
    let router = axum::Router::new()
        .merge(native::router(&app))
        .merge(keyfactor::router(&app))
        .merge(arcgis::router(&app))
        .merge(oauth::router())
        .merge(operation::router())
        .merge(published::router())
        .merge(web::router(&app))
        .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::around))
        .with_state(app);
    arcgis::mounted(keyfactor::mounted(router), &context)
}
