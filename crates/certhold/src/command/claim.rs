//! `certhold claim …`: what sign-ins say of somebody, and the roles held through it.

use serde_json::json;

use super::{Column, created, find, print_done, print_list, role};
use crate::failure::Failure;
use crate::output::{Output, text};
use crate::target::{Method, Target};

const PATH: &str = "/claims";

/// Claims: what a sign-in says of somebody (a group, a role in a token), and the roles held through it
#[derive(clap::Subcommand)]
pub enum Claim {
    /// List claims
    List,
    /// Store a claim
    Add {
        /// user, group, computer, oauth_oid, oauth_role, oauth_subject or oauth_client_id
        #[arg(value_name = "TYPE")]
        kind: String,
        /// What is said: the name of a group, the value in a token
        value: String,
        /// The authentication scheme of whoever says it
        #[arg(long, value_name = "SCHEME")]
        provider: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Change what a claim is said to be for
    Describe {
        /// Its number
        #[arg(value_name = "CLAIM")]
        id: i64,
        /// What it is for
        description: String,
    },
    /// Remove a claim, and with it the roles held through it
    Remove {
        /// Its number
        #[arg(value_name = "CLAIM")]
        id: i64,
    },
    /// Give a role to everybody whose sign-in makes this claim
    Assign {
        /// The claim's number
        #[arg(value_name = "CLAIM")]
        id: i64,
        /// The role's name or number
        role: String,
    },
    /// Take a role from everybody whose sign-in makes this claim
    Withdraw {
        /// The claim's number
        #[arg(value_name = "CLAIM")]
        id: i64,
        /// The role's name or number
        role: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("type", |one| text(&one["type"])),
    ("value", |one| text(&one["value"])),
    ("provider", |one| text(&one["provider"])),
    ("roles", |one| {
        let roles = one["roles"].as_array().into_iter().flatten();
        roles.map(|role| text(&role["name"])).collect::<Vec<_>>().join(", ")
    }),
    ("description", |one| text(&one["description"])),
];

impl Claim {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Claim::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Claim::Add { kind, value, provider, description } => {
                let input = json!({ "type": kind, "value": value, "provider": provider, "description": description });
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("claim {value} is stored as number {}", created(&answer)), &answer, output)
            }
            Claim::Describe { id, description } => {
                target.put(Method::Put, &format!("{PATH}/{id}"), &json!({ "description": description })).await?;
                print_done(&format!("claim {id} is changed"), &json!({ "claim": id, "done": "changed" }), output)
            }
            Claim::Remove { id } => {
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                print_done(&format!("claim {id} is removed"), &json!({ "claim": id, "done": "removed" }), output)
            }
            Claim::Assign { id, role } => hold(target, id, &role, true, output).await,
            Claim::Withdraw { id, role } => hold(target, id, &role, false, output).await,
        }
    }
}

async fn hold(target: &Target, claim: i64, named: &str, holds: bool, output: Output) -> Result<(), Failure> {
    let id = find(target, role::PATH, "role", named).await?;
    let method = if holds { Method::Put } else { Method::Delete };
    target.send(method, &format!("{PATH}/{claim}/roles/{id}"), None).await?;
    let sentence =
        if holds { format!("claim {claim} gives {named}") } else { format!("claim {claim} does not give {named} any more") };
    print_done(&sentence, &json!({ "claim": claim, "role": id, "holds": holds }), output)
}
