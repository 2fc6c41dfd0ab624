//! The inventory as a file: sent as it is read, a page at a time, so that a million rows need no more memory than a thousand.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Filter, Summary};
use certhold_domain::{csv, hex};
use futures_util::stream;

use crate::attachment;
use crate::auth::Caller;
use crate::state::App;

/// Rows of one piece.
const ROWS: usize = 1_000;

const HEAD: [&str; 18] = [
    "id",
    "name",
    "names",
    "subject",
    "issuer",
    "serial",
    "not_before",
    "not_after",
    "owner",
    "key",
    "signature_algorithm",
    "is_ca",
    "managed",
    "private_key",
    "findings",
    "source",
    "held_since",
    "sha256",
];

/// The answer: a head, then every certificate of the list in order of its id.
pub fn answer(app: &App, caller: Caller, filter: Filter, scope: Scope) -> Response {
    let app = app.clone();
    let first = Filter { limit: ROWS, after: None, count: false, sort: inventory::Sort::Id, ..filter };
    let pieces = stream::try_unfold(Some((first, true)), move |place| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let Some((filter, is_first)) = place else { return Ok(None) };
            let asked = filter.clone();
            // Whoever asks is looked up for each piece: a right that is taken away ends the list.
            let page =
                app.read_as(caller, move |tx, actor| inventory::list_in(tx, actor, &asked, scope)).await.map_err(|_| {
                    tracing::warn!("a list was cut off while it was sent");
                    std::io::Error::other("the list was cut off")
                })?;
            let mut text = if is_first { csv::line(HEAD) } else { String::new() };
            page.certificates.iter().for_each(|certificate| text.push_str(&line(certificate)));
            let next = page.next.map(|after| (Filter { after: Some(after), ..filter }, false));
            Ok::<_, std::io::Error>(Some((Bytes::from(text), next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, attachment::disposition("certificates.csv")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

fn line(certificate: &Summary) -> String {
    let instant = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
    let findings: Vec<&str> = certificate.findings.iter().filter_map(|one| one.split_once(':')).map(|(_, rule)| rule).collect();
    csv::line([
        certificate.id.to_string().as_str(),
        certificate.title(),
        &certificate.names.join(" "),
        &certificate.subject,
        &certificate.issuer,
        &certificate.serial,
        &instant(certificate.not_before),
        &instant(certificate.not_after),
        certificate.owner.as_ref().map_or("", |(_, name)| name),
        &certificate.key(),
        &certificate.signature_algorithm,
        yes(certificate.is_ca),
        yes(certificate.lineage.is_some()),
        yes(certificate.has_key),
        &findings.join(" "),
        &certificate.source,
        &instant(certificate.held_since),
        &hex(&certificate.sha256),
    ])
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}
