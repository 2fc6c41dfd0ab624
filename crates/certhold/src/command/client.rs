//! `certhold client …`: API clients, which get access tokens at `/oauth2/token`.

use serde_json::{Value as Json, json};

use super::{Column, find, print_done, print_list, print_secret, user};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// API clients: ids and secrets for the token endpoint /oauth2/token
#[derive(clap::Subcommand)]
pub enum Client {
    /// List the API clients of an account
    List {
        /// The account's name or number
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Create an API client; its id and secret are printed once, to standard output
    Create {
        /// The account it acts for: name or number
        #[arg(value_name = "USER")]
        user: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "command line")]
        name: String,
        /// What its tokens may be used for at most: a permission path; may be given several times [default: all the account may do]
        #[arg(long = "scope", value_name = "PATH")]
        scopes: Vec<String>,
    },
    /// Give an API client another secret; the tokens it was given end
    Renew {
        /// The client's number
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Revoke an API client and the tokens it was given
    Revoke {
        /// The client's number
        #[arg(value_name = "ID")]
        id: i64,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("client id", |one| text(&one["client_id"])),
    ("scopes", |one| text(&one["scopes"])),
    ("created", |one| time(&one["created_at"])),
    ("revoked", |one| time(&one["revoked_at"])),
];

impl Client {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Client::List { user } => {
                let id = find(target, user::PATH, user::NOUN, &user).await?;
                print_list(&target.all(&format!("{}/{id}/api-clients", user::PATH)).await?, COLUMNS, output)
            }
            Client::Create { user, name, scopes } => {
                let id = find(target, user::PATH, user::NOUN, &user).await?;
                let scopes = if scopes.is_empty() { vec!["/".to_owned()] } else { scopes };
                let input = json!({ "name": name, "scopes": scopes });
                let answer: Json = target.put(Method::Post, &format!("{}/{id}/api-clients", user::PATH), &input).await?;
                print_secret(&answer, &["client_id", "client_secret"], output)
            }
            Client::Renew { id } => {
                let answer = target.send(Method::Post, &format!("/api-clients/{id}/secret"), None).await?;
                print_secret(&answer, &["client_secret"], output)
            }
            Client::Revoke { id } => {
                target.send(Method::Delete, &format!("/api-clients/{id}"), None).await?;
                print_done(&format!("API client {id} is revoked"), &json!({ "api_client": id, "done": "revoked" }), output)
            }
        }
    }
}
