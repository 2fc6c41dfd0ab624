//! The Keyfactor Command API, `/KeyfactorAPI`: the vendor's words for what the domain does.
//!
//! Addresses are read in any spelling ([`mount`]), every request passes one guard ([`protocol`]), credentials are Basic or Bearer
//! ([`extract`]), refusals have one body ([`refused`]). One file per resource: its routes, what stands on the wire, its handlers.
//! `docs/keyfactor.md` is the page for people, `docs/compatibility.md` says where the vendor is silent and what was chosen.

mod audit;
mod certificates;
mod claims;
mod collections;
mod containers;
#[cfg(test)]
mod coverage;
mod csr_generation;
mod endpoints;
mod enrollment;
mod extract;
mod identities;
mod identity_providers;
mod key_info;
mod listing;
mod loose;
mod metadata_fields;
mod mount;
mod openapi;
mod patterns;
mod permission_sets;
mod protocol;
mod refused;
mod roles;
mod routes;
mod status;
mod stores;
mod templates;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use mount::is_here;
pub use mount::mounted;
pub use openapi::openapi;
pub(crate) use refused::Refused;
pub use routes::router;

/// Where this API is, as routes spell it.
pub const ROOT: &str = "/KeyfactorAPI";
