//! `certhold why …` and `certhold review`: who may do what, and why.

use serde_json::{Value as Json, json};

use super::{Column, collection, container, find, print_list, role, user};
use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::target::{Method, Target, query};

/// Explain why somebody may do something, or may not
#[derive(clap::Args)]
pub struct Why {
    /// The account's name or number (left out with --api-token, --client and --claim), the permission that the action asks for, such as
    /// /certificates/collections/change_owner/, and the number of the certificate that it is about, if it is about one
    #[arg(value_name = "[USER] ACTION [ID]", num_args = 1..=3, required = true)]
    words: Vec<String>,
    /// About an API token: its number
    #[arg(id = "api_token", long = "api-token", value_name = "ID", conflicts_with_all = ["client", "claim"])]
    token: Option<i64>,
    /// About an API client: its number
    #[arg(long, value_name = "ID", conflicts_with = "claim")]
    client: Option<i64>,
    /// About whoever signs in with a claim: its number
    #[arg(long, value_name = "ID")]
    claim: Option<i64>,
    /// The number of the certificate that it is about
    #[arg(long = "certificate", value_name = "ID")]
    certificate: Option<i64>,
    /// The name or number of the collection that it is about
    #[arg(long, value_name = "COLLECTION", conflicts_with_all = ["certificate", "container"])]
    collection: Option<String>,
    /// The name or number of the container that it is about
    #[arg(long, value_name = "CONTAINER", conflicts_with = "certificate")]
    container: Option<String>,
}

impl Why {
    /// The account, the action and the certificate among the words.
    fn words(&self) -> Result<(Option<&str>, &str, Option<i64>), Failure> {
        let is_other = self.token.is_some() || self.client.is_some() || self.claim.is_some();
        let mut words = self.words.iter().map(String::as_str);
        let user = if is_other { None } else { words.next() };
        let Some(action) = words.next() else {
            return Err(Failure::usage(
                "name an account, by its name or number, and then the permission that the action asks for",
            ));
        };
        let Some(word) = words.next() else { return Ok((user, action, self.certificate)) };
        let certificate = word.parse().map_err(|_| Failure::usage(format!("{word:?} is not the number of a certificate")))?;
        let is_elsewhere = self.certificate.is_some() || self.collection.is_some() || self.container.is_some();
        if is_elsewhere || words.next().is_some() {
            return Err(Failure::usage("ask about one thing: a certificate, a collection or a container"));
        }
        Ok((user, action, Some(certificate)))
    }

    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let (user, action, certificate) = self.words()?;
        let principal = match user {
            Some(named) => Some(find(target, user::PATH, user::NOUN, named).await?),
            None => None,
        };
        let collection = match &self.collection {
            Some(named) => Some(find(target, collection::PATH, "collection", named).await?),
            None => None,
        };
        let container = match &self.container {
            Some(named) => Some(find(target, container::PATH, "container", named).await?),
            None => None,
        };
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let parameters = query([
            ("principal", number(principal)),
            ("token", number(self.token)),
            ("client", number(self.client)),
            ("claim", number(self.claim)),
            ("action", Some(action.to_owned())),
            ("certificate", number(certificate)),
            ("collection", number(collection)),
            ("container", number(container)),
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
        ("stores", _) => "in certificate stores".to_owned(),
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
