//! The product: one module per noun, every decision and its event in one transaction.
//!
//! An **operation** is a plain synchronous function `fn(&mut Tx, &Actor, command, now) -> Result<_, Error>`: it authorises the
//! actor, loads what the rule needs, applies the rule, writes the change and appends the event. Faces translate to and from
//! operations and decide nothing; the worker in `certhold-outside` performs outside effects between them.
//!
//! Invariants: no async, no clock (`now` is an argument, unix milliseconds), no randomness of its own ([`Entropy`]), no network.

pub mod access;
mod actor;
pub mod bulk;
pub mod chains;
pub mod collections;
mod core;
pub mod csv;
pub mod custody;
pub mod enrolment;
mod error;
pub mod events;
pub mod identity_providers;
mod ids;
pub mod inventory;
pub mod jobs;
pub mod limits;
mod lookalike;
pub mod metadata;
pub mod named;
pub mod overview;
pub mod ownership;
pub mod people;
pub mod private_ca;
pub mod query;
pub mod renewal;
mod schema;
pub mod stores;
#[cfg(test)]
mod testing;
mod text;
pub mod views;

pub use actor::{Actor, ActorKind, Face};
pub use core::{Clock, Core, Entropy, KeyMaker, MadeKey};
pub use error::{Error, Fault, Refusal, Result};
pub use ids::{
    ApiClientId, AuthorityId, BulkEditId, CertificateId, ClaimId, CollectionId, ContainerId, DeploymentId, DnsProviderId,
    ExclusionId, IdentityProviderId, IssuerId, JobId, KeyRequestId, LineageId, MetadataFieldId, NamedId, OrderId, PatternId,
    PermissionSetId, PrincipalId, PrivateKeyId, RecordId, RoleId, SecretId, SessionId, StoreId, StoreJobId, TokenId, TrustSetId,
    ViewId,
};
pub use schema::{DERIVED_TABLES, MIGRATIONS, begin_derived_anew, complete, installation, is_prepared, prepare};
pub use text::{hex, unhex};
