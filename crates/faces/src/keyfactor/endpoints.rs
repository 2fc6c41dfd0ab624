//! Every endpoint with the rights it asks for: what `GET /Status/Endpoints` answers by, and what the tests walk through.

use certhold_domain::access::paths::{
    AUDITING_READ, CERTIFICATES_CHANGE_OWNER, CERTIFICATES_DELETE, CERTIFICATES_EXCLUDE, CERTIFICATES_IMPORT,
    CERTIFICATES_METADATA_MODIFY, CERTIFICATES_READ, CERTIFICATES_REVOKE, COLLECTIONS_MODIFY, ENROLLMENT_CSR,
    ENROLLMENT_CSR_GENERATION, ENROLLMENT_PFX, EXPANDED_CHANGE_OWNER, IDENTITY_PROVIDERS_MODIFY, IDENTITY_PROVIDERS_READ,
    KEY_REQUESTS_MODIFY, KEY_REQUESTS_READ, METADATA_TYPES_MODIFY, METADATA_TYPES_READ, PATTERNS_MODIFY, PATTERNS_READ,
    PRIVATE_KEY_DELETE, PRIVATE_KEY_READ, SECURITY_MODIFY, SECURITY_READ, STORES_CHANGE_OWNER, STORES_MODIFY, STORES_READ,
    STORES_SCHEDULE, TEMPLATES_MODIFY, TEMPLATES_READ,
};

/// An endpoint.
pub struct Endpoint {
    pub method: &'static str,
    /// Below the root.
    pub path: &'static str,
    pub needs: Needs,
}

/// The rights that an endpoint asks for.
pub enum Needs {
    /// Valid credentials.
    Nothing,
    /// One of these.
    Any(&'static [&'static str]),
    /// All of these.
    All(&'static [&'static str]),
}

const fn on(method: &'static str, path: &'static str, needs: Needs) -> Endpoint {
    Endpoint { method, path, needs }
}

const READ: Needs = Needs::Any(&[CERTIFICATES_READ]);
const READ_AND_SECURITY: Needs = Needs::All(&[CERTIFICATES_READ, SECURITY_READ]);
const OWNER: Needs = Needs::Any(&[CERTIFICATES_CHANGE_OWNER, STORES_CHANGE_OWNER, EXPANDED_CHANGE_OWNER]);
const METADATA: Needs = Needs::Any(&[CERTIFICATES_METADATA_MODIFY]);
const IMPORT: Needs = Needs::Any(&[CERTIFICATES_IMPORT]);
const REVOKE: Needs = Needs::Any(&[CERTIFICATES_REVOKE]);
const DELETE: Needs = Needs::Any(&[CERTIFICATES_DELETE]);
const EXCLUDE: Needs = Needs::Any(&[CERTIFICATES_EXCLUDE]);
const DELETE_KEY: Needs = Needs::Any(&[CERTIFICATES_DELETE, PRIVATE_KEY_DELETE]);
const COLLECTIONS: Needs = Needs::Any(&[COLLECTIONS_MODIFY]);
const FIELDS: Needs = Needs::Any(&[METADATA_TYPES_MODIFY]);
const SECURITY: Needs = Needs::Any(&[SECURITY_READ]);
const CHANGE_SECURITY: Needs = Needs::Any(&[SECURITY_MODIFY]);
const CHANGE_SEEN_SECURITY: Needs = Needs::All(&[SECURITY_MODIFY, SECURITY_READ]);
const PROVIDERS: Needs = Needs::Any(&[IDENTITY_PROVIDERS_READ]);
const CHANGE_PROVIDERS: Needs = Needs::All(&[IDENTITY_PROVIDERS_MODIFY, IDENTITY_PROVIDERS_READ]);
const STORES: Needs = Needs::Any(&[STORES_READ, STORES_SCHEDULE, STORES_MODIFY]);
const SCHEDULE_STORES: Needs = Needs::Any(&[STORES_SCHEDULE, STORES_MODIFY]);
const CHANGE_STORES: Needs = Needs::Any(&[STORES_MODIFY]);
const ENROL: Needs = Needs::Any(&[ENROLLMENT_CSR, ENROLLMENT_PFX]);
const CHANGE_PATTERNS: Needs = Needs::Any(&[PATTERNS_MODIFY]);
const USE_PATTERNS: Needs = Needs::Any(&[PATTERNS_READ, ENROLLMENT_PFX, ENROLLMENT_CSR, ENROLLMENT_CSR_GENERATION]);
const REQUESTS: Needs = Needs::Any(&[ENROLLMENT_CSR_GENERATION, KEY_REQUESTS_READ]);
const REMOVE_REQUESTS: Needs = Needs::Any(&[ENROLLMENT_CSR_GENERATION, KEY_REQUESTS_MODIFY]);
const DEPLOY: Needs = Needs::All(&[ENROLLMENT_PFX, STORES_MODIFY, CERTIFICATES_READ]);
const AUDIT: Needs = Needs::Any(&[AUDITING_READ]);

/// All of them, by address.
pub const ENDPOINTS: &[Endpoint] = &[
    on("GET", "/Audit", AUDIT),
    on("GET", "/Audit/Download", AUDIT),
    on("GET", "/Audit/RelatedEntities", AUDIT),
    on("GET", "/Audit/{id}", AUDIT),
    on("GET", "/Audit/{id}/Validate", AUDIT),
    on("DELETE", "/CertificateCollections/{id}", COLLECTIONS),
    on("GET", "/CertificateCollections", READ),
    on("GET", "/CertificateCollections/{id}", READ),
    on("POST", "/CertificateCollections", COLLECTIONS),
    on("POST", "/CertificateCollections/Copy", Needs::All(&[COLLECTIONS_MODIFY, CERTIFICATES_READ, SECURITY_MODIFY])),
    on("POST", "/CertificateCollections/{id}/Permissions", CHANGE_SEEN_SECURITY),
    on("PUT", "/CertificateCollections", COLLECTIONS),
    on("PUT", "/CertificateCollections/{id}/Favorite", READ),
    on("DELETE", "/CertificateStoreContainers/{id}", CHANGE_STORES),
    on("GET", "/CertificateStoreContainers", STORES),
    on("GET", "/CertificateStoreContainers/{id}", STORES),
    on("POST", "/CertificateStoreContainers", CHANGE_STORES),
    on("PUT", "/CertificateStoreContainers", CHANGE_STORES),
    on("DELETE", "/CertificateStores", CHANGE_STORES),
    on("DELETE", "/CertificateStores/{id}", CHANGE_STORES),
    on("GET", "/CertificateStores", STORES),
    on("GET", "/CertificateStores/{id}", STORES),
    on("GET", "/CertificateStores/{id}/Inventory", STORES),
    on("POST", "/CertificateStores", CHANGE_STORES),
    on("POST", "/CertificateStores/Certificates/Add", Needs::All(&[STORES_MODIFY, CERTIFICATES_READ])),
    on("POST", "/CertificateStores/Certificates/Remove", CHANGE_STORES),
    on("POST", "/CertificateStores/Schedule", SCHEDULE_STORES),
    on("PUT", "/CertificateStores", CHANGE_STORES),
    on("PUT", "/CertificateStores/AssignContainer", CHANGE_STORES),
    on("DELETE", "/Certificates", DELETE),
    on("DELETE", "/Certificates/Exclude", EXCLUDE),
    on("DELETE", "/Certificates/Exclude/Query", Needs::All(&[CERTIFICATES_READ, CERTIFICATES_EXCLUDE])),
    on("DELETE", "/Certificates/Exclude/{id}", EXCLUDE),
    on("DELETE", "/Certificates/ExcludedCertificates", EXCLUDE),
    on("GET", "/Certificates/ExcludedCertificates", EXCLUDE),
    on("DELETE", "/Certificates/PrivateKey", DELETE_KEY),
    on("DELETE", "/Certificates/PrivateKey/{id}", DELETE_KEY),
    on("DELETE", "/Certificates/Query", Needs::All(&[CERTIFICATES_READ, CERTIFICATES_DELETE])),
    on("DELETE", "/Certificates/{id}", DELETE),
    on("GET", "/Certificates", READ),
    on("GET", "/Certificates/CSV", READ),
    on("GET", "/Certificates/IdentityAudit/{id}", READ_AND_SECURITY),
    on("GET", "/Certificates/Locations/{id}", READ),
    on("GET", "/Certificates/Metadata/Compare", READ),
    on("GET", "/Certificates/QueryParsers", Needs::Nothing),
    on("GET", "/Certificates/{id}", READ),
    on("GET", "/Certificates/{id}/History", READ),
    on("GET", "/Certificates/{id}/Security", READ_AND_SECURITY),
    on("GET", "/Certificates/{id}/Validate", READ),
    on("POST", "/Certificates/Analyze", IMPORT),
    on("POST", "/Certificates/Download", READ),
    on("POST", "/Certificates/Import", IMPORT),
    on("POST", "/Certificates/Recover", Needs::All(&[CERTIFICATES_READ, PRIVATE_KEY_READ])),
    on("POST", "/Certificates/Revoke", REVOKE),
    on("POST", "/Certificates/RevokeAll", Needs::All(&[CERTIFICATES_READ, CERTIFICATES_REVOKE])),
    on("PUT", "/Certificates/Metadata", METADATA),
    on("PUT", "/Certificates/Metadata/All", METADATA),
    on("PUT", "/Certificates/Owner", OWNER),
    on("PUT", "/Certificates/{id}/Owner", OWNER),
    on("DELETE", "/CSRGeneration/Pending", REMOVE_REQUESTS),
    on("DELETE", "/CSRGeneration/Pending/{id}", REMOVE_REQUESTS),
    on("GET", "/CSRGeneration/Pending", REQUESTS),
    on("GET", "/CSRGeneration/Pending/{id}", REQUESTS),
    on("POST", "/CSRGeneration/Generate", Needs::Any(&[ENROLLMENT_CSR_GENERATION])),
    on("GET", "/Enrollment/AvailableRenewal/Id/{id}", READ),
    on("GET", "/Enrollment/AvailableRenewal/Thumbprint/{thumbprint}", READ),
    on("GET", "/Enrollment/CSR/Context/My", Needs::Any(&[ENROLLMENT_CSR])),
    on("GET", "/Enrollment/PFX/Context/My", Needs::Any(&[ENROLLMENT_PFX])),
    on("POST", "/Enrollment/PFX/Deploy", DEPLOY),
    on("POST", "/Enrollment/PFX/Replace", DEPLOY),
    on("POST", "/Enrollment/Renew", Needs::All(&[ENROLLMENT_PFX, CERTIFICATES_READ])),
    on("DELETE", "/EnrollmentPatterns/{id}", CHANGE_PATTERNS),
    on("GET", "/EnrollmentPatterns", Needs::Any(&[PATTERNS_READ])),
    on("GET", "/EnrollmentPatterns/SubjectParts", Needs::Nothing),
    on("GET", "/EnrollmentPatterns/{id}", Needs::Any(&[PATTERNS_READ])),
    on("GET", "/EnrollmentPatterns/{id}/Settings", USE_PATTERNS),
    on("POST", "/EnrollmentPatterns", CHANGE_PATTERNS),
    on("PUT", "/EnrollmentPatterns", CHANGE_PATTERNS),
    on("PUT", "/EnrollmentPatterns/{id}", CHANGE_PATTERNS),
    on("GET", "/Templates", Needs::Any(&[TEMPLATES_READ])),
    on("GET", "/Templates/SubjectParts", Needs::Nothing),
    on("GET", "/Templates/{id}", Needs::Any(&[TEMPLATES_READ])),
    on("PUT", "/Templates", Needs::Any(&[TEMPLATES_MODIFY])),
    on("DELETE", "/MetadataFields", FIELDS),
    on("DELETE", "/MetadataFields/{id}", FIELDS),
    on("POST", "/Enrollment/CSR", Needs::Any(&[ENROLLMENT_CSR])),
    on("POST", "/Enrollment/CSR/Parse", ENROL),
    on("POST", "/Enrollment/PFX", Needs::Any(&[ENROLLMENT_PFX])),
    on("GET", "/MetadataFields", Needs::Nothing),
    on("GET", "/MetadataFields/{id}", Needs::Nothing),
    on("GET", "/MetadataFields/{id}/InUse", Needs::Any(&[METADATA_TYPES_READ])),
    on("POST", "/MetadataFields", FIELDS),
    on("PUT", "/MetadataFields", FIELDS),
    on("DELETE", "/PermissionSets/{id}", CHANGE_SEEN_SECURITY),
    on("GET", "/PermissionSets", SECURITY),
    on("GET", "/PermissionSets/My", Needs::Nothing),
    on("GET", "/PermissionSets/{id}", SECURITY),
    on("POST", "/PermissionSets", CHANGE_SECURITY),
    on("PUT", "/PermissionSets", CHANGE_SEEN_SECURITY),
    on("DELETE", "/Security/Claims/{id}", CHANGE_SECURITY),
    on("DELETE", "/Security/Identities/{id}", CHANGE_SEEN_SECURITY),
    on("DELETE", "/Security/Roles/{id}", CHANGE_SECURITY),
    on("GET", "/Security/Claims", SECURITY),
    on("GET", "/Security/Claims/{id}", SECURITY),
    on("GET", "/Security/Identities", SECURITY),
    on("GET", "/Security/Identities/Lookup", SECURITY),
    on("GET", "/Security/Identities/{id}", SECURITY),
    on("GET", "/Security/Roles", SECURITY),
    on("GET", "/Security/Roles/{id}", SECURITY),
    on("GET", "/Security/Roles/{id}/Identities", SECURITY),
    on("GET", "/Security/Roles/{id}/Permissions", SECURITY),
    on("GET", "/Security/Roles/{id}/Permissions/Collections", SECURITY),
    on("GET", "/Security/Roles/{id}/Permissions/Containers", SECURITY),
    on("GET", "/Security/Roles/{id}/Permissions/Global", SECURITY),
    on("POST", "/Security/Claims", CHANGE_SECURITY),
    on("POST", "/Security/Identities", CHANGE_SECURITY),
    on("POST", "/Security/Roles", CHANGE_SECURITY),
    on("POST", "/Security/Roles/{id}/Copy", CHANGE_SEEN_SECURITY),
    on("POST", "/Security/Roles/{id}/Permissions/Collections", CHANGE_SEEN_SECURITY),
    on("POST", "/Security/Roles/{id}/Permissions/Containers", CHANGE_SEEN_SECURITY),
    on("POST", "/Security/Roles/{id}/Permissions/Global", CHANGE_SEEN_SECURITY),
    on("PUT", "/Security/Claims", CHANGE_SEEN_SECURITY),
    on("PUT", "/Security/Roles", CHANGE_SEEN_SECURITY),
    on("PUT", "/Security/Roles/{id}/Identities", CHANGE_SEEN_SECURITY),
    on("PUT", "/Security/Roles/{id}/Permissions/Collections", CHANGE_SEEN_SECURITY),
    on("PUT", "/Security/Roles/{id}/Permissions/Containers", CHANGE_SEEN_SECURITY),
    on("PUT", "/Security/Roles/{id}/Permissions/Global", CHANGE_SEEN_SECURITY),
    on("GET", "/IdentityProviders", PROVIDERS),
    on("GET", "/IdentityProviders/Types", PROVIDERS),
    on("GET", "/IdentityProviders/{id}", PROVIDERS),
    on("POST", "/IdentityProviders", CHANGE_PROVIDERS),
    on("PUT", "/IdentityProviders/{id}", CHANGE_PROVIDERS),
    on("GET", "/Status/Endpoints", Needs::Nothing),
    on("GET", "/Status/HealthCheck", Needs::Nothing),
];
