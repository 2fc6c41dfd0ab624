//! Reading certificates with a right that holds in one collection: each function is its namesake, within a [`Scope`].

use std::collections::HashMap;

use certhold_store::{Tx, Value};
use serde_json::Value as Json;

use super::certificate::{self, Certificate, Summary};
use super::list::{self, Filter, Page, Sort};
use crate::access::{self, Level, Need, paths};
use crate::actor::Actor;
use crate::collections::{self, Scope};
use crate::error::{Error, Refusal, Result};
use crate::events::{self, Event, EventPage, names};
use crate::ids::{CertificateId, StoreId};
use crate::metadata;
use crate::query::{self, Condition, Expr};
use crate::stores;

/// Lists certificates, of a named collection only those inside.
pub fn list_in(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, scope: Scope) -> Result<Page> {
    if scope.collection.is_none() {
        return list::list(tx, actor, filter);
    }
    let filter = within(tx, actor, filter, scope)?;
    list::select(tx, &filter)
}

/// As [`list_in`], with what is noted about each certificate: names of fields with values, in the fields' order.
pub fn list_noted_in(
    tx: &mut Tx<'_>,
    actor: &Actor,
    filter: &Filter,
    scope: Scope,
) -> Result<(Page, HashMap<CertificateId, Vec<(String, String)>>)> {
    let page = list_in(tx, actor, filter, scope)?;
    let ids: Vec<CertificateId> = page.certificates.iter().map(|certificate| certificate.id).collect();
    let noted = if ids.is_empty() { HashMap::new() } else { metadata::of_many(tx, &ids)? };
    Ok((page, noted))
}

/// The bytes of listed certificates, in the list's order, with the cursor of the next page.
pub fn bodies_in(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, scope: Scope) -> Result<(Vec<Vec<u8>>, Option<String>)> {
    let page = list_in(tx, actor, filter, scope)?;
    let ids: Vec<[Value<'_>; 1]> = page.certificates.iter().map(|certificate| [certificate.id.into()]).collect();
    let sql = "SELECT der FROM certificate_body WHERE certificate = $1";
    let bodies = tx.one_of_each(sql, &ids, |row| row.get::<Vec<u8>>(0))?;
    Ok((bodies.into_iter().flatten().collect(), page.next))
}

/// The filter with the collection's query beside it, without the duplicates that lists of the collection leave out.
pub(crate) fn within(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, scope: Scope) -> Result<Filter> {
    let Some(collection) = scope.collection else { return Ok(filter.clone()) };
    let inside = collections::condition(tx, actor, collection, scope.now)?;
    let wanted = std::iter::once(inside).chain(filter.condition.clone()).collect();
    let duplicates = collections::duplicates_of(tx, collection)?;
    Ok(Filter { condition: Some(Expr::And(wanted)), duplicates, ..filter.clone() })
}

/// Refuses unless the actor may list certificates of this scope.
pub fn require_list(tx: &mut Tx<'_>, actor: &Actor, scope: Scope) -> Result<()> {
    let need = Need::system(paths::CERTIFICATES_READ).or_collection(paths::CERTIFICATES_READ, scope.collection);
    access::require(tx, actor, &need)
}

/// What a query means when `actor` asks it now; nothing for the empty one. Whoever may list nothing learns nothing about it either.
pub fn question(tx: &mut Tx<'_>, actor: &Actor, text: &str, scope: Scope) -> Result<Option<Condition>> {
    require_list(tx, actor, scope)?;
    let query = query::check(tx, text)??;
    Ok((!query.is_empty()).then(|| query.resolve(scope.now, &actor.name)))
}

/// Those of these certificates that a filter still finds, by handle: for whoever chose them by it a moment ago.
pub fn still_found(
    tx: &mut Tx<'_>,
    actor: &Actor,
    filter: &Filter,
    ids: &[CertificateId],
    scope: Scope,
) -> Result<Vec<CertificateId>> {
    let named: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let chosen = question(tx, actor, &format!("CertId -in ({})", named.join(", ")), scope)?;
    let wanted = chosen.into_iter().chain(filter.condition.clone()).collect();
    let filter = Filter { condition: Some(Expr::And(wanted)), sort: Sort::Id, limit: ids.len(), ..filter.clone() };
    let page = list_in(tx, actor, &filter, scope)?;
    Ok(page.certificates.into_iter().map(|found| found.id).collect())
}

/// Certificates of one thumbprint, or of one issuer and number, that are looked at.
const NAMESAKES: usize = 50;

/// The newest certificate that a query finds, for somebody who names one so. Through a container, of which nothing is listed, it is the
/// newest of those that they may read there.
pub fn named_in(tx: &mut Tx<'_>, actor: &Actor, text: &str, scope: Scope) -> Result<CertificateId> {
    let missing = || Refusal::not_found("certificate", text);
    let Some(container) = scope.container.filter(|_| scope.collection.is_none()) else {
        let condition = question(tx, actor, text, scope)?;
        let filter = Filter { condition, sort: Sort::Newest, limit: 1, ..Filter::default() };
        let found = list_in(tx, actor, &filter, scope)?.certificates.pop();
        return found.map(|found| found.id).ok_or_else(|| missing().into());
    };
    access::require(tx, actor, &stores::or_reads_stores_of(Need::system(paths::CERTIFICATES_READ), container))?;
    let query = query::check(tx, text)??;
    let condition = Some(query.resolve(scope.now, &actor.name));
    let found = list::select(tx, &Filter { condition, sort: Sort::Newest, limit: NAMESAKES, ..Filter::default() })?;
    for found in found.certificates {
        match collections::require(tx, actor, paths::CERTIFICATES_READ, found.id, scope) {
            Ok(()) => return Ok(found.id),
            Err(Error::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    // The same for one that is outside and for one that there is not.
    match collections::require(tx, actor, paths::CERTIFICATES_READ, CertificateId(0), scope) {
        Err(Error::Refused(Refusal::NotFound { .. })) | Ok(()) => Err(missing().into()),
        Err(other) => Err(other),
    }
}

/// One certificate with its bytes.
pub fn get_in(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Certificate> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    certificate::fetch(tx, id)
}

/// One certificate without its bytes.
pub fn summary_in(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Summary> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id).into())
}

/// The path an authority delivered with a certificate. Its members need not be in the collection: they are the authority's.
pub fn chain_in(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Vec<Certificate>> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    certificate::fetch_chain(tx, id)
}

/// A certificate's history.
pub fn history_in(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    scope: Scope,
    before: Option<i64>,
    limit: usize,
) -> Result<EventPage> {
    let level = collections::level(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    let mut page = events::of_certificate(tx, id, before, limit)?;
    bounded(tx, actor, level, &mut page.events)?;
    Ok(page)
}

/// A page of a certificate's history by number, with how many entries there are.
pub fn history_page_in(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    scope: Scope,
    asked: &events::HistoryPage,
) -> Result<(Vec<events::Event>, i64)> {
    let level = collections::level(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    if certificate::find(tx, id)?.is_none() {
        return Err(Refusal::not_found("certificate", id).into());
    }
    let (mut page, total) = events::page_of_certificate(tx, id, asked)?;
    bounded(tx, actor, level, &mut page)?;
    Ok((page, total))
}

/// Takes out of a history what whoever reads the certificate by a scope only may not know: which certificate that was removed it renewed,
/// or was renewed by, since that need not have been inside; and through a container, which other stores have it.
fn bounded(tx: &mut Tx<'_>, actor: &Actor, level: Level, history: &mut [Event]) -> Result<()> {
    if level == Level::System {
        return Ok(());
    }
    for event in history.iter_mut().filter(|event| event.operation == names::CERTIFICATE_NEIGHBOUR_DELETED) {
        if let Some(payload) = event.payload.as_object_mut() {
            payload.retain(|member, _| !matches!(member.as_str(), "certificate" | "title"));
        }
    }
    if level == Level::Collection {
        return Ok(());
    }
    let mut seen: HashMap<i64, bool> = HashMap::new();
    for event in history {
        let Some(payload) = event.payload.as_object_mut() else { continue };
        if let Some(store) = payload.get("certificate_store").and_then(Json::as_i64) {
            let is_seen = match seen.get(&store) {
                Some(known) => *known,
                None => stores::is_seen(tx, actor, StoreId(store))?,
            };
            seen.insert(store, is_seen);
            if !is_seen {
                // The reason for which a key went there names it, too.
                let names_it = ["certificate_store", "store_name", "alias", "reason"];
                payload.retain(|member, _| !names_it.contains(&member.as_str()));
            }
        }
        // What an inventory brought names its store as the source.
        if let Some(store) = payload.get("source").and_then(Json::as_str).and_then(|source| source.strip_prefix("store "))
            && !stores::is_named_seen(tx, actor, store)?
        {
            payload.remove("source");
        }
    }
    Ok(())
}
