//! `certhold enrol`: certificates by the rules of patterns, and once more.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::{authority, find, metadata, pattern, role};
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::target::{Method, Target};

/// Have a private authority issue a certificate by the rules of a pattern; prints it with its chain
#[derive(clap::Args)]
pub struct Enrol {
    /// The names it is for: host names, addresses, mail addresses, or kind:name (dns, ip, email, uri, upn); with a signing request, its own
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The pattern: name or number
    #[arg(long, value_name = "PATTERN", conflicts_with = "template")]
    pattern: Option<String>,
    /// Without a pattern, the template whose default pattern holds: server (default), client, server_client, mail or code_signing
    #[arg(long, value_name = "TEMPLATE")]
    template: Option<String>,
    /// Who signs: name or number [default: the pattern's, or the only one]
    #[arg(long, value_name = "AUTHORITY")]
    authority: Option<String>,
    /// The file of a signing request; a key is made otherwise, and stays in custody
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// The key that is made [default: the first that the pattern allows]
    #[arg(long, value_name = "KIND", conflicts_with = "csr")]
    key: Option<String>,
    /// Whom it is for, such as "CN=Kim Doe, O=Example"
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Its life [default: the pattern's or template's]
    #[arg(long, value_name = "DAYS")]
    days: Option<i64>,
    /// The owner role: name or number
    #[arg(long, value_name = "ROLE")]
    owner: Option<String>,
    /// What is noted about it: FIELD=VALUE; may be given several times
    #[arg(long = "metadata", value_name = "FIELD=VALUE")]
    metadata: Vec<String>,
    /// The number of the certificate that it renews. Without a signing request or names, that is issued again as it is, for a new key
    #[arg(long, value_name = "CERTIFICATE")]
    renews: Option<i64>,
}

impl Enrol {
    /// Whether nothing is said but what is issued again.
    fn is_again(&self) -> bool {
        let words = [&self.pattern, &self.template, &self.authority, &self.key, &self.subject, &self.owner];
        self.renews.is_some()
            && self.names.is_empty()
            && self.csr.is_none()
            && self.days.is_none()
            && self.metadata.is_empty()
            && words.iter().all(|word| word.is_none())
    }

    async fn input(self, target: &Target) -> Result<Json, Failure> {
        let found = |path, noun, named: Option<String>| async move {
            match named {
                Some(named) => find(target, path, noun, &named).await.map(Some),
                None => Ok(None),
            }
        };
        let pattern = found(pattern::PATH, pattern::NOUN, self.pattern).await?;
        let authority = found(authority::PATH, authority::NOUN, self.authority).await?;
        let owner = found(role::PATH, "role", self.owner).await?;
        let csr = self
            .csr
            .map(|path| std::fs::read_to_string(&path).map_err(|error| Failure::io(path.display(), &error)))
            .transpose()?;
        let metadata = metadata::noted(&self.metadata)?;
        Ok(json!({ "pattern": pattern, "template": self.template, "authority": authority, "csr": csr, "key_kind": self.key,
            "subject": self.subject, "names": self.names, "days": self.days, "owner_role": owner, "metadata": metadata,
            "renews": self.renews }))
    }

    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let answer = match self.renews {
            Some(id) if self.is_again() => target.send(Method::Post, &format!("/certificates/{id}/renewal"), None).await?,
            _ => {
                let input = self.input(target).await?;
                target.put(Method::Post, "/enrolments", &input).await?
            }
        };
        match output {
            Output::Json => output::print(&output::json(&answer)),
            _ => output::print(answer["chain"].as_str().unwrap_or_default()),
        }
    }
}
