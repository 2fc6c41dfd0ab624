//! `certhold collection …`: saved queries that double as permission scopes.

use serde_json::{Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// Where collections are.
pub(super) const PATH: &str = "/collections";

/// By what certificates are duplicates of each other.
const DUPLICATES: [&str; 4] = ["none", "common_name", "distinguished_name", "principal_name"];

/// Collections: saved queries, on which roles can have rights
#[derive(clap::Subcommand)]
pub enum Collection {
    /// List collections
    List,
    /// Show a collection, and which roles have rights on it
    Show {
        /// Its name or number
        #[arg(value_name = "COLLECTION")]
        collection: String,
    },
    /// Add a collection
    Add {
        /// What it is called
        name: String,
        /// The query; without it every certificate is inside
        #[arg(default_value = "")]
        query: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// Show it on the home page
        #[arg(long)]
        dashboard: bool,
        /// Of certificates with the same name lists show the newest only
        #[arg(long, value_name = "BY", default_value = "none", value_parser = DUPLICATES)]
        duplicates: String,
    },
    /// Change a collection; what is not given stays
    Set {
        /// Its name or number
        #[arg(value_name = "COLLECTION")]
        collection: String,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Another query
        #[arg(long, value_name = "QUERY")]
        query: Option<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Whether it is shown on the home page
        #[arg(long, value_name = "YES|NO", value_parser = clap::builder::BoolishValueParser::new())]
        dashboard: Option<bool>,
        /// Of certificates with the same name lists show the newest only
        #[arg(long, value_name = "BY", value_parser = DUPLICATES)]
        duplicates: Option<String>,
    },
    /// Add a collection like another one
    Copy {
        /// The one to copy: its name or number
        #[arg(value_name = "COLLECTION")]
        collection: String,
        /// What the copy is called
        name: String,
        /// Give the roles that have rights on the one the same rights on the copy
        #[arg(long)]
        with_permissions: bool,
    },
    /// Remove a collection; the certificates stay
    Remove {
        /// Its name or number
        #[arg(value_name = "COLLECTION")]
        collection: String,
        /// Also when roles have rights on it: takes these rights away
        #[arg(long)]
        force: bool,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("query", |one| text(&one["query"])),
    ("description", |one| text(&one["description"])),
];

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("query", |one| text(&one["query"])),
    ("description", |one| text(&one["description"])),
    ("duplicates", |one| text(&one["duplicates"])),
    ("on home page", |one| if one["on_dashboard"] == true { "yes".into() } else { String::new() }),
    ("created", |one| time(&one["created_at"])),
    ("roles", |one| roles(&one["roles"])),
];

fn roles(roles: &Json) -> String {
    let shown = |role: &Json| format!("{}: {}", text(&role["role"]["name"]), text(&role["permissions"]));
    roles.as_array().into_iter().flatten().map(shown).collect::<Vec<_>>().join("; ")
}

impl Collection {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Collection::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Collection::Show { collection } => {
                let path = path(target, &collection).await?;
                let mut shown = target.get(&path).await?;
                // Whoever does not see roles sees the rest.
                if let Ok(roles) = target.all(&format!("{path}/roles")).await {
                    shown["roles"] = Json::Array(roles);
                }
                print_one(&shown, LINES, output)
            }
            Collection::Add { name, query, description, dashboard, duplicates } => {
                let input = json!({
                    "name": name, "query": query, "description": description, "on_dashboard": dashboard, "duplicates": duplicates,
                });
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("collection {name} is added as number {}", created(&answer)), &answer, output)
            }
            Collection::Set { collection, name, query, description, dashboard, duplicates } => {
                let path = path(target, &collection).await?;
                let before = target.get(&path).await?;
                let or = |given: Option<String>, member: &str| given.map_or_else(|| before[member].clone(), Json::from);
                let input = json!({
                    "name": or(name, "name"), "query": or(query, "query"), "description": or(description, "description"),
                    "on_dashboard": dashboard.map_or_else(|| before["on_dashboard"].clone(), Json::from),
                    "duplicates": or(duplicates, "duplicates"),
                });
                target.put(Method::Put, &path, &input).await?;
                print_done(&format!("collection {collection} is changed"), &target.get(&path).await?, output)
            }
            Collection::Copy { collection, name, with_permissions } => {
                let path = path(target, &collection).await?;
                let input = json!({ "name": name, "with_permissions": with_permissions });
                let answer = target.put(Method::Post, &format!("{path}/copy"), &input).await?;
                print_done(&format!("collection {name} is added as number {}", created(&answer)), &answer, output)
            }
            Collection::Remove { collection, force } => {
                let path = path(target, &collection).await?;
                let how = if force { "?force=true" } else { "" };
                target.send(Method::Delete, &format!("{path}{how}"), None).await?;
                let done = json!({ "collection": collection, "done": "removed" });
                print_done(&format!("collection {collection} is removed"), &done, output)
            }
        }
    }
}

async fn path(target: &Target, collection: &str) -> Result<String, Failure> {
    Ok(format!("{PATH}/{}", find(target, PATH, "collection", collection).await?))
}
