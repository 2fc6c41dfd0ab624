//! One certificate goes into several stores, or takes the places of another.

use certhold_store::Tx;

use super::change;
use super::items;
use super::jobs::{self, AddCertificate};
use super::list;
use super::owners::{self, Coming};
use super::rights::{self, Right};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::{Error, Refusal, Result};
use crate::ids::{CertificateId, CollectionId, StoreId, StoreJobId};

/// Where a certificate is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The store.
    pub store: StoreId,
    /// The entry's name; the certificate's thumbprint when `None`.
    pub alias: Option<String>,
    /// Whether an entry of this name may be replaced.
    pub overwrite: bool,
    /// Whether the private key goes with the certificate.
    pub with_key: bool,
}

/// What was asked for, and where the state of a store stands in the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// The jobs that will do it.
    pub asked: Vec<(StoreId, StoreJobId)>,
    /// Why it cannot be done there.
    pub failed: Vec<(StoreId, String)>,
}

/// Wants a certificate put into each of these places. What is wrong with the request or the rights refuses it as a whole; what is in
/// the way in one store fails there.
pub fn deploy(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificate: CertificateId,
    places: &[Place],
    collection: Option<CollectionId>,
    at: Option<i64>,
    now: i64,
) -> Result<Deployed> {
    let mut deployed = Deployed::default();
    for place in places {
        let alias = match &place.alias {
            Some(alias) => alias.clone(),
            None => items::default_alias(tx, certificate)?,
        };
        let (store, overwrite, with_key) = (place.store, place.overwrite, place.with_key);
        let command = AddCertificate { store, certificate, alias, overwrite, with_key, collection, at };
        match jobs::add(tx, actor, &command, now) {
            Ok(job) => deployed.asked.push((store, job)),
            Err(Error::Refused(Refusal::Conflict(why))) => deployed.failed.push((store, why)),
            Err(other) => return Err(other),
        }
    }
    Ok(deployed)
}

/// Wants a certificate that was just brought put into each of these places, with its private key where that is in custody, whatever the
/// places say about it. A key that was not brought along (`key_brought`) stays where it is when the actor may not take it out. The
/// certificate is held whatever becomes of the stores, so that every refusal is one of its store.
pub fn deploy_brought(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificate: CertificateId,
    places: &[Place],
    key_brought: bool,
    at: Option<i64>,
    now: i64,
) -> Result<Deployed> {
    let with_key = jobs::has_key(tx, certificate)? && (key_brought || access::allows(tx, actor, paths::PRIVATE_KEY_READ)?);
    let places: Vec<Place> = places.iter().map(|place| Place { with_key, ..place.clone() }).collect();
    each(tx, actor, certificate, &places, at, now)
}

fn each(
    tx: &mut Tx<'_>,
    actor: &Actor,
    certificate: CertificateId,
    places: &[Place],
    at: Option<i64>,
    now: i64,
) -> Result<Deployed> {
    let mut deployed = Deployed::default();
    for place in places {
        match deploy(tx, actor, certificate, std::slice::from_ref(place), None, at, now) {
            Ok(one) => {
                deployed.asked.extend(one.asked);
                deployed.failed.extend(one.failed);
            }
            Err(Error::Refused(refusal)) => deployed.failed.push((place.store, refusal.to_string())),
            Err(fault) => return Err(fault),
        }
    }
    Ok(deployed)
}

/// Refuses whoever may not put what they are about to bring into these places, with its private key if they bring that: before
/// anything is held. Names that entries cannot have are refused, too.
pub fn require_may_bring(tx: &mut Tx<'_>, actor: &Actor, places: &[Place], with_key: bool) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    if with_key {
        access::require_path(tx, actor, paths::PRIVATE_KEY_READ)?;
    }
    for place in places {
        let store = list::with_right(tx, actor, place.store, Right::Modify)?;
        change::require_may_fill(tx, actor, &store)?;
        owners::require_may_bring(tx, actor, store.container_id(), Coming::Anything)?;
        if let Some(alias) = &place.alias {
            store.kind.alias(alias)?;
        }
    }
    Ok(())
}

/// As [`require_may_bring`] for a certificate that is about to be issued, with its private key; refuses as well where the state of a store
/// is in the way, as [`jobs::add`] does: nothing is issued that then stands nowhere.
pub fn require_fit(tx: &mut Tx<'_>, actor: &Actor, places: &[Place]) -> Result<()> {
    require_may_bring(tx, actor, places, true)?;
    for place in places {
        let Some(alias) = &place.alias else { continue };
        let store = list::with_right(tx, actor, place.store, Right::Modify)?;
        let alias = store.kind.alias(alias)?;
        jobs::require_unfollowed(tx, &store, &alias)?;
        jobs::require_room(tx, &store, &alias, place.overwrite)?;
    }
    Ok(())
}

/// The places of a certificate's own entries, with its private key where that is.
fn places_of(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: Scope) -> Result<Vec<Place>> {
    let found = items::locations(tx, actor, certificate, scope)?;
    let own = found.into_iter().filter(|place| place.position == 0);
    Ok(own
        .map(|place| Place { store: place.store, alias: Some(place.alias), overwrite: true, with_key: place.has_key })
        .collect())
}

/// Wants a certificate put into every place that another one has, under the same names, with its private key where that of the other one
/// is.
pub fn replace(
    tx: &mut Tx<'_>,
    actor: &Actor,
    existing: CertificateId,
    certificate: CertificateId,
    collection: Option<CollectionId>,
    at: Option<i64>,
    now: i64,
) -> Result<Deployed> {
    let places = places_of(tx, actor, existing, Scope::of(collection, now))?;
    if places.is_empty() {
        return Err(Refusal::Conflict(format!("certificate {existing} is in no certificate store")).into());
    }
    deploy(tx, actor, certificate, &places, collection, at, now)
}

/// As [`replace`] for a certificate that was just issued to renew the other one, which may be in no store: every refusal is one of its
/// store.
pub fn replace_renewed(
    tx: &mut Tx<'_>,
    actor: &Actor,
    existing: CertificateId,
    certificate: CertificateId,
    at: Option<i64>,
    now: i64,
) -> Result<Deployed> {
    let places = places_of(tx, actor, existing, Scope::everywhere(now))?;
    each(tx, actor, certificate, &places, at, now)
}

/// Refuses whoever may not let another certificate take every place of this one: before there is that other one.
pub fn require_may_replace(tx: &mut Tx<'_>, actor: &Actor, existing: CertificateId, now: i64) -> Result<()> {
    let places = places_of(tx, actor, existing, Scope::everywhere(now))?;
    require_may_bring(tx, actor, &places, places.iter().any(|place| place.with_key))
}

/// Refuses whoever may put certificates with their keys into no store at all: they need the right to enrol with keys that are made here,
/// to modify some store and to read certificates.
pub fn require_may_deploy(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require_path(tx, actor, paths::ENROLLMENT_PFX)?;
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    rights::reach(tx, actor, Right::Modify).map(drop)
}
