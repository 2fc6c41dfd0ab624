//! Where an action takes place: which collections and containers count, and who owns the certificate.

use std::collections::BTreeSet;

use certhold_store::Tx;

use super::super::evaluate::{Access, HeldRole, Level, Need, Tried, Verdict};
use super::super::tree::{self, Takes};
use super::super::{allows, on_objects, paths, require_path};
use super::asked::Asked;
use super::{Considered, Object, Question};
use crate::actor::Actor;
use crate::collections;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, CollectionId, ContainerId};
use crate::ownership::{self, Standing};
use crate::stores::Right;
use crate::{named, stores};

/// Where the action takes place.
pub(super) struct Place {
    /// Rights on these count.
    pub(super) collections: Vec<(CollectionId, String)>,
    /// And on these.
    pub(super) containers: Vec<(ContainerId, String)>,
    /// Whether it is in a certificate store, so that rights over all stores count.
    in_some_store: bool,
    /// The certificate, where whoever it is about may know of it.
    pub(super) standing: Option<Standing>,
    /// The certificate that the question names.
    pub(super) certificate: Option<CertificateId>,
}

impl Place {
    pub(super) fn of(tx: &mut Tx<'_>, actor: &Actor, asked: &Asked, question: &Question, now: i64) -> Result<Place> {
        let nowhere =
            Place { collections: Vec::new(), containers: Vec::new(), in_some_store: false, standing: None, certificate: None };
        match question.object {
            Object::Everything => Ok(nowhere),
            Object::Collection(id) => Ok(Place { collections: vec![(id, collections::name(tx, id)?)], ..nowhere }),
            Object::Container(id) => {
                let containers = vec![(id, stores::container_name(tx, id)?)];
                Ok(Place { containers, in_some_store: true, ..nowhere })
            }
            Object::Certificate(id) => {
                let may_see = allows(tx, actor, paths::CERTIFICATES_READ)?;
                if !may_see && !asked.is_oneself {
                    require_path(tx, actor, paths::CERTIFICATES_READ)?;
                }
                let collections = collections::holding(tx, &granted_in(&asked.access), id, now)?;
                let granted = containers_granted_in(&asked.access);
                let sees = |container| stores::holds(&asked.access, Right::Read, Some(container));
                let mut containers = stores::holders_of(tx, id)?;
                containers.retain(|(container, _)| granted.contains(container) || sees(*container));
                let standing = ownership::standing(tx, id)?;
                if may_see && standing.is_none() {
                    return Err(Refusal::not_found("certificate", id).into());
                }
                let in_some_store = standing.as_ref().is_some_and(|standing| standing.in_some_store);
                // Whoever neither sees certificates nor reaches this one in another way is told the same of one that exists and of one
                // that does not.
                let through_stores = in_some_store && asked.access.allows(paths::STORES_CHANGE_OWNER);
                let reaches = may_see || through_stores || !collections.is_empty() || !containers.is_empty();
                let (standing, in_some_store) = if reaches { (standing, in_some_store) } else { (None, false) };
                Ok(Place { collections, containers, in_some_store, standing, certificate: Some(id) })
            }
        }
    }

    /// Around a certificate, for whoever was found to see it and the rights on it: every place through which one of these could reach it.
    pub(super) fn around(tx: &mut Tx<'_>, access: &Access, id: CertificateId, now: i64) -> Result<Place> {
        let collections = collections::holding(tx, &granted_in(access), id, now)?;
        let containers = stores::holders_of(tx, id)?;
        let standing = ownership::standing(tx, id)?;
        let in_some_store = standing.as_ref().is_some_and(|standing| standing.in_some_store);
        Ok(Place { collections, containers, in_some_store, standing, certificate: Some(id) })
    }

    /// What the action needs here.
    pub(super) fn need(&self, action: &str) -> Need {
        let containers = || self.containers.iter().map(|(id, _)| *id);
        if let Some(need) = stores::need_of(action, containers()) {
            return need;
        }
        if action == paths::NAMED_READ {
            return named::reading();
        }
        let need = match tree::takes(action) {
            Takes::Nothing => return Need::system(action),
            Takes::Container => {
                return containers().fold(Need::system(action), |need, id| need.or_container(action, Some(id)));
            }
            Takes::Collection => {
                self.collections.iter().fold(Need::system(action), |need, (id, _)| need.or_collection(action, Some(*id)))
            }
        };
        match action {
            // Whoever sees the stores of a container sees the certificates in them.
            paths::CERTIFICATES_READ => containers().fold(need, stores::or_reads_stores_of),
            // The same right, of the area of stores.
            paths::CERTIFICATES_CHANGE_OWNER if self.in_some_store => {
                let need = need.or_system(paths::STORES_CHANGE_OWNER);
                containers().fold(need, |need, id| need.or_container(paths::STORES_CHANGE_OWNER, Some(id)))
            }
            _ => need,
        }
    }

    /// " through collection 7, Payments".
    pub(super) fn through(&self, tried: &Tried) -> String {
        match tree::scoped(&tried.path).filter(|_| tried.level != Level::System) {
            Some((_, Takes::Container, id)) => self.through_container(ContainerId(id)),
            Some((_, _, id)) => self.through_collection(CollectionId(id)),
            None => String::new(),
        }
    }

    pub(super) fn through_collection(&self, id: CollectionId) -> String {
        let name = self.collections.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name);
        spoken("collection", id.0, name)
    }

    pub(super) fn through_container(&self, id: ContainerId) -> String {
        let name = self.containers.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name);
        spoken("container", id.0, name)
    }

    /// What one role makes of an action here.
    pub(super) fn consider(&self, role: &HeldRole, tried: &[Tried], action: &str) -> Considered {
        let best = |wanted: Verdict| tried.iter().find(|tried| tried.verdict == wanted);
        let (brings, verdict) = if let Some(tried) = best(Verdict::Allowed) {
            let (through, granted) = (self.through(tried), granting(role, &tried.path));
            (true, format!("Brings it{through}: it grants {granted}, and its permission set allows that."))
        } else if let Some(tried) = best(Verdict::OutsideScopes) {
            let granted = granting(role, &tried.path);
            (false, format!("Grants {granted}, but the token's scopes do not include {}.", tried.path))
        } else if let Some(tried) = best(Verdict::OutsideSet) {
            let granted = granting(role, &tried.path);
            (false, format!("Grants {granted}, but its permission set {} does not allow {}.", role.set_name, tried.path))
        } else {
            (false, self.elsewhere(role, action))
        };
        Considered { role: role.id, name: role.name.clone(), set: role.set_name.clone(), brings, verdict }
    }

    /// Not granted here, but perhaps in a collection or container that does not count.
    fn elsewhere(&self, role: &HeldRole, action: &str) -> String {
        let scoped = role.grants.iter().filter_map(|grant| tree::scoped(grant.as_str())).filter(|(leaf, ..)| *leaf == action);
        let (kinds, ids): (Vec<Takes>, Vec<String>) = scoped.map(|(_, takes, id)| (takes, id.to_string())).unzip();
        let noun = match (kinds.first(), ids.len()) {
            (None, _) => return "Grants nothing that includes it.".to_owned(),
            (Some(Takes::Container), 1) => "container",
            (Some(Takes::Container), _) => "containers",
            (Some(_), 1) => "collection",
            (Some(_), _) => "collections",
        };
        let end = if self.certificate.is_some() { ", where the certificate is not" } else { "" };
        format!("Grants it in {noun} {} only{end}.", ids.join(", "))
    }
}

fn spoken(noun: &str, id: i64, name: &str) -> String {
    match name {
        "" => format!(" through {noun} {id}"),
        name => format!(" through {noun} {id}, {name}"),
    }
}

fn granting<'a>(role: &'a HeldRole, path: &str) -> &'a str {
    role.grants.iter().find(|grant| grant.covers(path)).map_or("", |grant| grant.as_str())
}

/// The numbers that roles name, which is to be explained also where it has no effect, and those that sets and scopes leave of more.
fn scoped_in(access: &Access, wanted: Takes) -> BTreeSet<i64> {
    let brought = on_objects(access);
    let paths = access.roles.iter().flat_map(|role| &role.grants).chain(&brought);
    let scoped = paths.filter_map(|path| tree::scoped(path.as_str()));
    scoped.filter(|(_, takes, _)| *takes == wanted).map(|(.., id)| id).collect()
}

/// The collections for which an access has grants of its own.
fn granted_in(access: &Access) -> BTreeSet<CollectionId> {
    scoped_in(access, Takes::Collection).into_iter().map(CollectionId).collect()
}

fn containers_granted_in(access: &Access) -> BTreeSet<ContainerId> {
    scoped_in(access, Takes::Container).into_iter().map(ContainerId).collect()
}
