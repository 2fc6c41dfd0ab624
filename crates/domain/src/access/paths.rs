//! The permission tree: every path the product asks for. A shorter path includes everything below it; `/` is everything.

/// Everything.
pub const ALL: &str = "/";
/// Sign in to the web pages.
pub const PORTAL_READ: &str = "/portal/read/";
/// See certificates and their history.
pub const CERTIFICATES_READ: &str = "/certificates/collections/read/";
/// Add certificates to the inventory.
pub const CERTIFICATES_IMPORT: &str = "/certificates/import/";
/// Change who owns a certificate; the caller must also hold the current and the new owner role.
pub const CERTIFICATES_CHANGE_OWNER: &str = "/certificates/collections/change_owner/";
/// Change owners between roles of a permission set without holding them; with the right to read security in the same role.
pub const EXPANDED_CHANGE_OWNER: &str = "/certificates/expanded_change_owner/";
/// Change who owns the certificates of certificate stores; the caller must also hold the current and the new owner role.
pub const STORES_CHANGE_OWNER: &str = "/certificate_stores/change_owner/";
/// See containers, certificate stores, what is in them and their jobs.
pub const STORES_READ: &str = "/certificate_stores/read/";
/// Take inventories of certificate stores and say when they are taken; includes seeing them.
pub const STORES_SCHEDULE: &str = "/certificate_stores/schedule/";
/// Create, change and remove containers and certificate stores, add and remove certificates; includes scheduling.
pub const STORES_MODIFY: &str = "/certificate_stores/modify/";
/// Remove certificates from the inventory.
pub const CERTIFICATES_DELETE: &str = "/certificates/collections/delete/";
/// Remove certificates and keep imports from bringing them back; let them be imported again.
pub const CERTIFICATES_EXCLUDE: &str = "/certificates/collections/delete_and_exclude/";
/// Revoke certificates of private authorities; record of any other that it is revoked.
pub const CERTIFICATES_REVOKE: &str = "/certificates/collections/revoke/";
/// Create, change and remove collections: what they contain decides what rights on them allow.
pub const COLLECTIONS_MODIFY: &str = "/certificates/collections/modify/";
/// Change what is noted about certificates.
pub const CERTIFICATES_METADATA_MODIFY: &str = "/certificates/collections/metadata/modify/";
/// Put private keys into custody together with certificates.
pub const PRIVATE_KEY_IMPORT: &str = "/certificates/collections/private_key/import/";
/// Take private keys out of custody.
pub const PRIVATE_KEY_READ: &str = "/certificates/collections/private_key/read/";
/// Destroy private keys in custody.
pub const PRIVATE_KEY_DELETE: &str = "/certificates/collections/private_key/delete/";
/// Have private authorities issue certificates for signing requests.
pub const ENROLLMENT_CSR: &str = "/certificates/enrollment/csr/";
/// Have private authorities issue certificates for keys that are made here.
pub const ENROLLMENT_PFX: &str = "/certificates/enrollment/pfx/";
/// Have keys made here with signing requests for enrolment, and see and remove those that one made.
pub const ENROLLMENT_CSR_GENERATION: &str = "/certificates/enrollment/csr_generation/";
/// See enrolment patterns.
pub const PATTERNS_READ: &str = "/enrollment_pattern/read/";
/// Create, change and remove enrolment patterns.
pub const PATTERNS_MODIFY: &str = "/enrollment_pattern/modify/";
/// See certificate templates.
pub const TEMPLATES_READ: &str = "/certificate_templates/read/";
/// Change what certificate templates ask of owners.
pub const TEMPLATES_MODIFY: &str = "/certificate_templates/modify/";
/// See keys made here that wait for their certificates, and their signing requests.
pub const KEY_REQUESTS_READ: &str = "/certificates/key_requests/read/";
/// Make keys with signing requests, and remove them.
pub const KEY_REQUESTS_MODIFY: &str = "/certificates/key_requests/modify/";
/// See certificates under names, and where identities are assigned.
pub const NAMED_READ: &str = "/named_certificates/read/";
/// Import, replace and delete certificates under names, and assign identities to what presents them; includes seeing them.
pub const NAMED_MODIFY: &str = "/named_certificates/modify/";
/// Create, change and remove trust sets.
pub const TRUST_SETS_MODIFY: &str = "/trust_sets/modify/";
/// See managed certificates, their orders and deployments.
pub const RENEWAL_READ: &str = "/renewal/read/";
/// Create and change managed certificates, pause and resume them.
pub const RENEWAL_MODIFY: &str = "/renewal/modify/";
/// Renew a managed certificate now.
pub const RENEWAL_RUN: &str = "/renewal/run/";
/// Create, change and run deployments: writes files and runs commands as the server's user.
pub const DEPLOYMENT_MODIFY: &str = "/renewal/deployments/modify/";
/// See issuers (ACME accounts).
pub const ISSUERS_READ: &str = "/certificate_authorities/read/";
/// Create, change and remove issuers.
pub const ISSUERS_MODIFY: &str = "/certificate_authorities/modify/";
/// See DNS providers, without their credentials.
pub const DNS_PROVIDERS_READ: &str = "/dns_providers/read/";
/// Create, change and remove DNS providers.
pub const DNS_PROVIDERS_MODIFY: &str = "/dns_providers/modify/";
/// See how metadata fields are used; the fields themselves are seen by everybody who is signed in.
pub const METADATA_TYPES_READ: &str = "/metadata/types/read/";
/// Create, change and remove metadata fields.
pub const METADATA_TYPES_MODIFY: &str = "/metadata/types/modify/";
/// See people, service accounts, roles and permission sets.
pub const SECURITY_READ: &str = "/security/read/";
/// Change people, service accounts, roles and permission sets. Nobody can grant what they do not hold.
pub const SECURITY_MODIFY: &str = "/security/modify/";
/// See identity providers.
pub const IDENTITY_PROVIDERS_READ: &str = "/identity_providers/read/";
/// Create, change and remove identity providers. Nobody changes one through which rights are held that they do not hold.
pub const IDENTITY_PROVIDERS_MODIFY: &str = "/identity_providers/modify/";
/// See all events and verify their chain.
pub const AUDITING_READ: &str = "/auditing/read/";
/// See jobs and the server's state.
pub const SYSTEM_READ: &str = "/system_settings/read/";
/// Rotate the master key and let go of old ones.
pub const SYSTEM_MODIFY: &str = "/system_settings/modify/";

/// Every path above with the sentence that explains it, for forms and documentation.
pub const CATALOGUE: &[(&str, &str)] = &[
    (ALL, "everything"),
    (PORTAL_READ, "sign in to the web pages"),
    (CERTIFICATES_READ, "see certificates and their history"),
    (CERTIFICATES_IMPORT, "add certificates to the inventory"),
    (CERTIFICATES_CHANGE_OWNER, "change a certificate's owner, between roles one holds"),
    (EXPANDED_CHANGE_OWNER, "change a certificate's owner, between roles of the same permission set"),
    (STORES_CHANGE_OWNER, "change the owner of certificates in certificate stores, between roles one holds"),
    (STORES_READ, "see certificate stores and what is in them"),
    (STORES_SCHEDULE, "take inventories of certificate stores, and schedule them"),
    (STORES_MODIFY, "create and change certificate stores, add and remove certificates (writes files on the server)"),
    (CERTIFICATES_DELETE, "remove certificates from the inventory"),
    (CERTIFICATES_EXCLUDE, "remove certificates and keep imports from bringing them back"),
    (CERTIFICATES_REVOKE, "revoke certificates of private authorities, and record it of others"),
    (COLLECTIONS_MODIFY, "create, change and remove collections"),
    (CERTIFICATES_METADATA_MODIFY, "change what is noted about certificates"),
    (PRIVATE_KEY_IMPORT, "put private keys into custody"),
    (PRIVATE_KEY_READ, "export private keys"),
    (PRIVATE_KEY_DELETE, "destroy private keys"),
    (ENROLLMENT_CSR, "have private authorities issue for signing requests"),
    (ENROLLMENT_PFX, "have private authorities issue for keys made here"),
    (ENROLLMENT_CSR_GENERATION, "make keys with signing requests for enrolment, see and remove one's own"),
    (PATTERNS_READ, "see enrolment patterns"),
    (PATTERNS_MODIFY, "create, change and remove enrolment patterns"),
    (TEMPLATES_READ, "see certificate templates"),
    (TEMPLATES_MODIFY, "change what certificate templates ask of owners"),
    (KEY_REQUESTS_READ, "see keys made here and their signing requests"),
    (KEY_REQUESTS_MODIFY, "make keys with signing requests, and remove them"),
    (NAMED_READ, "see certificates under names, and what presents them"),
    (NAMED_MODIFY, "import and delete certificates under names, and assign what the server presents"),
    (TRUST_SETS_MODIFY, "create, change and remove trust sets"),
    (RENEWAL_READ, "see managed certificates, orders and deployments"),
    (RENEWAL_MODIFY, "create and change managed certificates"),
    (RENEWAL_RUN, "renew a managed certificate now"),
    (DEPLOYMENT_MODIFY, "create and run deployments (writes files and runs commands on the server)"),
    (ISSUERS_READ, "see issuers"),
    (ISSUERS_MODIFY, "create and change issuers"),
    (DNS_PROVIDERS_READ, "see DNS providers, without credentials"),
    (DNS_PROVIDERS_MODIFY, "create and change DNS providers"),
    (METADATA_TYPES_READ, "see how metadata fields are used"),
    (METADATA_TYPES_MODIFY, "create, change and remove metadata fields"),
    (SECURITY_READ, "see people, service accounts, roles and permission sets"),
    (SECURITY_MODIFY, "change people, service accounts, roles and permission sets"),
    (IDENTITY_PROVIDERS_READ, "see identity providers"),
    (IDENTITY_PROVIDERS_MODIFY, "create, change and remove identity providers, whose tokens are accepted"),
    (AUDITING_READ, "see all events and verify their chain"),
    (SYSTEM_READ, "see jobs and the server's state"),
    (SYSTEM_MODIFY, "rotate the master key, and let go of old ones"),
];
