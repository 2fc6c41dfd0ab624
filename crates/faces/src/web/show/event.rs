//! An event as a line: who did what to what, and what changed.

use certhold_domain::events::{Event, names};
use certhold_domain::{ActorKind, hex};

use super::changes::{changes, cut};
use crate::web::refused::sentence;
use crate::web::view::event::EventLine;
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::Tone;

/// Characters of one value that are shown.
const VALUE_CHARS: usize = 200;

/// For a reader who looks at one object's own page: the object is not named again.
pub struct Here<'a> {
    /// Kind and number of the object whose page it is.
    pub object: Option<(&'a str, i64)>,
    /// Whether the reader may open the record.
    pub may_audit: bool,
    /// Unix milliseconds.
    pub now: i64,
}

/// Events as lines.
pub fn lines(events: &[Event], here: &Here<'_>) -> Vec<EventLine> {
    events.iter().map(|event| line(event, here)).collect()
}

fn line(event: &Event, here: &Here<'_>) -> EventLine {
    let (words, icon, tone) = appearance(&event.operation);
    let is_here = here.object.is_some_and(|(kind, id)| event.object_kind == kind && event.object == Some(id));
    let mut summary = summary(event, words);
    let object = if is_here { None } else { link(event) };
    let mut rest = rest(event);
    if is_here && !speaks_of_itself(event) {
        // "changed the collection" becomes "changed it", not "changed the collection it".
        let noun = format!(" the {}", kind(event)).to_ascii_lowercase();
        let cut = summary.to_ascii_lowercase().strip_suffix(noun.as_str()).map(str::len);
        summary.truncate(cut.unwrap_or(summary.len()));
        summary.push_str(" it");
    }
    if object.is_none() {
        if !is_here && !event.object_name.is_empty() && !speaks_of_itself(event) {
            summary = format!("{summary} {}", event.object_name);
        }
        if !rest.is_empty() {
            summary = format!("{summary} {}", std::mem::take(&mut rest));
        }
    }
    EventLine {
        number: event.seq,
        at: Moment::new(event.at, here.now),
        actor: actor(event),
        through: through(&event.face),
        operation: event.operation.clone(),
        summary,
        object,
        rest,
        tone,
        icon,
        detail: event.payload["error"].as_str().map(|error| sentence(&shortened(error))).unwrap_or_default(),
        changes: changes(&event.payload, VALUE_CHARS),
        record: here.may_audit.then(|| format!("/events/{}", event.seq)),
        digest: hex(&event.hash),
    }
}

fn actor(event: &Event) -> String {
    match event.actor_kind {
        ActorKind::System => "Certhold".into(),
        ActorKind::Local => format!("{} at the machine", event.actor_name),
        ActorKind::Anonymous => "Somebody".into(),
        ActorKind::Person | ActorKind::Service => event.actor_name.clone(),
    }
}

/// Through what something was done, in words.
pub fn through(face: &str) -> &'static str {
    match face {
        "web" => "through the pages",
        "native" => "through the API",
        "keyfactor" => "through the Keyfactor API",
        "arcgis" => "through the ArcGIS API",
        "cli" => "on the command line",
        "worker" => "through Certhold’s worker",
        "server" => "by the server itself",
        _ => "in a way this version does not know",
    }
}

/// What kind of thing an event is about, in words.
pub fn kind(event: &Event) -> String {
    match event.object_kind.as_str() {
        "principal" => "account".into(),
        "managed" => "managed certificate".into(),
        "dns_provider" => "DNS provider".into(),
        "api_client" => "API client".into(),
        "bulk_edit" => "edit of many".into(),
        other => other.replace('_', " "),
    }
}

/// What kind of actor did it, in words.
pub fn actor_kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Person => "person",
        ActorKind::Service => "service account",
        ActorKind::System => "no person: the server itself",
        ActorKind::Local => "somebody at the server’s machine",
        ActorKind::Anonymous => "not signed in",
    }
}

/// Whether the actor is the object: `admin signed in` needs no object.
fn speaks_of_itself(event: &Event) -> bool {
    event.object_kind == "principal" && event.actor.is_some_and(|actor| Some(actor.0) == event.object)
        || event.operation == names::INSTALLATION_CREATED
}

fn link(event: &Event) -> Option<Link> {
    let id = event.object?;
    if speaks_of_itself(event) || event.operation.ends_with(".deleted") && !event.operation.starts_with("deployment.") {
        return None;
    }
    let place = match event.object_kind.as_str() {
        "certificate" => "/certificates",
        "collection" => "/collections",
        "metadata_field" => "/metadata",
        "bulk_edit" => "/edits",
        "trust_set" => "/trust-sets",
        "managed" => "/managed",
        "key_request" => "/key-requests",
        "certificate_store" => "/stores",
        "container" => "/containers",
        "authority" => "/authorities",
        "enrolment_pattern" => "/patterns",
        "issuer" => "/issuers",
        "dns_provider" => "/dns-providers",
        "principal" => "/users",
        "role" => "/roles",
        "permission_set" => "/permission-sets",
        "claim" => "/claims",
        "identity_provider" => "/identity-providers",
        "master_key" => return Some(Link::new(&event.object_name, "/system")),
        _ => return None,
    };
    Some(Link::new(&event.object_name, format!("{place}/{id}")))
}

/// Words, symbol and tone of an operation.
fn appearance(operation: &str) -> (&'static str, &'static str, Tone) {
    use Tone::{Bad, Good, Neutral, Warn};
    match operation {
        names::INSTALLATION_CREATED => ("was started here for the first time", "mark", Neutral),
        names::CERTIFICATE_IMPORTED => ("imported", "import", Neutral),
        names::CERTIFICATE_OWNER_CHANGED => ("changed the owner of", "people", Neutral),
        names::CERTIFICATE_METADATA_CHANGED => ("changed what is noted about", "note", Neutral),
        names::METADATA_FIELD_CREATED => ("added the metadata field", "note", Neutral),
        names::METADATA_FIELD_CHANGED => ("changed the metadata field", "note", Neutral),
        names::METADATA_FIELD_DELETED => ("removed the metadata field", "close", Neutral),
        names::BULK_EDIT_STARTED => ("started the", "note", Neutral),
        names::BULK_EDIT_FINISHED => ("finished the", "check", Neutral),
        names::BULK_EDIT_CANCELLED => ("cancelled the", "close", Neutral),
        names::BULK_EDIT_STOPPED => ("stopped the", "stop", Bad),
        names::CERTIFICATE_DELETED => ("removed the certificate", "close", Neutral),
        names::CERTIFICATE_NEIGHBOUR_DELETED => ("removed a neighbour in the chain of renewals of", "close", Neutral),
        names::EXCLUSION_CREATED => ("excluded", "stop", Neutral),
        names::EXCLUSION_DELETED => ("let", "play", Neutral),
        names::CERTIFICATE_ISSUED => ("issued", "authority", Good),
        names::CERTIFICATE_REVOKED => ("revoked", "stop", Warn),
        names::REVOCATION_REQUESTED => ("asked the issuer once more to revoke", "stop", Neutral),
        names::REVOCATION_CONFIRMED => ("had the issuer revoke", "check", Good),
        names::REVOCATION_FAILED => ("could not have the issuer revoke", "stop", Bad),
        names::CERTIFICATE_RELEASED => ("ended the hold of", "play", Neutral),
        names::CERTIFICATE_INSTALLED => ("put", "deploy", Good),
        names::CERTIFICATE_UNINSTALLED => ("took", "close", Neutral),
        names::OWNER_POLICY_CHANGED => ("changed whether every certificate needs an owner", "people", Neutral),
        names::AUTHORITY_CREATED => ("made the private authority", "authority", Good),
        names::AUTHORITY_RETIRED => ("retired the private authority", "pause", Warn),
        names::PATTERN_CREATED => ("added the enrolment pattern", "note", Neutral),
        names::PATTERN_CHANGED => ("changed the enrolment pattern", "note", Neutral),
        names::PATTERN_DELETED => ("removed the enrolment pattern", "close", Neutral),
        names::TEMPLATE_CHANGED => ("changed what is asked about owners by the template", "people", Neutral),
        names::REVOCATION_LIST_PUBLISHED => ("published a revocation list of", "list", Neutral),
        names::API_CLIENT_CREATED => ("made an API client for", "key", Neutral),
        names::API_CLIENT_RENEWED => ("gave another secret to an API client of", "key", Neutral),
        names::API_CLIENT_REVOKED => ("revoked an API client of", "key", Warn),
        names::ACCESS_TOKEN_ISSUED => ("was given an access token as", "key", Neutral),
        names::NAMED_IMPORTED => ("imported a certificate as", "import", Good),
        names::NAMED_REPLACED => ("gave another certificate to", "import", Good),
        names::NAMED_PATH => ("changed the chain of", "import", Neutral),
        names::NAMED_KEPT => ("did not give the renewed certificate to", "alert", Bad),
        names::NAMED_CHANGED => ("changed the renewal of", "note", Neutral),
        names::NAMED_DELETED => ("removed the name", "close", Neutral),
        names::ASSIGNMENT_CHANGED => ("changed what is presented by the", "deploy", Neutral),
        names::BOUND_TOKEN_ISSUED => ("was given a token as", "key", Neutral),
        names::BOUND_TOKEN_ENDED => ("ended a token of", "key", Neutral),
        names::CONTAINER_CREATED => ("added the container", "note", Neutral),
        names::CONTAINER_CHANGED => ("changed the container", "note", Neutral),
        names::CONTAINER_DELETED => ("removed the container", "close", Neutral),
        names::STORE_CREATED => ("added the certificate store", "note", Neutral),
        names::STORE_CHANGED => ("changed the certificate store", "note", Neutral),
        names::STORE_DELETED => ("removed the certificate store", "close", Neutral),
        names::STORE_JOB_REQUESTED => ("asked for work in the certificate store", "deploy", Neutral),
        names::STORE_JOB_COMPLETED => ("finished work in the certificate store", "check", Good),
        names::STORE_JOB_FAILED => ("could not work in the certificate store", "stop", Bad),
        names::STORE_JOB_CANCELLED => ("cancelled work in the certificate store", "close", Neutral),
        names::TRUST_SET_CREATED => ("added the trust set", "authority", Neutral),
        names::TRUST_SET_CHANGED => ("changed the trust set", "authority", Neutral),
        names::TRUST_SET_DELETED => ("removed the trust set", "close", Neutral),
        names::COLLECTION_CREATED => ("added the collection", "note", Neutral),
        names::COLLECTION_CHANGED => ("changed the collection", "note", Neutral),
        names::COLLECTION_DELETED => ("removed the collection", "close", Neutral),
        names::COLLECTION_FAVOURITE_CHANGED => ("marked, or no longer marks, the collection", "note", Neutral),
        names::VIEW_CREATED => ("saved the view", "list", Neutral),
        names::VIEW_CHANGED => ("changed the view", "list", Neutral),
        names::VIEW_DELETED => ("removed the view", "close", Neutral),
        names::PRIVATE_KEY_IMPORTED => ("took the private key into custody of", "key", Neutral),
        names::PRIVATE_KEY_GENERATED => ("made a private key for", "key", Neutral),
        names::PRIVATE_KEY_EXPORTED => ("exported the private key of", "key", Warn),
        names::PRIVATE_KEY_DESTROYED => ("destroyed the private key of", "close", Warn),
        names::KEY_REQUEST_CREATED => ("made a key with the request", "key", Neutral),
        names::KEY_REQUEST_DELETED => ("removed the key request", "close", Neutral),
        names::MANAGED_CREATED => ("began to manage", "renew", Neutral),
        names::MANAGED_CHANGED => ("changed the plan of", "note", Neutral),
        names::MANAGED_PAUSED => ("paused", "pause", Warn),
        names::MANAGED_RESUMED => ("resumed", "play", Neutral),
        names::MANAGED_DELETED => ("stopped managing", "close", Neutral),
        names::RENEWAL_REQUESTED => ("asked for a renewal of", "renew", Neutral),
        names::ORDER_PREPARED => ("prepared an order for", "list", Neutral),
        names::ORDER_PLACED => ("placed an order for", "authority", Neutral),
        names::RENEWAL_COMPLETED => ("obtained a new version of", "check", Good),
        names::RENEWAL_FAILED => ("could not renew", "stop", Bad),
        names::DEPLOYMENT_CREATED => ("added a deployment to", "deploy", Neutral),
        names::DEPLOYMENT_DELETED => ("removed a deployment of", "close", Neutral),
        names::DEPLOYMENT_REQUESTED => ("asked for a deployment of", "deploy", Neutral),
        names::DEPLOYMENT_COMPLETED => ("deployed", "check", Good),
        names::DEPLOYMENT_FAILED => ("could not deploy", "stop", Bad),
        names::ISSUER_CREATED => ("added the issuer", "authority", Neutral),
        names::ISSUER_REGISTERED => ("registered the account at", "authority", Good),
        names::ISSUER_ACCOUNT_FORGOTTEN => ("found the account forgotten by", "authority", Warn),
        names::ISSUER_DELETED => ("removed the issuer", "close", Neutral),
        names::DNS_PROVIDER_CREATED => ("added the DNS provider", "globe", Neutral),
        names::DNS_PROVIDER_CHANGED => ("changed the DNS provider", "globe", Neutral),
        names::DNS_PROVIDER_DELETED => ("removed the DNS provider", "close", Neutral),
        names::PRINCIPAL_CREATED => ("added the account", "person", Neutral),
        names::PRINCIPAL_DISABLED => ("disabled the account", "lock", Warn),
        names::PRINCIPAL_ENABLED => ("enabled the account", "play", Neutral),
        names::PASSWORD_CHANGED => ("changed the password", "key", Neutral),
        names::SIGN_IN_SUCCEEDED => ("signed in", "person", Neutral),
        names::SIGN_IN_FAILED => ("gave a wrong password for", "warn", Warn),
        names::SIGN_IN_LOCKED => ("was locked out after too many wrong passwords for", "lock", Bad),
        names::SESSION_ENDED => ("ended a session", "exit", Neutral),
        names::TOKEN_CREATED => ("made an API token", "key", Neutral),
        names::TOKEN_REVOKED => ("revoked an API token", "key", Neutral),
        names::ROLE_CREATED => ("added the role", "people", Neutral),
        names::ROLE_CHANGED => ("changed the role", "people", Neutral),
        names::ROLE_DELETED => ("removed the role", "close", Neutral),
        names::ROLE_ASSIGNED => ("gave a role to", "people", Neutral),
        names::ROLE_WITHDRAWN => ("took a role from", "people", Neutral),
        names::PERMISSION_SET_CREATED => ("added the permission set", "key", Neutral),
        names::MASTER_KEY_CREATED => ("made the", "key", Neutral),
        names::MASTER_KEY_ACTIVATED => ("made everything be sealed under the", "key", Good),
        names::MASTER_KEY_ROTATED => ("sealed every secret under the", "check", Good),
        names::MASTER_KEY_FORGOTTEN => ("let go of the", "close", Warn),
        names::BACKUP_COMPLETED => ("made a backup", "check", Good),
        names::BACKUP_RESTORED => ("put the database back from a backup", "play", Warn),
        names::DATABASE_MOVED => ("moved the database", "play", Warn),
        names::RETENTION_BEGAN => ("began to erase what old events say", "close", Neutral),
        names::RETENTION_COMPLETED => ("erased what old events say", "close", Neutral),
        names::PERMISSION_SET_CHANGED => ("changed the permission set", "key", Neutral),
        names::PERMISSION_SET_DELETED => ("removed the permission set", "close", Neutral),
        names::CLAIM_CREATED => ("added the claim", "globe", Neutral),
        names::CLAIM_CHANGED => ("described the claim", "globe", Neutral),
        names::CLAIM_DELETED => ("removed the claim", "close", Neutral),
        names::CLAIM_ASSIGNED => ("gave a role to the claim", "globe", Neutral),
        names::CLAIM_WITHDRAWN => ("took a role from the claim", "globe", Neutral),
        names::IDENTITY_PROVIDER_CREATED => ("added the identity provider", "key", Neutral),
        names::IDENTITY_PROVIDER_CHANGED => ("changed the identity provider", "key", Neutral),
        names::IDENTITY_PROVIDER_DELETED => ("removed the identity provider", "close", Neutral),
        names::IDENTITY_LINKED => ("took the word of an identity provider for", "person", Neutral),
        names::ACCESS_REVIEW_EXPORTED => ("exported an access review", "download", Neutral),
        _ => ("did something to", "note", Neutral),
    }
}

/// The words with what the details add to them.
fn summary(event: &Event, words: &str) -> String {
    let detail = |key: &str| event.payload[key].as_str().map(shortened);
    let is_own = speaks_of_itself(event);
    let of = if is_own { "" } else { " of" };
    match event.operation.as_str() {
        names::ROLE_ASSIGNED => with(detail("role_name"), words, |role| format!("gave the role “{role}” to")),
        names::ROLE_WITHDRAWN => with(detail("role_name"), words, |role| format!("took the role “{role}” from")),
        names::CLAIM_ASSIGNED => with(detail("role_name"), words, |role| format!("gave the role “{role}” to the claim")),
        names::CLAIM_WITHDRAWN => with(detail("role_name"), words, |role| format!("took the role “{role}” from the claim")),
        names::TOKEN_CREATED | names::TOKEN_REVOKED => {
            with(detail("name"), words, |name| format!("{} “{name}”{of}", words.replacen("an API", "the API", 1)))
        }
        names::SESSION_ENDED | names::PASSWORD_CHANGED => format!("{words}{of}"),
        names::DEPLOYMENT_CREATED | names::DEPLOYMENT_DELETED | names::DEPLOYMENT_REQUESTED | names::DEPLOYMENT_COMPLETED => {
            with(detail("deployment_name"), words, |name| match event.operation.as_str() {
                names::DEPLOYMENT_COMPLETED => format!("finished the deployment “{name}” of"),
                _ => words.replacen("a deployment", &format!("the deployment “{name}”"), 1),
            })
        }
        _ => words.to_owned(),
    }
}

/// How the sentence ends after the object.
fn rest(event: &Event) -> String {
    let store = || match event.payload["store_name"].as_str() {
        Some(name) => format!("the certificate store “{}”", shortened(name)),
        None => "a certificate store".into(),
    };
    match event.operation.as_str() {
        names::CERTIFICATE_INSTALLED => format!("into {}", store()),
        names::CERTIFICATE_UNINSTALLED => format!("out of {}", store()),
        names::EXCLUSION_CREATED => "from imports".into(),
        names::EXCLUSION_DELETED => "be imported again".into(),
        _ => String::new(),
    }
}

fn with(detail: Option<String>, words: &str, full: impl FnOnce(String) -> String) -> String {
    detail.map_or_else(|| words.to_owned(), full)
}

fn shortened(text: &str) -> String {
    cut(text, VALUE_CHARS)
}

#[cfg(test)]
pub(super) mod tests {
    use certhold_domain::PrincipalId;
    use serde_json::{Value, json};

    use super::*;

    pub fn event(operation: &str, object: (&str, i64, &str), payload: Value) -> Event {
        Event {
            seq: 7,
            at: 0,
            actor_kind: ActorKind::Person,
            actor: Some(PrincipalId(1)),
            actor_name: "marta".into(),
            face: "web".into(),
            operation: operation.into(),
            object_kind: object.0.into(),
            object: Some(object.1),
            object_name: object.2.into(),
            request: String::new(),
            address: String::new(),
            payload,
            hash: [0; 32],
            encoding: 2,
            salt: Vec::new(),
            erased: None,
        }
    }

    fn seen(event: &Event) -> EventLine {
        line(event, &Here { object: None, may_audit: true, now: 0 })
    }

    #[test]
    fn lines_read_as_sentences() {
        let owner = json!({ "before": { "owner_role": 1, "owner_name": "A" }, "after": { "owner_role": 2, "owner_name": null } });
        let first = seen(&event(names::CERTIFICATE_OWNER_CHANGED, ("certificate", 9, "x.example"), owner));
        assert_eq!(first.summary, "changed the owner of");
        assert_eq!(first.object, Some(Link::new("x.example", "/certificates/9")));
        assert_eq!(first.changes.len(), 1, "{:?}", first.changes);
        assert_eq!(
            (first.changes[0].field.as_str(), first.changes[0].before.as_deref(), first.changes[0].after.as_deref()),
            ("owner", Some("A"), None)
        );

        let here = Here { object: Some(("certificate", 9)), may_audit: false, now: 0 };
        let own_page = line(&event(names::CERTIFICATE_IMPORTED, ("certificate", 9, "x.example"), json!({})), &here);
        assert_eq!((own_page.summary.as_str(), own_page.object, own_page.record), ("imported it", None, None));

        assert_eq!(own_page.through, "through the pages");
        let store = json!({ "store_name": "Edge" });
        let put = event(names::CERTIFICATE_INSTALLED, ("certificate", 9, "x.example"), store.clone());
        let there = seen(&put);
        assert_eq!((there.summary.as_str(), there.rest.as_str()), ("put", "into the certificate store “Edge”"));
        assert_eq!(there.object, Some(Link::new("x.example", "/certificates/9")));
        let put = line(&put, &here);
        assert_eq!((put.summary.as_str(), put.rest.as_str()), ("put it into the certificate store “Edge”", ""));
        let took = line(&event(names::CERTIFICATE_UNINSTALLED, ("certificate", 9, "x.example"), store), &here);
        assert_eq!(took.summary, "took it out of the certificate store “Edge”");
        let excluded = seen(&event(names::EXCLUSION_CREATED, ("exclusion", 3, "x.example"), json!({})));
        assert_eq!(excluded.summary, "excluded x.example from imports");
        let removed = line(&event(names::CERTIFICATE_DELETED, ("certificate", 9, "x.example"), json!({})), &here);
        assert_eq!(removed.summary, "removed it");

        let line = seen(&event(names::ROLE_ASSIGNED, ("principal", 4, "eve"), json!({ "role_name": "Ops" })));
        assert_eq!((line.summary.as_str(), line.object), ("gave the role “Ops” to", Some(Link::new("eve", "/users/4"))));
        let line = seen(&event(names::SESSION_ENDED, ("principal", 1, "marta"), json!({})));
        assert_eq!((line.summary.as_str(), line.object), ("ended a session", None));
        let line = seen(&event(names::ROLE_DELETED, ("role", 4, "Old"), json!({})));
        assert_eq!((line.summary.as_str(), line.object), ("removed the role Old", None), "nothing is behind the link any more");
        let line = seen(&event(names::RENEWAL_FAILED, ("managed", 4, "x"), json!({ "error": "no answer" })));
        assert_eq!((line.summary.as_str(), line.detail.as_str()), ("could not renew", "No answer."));
    }

    #[test]
    fn every_operation_has_words_of_its_own() {
        let source = include_str!("../../../../domain/src/events/names.rs");
        let operations: Vec<&str> =
            source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1)).collect();
        assert!(operations.len() > 30, "{operations:?}");
        for operation in operations {
            assert_ne!(appearance(operation).0, "did something to", "{operation}");
        }
    }
}
