//! The ArcGIS Enterprise Administrator API, as on Kubernetes, for identity and trust certificates: `/arcgis/admin`, and of the sharing
//! API what clients need to get there, `/arcgis/sharing/rest`.
//!
//! Every address is a line of [`routes`]; a request is read to a [`request::Call`] (format, parameters, token), its resource is
//! handled to a [`answer::Found`] or a [`answer::Refused`], and both are written in the format that was asked for: JSON, or a page
//! of the directory. `docs/arcgis.md` is the page for people, `docs/compatibility.md` says where the vendor is silent.

mod answer;
mod certificates;
mod directory;
mod extensions;
mod forms;
mod ingress;
mod mount;
mod oauth;
mod request;
mod routes;
mod sharing;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use mount::is_here;
pub use mount::{context_fits, mounted};
pub use routes::router;
pub(crate) use routes::{IMPORTS, told};
pub(crate) use wire::Described;
pub use wire::describe_all;

/// The first segment of this API's addresses, unless another is configured.
pub const CONTEXT: &str = "arcgis";
/// Where the routes are, whatever the context is.
const ROOT: &str = "/arcgis";
