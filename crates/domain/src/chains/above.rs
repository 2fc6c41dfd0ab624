//! The authorities above a certificate.

use std::collections::{BTreeSet, VecDeque};

use certhold_pki::graph::{DEPTH_MAX, Graph, Names};
use certhold_store::{Tx, params};

use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::ids::CertificateId;
use crate::inventory::{self, Certificate};
use crate::limits;

/// A certificate and every authority that can stand above it by name, unverified.
#[derive(Clone, Debug)]
pub struct Above {
    /// The certificate.
    pub certificate: Certificate,
    /// The authorities with their bytes.
    pub pool: Vec<(CertificateId, Vec<u8>)>,
    /// There are more authorities of these names than are looked at.
    pub cut: bool,
}

impl Above {
    /// The graph, and the certificate that each of its nodes is. Verifies signatures: call it outside transactions.
    pub fn graph(&self) -> Result<(Graph, Vec<CertificateId>)> {
        let ders: Vec<&[u8]> = self.pool.iter().map(|(_, der)| der.as_slice()).collect();
        let built = Graph::above(&self.certificate.der, &ders);
        let id = self.certificate.summary.id;
        let (mut graph, places) = built.map_err(|error| Error::damaged(format!("certificate {id}: {error}")))?;
        graph.unfinished |= self.cut;
        let ids = std::iter::once(id).chain(places.into_iter().map(|place| self.pool[place].0)).collect();
        Ok((graph, ids))
    }
}

/// A certificate with the authorities above it, nearest first, within limits.
pub fn above(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<Above> {
    let certificate = inventory::get(tx, actor, id)?;
    let names = Names::of(&certificate.der).map_err(|error| Error::damaged(format!("certificate {id}: {error}")))?;
    let (found, cut) = authorities(tx, id, &names)?;
    let lists: Vec<_> = found.iter().map(|id| [(*id).into()]).collect();
    let ders = tx.one_of_each("SELECT der FROM certificate_body WHERE certificate = $1", &lists, |row| row.get::<Vec<u8>>(0))?;
    let pool = found.into_iter().zip(ders).filter_map(|(id, der)| Some((id, der?))).collect();
    Ok(Above { certificate, pool, cut })
}

struct Wanted {
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    depth: usize,
}

/// Walks up by name, level by level; each name is looked up once.
fn authorities(tx: &mut Tx<'_>, from: CertificateId, names: &Names) -> Result<(Vec<CertificateId>, bool)> {
    let first = Wanted { subject: names.issuer.to_vec(), key_id: names.authority_key_id.clone(), depth: 1 };
    let mut queue = VecDeque::from([first]);
    let (mut asked, mut seen) = (BTreeSet::new(), BTreeSet::from([from]));
    let (mut found, mut cut) = (Vec::new(), false);
    while let Some(wanted) = queue.pop_front() {
        if wanted.depth > DEPTH_MAX || !asked.insert((wanted.subject.clone(), wanted.key_id.clone())) {
            continue;
        }
        for (id, issuer, authority_key_id) in of_name(tx, &wanted, &mut cut)? {
            if !seen.insert(id) {
                continue;
            }
            if found.len() >= limits::CHAIN_AUTHORITIES {
                return Ok((found, true));
            }
            found.push(id);
            queue.push_back(Wanted { subject: issuer, key_id: authority_key_id, depth: wanted.depth + 1 });
        }
    }
    Ok((found, cut))
}

type Row = (CertificateId, Vec<u8>, Option<Vec<u8>>);

/// Authorities of a name: those with the wanted key first, then the newest; at most [`limits::CHAIN_SAME_NAME`].
fn of_name(tx: &mut Tx<'_>, wanted: &Wanted, cut: &mut bool) -> Result<Vec<Row>> {
    let read = |row: &certhold_store::Row<'_>| Ok((CertificateId(row.get(0)?), row.get(1)?, row.get(2)?));
    let most = limits::CHAIN_SAME_NAME;
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let mut rows: Vec<Row> = Vec::new();
    if let Some(key_id) = &wanted.key_id {
        rows = tx.rows(
            "SELECT certificate, issuer, authority_key_id FROM authority WHERE subject = $1 AND key_id = $2 \
             ORDER BY certificate DESC LIMIT $3",
            params![&wanted.subject, key_id, limit],
            read,
        )?;
    }
    let any = tx.rows(
        "SELECT certificate, issuer, authority_key_id FROM authority WHERE subject = $1 ORDER BY certificate DESC LIMIT $2",
        params![&wanted.subject, limit],
        read,
    )?;
    rows.extend(any.into_iter().filter(|row| !rows.iter().any(|known| known.0 == row.0)).collect::<Vec<_>>());
    *cut |= rows.len() > most;
    rows.truncate(most);
    Ok(rows)
}
