//! `certhold role …`: what people may do, and whose certificates are whose.

use serde_json::{Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one, set, user};
use crate::failure::Failure;
use crate::output::{Output, text};
use crate::target::{Method, Target};

pub(super) const PATH: &str = "/roles";

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
        /// The permission set that bounds it, by name or number; Global without it
        #[arg(long, value_name = "SET")]
        set: Option<String>,
        /// Where its people are reached
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Show one role
    Show {
        /// Its name or number
        #[arg(value_name = "ROLE")]
        role: String,
    },
    /// Change a role; what is not named stays
    Update(Update),
    /// List the accounts that hold a role
    Members {
        /// Its name or number
        #[arg(value_name = "ROLE")]
        role: String,
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

/// Change a role; what is not named stays
#[derive(clap::Args)]
pub struct Update {
    /// Its name or number
    #[arg(value_name = "ROLE")]
    role: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where its people are reached
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The permission set that bounds it, by name or number
    #[arg(long, value_name = "SET")]
    set: Option<String>,
    /// What it allows, in place of all it has now; may be given several times
    #[arg(long = "permission", value_name = "PATH", conflicts_with_all = ["grant", "revoke"])]
    permissions: Vec<String>,
    /// Adds a permission; may be given several times
    #[arg(long, value_name = "PATH")]
    grant: Vec<String>,
    /// Takes a permission away; may be given several times
    #[arg(long, value_name = "PATH")]
    revoke: Vec<String>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("holders", |one| text(&one["holders"])),
    ("permission set", |one| text(&one["permission_set"]["name"])),
    ("permissions", |one| text(&one["permissions"])),
    ("without effect", |one| text(&one["without_effect"])),
];

const MEMBERS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("kind", |one| text(&one["kind"])),
    ("state", |one| if one["disabled"] == true { "disabled".into() } else { "enabled".into() }),
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
            Role::Show { role } => {
                let id = find(target, PATH, "role", &role).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, COLUMNS, output)
            }
            Role::Members { role } => {
                let id = find(target, PATH, "role", &role).await?;
                print_list(&target.all(&format!("{PATH}/{id}/holders")).await?, MEMBERS, output)
            }
            Role::Update(update) => update.run(target, output).await,
            Role::Add { name, description, permissions, set, email } => {
                let set = set_named(target, set.as_deref()).await?;
                let input = json!({ "name": name, "description": description, "email": email, "permission_set": set,
                    "permissions": permissions });
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

async fn set_named(target: &Target, named: Option<&str>) -> Result<Option<i64>, Failure> {
    match named {
        Some(named) => Ok(Some(find(target, set::PATH, set::NOUN, named).await?)),
        None => Ok(None),
    }
}

impl Update {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let id = find(target, PATH, "role", &self.role).await?;
        let place = format!("{PATH}/{id}");
        let before = target.get(&place).await?;
        let set =
            set_named(target, self.set.as_deref()).await?.map_or_else(|| before["permission_set"]["id"].clone(), Json::from);
        let mut permissions = self.permissions;
        if permissions.is_empty() {
            permissions = before["permissions"].as_array().into_iter().flatten().map(text).collect();
            permissions.retain(|path| !self.revoke.iter().any(|gone| normal(gone) == *path));
            permissions.extend(self.grant);
        }
        let or_before = |given: Option<String>, field: &str| given.map_or_else(|| before[field].clone(), Json::from);
        let input = json!({
            "name": or_before(self.name, "name"), "description": or_before(self.description, "description"),
            "email": or_before(self.email, "email"), "permission_set": set, "permissions": permissions,
        });
        target.put(Method::Put, &place, &input).await?;
        print_done(&format!("role {} is changed", self.role), &json!({ "role": id, "done": "changed" }), output)
    }
}

/// A path as the server writes it.
fn normal(path: &str) -> String {
    match path.trim().trim_matches('/') {
        "" => "/".to_owned(),
        inner => format!("/{}/", inner.to_lowercase()),
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
