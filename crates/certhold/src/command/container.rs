//! `certhold container …`: groups of certificate stores.

use serde_json::{Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// Where containers are.
pub(super) const PATH: &str = "/containers";
pub(super) const NOUN: &str = "container";

/// Containers: groups of certificate stores, on which roles can have rights
#[derive(clap::Subcommand)]
pub enum Container {
    /// List containers
    List,
    /// Show a container
    Show {
        /// Its name or number
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// Add a container
    Add {
        /// What it is called
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// The only kind of stores that it takes: pem-directory, pkcs12 or jks
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// The schedule of its stores: off, "every 30m", "daily 03:15", "weekly mon,thu 03:15" or "monthly 15 03:15", in UTC
        #[arg(long, value_name = "SCHEDULE", default_value = "off")]
        schedule: String,
        /// Its schedule goes over those of its stores
        #[arg(long)]
        overwrite_schedules: bool,
    },
    /// Change a container; what is not given stays
    Set {
        /// Its name or number
        #[arg(value_name = "CONTAINER")]
        container: String,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The schedule of its stores
        #[arg(long, value_name = "SCHEDULE")]
        schedule: Option<String>,
        /// Whether its schedule goes over those of its stores
        #[arg(long, value_name = "YES|NO", value_parser = clap::builder::BoolishValueParser::new())]
        overwrite_schedules: Option<bool>,
    },
    /// Remove a container; its stores stay
    Remove {
        /// Its name or number
        #[arg(value_name = "CONTAINER")]
        container: String,
        /// Also when roles have rights on it: takes these rights away
        #[arg(long)]
        force: bool,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("kind", |one| text(&one["kind"])),
    ("schedule", |one| text(&one["schedule"])),
    ("stores", |one| text(&one["stores"])),
    ("description", |one| text(&one["description"])),
];
const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("description", |one| text(&one["description"])),
    ("kind", |one| text(&one["kind"])),
    ("schedule", |one| text(&one["schedule"])),
    ("goes over others", |one| text(&one["overwrite_schedules"])),
    ("stores", |one| text(&one["stores"])),
    ("created", |one| time(&one["created_at"])),
];

impl Container {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Container::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Container::Show { container } => {
                let id = find(target, PATH, NOUN, &container).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, LINES, output)
            }
            Container::Add { name, description, kind, schedule, overwrite_schedules } => {
                let input = json!({ "name": name, "description": description, "kind": kind, "schedule": schedule,
                    "overwrite_schedules": overwrite_schedules });
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("container {name} is added as number {}", created(&answer)), &answer, output)
            }
            Container::Set { container, name, description, schedule, overwrite_schedules } => {
                let id = find(target, PATH, NOUN, &container).await?;
                let known = target.get(&format!("{PATH}/{id}")).await?;
                let or = |given: Option<String>, field: &str| given.map_or_else(|| known[field].clone(), Json::from);
                let input = json!({
                    "name": or(name, "name"), "description": or(description, "description"), "kind": known["kind"],
                    "schedule": or(schedule, "schedule"),
                    "overwrite_schedules": overwrite_schedules.map_or_else(|| known["overwrite_schedules"].clone(), Json::from),
                });
                target.put(Method::Put, &format!("{PATH}/{id}"), &input).await?;
                print_done(&format!("container {container} is changed"), &json!({ "container": id, "done": "changed" }), output)
            }
            Container::Remove { container, force } => {
                let id = find(target, PATH, NOUN, &container).await?;
                let how = if force { "?force=true" } else { "" };
                target.send(Method::Delete, &format!("{PATH}/{id}{how}"), None).await?;
                print_done(&format!("container {container} is removed"), &json!({ "container": id, "done": "removed" }), output)
            }
        }
    }
}
