//! Finding certificates.

use axum::extract::State;
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Column, Direction, Expiry, Filter, Sort};
use certhold_domain::query::{self, FieldId, Kind};
use certhold_domain::stores;
use certhold_domain::{Actor, Result as DomainResult};
use certhold_store::Tx;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::Certificate;
use crate::keyfactor::extract::{Asked, Caller};
use crate::keyfactor::listing::{Listed, PageAsked, no_such_order};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::Answer;
use crate::keyfactor::stores::{CertificateLocation, LocationCount};
use crate::state::App;

/// The routes for finding.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(csv)).routes(routes!(query_parsers))
}

/// What "now" is to a list: whole minutes, so that one page after the other, and the count beside each, are one question.
const MINUTE_MS: i64 = 60_000;

/// The fields that certificates are ordered by: each has an index.
const ORDERS: &[&str] = &["CertId", "IssuedCN", "IssuedDate", "IssuerDN", "ExpirationDate", "ImportDate"];

fn order(page: &PageAsked) -> Answer<Sort> {
    let Some(field) = &page.sort else { return Ok(if page.descending { Sort::Newest } else { Sort::Id }) };
    let known = ORDERS.iter().find(|known| known.eq_ignore_ascii_case(field)).ok_or_else(|| no_such_order(field))?;
    let by = |column: Column| Sort::By(column, if page.descending { Direction::Descending } else { Direction::Ascending });
    Ok(match (*known, page.descending) {
        ("CertId", false) => Sort::Id,
        ("CertId", true) => Sort::Newest,
        ("ExpirationDate", false) => Sort::Expiry,
        ("ExpirationDate", true) => Sort::ExpiryLast,
        ("IssuedCN", _) => by(Column::CommonName),
        ("IssuedDate", _) => by(Column::NotBefore),
        ("ImportDate", _) => by(Column::HeldSince),
        _ => by(Column::Issuer),
    })
}

/// Which certificates a request asks for.
pub(super) struct Wanted {
    query: String,
    filter: Filter,
    scope: Scope,
}

impl Wanted {
    pub(super) fn of(asked: &Asked, now: i64) -> Answer<Wanted> {
        let page = PageAsked::of(asked)?;
        let alive = Expiry { from: Some(now - now.rem_euclid(MINUTE_MS)), before: None };
        let filter = Filter {
            expiry: if asked.flag("includeexpired")? { Expiry::default() } else { alive },
            revoked: if asked.flag("includerevoked")? { None } else { Some(false) },
            sort: order(&page)?,
            offset: page.offset,
            limit: page.limit,
            count: true,
            ..Filter::default()
        };
        let (collection, _) = asked.places()?;
        let query = asked.text("querystring").or_else(|| asked.text("query")).unwrap_or_default().to_owned();
        Ok(Wanted { query, filter, scope: Scope::of(collection, now) })
    }

    pub(super) fn filter(&self, tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Filter> {
        let condition = inventory::question(tx, actor, &self.query, self.scope)?;
        Ok(Filter { condition, ..self.filter.clone() })
    }
}

/// List certificates
///
/// Revoked and expired ones are left out unless asked for. With a collection only those inside, for whoever may read that collection.
#[utoipa::path(get, path = "/Certificates", tag = "Certificates", params(
    ("QueryString" = Option<String>, Query, description = "A query, such as `IssuedCN -contains \"shop\"`"),
    ("PageReturned" = Option<i64>, Query, description = "The page, from 1"),
    ("ReturnLimit" = Option<i64>, Query, description = "Records of a page, 50 by default, at most 1,000"),
    ("SortField" = Option<String>, Query, description = "CertId (default), IssuedCN, IssuedDate, IssuerDN, ExpirationDate or ImportDate"),
    ("SortAscending" = Option<i64>, Query, description = "0 ascending (default), 1 descending"),
    ("IncludeRevoked" = Option<bool>, Query, description = "Also revoked ones"),
    ("IncludeExpired" = Option<bool>, Query, description = "Also expired ones"),
    ("CollectionId" = Option<i64>, Query, description = "Only those in this collection; scope of the right to read"),
    ("IncludeLocations" = Option<bool>, Query, description = "With locations"),
    ("IncludeMetadata" = Option<bool>, Query, description = "With what is noted about them"),
    ("IncludeHasPrivateKey" = Option<bool>, Query, description = "With whether the private key is in custody")),
    responses((status = 200, description = "A page; x-total-count says how many there are", body = Vec<Certificate>)))]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Listed<Certificate>> {
    let wanted = Wanted::of(&asked, app.now())?;
    let with_locations = asked.flag("includelocations")?;
    let (with_metadata, with_key) = (asked.flag("includemetadata")?, asked.flag("includehasprivatekey")?);
    let (page, mut places) = caller
        .read(move |tx, actor| {
            let filter = wanted.filter(tx, actor)?;
            let page = inventory::list_whole(tx, actor, &filter, wanted.scope, with_metadata)?;
            let mut places = Vec::new();
            for whole in page.certificates.iter().filter(|_| with_locations) {
                places.push(stores::locations(tx, actor, whole.certificate.summary.id, wanted.scope)?);
            }
            Ok((page, places.into_iter()))
        })
        .await?;
    let (rows, total) = (page.certificates, page.total);
    // A few microseconds each: not worth another thread for a page.
    let mut rows = rows.into_iter().map(|whole| Certificate::of(whole, with_key)).collect::<DomainResult<Vec<_>>>()?;
    for row in &mut rows {
        let places = places.next().unwrap_or_default();
        row.locations_count = LocationCount::of(&places);
        row.locations = places.into_iter().map(CertificateLocation::from).collect();
    }
    Ok(Listed { rows, total })
}

/// Export certificates as comma-separated values
///
/// The first 10,000 that match.
#[utoipa::path(get, path = "/Certificates/CSV", tag = "Certificates", params(
    ("query" = Option<String>, Query, description = "A query"),
    ("sortName" = Option<String>, Query, description = "As SortField of the list"),
    ("sortOrder" = Option<i64>, Query, description = "0 ascending, 1 descending"),
    ("collectionId" = Option<i64>, Query, description = "Only those in this collection")),
    responses((status = 200, description = "The table, as one JSON string", body = String)))]
pub async fn csv(State(app): State<App>, caller: Caller, asked: Asked) -> Answer<Json<String>> {
    let asked = asked.renamed(&[("sortname", "sortfield"), ("sortorder", "sortascending")]);
    let wanted = Wanted::of(&asked, app.now())?;
    let rows = caller
        .read(move |tx, actor| {
            let mut filter = Filter { count: false, offset: 0, limit: CSV_STEP, ..wanted.filter(tx, actor)? };
            let mut rows = Vec::new();
            while rows.len() < CSV_ROWS {
                let page = inventory::list_in(tx, actor, &filter, wanted.scope)?;
                let ended = page.certificates.len() < CSV_STEP;
                rows.extend(page.certificates);
                if ended {
                    break;
                }
                filter.offset = rows.len();
            }
            Ok(rows)
        })
        .await?;
    let mut text =
        String::from("Id,IssuedCN,IssuedDN,IssuerDN,SerialNumber,NotBefore,NotAfter,KeyType,KeySizeInBits,OwnerRoleName\r\n");
    for row in rows {
        let (id, bits) = (row.id.to_string(), row.key_bits.map(|bits| bits.to_string()).unwrap_or_default());
        let cells = [
            id.as_str(),
            row.common_name.as_deref().unwrap_or_default(),
            &row.subject,
            &row.issuer,
            &row.serial.to_uppercase(),
            &crate::time::Time(row.not_before).to_string(),
            &crate::time::Time(row.not_after).to_string(),
            crate::keyfactor::wire::key_type(&row.key_algorithm).1,
            &bits,
            row.owner.as_ref().map(|(_, name)| name.as_str()).unwrap_or_default(),
        ];
        text.push_str(&certhold_domain::csv::line(cells));
    }
    Ok(Json(text))
}

/// Rows of a table, and of one step on the way.
const CSV_ROWS: usize = 10_000;
const CSV_STEP: usize = 1_000;

/// A field that queries can ask for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct QueryParser {
    name: String,
    /// Whether it is what people look for without naming a field.
    default: bool,
    /// 1 text, 2 number, 3 date, 4 boolean, 5 choice, 6 choice with an order, 7 key usage, 8 hexadecimal.
    r#type: i64,
    /// Its operators.
    comparisons: Vec<&'static str>,
    /// What can be chosen.
    values: Vec<String>,
    /// Whether a certificate may have several values.
    multi_value: bool,
}

/// List the fields of queries
#[utoipa::path(get, path = "/Certificates/QueryParsers", tag = "Certificates",
    responses((status = 200, description = "Every field with its operators", body = Vec<QueryParser>)))]
pub async fn query_parsers(caller: Caller, asked: Asked) -> Answer<Listed<QueryParser>> {
    // The fields are no secret: whoever is signed in may write queries.
    let catalogue = caller.read(|tx, _| query::catalogue(tx)).await?;
    let parser = |entry: &query::Entry| QueryParser {
        name: entry.name.clone(),
        default: entry.id == FieldId::IssuedCn,
        r#type: match entry.kind {
            Kind::Text | Kind::Dn => 1,
            Kind::Number => 2,
            Kind::Time => 3,
            Kind::Flag => 4,
            Kind::Choice(_) => 5,
            Kind::Ordered(_) => 6,
            Kind::Usage => 7,
            Kind::Hex | Kind::Digest(_) => 8,
        },
        comparisons: entry.kind.operators().iter().map(|op| op.word()).collect(),
        values: entry
            .kind
            .choices()
            .iter()
            .map(|choice| choice.names[0].to_owned())
            .chain(entry.options.iter().cloned())
            .collect(),
        multi_value: entry.several,
    };
    Listed::whole(catalogue.entries().iter().map(parser).collect(), &asked)
}
