//! Edits of many certificates at once: looked at first, then done by one durable job.
//!
//! A preview says of every selected certificate what would become of it. The job first notes the certificates that it selects,
//! then works through them in chunks; each chunk writes values, events and progress in one transaction and erases what is done,
//! so that a job which was killed goes on where it stopped and does nothing twice. Each chunk runs with the rights that whoever
//! started the job has at that moment, and with no more through what a token said of them than they had when they started it.

pub(crate) mod author;
mod edits;
mod owners;
mod preview;
mod removal;
mod rule;
mod said;
mod start;
mod step;

use certhold_store::Tx;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::Result;
use crate::ids::{CertificateId, CollectionId, MetadataFieldId, RoleId};
use crate::inventory::{self, Expiry, Filter, OwnerFilter};
use crate::metadata::Change;

pub(crate) use edits::removes;
pub use edits::{BulkEdit, BulkEditState, cancel, get, list};
pub use preview::{Preview, Sample, preview};
pub use rule::{Reason, Tally};
pub use start::start;
pub(crate) use start::start_removal;
pub use step::{Progress, step};

/// What is done to each certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Edit {
    /// Changes what is noted about it.
    Metadata {
        /// The new values.
        changes: Vec<Change>,
    },
    /// Gives it another owner, or none.
    Owner {
        /// The new owner role.
        to: Option<RoleId>,
    },
    /// Removes it from the inventory, unless something needs it.
    Remove,
    /// Erases the values of a field that is removed; started by [`crate::metadata::remove`].
    RemoveField {
        /// The field.
        field: MetadataFieldId,
        /// Its name.
        name: String,
    },
}

impl Edit {
    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Edit::Metadata { .. } => "metadata",
            Edit::Owner { .. } => "owner",
            Edit::Remove => "remove",
            Edit::RemoveField { .. } => "remove_field",
        }
    }
}

/// Which certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// These.
    Certificates(Vec<CertificateId>),
    /// All that a filter of the inventory finds.
    Filter(Wanted),
}

/// The filter of the inventory as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// A query; empty for none.
    pub query: String,
    /// Words, as in the inventory's search.
    pub text: String,
    /// Expires at or after, unix milliseconds.
    pub expires_from: Option<i64>,
    /// Expires before, unix milliseconds.
    pub expires_before: Option<i64>,
    /// Of this role.
    pub owner: Option<RoleId>,
    /// Of nobody.
    pub unowned: bool,
    /// Versions of managed certificates, or all others.
    pub managed: Option<bool>,
    /// Authorities' certificates, or all others.
    pub is_ca: Option<bool>,
    /// Of this collection; then rights on the collection are enough.
    pub collection: Option<CollectionId>,
}

impl Wanted {
    /// What it means when `author` asks at `now`.
    fn filter(&self, tx: &mut Tx<'_>, author: &Actor, now: i64) -> Result<Filter> {
        let owner = if self.unowned { Some(OwnerFilter::Nobody) } else { self.owner.map(OwnerFilter::Role) };
        let scope = Scope::of(self.collection, now);
        let condition = inventory::question(tx, author, &self.query, scope)?;
        let filter = Filter {
            condition,
            text: self.text.clone(),
            expiry: Expiry { from: self.expires_from, before: self.expires_before },
            owner,
            managed: self.managed,
            is_ca: self.is_ca,
            ..Filter::default()
        };
        inventory::within(tx, author, &filter, scope)
    }
}

impl Selection {
    /// The collection whose rights are enough, if it names one.
    pub(crate) fn collection(&self) -> Option<CollectionId> {
        match self {
            Selection::Certificates(_) => None,
            Selection::Filter(wanted) => wanted.collection,
        }
    }
}

/// An edit of many certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which certificates.
    pub selection: Selection,
    /// What is done to each.
    pub edit: Edit,
    /// The digest of the selection that somebody looked at; the job stops before it changes anything if the selection is
    /// another one by then.
    pub confirmed: Option<[u8; 32]>,
}
