//! Reading collections.

use certhold_store::{Row, Tx, params};

use crate::access::{self, Access, Decision, Need, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::CollectionId;
use crate::text;

/// A saved query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its handle.
    pub id: CollectionId,
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The query, exactly as it was sent.
    pub query: String,
    /// What makes two certificates of a list duplicates.
    pub duplicates: Duplicates,
    /// Whether it is shown on the home page.
    pub on_dashboard: bool,
    /// Whether the actor marked it.
    pub favourite: bool,
    /// When it was created, unix milliseconds.
    pub created_at: i64,
}

/// By which field a list leaves out older duplicates, and so does an edit of what it lists; the numbers are Keyfactor's. A right on
/// the collection reaches every certificate in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// None is left out.
    #[default]
    None,
    /// Of certificates with the same common name the newest.
    CommonName,
    /// Of certificates with the same subject the newest.
    DistinguishedName,
    /// Of certificates with the same principal name the newest. Principal names are not among the indexed facts: kept and handed
    /// out, and none is left out.
    PrincipalName,
}

impl Duplicates {
    /// Every choice with its number and its word.
    pub const ALL: &[(Duplicates, i64, &str)] = &[
        (Duplicates::None, 0, "none"),
        (Duplicates::CommonName, 1, "common_name"),
        (Duplicates::DistinguishedName, 2, "distinguished_name"),
        (Duplicates::PrincipalName, 4, "principal_name"),
    ];

    /// Its number.
    pub fn number(self) -> i64 {
        Duplicates::ALL.iter().find(|(one, ..)| *one == self).map_or(0, |(_, number, _)| *number)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        Duplicates::ALL.iter().find(|(one, ..)| *one == self).map_or("none", |(.., word)| word)
    }

    /// The choice of this number.
    pub fn of_number(number: i64) -> Option<Duplicates> {
        Duplicates::ALL.iter().find(|(_, known, _)| *known == number).map(|(one, ..)| *one)
    }

    /// The choice of this word.
    pub fn of_word(word: &str) -> Result<Duplicates, Refusal> {
        let words: Vec<&str> = Duplicates::ALL.iter().map(|(.., word)| *word).collect();
        let found = Duplicates::ALL.iter().find(|(.., known)| *known == word).map(|(one, ..)| *one);
        found.ok_or_else(|| Refusal::invalid("duplicates", format!("choose one of {}", words.join(", "))))
    }
}

const COLUMNS: &str = "collection.id, collection.name, collection.description, collection.query, collection.duplicates, \
    collection.on_dashboard, collection.created_at, collection_favourite.principal FROM collection \
    LEFT JOIN collection_favourite ON collection_favourite.collection = collection.id AND collection_favourite.principal = $1";

fn read(row: &Row<'_>) -> Result<Collection, certhold_store::Error> {
    Ok(Collection {
        id: CollectionId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        query: row.get(3)?,
        duplicates: Duplicates::of_number(row.get(4)?).unwrap_or_default(),
        on_dashboard: row.get(5)?,
        created_at: row.get(6)?,
        favourite: row.get::<Option<i64>>(7)?.is_some(),
    })
}

/// What makes two certificates of a list duplicates, in a collection that is there.
pub(crate) fn duplicates_of(tx: &mut Tx<'_>, id: CollectionId) -> Result<Duplicates> {
    let number = tx.one("SELECT duplicates FROM collection WHERE id = $1", params![id], |row| row.get(0))?;
    Ok(number.and_then(Duplicates::of_number).unwrap_or_default())
}

/// The number of the actor among favourites; nobody has the number 0.
fn principal(actor: &Actor) -> i64 {
    actor.id.map_or(0, |id| id.0)
}

/// What reading one collection, and the certificates in it, needs.
pub(super) fn need(id: CollectionId) -> Need {
    Need::system(paths::CERTIFICATES_READ).or_collection(paths::CERTIFICATES_READ, Some(id))
}

fn may_read(held: &Access, id: CollectionId) -> bool {
    matches!(held.evaluate(&need(id)), Decision::Allowed { .. })
}

/// The collections that the actor may read, by name: all of them for whoever sees certificates everywhere, else those whose
/// certificates they see. Whoever sees none of either is refused.
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Collection>> {
    let held = access::current(tx, actor)?;
    let everywhere = held.evaluate(&Need::system(paths::CERTIFICATES_READ));
    let all = tx.rows(&format!("SELECT {COLUMNS} ORDER BY collection.folded"), params![principal(actor)], read)?;
    if let Decision::Denied { missing, reason } = everywhere {
        let readable: Vec<Collection> = all.into_iter().filter(|one| may_read(&held, one.id)).collect();
        if readable.is_empty() {
            return Err(Refusal::Forbidden { reason, missing }.into());
        }
        return Ok(readable);
    }
    Ok(all)
}

/// One collection.
pub fn get(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId) -> Result<Collection> {
    access::require(tx, actor, &need(id))?;
    find(tx, actor, id)
}

/// The collection of this name among those the actor may read.
pub fn by_name(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<CollectionId> {
    let folded = text::fold(name);
    let found: Option<i64> = tx.one("SELECT id FROM collection WHERE folded = $1", params![folded], |row| row.get(0))?;
    let held = access::current(tx, actor)?;
    let readable = found.map(CollectionId).filter(|id| may_read(&held, *id));
    readable.ok_or_else(|| Refusal::not_found("collection", format!("{name:?}")).into())
}

/// A collection for whoever may change collections, which says nothing about reading what is inside: what they have just written.
pub fn of_author(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId) -> Result<Collection> {
    access::require_path(tx, actor, paths::COLLECTIONS_MODIFY)?;
    find(tx, actor, id)
}

/// One collection without asking who wants to know.
pub(super) fn find(tx: &mut Tx<'_>, actor: &Actor, id: CollectionId) -> Result<Collection> {
    let found = tx.one(&format!("SELECT {COLUMNS} WHERE collection.id = $2"), params![principal(actor), id], read)?;
    found.ok_or_else(|| Refusal::not_found("collection", id).into())
}

/// Every collection without asking who wants to know.
pub(super) fn all(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Collection>> {
    Ok(tx.rows(&format!("SELECT {COLUMNS} ORDER BY collection.folded"), params![principal(actor)], read)?)
}
