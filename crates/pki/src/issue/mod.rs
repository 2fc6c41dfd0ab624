//! What an authority writes: certificates and revocation lists to be signed (RFC 5280), built from names, keys and usages.
//!
//! Building is strict and pure: [`Template::to_be_signed`] gives the octets, whoever holds the key signs them, and [`signed`] puts
//! both together.

mod distinguished_name;
mod extension;
mod general_name;
mod request;
mod revocation;
mod scheme;
mod template;

pub use distinguished_name::{DistinguishedName, NotAName};
pub use extension::{ExtendedUsage, Extensions, KeyUsages, NameConstraints, Subtree};
pub use general_name::{GeneralName, NotAGeneralName};
pub use request::{request_to_be_signed, subject_of_request};
pub use revocation::{RevocationListTemplate, RevocationReason, RevokedEntry};
pub use scheme::SignatureScheme;
pub use template::{Template, key_identifier, signed};
