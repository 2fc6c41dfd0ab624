//! Every field a query may name: the built-in ones and the metadata fields of the installation.

use std::collections::HashMap;

use super::field::{FieldId, Kind};
use super::fields::FIELDS;
use super::fold;
use crate::ids::MetadataFieldId;

/// A metadata field, as far as queries need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataEntry {
    /// Its handle.
    pub id: MetadataFieldId,
    /// Its name, compared without regard to case and to the width of spaces.
    pub name: String,
    /// [`Kind::Text`], [`Kind::Number`], [`Kind::Flag`] or [`Kind::Time`].
    pub kind: Kind,
    /// Values to offer on completion.
    pub options: Vec<String>,
    /// What it is, for people.
    pub description: String,
}

/// A field with everything a query must know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which data it means.
    pub id: FieldId,
    /// The name that is shown.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its values.
    pub kind: Kind,
    /// Whether a certificate may have several values.
    pub several: bool,
    /// What it is, for people.
    pub sentence: String,
    /// Values to offer on completion, beside those of the kind.
    pub options: Vec<String>,
}

impl From<MetadataEntry> for Entry {
    fn from(field: MetadataEntry) -> Entry {
        Entry {
            id: FieldId::Metadata(field.id),
            name: field.name,
            aliases: Vec::new(),
            kind: field.kind,
            several: false,
            sentence: field.description,
            options: field.options,
        }
    }
}

/// The fields that a query is read against.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

impl Default for Catalogue {
    fn default() -> Catalogue {
        Catalogue::new(Vec::new())
    }
}

impl Catalogue {
    /// The built-in fields and these. A metadata field that has the name of a built-in field cannot be reached.
    pub fn new(metadata: Vec<MetadataEntry>) -> Catalogue {
        let built_in = FIELDS.iter().map(|field| Entry {
            id: field.id,
            name: field.names[0].to_owned(),
            aliases: field.names[1..].iter().map(|name| (*name).to_owned()).collect(),
            kind: field.kind,
            several: field.several,
            sentence: field.sentence.to_owned(),
            options: Vec::new(),
        });
        Catalogue::of(built_in.chain(metadata.into_iter().map(Entry::from)).collect())
    }

    /// The fields of another list.
    pub(super) fn of_list(fields: Vec<MetadataEntry>) -> Catalogue {
        Catalogue::of(fields.into_iter().map(Entry::from).collect())
    }

    fn of(entries: Vec<Entry>) -> Catalogue {
        let mut by_name = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            for name in std::iter::once(&entry.name).chain(&entry.aliases) {
                by_name.entry(key(name)).or_insert(index);
            }
        }
        Catalogue { entries, by_name }
    }

    /// Every field, built-in ones first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The field of this name, in any letter case.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(&key(name)).map(|index| &self.entries[*index])
    }

    /// The field of this handle.
    pub fn entry(&self, id: FieldId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }
}

/// Whether a built-in field has this name, so that a metadata field must not.
pub fn is_built_in(name: &str) -> bool {
    let wanted = key(name);
    FIELDS.iter().flat_map(|field| field.names).any(|name| key(name) == wanted)
}

/// Names are the same without regard to case and to how many spaces stand between words.
pub(super) fn key(name: &str) -> String {
    fold(&name.split_whitespace().collect::<Vec<_>>().join(" "))
}
