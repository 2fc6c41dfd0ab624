//! Certificates with everything that is known of them: for faces that answer a list with whole certificates. A page costs a fixed
//! number of questions, however many rows it has.

use std::collections::HashMap;

use certhold_store::{Tx, Value};

use super::certificate::{Certificate, Summary};
use super::list::{self, Filter};
use super::revoke::{self, Revocation};
use super::scoped;
use crate::access::paths;
use crate::actor::Actor;
use crate::collections::{self, Scope};
use crate::error::{Error, Refusal, Result};
use crate::ids::CertificateId;
use crate::metadata;
use crate::private_ca::{self, Issuance};
use crate::renewal::revocation::{self, AtIssuer};

/// A certificate with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The certificate with its bytes.
    pub certificate: Certificate,
    /// What is noted about it, by the fields' names; empty when it was not asked for.
    pub metadata: Vec<(String, String)>,
    /// Its revocation, if it is revoked.
    pub revocation: Option<Revocation>,
    /// The ACME issuer of ours that it was obtained through, and how its revocation stands there.
    pub at_issuer: Option<AtIssuer>,
    /// How a private authority issued it, if one did.
    pub issuance: Option<Issuance>,
}

/// A page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholePage {
    /// In the order asked for.
    pub certificates: Vec<Whole>,
    /// All that match.
    pub total: i64,
}

/// Lists certificates with everything that is known of them.
pub fn list_whole(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, scope: Scope, with_metadata: bool) -> Result<WholePage> {
    scoped::require_list(tx, actor, scope)?;
    let filter = Filter { count: true, ..scoped::within(tx, actor, filter, scope)? };
    let page = list::select(tx, &filter)?;
    let certificates = complete(tx, page.certificates, with_metadata)?;
    Ok(WholePage { certificates, total: page.total.unwrap_or_default() })
}

/// One certificate with everything that is known of it.
pub fn get_whole(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Whole> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    let summary = super::certificate::find(tx, id)?.ok_or_else(|| Refusal::not_found("certificate", id))?;
    complete(tx, vec![summary], true)?.pop().ok_or_else(|| Error::damaged(format!("certificate {id} has no bytes")))
}

fn complete(tx: &mut Tx<'_>, summaries: Vec<Summary>, with_metadata: bool) -> Result<Vec<Whole>> {
    let ids: Vec<CertificateId> = summaries.iter().map(|summary| summary.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (places, values) = among(&ids);
    let sql = format!("SELECT certificate, der FROM certificate_body WHERE certificate IN ({places})");
    let mut ders: HashMap<i64, Vec<u8>> = tx.rows(&sql, &values, |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect();
    let mut revocations = revoke::of(tx, &ids)?;
    let mut at_issuers = revocation::at_issuers(tx, &ids)?;
    let mut noted = if with_metadata { metadata::of_many(tx, &ids)? } else { HashMap::new() };
    let issued = private_ca::issuance_of(tx, &ids)?;
    let whole = |(summary, issuance): (Summary, Option<Issuance>)| {
        let id = summary.id;
        let der = ders.remove(&id.0).ok_or_else(|| Error::damaged(format!("certificate {id} has no bytes")))?;
        let metadata = noted.remove(&id).unwrap_or_default();
        let (revocation, at_issuer) = (revocations.remove(&id), at_issuers.remove(&id));
        Ok(Whole { certificate: Certificate { summary, der }, metadata, revocation, at_issuer, issuance })
    };
    summaries.into_iter().zip(issued).map(whole).collect()
}

/// Places and values for a list of ids.
pub(crate) fn among(ids: &[CertificateId]) -> (String, Vec<Value<'static>>) {
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    (places.join(", "), ids.iter().map(|id| Value::Int(id.0)).collect())
}
