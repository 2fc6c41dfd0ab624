//! Every kind of event, named `object.what_happened`.

/// The server was started for the first time on this database.
pub const INSTALLATION_CREATED: &str = "installation.created";
/// A certificate entered the inventory.
pub const CERTIFICATE_IMPORTED: &str = "certificate.imported";
/// A certificate's owner role changed.
pub const CERTIFICATE_OWNER_CHANGED: &str = "certificate.owner_changed";
/// Whether every certificate needs an owner changed.
pub const OWNER_POLICY_CHANGED: &str = "owner_policy.changed";
/// A private authority issued a certificate.
pub const CERTIFICATE_ISSUED: &str = "certificate.issued";
/// A private certification authority was made.
pub const AUTHORITY_CREATED: &str = "authority.created";
/// A private certification authority issues nothing more.
pub const AUTHORITY_RETIRED: &str = "authority.retired";
/// A private certification authority published a revocation list.
pub const REVOCATION_LIST_PUBLISHED: &str = "revocation_list.published";
/// A certificate was removed from the inventory.
pub const CERTIFICATE_DELETED: &str = "certificate.deleted";
/// A certificate that this one renewed, or that renewed this one, was removed from the inventory.
pub const CERTIFICATE_NEIGHBOUR_DELETED: &str = "certificate.neighbour_deleted";
/// A certificate was removed so that no import brings it back.
pub const EXCLUSION_CREATED: &str = "exclusion.created";
/// A certificate may be imported again.
pub const EXCLUSION_DELETED: &str = "exclusion.deleted";
/// A certificate was recorded as revoked; the payload says whether its issuer is told.
pub const CERTIFICATE_REVOKED: &str = "certificate.revoked";
/// The issuer of a revoked certificate is asked once more to revoke it.
pub const REVOCATION_REQUESTED: &str = "certificate.revocation_requested";
/// The issuer of a certificate has revoked it.
pub const REVOCATION_CONFIRMED: &str = "certificate.revocation_confirmed";
/// The issuer of a certificate did not revoke it; where that may help, it is asked again.
pub const REVOCATION_FAILED: &str = "certificate.revocation_failed";
/// A certificate's hold was recorded as ended.
pub const CERTIFICATE_RELEASED: &str = "certificate.released";
/// A collection was created.
pub const COLLECTION_CREATED: &str = "collection.created";
/// A collection's name, description, query or settings changed.
pub const COLLECTION_CHANGED: &str = "collection.changed";
/// A collection was removed; the certificates stay.
pub const COLLECTION_DELETED: &str = "collection.deleted";
/// Somebody marked a collection as a favourite, or took the mark away.
pub const COLLECTION_FAVOURITE_CHANGED: &str = "collection.favourite_changed";
/// Somebody saved a view of the inventory.
pub const VIEW_CREATED: &str = "view.created";
/// Somebody changed a saved view.
pub const VIEW_CHANGED: &str = "view.changed";
/// Somebody removed a saved view.
pub const VIEW_DELETED: &str = "view.deleted";
/// What is noted about a certificate changed.
pub const CERTIFICATE_METADATA_CHANGED: &str = "certificate.metadata_changed";
/// A private key came into custody together with a certificate.
pub const PRIVATE_KEY_IMPORTED: &str = "private_key.imported";
/// A private key was made in custody.
pub const PRIVATE_KEY_GENERATED: &str = "private_key.generated";
/// A private key left custody; the payload has the reason and the format.
pub const PRIVATE_KEY_EXPORTED: &str = "private_key.exported";
/// A private key in custody was destroyed.
pub const PRIVATE_KEY_DESTROYED: &str = "private_key.destroyed";
/// A key was made with a certificate signing request.
pub const KEY_REQUEST_CREATED: &str = "key_request.created";
/// A key request was removed; a key that waited for its certificate is destroyed.
pub const KEY_REQUEST_DELETED: &str = "key_request.deleted";
/// A managed certificate was created.
pub const MANAGED_CREATED: &str = "managed.created";
/// A managed certificate's plan changed.
pub const MANAGED_CHANGED: &str = "managed.changed";
/// Automatic renewal was paused.
pub const MANAGED_PAUSED: &str = "managed.paused";
/// Automatic renewal was resumed.
pub const MANAGED_RESUMED: &str = "managed.resumed";
/// A managed certificate was removed; its certificates stay in the inventory.
pub const MANAGED_DELETED: &str = "managed.deleted";
/// Somebody asked for a renewal now.
pub const RENEWAL_REQUESTED: &str = "renewal.requested";
/// An order was prepared: key and request are in custody.
pub const ORDER_PREPARED: &str = "order.prepared";
/// The authority accepted the order.
pub const ORDER_PLACED: &str = "order.placed";
/// The new version was obtained, checked and stored.
pub const RENEWAL_COMPLETED: &str = "renewal.completed";
/// An attempt to obtain the next version failed; it is tried again.
pub const RENEWAL_FAILED: &str = "renewal.failed";
/// A deployment was created.
pub const DEPLOYMENT_CREATED: &str = "deployment.created";
/// A deployment was removed.
pub const DEPLOYMENT_DELETED: &str = "deployment.deleted";
/// Somebody asked for a deployment now.
pub const DEPLOYMENT_REQUESTED: &str = "deployment.requested";
/// A version was installed and its command succeeded.
pub const DEPLOYMENT_COMPLETED: &str = "deployment.completed";
/// An installation or its command failed; it is tried again.
pub const DEPLOYMENT_FAILED: &str = "deployment.failed";
/// An issuer was created.
pub const ISSUER_CREATED: &str = "issuer.created";
/// The account at the authority was registered.
pub const ISSUER_REGISTERED: &str = "issuer.registered";
/// The authority no longer knew the account; another one is registered at the next attempt.
pub const ISSUER_ACCOUNT_FORGOTTEN: &str = "issuer.account_forgotten";
/// An issuer was removed.
pub const ISSUER_DELETED: &str = "issuer.deleted";
/// A DNS provider was created.
pub const DNS_PROVIDER_CREATED: &str = "dns_provider.created";
/// A DNS provider's settings or credentials changed.
pub const DNS_PROVIDER_CHANGED: &str = "dns_provider.changed";
/// A DNS provider was removed.
pub const DNS_PROVIDER_DELETED: &str = "dns_provider.deleted";
/// A person or service account was created.
pub const PRINCIPAL_CREATED: &str = "principal.created";
/// A person or service account was disabled; sessions and tokens end at once.
pub const PRINCIPAL_DISABLED: &str = "principal.disabled";
/// A person or service account was enabled again.
pub const PRINCIPAL_ENABLED: &str = "principal.enabled";
/// A password was changed; all sessions of the person end.
pub const PASSWORD_CHANGED: &str = "password.changed";
/// Somebody signed in.
pub const SIGN_IN_SUCCEEDED: &str = "sign_in.succeeded";
/// A sign-in failed.
pub const SIGN_IN_FAILED: &str = "sign_in.failed";
/// An account was locked for an address after too many failures.
pub const SIGN_IN_LOCKED: &str = "sign_in.locked";
/// Somebody signed out, or a session was ended.
pub const SESSION_ENDED: &str = "session.ended";
/// An API token was created.
pub const TOKEN_CREATED: &str = "token.created";
/// An API token was revoked.
pub const TOKEN_REVOKED: &str = "token.revoked";
/// An API client was created: an id and a secret for the token endpoint.
pub const API_CLIENT_CREATED: &str = "api_client.created";
/// An API client got another secret; the tokens it was given end.
pub const API_CLIENT_RENEWED: &str = "api_client.renewed";
/// An API client was revoked; the tokens it was given end.
pub const API_CLIENT_REVOKED: &str = "api_client.revoked";
/// An API client was given an access token.
pub const ACCESS_TOKEN_ISSUED: &str = "access_token.issued";
/// A role was created.
pub const ROLE_CREATED: &str = "role.created";
/// A role's name, description, set or permissions changed.
pub const ROLE_CHANGED: &str = "role.changed";
/// A role was removed.
pub const ROLE_DELETED: &str = "role.deleted";
/// Somebody was given a role.
pub const ROLE_ASSIGNED: &str = "role.assigned";
/// A role was taken from somebody.
pub const ROLE_WITHDRAWN: &str = "role.withdrawn";
/// A permission set was created.
pub const PERMISSION_SET_CREATED: &str = "permission_set.created";
/// A master key was made; the rotation to it has begun.
pub const MASTER_KEY_CREATED: &str = "master_key.created";
/// Every node holds the new master key: from now on it seals.
pub const MASTER_KEY_ACTIVATED: &str = "master_key.activated";
/// Every secret is sealed under the new master key.
pub const MASTER_KEY_ROTATED: &str = "master_key.rotated";
/// An old master key, which nothing needs any more, was let go of.
pub const MASTER_KEY_FORGOTTEN: &str = "master_key.forgotten";
/// The database was copied to a backup.
pub const BACKUP_COMPLETED: &str = "backup.completed";
/// The database was put back from a backup.
pub const BACKUP_RESTORED: &str = "backup.restored";
/// The database was moved to another engine.
pub const DATABASE_MOVED: &str = "database.moved";
/// Retention began to erase the contents of events up to the numbers given.
pub const RETENTION_BEGAN: &str = "retention.began";
/// Retention has erased the contents of events.
pub const RETENTION_COMPLETED: &str = "retention.completed";
/// A permission set's name or bound changed.
pub const PERMISSION_SET_CHANGED: &str = "permission_set.changed";
/// A permission set was removed.
pub const PERMISSION_SET_DELETED: &str = "permission_set.deleted";
/// A claim was created: what a sign-in may say of somebody.
pub const CLAIM_CREATED: &str = "claim.created";
/// A claim's description changed.
pub const CLAIM_CHANGED: &str = "claim.changed";
/// A claim was removed, and with it the roles held through it.
pub const CLAIM_DELETED: &str = "claim.deleted";
/// A claim was given a role.
pub const CLAIM_ASSIGNED: &str = "claim.assigned";
/// A role was taken from a claim.
pub const CLAIM_WITHDRAWN: &str = "claim.withdrawn";
/// An identity provider was configured: its tokens are accepted from now on.
pub const IDENTITY_PROVIDER_CREATED: &str = "identity_provider.created";
/// An identity provider changed, or was enabled or disabled.
pub const IDENTITY_PROVIDER_CHANGED: &str = "identity_provider.changed";
/// An identity provider was removed: its tokens are accepted no more.
pub const IDENTITY_PROVIDER_DELETED: &str = "identity_provider.deleted";
/// An account came to stand for somebody whom an identity provider knows.
pub const IDENTITY_LINKED: &str = "principal.identity_linked";
/// An access review was exported.
pub const ACCESS_REVIEW_EXPORTED: &str = "access_review.exported";
/// A metadata field was created.
pub const METADATA_FIELD_CREATED: &str = "metadata_field.created";
/// A metadata field changed.
pub const METADATA_FIELD_CHANGED: &str = "metadata_field.changed";
/// A metadata field was removed, with its values.
pub const METADATA_FIELD_DELETED: &str = "metadata_field.deleted";
/// An edit of many certificates was started.
pub const BULK_EDIT_STARTED: &str = "bulk_edit.started";
/// An edit of many certificates came to its end.
pub const BULK_EDIT_FINISHED: &str = "bulk_edit.finished";
/// Somebody cancelled an edit of many certificates; what it had done stays.
pub const BULK_EDIT_CANCELLED: &str = "bulk_edit.cancelled";
/// An edit of many certificates stopped by itself: whoever started it may not do it any more, or its selection changed.
pub const BULK_EDIT_STOPPED: &str = "bulk_edit.stopped";
/// A trust set was created.
pub const TRUST_SET_CREATED: &str = "trust_set.created";
/// A trust set's name, description or certificates changed.
pub const TRUST_SET_CHANGED: &str = "trust_set.changed";
/// A trust set was removed.
pub const TRUST_SET_DELETED: &str = "trust_set.deleted";
/// A container of certificate stores was created.
pub const CONTAINER_CREATED: &str = "container.created";
/// A container of certificate stores changed.
pub const CONTAINER_CHANGED: &str = "container.changed";
/// A container of certificate stores was removed; its stores stay.
pub const CONTAINER_DELETED: &str = "container.deleted";
/// A certificate store was created.
pub const STORE_CREATED: &str = "certificate_store.created";
/// A certificate store's settings, container, schedule or password changed.
pub const STORE_CHANGED: &str = "certificate_store.changed";
/// A certificate store was removed; its files stay.
pub const STORE_DELETED: &str = "certificate_store.deleted";
/// Somebody asked for something to be done with a certificate store.
pub const STORE_JOB_REQUESTED: &str = "certificate_store.job_requested";
/// What was asked for was done; of inventories by schedule only those that found a change.
pub const STORE_JOB_COMPLETED: &str = "certificate_store.job_completed";
/// What was asked for, or an inventory by schedule, failed; of inventories that fail alike only the first.
pub const STORE_JOB_FAILED: &str = "certificate_store.job_failed";
/// Somebody took back what had not begun yet.
pub const STORE_JOB_CANCELLED: &str = "certificate_store.job_cancelled";
/// A certificate was put, or found, into a certificate store.
pub const CERTIFICATE_INSTALLED: &str = "certificate.installed";
/// A certificate was taken out of a certificate store, or was no longer found there.
pub const CERTIFICATE_UNINSTALLED: &str = "certificate.uninstalled";
/// An enrolment pattern was created.
pub const PATTERN_CREATED: &str = "enrolment_pattern.created";
/// An enrolment pattern changed.
pub const PATTERN_CHANGED: &str = "enrolment_pattern.changed";
/// An enrolment pattern was removed.
pub const PATTERN_DELETED: &str = "enrolment_pattern.deleted";
/// What a certificate template asks of owners changed.
pub const TEMPLATE_CHANGED: &str = "certificate_template.changed";
/// A certificate was imported under a name.
pub const NAMED_IMPORTED: &str = "named_certificate.imported";
/// A name came to stand for another certificate, its next version.
pub const NAMED_REPLACED: &str = "named_certificate.replaced";
/// The certificates above the one that a name stands for are other ones now.
pub const NAMED_PATH: &str = "named_certificate.path_changed";
/// An identity that follows a managed certificate keeps what it stands for: the next version is not fit for where it is presented.
pub const NAMED_KEPT: &str = "named_certificate.kept";
/// An identity came to follow a managed certificate.
pub const NAMED_CHANGED: &str = "named_certificate.changed";
/// A certificate is under its name no more; it stays in the inventory.
pub const NAMED_DELETED: &str = "named_certificate.deleted";
/// What the listener presents, or what signs SAML messages, changed.
pub const ASSIGNMENT_CHANGED: &str = "assignment.changed";
/// A token was given for a name and a password.
pub const BOUND_TOKEN_ISSUED: &str = "bound_token.issued";
/// Somebody ended such a token before its time.
pub const BOUND_TOKEN_ENDED: &str = "bound_token.ended";
