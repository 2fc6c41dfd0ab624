//! `/collections`: saved queries that double as permission scopes; and the language they are written in.

use askama::Template;

use super::filters;
use super::form::{Check, Input, Select};
use super::frame::Frame;
use super::rights::RightsCard;
use super::text::Link;

/// The collections that the viewer may read.
#[derive(Clone, Debug, Template)]
#[template(path = "web/collections.html")]
pub struct CollectionsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The collections, favourites first.
    pub rows: Vec<CollectionRow>,
    /// Whether the viewer may add and change.
    pub may_change: bool,
}

/// One collection of the list.
#[derive(Clone, Debug)]
pub struct CollectionRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The query; empty: every certificate.
    pub query: String,
    /// How many certificates are inside; `None`: not counted here, or not understood any more.
    pub count: Option<i64>,
    /// Whether the viewer marked it.
    pub is_favourite: bool,
}

/// One collection.
#[derive(Clone, Debug, Template)]
#[template(path = "web/collection.html")]
pub struct CollectionPage {
    /// Title (the collection's name) and navigation.
    pub frame: Frame,
    /// Its number, the last segment of rights on it.
    pub id: i64,
    /// What it is for.
    pub description: String,
    /// The query; empty: every certificate.
    pub query: String,
    /// Why the query is not understood any more.
    pub broken: Option<String>,
    /// The certificates inside, as a link with their number.
    pub certificates: Link,
    /// Whether the viewer marked it.
    pub is_favourite: bool,
    /// Whether it is shown on the home page.
    pub on_dashboard: bool,
    /// Which roles have rights on it; `None`: the viewer does not see roles.
    pub rights: Option<RightsCard>,
    /// Which certificates its lists leave out, in a sentence; empty: none.
    pub duplicates: String,
    /// The form that changes it; `None`: the viewer may not.
    pub form: Option<CollectionForm>,
    /// What removing it takes away besides, for the question; empty: nothing.
    pub removal: String,
}

/// The form for a new collection.
#[derive(Clone, Debug, Template)]
#[template(path = "web/collection_new.html")]
pub struct NewCollectionPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The form.
    pub form: CollectionForm,
}

/// Fields of a collection.
#[derive(Clone, Debug, Default)]
pub struct CollectionForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `query`.
    pub query: Input,
    /// `duplicates`: which certificates lists leave out.
    pub duplicates: Select,
    /// `on_dashboard`.
    pub on_dashboard: Check,
}

/// `/query`: the fields and operators of the query language.
#[derive(Clone, Debug, Template)]
#[template(path = "web/query.html")]
pub struct QueryPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Every field.
    pub fields: Vec<FieldLine>,
    /// Every operator with what it asks.
    pub operators: Vec<(String, String)>,
}

/// A field of the query language.
#[derive(Clone, Debug)]
pub struct FieldLine {
    /// Its name.
    pub name: String,
    /// Its other names.
    pub aliases: String,
    /// Text, number, date …
    pub kind: String,
    /// The operators it has.
    pub operators: String,
    /// The values of a choice.
    pub values: String,
    /// What it is.
    pub meaning: String,
}
