//! What a certificate says, and what else is needed to judge it: bytes in, values out.
//!
//! Nothing here has a clock, does I/O, is async or draws random numbers. The readers are permissive, because an
//! inventory holds what exists; what is odd is reported, never dropped. Nothing here panics on input, and time and
//! memory are bounded by the size of the input and the constants of the modules.

mod alt_name;
mod asn1;
mod certificate;
mod extensions;
mod facts;
mod name;
mod oid;
mod public_key;
mod recognise;
mod text;
mod time;

pub use alt_name::{AltName, AltNameKind};
pub use certificate::{CERTIFICATE_BYTES_MAX, NotACertificate, certificate_element};
pub use facts::Facts;
