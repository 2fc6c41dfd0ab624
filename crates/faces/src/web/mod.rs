//! The web pages: view models ([`view`]), their templates (`templates/web`) and files ([`assets`]).
//! A handler fills a view model and answers with [`respond::page`].
//!
//! Pages work without JavaScript, carry no inline style or script, and load nothing from elsewhere: see
//! [`CONTENT_SECURITY_POLICY`]. The design language is described in `docs/ui.md`.

pub mod assets;
pub mod escape;
pub mod respond;
pub mod view;

/// The policy that every page is served with. Templates are tested to need nothing more.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
     require-trusted-types-for 'script'";
