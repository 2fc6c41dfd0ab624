//! `certhold exclusion …`: certificates that no import brings back.

use serde_json::json;

use super::through::Through;
use super::{Column, print_done, print_list};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

const PATH: &str = "/exclusions";

/// Certificates that were removed and that no import brings back
#[derive(clap::Subcommand)]
pub enum Exclusion {
    /// List them
    List,
    /// Remove a certificate, with its private key, and keep imports from bringing it back
    Add {
        /// Its number or fingerprint
        #[arg(value_name = "CERTIFICATE")]
        certificate: String,
        #[command(flatten)]
        through: Through,
    },
    /// Let a certificate be imported again
    Remove {
        /// The exclusion's number
        #[arg(value_name = "EXCLUSION")]
        id: i64,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("certificate", |one| text(&one["title"])),
    ("sha256", |one| text(&one["sha256"])),
    ("excluded", |one| time(&one["excluded_at"])),
];

impl Exclusion {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Exclusion::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Exclusion::Add { certificate, through } => {
                let reached = through.reach(target, &certificate).await?;
                target.send(Method::Post, &reached.path("/exclude", []), None).await?;
                let done = json!({ "certificate": reached.id, "done": "excluded" });
                print_done(&format!("certificate {} is removed and excluded", reached.id), &done, output)
            }
            Exclusion::Remove { id } => {
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                let done = json!({ "exclusion": id, "done": "removed" });
                print_done(&format!("exclusion {id} is removed"), &done, output)
            }
        }
    }
}
