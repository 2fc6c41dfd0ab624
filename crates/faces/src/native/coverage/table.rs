//! Every operation of the native API, what it needs, and a request that succeeds.

use certhold_domain::access::paths::{
    AUDITING_READ, CERTIFICATES_CHANGE_OWNER, CERTIFICATES_DELETE, CERTIFICATES_EXCLUDE, CERTIFICATES_IMPORT,
    CERTIFICATES_METADATA_MODIFY, CERTIFICATES_READ, CERTIFICATES_REVOKE, COLLECTIONS_MODIFY, DEPLOYMENT_MODIFY,
    DNS_PROVIDERS_MODIFY, DNS_PROVIDERS_READ, ENROLLMENT_PFX, IDENTITY_PROVIDERS_MODIFY, IDENTITY_PROVIDERS_READ, ISSUERS_MODIFY,
    ISSUERS_READ, KEY_REQUESTS_MODIFY, KEY_REQUESTS_READ, METADATA_TYPES_MODIFY, METADATA_TYPES_READ, PATTERNS_MODIFY,
    PATTERNS_READ, PRIVATE_KEY_DELETE, PRIVATE_KEY_READ, RENEWAL_MODIFY, RENEWAL_READ, RENEWAL_RUN, SECURITY_MODIFY,
    SECURITY_READ, STORES_MODIFY, STORES_READ, STORES_SCHEDULE, SYSTEM_MODIFY, SYSTEM_READ, TEMPLATES_MODIFY, TEMPLATES_READ,
    TRUST_SETS_MODIFY,
};
use serde_json::{Value, json};

use crate::testing::sample_pem;

/// Whom an operation serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Everybody, with or without credentials.
    Nobody,
    /// Everybody with valid credentials.
    Anybody,
    /// Whoever holds all of these.
    All(&'static [&'static str]),
}

/// One operation.
pub struct Endpoint {
    pub method: &'static str,
    /// The path as in the description; `{id}` stands for the object named by the segment before it.
    pub path: &'static str,
    pub needs: Needs,
    pub body: Option<fn() -> Value>,
    /// The status for somebody who holds exactly what it needs.
    pub status: u16,
}

const fn reads(path: &'static str, needs: &'static [&'static str]) -> Endpoint {
    Endpoint { method: "GET", path, needs: Needs::All(needs), body: None, status: 200 }
}

const fn sends(
    method: &'static str,
    path: &'static str,
    needs: &'static [&'static str],
    body: fn() -> Value,
    status: u16,
) -> Endpoint {
    Endpoint { method, path, needs: Needs::All(needs), body: Some(body), status }
}

const fn acts(method: &'static str, path: &'static str, needs: &'static [&'static str], status: u16) -> Endpoint {
    Endpoint { method, path, needs: Needs::All(needs), body: None, status }
}

const fn anybody(method: &'static str, path: &'static str, status: u16) -> Endpoint {
    Endpoint { method, path, needs: Needs::Anybody, body: None, status }
}

/// In an order in which each finds what it needs: what removes comes last.
pub const ENDPOINTS: &[Endpoint] = &[
    reads("/certificates", &[CERTIFICATES_READ]),
    sends("POST", "/certificates", &[CERTIFICATES_IMPORT], || json!({ "content": sample_pem(500) }), 200),
    reads("/certificates/facets", &[CERTIFICATES_READ]),
    reads("/certificates/{id}", &[CERTIFICATES_READ]),
    sends("PUT", "/certificates/{id}/owner", &[CERTIFICATES_CHANGE_OWNER], || json!({ "owner": null }), 204),
    reads("/certificates/{id}/facts", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/metadata", &[CERTIFICATES_READ]),
    sends(
        "PATCH",
        "/certificates/{id}/metadata",
        &[CERTIFICATES_METADATA_MODIFY],
        || json!({ "metadata": { "Team": "Web" } }),
        204,
    ),
    sends("PUT", "/certificates/{id}/metadata", &[CERTIFICATES_METADATA_MODIFY], || json!({ "metadata": { "Team": "" } }), 204),
    reads("/certificates/{id}/history", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/access", &[SECURITY_READ, CERTIFICATES_READ]),
    reads("/certificates/{id}/revocation", &[CERTIFICATES_READ]),
    sends(
        "POST",
        "/certificates/{id}/revocation",
        &[CERTIFICATES_REVOKE],
        || json!({ "reason": "certificateHold", "comment": "covered" }),
        204,
    ),
    sends("POST", "/certificates/{id}/release", &[CERTIFICATES_REVOKE], || json!({ "comment": "covered" }), 204),
    reads("/certificates/{id}/chains", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/trust", &[CERTIFICATES_READ]),
    reads("/authorities", &[ISSUERS_READ]),
    sends(
        "POST",
        "/authorities",
        &[ISSUERS_MODIFY],
        || json!({ "name": "Covered", "subject": "CN=Covered, O=Example", "base_url": "http://pki.example.org" }),
        201,
    ),
    reads("/authorities/{id}", &[ISSUERS_READ]),
    sends(
        "POST",
        "/authorities/{id}/certificates",
        &[ENROLLMENT_PFX],
        || json!({ "names": ["covered.example.org", "ip:192.0.2.7"], "profile": "server_client" }),
        201,
    ),
    sends(
        "POST",
        "/enrolments",
        &[ENROLLMENT_PFX],
        || json!({ "template": "server", "names": ["enrolled.example.org"], "authority": 1 }),
        201,
    ),
    reads("/certificates/{id}/renewal", &[CERTIFICATES_READ]),
    // What nobody here issued is not renewed; whoever may not renew hears nothing of that.
    acts("POST", "/certificates/{id}/renewal", &[ENROLLMENT_PFX, CERTIFICATES_READ], 409),
    reads("/enrolment-patterns", &[PATTERNS_READ]),
    sends("POST", "/enrolment-patterns", &[PATTERNS_MODIFY], || json!({ "name": "Second", "template": "mail" }), 201),
    reads("/enrolment-patterns/{id}", &[PATTERNS_READ]),
    sends("PUT", "/enrolment-patterns/{id}", &[PATTERNS_MODIFY], || json!({ "name": "Renamed", "template": "mail" }), 204),
    acts("DELETE", "/enrolment-patterns/{id}", &[PATTERNS_MODIFY], 204),
    reads("/certificate-templates", &[TEMPLATES_READ]),
    sends("PUT", "/certificate-templates/{id}", &[TEMPLATES_MODIFY], || json!({ "owner_policy": "optional" }), 204),
    acts("POST", "/authorities/{id}/retire", &[ISSUERS_MODIFY], 204),
    reads("/trust-sets", &[CERTIFICATES_READ]),
    sends("POST", "/trust-sets", &[TRUST_SETS_MODIFY], || json!({ "name": "Second", "certificates": [] }), 201),
    reads("/trust-sets/{id}", &[CERTIFICATES_READ]),
    reads("/trust-sets/{id}/certificates", &[CERTIFICATES_READ]),
    sends("PUT", "/trust-sets/{id}", &[TRUST_SETS_MODIFY], || json!({ "name": "Renamed", "certificates": [] }), 204),
    acts("DELETE", "/trust-sets/{id}", &[TRUST_SETS_MODIFY], 204),
    reads("/certificates/{id}/pem", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/der", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/chain", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/collections", &[CERTIFICATES_READ]),
    reads("/certificates/{id}/locations", &[CERTIFICATES_READ]),
    reads("/containers", &[STORES_READ]),
    sends("POST", "/containers", &[STORES_MODIFY], || json!({ "name": "Second", "schedule": "daily 03:15" }), 201),
    reads("/containers/{id}", &[STORES_READ]),
    sends("PUT", "/containers/{id}", &[STORES_MODIFY], || json!({ "name": "Renamed" }), 204),
    reads("/certificate-stores", &[STORES_READ]),
    sends("POST", "/certificate-stores", &[STORES_MODIFY], || pem_store("Second", "/srv/tls/second"), 201),
    reads("/certificate-stores/{id}", &[STORES_READ]),
    sends("PUT", "/certificate-stores/{id}", &[STORES_MODIFY], || pem_store("Renamed", "/srv/tls/first"), 204),
    sends("PUT", "/certificate-stores/container", &[STORES_MODIFY], || json!({ "stores": [1], "container": 1 }), 204),
    sends("PUT", "/certificate-stores/{id}/schedule", &[STORES_SCHEDULE], || json!({ "schedule": "every 2h" }), 204),
    reads("/certificate-stores/{id}/inventory", &[STORES_READ]),
    reads("/certificate-stores/{id}/jobs", &[STORES_READ]),
    reads("/certificate-stores/{id}/jobs/{job}", &[STORES_READ]),
    // Nothing has failed in this house.
    acts("POST", "/certificate-stores/{id}/jobs/{job}/retry", &[STORES_SCHEDULE], 409),
    acts("POST", "/certificate-stores/{id}/jobs/{job}/cancel", &[STORES_SCHEDULE], 204),
    acts("POST", "/certificate-stores/{id}/inventory", &[STORES_SCHEDULE], 202),
    sends(
        "POST",
        "/certificate-stores/{id}/certificates",
        &[STORES_MODIFY, CERTIFICATES_READ],
        || json!({ "certificate": 1, "alias": "shop.example.com" }),
        202,
    ),
    sends("POST", "/certificate-stores/{id}/removals", &[STORES_MODIFY], || json!({ "alias": "shop.example.com" }), 202),
    acts("DELETE", "/certificate-stores/{id}", &[STORES_MODIFY], 204),
    acts("DELETE", "/containers/{id}", &[STORES_MODIFY], 204),
    anybody("GET", "/query/fields", 200),
    Endpoint {
        method: "POST",
        path: "/query/check",
        needs: Needs::Anybody,
        body: Some(|| json!({ "query": "IssuedCN -eq \"x\"" })),
        status: 200,
    },
    anybody("GET", "/query/complete", 200),
    anybody("GET", "/views", 200),
    sends("POST", "/views", &[CERTIFICATES_READ], || json!({ "name": "Mine", "parameters": { "filter": "expired" } }), 201),
    // Everybody sees their own only.
    anybody("GET", "/views/{id}", 404),
    sends("PUT", "/views/{id}", &[CERTIFICATES_READ], || json!({ "name": "Other" }), 404),
    acts("DELETE", "/views/{id}", &[CERTIFICATES_READ], 404),
    reads("/collections", &[CERTIFICATES_READ]),
    sends("POST", "/collections", &[COLLECTIONS_MODIFY], || json!({ "name": "Second", "query": "IsCA -eq true" }), 201),
    reads("/collections/{id}", &[CERTIFICATES_READ]),
    sends("PUT", "/collections/{id}", &[COLLECTIONS_MODIFY], || json!({ "name": "Renamed", "query": "" }), 204),
    sends("POST", "/collections/{id}/copy", &[COLLECTIONS_MODIFY, CERTIFICATES_READ], || json!({ "name": "Third" }), 201),
    acts("PUT", "/collections/{id}/favourite", &[CERTIFICATES_READ], 204),
    acts("DELETE", "/collections/{id}/favourite", &[CERTIFICATES_READ], 204),
    reads("/collections/{id}/roles", &[CERTIFICATES_READ, SECURITY_READ]),
    reads("/certificates/{id}/download", &[CERTIFICATES_READ]),
    sends(
        "POST",
        "/certificates/{id}/export",
        &[PRIVATE_KEY_READ, CERTIFICATES_READ],
        || json!({ "format": "pem", "reason": "a test" }),
        200,
    ),
    sends(
        "POST",
        "/certificates/{id}/private-key/destroy",
        &[PRIVATE_KEY_DELETE, CERTIFICATES_READ],
        || json!({ "reason": "a test" }),
        204,
    ),
    reads("/key-requests", &[KEY_REQUESTS_READ]),
    sends("POST", "/key-requests", &[KEY_REQUESTS_MODIFY], || json!({ "names": ["new.example.com"] }), 201),
    reads("/key-requests/{id}", &[KEY_REQUESTS_READ]),
    acts("DELETE", "/key-requests/{id}", &[KEY_REQUESTS_MODIFY], 204),
    anybody("GET", "/metadata-fields", 200),
    sends("POST", "/metadata-fields", &[METADATA_TYPES_MODIFY], || json!({ "name": "Second", "type": "integer" }), 201),
    anybody("GET", "/metadata-fields/{id}", 200),
    sends("PUT", "/metadata-fields/{id}", &[METADATA_TYPES_MODIFY], || json!({ "name": "Team", "type": "string" }), 204),
    anybody("GET", "/owner-policy", 200),
    sends("PUT", "/owner-policy", &[SYSTEM_MODIFY], || json!({ "policy": "optional" }), 204),
    reads("/metadata-fields/{id}/usage", &[METADATA_TYPES_READ]),
    sends(
        "POST",
        "/metadata-fields/{id}/conversion",
        &[METADATA_TYPES_READ, CERTIFICATES_READ],
        || json!({ "name": "Team", "type": "email" }),
        200,
    ),
    sends("POST", "/bulk-edits/preview", &[CERTIFICATES_READ, CERTIFICATES_METADATA_MODIFY], bulk_edit, 200),
    sends("POST", "/bulk-edits", &[CERTIFICATES_READ, CERTIFICATES_METADATA_MODIFY], bulk_edit, 201),
    anybody("GET", "/bulk-edits", 200),
    reads("/bulk-edits/{id}", &[SYSTEM_READ]),
    acts("POST", "/bulk-edits/{id}/cancel", &[CERTIFICATES_METADATA_MODIFY], 204),
    reads("/managed-certificates", &[RENEWAL_READ]),
    sends(
        "POST",
        "/managed-certificates",
        &[RENEWAL_MODIFY],
        || json!({ "names": ["new.example.com"], "issuer": 1, "dns_provider": 1, "key_kind": "p384" }),
        201,
    ),
    reads("/managed-certificates/{id}", &[RENEWAL_READ]),
    acts("POST", "/managed-certificates/{id}/pause", &[RENEWAL_MODIFY], 204),
    acts("POST", "/managed-certificates/{id}/resume", &[RENEWAL_MODIFY], 204),
    acts("POST", "/managed-certificates/{id}/renew", &[RENEWAL_RUN], 202),
    reads("/managed-certificates/{id}/log", &[RENEWAL_READ]),
    reads("/managed-certificates/{id}/orders", &[RENEWAL_READ]),
    reads("/managed-certificates/{id}/versions", &[RENEWAL_READ, CERTIFICATES_READ]),
    reads("/managed-certificates/{id}/deployments", &[RENEWAL_READ]),
    sends(
        "POST",
        "/managed-certificates/{id}/deployments",
        &[DEPLOYMENT_MODIFY],
        || json!({ "name": "second", "settings": { "full_chain": "/etc/ssl/second.pem", "command": ["/bin/true"] } }),
        201,
    ),
    acts("POST", "/deployments/{id}/run", &[DEPLOYMENT_MODIFY], 202),
    acts("DELETE", "/deployments/{id}", &[DEPLOYMENT_MODIFY], 204),
    reads("/issuers", &[ISSUERS_READ]),
    sends(
        "POST",
        "/issuers",
        &[ISSUERS_MODIFY],
        || json!({ "name": "Second", "directory": "https://acme.example/dir", "contacts": ["ops@example.com"] }),
        201,
    ),
    reads("/issuers/{id}", &[ISSUERS_READ]),
    reads("/dns-providers", &[DNS_PROVIDERS_READ]),
    sends("POST", "/dns-providers", &[DNS_PROVIDERS_MODIFY], || dns_provider("Second"), 201),
    reads("/dns-providers/{id}", &[DNS_PROVIDERS_READ]),
    sends("PUT", "/dns-providers/{id}", &[DNS_PROVIDERS_MODIFY], || dns_provider("Renamed"), 204),
    anybody("GET", "/dns-provider-kinds", 200),
    reads("/roles", &[SECURITY_READ]),
    anybody("GET", "/roles/assignable", 200),
    sends("POST", "/roles", &[SECURITY_MODIFY], || json!({ "name": "Second", "permissions": [] }), 201),
    reads("/roles/{id}", &[SECURITY_READ]),
    sends("PUT", "/roles/{id}", &[SECURITY_MODIFY], || json!({ "name": "Renamed", "permissions": [] }), 204),
    reads("/roles/{id}/holders", &[SECURITY_READ]),
    acts("PUT", "/roles/{id}/holders/{principal}", &[SECURITY_MODIFY], 204),
    acts("DELETE", "/roles/{id}/holders/{principal}", &[SECURITY_MODIFY], 204),
    anybody("GET", "/permissions", 200),
    reads("/permission-sets", &[SECURITY_READ]),
    sends("POST", "/permission-sets", &[SECURITY_MODIFY], || json!({ "name": "Second", "permissions": [] }), 201),
    reads("/permission-sets/{id}", &[SECURITY_READ]),
    sends("PUT", "/permission-sets/{id}", &[SECURITY_MODIFY], || json!({ "name": "Renamed", "permissions": [] }), 200),
    acts("DELETE", "/permission-sets/{id}", &[SECURITY_MODIFY], 204),
    reads("/claims", &[SECURITY_READ]),
    sends("POST", "/claims", &[SECURITY_MODIFY], || json!({ "type": "group", "value": "second", "provider": "corporate" }), 201),
    reads("/claims/{id}", &[SECURITY_READ]),
    sends("PUT", "/claims/{id}", &[SECURITY_MODIFY], || json!({ "description": "other" }), 204),
    acts("PUT", "/claims/{id}/roles/{role}", &[SECURITY_MODIFY], 204),
    acts("DELETE", "/claims/{id}/roles/{role}", &[SECURITY_MODIFY], 204),
    acts("DELETE", "/claims/{id}", &[SECURITY_MODIFY], 204),
    reads("/identity-providers", &[IDENTITY_PROVIDERS_READ]),
    sends("POST", "/identity-providers", &[IDENTITY_PROVIDERS_MODIFY], || identity_provider("Second"), 201),
    reads("/identity-providers/{id}", &[IDENTITY_PROVIDERS_READ]),
    sends("PUT", "/identity-providers/{id}", &[IDENTITY_PROVIDERS_MODIFY], || json!({ "audiences": ["other"] }), 204),
    reads("/identity-providers/{id}/accounts", &[IDENTITY_PROVIDERS_READ, SECURITY_READ]),
    sends(
        "POST",
        "/identity-providers/{id}/accounts",
        &[IDENTITY_PROVIDERS_READ, SECURITY_MODIFY],
        || json!({ "subject": "kim", "kind": "person" }),
        201,
    ),
    acts("DELETE", "/identity-providers/{id}", &[IDENTITY_PROVIDERS_MODIFY], 204),
    // Everybody may ask about themselves; without an action there is no question.
    anybody("GET", "/access/why", 400),
    reads("/access/review", &[SECURITY_READ]),
    sends("POST", "/access/review/export", &[SECURITY_READ], || json!({ "action": null }), 200),
    reads("/principals", &[SECURITY_READ]),
    sends(
        "POST",
        "/principals",
        &[SECURITY_MODIFY],
        || json!({ "kind": "person", "name": "eve", "password": "a long password" }),
        201,
    ),
    reads("/principals/{id}", &[SECURITY_READ]),
    reads("/principals/{id}/roles", &[SECURITY_READ]),
    reads("/principals/{id}/tokens", &[SECURITY_READ]),
    sends(
        "POST",
        "/principals/{id}/tokens",
        &[SECURITY_MODIFY],
        || json!({ "name": "second", "scopes": ["/certificates/"], "expires_at": "2099-01-01T00:00:00Z" }),
        201,
    ),
    acts("DELETE", "/tokens/{id}", &[SECURITY_MODIFY], 204),
    reads("/principals/{id}/api-clients", &[SECURITY_READ]),
    sends(
        "POST",
        "/principals/{id}/api-clients",
        &[SECURITY_MODIFY],
        || json!({ "name": "second", "scopes": ["/certificates/"] }),
        201,
    ),
    acts("POST", "/api-clients/{id}/secret", &[SECURITY_MODIFY], 200),
    acts("DELETE", "/api-clients/{id}", &[SECURITY_MODIFY], 204),
    reads("/principals/{id}/sessions", &[SECURITY_READ]),
    Endpoint {
        method: "POST",
        path: "/sessions",
        needs: Needs::Nobody,
        body: Some(|| json!({ "name": "admin", "password": crate::testing::PASSWORD })),
        status: 201,
    },
    acts("DELETE", "/sessions/{id}", &[SECURITY_MODIFY], 204),
    acts("DELETE", "/principals/{id}/sessions", &[SECURITY_MODIFY], 204),
    sends("PUT", "/principals/{id}/password", &[SECURITY_MODIFY], || json!({ "password": "another long one" }), 204),
    // An API token is no session.
    anybody("DELETE", "/sessions/current", 409),
    acts("POST", "/principals/{id}/disable", &[SECURITY_MODIFY], 204),
    acts("POST", "/principals/{id}/enable", &[SECURITY_MODIFY], 204),
    anybody("GET", "/me", 200),
    // An API token changes no password.
    Endpoint {
        method: "PUT",
        path: "/me/password",
        needs: Needs::Anybody,
        body: Some(|| json!({ "current_password": "not mine", "password": "another long one" })),
        status: 403,
    },
    reads("/events", &[AUDITING_READ]),
    reads("/events/{id}", &[AUDITING_READ]),
    reads("/events/verification", &[AUDITING_READ]),
    sends("POST", "/events/verification", &[AUDITING_READ], || json!({ "checkpoints": [] }), 200),
    reads("/events/export", &[AUDITING_READ]),
    // Nothing is signed in this house.
    Endpoint { method: "GET", path: "/events/checkpoint", needs: Needs::All(&[AUDITING_READ]), body: None, status: 404 },
    acts("POST", "/events/checkpoint", &[AUDITING_READ], 404),
    reads("/system", &[SYSTEM_READ]),
    reads("/master-keys", &[SYSTEM_READ]),
    acts("POST", "/master-keys", &[SYSTEM_MODIFY], 202),
    // The rotation is under way and nobody works on it here.
    acts("DELETE", "/master-keys/{id}", &[SYSTEM_MODIFY], 409),
    anybody("GET", "/findings", 200),
    reads("/overview", &[CERTIFICATES_READ]),
    reads("/jobs", &[SYSTEM_READ]),
    acts("DELETE", "/managed-certificates/{id}", &[RENEWAL_MODIFY], 204),
    acts("DELETE", "/certificates/{id}", &[CERTIFICATES_DELETE], 204),
    // The certificate is gone by then, and no exclusion is there.
    acts("POST", "/certificates/{id}/exclude", &[CERTIFICATES_EXCLUDE], 404),
    reads("/exclusions", &[CERTIFICATES_EXCLUDE]),
    acts("DELETE", "/exclusions/{id}", &[CERTIFICATES_EXCLUDE], 404),
    acts("DELETE", "/metadata-fields/{id}", &[METADATA_TYPES_MODIFY], 204),
    acts("DELETE", "/issuers/{id}", &[ISSUERS_MODIFY], 204),
    acts("DELETE", "/dns-providers/{id}", &[DNS_PROVIDERS_MODIFY], 204),
    acts("DELETE", "/collections/{id}", &[COLLECTIONS_MODIFY], 204),
    acts("DELETE", "/roles/{id}", &[SECURITY_MODIFY], 204),
];

pub fn dns_provider(name: &str) -> Value {
    json!({ "name": name, "kind": "powerdns", "settings": { "url": "http://127.0.0.1:8081", "api_key": "pdns-secret" } })
}

fn pem_store(name: &str, path: &str) -> Value {
    json!({ "name": name, "kind": "pem-directory", "path": path })
}

fn bulk_edit() -> Value {
    json!({ "filter": {}, "edit": { "kind": "metadata", "changes": [{ "field": "Team", "value": "Web" }] } })
}

/// An identity provider that nobody asks anything.
pub fn identity_provider(name: &str) -> Value {
    json!({ "name": name, "issuer": format!("https://{name}.sso.example.org"), "audiences": ["certhold"] })
}
