//! `certhold set …`: permission sets, the upper bounds of roles.

use serde_json::{Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::target::{Method, Target};

pub(super) const PATH: &str = "/permission-sets";
pub(super) const NOUN: &str = "permission set";

/// Permission sets: the upper bounds of roles, and borders of administration
#[derive(clap::Subcommand)]
pub enum Set {
    /// List permission sets
    List,
    /// Show one permission set
    Show {
        /// Its name or number
        #[arg(value_name = "SET")]
        set: String,
    },
    /// Add a permission set
    Add {
        /// What it is called
        name: String,
        /// What roles inside it may be given at most: a permission path; may be given several times
        #[arg(long = "permission", value_name = "PATH")]
        permissions: Vec<String>,
    },
    /// Change a permission set; says what roles grant in vain from then on
    Update {
        /// Its name or number
        #[arg(value_name = "SET")]
        set: String,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What roles inside it may be given at most, in place of all it has now; may be given several times
        #[arg(long = "permission", value_name = "PATH", conflicts_with = "nothing")]
        permissions: Vec<String>,
        /// Roles inside it may be given nothing
        #[arg(long)]
        nothing: bool,
    },
    /// Remove a permission set that no role is inside of
    Remove {
        /// Its name or number
        #[arg(value_name = "SET")]
        set: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("roles", |one| text(&one["roles"])),
    ("allows", |one| text(&one["permissions"])),
];

impl Set {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Set::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Set::Show { set } => {
                let id = find(target, PATH, NOUN, &set).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, COLUMNS, output)
            }
            Set::Add { name, permissions } => {
                let answer = target.put(Method::Post, PATH, &json!({ "name": name, "permissions": permissions })).await?;
                print_done(&format!("permission set {name} is added as number {}", created(&answer)), &answer, output)
            }
            Set::Update { set, name, permissions, nothing } => {
                let id = find(target, PATH, NOUN, &set).await?;
                let before = target.get(&format!("{PATH}/{id}")).await?;
                let permissions =
                    if permissions.is_empty() && !nothing { before["permissions"].clone() } else { json!(permissions) };
                let name = name.map_or_else(|| before["name"].clone(), Json::from);
                let input = json!({ "name": name, "permissions": permissions });
                let change = target.put(Method::Put, &format!("{PATH}/{id}"), &input).await?;
                print_change(&set, &change, output)
            }
            Set::Remove { set } => {
                let id = find(target, PATH, NOUN, &set).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                print_done(
                    &format!("permission set {set} is removed"),
                    &json!({ "permission_set": id, "done": "removed" }),
                    output,
                )
            }
        }
    }
}

/// What a change does to the roles inside: a line for each role.
fn print_change(set: &str, change: &Json, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return output::print(&output::json(change));
    }
    let mut lines = format!("permission set {set} is changed\n");
    for (list, what) in [("stopped", "has no effect any more"), ("began", "has effect again")] {
        for one in change[list].as_array().into_iter().flatten() {
            let (role, holders) = (text(&one["role"]["name"]), text(&one["holders"]));
            lines.push_str(&format!("role {role} ({holders} holders): {} {what}\n", text(&one["permissions"])));
        }
    }
    output::print_lines(&lines)
}
