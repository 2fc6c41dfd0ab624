//! The web pages: handlers ([`pages`]), view models ([`view`]), their templates (`templates/web`) and files ([`assets`]).
//!
//! A handler asks the domain for what its page shows, in one transaction ([`visit::Visit::read`]), fills the page's view model
//! and answers with it; a form is taken by [`sent::Sent`], which has checked the session and that one of our own pages sent it,
//! and an accepted one leads on by GET with a sentence about what was done ([`notice`]).
//!
//! Pages work without JavaScript, carry no inline style or script, and load nothing from elsewhere: see
//! [`CONTENT_SECURITY_POLICY`]. The design language is described in `docs/ui.md`.

pub mod assets;
pub mod escape;
mod fields;
mod file;
mod local;
mod notice;
mod pages;
mod paging;
mod refused;
pub mod respond;
mod sent;
mod shared;
mod show;
#[cfg(test)]
mod tests;
pub mod view;
mod visit;

pub use pages::router;

/// The policy that every page is served with. Templates are tested to need nothing more.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
     require-trusted-types-for 'script'";
