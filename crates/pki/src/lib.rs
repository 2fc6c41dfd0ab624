//! What a certificate says, and what else is needed to judge it: bytes in, values out.
//!
//! Nothing here has a clock, does I/O, is async or draws random numbers. The readers are permissive, because an
//! inventory holds what exists; what is odd is reported, never dropped. Nothing here panics on input, and time and
//! memory are bounded by the size of the input and the constants of the modules.
//!
//! - [`Facts`] is what an inventory knows of one certificate; [`CsrFacts`] the same of a signing request.
//! - [`Details`] takes one certificate apart: names in three styles, every general name, keys, extensions, timestamps.
//! - [`findings`] says what is wrong with a certificate, by rule, with a remedy and a citation.
//! - [`RevocationList`] reads a revocation list and walks over its entries.
//! - [`read`] takes whatever people have (PEM, DER, PKCS#7, PKCS#12, Java key stores, keys) and returns a [`Bundle`].
//! - [`write()`] makes PEM, DER, PKCS#7, PKCS#12 and Java key stores of them.
//! - [`PrivateKey`] holds a key and never shows it; [`pem`] writes PEM.
//! - [`graph`] finds every path from a certificate to a root; [`trust`] judges it by what somebody trusts.
//! - [`issue`] builds certificates and revocation lists for whoever holds a key to sign them.
//! - [`verify_signed_by`], [`order_chain`] and [`lint_issued`] judge what an authority sent.
//! - [`sample`] makes realistic certificates in any number, for benchmarks and demonstrations.
//! - [`normalise_dns_name`] and [`reverse_labels`] give names the form in which they are compared and indexed.
//!
//! ```
//! use certhold_pki::{Facts, pem, read, sample};
//!
//! let der = sample::Generator::new(1).certificate(0);
//! let text = format!("some words before it\n{}", pem::encode(pem::CERTIFICATE, &der));
//! let bundle = read(text.as_bytes(), None)?;
//! assert_eq!(bundle.certificates[0].place, "line 2");
//! let facts = Facts::of(&bundle.certificates[0].der)?;
//! assert_eq!(facts.common_name.as_deref(), facts.dns_names().next());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alt_name;
mod asn1;
mod ber;
mod bundle;
mod certificate;
mod chain;
pub mod details;
mod dns;
mod extension_list;
mod extensions;
mod facts;
pub mod findings;
pub mod graph;
pub mod issue;
mod issued;
mod keystore;
mod keystore_edit;
mod name;
mod oid;
mod password_based;
pub mod pem;
mod pkcs12;
mod pkcs7;
mod private_key;
mod protect;
mod public_key;
mod read;
mod recognise;
mod request;
mod revocation_list;
pub mod sample;
mod signature;
mod text;
mod time;
pub mod trust;
mod write;

pub use alt_name::{AltName, AltNameKind};
pub use bundle::{
    Bundle, Format, Found, FoundKey, INPUT_BYTES_MAX, ITEMS_MAX, NotFound, PASSWORD_BYTES_MAX, PASSWORDS_MAX, ReadError, Refused,
};
pub use certificate::{CERTIFICATE_BYTES_MAX, NotACertificate, certificate_element};
pub use chain::order_chain;
pub use details::Details;
pub use dns::{DNS_NAME_MAX, DnsNameError, normalise_dns_name, reverse_labels};
pub use extension_list::{ExtensionEntry, extension_list};
pub use facts::Facts;
pub use issued::lint_issued;
pub use keystore_edit::JavaKeystore;
pub use password_based::{DecryptError, ITERATIONS_MAX};
pub use private_key::{KeyError, PrivateKey};
pub use read::{Reading, read};
pub use request::{CsrFacts, NotARequest, verify_request};
pub use revocation_list::{NotARevocationList, RevocationList, Revoked};
pub use signature::{SignatureError, verify_signed_by};
pub use write::{Entry, OutputFormat, Random, WriteError, empty_pkcs12, write};

/// Octets as lower-case hexadecimal in JSON.
fn hex_bytes<S: serde::Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text::hex(bytes.as_ref()))
}

/// Octets that may be absent, likewise.
fn hex_option<S: serde::Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => serializer.serialize_some(&text::hex(bytes)),
        None => serializer.serialize_none(),
    }
}
