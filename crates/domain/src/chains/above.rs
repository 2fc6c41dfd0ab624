//! The authorities above a certificate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use certhold_pki::graph::{DEPTH_MAX, End, Graph, Names};
use certhold_store::{Tx, params};

use super::memory::Memory;
use crate::access::{Level, paths};
use crate::actor::Actor;
use crate::collections::{self, Scope};
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
    /// The certificates that the reader may see as certificates of the inventory, when that is not all of them.
    seen: Option<BTreeSet<CertificateId>>,
    /// Which of all these are revoked.
    revoked: BTreeSet<CertificateId>,
}

impl Above {
    /// Whether the reader may see this certificate as one of the inventory. Of the others they learn what the certificate below
    /// them proves anyway: that there is an authority of this name and key, and its bytes.
    pub fn may_see(&self, id: CertificateId) -> bool {
        self.seen.as_ref().is_none_or(|seen| seen.contains(&id))
    }

    /// Whether this certificate is revoked, as far as the inventory knows and the reader may.
    pub fn is_revoked(&self, id: CertificateId) -> bool {
        self.revoked.contains(&id) && self.may_see(id)
    }

    /// Whether the reader may see every certificate of the inventory.
    pub fn sees_all(&self) -> bool {
        self.seen.is_none()
    }

    /// The graph, and the certificate that each of its nodes is. Verifies signatures: call it outside transactions.
    pub fn graph(&self) -> Result<(Graph, Vec<CertificateId>)> {
        let ders: Vec<&[u8]> = self.pool.iter().map(|(_, der)| der.as_slice()).collect();
        let built = Graph::above_with(&self.certificate.der, &ders, &Memory);
        let id = self.certificate.summary.id;
        let (mut graph, places) = built.map_err(|error| Error::damaged(format!("certificate {id}: {error}")))?;
        if self.cut {
            graph.unfinished = true;
            // What was not looked at may be held.
            for path in graph.paths.iter_mut().filter(|path| path.end == End::Missing) {
                path.end = End::Unfinished;
            }
        }
        let ids = std::iter::once(id).chain(places.into_iter().map(|place| self.pool[place].0)).collect();
        Ok((graph, ids))
    }
}

/// A certificate with the authorities above it, nearest first, within limits.
pub fn above(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<Above> {
    above_in(tx, actor, id, Scope::everywhere(0))
}

/// As [`above`], within a scope. Whoever sees the certificate through a collection only sees its authorities outside of the
/// collection as far as the certificates prove them: see [`Above::may_see`].
pub fn above_in(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Above> {
    let level = collections::level(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    let certificate = inventory::fetch(tx, id)?;
    let names = Names::of(&certificate.der).map_err(|error| Error::damaged(format!("certificate {id}: {error}")))?;
    let (found, cut) = authorities(tx, id, &names)?;
    let lists: Vec<_> = found.iter().map(|id| [(*id).into()]).collect();
    let ders = tx.one_of_each("SELECT der FROM certificate_body WHERE certificate = $1", &lists, |row| row.get::<Vec<u8>>(0))?;
    let pool: Vec<_> = found.into_iter().zip(ders).filter_map(|(id, der)| Some((id, der?))).collect();
    let seen = match (level, scope.collection) {
        (Level::System, _) => None,
        (Level::Collection, Some(collection)) => {
            let ids: Vec<CertificateId> = std::iter::once(id).chain(pool.iter().map(|(id, _)| *id)).collect();
            Some(collections::among(tx, actor, collection, &ids, scope.now)?)
        }
        // Through a container one sees the certificates in its stores, which authorities seldom are.
        (Level::Collection | Level::Container, _) => Some(BTreeSet::from([id])),
    };
    let ids: Vec<CertificateId> = std::iter::once(id).chain(pool.iter().map(|(id, _)| *id)).collect();
    let revoked = revoked(tx, &ids)?;
    Ok(Above { certificate, pool, cut, seen, revoked })
}

/// Which of these are revoked.
fn revoked(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<BTreeSet<CertificateId>> {
    let lists: Vec<_> = ids.iter().map(|id| [(*id).into()]).collect();
    let sql = "SELECT id FROM certificate WHERE id = $1 AND revoked_at IS NOT NULL";
    let found = tx.one_of_each(sql, &lists, |row| row.get::<i64>(0))?;
    Ok(found.into_iter().flatten().map(CertificateId).collect())
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
        for (id, issuer, authority_key_id) in of_name(tx, from, &wanted, &mut cut)? {
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

/// One of many authorities of a name.
struct Namesake {
    row: Row,
    /// Its key identifier is the wanted one.
    fits: bool,
    key: Vec<u8>,
}

/// Authorities of a name, at most [`limits::CHAIN_SAME_NAME`]: those with the wanted key identifier first, then the newest. Anybody may
/// make certificates of any name and key identifier. Where there are more than are looked at, those come first that somebody or
/// something vouched for, then one of each key, the newest and the oldest by turns: a flood hides neither what was there before
/// it nor what comes after it.
fn of_name(tx: &mut Tx<'_>, from: CertificateId, wanted: &Wanted, cut: &mut bool) -> Result<Vec<Row>> {
    let most = limits::CHAIN_SAME_NAME;
    let newest = namesakes(tx, wanted, "DESC", most + 1)?;
    if newest.len() <= most {
        let (fitting, others): (Vec<_>, Vec<_>) = newest.into_iter().partition(|one| one.fits);
        return Ok(fitting.into_iter().chain(others).map(|one| one.row).collect());
    }
    *cut = true;
    let mut rows = vouched_for(tx, from, wanted)?;
    let mut seen: BTreeSet<CertificateId> = rows.iter().map(|row| row.0).collect();
    let mut ends = [namesakes(tx, wanted, "DESC", FLOOD)?.into_iter(), namesakes(tx, wanted, "ASC", FLOOD)?.into_iter()];
    let mut by_turns = Vec::new();
    while let [Some(newer), Some(older)] = [ends[0].next(), ends[1].next()] {
        by_turns.extend([newer, older].into_iter().filter(|one| seen.insert(one.row.0)));
    }
    let mut certificates_of: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut ranked: Vec<(bool, usize, Row)> = Vec::with_capacity(by_turns.len());
    for one in by_turns {
        let of_that_key = certificates_of.entry(one.key).or_default();
        ranked.push((!one.fits, *of_that_key, one.row));
        *of_that_key += 1;
    }
    // Stable: by turns within each rank.
    ranked.sort_by_key(|(fits_not, of_that_key, _)| (*fits_not, *of_that_key));
    rows.extend(ranked.into_iter().map(|(.., row)| row));
    rows.truncate(most);
    Ok(rows)
}

/// Authorities of one name that are chosen among, from either end.
const FLOOD: usize = 512;

fn namesakes(tx: &mut Tx<'_>, wanted: &Wanted, order: &str, limit: usize) -> Result<Vec<Namesake>> {
    let sql = format!(
        "SELECT authority.certificate, authority.issuer, authority.authority_key_id, authority.key_id, certificate.spki_sha256 \
         FROM authority JOIN certificate ON certificate.id = authority.certificate WHERE authority.subject = $1 \
         ORDER BY authority.certificate {order} LIMIT $2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(tx.rows(&sql, params![&wanted.subject, limit], |row| {
        let key_id: Option<Vec<u8>> = row.get(3)?;
        let fits = wanted.key_id.is_some() && key_id == wanted.key_id;
        Ok(Namesake { row: (CertificateId(row.get(0)?), row.get(1)?, row.get(2)?), fits, key: row.get(4)? })
    })?)
}

/// Authorities of a name that are in a trust set, are private authorities, or came as part of a chain that an authority delivered.
fn vouched_for(tx: &mut Tx<'_>, from: CertificateId, wanted: &Wanted) -> Result<Vec<Row>> {
    let limit = i64::try_from(limits::CHAIN_SAME_NAME).unwrap_or(i64::MAX);
    Ok(tx.rows(
        "SELECT certificate, issuer, authority_key_id FROM authority WHERE subject = $1 AND (\
         certificate IN (SELECT member FROM certificate_chain WHERE certificate_chain.certificate = $2) \
         OR EXISTS (SELECT 1 FROM trust_set_member WHERE trust_set_member.certificate = authority.certificate) \
         OR EXISTS (SELECT 1 FROM private_ca WHERE private_ca.certificate = authority.certificate) \
         OR EXISTS (SELECT 1 FROM certificate WHERE certificate.id = authority.certificate AND certificate.source = 'chain')) \
         ORDER BY CASE WHEN key_id = $3 THEN 0 ELSE 1 END, certificate DESC LIMIT $4",
        params![&wanted.subject, from, &wanted.key_id, limit],
        |row| Ok((CertificateId(row.get(0)?), row.get(1)?, row.get(2)?)),
    )?)
}
