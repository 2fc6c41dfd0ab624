//! `certhold identity-provider …`: who else may say who somebody is.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

const PATH: &str = "/identity-providers";

/// Identity providers (OpenID Connect), whose tokens are accepted as bearer tokens
#[derive(clap::Subcommand)]
pub enum IdentityProvider {
    /// List identity providers
    List,
    /// Show an identity provider, and how it stands with its keys
    Show {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Configure an identity provider: its tokens are accepted from then on
    Add {
        /// The authentication scheme of its claims; it stays
        name: String,
        /// What stands in its tokens as iss: https://sso.example.org/realms/corporate; it stays
        #[arg(long, value_name = "URL")]
        issuer: String,
        #[command(flatten)]
        rest: Rest,
    },
    /// Change an identity provider; what is not given stays
    Set {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
        #[command(flatten)]
        rest: Rest,
    },
    /// Accept its tokens again
    Enable {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Accept none of its tokens
    Disable {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Remove an identity provider; the accounts that are known through it stay, without a way in
    Remove {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// List the accounts that are known through an identity provider
    Accounts {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Make an account for somebody whom an identity provider knows, before they come
    AddAccount {
        /// Name or number of the provider
        #[arg(value_name = "NAME")]
        named: String,
        /// What its tokens say of them as the subject
        subject: String,
        /// A program, not a person
        #[arg(long)]
        service: bool,
        /// How it is shown
        #[arg(long, value_name = "TEXT", default_value = "")]
        display_name: String,
    },
}

/// What of a provider can be changed
#[derive(clap::Args)]
pub struct Rest {
    /// What its tokens must have as their audience (aud); several times for one of several
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Vec<String>,
    /// How it is shown
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Member of a token that says roles: a name, or a JSON Pointer such as /realm_access/roles; may be given several times
    #[arg(long = "role-claim", value_name = "MEMBER")]
    role_claims: Vec<String>,
    /// Member of a token that says who somebody is
    #[arg(long = "subject-claim", value_name = "MEMBER")]
    subject_claims: Vec<String>,
    /// Member of a token that says somebody's object identifier
    #[arg(long = "oid-claim", value_name = "MEMBER")]
    oid_claims: Vec<String>,
    /// Member of a token that says to which client it was issued
    #[arg(long = "client-claim", value_name = "MEMBER")]
    client_id_claims: Vec<String>,
    /// File with the authorities by which its TLS is believed (PEM) instead of those of the system
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
}

impl Rest {
    /// Lays what is given over what is there.
    fn over(self, input: &mut Json) -> Result<(), Failure> {
        let lists = [
            ("audiences", self.audiences),
            ("role_claims", self.role_claims),
            ("subject_claims", self.subject_claims),
            ("oid_claims", self.oid_claims),
            ("client_id_claims", self.client_id_claims),
        ];
        for (member, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            input[member] = json!(values);
        }
        if let Some(display_name) = self.display_name {
            input["display_name"] = json!(display_name);
        }
        if let Some(path) = self.roots {
            input["roots"] = json!(read(&path)?);
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::io(path.display(), &error))
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("issuer", |one| text(&one["issuer"])),
    ("audiences", |one| text(&one["audiences"])),
    ("enabled", |one| text(&one["enabled"])),
    ("keys", |one| text(&one["keys"]["count"])),
    ("accounts", |one| text(&one["accounts"])),
];

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("shown as", |one| text(&one["display_name"])),
    ("issuer", |one| text(&one["issuer"])),
    ("audiences", |one| text(&one["audiences"])),
    ("role claims", |one| text(&one["role_claims"])),
    ("subject claims", |one| text(&one["subject_claims"])),
    ("oid claims", |one| text(&one["oid_claims"])),
    ("client claims", |one| text(&one["client_id_claims"])),
    ("enabled", |one| text(&one["enabled"])),
    ("accounts", |one| text(&one["accounts"])),
    ("keys", |one| text(&one["keys"]["count"])),
    ("keys fetched", |one| time(&one["keys"]["fetched_at"])),
    ("keys refused", |one| text(&one["keys"]["error"])),
];

const ACCOUNTS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("shown as", |one| text(&one["display_name"])),
    ("kind", |one| text(&one["kind"])),
    ("subject", |one| text(&one["subject"])),
    ("disabled", |one| text(&one["disabled"])),
    ("last seen", |one| time(&one["last_seen_at"])),
];

impl IdentityProvider {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            IdentityProvider::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            IdentityProvider::Show { named } => print_one(&get(target, &named).await?.1, LINES, output),
            IdentityProvider::Add { name, issuer, rest } => {
                let mut input = json!({ "name": name, "issuer": issuer, "audiences": [] });
                rest.over(&mut input)?;
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("identity provider {name} is added as number {}", created(&answer)), &answer, output)
            }
            IdentityProvider::Set { named, rest } => {
                let change = |input: &mut Json| rest.over(input);
                update(target, &named, change, "changed", output).await
            }
            IdentityProvider::Enable { named } => {
                let change = |input: &mut Json| {
                    input["enabled"] = json!(true);
                    Ok(())
                };
                update(target, &named, change, "enabled", output).await
            }
            IdentityProvider::Disable { named } => {
                let change = |input: &mut Json| {
                    input["enabled"] = json!(false);
                    Ok(())
                };
                update(target, &named, change, "disabled", output).await
            }
            IdentityProvider::Remove { named } => {
                let id = find(target, PATH, "identity provider", &named).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                let done = json!({ "identity_provider": id, "done": "removed" });
                print_done(&format!("identity provider {named} is removed"), &done, output)
            }
            IdentityProvider::Accounts { named } => {
                let id = find(target, PATH, "identity provider", &named).await?;
                print_list(&target.all(&format!("{PATH}/{id}/accounts")).await?, ACCOUNTS, output)
            }
            IdentityProvider::AddAccount { named, subject, service, display_name } => {
                let id = find(target, PATH, "identity provider", &named).await?;
                let kind = if service { "service" } else { "person" };
                let input = json!({ "subject": subject, "kind": kind, "display_name": display_name });
                let answer = target.put(Method::Post, &format!("{PATH}/{id}/accounts"), &input).await?;
                print_done(&format!("{subject} of {named} is account {}", created(&answer)), &answer, output)
            }
        }
    }
}

async fn get(target: &Target, named: &str) -> Result<(i64, Json), Failure> {
    let id = find(target, PATH, "identity provider", named).await?;
    Ok((id, target.send(Method::Get, &format!("{PATH}/{id}"), None).await?))
}

/// Reads a provider, changes it and sends it back.
async fn update(
    target: &Target,
    named: &str,
    change: impl FnOnce(&mut Json) -> Result<(), Failure>,
    done: &str,
    output: Output,
) -> Result<(), Failure> {
    let (id, known) = get(target, named).await?;
    let members =
        ["display_name", "audiences", "oid_claims", "role_claims", "subject_claims", "client_id_claims", "roots", "enabled"];
    let mut input: Json = members.into_iter().map(|member| (member.to_owned(), known[member].clone())).collect();
    change(&mut input)?;
    target.put(Method::Put, &format!("{PATH}/{id}"), &input).await?;
    print_done(&format!("identity provider {named} is {done}"), &json!({ "identity_provider": id, "done": done }), output)
}
