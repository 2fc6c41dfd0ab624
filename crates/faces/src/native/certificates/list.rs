//! Finding certificates.

use axum::Json;
use axum::extract::{OriginalUri, State};
use certhold_domain::access::roles;
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Expiry, Filter, OwnerFilter, Sort};
use certhold_domain::{Actor, CollectionId, Refusal, RoleId};
use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::Certificate;
use crate::auth::Bearer;
use crate::native::extract::Query;
use crate::native::page::{self, Page};
use crate::native::time::Time;
use crate::problem::Answer;
use crate::state::App;

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Words that must all occur in subject, names, serial number or issuer. `*.example.com` means everything under that domain;
    /// a SHA-256 fingerprint finds exactly its certificate.
    #[serde(default)]
    q: String,
    /// A query, such as `IssuedCN -contains "shop" AND KeySize -lt 2048`; `/query/fields` lists the fields.
    #[serde(default)]
    query: String,
    /// Only certificates in this collection. The right to read that collection is enough.
    collection: Option<i64>,
    /// Ends before this instant.
    expires_before: Option<Time>,
    /// Ends at this instant or later.
    expires_after: Option<Time>,
    /// Has ended (`true`), or has not (`false`).
    expired: Option<bool>,
    /// The owner: a role's id or name, or `none`.
    owner: Option<String>,
    /// Is a version of a managed certificate (`true`), or not (`false`).
    managed: Option<bool>,
    /// May issue certificates (`true`), or not (`false`).
    is_ca: Option<bool>,
    /// `id` (default), `not_after`, `not_before`, `held_since`, `common_name` or `issuer`; a hyphen before it turns it round.
    sort: Option<String>,
    /// Where the page before ended: taken from its `next`.
    after: Option<String>,
    /// Rows of the page, 1 to 1,000; 100 by default.
    limit: Option<i64>,
    /// Whether to count all certificates that match.
    #[serde(default)]
    total: bool,
}

/// List certificates
///
/// Filters are combined with "and".
#[utoipa::path(get, path = "/certificates", tag = "certificates", params(Parameters),
    responses((status = 200, description = "A page of certificates", body = Page<Certificate>)))]
pub async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    OriginalUri(uri): OriginalUri,
    Query(given): Query<Parameters>,
) -> Answer<Page<Certificate>> {
    let limit = page::rows(given.limit)?;
    let asked = Asked::of(given, app.now())?;
    let found = app
        .read_as(caller, move |tx, actor| {
            let scope = asked.scope;
            let filter = Filter { limit, ..asked.filter(tx, actor)? };
            inventory::list_in(tx, actor, &filter, scope)
        })
        .await?;
    let items = found.certificates.into_iter().map(Certificate::from).collect();
    Ok(Page { total: found.total, ..Page::of(items, &uri, "after", found.next) })
}

/// What the inventory is made of
///
/// For end of validity, owner, issuer (by its whole name), key, signature algorithm, severity of findings, finding and source the most
/// frequent values with the number of certificates and the query that finds them. The filters are those of the list; of a large
/// selection the first certificates that are met are counted, and `exact` is false. The answer is empty for a large selection by a
/// query that no database can answer alone.
#[utoipa::path(get, path = "/certificates/facets", tag = "certificates", params(Parameters),
    responses((status = 200, description = "Fields with their values", body = Vec<Facet>)))]
pub async fn facets(State(app): State<App>, Bearer(caller): Bearer, Query(given): Query<Parameters>) -> Answer<Json<Vec<Facet>>> {
    // A page of facets does not exist; a wrong size is wrong all the same.
    page::rows(given.limit)?;
    let asked = Asked::of(given, app.now())?;
    let found = app
        .read_as(caller, move |tx, actor| {
            let scope = asked.scope;
            let filter = asked.filter(tx, actor)?;
            inventory::facets(tx, actor, &filter, scope)
        })
        .await?;
    Ok(Json(found.into_iter().map(Facet::from).collect()))
}

/// A field with its most frequent values.
#[derive(Serialize, ToSchema)]
pub struct Facet {
    /// `expiry`, `owner`, `issuer`, `key`, `signature`, `severity`, `finding` or `source`.
    #[schema(example = "key")]
    pub name: String,
    /// The most frequent first; stretches of time the earliest.
    pub values: Vec<FacetValue>,
    /// Whether all certificates were counted; otherwise there are at least so many, and perhaps further values.
    pub exact: bool,
}

/// A value with the number of certificates that have it.
#[derive(Serialize, ToSchema)]
pub struct FacetValue {
    /// The value; empty for certificates without an owner.
    #[schema(example = "EC P-256")]
    pub value: String,
    /// The role, for owners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<i64>,
    /// Certificates.
    pub count: i64,
    /// The query that finds exactly these.
    #[schema(example = "KeyAlgorithm -eq \"EC\" AND Curve -eq \"P-256\"")]
    pub query: String,
}

impl From<inventory::Facet> for Facet {
    fn from(facet: inventory::Facet) -> Facet {
        let value = |value: inventory::FacetValue| FacetValue {
            value: value.value,
            role: value.role.map(|role| role.0),
            count: value.count,
            query: value.query,
        };
        Facet { name: facet.name.to_owned(), exact: facet.exact, values: facet.values.into_iter().map(value).collect() }
    }
}

/// Which certificates are asked for, as far as that is known before the database is.
struct Asked {
    filter: Filter,
    owner: Option<String>,
    query: String,
    scope: Scope,
}

impl Asked {
    fn of(given: Parameters, now: i64) -> Result<Asked, Refusal> {
        let filter = Filter {
            expiry: expiry(&given, now),
            sort: given.sort.as_deref().map(Sort::parse).transpose()?.unwrap_or_default(),
            text: given.q,
            managed: given.managed,
            is_ca: given.is_ca,
            after: given.after,
            count: given.total,
            ..Filter::default()
        };
        let scope = Scope::of(given.collection.map(CollectionId), now);
        Ok(Asked { filter, owner: given.owner, query: given.query, scope })
    }

    fn filter(self, tx: &mut Tx<'_>, actor: &Actor) -> certhold_domain::Result<Filter> {
        let owner = self.owner.map(|owner| owner_filter(tx, actor, &owner)).transpose()?;
        let condition = inventory::question(tx, actor, &self.query, self.scope)?;
        Ok(Filter { owner, condition, ..self.filter })
    }
}

/// The narrowest window that satisfies everything that was said about the end of validity.
fn expiry(given: &Parameters, now: i64) -> Expiry {
    let ended = given.expired.filter(|expired| *expired).map(|_| now);
    let not_ended = given.expired.filter(|expired| !*expired).map(|_| now);
    Expiry {
        from: given.expires_after.map(|time| time.0).into_iter().chain(not_ended).max(),
        before: given.expires_before.map(|time| time.0).into_iter().chain(ended).min(),
    }
}

fn owner_filter(tx: &mut Tx<'_>, actor: &Actor, owner: &str) -> certhold_domain::Result<OwnerFilter> {
    if owner == "none" {
        return Ok(OwnerFilter::Nobody);
    }
    match owner.parse() {
        Ok(id) => Ok(OwnerFilter::Role(RoleId(id))),
        Err(_) => Ok(OwnerFilter::Role(roles::by_name(tx, actor, owner)?)),
    }
}
