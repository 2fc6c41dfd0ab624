//! One certificate goes into several stores, or takes the places of another.

use certhold_store::Tx;

use super::items;
use super::jobs::{self, AddCertificate};
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
    let found = items::locations(tx, actor, existing, Scope::of(collection, now))?;
    let own = found.into_iter().filter(|place| place.position == 0);
    let places: Vec<Place> = own
        .map(|place| Place { store: place.store, alias: Some(place.alias), overwrite: true, with_key: place.has_key })
        .collect();
    if places.is_empty() {
        return Err(Refusal::Conflict(format!("certificate {existing} is in no certificate store")).into());
    }
    deploy(tx, actor, certificate, &places, collection, at, now)
}

/// Refuses whoever may put certificates with their keys into no store at all: they need the right to enrol with keys that are made here,
/// to modify some store and to read certificates.
pub fn require_may_deploy(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    access::require_path(tx, actor, paths::ENROLLMENT_PFX)?;
    access::require_path(tx, actor, paths::CERTIFICATES_READ)?;
    rights::reach(tx, actor, Right::Modify).map(drop)
}
