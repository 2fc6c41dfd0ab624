//! `certhold export`.

use std::path::PathBuf;

use serde_json::json;
use zeroize::Zeroizing;

use super::print_done;
use super::through::{Reached, Through};
use crate::failure::Failure;
use crate::output::Output;
use crate::target::{Method, Target};
use crate::{new_file, secrets};

/// Export a certificate with its private key, or without
#[derive(clap::Args)]
pub struct Export {
    /// The certificate: its number, or its SHA-256 fingerprint
    #[arg(value_name = "ID")]
    id: String,
    /// pem, pkcs12, pkcs12-legacy or jks; without the key also der, pkcs7 or pkcs7-der
    #[arg(long, value_name = "FORMAT", default_value = "pkcs12")]
    format: String,
    /// File to write: readable by its owner only, and never over an existing one
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Why the key is exported; it stays in the event log
    #[arg(long, value_name = "TEXT", required_unless_present = "no_key")]
    reason: Option<String>,
    /// File with the password of what is written; asked for otherwise
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Leave the key of a PEM file in the clear
    #[arg(long, conflicts_with = "password_file")]
    no_password: bool,
    /// Leave the private key in custody: the certificate alone, which needs no reason and no password
    #[arg(long, conflicts_with_all = ["reason", "password_file", "no_password"])]
    no_key: bool,
    /// Leave the chain out
    #[arg(long)]
    no_chain: bool,
    #[command(flatten)]
    through: Through,
}

impl Export {
    /// Exports.
    ///
    /// # Errors
    /// What the API refuses, or when the file cannot be written.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let one = self.through.reach(target, &self.id).await?;
        // Before anything is recorded: a key that cannot be written need not leave custody.
        new_file::require_absent(&self.file)?;
        let bytes = Zeroizing::new(match self.no_key {
            true => self.certificate(target, &one).await?,
            false => self.with_key(target, &one).await?,
        });
        new_file::write(&self.file, &bytes)?;
        let id = one.id;
        let what = if self.no_key { "certificate" } else { "certificate and private key" };
        let sentence = format!("{what} {id} written to {}", self.file.display());
        let object = json!({ "certificate": id, "format": self.format, "file": self.file, "private_key": !self.no_key });
        print_done(&sentence, &object, output)
    }

    async fn certificate(&self, target: &Target, one: &Reached) -> Result<Vec<u8>, Failure> {
        let chain = (!self.no_chain).to_string();
        let path = one.path("/download", [("format", Some(self.format.clone())), ("chain", Some(chain))]);
        target.fetch(Method::Get, &path, None).await
    }

    async fn with_key(&self, target: &Target, one: &Reached) -> Result<Vec<u8>, Failure> {
        let password = match self.no_password {
            true => None,
            false => Some(secrets::new_password(self.password_file.as_deref())?),
        };
        let body = json!({ "format": self.format, "reason": self.reason, "chain": !self.no_chain,
            "password": password.as_ref().map(|password| password.as_str()) });
        let body = body.to_string().into_bytes();
        target.fetch(Method::Post, &one.path("/export", []), Some(("application/json", body))).await
    }
}
