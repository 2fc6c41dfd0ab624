//! The access review: who can do what to which certificates. One line for each holder, action and scope, with the roles that
//! bring it and the number of certificates it reaches; counted by owner, those of collections and stores one
//! question after the other ([`Review::uncounted`]), never by looking at certificates one by one.

mod counting;

use std::collections::HashMap;

use certhold_store::{Tx, Value, params};
use serde_json::json;

use self::counting::Counted;
pub use self::counting::{COUNTED, Within};
use super::claims::{self, Claim};
use super::evaluate::{Access, HeldRole, Path};
use super::load::{self, PRINCIPAL_CLAIM};
use super::tree::{self, Takes};
use super::{allows, grants, paths, require_path};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CollectionId, ContainerId, PermissionSetId, PrincipalId, RoleId};
use crate::{collections, limits, ownership, stores};

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this action; all that concern certificates without it.
    pub action: Option<Path>,
    /// Only this account.
    pub principal: Option<PrincipalId>,
    /// Only lines that this role contributes to.
    pub role: Option<RoleId>,
    /// Also disabled accounts, with what they would hold again.
    pub disabled: bool,
}

/// Who holds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// `person`, `service` or `claim`.
    pub kind: String,
    /// The account or claim.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it is a disabled account.
    pub disabled: bool,
}

/// Where a right reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everywhere.
    Everywhere,
    /// The certificates in certificate stores.
    Stores,
    /// The certificates of a collection.
    Collection(CollectionId, String),
    /// The certificates in the stores of a container.
    Container(ContainerId, String),
    /// Certificates whose owner is in this permission set, or that nobody owns.
    Set(PermissionSetId, String),
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who.
    pub holder: Holder,
    /// What: the permission.
    pub action: &'static str,
    /// What it allows.
    pub meaning: &'static str,
    /// Where.
    pub reach: Reach,
    /// The owner roles to which it is restricted, beside certificates that nobody owns; `None` for no restriction.
    pub owners: Option<Vec<String>>,
    /// The roles that bring it, each with the permission set that bounds it.
    pub roles: Vec<(RoleId, String, String)>,
    /// How many certificates are within reach; `None` where they are not counted, or not yet ([`Review::uncounted`]).
    pub certificates: Option<i64>,
    /// What has to be counted for that, where no number is kept.
    within: Option<Within>,
}

/// A part of the review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Accounts by name, then claims; the lines of one holder stay together.
    pub lines: Vec<Line>,
    /// Where the next part begins, if there is one.
    pub next: Option<String>,
}

/// A review under way: what is read once for all its pages.
#[derive(Clone, Debug)]
pub struct Review {
    filter: Filter,
    roles: HashMap<RoleId, HeldRole>,
    actions: Vec<(&'static str, &'static str)>,
    counts: Option<Counts>,
    counted: Counted,
}

/// Certificates: all, and by owner.
#[derive(Clone, Debug)]
struct Counts {
    all: i64,
    by_owner: HashMap<Option<RoleId>, i64>,
}

impl Counts {
    fn read(tx: &mut Tx<'_>) -> Result<Counts> {
        let all: Option<i64> = tx.one("SELECT value FROM counter WHERE name = 'certificates'", params![], |row| row.get(0))?;
        let by_owner = tx.rows("SELECT owner_role, count(*) FROM certificate GROUP BY owner_role", params![], |row| {
            Ok((row.get::<Option<i64>>(0)?.map(RoleId), row.get::<i64>(1)?))
        })?;
        Ok(Counts { all: all.unwrap_or(0), by_owner: by_owner.into_iter().collect() })
    }
}

/// Accounts and claims on one page, where nobody says how many.
pub const HOLDERS: usize = 100;

impl Review {
    /// Begins a review, for whoever may read security. Certificates are counted only for those who may see them.
    pub fn begin(tx: &mut Tx<'_>, actor: &Actor, filter: Filter) -> Result<Review> {
        require_path(tx, actor, paths::SECURITY_READ)?;
        let actions = actions(filter.action.as_ref())?;
        let roles = load::all_roles(tx)?.into_iter().map(|role| (role.id, role)).collect();
        let counts = if allows(tx, actor, paths::CERTIFICATES_READ)? { Some(Counts::read(tx)?) } else { None };
        Ok(Review { filter, roles, actions, counts, counted: Counted::default() })
    }

    /// The part that begins after `after`: the lines of so many accounts or claims at most.
    pub fn page(&self, tx: &mut Tx<'_>, actor: &Actor, after: Option<&str>, holders: usize) -> Result<Page> {
        require_path(tx, actor, paths::SECURITY_READ)?;
        let holders = holders.clamp(1, limits::PAGE_ROWS);
        let unknown = || Refusal::invalid("after", "this is no place in the review");
        // Accounts may have any name: each kind of place says which one it is.
        match after.map(|after| after.split_once(':').ok_or_else(unknown)).transpose()? {
            None => self.accounts(tx, "", holders),
            Some(("account", name)) => self.accounts(tx, name, holders),
            Some(("claim", id)) => self.claims(tx, id.parse().map_err(|_| unknown())?, holders),
            Some(_) => Err(unknown().into()),
        }
    }

    fn accounts(&self, tx: &mut Tx<'_>, after: &str, holders: usize) -> Result<Page> {
        let mut values: Vec<Value<'_>> = vec![Value::from(after.to_owned())];
        let mut conditions = String::from("principal.folded > $1");
        if let Some(principal) = self.filter.principal {
            values.push(principal.into());
            conditions.push_str(&format!(" AND principal.id = ${}", values.len()));
        }
        if !self.filter.disabled {
            conditions.push_str(" AND NOT principal.disabled");
        }
        values.push(Value::Int(i64::try_from(holders).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT principal.id, principal.kind, principal.name, principal.disabled, principal.folded FROM principal \
             WHERE {conditions} ORDER BY principal.folded LIMIT ${}",
            values.len()
        );
        let accounts = tx.rows(&sql, &values, |row| {
            let holder = Holder { kind: row.get(1)?, id: row.get(0)?, name: row.get(2)?, disabled: row.get(3)? };
            Ok((holder, row.get::<String>(4)?))
        })?;
        let next = match accounts.last() {
            Some((_, last)) if accounts.len() == holders => Some(format!("account:{last}")),
            _ if self.filter.principal.is_some() => None,
            _ => Some("claim:0".to_owned()),
        };
        let last = accounts.last().map(|(_, folded)| folded.clone()).unwrap_or_default();
        let held = tx.rows(
            "SELECT principal.id, role_claim.role FROM principal \
             JOIN role_claim ON role_claim.type = $1 AND role_claim.value = principal.uuid \
             WHERE principal.folded > $2 AND principal.folded <= $3 ORDER BY role_claim.role",
            params![PRINCIPAL_CLAIM, after, last],
            |row| Ok((row.get::<i64>(0)?, RoleId(row.get(1)?))),
        )?;
        let mut by_account: HashMap<i64, Vec<RoleId>> = HashMap::new();
        for (account, role) in held {
            by_account.entry(account).or_default().push(role);
        }
        let mut lines = Vec::new();
        for (holder, _) in accounts {
            let held = by_account.remove(&holder.id).unwrap_or_default();
            lines.extend(self.lines(tx, &holder, &held)?);
        }
        Ok(Page { lines, next })
    }

    fn claims(&self, tx: &mut Tx<'_>, after: i64, holders: usize) -> Result<Page> {
        let mut all: Vec<Claim> = claims::all(tx, None)?.into_iter().filter(|claim| claim.id.0 > after).collect();
        all.sort_by_key(|claim| claim.id);
        let next = (all.len() > holders).then(|| format!("claim:{}", all[holders - 1].id));
        all.truncate(holders);
        let mut lines = Vec::new();
        for claim in all {
            let name = claims::spoken(&claim.key);
            let holder = Holder { kind: "claim".into(), id: claim.id.0, name, disabled: false };
            let held: Vec<RoleId> = claim.roles.iter().map(|(role, _)| *role).collect();
            lines.extend(self.lines(tx, &holder, &held)?);
        }
        Ok(Page { lines, next })
    }

    fn lines(&self, tx: &mut Tx<'_>, holder: &Holder, held: &[RoleId]) -> Result<Vec<Line>> {
        let roles: Vec<HeldRole> = held.iter().filter_map(|role| self.roles.get(role)).cloned().collect();
        let access = Access { version: 0, roles, scopes: None, unbounded: false };
        let mut lines = Vec::new();
        for (action, meaning) in &self.actions {
            for (reach, bringing) in reaches(tx, &access, action)? {
                if self.filter.role.is_some_and(|wanted| bringing.iter().all(|role| role.id != wanted)) {
                    continue;
                }
                let owners = self.owners(&access, action, &reach);
                let within = Within::of(action, &reach, owners.as_deref());
                let certificates = self.kept(&reach, owners.as_deref());
                let roles = bringing.iter().map(|role| (role.id, role.name.clone(), role.set_name.clone())).collect();
                let owners = owners.map(|owners| owners.into_iter().map(|(_, name)| name).collect());
                lines.push(Line { holder: holder.clone(), action, meaning, reach, owners, roles, certificates, within });
            }
        }
        Ok(lines)
    }

    /// The owner roles that restrict an action.
    fn owners(&self, access: &Access, action: &str, reach: &Reach) -> Option<Vec<(RoleId, String)>> {
        let of = |role: &HeldRole| (role.id, role.name.clone());
        match (action, reach) {
            (_, Reach::Set(set, _)) => {
                let mut inside: Vec<_> = self.roles.values().filter(|role| role.set == *set).map(of).collect();
                inside.sort_by(|(_, a), (_, b)| a.cmp(b));
                Some(inside)
            }
            (paths::CERTIFICATES_CHANGE_OWNER | paths::STORES_CHANGE_OWNER, _) if !access.is_administrator() => {
                Some(access.roles.iter().map(of).collect())
            }
            _ => None,
        }
    }

    /// What the maintained numbers say.
    fn kept(&self, reach: &Reach, owners: Option<&[(RoleId, String)]>) -> Option<i64> {
        let counts = self.counts.as_ref()?;
        let owned_by = |role: Option<RoleId>| counts.by_owner.get(&role).copied().unwrap_or(0);
        match (reach, owners) {
            (Reach::Stores | Reach::Container(..) | Reach::Collection(..), _) => None,
            (Reach::Everywhere | Reach::Set(..), None) => Some(counts.all),
            (Reach::Everywhere | Reach::Set(..), Some(owners)) => {
                Some(owned_by(None) + owners.iter().map(|(role, _)| owned_by(Some(*role))).sum::<i64>())
            }
        }
    }

    /// What must be counted for these lines and is not yet, each once: with [`Review::count`], which takes as long as a query of the
    /// inventory takes. Nothing for whoever may not see certificates.
    pub fn uncounted(&self, lines: &[Line]) -> Vec<Within> {
        let wanted = lines.iter().filter_map(|line| line.within.as_ref());
        if self.counts.is_some() { self.counted.missing(wanted) } else { Vec::new() }
    }

    /// Counts, as it is at `now`.
    pub fn count(&self, tx: &mut Tx<'_>, actor: &Actor, within: &Within, now: i64) -> Result<()> {
        require_path(tx, actor, paths::CERTIFICATES_READ)?;
        let found = counting::count(tx, actor, within, now)?;
        self.counted.note(within, found);
        Ok(())
    }

    /// Leaves one out whose counting failed or took too long.
    pub fn give_up(&self, within: &Within) {
        self.counted.note(within, None);
    }

    /// Puts what was counted into lines.
    pub fn fill(&self, lines: &mut [Line]) {
        for line in lines {
            if let Some(within) = &line.within {
                line.certificates = self.counted.of(within);
            }
        }
    }
}

/// The actions of a review: every leaf about certificates, also those in stores, or the one that was asked for.
fn actions(only: Option<&Path>) -> Result<Vec<(&'static str, &'static str)>> {
    let leaves = paths::CATALOGUE.iter().filter(|(path, _)| tree::is_leaf(path));
    let Some(only) = only else {
        return Ok(leaves
            .filter(|(path, _)| path.starts_with("/certificates/") || *path == paths::STORES_CHANGE_OWNER)
            .copied()
            .collect());
    };
    tree::check("action", only)?;
    let found: Vec<_> = leaves.filter(|(path, _)| only.covers(path)).copied().collect();
    if found.is_empty() {
        return Err(Refusal::invalid("action", "name a permission without a collection's number").into());
    }
    Ok(found)
}

/// The area of certificate stores.
const STORES: &str = "/certificate_stores/";

type Reached<'a> = Vec<(Reach, Vec<&'a HeldRole>)>;

/// Where an action is allowed, and by which roles. What is allowed everywhere is not listed for collections again.
fn reaches<'a>(tx: &mut Tx<'_>, access: &'a Access, action: &str) -> Result<Reached<'a>> {
    if action == paths::EXPANDED_CHANGE_OWNER {
        let mut sets: Reached<'a> = Vec::new();
        for set in ownership::expanded_sets(access) {
            let bringing: Vec<&HeldRole> = access.roles.iter().filter(|role| role.set == set && role.brings(action)).collect();
            let name = bringing.first().map_or_else(String::new, |role| role.set_name.clone());
            if !sets.iter().any(|(reach, _)| matches!(reach, Reach::Set(known, _) if *known == set)) {
                sets.push((Reach::Set(set, name), bringing));
            }
        }
        return Ok(sets);
    }
    let own = [action];
    let ways = stores::including(action).unwrap_or(&own);
    let bringing = |ways: &[&str]| access.roles.iter().filter(|role| ways.iter().any(|way| role.brings(way))).collect::<Vec<_>>();
    let everywhere = bringing(ways);
    if !everywhere.is_empty() {
        let reach = if action.starts_with(STORES) { Reach::Stores } else { Reach::Everywhere };
        return Ok(vec![(reach, everywhere)]);
    }
    // Whoever sees the stores of a container sees the certificates in them.
    let through = if action == paths::CERTIFICATES_READ { stores::including(paths::STORES_READ).unwrap_or(&[]) } else { &[] };
    let over_stores = bringing(through);
    let mut found: Reached<'a> = Vec::new();
    for role in &access.roles {
        let on_objects = grants::of_role(role);
        for (leaf, takes, id) in on_objects.iter().filter_map(|path| tree::scoped(path.as_str())) {
            let covered = through.contains(&leaf) && over_stores.is_empty();
            if !covered && !ways.contains(&leaf) {
                continue;
            }
            let reach = match takes {
                Takes::Container => Reach::Container(ContainerId(id), stores::container_name(tx, ContainerId(id))?),
                _ => Reach::Collection(CollectionId(id), collections::name(tx, CollectionId(id))?),
            };
            match found.iter_mut().find(|(known, _)| *known == reach) {
                Some((_, roles)) => roles.push(role),
                None => found.push((reach, vec![role])),
            }
        }
    }
    if !over_stores.is_empty() {
        found.push((Reach::Stores, over_stores));
    }
    Ok(found)
}

/// Records that a review leaves the house. Whoever exports one asks for this first.
pub fn exported(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, now: i64) -> Result<()> {
    require_path(tx, actor, paths::SECURITY_READ)?;
    actions(filter.action.as_ref())?;
    let payload = json!({
        "action": filter.action, "principal": filter.principal, "role": filter.role, "disabled": filter.disabled,
    });
    let object = Object { kind: "access_review", id: None, name: "" };
    events::append(tx, actor, now, NewEvent::new(names::ACCESS_REVIEW_EXPORTED, object, payload))?;
    Ok(())
}

/// The review as CSV (RFC 4180), line by line.
pub mod csv {
    use super::{Line, Reach};

    /// The first line.
    pub const HEAD: &str = "holder_kind,holder_id,holder,disabled,action,allows,reach,collection_or_set,owner_roles,roles,permission_sets,certificates\r\n";

    /// One line.
    pub fn line(line: &Line) -> String {
        let (reach, place) = match &line.reach {
            Reach::Everywhere => ("everywhere", String::new()),
            Reach::Collection(id, name) if name.is_empty() => ("collection", id.to_string()),
            Reach::Collection(id, name) => ("collection", format!("{id} {name}")),
            Reach::Stores => ("certificate stores", String::new()),
            Reach::Container(id, name) if name.is_empty() => ("container", id.to_string()),
            Reach::Container(id, name) => ("container", format!("{id} {name}")),
            Reach::Set(_, name) => ("permission set", name.clone()),
        };
        let owners = line.owners.as_ref().map_or_else(String::new, |owners| {
            std::iter::once("nobody").chain(owners.iter().map(String::as_str)).collect::<Vec<_>>().join("; ")
        });
        let names = |pick: fn(&(super::RoleId, String, String)) -> &str| {
            let mut names: Vec<&str> = line.roles.iter().map(pick).collect();
            names.dedup();
            names.join("; ")
        };
        let count = line.certificates.map_or_else(String::new, |count| count.to_string());
        let fields = [
            line.holder.kind.clone(),
            line.holder.id.to_string(),
            line.holder.name.clone(),
            line.holder.disabled.to_string(),
            line.action.to_owned(),
            line.meaning.to_owned(),
            reach.to_owned(),
            place,
            owners,
            names(|(_, name, _)| name),
            names(|(_, _, set)| set),
            count,
        ];
        crate::csv::line(fields.iter().map(String::as_str))
    }
}
