//! View models: everything a page shows, as plain strings, numbers and small enums.
//!
//! A handler loads what it needs, fills the struct of its page and renders it; a template never computes more than
//! which words to show. No type of the domain appears here, so the look of a page can change without the domain, and
//! a page can be rendered in a test from values that no domain would produce.
//!
//! Start with [`frame::Frame`] (what surrounds every page) and the page's own module. Text is escaped by the template:
//! fields hold it raw. Times are [`time::Moment`]s, lives of certificates are [`tone::Validity`]s, fields of forms are
//! in [`form`], and links with parameters are made by [`address::Address`].

pub mod access;
pub mod account;
pub mod address;
pub mod api_docs;
pub mod certificate;
pub mod chains;
pub mod chart;
pub mod collections;
#[cfg(test)]
mod components;
pub mod error;
pub mod event;
pub mod events;
pub mod exclusions;
pub(crate) mod filters;
pub mod findings;
pub mod form;
pub mod frame;
pub mod home;
pub mod identity_providers;
pub mod import;
pub mod inventory;
pub mod issuers;
pub mod managed;
pub mod managed_form;
pub mod metadata;
pub mod narrow;
pub mod people;
pub mod private_ca;
pub mod private_key;
pub mod prose;
pub mod rights;
pub mod roles;
pub mod secret;
pub mod sign_in;
pub mod stores;
pub mod system;
pub mod table;
pub mod text;
pub mod time;
pub mod tone;
pub mod trust_sets;
