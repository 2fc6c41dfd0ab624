//! `/certificates`: the inventory.

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::paths;
use certhold_domain::bulk::Wanted;
use certhold_domain::collections::{self, Scope};
use certhold_domain::inventory::{self, Expiry, Facet, Filter, OwnerFilter, Page, Sort, Summary};
use certhold_domain::metadata;
use certhold_domain::ownership;
use certhold_domain::query::{self, looks_like_query};
use certhold_domain::views::{self, ListFilter, View};
use certhold_domain::{Actor, CertificateId, CollectionId, Error, Refusal, RoleId};
use certhold_store::Tx;
use serde::{Deserialize, Deserializer};

use super::columns::{self, Columns};
use super::{Asked, asked, inventory_csv};
use crate::state::App;
use crate::web::paging::{Place, ROWS};
use crate::web::refused::{Refused, sentence};
use crate::web::shared::holds_in;
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::frame::Section;
use crate::web::view::inventory::{BulkBar, CertificateRow, InventoryPage, QueryError};
use crate::web::view::narrow::{self, Narrowing};
use crate::web::view::table::{FilterLink, Sorting};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/certificates", get(list)).route("/certificates.csv", get(csv))
}

/// What a reader may ask for. What decides which certificates are shown is understood or refused.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    q: String,
    #[serde(deserialize_with = "filter_word")]
    filter: String,
    sort: String,
    #[serde(deserialize_with = "asked::number_text")]
    owner: String,
    /// Only of this collection.
    #[serde(deserialize_with = "asked::number")]
    collection: Option<i64>,
    /// Conditions that narrow the list, one a line.
    #[serde(rename = "where", deserialize_with = "conditions")]
    narrow: String,
    /// Columns beside those that are always there, by their names.
    columns: String,
    /// … each by itself, as the form sends them: `column-serial=on`.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
    /// Expires at or after, RFC 3339.
    #[serde(deserialize_with = "asked::instant_text")]
    from: String,
    /// Expires before, RFC 3339.
    #[serde(deserialize_with = "asked::instant_text")]
    until: String,
    after: Option<String>,
    trail: Option<String>,
}

/// The filters that stand above the list, with what they are called.
fn filters() -> impl Iterator<Item = (&'static str, &'static str)> {
    let called = |filter: ListFilter| match filter {
        ListFilter::Expiring => "Expiring",
        ListFilter::Expired => "Expired",
        ListFilter::Unowned => "Without owner",
        ListFilter::Managed => "Managed",
    };
    std::iter::once(("", "All")).chain(ListFilter::NAMES.iter().map(move |(word, filter)| (*word, called(*filter))))
}

fn filter_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    asked::one_of(deserializer, &filters().map(|(word, _)| word).collect::<Vec<_>>())
}

fn conditions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match narrow::fits(&text) {
        true => Ok(text),
        false => Err(serde::de::Error::custom("there are more conditions than a list is narrowed by: write them as one query")),
    }
}

/// The inventory, only what expires in a stretch of time.
pub fn window(from: Option<i64>, until: Option<i64>) -> String {
    let instant = |ms: Option<i64>| {
        let instant = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        instant.map(|instant| instant.to_string()).unwrap_or_default()
    };
    Address::new("/certificates").with("from", instant(from)).with("until", instant(until)).with("sort", "expiry").to_string()
}

fn instant(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|instant| instant.as_millisecond())
}

impl Parameters {
    /// The column by which the list is ordered, and whether downwards; empty: the newest first.
    fn order(&self) -> (&str, bool) {
        views::sorting(&self.sort).map_or(("", false), |(column, descending, _)| (column, descending))
    }

    fn sort(&self) -> Sort {
        views::sorting(&self.sort).map_or(Sort::Newest, |(.., sort)| sort)
    }

    /// What the list shows from a place on.
    pub fn filter(&self, place: &Place, now: i64) -> Filter {
        let mut filter = Filter {
            text: if looks_like_query(&self.q) { String::new() } else { self.q.clone() },
            owner: self.owner.parse().ok().map(|id| OwnerFilter::Role(RoleId(id))),
            expiry: Expiry { from: instant(&self.from), before: instant(&self.until) },
            sort: self.sort(),
            after: place.after.clone(),
            limit: ROWS,
            count: true,
            ..Filter::default()
        };
        if let Some(chosen) = ListFilter::parse(&self.filter) {
            chosen.narrow(&mut filter, now);
        }
        filter
    }

    /// The collection whose certificates are listed.
    pub fn collection(&self) -> Option<CollectionId> {
        self.collection.map(CollectionId)
    }

    fn narrowing(&self) -> Narrowing {
        Narrowing::parse(&self.narrow)
    }

    /// The names of the added columns.
    fn columns(&self) -> Vec<String> {
        let ticked = self.others.keys().filter_map(|name| name.strip_prefix("column-"));
        columns::known(self.columns.split(',').map(str::trim).chain(ticked))
    }

    /// The query of the search field with the conditions that narrow it.
    pub fn query(&self) -> Option<String> {
        let written = if looks_like_query(&self.q) { self.q.as_str() } else { "" };
        Some(self.narrowing().query(written)).filter(|query| !query.is_empty())
    }

    /// This list without its place in it.
    pub fn address(&self) -> Address {
        let shown = ListFilter::parse(&self.filter).is_some();
        Address::new("/certificates")
            .with("q", self.q.trim())
            .with("filter", if shown { self.filter.as_str() } else { "" })
            .with("owner", self.owner.as_str())
            .with("collection", self.collection().map(|id| id.to_string()).unwrap_or_default())
            .with("where", self.narrowing().parameter())
            .with("columns", self.columns().join(","))
            .with("from", self.from.as_str())
            .with("until", self.until.as_str())
            .with("sort", if self.sort() == Sort::Newest { "" } else { self.sort.as_str() })
    }

    /// Everything on the list, for an edit of many.
    pub fn wanted(&self, now: i64) -> Wanted {
        let filter = self.filter(&Place::default(), now);
        Wanted {
            query: self.query().unwrap_or_default(),
            text: filter.text,
            expires_from: filter.expiry.from,
            expires_before: filter.expiry.before,
            owner: match filter.owner {
                Some(OwnerFilter::Role(role)) => Some(role),
                _ => None,
            },
            unowned: filter.owner == Some(OwnerFilter::Nobody),
            managed: filter.managed,
            is_ca: filter.is_ca,
            collection: self.collection(),
        }
    }

    /// What the list shows, in words.
    pub fn spoken(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.q.trim().is_empty() {
            parts.push(format!("“{}”", self.q.trim()));
        }
        match filters().find(|(filter, _)| *filter == self.filter && !filter.is_empty()) {
            Some((_, label)) => parts.push(label.to_lowercase()),
            None if !self.from.is_empty() || !self.until.is_empty() => parts.push("of a chosen time".into()),
            None => {}
        }
        if !self.owner.is_empty() {
            parts.push("of one owner".into());
        }
        parts.extend(self.narrowing().chips(&self.address()).into_iter().map(|chip| chip.text));
        if self.collection().is_some() {
            parts.push("inside the collection".into());
        }
        if parts.is_empty() { "the whole inventory".into() } else { parts.join(", ") }
    }

    fn links(&self) -> Vec<FilterLink> {
        let here = self.address().without(&["filter", "owner", "from", "until"]);
        let narrowed = !self.owner.is_empty() || !self.from.is_empty() || !self.until.is_empty();
        let link = |(filter, label): (&str, &str)| FilterLink {
            label: label.to_owned(),
            href: here.clone().with("filter", filter).to_string(),
            count: None,
            is_current: self.filter == filter && !(filter.is_empty() && narrowed),
        };
        let mut links: Vec<FilterLink> = filters().map(link).collect();
        if narrowed && self.filter.is_empty() {
            let label = if self.owner.is_empty() { "Chosen time" } else { "One owner" };
            links.push(FilterLink { label: label.into(), href: self.address().to_string(), count: None, is_current: true });
        }
        links
    }
}

/// Of each certificate what is noted about it.
type Noted = HashMap<CertificateId, Vec<(String, String)>>;

struct Found {
    page: Result<Page, QueryError>,
    noted: Noted,
    columns: Columns,
    views: Vec<View>,
    held: i64,
    /// The collection's name.
    collection: Option<String>,
    facets: Vec<Facet>,
    rights: Rights,
}

/// What the viewer may do with many certificates at once.
#[derive(Clone, Copy, Default)]
struct Rights {
    own: bool,
    note: bool,
    remove: bool,
}

impl Rights {
    fn of(actor: &Actor, collection: Option<CollectionId>) -> Self {
        let may = |path| holds_in(&actor.access, path, collection);
        let reads = may(paths::CERTIFICATES_READ);
        Self {
            own: reads && ownership::require_beforehand(&actor.access, ownership::Scope { collection, container: None }).is_ok(),
            note: reads && may(paths::CERTIFICATES_METADATA_MODIFY),
            remove: reads && may(paths::CERTIFICATES_DELETE),
        }
    }
}

fn bulk_bar(page: &Page, address: &Address, rights: Rights) -> BulkBar {
    let ids: Vec<String> = page.certificates.iter().map(|certificate| certificate.id.to_string()).collect();
    let address = address.clone().without(&["columns"]).to_string();
    BulkBar {
        list: address.split_once('?').map(|(_, list)| list.to_owned()).unwrap_or_default(),
        on_page: i64::try_from(ids.len()).unwrap_or(i64::MAX),
        page: ids.join(" "),
        total: page.total,
        may_own: rights.own,
        may_note: rights.note,
        may_remove: rights.remove,
    }
}

impl Found {
    /// Nothing is found yet.
    fn nothing(tx: &mut Tx<'_>, actor: &Actor, scope: Scope, columns: Vec<String>) -> certhold_domain::Result<Found> {
        Ok(Found {
            page: Ok(Page { certificates: Vec::new(), next: None, total: None }),
            noted: Noted::new(),
            columns: Columns::of(columns, metadata::list(tx, actor)?),
            views: views::list(tx, actor)?,
            held: inventory::count_all(tx)?,
            collection: scope.collection.map(|id| collections::get(tx, actor, id)).transpose()?.map(|found| found.name),
            facets: Vec::new(),
            rights: Rights::default(),
        })
    }
}

/// What is looked for, and how it is shown.
struct Looking {
    filter: Filter,
    text: Option<String>,
    columns: Vec<String>,
    scope: Scope,
}

fn find(tx: &mut Tx<'_>, actor: &Actor, asked: Looking) -> certhold_domain::Result<Found> {
    let Looking { mut filter, text, columns, scope } = asked;
    inventory::require_list(tx, actor, scope)?;
    let found = Found::nothing(tx, actor, scope, columns)?;
    if let Some(text) = &text {
        match query::check(tx, text)? {
            Ok(query) => filter.condition = Some(query.resolve(scope.now, &actor.name)),
            Err(error) => return Ok(Found { page: Err(not_understood(&error)), ..found }),
        }
    }
    let listed = match found.columns.ask_for_metadata() {
        true => inventory::list_noted_in(tx, actor, &filter, scope),
        false => inventory::list_in(tx, actor, &filter, scope).map(|page| (page, Noted::new())),
    };
    match listed {
        Ok((page, noted)) => {
            let facets = inventory::facets(tx, actor, &filter, scope)?;
            Ok(Found { page: Ok(page), noted, facets, rights: Rights::of(actor, scope.collection), ..found })
        }
        Err(Error::Refused(refusal @ (Refusal::Invalid { .. } | Refusal::Conflict(_)))) => {
            Ok(Found { page: Err(query_error(&refusal)), ..found })
        }
        Err(error) => Err(error),
    }
}

async fn list(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let (now, place) = (visit.app.now(), Place::of(given.after.clone(), given.trail.as_deref()));
    let scope = Scope::of(given.collection(), now);
    let asked = Looking { filter: given.filter(&place, now), text: given.query(), columns: given.columns(), scope };
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, asked)).await?;
    let address = given.address();
    let (page, query_error) = match found.page {
        Ok(page) => (page, None),
        Err(error) => (Page { certificates: Vec::new(), next: None, total: None }, Some(error)),
    };
    let (column, descending) = given.order();
    let nothing_noted = Vec::new();
    let cells = |one: &Summary| found.columns.cells(one, found.noted.get(&one.id).unwrap_or(&nothing_noted));
    let shown = InventoryPage {
        frame: match (&found.collection, scope.collection) {
            (Some(name), Some(id)) => visit
                .frame("Certificates", Section::Collections, viewer)
                .below("Collections", "/collections")
                .below(name, format!("/collections/{id}")),
            _ => visit.frame("Certificates", Section::Certificates, viewer),
        },
        query: given.q.clone(),
        query_error,
        kept: address.clone().without(&["q"]).parameters().to_vec(),
        filters: given.links(),
        sorting: Sorting::new(&address, column, descending),
        facets: narrow::facets(&found.facets, &given.narrowing(), &address),
        chips: given.narrowing().chips(&address),
        collect_href: given.query().map(|query| Address::new("/collections/new").with("query", query).to_string()),
        csv_href: Address::new("/certificates.csv").with_all(address.parameters()).to_string(),
        columns: found.columns.all(),
        views: super::views::links(&found.views, &address),
        view_list: super::views::after_question_mark(&address),
        columns_kept: address.clone().without(&["columns"]).parameters().to_vec(),
        rows: page.certificates.iter().map(|certificate| row(certificate, scope, cells(certificate), now)).collect(),
        bulk: bulk_bar(&page, &address, found.rights),
        pager: place.pager(&address, page.next, page.certificates.len(), page.total),
        all_href: given.address().without(&["q", "filter", "owner", "from", "until"]).to_string(),
        holds_nothing: found.held == 0,
    };
    visit.ok(&shown)
}

/// The whole list as a file, with every column.
async fn csv(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (filter, scope) = (given.filter(&Place::default(), now), Scope::of(given.collection(), now));
    let text = given.query();
    let (_, filter) = visit
        .read(move |tx, actor| {
            let condition = inventory::question(tx, actor, text.as_deref().unwrap_or_default(), scope)?;
            Ok(Filter { condition, ..filter })
        })
        .await?;
    inventory_csv::answer(&visit, filter, scope).await
}

/// A query with the place where it cannot be understood.
fn not_understood(error: &query::QueryError) -> QueryError {
    let column = i64::try_from(error.column).ok();
    QueryError { message: sentence(&error.to_string()), column }
}

fn query_error(refusal: &Refusal) -> QueryError {
    let message = match refusal {
        Refusal::Invalid { message, .. } => sentence(message),
        other => sentence(&other.to_string()),
    };
    QueryError { message, column: None }
}

fn row(certificate: &Summary, scope: Scope, more: Vec<String>, now: i64) -> CertificateRow {
    let title = certificate.title();
    let others = certificate.names.iter().filter(|name| !name.eq_ignore_ascii_case(title)).count();
    CertificateRow {
        id: certificate.id.0,
        href: show::certificate_href_in(certificate.id, scope.collection),
        name: title.to_owned(),
        more_names: i64::try_from(others).unwrap_or(i64::MAX),
        issuer: show::short_name(&certificate.issuer),
        validity: show::validity(certificate, now),
        owner: certificate.owner.as_ref().map(|(_, name)| name.clone()),
        key: key(&certificate.key_algorithm, certificate.key_bits),
        is_managed: certificate.lineage.is_some(),
        has_key: certificate.has_key,
        more,
    }
}

/// `RSA 2048`, `EC 256`, `Ed25519`.
pub fn key(algorithm: &str, bits: Option<i64>) -> String {
    match bits {
        Some(bits) if !algorithm.contains(|c: char| c.is_ascii_digit()) => format!("{algorithm} {bits}"),
        _ => algorithm.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_people_call_them() {
        assert_eq!(key("RSA", Some(2048)), "RSA 2048");
        assert_eq!(key("Ed25519", Some(256)), "Ed25519");
        assert_eq!(key("1.2.3", None), "1.2.3");
    }

    #[test]
    fn windows_survive_the_address() {
        let address = window(Some(1_790_000_000_123), None);
        let from =
            address.split("from=").nth(1).and_then(|rest| rest.split('&').next()).expect("a parameter").replace("%3A", ":");
        assert_eq!(instant(&from), Some(1_790_000_000_123));
        assert_eq!(instant("yesterday"), None);
    }
}
