//! `/stores` and `/containers`: where certificates are installed and found.

use askama::Template;

use super::filters;
use super::form::{Check, Input, SecretInput, Select};
use super::frame::Frame;
use super::rights::RightsCard;
use super::table::FilterLink;
use super::text::Link;
use super::time::Moment;
use super::tone::{Badge, Validity};

/// All stores that the viewer may see.
#[derive(Clone, Debug, Template)]
#[template(path = "web/stores.html")]
pub struct StoresPage {
    /// Title and navigation.
    pub frame: Frame,
    /// What was searched for.
    pub query: String,
    /// All, in trouble.
    pub filters: Vec<FilterLink>,
    /// Whether anything narrows the list.
    pub is_narrowed: bool,
    /// The stores.
    pub rows: Vec<StoreRow>,
    /// The whole list as a file.
    pub csv_href: String,
    /// The next page.
    pub next: Option<String>,
    /// Whether the viewer may add stores.
    pub may_add: bool,
    /// Whether no directory is open to stores.
    pub has_no_roots: bool,
}

/// One store of the list.
#[derive(Clone, Debug)]
pub struct StoreRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its kind, for people.
    pub kind: String,
    /// Where it is.
    pub path: String,
    /// The container that it is in.
    pub container: Option<Link>,
    /// How many entries it has.
    pub entries: i64,
    /// How it is doing.
    pub state: Badge,
    /// When its last inventory was complete.
    pub inventoried: Option<Moment>,
}

/// One store.
#[derive(Clone, Debug, Template)]
#[template(path = "web/store_detail.html")]
pub struct StoreDetailPage {
    /// Title (the store's name) and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// Its kind, for people.
    pub kind: String,
    /// Where it is.
    pub path: String,
    /// The machine that it belongs to.
    pub machine: String,
    /// The container that it is in.
    pub container: Option<Link>,
    /// How it is doing.
    pub state: Badge,
    /// When its last inventory was complete.
    pub inventoried: Option<Moment>,
    /// When the next one is due.
    pub next: Option<Moment>,
    /// Why what was tried last failed, and when.
    pub trouble: Option<(String, Moment)>,
    /// What could not be read: places with reasons.
    pub problems: Vec<(String, String)>,
    /// How many entries it has.
    pub total: i64,
    /// Its entries.
    pub entries: Vec<EntryRow>,
    /// The next page of entries.
    pub more: Option<String>,
    /// What was asked for and done.
    pub jobs: Vec<JobRow>,
    /// The form that puts a certificate in; `None`: the viewer may not.
    pub add: Option<AddForm>,
    /// The form for the schedule; `None`: the viewer may not.
    pub schedule: Option<Input>,
    /// The form that changes it; `None`: the viewer may not.
    pub form: Option<StoreForm>,
}

impl StoreDetailPage {
    fn own_path(&self, what: &str) -> String {
        format!("/stores/{}/{what}", self.id)
    }

    fn job_path(&self, job: &i64, what: &str) -> String {
        format!("/stores/{}/jobs/{job}/{what}", self.id)
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// Its name.
    pub alias: String,
    /// Its certificate.
    pub certificate: Link,
    /// From when to when that is valid.
    pub validity: Validity,
    /// How many certificates stand above it.
    pub chain: i64,
    /// Whether its private key is there.
    pub has_key: bool,
}

/// One job.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its number.
    pub id: i64,
    /// What is done, in words.
    pub what: String,
    /// Who asked.
    pub author: String,
    /// Where it stands.
    pub state: Badge,
    /// When it ended, or is due.
    pub at: Moment,
    /// Why it failed, or what was done.
    pub outcome: String,
    /// Whether it failed.
    pub has_failed: bool,
    /// Whether the viewer may try it again.
    pub may_retry: bool,
    /// Whether the viewer may take it back.
    pub may_cancel: bool,
}

/// Putting a certificate in.
#[derive(Clone, Debug, Default)]
pub struct AddForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `certificate`: its number.
    pub certificate: Input,
    /// `alias`.
    pub alias: Input,
    /// `with_key`.
    pub with_key: Check,
    /// `overwrite`.
    pub overwrite: Check,
}

/// The form for a new store.
#[derive(Clone, Debug, Template)]
#[template(path = "web/store_new.html")]
pub struct NewStorePage {
    /// Title and navigation.
    pub frame: Frame,
    /// The form.
    pub form: StoreForm,
    /// `kind`.
    pub kind: Select,
    /// The directories in which stores may be.
    pub roots: String,
}

/// Fields of a store.
#[derive(Clone, Debug, Default)]
pub struct StoreForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `path`.
    pub path: Input,
    /// `machine`.
    pub machine: Input,
    /// `container`.
    pub container: Select,
    /// `password`.
    pub password: SecretInput,
    /// `create_if_missing`.
    pub create_if_missing: Check,
    /// `schedule`; on a known store it has a form of its own.
    pub schedule: Input,
    /// `chain`; `None` for kinds that have no choice.
    pub chain: Option<Select>,
    /// `key`; likewise.
    pub key: Option<Select>,
    /// `encryption`; likewise.
    pub encryption: Option<Select>,
}

/// All containers that the viewer may see.
#[derive(Clone, Debug, Template)]
#[template(path = "web/containers.html")]
pub struct ContainersPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The containers.
    pub rows: Vec<ContainerRow>,
    /// Whether the viewer may add containers.
    pub may_add: bool,
}

/// One container of the list.
#[derive(Clone, Debug)]
pub struct ContainerRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its schedule.
    pub schedule: String,
    /// How many stores it has, and where they are listed.
    pub stores: (i64, String),
}

/// One container, or a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "web/container.html")]
pub struct ContainerPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Its number; `None` for a new one.
    pub id: Option<i64>,
    /// How many stores it has, and where they are listed.
    pub stores: Option<(i64, String)>,
    /// What it is for.
    pub description: String,
    /// The form; `None`: the viewer may not change it.
    pub form: Option<ContainerForm>,
    /// Which roles have rights on it; `None`: it is new, or the viewer does not see roles.
    pub rights: Option<RightsCard>,
}

impl ContainerPage {
    fn target(&self) -> String {
        self.id.map_or_else(|| "/containers/new".to_owned(), |id| format!("/containers/{id}"))
    }
}

/// Fields of a container.
#[derive(Clone, Debug, Default)]
pub struct ContainerForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `kind`.
    pub kind: Select,
    /// `schedule`.
    pub schedule: Input,
    /// `overwrite_schedules`.
    pub overwrite_schedules: Check,
}

/// A place where a certificate is installed, on the certificate's page.
#[derive(Clone, Debug)]
pub struct LocationRow {
    /// The store.
    pub store: Link,
    /// The entry's name.
    pub alias: String,
    /// Where the store is.
    pub path: String,
    /// Whether the certificate is in the chain of the entry's own.
    pub in_chain: bool,
    /// Whether the entry's private key is there.
    pub has_key: bool,
}
