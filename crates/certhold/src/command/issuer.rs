//! `certhold issuer …`: authorities that certificates are obtained from.

use std::path::PathBuf;

use serde_json::json;

use super::{Column, created, find, print_done, print_list};
use crate::failure::Failure;
use crate::output::{Output, text};
use crate::secrets;
use crate::target::{Method, Target};

const PATH: &str = "/issuers";

/// Authorities that certificates are obtained from (ACME)
#[derive(clap::Subcommand)]
pub enum Issuer {
    /// List issuers
    List,
    Add(Add),
    /// Remove an issuer that nothing uses
    Remove {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
}

/// Add an issuer; its account is registered when the first certificate is obtained
#[derive(clap::Args)]
pub struct Add {
    /// What it is called
    name: String,
    /// The ACME directory: https://acme-v02.api.letsencrypt.org/directory
    #[arg(long, value_name = "URL")]
    directory: String,
    /// Mail address of the account; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    contact: Vec<String>,
    /// File with the root of the directory's own TLS certificate, if that is not a public one
    #[arg(long, value_name = "FILE")]
    trust_root: Option<PathBuf>,
    /// Key identifier of an external account binding
    #[arg(long, value_name = "ID", requires = "eab_key_file")]
    eab_key_id: Option<String>,
    /// File with the key of the external account binding
    #[arg(long, value_name = "FILE", requires = "eab_key_id")]
    eab_key_file: Option<PathBuf>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("directory", |one| text(&one["directory"])),
    ("contacts", |one| text(&one["contacts"])),
    ("registered", |one| text(&one["registered"])),
    ("used by", |one| text(&one["used_by"])),
];

impl Issuer {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Issuer::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Issuer::Add(add) => add.run(target, output).await,
            Issuer::Remove { named } => {
                let id = find(target, PATH, "issuer", &named).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                print_done(&format!("issuer {named} is removed"), &json!({ "issuer": id, "done": "removed" }), output)
            }
        }
    }
}

impl Add {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let trust_root = self
            .trust_root
            .as_deref()
            .map(|path| std::fs::read_to_string(path).map_err(|error| Failure::io(path.display(), &error)));
        let eab_key = self.eab_key_file.as_deref().map(secrets::from_file).transpose()?;
        let input = json!({
            "name": self.name, "directory": self.directory, "contacts": self.contact, "trust_root": trust_root.transpose()?,
            "eab_key_id": self.eab_key_id, "eab_key": eab_key.as_ref().map(|key| key.as_str()),
        });
        let answer = target.put(Method::Post, PATH, &input).await?;
        print_done(&format!("issuer {} is added as number {}", self.name, created(&answer)), &answer, output)
    }
}
