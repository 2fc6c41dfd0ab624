//! `/certificates/chosen`: what is done with certificates that somebody ticked, or with everything on a list.

use std::fmt;

use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use certhold_domain::access::paths;
use certhold_domain::bulk::{Selection, Wanted};
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Filter};
use certhold_domain::ownership;
use certhold_domain::{Actor, CertificateId, CollectionId, Refusal, Result as DomainResult};
use certhold_pki::{Entry, OutputFormat, pem};
use certhold_store::Tx;

use super::certificates::Parameters;
use super::edits;
use super::inventory_csv::{self, piece};
use crate::attachment;
use crate::state::App;
use crate::web::file::File;
use crate::web::paging::Place;
use crate::web::refused::Refused;
use crate::web::respond;
use crate::web::sent::{Author, Sent};
use crate::web::view::address::Address;
use crate::web::view::metadata::ChosenCard;
use crate::web::view::text::plural;

pub fn routes() -> Router<App> {
    Router::new().route("/certificates/chosen", post(act))
}

/// Certificates that can be chosen one by one: more than any page has.
const TICKED: usize = 500;

/// Certificates of one PKCS#7 file, which is made in memory.
const BUNDLED: usize = 10_000;

/// Which certificates, as forms and addresses hand them on: `ids:3,4` or `list:` and the parameters of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// These.
    Ticked { ids: Vec<CertificateId>, collection: Option<CollectionId> },
    /// All on the list with these parameters.
    Listed(String),
}

impl Chosen {
    /// From the text that [`Chosen`] is displayed as; `None` for anything else.
    pub fn parse(text: &str) -> Option<Chosen> {
        if let Some(list) = text.strip_prefix("list:") {
            return Some(Chosen::Listed(list.to_owned()));
        }
        let (ids, collection) = match text.strip_prefix("ids:")?.split_once('@') {
            Some((ids, collection)) => (ids, Some(CollectionId(collection.parse().ok()?))),
            None => (text.strip_prefix("ids:")?, None),
        };
        let ids: Option<Vec<CertificateId>> = ids.split(',').map(|id| id.parse().ok().map(CertificateId)).collect();
        Some(Chosen::Ticked { ids: ids?, collection })
    }

    /// The collection in which they were chosen.
    pub fn collection(&self) -> Option<CollectionId> {
        match self {
            Chosen::Ticked { collection, .. } => *collection,
            Chosen::Listed(list) => parameters(list).ok().and_then(|shown| shown.collection()),
        }
    }

    /// For an edit of many.
    pub fn selection(&self, now: i64) -> Result<Selection, Refusal> {
        Ok(match self {
            Chosen::Ticked { ids, collection: None } => Selection::Certificates(ids.clone()),
            // Where the collection is named, rights on it are enough.
            Chosen::Ticked { ids, collection } => {
                Selection::Filter(Wanted { query: among(ids), collection: *collection, ..Wanted::default() })
            }
            Chosen::Listed(list) => Selection::Filter(parameters(list)?.wanted(now)),
        })
    }

    /// How a form shows them.
    pub fn card(&self) -> ChosenCard {
        let (what, back) = match self {
            Chosen::Ticked { ids, collection } => {
                let one_by_one = i64::try_from(ids.len()).unwrap_or(i64::MAX);
                let list = collection.map(|id| id.to_string()).unwrap_or_default();
                let list = Address::new("/certificates").with("collection", list);
                (plural(one_by_one, "certificate that you ticked", "certificates that you ticked"), list.to_string())
            }
            Chosen::Listed(list) => {
                let spoken = parameters(list).map_or_else(|_| "it cannot be understood".to_owned(), |shown| shown.spoken());
                (format!("All certificates of the list: {spoken}"), list_address(list))
            }
        };
        ChosenCard { sent: self.to_string(), what, back }
    }

    /// The filter that finds them, and where.
    fn filter(&self, tx: &mut Tx<'_>, actor: &Actor, now: i64) -> DomainResult<(Filter, Scope)> {
        let (filter, text, scope) = match self {
            Chosen::Ticked { ids, collection } => (Filter::default(), among(ids), Scope::of(*collection, now)),
            Chosen::Listed(list) => {
                let shown = parameters(list)?;
                let scope = Scope::of(shown.collection(), now);
                (shown.filter(&Place::default(), now), shown.query().unwrap_or_default(), scope)
            }
        };
        let condition = inventory::question(tx, actor, &text, scope)?;
        Ok((Filter { condition, ..filter }, scope))
    }
}

/// The query that finds these.
fn among(ids: &[CertificateId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("CertId -in ({})", ids.join(", "))
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chosen::Ticked { ids, collection } => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                write!(f, "ids:{}", ids.join(","))?;
                collection.map_or(Ok(()), |id| write!(f, "@{id}"))
            }
            Chosen::Listed(list) => write!(f, "list:{list}"),
        }
    }
}

/// The parameters of a list, from the part of its address after the question mark. What cannot be understood is refused: without
/// it, the list would have more certificates.
pub(super) fn parameters(list: &str) -> Result<Parameters, Refusal> {
    let uri = list_address(list).parse::<Uri>().ok();
    let given = uri.and_then(|uri| Query::try_from_uri(&uri).ok());
    let not_understood = || Refusal::invalid("q", "this list cannot be understood: choose certificates in the inventory again");
    given.map(|Query(given)| given).ok_or_else(not_understood)
}

fn list_address(list: &str) -> String {
    if list.is_empty() { "/certificates".into() } else { format!("/certificates?{list}") }
}

async fn act(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    let list = fields.text("list").to_owned();
    let collection = match parameters(&list) {
        Ok(shown) => shown.collection(),
        Err(refusal) => return Err(author.refused(refusal)),
    };
    let chosen = match fields.text("which") {
        "all" => Chosen::Listed(list.clone()),
        "page" => {
            let ids = fields.text("page").split_whitespace().filter_map(|id| id.parse().ok()).map(CertificateId).collect();
            Chosen::Ticked { ids, collection }
        }
        _ => Chosen::Ticked { ids: sent.numbers("ids")?.into_iter().map(CertificateId).collect(), collection },
    };
    let kind = fields.text("do");
    let needed = match kind {
        "owner" => {
            let may = ownership::require_beforehand(&author.actor.access, ownership::Scope { collection, container: None });
            may.map_err(|refusal| author.refused(refusal))?;
            None
        }
        "metadata" => Some(paths::CERTIFICATES_METADATA_MODIFY),
        "remove" => Some(paths::CERTIFICATES_DELETE),
        "pem" | "pkcs7" | "csv" => None,
        _ => return Err(author.malformed("A choice of the form is none of those that were offered.")),
    };
    match needed {
        Some(path) => author.require_in(path, collection)?,
        // Whoever may list nothing learns nothing about what they sent.
        None => {
            let scope = Scope::of(collection, author.visit.app.now());
            author.visit.read(move |tx, actor| inventory::require_list(tx, actor, scope)).await?;
        }
    }
    if let Chosen::Ticked { ids, .. } = &chosen
        && (ids.is_empty() || ids.len() > TICKED)
    {
        let why = match ids.len() {
            0 => "nothing is ticked: tick certificates, or choose all that match".to_owned(),
            many => format!("{many} certificates are more than can be chosen one by one: choose all that match"),
        };
        return author.done_or_said(&list_address(&list), Err(Refusal::Conflict(why).into()), "");
    }
    match kind {
        "remove" => edits::look_at(author, &edits::Described::of_removal(&chosen)).await,
        "owner" | "metadata" => {
            let form = Address::new("/edits/new").with("kind", kind).with("chosen", chosen.to_string());
            Ok(respond::see_other(&form.to_string()))
        }
        _ => file(author, chosen, kind, &list).await,
    }
}

/// The chosen certificates as a file.
async fn file(author: &Author, chosen: Chosen, kind: &str, list: &str) -> Result<Response, Refused> {
    let (visit, now) = (&author.visit, author.visit.app.now());
    let found = visit.read(move |tx, actor| chosen.filter(tx, actor, now)).await;
    let (_, (filter, scope)) = found?;
    match kind {
        "csv" => inventory_csv::answer(visit, filter, scope).await,
        "pem" => {
            let file = File { name: "certificates.pem", media_type: "application/x-pem-file", head: String::new() };
            let step = move |tx: &mut Tx<'_>, actor: &Actor, after: Option<&str>| {
                let (bodies, next) = inventory::bodies_in(tx, actor, &piece(&filter, after), scope)?;
                Ok((bodies.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect(), next))
            };
            file.stepwise(visit, step).await
        }
        _ => pkcs7(author, filter, scope, list).await,
    }
}

/// One PKCS#7 file; a bundle's lengths stand before its content, so it is made in memory and has a limit.
async fn pkcs7(author: &Author, filter: Filter, scope: Scope, list: &str) -> Result<Response, Refused> {
    let (mut certificates, mut after) = (Vec::new(), None);
    loop {
        let asked = piece(&filter, after.as_deref());
        let (_, (bodies, next)) = author.visit.read(move |tx, actor| inventory::bodies_in(tx, actor, &asked, scope)).await?;
        certificates.extend(bodies);
        if certificates.len() > BUNDLED {
            let why = format!("a PKCS#7 file takes at most {BUNDLED} certificates: choose PEM, which takes any number");
            return author.done_or_said(&list_address(list), Err(Refusal::Conflict(why).into()), "");
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    if certificates.is_empty() {
        let why = "none of the chosen certificates is in the inventory any more";
        return author.done_or_said(&list_address(list), Err(Refusal::Conflict(why.into()).into()), "");
    }
    let certificates = certificates.iter().map(Vec::as_slice).collect();
    let entry = Entry { alias: String::new(), key: None, certificates };
    // Nothing is encrypted, so nothing random is asked for.
    let bytes = certhold_pki::write(OutputFormat::Pkcs7Der, &[entry], None, author.visit.app.now(), &mut |_| {})
        .map_err(|error| author.refused(Refusal::Conflict(error.to_string())))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(OutputFormat::Pkcs7Der.media_type())),
        (header::CONTENT_DISPOSITION, attachment::disposition("certificates.p7b")),
    ];
    Ok((headers, bytes.to_vec()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_survives_a_form() {
        let ticked = Chosen::Ticked { ids: vec![CertificateId(3), CertificateId(14)], collection: None };
        let inside = Chosen::Ticked { ids: vec![CertificateId(3)], collection: Some(CollectionId(7)) };
        let listed = Chosen::Listed("q=a%3Ab&filter=expired".into());
        assert_eq!((ticked.to_string(), inside.to_string()), ("ids:3,14".to_owned(), "ids:3@7".to_owned()));
        for chosen in [ticked, inside, listed] {
            assert_eq!(Chosen::parse(&chosen.to_string()), Some(chosen));
        }
        for odd in ["", "ids:", "ids:x", "ids:3,", "ids:3@", "3,4", "lists:x"] {
            assert_eq!(Chosen::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_list_means_what_it_shows() {
        let now = 1_790_000_000_000;
        let Selection::Filter(wanted) =
            Chosen::Listed("q=shop&filter=unowned&where=KeySize+-lt+2048&collection=4".into()).selection(now).unwrap()
        else {
            panic!("a list is a filter")
        };
        assert_eq!((wanted.text.as_str(), wanted.query.as_str(), wanted.unowned), ("shop", "KeySize -lt 2048", true));
        assert_eq!((wanted.collection, wanted.owner, wanted.managed), (Some(CollectionId(4)), None, None));
        let Selection::Filter(wanted) =
            Chosen::Listed("q=CN+-eq+1&where=KeySize+-lt+2048&filter=expiring".into()).selection(now).unwrap()
        else {
            panic!("a list is a filter")
        };
        assert_eq!(wanted.query, "(KeySize -lt 2048) AND (CN -eq 1)");
        assert_eq!((wanted.expires_from, wanted.expires_before.is_some()), (Some(now), true));
        let inside = Chosen::Ticked { ids: vec![CertificateId(3), CertificateId(14)], collection: Some(CollectionId(7)) };
        let Selection::Filter(wanted) = inside.selection(now).unwrap() else { panic!("inside a collection") };
        assert_eq!((wanted.query.as_str(), wanted.collection), ("CertId -in (3, 14)", Some(CollectionId(7))));
        for odd in
            ["collection=abc", "owner=x", "filter=expired2", "from=yesterday", "collection=4&collection=5", "a b", "until=2026"]
        {
            assert!(Chosen::Listed(odd.into()).selection(now).is_err(), "{odd} is not everything");
        }
        let many = (0..13).map(|size| format!("KeySize+-ne+{size}")).collect::<Vec<_>>().join("%0A");
        assert!(Chosen::Listed(format!("where={many}")).selection(now).is_err(), "no condition is left out");
        assert_eq!(Chosen::Listed("%zz&&&".into()).card().back, "/certificates?%zz&&&");
    }
}
