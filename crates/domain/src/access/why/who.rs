//! Who may do what to one certificate: the roles that bring it, each with the place through which.

use std::fmt;

use certhold_store::Tx;

use super::super::evaluate::{Access, HeldRole, Level, Tried, Verdict};
use super::super::tree::{self, Takes};
use super::super::{load, paths, require_path};
use super::place::Place;
use crate::actor::Actor;
use crate::collections;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, CollectionId, ContainerId, RoleId};

/// Through which place a right reaches a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// It holds everywhere.
    Everywhere,
    /// A collection that the certificate is in, with its name.
    Collection(CollectionId, String),
    /// It holds for whatever is in a certificate store, as the certificate is.
    Stores,
    /// A container in whose stores the certificate is, with its name.
    Container(ContainerId, String),
}

/// "through container 4, Web"; nothing for everywhere.
impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noun, id, name) = match self {
            Through::Everywhere => return Ok(()),
            Through::Stores => return f.write_str("over all certificate stores"),
            Through::Collection(id, name) => ("collection", id.0, name),
            Through::Container(id, name) => ("container", id.0, name),
        };
        match name.as_str() {
            "" => write!(f, "through {noun} {id}"),
            name => write!(f, "through {noun} {id}, {name}"),
        }
    }
}

/// Who may do one thing to one certificate: the roles that bring it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoMay {
    /// The permission.
    pub action: &'static str,
    /// What it allows.
    pub meaning: &'static str,
    /// The roles that bring it.
    pub roles: Vec<(RoleId, String, Through)>,
}

/// Who may do what to a certificate, by role, for whoever may read security and see the certificate within the scope. What restricts
/// an action beside the right (the owner) is [`why`](super::why)'s to tell, for one account at a time.
pub fn who_may(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: collections::Scope) -> Result<Vec<WhoMay>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    collections::require(tx, actor, paths::CERTIFICATES_READ, certificate, scope)?;
    let roles = load::all_roles(tx)?;
    let reached = Reached::of(tx, roles, certificate, scope.now)?;
    if reached.place.standing.is_none() {
        return Err(Refusal::not_found("certificate", certificate).into());
    }
    let actions = paths::CATALOGUE.iter().filter(|(path, _)| tree::takes(path) == Takes::Collection);
    let who = actions.map(|(action, meaning)| {
        let roles = reached.roles(action).map(|(role, through)| (role.id, role.name.clone(), through)).collect();
        WhoMay { action, meaning, roles }
    });
    Ok(who.collect())
}

/// Roles around one certificate, by the same facts as [`why`](super::why).
pub(in super::super) struct Reached {
    access: Access,
    place: Place,
}

impl Reached {
    pub(in super::super) fn of(tx: &mut Tx<'_>, roles: Vec<HeldRole>, certificate: CertificateId, now: i64) -> Result<Reached> {
        let access = Access { version: 0, roles, scopes: None, unbounded: false };
        let place = Place::around(tx, &access, certificate, now)?;
        Ok(Reached { access, place })
    }

    /// The roles that bring an action, each with the first place through which, in the order in which the evaluation goes.
    pub(in super::super) fn roles(&self, action: &'static str) -> impl Iterator<Item = (&HeldRole, Through)> {
        let explained = self.access.explain(&self.place.need(action));
        explained.into_iter().filter_map(move |(role, tried)| {
            let tried = tried.into_iter().find(|tried| tried.verdict == Verdict::Allowed)?;
            Some((role, self.through(action, &tried)))
        })
    }

    fn through(&self, action: &str, tried: &Tried) -> Through {
        fn named<T: Copy + PartialEq>(known: &[(T, String)], id: T) -> String {
            known.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone()).unwrap_or_default()
        }
        match tree::scoped(&tried.path).filter(|_| tried.level != Level::System) {
            Some((_, Takes::Container, id)) => {
                Through::Container(ContainerId(id), named(&self.place.containers, ContainerId(id)))
            }
            Some((_, _, id)) => Through::Collection(CollectionId(id), named(&self.place.collections, CollectionId(id))),
            None if tried.path == action => Through::Everywhere,
            None => Through::Stores,
        }
    }
}
