//! `certhold authority …`: private certification authorities.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::{Column, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{self, Output, text, time};
use crate::target::{Method, Target};

/// Where the API has them.
pub(super) const PATH: &str = "/authorities";
pub(super) const NOUN: &str = "private authority";

/// Private certification authorities: their keys are in custody here
#[derive(clap::Subcommand)]
pub enum Authority {
    /// List the authorities
    List,
    /// Show an authority
    Show {
        /// Its name or number
        #[arg(value_name = "AUTHORITY")]
        authority: String,
    },
    /// Make an authority under a new key
    Create {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// Its distinguished name, such as "CN=Example Root, O=Example, C=DE"
        #[arg(long, value_name = "NAME")]
        subject: String,
        /// Who signs it [default: itself]
        #[arg(long, value_name = "AUTHORITY")]
        parent: Option<String>,
        /// p256, p384, p521, rsa2048, rsa3072, rsa4096, ed25519 or mldsa65
        #[arg(long, value_name = "KIND", default_value = "p384")]
        key: String,
        /// Its life
        #[arg(long, value_name = "DAYS", default_value_t = 3_650)]
        days: i64,
        /// With how many authorities below it at most
        #[arg(long, value_name = "COUNT")]
        path_length: Option<u8>,
        /// Only names within this: example.org, 192.0.2.0/24, @example.org; may be given several times
        #[arg(long = "permit", value_name = "NAMES")]
        permitted: Vec<String>,
        /// No names within this; may be given several times
        #[arg(long = "exclude", value_name = "NAMES")]
        excluded: Vec<String>,
        /// Where clients find its certificate and revocation list: http://pki.example.org
        #[arg(long, value_name = "URL", default_value = "")]
        base_url: String,
        /// How many days a revocation list holds
        #[arg(long, value_name = "DAYS", default_value_t = 7)]
        list_days: i64,
    },
    /// Issue a certificate, for a signing request or for a key that is made here; prints it with its chain
    Issue {
        /// Who signs: name or number
        #[arg(value_name = "AUTHORITY")]
        authority: String,
        /// The names it is for: host names, addresses, mail addresses, or kind:name (dns, ip, email, uri, upn)
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// The file of a signing request; a key is made otherwise, and stays in custody
        #[arg(long, value_name = "FILE")]
        csr: Option<PathBuf>,
        /// The key that is made: p256 (default), p384, p521, rsa2048, rsa3072, rsa4096, ed25519 or mldsa65
        #[arg(long, value_name = "KIND", conflicts_with = "csr")]
        key: Option<String>,
        /// server, client, server_client, mail or code_signing
        #[arg(long, value_name = "PROFILE", default_value = "server")]
        profile: String,
        /// Whom it is for, such as "CN=Kim Doe, O=Example"
        #[arg(long, value_name = "NAME")]
        subject: Option<String>,
        /// Its life [default: the profile's]
        #[arg(long, value_name = "DAYS")]
        days: Option<i64>,
        /// The owner role: name or number
        #[arg(long, value_name = "ROLE")]
        owner: Option<String>,
    },
    /// Retire an authority: it issues nothing more, and goes on publishing its revocation list
    Retire {
        /// Its name or number
        #[arg(value_name = "AUTHORITY")]
        authority: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("subject", |one| text(&one["subject"])),
    ("key", |one| text(&one["key"])),
    ("expires", |one| time(&one["not_after"])),
    ("issued", |one| text(&one["issued"])),
    ("list until", |one| time(&one["list_until"])),
    ("active", |one| text(&one["active"])),
];

impl Authority {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Authority::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Authority::Show { authority } => {
                let id = find(target, PATH, NOUN, &authority).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, COLUMNS, output)
            }
            Authority::Create { name, subject, parent, key, days, path_length, permitted, excluded, base_url, list_days } => {
                let parent = match parent {
                    Some(parent) => Some(find(target, PATH, NOUN, &parent).await?),
                    None => None,
                };
                let input = json!({ "name": name, "subject": subject, "parent": parent, "key_kind": key, "days": days,
                    "path_length": path_length, "permitted": permitted, "excluded": excluded, "base_url": base_url,
                    "list_days": list_days });
                let answer: Json = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("{name:?} is authority {}", text(&answer["id"])), &answer, output)
            }
            Authority::Issue { authority, names, csr, key, profile, subject, days, owner } => {
                let id = find(target, PATH, NOUN, &authority).await?;
                let owner = match owner {
                    Some(role) => Some(find(target, super::role::PATH, "role", &role).await?),
                    None => None,
                };
                let csr = csr
                    .map(|path| std::fs::read_to_string(&path).map_err(|error| Failure::io(path.display(), &error)))
                    .transpose()?;
                let input = json!({ "profile": profile, "csr": csr, "key_kind": key, "subject": subject, "names": names,
                    "days": days, "owner_role": owner });
                let answer: Json = target.put(Method::Post, &format!("{PATH}/{id}/certificates"), &input).await?;
                match output {
                    Output::Json => output::print(&output::json(&answer)),
                    _ => output::print(answer["chain"].as_str().unwrap_or_default()),
                }
            }
            Authority::Retire { authority } => {
                let id = find(target, PATH, NOUN, &authority).await?;
                target.send(Method::Post, &format!("{PATH}/{id}/retire"), None).await?;
                print_done(&format!("authority {id} is retired"), &json!({ "authority": id, "done": "retired" }), output)
            }
        }
    }
}
