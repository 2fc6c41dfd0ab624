//! `certhold user …`: people and service accounts.

use std::path::PathBuf;

use serde_json::json;

use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::secrets;
use crate::target::{Method, Target};

pub(super) const PATH: &str = "/principals";
pub(super) const NOUN: &str = "account";

/// People and service accounts
#[derive(clap::Subcommand)]
pub enum User {
    /// List accounts
    List,
    Add(Add),
    /// Disable an account: its sessions and tokens end at once
    Disable {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Enable an account again
    Enable {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Set somebody's password and end their sessions
    Password {
        /// Their name or number
        #[arg(value_name = "NAME")]
        named: String,
        /// File with the password; without it the terminal asks
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Show one account
    Show {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// List the browsers in which somebody is signed in
    Sessions {
        /// Their name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// End all sessions of somebody
    EndSessions {
        /// Their name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// List the roles an account holds
    Roles {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
}

/// Add an account, which may do nothing until it holds a role
#[derive(clap::Args)]
pub struct Add {
    /// What it is called
    name: String,
    /// A service account: a program that uses tokens and has no password
    #[arg(long, conflicts_with = "password_file")]
    service: bool,
    /// How it is shown
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// File with the password; without it the terminal asks
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("shown as", |one| text(&one["display_name"])),
    ("kind", |one| text(&one["kind"])),
    ("email", |one| text(&one["email"])),
    ("state", |one| if one["disabled"] == true { "disabled".into() } else { "enabled".into() }),
    ("last seen", |one| time(&one["last_seen_at"])),
];

const SESSIONS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("began", |one| time(&one["created_at"])),
    ("last seen", |one| time(&one["last_seen_at"])),
    ("address", |one| text(&one["address"])),
    ("browser", |one| text(&one["agent"])),
];

const ROLES: &[Column] = &[("id", |role| text(&role["id"])), ("name", |role| text(&role["name"]))];

impl User {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            User::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            User::Add(add) => add.run(target, output).await,
            User::Disable { named } => switch(target, &named, "disable", "disabled", output).await,
            User::Enable { named } => switch(target, &named, "enable", "enabled", output).await,
            User::Password { named, password_file } => {
                let id = find(target, PATH, NOUN, &named).await?;
                let password = secrets::new_password(password_file.as_deref())?;
                target.put(Method::Put, &format!("{PATH}/{id}/password"), &json!({ "password": password.as_str() })).await?;
                print_done(&format!("the password of {named} is changed"), &json!({ "account": id, "done": "changed" }), output)
            }
            User::Show { named } => {
                let id = find(target, PATH, NOUN, &named).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, COLUMNS, output)
            }
            User::Sessions { named } => {
                let id = find(target, PATH, NOUN, &named).await?;
                print_list(&target.all(&format!("{PATH}/{id}/sessions")).await?, SESSIONS, output)
            }
            User::EndSessions { named } => {
                let id = find(target, PATH, NOUN, &named).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}/sessions"), None).await?;
                print_done(&format!("the sessions of {named} are ended"), &json!({ "account": id, "done": "ended" }), output)
            }
            User::Roles { named } => {
                let id = find(target, PATH, NOUN, &named).await?;
                print_list(&target.all(&format!("{PATH}/{id}/roles")).await?, ROLES, output)
            }
        }
    }
}

async fn switch(target: &Target, named: &str, step: &str, done: &str, output: Output) -> Result<(), Failure> {
    let id = find(target, PATH, NOUN, named).await?;
    target.send(Method::Post, &format!("{PATH}/{id}/{step}"), None).await?;
    print_done(&format!("account {named} is {done}"), &json!({ "account": id, "done": done }), output)
}

impl Add {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let password = if self.service { None } else { Some(secrets::new_password(self.password_file.as_deref())?) };
        let input = json!({
            "kind": if self.service { "service" } else { "person" }, "name": self.name,
            "display_name": self.display_name.unwrap_or_default(), "email": self.email,
            "password": password.as_ref().map(|password| password.as_str()),
        });
        let answer = target.put(Method::Post, PATH, &input).await?;
        print_done(&format!("account {} is added as number {}", self.name, created(&answer)), &answer, output)
    }
}
