//! `certhold role …`: what people may do, and whose certificates are whose.

use serde_json::json;

use super::{Column, created, find, print_done, print_list, user};
use crate::failure::Failure;
use crate::output::{Output, text};
use crate::target::{Method, Target};

const PATH: &str = "/roles";

/// Roles: what people may do, and whose certificates are whose
#[derive(clap::Subcommand)]
pub enum Role {
    /// List roles
    List,
    /// List every permission there is, with what it allows
    Permissions,
    /// Add a role
    Add {
        /// What it is called
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// What it allows: a permission path; may be given several times
        #[arg(long = "permission", value_name = "PATH")]
        permissions: Vec<String>,
    },
    /// Remove a role that owns nothing
    Remove {
        /// Its name or number
        #[arg(value_name = "ROLE")]
        role: String,
    },
    /// Give a role to somebody
    Assign {
        /// The role's name or number
        #[arg(value_name = "ROLE")]
        role: String,
        /// The account's name or number
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Take a role from somebody
    Withdraw {
        /// The role's name or number
        #[arg(value_name = "ROLE")]
        role: String,
        /// The account's name or number
        #[arg(value_name = "USER")]
        user: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("holders", |one| text(&one["holders"])),
    ("permission set", |one| text(&one["permission_set"]["name"])),
    ("permissions", |one| text(&one["permissions"])),
];

const PERMISSIONS: &[Column] = &[("path", |one| text(&one["path"])), ("allows to", |one| text(&one["description"]))];

impl Role {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Role::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Role::Permissions => print_list(&target.all("/permissions").await?, PERMISSIONS, output),
            Role::Add { name, description, permissions } => {
                let input = json!({ "name": name, "description": description, "permissions": permissions });
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("role {name} is added as number {}", created(&answer)), &answer, output)
            }
            Role::Remove { role } => {
                let id = find(target, PATH, "role", &role).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                print_done(&format!("role {role} is removed"), &json!({ "role": id, "done": "removed" }), output)
            }
            Role::Assign { role, user } => hold(target, &role, &user, true, output).await,
            Role::Withdraw { role, user } => hold(target, &role, &user, false, output).await,
        }
    }
}

async fn hold(target: &Target, role: &str, user: &str, holds: bool, output: Output) -> Result<(), Failure> {
    let id = find(target, PATH, "role", role).await?;
    let holder = find(target, user::PATH, user::NOUN, user).await?;
    let method = if holds { Method::Put } else { Method::Delete };
    target.send(method, &format!("{PATH}/{id}/holders/{holder}"), None).await?;
    let sentence = if holds { format!("{user} holds {role}") } else { format!("{user} does not hold {role} any more") };
    print_done(&sentence, &json!({ "role": id, "account": holder, "holds": holds }), output)
}
