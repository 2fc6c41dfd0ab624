//! The inventory as a file.

use axum::response::Response;
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Filter, Sort, Summary};
use certhold_domain::metadata;
use certhold_domain::{csv, hex};

use crate::web::file::{File, instant, yes};
use crate::web::refused::Refused;
use crate::web::visit::Visit;

/// Rows of one piece.
pub const ROWS: usize = 1_000;

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

/// The answer: a head, then every certificate of the list in order of its id, with all that is noted.
pub async fn answer(visit: &Visit, filter: Filter, scope: Scope) -> Result<Response, Refused> {
    let (_, fields) = visit.read(metadata::list).await?;
    let fields: Vec<String> = fields.into_iter().filter(|field| !field.removing).map(|field| field.name).collect();
    let noted: Vec<String> = fields.iter().map(|name| format!("metadata.{name}")).collect();
    let head: Vec<&str> = HEAD.into_iter().chain(noted.iter().map(String::as_str)).collect();
    let file = File::csv("certificates.csv", &head);
    let step = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor, after: Option<&str>| {
        let (page, noted) = inventory::list_noted_in(tx, actor, &piece(&filter, after), scope)?;
        let nothing = Vec::new();
        let line = |one: &Summary| line(one, &fields, noted.get(&one.id).unwrap_or(&nothing));
        Ok((page.certificates.iter().map(line).collect(), page.next))
    };
    file.stepwise(visit, step).await
}

/// The same for certificates that are at hand.
pub fn whole(name: &'static str, all: &[Summary]) -> Response {
    File::csv(name, &HEAD).lines(all.iter().map(|one| line(one, &[], &[])))
}

/// The part of a list after a place, in order of its id.
pub fn piece(filter: &Filter, after: Option<&str>) -> Filter {
    Filter { limit: ROWS, after: after.map(str::to_owned), count: false, sort: Sort::Id, ..filter.clone() }
}

fn line(certificate: &Summary, fields: &[String], noted: &[(String, String)]) -> String {
    let findings: Vec<&str> = certificate.findings.iter().filter_map(|one| one.split_once(':')).map(|(_, rule)| rule).collect();
    let noted = fields.iter().map(|field| noted.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.as_str()));
    csv::line(
        [
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
            &yes(certificate.is_ca),
            &yes(certificate.lineage.is_some()),
            &yes(certificate.has_key),
            &findings.join(" "),
            &certificate.source,
            &instant(certificate.held_since),
            &hex(&certificate.sha256),
        ]
        .into_iter()
        .chain(noted),
    )
}
