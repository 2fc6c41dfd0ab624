//! Certificate stores: places where certificates are installed and found, with containers that double as permission scopes.
//!
//! A store is a directory of PEM files, a PKCS#12 file or a Java key store on a file system that the server reaches. What is in it is
//! known from its **inventory**: entries by alias, each a certificate with those above it. Taking the inventory, adding and removing
//! entries are **jobs**: asked for here, done by the worker one after the other for each store, recorded by [`work`]. A right on a
//! container is a path with its number at the end (`/certificate_stores/modify/4/`); whoever may modify may also schedule and read.

mod change;
mod containers;
mod deploy;
mod items;
mod jobs;
mod kind;
mod list;
mod owners;
mod rights;
mod schedule;
mod target;
pub mod work;

pub use change::{PasswordChange, Roots, StoreCommand, assign, create, remove, seal_password, set_schedule, update};
pub(crate) use containers::container_name;
pub use containers::{
    Container, ContainerCommand, container, container_by_name, container_grants, container_names, containers, create_container,
    remove_container, update_container,
};
pub use deploy::{
    Deployed, Place, deploy, deploy_brought, replace, replace_renewed, require_fit, require_may_bring, require_may_deploy,
    require_may_replace,
};
pub use items::{Entry, EntryCertificate, InventoryPage, Location, default_alias, inventory, locations};
pub(crate) use items::{Stored, certificates_in, holders_of, in_container, stores_with};
pub use jobs::purge as purge_jobs;
pub use jobs::{
    AddCertificate, RemoveCertificate, StoreJob, StoreJobKind, StoreJobState, add, cancel, job, jobs, remove_entry, retry,
    take_inventory,
};
pub use kind::{ChainPlace, Encryption, KeyPlace, Properties, StoreKind};
pub use list::{Problem, Store, StoreFilter, StorePage, by_name, by_uuid, get, list};
pub(crate) use list::{is_named_seen, is_seen, texts_of};
pub use rights::{Right, holds};
pub(crate) use rights::{including, need_of, or_reads_stores_of};
pub use schedule::Schedule;
pub use target::StoreTarget;
pub(crate) use target::check_target;
