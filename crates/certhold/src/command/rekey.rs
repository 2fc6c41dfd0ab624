//! `certhold rekey`.

use std::time::Duration;

use certhold_outside::worker;
use serde_json::{Value as Json, json};

use super::{Column, print_done, print_list};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// Rotate the master key: every secret is sealed under a new one
#[derive(clap::Args)]
pub struct Rekey {
    /// Show the master keys and how far a rotation is, and change nothing
    #[arg(long, conflicts_with_all = ["forget", "no_wait"])]
    status: bool,
    /// Let go of an old key, by its number. Backups that were made under it open only with a copy of it
    #[arg(long, value_name = "NUMBER", requires = "yes", conflicts_with = "no_wait")]
    forget: Option<i64>,
    /// Confirms --forget
    #[arg(long)]
    yes: bool,
    /// Do not wait for the end; a server goes on by itself
    #[arg(long)]
    no_wait: bool,
}

const COLUMNS: &[Column] = &[
    ("number", |key| text(&key["number"])),
    ("state", |key| text(&key["state"])),
    ("created", |key| time(&key["created_at"])),
    ("secrets", |key| text(&key["secrets"])),
];

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

impl Rekey {
    /// Rotates, or goes on with a rotation that was interrupted.
    ///
    /// # Errors
    /// What the API refuses, or why the rotation cannot go on.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        if self.status {
            let found = target.get("/master-keys").await?;
            if output == Output::Json {
                return crate::output::print(&crate::output::json(&found));
            }
            let keys = found["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
            print_list(keys, COLUMNS, output)?;
            return told(&found).map_or(Ok(()), |sentence| crate::output::print(&format!("{sentence}\n")));
        }
        if let Some(number) = self.forget {
            target.send(Method::Delete, &format!("/master-keys/{number}"), None).await?;
            let sentence = format!("master key {number} is forgotten; backups that were made under it need a copy of it");
            return print_done(&sentence, &json!({ "forgotten": number }), output);
        }
        let number = begun(target).await?;
        if self.no_wait && matches!(target, Target::Remote(_)) {
            let sentence = format!("the rotation to master key {number} has begun; the server goes on by itself");
            return print_done(&sentence, &json!({ "master_key": number, "done": false }), output);
        }
        finish(target, number).await?;
        let found = target.get("/master-keys").await?;
        let secrets = found["keys"].as_array().into_iter().flatten().find(|key| key["number"] == number);
        let secrets = secrets.map_or(Json::Null, |key| key["secrets"].clone());
        let sentence = format!(
            "all {} secrets are sealed under master key {number}. Copy the key to where you keep it. Older backups need the old key; when \
             none is wanted any more: certhold rekey --forget {} --yes",
            text(&secrets),
            number - 1
        );
        print_done(&sentence, &json!({ "master_key": number, "secrets": secrets, "done": true }), output)
    }
}

/// Begins a rotation; one that is under way is gone on with.
async fn begun(target: &Target) -> Result<i64, Failure> {
    let found = target.get("/master-keys").await?;
    if found["rotating"] == true {
        let numbers = found["keys"].as_array().into_iter().flatten().filter(|key| key["state"] != "forgotten");
        return Ok(numbers.filter_map(|key| key["number"].as_i64()).max().unwrap_or_default());
    }
    let begun = target.send(Method::Post, "/master-keys", None).await?;
    Ok(begun["number"].as_i64().unwrap_or_default())
}

/// On a data directory this program does the work; a server does its own.
async fn finish(target: &Target, number: i64) -> Result<(), Failure> {
    let mut last = String::new();
    let mut tell = |sentence: &str| {
        if sentence != last {
            eprintln!("{sentence}");
            last = sentence.to_owned();
        }
    };
    if let Target::Local(local) = target {
        let done = worker::rekey::complete(&local.core, &local.node, number, &mut tell).await;
        let node = local.node.clone();
        local.core.store.write(move |tx| certhold_domain::custody::rekey::leave(tx, &node)).await?;
        return Ok(done?);
    }
    loop {
        let found = target.get("/master-keys").await?;
        if found["rotating"] != true {
            return Ok(());
        }
        if let Some(sentence) = told(&found) {
            tell(&sentence);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Where a rotation stands, in a sentence.
fn told(found: &Json) -> Option<String> {
    if found["rotating"] != true {
        return None;
    }
    let keys = found["keys"].as_array()?;
    let last = keys.iter().map(|key| key["number"].as_i64().unwrap_or(0)).max()?;
    let left: i64 = keys.iter().filter(|key| key["number"] != last).filter_map(|key| key["secrets"].as_i64()).sum();
    let waits = found["waits"].as_str().map(|waits| format!(": it {waits}")).unwrap_or_default();
    Some(format!("the rotation to master key {last} is under way, {left} secrets are left{waits}"))
}
