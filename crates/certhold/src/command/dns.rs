//! `certhold dns …`: accounts at DNS providers.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{Column, created, find, print_done, print_list};
use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::secrets;
use crate::target::{Method, Target};

const PATH: &str = "/dns-providers";

/// Accounts at DNS providers, which publish proofs
#[derive(clap::Subcommand)]
pub enum Dns {
    /// List DNS providers, without their credentials
    List,
    /// List the kinds of DNS providers and what each needs to be told
    Kinds,
    Add(Add),
    /// Remove a DNS provider that nothing uses, and destroy its credentials
    Remove {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
}

/// Add a DNS provider
#[derive(clap::Args)]
pub struct Add {
    /// What it is called
    name: String,
    /// One of `certhold dns kinds`
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// A setting; NAME=@FILE takes the value from a file, as befits secrets. May be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // The text is not repeated: it may be a secret.
        _ => Err("write a setting as NAME=VALUE or NAME=@FILE".into()),
    }
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("kind", |one| text(&one["kind"])),
    ("settings", |one| settings(&one["settings"])),
    ("used by", |one| text(&one["used_by"])),
];

fn settings(settings: &Json) -> String {
    let pairs = settings.as_object().into_iter().flatten();
    pairs.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
}

impl Dns {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Dns::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Dns::Kinds => kinds(&target.all("/dns-provider-kinds").await?, output),
            Dns::Add(add) => add.run(target, output).await,
            Dns::Remove { named } => {
                let id = find(target, PATH, "DNS provider", &named).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                print_done(&format!("DNS provider {named} is removed"), &json!({ "dns_provider": id, "done": "removed" }), output)
            }
        }
    }
}

fn kinds(kinds: &[Json], output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return output::print(&output::json(kinds));
    }
    for kind in kinds {
        output::print(&format!("{}: {}\n", text(&kind["name"]), text(&kind["help"])))?;
        let parameters = kind["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<Vec<String>> = parameters.iter().map(parameter).collect();
        output::print(&output::table(&["setting", "", "what"], &rows, &[]))?;
        output::print("\n")?;
    }
    Ok(())
}

fn parameter(parameter: &Json) -> Vec<String> {
    let needed = match (parameter["required"] == true, parameter["secret"] == true) {
        (true, true) => "required, secret".to_owned(),
        (true, false) => "required".to_owned(),
        (false, _) => parameter["default"].as_str().map_or_else(String::new, |default| format!("default {default}")),
    };
    let choices = text(&parameter["choices"]);
    let what = if choices.is_empty() { text(&parameter["help"]) } else { choices };
    vec![text(&parameter["name"]), needed, what]
}

impl Add {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let mut settings = Map::new();
        for (name, value) in self.set {
            let value = match value.strip_prefix('@') {
                Some(path) => secrets::from_file(Path::new(path))?.to_string(),
                None => value,
            };
            if settings.insert(name.clone(), value.into()).is_some() {
                return Err(Failure::usage(format!("the setting {name} is given twice")));
            }
        }
        let answer =
            target.put(Method::Post, PATH, &json!({ "name": self.name, "kind": self.kind, "settings": settings })).await?;
        print_done(&format!("DNS provider {} is added as number {}", self.name, created(&answer)), &answer, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_pairs_and_a_wrong_one_is_not_repeated() {
        assert_eq!(setting("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(setting("a="), Ok(("a".into(), String::new())));
        assert!(!setting("hunter2").unwrap_err().contains("hunter2"));
        assert!(setting("=x").is_err());
    }
}
