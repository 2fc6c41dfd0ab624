//! Rights of roles on one collection or container, on its page: who has which, and the forms that give and take them. They change
//! what a role grants, as the role's own form does, under the same rules.

use axum::response::Response;
use certhold_domain::access::roles::{self, Role, RoleCommand};
use certhold_domain::access::tree::{self, Takes};
use certhold_domain::access::{Access, Path, covers_any, paths};
use certhold_domain::collections::{self, Grant};
use certhold_domain::{Actor, CollectionId, ContainerId, Error, Refusal, Result as DomainResult, RoleId, stores};
use certhold_store::Tx;

use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::{choices, permissions};
use crate::web::view::form::{Choice, Select};
use crate::web::view::rights::{RightLine, RightsCard, RightsForm, RoleRights};
use crate::web::view::text::Link;

/// What the rights are on.
#[derive(Clone, Copy)]
pub enum Object {
    Collection(CollectionId),
    Container(ContainerId),
}

impl Object {
    fn takes(self) -> Takes {
        match self {
            Object::Collection(_) => Takes::Collection,
            Object::Container(_) => Takes::Container,
        }
    }

    fn href(self) -> String {
        match self {
            Object::Collection(id) => format!("/collections/{id}"),
            Object::Container(id) => format!("/containers/{id}"),
        }
    }

    fn number(self) -> i64 {
        match self {
            Object::Collection(id) => id.0,
            Object::Container(id) => id.0,
        }
    }

    /// Every right that there is on such an object alone: its path with the number, and what it allows.
    fn rights(self) -> Vec<(String, String)> {
        let leaves = tree::nodes().into_iter().filter(|node| node.takes == self.takes());
        leaves.map(|node| (format!("{}{}/", node.path, self.number()), sentence(node.meaning))).collect()
    }

    /// Refuses whoever may not see the object, as its page does.
    fn require_seen(self, tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<()> {
        match self {
            Object::Collection(id) => collections::get(tx, actor, id).map(|_| ()),
            Object::Container(id) => stores::container(tx, actor, id).map(|_| ()),
        }
    }

    fn grants(self, tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Vec<Grant>> {
        match self {
            Object::Collection(id) => collections::grants(tx, actor, id),
            Object::Container(id) => stores::container_grants(tx, actor, id),
        }
    }
}

/// The rights that roles have on the object, for whoever sees roles.
pub fn find(tx: &mut Tx<'_>, actor: &Actor, object: Object) -> DomainResult<Option<RightsCard>> {
    if !holds(&actor.access, paths::SECURITY_READ) {
        return Ok(None);
    }
    let (grants, all) = (object.grants(tx, actor)?, roles::list(tx, actor)?);
    let may_change = holds(&actor.access, paths::SECURITY_MODIFY);
    let rights = object.rights();
    let held = grants.into_iter().map(|grant| {
        let role = all.iter().find(|role| role.id == grant.role);
        let role = role.filter(|role| may_change && !role.built_in && choices::barred(&actor.access, role).is_none());
        role_rights(grant, role, &rights)
    });
    Ok(Some(RightsCard {
        action: format!("{}/rights", object.href()),
        noun: if object.takes() == Takes::Container { "container" } else { "collection" },
        held: held.collect(),
        form: may_change.then(|| form(&actor.access, &all, rights)),
    }))
}

/// `changeable` is the role, if it is the viewer's to change. What a set leaves of a wider grant is not named by the role itself.
fn role_rights(grant: Grant, changeable: Option<&Role>, rights: &[(String, String)]) -> RoleRights {
    let line = |path: &Path| RightLine {
        meaning: match rights.iter().find(|(known, _)| known == path.as_str()) {
            Some((_, meaning)) => meaning.clone(),
            None => sentence(&tree::meaning(path.as_str())),
        },
        path: path.as_str().to_owned(),
        may_take: changeable.is_some_and(|role| role.permissions.contains(path)),
    };
    RoleRights {
        role: Link::new(grant.name, format!("/roles/{}", grant.role)),
        number: grant.role.0,
        rights: grant.paths.iter().map(line).collect(),
    }
}

fn form(access: &Access, all: &[Role], rights: Vec<(String, String)>) -> RightsForm {
    let role = |role: &Role| {
        let choice = Choice::new(role.id.to_string(), &role.name);
        match choices::barred(access, role) {
            Some(why) => choice.barred(why),
            None => choice,
        }
    };
    let right = |(path, meaning): (String, String)| {
        let choice = Choice::new(&path, meaning).with_hint(&path);
        if access.allows(&path) { choice } else { choice.barred("You do not hold it.") }
    };
    let roles = all.iter().filter(|role| !role.built_in).map(role);
    RightsForm {
        error: None,
        role: Select::of(std::iter::once(Choice::new("", "—")).chain(roles).collect()).choose(""),
        rights: rights.into_iter().map(right).collect(),
    }
}

/// The form as it was sent, with the reason why it was refused.
pub fn refuse(card: &mut RightsCard, sent: &Sent, complaint: Complaint) {
    if let Some(form) = &mut card.form {
        let ticked = sent.fields.all("right");
        form.role = std::mem::take(&mut form.role).choose(sent.fields.text("role"));
        form.rights.iter_mut().for_each(|right| right.is_chosen = ticked.contains(&right.value));
        form.error = Some(complaint.message);
    }
}

/// The role and the rights that were sent: those of the object, as our page offers them.
fn sent_rights(sent: &Sent, object: Object) -> Result<Result<(RoleId, Vec<String>), Complaint>, Refused> {
    let (Some(role), ticked) = (sent.number("role")?, sent.fields.all("right")) else {
        return Ok(Err(Complaint::about("role", "Choose a role.")));
    };
    let offered = object.rights();
    if ticked.iter().any(|path| !offered.iter().any(|(known, _)| known == path)) {
        return Err(sent.author.malformed("A choice of the form is none of those that were offered."));
    }
    if ticked.is_empty() {
        return Ok(Err(Complaint::about("right", "Tick at least one right.")));
    }
    Ok(Ok((RoleId(role), ticked)))
}

/// Gives the ticked rights; why not, where the form is shown again.
pub async fn give(sent: &Sent, object: Object) -> Result<Result<Response, Complaint>, Refused> {
    let author = &sent.author;
    // The form is shown to whoever sees roles, and only there can it say what was wrong.
    author.require(paths::SECURITY_READ)?;
    author.require(paths::SECURITY_MODIFY)?;
    let (role, ticked) = match sent_rights(sent, object)? {
        Ok(given) => given,
        Err(complaint) => return Ok(Err(complaint)),
    };
    let outcome = author.write(move |tx, actor, now| {
        object.require_seen(tx, actor)?;
        let before = roles::of_author(tx, actor, role)?;
        // What the role has already, here or everywhere, is not named once more.
        let new: Vec<String> = ticked.iter().filter(|path| !covers_any(&before.permissions, path)).cloned().collect();
        if new.is_empty() {
            return Err(Refusal::Conflict(format!("the role {:?} has these rights already", before.name)).into());
        }
        let permissions = [permissions::texts(&before.permissions), new].concat();
        roles::update(tx, actor, role, &with(before, permissions), now)
    });
    match outcome.await {
        Ok(()) => Ok(Ok(author.done(&object.href(), "The rights were given."))),
        Err(Error::Refused(Refusal::Forbidden { reason, missing })) => {
            let lacking = if missing.is_empty() { String::new() } else { format!(" You lack {}.", missing.join(", ")) };
            Ok(Err(Complaint::about("", format!("{}{lacking}", sentence(&reason)))))
        }
        Err(error) => Ok(Err(author.complaint(error)?)),
    }
}

/// Takes the ticked rights away.
pub async fn take(sent: &Sent, object: Object) -> Result<Response, Refused> {
    let author = &sent.author;
    author.require(paths::SECURITY_MODIFY)?;
    let (role, ticked) = match sent_rights(sent, object)? {
        Ok(given) => given,
        Err(complaint) => {
            return author.done_or_said(&object.href(), Err(Refusal::Conflict(complaint.message).into()), "");
        }
    };
    let outcome = author.write(move |tx, actor, now| {
        object.require_seen(tx, actor)?;
        let before = roles::of_author(tx, actor, role)?;
        let mut permissions = permissions::texts(&before.permissions);
        permissions.retain(|path| !ticked.contains(path));
        if permissions.len() == before.permissions.len() {
            let reason = format!("the role {:?} has none of these rights by themselves: look what it has now", before.name);
            return Err(Refusal::Conflict(reason).into());
        }
        roles::update(tx, actor, role, &with(before, permissions), now)
    });
    author.done_or_said(&object.href(), outcome.await, "The rights were taken away.")
}

/// The role as it is, with these permissions.
fn with(role: Role, permissions: Vec<String>) -> RoleCommand {
    RoleCommand {
        name: role.name,
        description: role.description,
        email: role.email,
        permission_set: Some(role.permission_set),
        permissions,
    }
}
