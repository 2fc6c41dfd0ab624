//! `certhold key`: keys made in custody, and keys destroyed there.

use serde_json::json;

use super::through::Through;
use super::{Column, created, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{self, Output, text, time};
use crate::target::{Method, Target};

/// Private keys made in custody, and destroyed there
#[derive(clap::Subcommand)]
pub enum Key {
    /// Make a key and print its certificate signing request
    Generate {
        /// DNS names for the request
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// p256, p384, p521, rsa2048, rsa3072, rsa4096 or ed25519
        #[arg(long, value_name = "KIND", default_value = "p256")]
        kind: String,
        /// What people call it; the first name by default
        #[arg(long, value_name = "TEXT", default_value = "")]
        name: String,
    },
    /// List the requests, newest first
    List,
    /// Show a request
    Show {
        /// The request's number
        #[arg(value_name = "ID")]
        id: i64,
        /// Print the certificate signing request itself, as PEM
        #[arg(long)]
        csr: bool,
    },
    /// Remove a request; a key that still waits for its certificate is destroyed with it
    Remove {
        /// The request's number
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Destroy the private key of a certificate
    Destroy {
        /// The certificate: its number, or its SHA-256 fingerprint
        #[arg(value_name = "ID")]
        id: String,
        /// Why; it stays in the event log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        through: Through,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |item| text(&item["id"])),
    ("name", |item| text(&item["name"])),
    ("key", |item| format!("{} {}", text(&item["key_algorithm"]), text(&item["key_bits"])).trim().to_owned()),
    ("made", |item| time(&item["created_at"])),
    ("certificate", |item| text(&item["certificate"])),
];

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("names", |one| text(&one["names"])),
    ("key", |one| format!("{} {}", text(&one["key_algorithm"]), text(&one["key_bits"])).trim().to_owned()),
    ("made", |one| time(&one["created_at"])),
    ("certificate", |one| text(&one["certificate"])),
];

impl Key {
    /// Does what was asked for.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Key::Generate { names, kind, name } => {
                let body = json!({ "names": names, "key_kind": kind, "name": name });
                let id = created(&target.put(Method::Post, "/key-requests", &body).await?);
                let one = target.get(&format!("/key-requests/{id}")).await?;
                match output {
                    // The request is all that somebody wants to pipe on.
                    Output::Table | Output::Csv => {
                        eprintln!("The key of request {id} is in custody. Import the certificate when it is issued.");
                        output::print(&text(&one["csr"]))
                    }
                    Output::Json => output::print(&output::json(&one)),
                }
            }
            Key::List => print_list(&target.all("/key-requests").await?, COLUMNS, output),
            Key::Show { id, csr } => {
                let one = target.get(&format!("/key-requests/{id}")).await?;
                if csr { output::print(&text(&one["csr"])) } else { print_one(&one, LINES, output) }
            }
            Key::Remove { id } => {
                target.send(Method::Delete, &format!("/key-requests/{id}"), None).await?;
                print_done(&format!("key request {id} is gone"), &json!({ "id": id }), output)
            }
            Key::Destroy { id, reason, through } => {
                let one = through.reach(target, &id).await?;
                target.put(Method::Post, &one.path("/private-key/destroy", []), &json!({ "reason": reason })).await?;
                let id = one.id;
                print_done(&format!("the private key of certificate {id} is destroyed"), &json!({ "certificate": id }), output)
            }
        }
    }
}
