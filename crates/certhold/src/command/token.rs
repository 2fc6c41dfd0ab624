//! `certhold token …`: API tokens.

use std::time::Duration;

use certhold_domain::Clock;
use serde_json::{Value as Json, json};

use super::{Column, find, print_done, print_list, print_secret, user};
use crate::duration;
use crate::failure::Failure;
use crate::opening::SystemClock;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// API tokens
#[derive(clap::Subcommand)]
pub enum Token {
    /// List the tokens of an account
    List {
        /// The account's name or number
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Create a token; it is printed once, to standard output
    Create {
        /// The account it acts for: name or number
        #[arg(value_name = "USER")]
        user: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "command line")]
        name: String,
        /// What it may be used for at most: a permission path; may be given several times [default: all the account may do]
        #[arg(long = "scope", value_name = "PATH")]
        scopes: Vec<String>,
        /// When it ends: 12h, 30d [default: 90d, or when the token ends with which it is made]
        #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "endless")]
        expires: Option<Duration>,
        /// It never ends by itself
        #[arg(long)]
        endless: bool,
    },
    /// Revoke a token
    Revoke {
        /// The token's number
        #[arg(value_name = "ID")]
        id: i64,
    },
}

/// How long a token lasts when nothing else is asked for.
const USUAL: Duration = Duration::from_secs(90 * 86_400);

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("begins with", |one| text(&one["hint"])),
    ("scopes", |one| text(&one["scopes"])),
    ("created", |one| time(&one["created_at"])),
    ("ends", |one| time(&one["expires_at"])),
    ("revoked", |one| time(&one["revoked_at"])),
];

impl Token {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Token::List { user } => {
                let id = find(target, user::PATH, user::NOUN, &user).await?;
                print_list(&target.all(&format!("{}/{id}/tokens", user::PATH)).await?, COLUMNS, output)
            }
            Token::Create { user, name, scopes, expires, endless } => {
                let id = find(target, user::PATH, user::NOUN, &user).await?;
                let scopes = if scopes.is_empty() { vec!["/".to_owned()] } else { scopes };
                let expires_at = match expires {
                    Some(after) => ends(after),
                    None if endless => None,
                    None => usual_end(target).await?,
                };
                let input = json!({ "name": name, "scopes": scopes, "expires_at": expires_at });
                let answer: Json = target.put(Method::Post, &format!("{}/{id}/tokens", user::PATH), &input).await?;
                print_secret(&answer, &["token"], output)
            }
            Token::Revoke { id } => {
                target.send(Method::Delete, &format!("/tokens/{id}"), None).await?;
                print_done(&format!("token {id} is revoked"), &json!({ "token": id, "done": "revoked" }), output)
            }
        }
    }
}

/// In 90 days, or earlier where the token with which it is made ends before: it makes none that outlives it.
async fn usual_end(target: &Target) -> Result<Option<String>, Failure> {
    let me = target.get("/me").await?;
    let own = me["ends_at"].as_str().and_then(|at| at.parse().ok());
    let usual = SystemClock.now().saturating_add(duration::milliseconds(USUAL));
    Ok(jiff::Timestamp::from_millisecond(usual).ok().map(|usual| own.map_or(usual, |own| usual.min(own)).to_string()))
}

fn ends(after: Duration) -> Option<String> {
    let at = SystemClock.now().saturating_add(duration::milliseconds(after));
    jiff::Timestamp::from_millisecond(at).ok().map(|at| at.to_string())
}
