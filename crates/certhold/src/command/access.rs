//! `certhold why …` and `certhold review`: who may do what, and why.

use serde_json::{Value as Json, json};

use super::{Column, collection, find, print_list, role, user};
use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::target::{Method, Target, query};

/// Explain why somebody may do something, or may not
#[derive(clap::Args)]
pub struct Why {
    /// The account's name or number
    #[arg(value_name = "USER")]
    user: String,
    /// The permission that the action asks for, such as /certificates/collections/change_owner/
    #[arg(value_name = "ACTION")]
    action: String,
    /// The number of the certificate that it is about
    #[arg(value_name = "ID")]
    certificate: Option<i64>,
    /// The number of the certificate that it is about
    #[arg(long = "certificate", value_name = "ID", conflicts_with = "certificate")]
    of: Option<i64>,
    /// The name or number of the collection that it is about
    #[arg(long, value_name = "COLLECTION", conflicts_with_all = ["certificate", "of"])]
    collection: Option<String>,
}

impl Why {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let id = find(target, user::PATH, user::NOUN, &self.user).await?;
        let collection = match &self.collection {
            Some(named) => Some(find(target, collection::PATH, "collection", named).await?),
            None => None,
        };
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let parameters = query([
            ("principal", Some(id.to_string())),
            ("action", Some(self.action)),
            ("certificate", number(self.certificate.or(self.of))),
            ("collection", number(collection)),
        ]);
        let told = target.get(&format!("/access/why{parameters}")).await?;
        if output == Output::Json {
            return output::print(&output::json(&told));
        }
        let mut lines = format!("{}\n", text(&told["sentence"]));
        for one in told["roles"].as_array().into_iter().flatten() {
            lines.push_str(&format!("  role {}: {}\n", text(&one["role"]["name"]), text(&one["verdict"])));
        }
        output::print_lines(&lines)
    }
}

/// Review who can do what to which certificates
#[derive(clap::Args)]
pub struct Review {
    /// Only this permission, or those below it
    #[arg(long, value_name = "PATH")]
    action: Option<String>,
    /// Only this account: its name or number
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only lines to which this role contributes: its name or number
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Also disabled accounts, with what they would hold again
    #[arg(long)]
    disabled: bool,
    /// Print CSV (RFC 4180); the export is an event
    #[arg(long)]
    csv: bool,
}

const COLUMNS: &[Column] = &[
    ("certificates", |one| text(&one["certificates"])),
    ("who", |one| text(&one["holder"]["name"])),
    ("may", |one| text(&one["meaning"])),
    ("where", |one| match (text(&one["reach"]).as_str(), text(&one["within"]["name"])) {
        ("everywhere", _) => "everywhere".to_owned(),
        (reach, name) if name.is_empty() => format!("{} {}", reach.replace('_', " "), text(&one["within"]["id"])),
        (reach, name) => format!("{} {name}", reach.replace('_', " ")),
    }),
    ("owned by", |one| match one["owners"].as_array() {
        None => String::new(),
        Some(owners) => std::iter::once("nobody".to_owned()).chain(owners.iter().map(text)).collect::<Vec<_>>().join(", "),
    }),
    ("through", |one| {
        let roles = one["roles"].as_array().into_iter().flatten();
        roles.map(|role| text(&role["name"])).collect::<Vec<_>>().join(", ")
    }),
];

impl Review {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let principal = match &self.user {
            Some(named) => Some(find(target, user::PATH, user::NOUN, named).await?),
            None => None,
        };
        let role = match &self.role {
            Some(named) => Some(find(target, role::PATH, "role", named).await?),
            None => None,
        };
        if self.csv {
            let input = json!({ "action": self.action, "principal": principal, "role": role, "disabled": self.disabled });
            let body = ("application/json", input.to_string().into_bytes());
            let file = target.fetch(Method::Post, "/access/review/export", Some(body)).await?;
            return output::print(&String::from_utf8_lossy(&file));
        }
        let parameters = query([
            ("action", self.action),
            ("principal", principal.map(|id| id.to_string())),
            ("role", role.map(|id| id.to_string())),
            ("disabled", self.disabled.then(|| "true".to_owned())),
        ]);
        let lines: Vec<Json> = target.all(&format!("/access/review{parameters}")).await?;
        print_list(&lines, COLUMNS, output)
    }
}
