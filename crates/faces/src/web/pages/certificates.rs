//! `/certificates`: the inventory.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::paths;
use certhold_domain::bulk::Wanted;
use certhold_domain::collections::{self, Scope};
use certhold_domain::inventory::{self, Expiry, Facet, Filter, OwnerFilter, Page, Sort, Summary};
use certhold_domain::ownership;
use certhold_domain::query::{self, looks_like_query};
use certhold_domain::{Actor, CollectionId, Error, Refusal, RoleId};
use certhold_store::Tx;
use serde::{Deserialize, Deserializer};

use super::{Asked, asked, inventory_csv};
use crate::state::App;
use crate::web::paging::{Place, ROWS};
use crate::web::refused::{Refused, sentence};
use crate::web::shared::holds;
use crate::web::show;
use crate::web::view::address::Address;
use crate::web::view::frame::Section;
use crate::web::view::inventory::{BulkBar, CertificateRow, InventoryPage, QueryError};
use crate::web::view::narrow::{self, Narrowing};
use crate::web::view::table::{FilterLink, Sorting};
use crate::web::view::time::DAY;
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

/// The filters that stand above the list.
const FILTERS: [(&str, &str); 5] =
    [("", "All"), ("expiring", "Expiring"), ("expired", "Expired"), ("unowned", "Without owner"), ("managed", "Managed")];

fn filter_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    asked::one_of(deserializer, &FILTERS.map(|(word, _)| word))
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
    fn sort(&self) -> Sort {
        match self.sort.as_str() {
            "expiry" => Sort::Expiry,
            "-expiry" => Sort::ExpiryLast,
            _ => Sort::Newest,
        }
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
        match self.filter.as_str() {
            "expiring" => filter.expiry = Expiry { from: Some(now), before: Some(now + 30 * DAY) },
            "expired" => filter.expiry = Expiry { from: None, before: Some(now) },
            "unowned" => filter.owner = Some(OwnerFilter::Nobody),
            "managed" => filter.managed = Some(true),
            _ => {}
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

    fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let chosen = |name: &str| {
            self.columns.split(',').any(|one| one.trim() == name) || self.others.contains_key(&format!("column-{name}"))
        };
        COLUMNS.iter().filter(move |column| chosen(column.name))
    }

    /// The query of the search field with the conditions that narrow it.
    pub fn query(&self) -> Option<String> {
        let written = if looks_like_query(&self.q) { self.q.as_str() } else { "" };
        Some(self.narrowing().query(written)).filter(|query| !query.is_empty())
    }

    /// This list without its place in it.
    fn address(&self) -> Address {
        let shown = FILTERS.iter().any(|(filter, _)| *filter == self.filter);
        Address::new("/certificates")
            .with("q", self.q.trim())
            .with("filter", if shown { self.filter.as_str() } else { "" })
            .with("owner", self.owner.as_str())
            .with("collection", self.collection().map(|id| id.to_string()).unwrap_or_default())
            .with("where", self.narrowing().parameter())
            .with("columns", self.columns().map(|column| column.name).collect::<Vec<_>>().join(","))
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
        match FILTERS.iter().find(|(filter, _)| *filter == self.filter && !filter.is_empty()) {
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
        let mut links: Vec<FilterLink> = FILTERS.into_iter().map(link).collect();
        if narrowed && self.filter.is_empty() {
            let label = if self.owner.is_empty() { "Chosen time" } else { "One owner" };
            links.push(FilterLink { label: label.into(), href: self.address().to_string(), count: None, is_current: true });
        }
        links
    }
}

struct Found {
    page: Result<Page, QueryError>,
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
    fn of(actor: &Actor) -> Self {
        let may = |path| holds(&actor.access, path);
        // An edit of many asks for rights that hold everywhere.
        let reads = may(paths::CERTIFICATES_READ);
        Self {
            own: reads && ownership::require_beforehand(&actor.access, ownership::Scope::default()).is_ok(),
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

fn nothing(error: QueryError, held: i64, collection: Option<String>) -> Found {
    Found { page: Err(error), held, collection, facets: Vec::new(), rights: Rights::default() }
}

async fn list(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let (now, place) = (visit.app.now(), Place::of(given.after.clone(), given.trail.as_deref()));
    let (mut filter, scope) = (given.filter(&place, now), Scope::of(given.collection(), now));
    let text = given.query();
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        inventory::require_list(tx, actor, scope)?;
        let held = inventory::count_all(tx)?;
        let collection = scope.collection.map(|id| collections::get(tx, actor, id)).transpose()?.map(|found| found.name);
        if let Some(text) = &text {
            match query::check(tx, text)? {
                Ok(query) => filter.condition = Some(query.resolve(now, &actor.name)),
                Err(error) => return Ok(nothing(not_understood(&error), held, collection)),
            }
        }
        match inventory::list_in(tx, actor, &filter, scope) {
            Ok(page) => {
                let facets = inventory::facets(tx, actor, &filter, scope)?;
                Ok(Found { page: Ok(page), held, collection, facets, rights: Rights::of(actor) })
            }
            Err(Error::Refused(refusal @ (Refusal::Invalid { .. } | Refusal::Conflict(_)))) => {
                Ok(nothing(query_error(&refusal), held, collection))
            }
            Err(error) => Err(error),
        }
    };
    let (viewer, found) = visit.read(find).await?;
    let address = given.address();
    let (page, query_error) = match found.page {
        Ok(page) => (page, None),
        Err(error) => (Page { certificates: Vec::new(), next: None, total: None }, Some(error)),
    };
    let column = if given.sort() == Sort::Newest { "" } else { "expiry" };
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
        sorting: Sorting::new(&address, column, given.sort() == Sort::ExpiryLast),
        facets: narrow::facets(&found.facets, &given.narrowing(), &address),
        chips: given.narrowing().chips(&address),
        collect_href: given.query().map(|query| Address::new("/collections/new").with("query", query).to_string()),
        csv_href: Address::new("/certificates.csv").with_all(address.parameters()).to_string(),
        columns: COLUMNS
            .iter()
            .map(|column| (column.name, column.label, given.columns().any(|shown| shown.name == column.name)))
            .collect(),
        columns_kept: address.clone().without(&["columns"]).parameters().to_vec(),
        rows: page.certificates.iter().map(|certificate| row(certificate, scope, given.columns(), now)).collect(),
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

/// A column that may be added.
struct Column {
    name: &'static str,
    label: &'static str,
    cell: fn(&Summary) -> String,
}

const COLUMNS: &[Column] = &[
    Column { name: "names", label: "All names", cell: |shown| shown.names.join(", ") },
    Column { name: "serial", label: "Serial number", cell: |shown| shown.serial.clone() },
    Column { name: "signature", label: "Signature", cell: |shown| shown.signature_algorithm.clone() },
    Column { name: "findings", label: "Findings", cell: findings },
    Column { name: "source", label: "Source", cell: |shown| shown.source.clone() },
    Column { name: "held", label: "Held since", cell: |shown| day(shown.held_since) },
    Column { name: "begins", label: "Valid from", cell: |shown| day(shown.not_before) },
    Column { name: "subject", label: "Subject", cell: |shown| shown.subject.clone() },
    Column { name: "fingerprint", label: "SHA-256", cell: |shown| certhold_domain::hex(&shown.sha256) },
];

fn findings(certificate: &Summary) -> String {
    let rules = certificate.findings.iter().filter_map(|finding| finding.split_once(':')).map(|(_, rule)| rule);
    rules.collect::<Vec<_>>().join(", ")
}

fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

fn row(certificate: &Summary, scope: Scope, columns: impl Iterator<Item = &'static Column>, now: i64) -> CertificateRow {
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
        more: columns.map(|column| (column.cell)(certificate)).collect(),
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
