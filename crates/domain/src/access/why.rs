//! Why somebody may do something, or may not: the evaluation with its reasons, as sentences.

use certhold_store::{Tx, params};

use super::evaluate::{Access, HeldRole, Level, Need, Path, Tried, Verdict};
use super::load::{self, parse_paths};
use super::tree::{self, Takes};
use super::{allows, current, paths, require_path};
use crate::actor::Actor;
use crate::collections;
use crate::error::{Refusal, Result};
use crate::ids::{CertificateId, CollectionId, PrincipalId, RoleId, TokenId};
use crate::ownership::{self, Denial, Facts, Grounds, OwnerRole, Scope};

/// About whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Whoever asks, with what they signed in with.
    Oneself,
    /// An account.
    Principal(PrincipalId),
    /// An API token: its account, bounded by its scopes.
    Token(TokenId),
}

/// About what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// Nothing in particular.
    Everything,
    /// A certificate.
    Certificate(CertificateId),
    /// The certificates of a collection.
    Collection(CollectionId),
}

/// May they do it, and why?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub subject: Subject,
    /// About what.
    pub object: Object,
    /// The permission that the action asks for.
    pub action: Path,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The name of whom it is about.
    pub subject: String,
    /// The permission that was asked about.
    pub action: String,
    /// What it allows.
    pub meaning: String,
    /// Whether they may.
    pub allowed: bool,
    /// One sentence that says why.
    pub sentence: String,
    /// Permission paths, any one of which would have allowed it, as far as it is a path that is missing.
    pub missing: Vec<String>,
    /// Every role they hold, with what it contributes.
    pub roles: Vec<Considered>,
}

/// What one role contributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// The name of the permission set that bounds it.
    pub set: String,
    /// Whether it brings the permission.
    pub brings: bool,
    /// Why, or why not.
    pub verdict: String,
}

/// Explains. About oneself everybody may ask; about others whoever may read security, and about a certificate whoever may see it.
pub fn why(tx: &mut Tx<'_>, actor: &Actor, question: &Question, now: i64) -> Result<Explanation> {
    let asked = Asked::about(tx, actor, question.subject, now)?;
    let action = question.action.as_str();
    tree::check("action", &question.action)?;
    let place = Place::of(tx, actor, &asked, question, now)?;
    let need = place.need(action);
    let considered: Vec<Considered> =
        asked.access.explain(&need).into_iter().map(|(role, tried)| consider(role, &tried, action, &place)).collect();
    let answer = Explanation {
        subject: asked.name.clone(),
        action: action.to_owned(),
        meaning: tree::meaning(action),
        allowed: false,
        sentence: String::new(),
        missing: Vec::new(),
        roles: considered,
    };
    if let Some(obstacle) = asked.obstacle {
        return Ok(Explanation { sentence: obstacle, ..answer });
    }
    match (&place.owned, action) {
        (Some(owned), paths::CERTIFICATES_CHANGE_OWNER | paths::EXPANDED_CHANGE_OWNER) => {
            Ok(about_owner(&asked.access, owned, &place, answer))
        }
        _ => Ok(about_right(&asked.access, &need, &place, answer)),
    }
}

/// Who may do one thing to one certificate: the roles that bring it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoMay {
    /// The permission.
    pub action: &'static str,
    /// What it allows.
    pub meaning: &'static str,
    /// The roles that bring it, each with the collection through which, if it is not everywhere.
    pub roles: Vec<(RoleId, String, Option<CollectionId>)>,
}

/// Who may do what to a certificate, by role, for whoever may read security and see the certificate within the scope. What restricts
/// an action beside the right (the owner) is [`why`]'s to tell, for one account at a time.
pub fn who_may(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: collections::Scope) -> Result<Vec<WhoMay>> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    collections::require(tx, actor, paths::CERTIFICATES_READ, certificate, scope)?;
    let access = Access { version: 0, roles: load::all_roles(tx)?, scopes: None, unbounded: false };
    let mut inside = Vec::new();
    for collection in granted_in(&access) {
        if collections::holds(tx, collection, certificate, scope.now)? {
            inside.push(collection);
        }
    }
    let actions = paths::CATALOGUE.iter().filter(|(path, _)| tree::takes(path) == Takes::Collection);
    let who = actions.map(|(action, meaning)| {
        let through = |role: &HeldRole| {
            if role.brings(action) {
                return Some(None);
            }
            inside.iter().find(|id| role.brings(&format!("{action}{id}/"))).map(|id| Some(*id))
        };
        let roles = access.roles.iter().filter_map(|role| Some((role.id, role.name.clone(), through(role)?))).collect();
        WhoMay { action, meaning, roles }
    });
    Ok(who.collect())
}

/// Whom it is about, with their rights.
struct Asked {
    name: String,
    access: Access,
    is_oneself: bool,
    /// Why they may do nothing at all.
    obstacle: Option<String>,
}

impl Asked {
    fn about(tx: &mut Tx<'_>, actor: &Actor, subject: Subject, now: i64) -> Result<Asked> {
        let oneself = |tx: &mut Tx<'_>| {
            let access = Access::clone(&*current(tx, actor)?);
            Ok(Asked { name: actor.name.clone(), access, is_oneself: true, obstacle: None })
        };
        match subject {
            Subject::Oneself => oneself(tx),
            Subject::Principal(id) if actor.id == Some(id) => oneself(tx),
            Subject::Principal(id) => {
                require_path(tx, actor, paths::SECURITY_READ)?;
                Asked::account(tx, id, false)?.ok_or_else(|| Refusal::not_found("person or service account", id).into())
            }
            Subject::Token(id) => Asked::token(tx, actor, id, now),
        }
    }

    fn account(tx: &mut Tx<'_>, id: PrincipalId, is_oneself: bool) -> Result<Option<Asked>> {
        let found: Option<(String, bool)> =
            tx.one("SELECT name, disabled FROM principal WHERE id = $1", params![id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some((name, disabled)) = found else { return Ok(None) };
        // What would be held again is explained too, so that the roles of a disabled account can be seen.
        let access = load::assigned(tx, id)?;
        let obstacle = disabled.then(|| format!("The account {name} is disabled, so it may do nothing."));
        Ok(Some(Asked { name, access, is_oneself, obstacle }))
    }

    fn token(tx: &mut Tx<'_>, actor: &Actor, id: TokenId, now: i64) -> Result<Asked> {
        let found =
            tx.one("SELECT principal, name, scopes, expires_at, revoked_at FROM api_token WHERE id = $1", params![id], |row| {
                let ends: (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
                Ok((PrincipalId(row.get(0)?), row.get::<String>(1)?, row.get::<String>(2)?, ends))
            })?;
        let is_oneself = found.as_ref().is_some_and(|(principal, ..)| actor.id == Some(*principal));
        if !is_oneself {
            require_path(tx, actor, paths::SECURITY_READ)?;
        }
        let unknown = || Refusal::not_found("token", id);
        let (principal, name, bound, (expires_at, revoked_at)) = found.ok_or_else(unknown)?;
        let mut asked = Asked::account(tx, principal, is_oneself)?.ok_or_else(unknown)?;
        // A scope of everything is no bound.
        asked.access.scopes = Some(parse_paths(&bound)?).filter(|bound| bound.iter().all(|path| path.as_str() != paths::ALL));
        asked.name = format!("{} by the token {name}", asked.name);
        if revoked_at.is_some() {
            asked.obstacle = Some(format!("The token {name} is revoked, so it may do nothing."));
        } else if expires_at.is_some_and(|at| now >= at) {
            asked.obstacle = Some(format!("The token {name} has expired, so it may do nothing."));
        }
        Ok(asked)
    }
}

/// Where the action takes place: which collections count, and who owns the certificate.
struct Place {
    collections: Vec<(CollectionId, String)>,
    owned: Option<Option<OwnerRole>>,
    is_certificate: bool,
}

impl Place {
    fn of(tx: &mut Tx<'_>, actor: &Actor, asked: &Asked, question: &Question, now: i64) -> Result<Place> {
        let nowhere = Place { collections: Vec::new(), owned: None, is_certificate: false };
        match question.object {
            Object::Everything => Ok(nowhere),
            Object::Collection(id) => Ok(Place { collections: vec![(id, collections::name(tx, id)?)], ..nowhere }),
            Object::Certificate(id) => {
                let may_see = allows(tx, actor, paths::CERTIFICATES_READ)?;
                if !may_see && !asked.is_oneself {
                    require_path(tx, actor, paths::CERTIFICATES_READ)?;
                }
                let mut collections = Vec::new();
                for collection in granted_in(&asked.access) {
                    if collections::holds(tx, collection, id, now)? {
                        collections.push((collection, collections::name(tx, collection)?));
                    }
                }
                // Whoever neither sees certificates nor reaches this one through a collection is told the same of one that exists
                // and of one that does not.
                let owned = if may_see || !collections.is_empty() { ownership::owner(tx, id)? } else { None };
                if may_see && owned.is_none() {
                    return Err(Refusal::not_found("certificate", id).into());
                }
                Ok(Place { collections, owned, is_certificate: true })
            }
        }
    }

    fn need(&self, action: &str) -> Need {
        let need = Need::system(action);
        if tree::takes(action) != Takes::Collection {
            return need;
        }
        self.collections.iter().fold(need, |need, (id, _)| need.or_collection(action, Some(*id)))
    }

    fn through(&self, tried: &Tried) -> String {
        let Some((_, _, id)) = tree::scoped(&tried.path).filter(|_| tried.level != Level::System) else { return String::new() };
        let name = self.collections.iter().find(|(known, _)| known.0 == id).map_or("", |(_, name)| name);
        match (tried.level, name) {
            (Level::Container, _) => format!(" through container {id}"),
            (_, "") => format!(" through collection {id}"),
            (_, name) => format!(" through collection {id}, {name}"),
        }
    }
}

/// The collections for which an access has grants of its own.
pub(crate) fn granted_in(access: &Access) -> Vec<CollectionId> {
    let grants = access.roles.iter().flat_map(|role| &role.grants);
    let mut found: Vec<CollectionId> = grants
        .filter_map(|grant| tree::scoped(grant.as_str()))
        .filter(|(_, takes, _)| *takes == Takes::Collection)
        .map(|(_, _, id)| CollectionId(id))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn consider(role: &HeldRole, tried: &[Tried], action: &str, place: &Place) -> Considered {
    let best = |wanted: Verdict| tried.iter().find(|tried| tried.verdict == wanted);
    let (brings, verdict) = if let Some(tried) = best(Verdict::Allowed) {
        (
            true,
            format!(
                "Brings it{}: it grants {}, and its permission set allows that.",
                place.through(tried),
                granting(role, &tried.path)
            ),
        )
    } else if let Some(tried) = best(Verdict::OutsideScopes) {
        (false, format!("Grants {}, but the token's scopes do not include {}.", granting(role, &tried.path), tried.path))
    } else if let Some(tried) = best(Verdict::OutsideSet) {
        let granted = granting(role, &tried.path);
        (false, format!("Grants {granted}, but its permission set {} does not allow {}.", role.set_name, tried.path))
    } else {
        (false, elsewhere(role, action, place))
    };
    Considered { role: role.id, name: role.name.clone(), set: role.set_name.clone(), brings, verdict }
}

fn granting<'a>(role: &'a HeldRole, path: &str) -> &'a str {
    role.grants.iter().find(|grant| grant.covers(path)).map_or("", |grant| grant.as_str())
}

/// Not granted here, but perhaps in a collection that does not count.
fn elsewhere(role: &HeldRole, action: &str, place: &Place) -> String {
    let scoped = role.grants.iter().filter_map(|grant| tree::scoped(grant.as_str())).filter(|(leaf, ..)| *leaf == action);
    let ids: Vec<String> = scoped.map(|(_, _, id)| id.to_string()).collect();
    match (ids.as_slice(), place.is_certificate) {
        ([], _) => "Grants nothing that includes it.".to_owned(),
        (ids, true) => format!("Grants it in {} {} only, where the certificate is not.", plural(ids), ids.join(", ")),
        (ids, false) => format!("Grants it in {} {} only.", plural(ids), ids.join(", ")),
    }
}

fn plural(ids: &[String]) -> &'static str {
    if ids.len() == 1 { "collection" } else { "collections" }
}

/// A right that nothing else restricts.
fn about_right(access: &Access, need: &Need, place: &Place, answer: Explanation) -> Explanation {
    if access.unbounded {
        let sentence = "Allowed: whoever operates this machine, and Certhold itself, may do everything.".to_owned();
        return Explanation { allowed: true, sentence, ..answer };
    }
    let explained = access.explain(need);
    // The first way that works, in the order of the levels, as the evaluation itself goes.
    let ways = explained.first().map_or(0, |(_, tried)| tried.len());
    for way in 0..ways {
        if let Some((role, tried)) = explained.iter().find(|(_, tried)| tried[way].verdict == Verdict::Allowed) {
            let sentence =
                format!("Allowed by role {}{} (set {} bounds it).", role.name, place.through(&tried[way]), role.set_name);
            return Explanation { allowed: true, sentence, ..answer };
        }
    }
    let super::Decision::Denied { missing, .. } = access.evaluate(need) else { return answer };
    let sentence = refused(&missing, &explained);
    Explanation { sentence, missing, ..answer }
}

fn refused(missing: &[String], explained: &[(&HeldRole, Vec<Tried>)]) -> String {
    let missing = missing.join(" or ");
    for wanted in [Verdict::OutsideScopes, Verdict::OutsideSet] {
        let stopped = explained.iter().find(|(_, tried)| tried.iter().any(|tried| tried.verdict == wanted));
        let Some((role, _)) = stopped else { continue };
        return match wanted {
            Verdict::OutsideSet => {
                format!(
                    "Missing {missing}: role {} grants it, but its permission set {} does not allow it.",
                    role.name, role.set_name
                )
            }
            _ => format!("Missing {missing}: role {} grants it, but the token's scopes do not include it.", role.name),
        };
    }
    format!("Missing {missing}.")
}

/// Changing an owner is restricted by who owns the certificate: everywhere first, then through each collection it is in.
fn about_owner(access: &Access, owner: &Option<OwnerRole>, place: &Place, answer: Explanation) -> Explanation {
    let mut scopes = vec![None];
    scopes.extend(place.collections.iter().map(|(id, _)| Some(*id)));
    let belongs = match owner {
        Some(role) => format!("it belongs to role {}", role.name),
        None => "it belongs to nobody".to_owned(),
    };
    let mut denial = None;
    for collection in scopes {
        let scope = Scope { collection, container: None };
        let facts = Facts { scope, in_collection: true, owner: owner.clone(), ..Facts::default() };
        let through = match collection {
            Some(id) => place.through(&Tried {
                level: Level::Collection,
                path: format!("{}{id}/", paths::CERTIFICATES_CHANGE_OWNER),
                verdict: Verdict::Allowed,
            }),
            None => String::new(),
        };
        match ownership::decide(access, &facts) {
            Ok(grounds) => {
                let by = brought(access, &grounds, collection, owner, &through);
                let why = match grounds {
                    Grounds::Plain if owner.is_some() => ", and they hold that role",
                    Grounds::Administrator => ", and administrators pass the comparison of roles",
                    Grounds::Expanded => ", and the expanded right is held in its permission set",
                    Grounds::Plain => "",
                };
                return Explanation { allowed: true, sentence: format!("Allowed{by}: {belongs}{why}."), ..answer };
            }
            Err(found) => denial = Some(better(denial, found)),
        }
    }
    match denial {
        Some(Denial::NoGrant { missing, .. }) => {
            Explanation { sentence: format!("Missing {}.", missing.join(" or ")), missing, ..answer }
        }
        Some(Denial::RoleNotHeld { role, .. }) => {
            let sentence = format!(
                "The right is there, but {belongs}: only somebody who holds the role {role} may give or take its certificates."
            );
            Explanation { sentence, ..answer }
        }
        Some(Denial::OutsideScope(reason)) => Explanation { sentence: reason, ..answer },
        None => answer,
    }
}

/// Of two refusals the one that says more: a role that is not held over a right that is missing; of missing rights, all.
fn better(before: Option<Denial>, found: Denial) -> Denial {
    match (before, found) {
        (Some(Denial::NoGrant { mut missing, reason }), Denial::NoGrant { missing: more, .. }) => {
            for path in more {
                if !missing.contains(&path) {
                    missing.push(path);
                }
            }
            Denial::NoGrant { missing, reason }
        }
        (Some(before @ Denial::RoleNotHeld { .. }), _) => before,
        (_, found) => found,
    }
}

fn brought(
    access: &Access,
    grounds: &Grounds,
    collection: Option<CollectionId>,
    owner: &Option<OwnerRole>,
    through: &str,
) -> String {
    let path = match (grounds, collection) {
        (Grounds::Expanded, _) => paths::EXPANDED_CHANGE_OWNER.to_owned(),
        (_, Some(id)) => format!("{}{id}/", paths::CERTIFICATES_CHANGE_OWNER),
        (_, None) => paths::CERTIFICATES_CHANGE_OWNER.to_owned(),
    };
    let in_set = |role: &&HeldRole| match (grounds, owner) {
        (Grounds::Expanded, Some(owner)) => role.set == owner.set,
        _ => true,
    };
    let through = if *grounds == Grounds::Expanded { "" } else { through };
    let by = access.roles.iter().filter(in_set).find(|role| role.brings(&path));
    by.map_or_else(String::new, |role| format!(" by role {}{through} (set {} bounds it)", role.name, role.set_name))
}
