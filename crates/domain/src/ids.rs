//! Identifiers as types, so that a role is never passed where a certificate is meant.

use std::fmt;

use certhold_store::Value;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for Value<'_> {
            fn from(id: $name) -> Self {
                Value::Int(id.0)
            }
        }
    )+};
}

ids! {
    /// A program's id and secret for the token endpoint.
    ApiClientId,
    /// A private certification authority.
    AuthorityId,
    /// An edit of many certificates.
    BulkEditId,
    /// A certificate of the inventory.
    CertificateId,
    /// What a sign-in says of somebody, under which roles are held.
    ClaimId,
    /// A saved query that doubles as a permission scope.
    CollectionId,
    /// A group of certificate stores that doubles as a permission scope.
    ContainerId,
    /// A place where a managed certificate is installed.
    DeploymentId,
    /// An account at a DNS provider.
    DnsProviderId,
    /// A certificate that no import brings back.
    ExclusionId,
    /// A provider of identities whose tokens are accepted.
    IdentityProviderId,
    /// An authority that certificates are obtained from.
    IssuerId,
    /// A durable piece of work.
    JobId,
    /// A key made here with its signing request.
    KeyRequestId,
    /// A managed certificate: the line of its versions.
    LineageId,
    /// A field that people have defined for certificates.
    MetadataFieldId,
    /// A certificate under a name that people chose.
    NamedId,
    /// One attempt to obtain a certificate.
    OrderId,
    /// An enrolment pattern.
    PatternId,
    /// The upper bound of what roles inside it may be given.
    PermissionSetId,
    /// A person or a service account.
    PrincipalId,
    /// A private key in custody.
    PrivateKeyId,
    /// A TXT value of a challenge.
    RecordId,
    /// A security role; the owner of a certificate is a role.
    RoleId,
    /// A sealed secret in custody.
    SecretId,
    /// A signed-in browser.
    SessionId,
    /// A certificate store.
    StoreId,
    /// A piece of work on a certificate store.
    StoreJobId,
    /// An API token.
    TokenId,
    /// A named set of trusted authorities.
    TrustSetId,
    /// A list of the inventory that somebody has saved for themselves.
    ViewId,
}
