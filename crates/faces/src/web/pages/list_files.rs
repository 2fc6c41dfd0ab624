//! Every list of the pages as comma-separated values, with the filters of its page.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::{claims, roles, sets};
use certhold_domain::bulk;
use certhold_domain::collections;
use certhold_domain::custody;
use certhold_domain::enrolment;
use certhold_domain::identity_providers;
use certhold_domain::metadata;
use certhold_domain::people::{self, PrincipalKind};
use certhold_domain::private_ca;
use certhold_domain::query;
use certhold_domain::renewal::managed::{self, ManagedFilter};
use certhold_domain::renewal::{IssuedBy, issuers, providers};
use certhold_domain::{Actor, IdentityProviderId, KeyRequestId, Result as DomainResult, TrustSetId, chains, csv, views};
use certhold_store::Tx;
use serde::Deserialize;

use super::edits::described;
use super::inventory_csv::{self, ROWS};
use super::query::line as query_field;
use super::{Asked, Ids};
use crate::state::App;
use crate::web::file::{File, instant, yes};
use crate::web::refused::Refused;
use crate::web::show::permissions;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/collections.csv", get(of_collections))
        .route("/metadata.csv", get(of_fields))
        .route("/edits.csv", get(of_edits))
        .route("/key-requests.csv", get(of_key_requests))
        .route("/trust-sets.csv", get(of_trust_sets))
        .route("/trust-sets/{id}/certificates.csv", get(of_trusted))
        .route("/managed.csv", get(of_managed))
        .route("/issuers.csv", get(of_issuers))
        .route("/authorities.csv", get(of_authorities))
        .route("/patterns.csv", get(of_patterns))
        .route("/dns-providers.csv", get(of_dns_providers))
        .route("/users.csv", get(|visit: Visit| of_accounts(visit, PrincipalKind::Person)))
        .route("/service-accounts.csv", get(|visit: Visit| of_accounts(visit, PrincipalKind::Service)))
        .route("/tokens.csv", get(of_tokens))
        .route("/api-clients.csv", get(of_clients))
        .route("/query/fields.csv", get(of_query_fields))
        .route("/roles.csv", get(of_roles))
        .route("/permission-sets.csv", get(of_sets))
        .route("/claims.csv", get(of_claims))
        .route("/identity-providers.csv", get(of_identity_providers))
        .route("/identity-providers/{id}/accounts.csv", get(of_external_accounts))
        .route("/exclusions.csv", get(of_exclusions))
        .route("/views.csv", get(of_views))
}

async fn of_collections(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(collections::list).await?;
    let file = File::csv("collections.csv", &["id", "name", "description", "query", "on_dashboard", "favourite", "created_at"]);
    Ok(file.whole(all.into_iter().map(|one| {
        let (shown, favourite) = (yes(one.on_dashboard), yes(one.favourite));
        [one.id.to_string(), one.name, one.description, one.query, shown, favourite, instant(one.created_at)]
    })))
}

async fn of_views(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(views::list).await?;
    let file = File::csv("views.csv", &["id", "name", "parameters", "created_at"]);
    Ok(file.whole(all.into_iter().map(|one| {
        let parameters = one.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n");
        [one.id.to_string(), one.name, parameters, instant(one.created_at)]
    })))
}

async fn of_authorities(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(private_ca::list).await?;
    let head = ["id", "name", "subject", "parent", "key", "not_after", "issued", "active", "list_until", "created_at"];
    Ok(File::csv("private-authorities.csv", &head).whole(all.into_iter().map(|one| {
        [
            one.id.to_string(),
            one.name,
            one.subject,
            one.parent.map(|id| id.to_string()).unwrap_or_default(),
            one.key,
            instant(one.not_after),
            one.issued.to_string(),
            yes(one.active),
            one.list.map(|list| instant(list.until)).unwrap_or_default(),
            instant(one.created_at),
        ]
    })))
}

async fn of_patterns(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(enrolment::list).await?;
    let head = ["id", "name", "description", "template", "is_default", "authority", "roles", "owner_policy", "created_at"];
    Ok(File::csv("enrolment-patterns.csv", &head).whole(all.into_iter().map(|one| {
        let settings = one.settings;
        [
            one.id.to_string(),
            settings.name,
            settings.description,
            settings.template.name().into(),
            yes(settings.is_default),
            one.authority_name.unwrap_or_default(),
            one.role_names.join("; "),
            settings.owner.policy.name().into(),
            instant(one.created_at),
        ]
    })))
}

async fn of_fields(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(metadata::list).await?;
    let head = [
        "id",
        "name",
        "type",
        "description",
        "hint",
        "validation",
        "options",
        "default",
        "enrolment",
        "display_order",
        "removing",
    ];
    Ok(File::csv("metadata-fields.csv", &head).whole(all.into_iter().map(|one| {
        [
            one.id.to_string(),
            one.name,
            one.kind.name().into(),
            one.description,
            one.hint,
            one.validation,
            one.options.join("; "),
            one.default,
            one.enrolment.name().into(),
            one.display_order.to_string(),
            yes(one.removing),
        ]
    })))
}

async fn of_edits(visit: Visit) -> Result<Response, Refused> {
    let head = [
        "id",
        "what",
        "state",
        "author",
        "started_at",
        "ended_at",
        "selected",
        "changed",
        "unchanged",
        "refused",
        "stopped_because",
    ];
    let step = |tx: &mut Tx<'_>, actor: &Actor, before: Option<&str>| {
        let edits = bulk::list(tx, actor, before.and_then(|id| id.parse().ok()), ROWS)?;
        let mut text = String::new();
        for one in &edits {
            let row = [
                one.id.to_string(),
                described(tx, &one.edit)?,
                one.state.name().into(),
                one.author.clone(),
                instant(one.created_at),
                instant(one.finished_at),
                one.total.to_string(),
                one.tally.changed.to_string(),
                one.tally.unchanged.to_string(),
                one.tally.refused.to_string(),
                one.error.clone().unwrap_or_default(),
            ];
            text.push_str(&csv::line(row.iter().map(String::as_str)));
        }
        Ok((text, edits.last().filter(|_| edits.len() == ROWS).map(|last| last.id.to_string())))
    };
    File::csv("edits.csv", &head).stepwise(&visit, step).await
}

async fn of_key_requests(visit: Visit) -> Result<Response, Refused> {
    let head = ["id", "name", "names", "key", "certificate", "created_at"];
    let step = |tx: &mut Tx<'_>, actor: &Actor, before: Option<&str>| {
        let before = before.and_then(|id| id.parse().ok()).map(KeyRequestId);
        let found = custody::list_key_requests(tx, actor, before, ROWS)?;
        let line = |one: &custody::KeyRequest| {
            let bits = one.key_bits.map(|bits| format!(" {bits}")).unwrap_or_default();
            let certificate = one.certificate.map(|id| id.to_string()).unwrap_or_default();
            let key = format!("{}{bits}", one.key_algorithm);
            let row = [one.id.to_string(), one.name.clone(), one.names.join(" "), key, certificate, instant(one.created_at)];
            csv::line(row.iter().map(String::as_str))
        };
        let next = found.last().filter(|_| found.len() == ROWS).map(|last| last.id.to_string());
        Ok((found.iter().map(line).collect(), next))
    };
    File::csv("key-requests.csv", &head).stepwise(&visit, step).await
}

async fn of_trust_sets(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(chains::list).await?;
    let file = File::csv("trust-sets.csv", &["id", "name", "description", "certificates", "created_at"]);
    Ok(file.whole(
        all.into_iter()
            .map(|one| [one.id.to_string(), one.name, one.description, one.members.to_string(), instant(one.created_at)]),
    ))
}

async fn of_trusted(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let id = TrustSetId(ids.first());
    let (_, all) = visit.read(move |tx, actor| chains::members(tx, actor, id)).await?;
    Ok(inventory_csv::whole("trusted-certificates.csv", &all))
}

/// What the list of managed certificates is narrowed by.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct ManagedParameters {
    #[serde(deserialize_with = "super::managed::filter_word")]
    filter: String,
}

async fn of_managed(visit: Visit, Asked(given): Asked<ManagedParameters>) -> Result<Response, Refused> {
    let head = [
        "id",
        "name",
        "names",
        "health",
        "owner",
        "issuer",
        "dns_provider",
        "authority",
        "pattern",
        "key",
        "paused",
        "certificate",
        "not_after",
        "versions",
        "renew_at",
        "failures",
        "last_error",
        "last_error_at",
    ];
    let (troubled, now) = (given.filter == "trouble", visit.app.now());
    let step = move |tx: &mut Tx<'_>, actor: &Actor, after: Option<&str>| {
        let filter = ManagedFilter { troubled, after: after.and_then(|id| id.parse().ok()), limit: ROWS };
        let page = managed::list(tx, actor, &filter, now)?;
        let line = |one: &managed::Managed| {
            let [issuer, dns_provider, authority, pattern] = match &one.by {
                IssuedBy::Acme { issuer, dns_provider, .. } => [issuer.1.as_str(), &dns_provider.1, "", ""],
                IssuedBy::Private { authority, pattern, .. } => {
                    ["", "", &authority.1, pattern.as_ref().map_or("", |(_, name)| name)]
                }
            };
            let row = [
                one.id.to_string(),
                one.name.clone(),
                one.names.join(" "),
                one.health(now).name().into(),
                one.owner.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
                issuer.to_owned(),
                dns_provider.to_owned(),
                authority.to_owned(),
                pattern.to_owned(),
                one.key_kind.name().to_owned(),
                yes(one.paused),
                one.current.map(|id| id.to_string()).unwrap_or_default(),
                instant(one.not_after),
                one.versions.to_string(),
                instant(one.renew_at),
                one.failures.to_string(),
                one.last_error.clone().unwrap_or_default(),
                instant(one.last_error_at),
            ];
            csv::line(row.iter().map(String::as_str))
        };
        Ok((page.managed.iter().map(line).collect(), page.next.map(|id| id.to_string())))
    };
    File::csv("managed.csv", &head).stepwise(&visit, step).await
}

async fn of_issuers(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(issuers::list).await?;
    let file = File::csv("issuers.csv", &["id", "name", "directory", "contacts", "registered", "used_by"]);
    Ok(file.whole(all.into_iter().map(|one| {
        let contacts = one.settings.contacts.join(" ");
        [one.id.to_string(), one.name, one.settings.directory, contacts, yes(one.registered), one.used_by.to_string()]
    })))
}

/// Without settings: some are credentials, and what is masked tells nothing.
async fn of_dns_providers(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(providers::list).await?;
    let file = File::csv("dns-providers.csv", &["id", "name", "kind", "used_by"]);
    Ok(file.whole(all.into_iter().map(|one| [one.id.to_string(), one.name, one.kind, one.used_by.to_string()])))
}

async fn of_accounts(visit: Visit, kind: PrincipalKind) -> Result<Response, Refused> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let all = people::list(tx, actor)?.into_iter().filter(|one| one.kind == kind);
        all.map(|one| Ok((people::roles_of(tx, actor, one.id)?, one))).collect::<DomainResult<Vec<_>>>()
    };
    let (_, all) = visit.read(find).await?;
    let name = if kind == PrincipalKind::Person { "users.csv" } else { "service-accounts.csv" };
    let head = ["id", "name", "display_name", "email", "disabled", "has_password", "roles", "created_at", "last_seen_at"];
    Ok(File::csv(name, &head).whole(all.into_iter().map(|(roles, one)| {
        [
            one.id.to_string(),
            one.name,
            one.display_name,
            one.email.unwrap_or_default(),
            yes(one.disabled),
            yes(one.has_password),
            roles.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join("; "),
            instant(one.created_at),
            instant(one.last_seen_at),
        ]
    })))
}

/// The API tokens of every account; of their text only the beginning is kept, by which its holder knows it again.
async fn of_tokens(visit: Visit) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        let mut rows = Vec::new();
        for account in people::list(tx, actor)? {
            let tokens = people::tokens_of(tx, actor, account.id)?;
            rows.extend(tokens.into_iter().map(|token| (account.name.clone(), token)));
        }
        Ok(rows)
    };
    let (_, all) = visit.read(find).await?;
    let head = ["id", "account", "name", "begins", "scopes", "created_at", "expires_at", "revoked_at"];
    Ok(File::csv("tokens.csv", &head).whole(all.into_iter().map(|(account, one)| {
        [
            one.id.to_string(),
            account,
            one.name,
            one.hint,
            one.scopes.join(" "),
            instant(one.created_at),
            instant(one.expires_at),
            instant(one.revoked_at),
        ]
    })))
}

/// The API clients of every account; of their secrets nothing is kept.
async fn of_clients(visit: Visit) -> Result<Response, Refused> {
    let find = |tx: &mut Tx<'_>, actor: &Actor| {
        let mut rows = Vec::new();
        for account in people::list(tx, actor)? {
            let clients = people::clients_of(tx, actor, account.id)?;
            rows.extend(clients.into_iter().map(|client| (account.name.clone(), client)));
        }
        Ok(rows)
    };
    let (_, all) = visit.read(find).await?;
    let file = File::csv("api-clients.csv", &["id", "account", "name", "client_id", "scopes", "created_at", "revoked_at"]);
    Ok(file.whole(all.into_iter().map(|(account, one)| {
        let (created, revoked) = (instant(one.created_at), instant(one.revoked_at));
        [one.id.to_string(), account, one.name, one.client_id, one.scopes.join(" "), created, revoked]
    })))
}

async fn of_query_fields(visit: Visit) -> Result<Response, Refused> {
    let (_, catalogue) = visit.read(|tx, _| query::catalogue(tx)).await?;
    let file = File::csv("query-fields.csv", &["name", "aliases", "type", "operators", "values", "meaning"]);
    Ok(file.whole(
        catalogue
            .entries()
            .iter()
            .map(query_field)
            .map(|line| [line.name, line.aliases, line.kind, line.operators, line.values, line.meaning]),
    ))
}

async fn of_roles(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(roles::list).await?;
    let head = [
        "id",
        "name",
        "description",
        "email",
        "permission_set",
        "built_in",
        "permissions",
        "without_effect",
        "holders",
        "claims",
    ];
    Ok(File::csv("roles.csv", &head).whole(all.into_iter().map(|one| {
        [
            one.id.to_string(),
            one.name,
            one.description,
            one.email.unwrap_or_default(),
            one.permission_set_name,
            yes(one.built_in),
            permissions::texts(&one.permissions).join(" "),
            permissions::texts(&one.without_effect).join(" "),
            one.holders.to_string(),
            one.claims.to_string(),
        ]
    })))
}

async fn of_sets(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(sets::list).await?;
    let file = File::csv("permission-sets.csv", &["id", "uuid", "name", "permissions", "roles", "built_in"]);
    Ok(file.whole(all.into_iter().map(|one| {
        let paths = permissions::texts(&one.permissions).join(" ");
        [one.id.to_string(), one.uuid, one.name, paths, one.roles.to_string(), yes(one.built_in)]
    })))
}

async fn of_identity_providers(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(identity_providers::list).await?;
    let head = ["id", "name", "display_name", "issuer", "audiences", "enabled", "accounts", "created_at"];
    Ok(File::csv("identity-providers.csv", &head).whole(all.into_iter().map(|one| {
        [
            one.id.to_string(),
            one.name,
            one.display_name,
            one.issuer,
            one.audiences.join(" "),
            yes(one.enabled),
            one.accounts.to_string(),
            instant(one.created_at),
        ]
    })))
}

async fn of_external_accounts(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let id = IdentityProviderId(ids.first());
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        identity_providers::get(tx, actor, id)?;
        identity_providers::accounts_of(tx, actor, id)
    };
    let (_, all) = visit.read(find).await?;
    let head = ["id", "name", "display_name", "kind", "subject", "disabled", "created_at", "last_seen_at"];
    Ok(File::csv("external-accounts.csv", &head).whole(all.into_iter().map(|one| {
        [
            one.id.to_string(),
            one.name,
            one.display_name,
            if one.kind == PrincipalKind::Person { "person" } else { "service" }.into(),
            one.subject,
            yes(one.disabled),
            instant(one.created_at),
            instant(one.last_seen_at),
        ]
    })))
}

async fn of_exclusions(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(certhold_domain::inventory::exclusions).await?;
    let file = File::csv("exclusions.csv", &["id", "title", "sha256", "sha1", "excluded_at"]);
    Ok(file.whole(all.into_iter().map(|one| {
        let digests = [&one.sha256[..], &one.sha1[..]].map(certhold_domain::hex);
        let [sha256, sha1] = digests;
        [one.id.to_string(), one.title, sha256, sha1, instant(one.excluded_at)]
    })))
}

async fn of_claims(visit: Visit) -> Result<Response, Refused> {
    let (_, all) = visit.read(|tx, actor| claims::list(tx, actor, None)).await?;
    let file = File::csv("claims.csv", &["id", "type", "value", "provider", "description", "roles", "created_at"]);
    Ok(file.whole(all.into_iter().map(|one| {
        let roles = one.roles.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join("; ");
        let kind = one.key.kind.name().to_owned();
        [one.id.to_string(), kind, one.key.value, one.key.provider, one.description, roles, instant(one.created_at)]
    })))
}
