//! Owners of many certificates: the rules of [`crate::ownership`], a chunk at a time.

use std::sync::Arc;

use certhold_store::Tx;
use serde_json::{Value as Json, json};

use crate::access::{self, Access};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, CollectionId, RoleId};
use crate::ownership::{self, Facts, Grounds, OwnerPolicy, OwnerRole, Scope, Standing};
use crate::{enrolment, inventory};

type Owner = Option<OwnerRole>;

/// Certificates change hands to one role, or to nobody.
pub(super) struct Handing {
    held: Arc<Access>,
    to: Owner,
    /// The collection in which all certificates are.
    collection: Option<CollectionId>,
}

/// What would become of one certificate.
pub(super) struct Decision {
    pub certificate: CertificateId,
    pub title: String,
    pub verdict: Verdict,
}

pub(super) enum Verdict {
    Gone,
    Refused(String),
    Same,
    Change { before: Owner, grounds: Grounds },
}

impl Handing {
    /// Refuses unless the actor may give certificates to the role.
    pub(super) fn prepare(
        tx: &mut Tx<'_>,
        actor: &Actor,
        to: Option<RoleId>,
        collection: Option<CollectionId>,
    ) -> Result<Handing> {
        let held = access::current(tx, actor)?;
        ownership::require_beforehand(&held, Scope { collection, container: None })?;
        if to.is_none() && ownership::policy(tx)? == OwnerPolicy::Required {
            // What holds of every certificate is said once, before anything begins.
            let why = ownership::not_clearable("every certificate needs an owner here");
            return Err(Refusal::invalid("owner", why).into());
        }
        let to = to.map(|role| ownership::next_owner(tx, actor, &held, role)).transpose()?;
        let handing = Handing { held, to, collection };
        // Of a certificate that nobody owns, in whatever store: what is refused then is refused of every one.
        handing.grounds(None, true)?;
        Ok(handing)
    }

    /// The rule of one change, everywhere or in the collection; an edit of many names no container.
    fn grounds(&self, owner: Owner, in_some_store: bool) -> Result<Grounds, Refusal> {
        let scope = Scope { collection: self.collection, container: None };
        let in_collection = self.collection.is_some();
        let facts = Facts { scope, in_collection, in_some_store, owner, to: self.to.clone(), ..Facts::default() };
        ownership::decide(&self.held, &facts).map_err(ownership::refusal)
    }

    pub(super) fn decide(&self, tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Decision>> {
        let found = ownership::standings(tx, ids)?;
        let needed = match self.to {
            None => enrolment::owner_needed(tx, ids)?,
            Some(_) => vec![None; ids.len()],
        };
        let decide = |((id, found), needed): ((&CertificateId, Option<Standing>), Option<String>)| match found {
            None => Decision { certificate: *id, title: String::new(), verdict: Verdict::Gone },
            Some(found) => {
                let verdict = self.verdict(found.owner, found.in_some_store, needed.as_deref());
                Decision { certificate: *id, title: found.title, verdict }
            }
        };
        Ok(ids.iter().zip(found).zip(needed).map(decide).collect())
    }

    fn verdict(&self, owner: Owner, in_some_store: bool, needed: Option<&str>) -> Verdict {
        match self.grounds(owner.clone(), in_some_store) {
            Err(Refusal::Forbidden { reason, .. }) if !reason.is_empty() => Verdict::Refused(reason),
            Err(other) => Verdict::Refused(other.to_string()),
            Ok(_) if owner.as_ref().map(|role| role.id) == self.to.as_ref().map(|role| role.id) => Verdict::Same,
            Ok(_) if needed.is_some() => Verdict::Refused(ownership::not_clearable(needed.unwrap_or_default())),
            Ok(grounds) => Verdict::Change { before: owner, grounds },
        }
    }

    pub(super) fn before_after(&self, before: &Owner) -> (Json, Json) {
        let described = |owner: &Owner| json!({ "owner_role": owner.as_ref().map(|role| role.id), "owner_name": owner.as_ref().map(|role| &role.name) });
        (described(before), described(&self.to))
    }

    pub(super) fn write(&self, tx: &mut Tx<'_>, actor: &Actor, decisions: &[Decision], details: &Json, now: i64) -> Result<()> {
        let to = self.to.as_ref().map(|role| role.id);
        let (mut certificates, mut events) = (Vec::new(), Vec::new());
        for decision in decisions {
            let Verdict::Change { before, grounds } = &decision.verdict else { continue };
            certificates.push((decision.certificate, before.as_ref().map(|role| role.id)));
            let (before, after) = self.before_after(before);
            let mut payload = details.clone();
            payload["before"] = before;
            payload["after"] = after;
            grounds.tell(&mut payload);
            let object = Object::new("certificate", decision.certificate.0, &decision.title);
            events.push(NewEvent::new(names::CERTIFICATE_OWNER_CHANGED, object, payload));
        }
        if certificates.is_empty() {
            return Ok(());
        }
        inventory::set_owners(tx, &certificates, to)?;
        events::append_many(tx, actor, now, &events)?;
        Ok(())
    }
}
