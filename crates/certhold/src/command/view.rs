//! `certhold view …`: one's saved views of the inventory.

use serde_json::{Map, Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// Where views are.
pub(super) const PATH: &str = "/views";

/// What the list shows and how, by the names that the inventory's page has for it.
#[derive(clap::Args)]
pub struct Shown {
    /// Words or a query
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// expiring, expired, unowned or managed
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Only those of this role, by number
    #[arg(long, value_name = "ROLE")]
    owner: Option<i64>,
    /// Only those in this collection, by name or number
    #[arg(long, value_name = "COLLECTION")]
    collection: Option<String>,
    /// A condition of the query language that narrows the list; may be given several times
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,
    /// Columns beside those that are always there, with commas between
    #[arg(long, value_name = "COLUMNS")]
    columns: Option<String>,
    /// expiry, name, issuer or held; a hyphen before it turns it round
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
    sort: Option<String>,
}

/// Saved views of the inventory, each one's own: see also `list --view`
#[derive(clap::Subcommand)]
pub enum View {
    /// List your views
    List,
    /// Show a view
    Show {
        /// Its name or number
        #[arg(value_name = "VIEW")]
        view: String,
    },
    /// Save a view
    Add {
        /// What it is called
        name: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Change a view; what is not given stays
    Set {
        /// Its name or number
        #[arg(value_name = "VIEW")]
        view: String,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        shown: Shown,
    },
    /// Remove a view
    Remove {
        /// Its name or number
        #[arg(value_name = "VIEW")]
        view: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("shows", |one| shows(&one["parameters"])),
    ("created", |one| time(&one["created_at"])),
];

fn shows(parameters: &Json) -> String {
    let one = |(name, value): (&String, &Json)| format!("{name}={}", text(value).replace('\n', " AND "));
    parameters.as_object().into_iter().flatten().map(one).collect::<Vec<_>>().join("; ")
}

impl Shown {
    /// The parameters that are given.
    async fn parameters(self, target: &Target) -> Result<Map<String, Json>, Failure> {
        let collection = match &self.collection {
            Some(named) => Some(find(target, super::collection::PATH, "collection", named).await?.to_string()),
            None => None,
        };
        let conditions = Some(self.conditions.join("\n")).filter(|conditions| !conditions.is_empty());
        let given = [
            ("q", self.query),
            ("filter", self.filter),
            ("owner", self.owner.map(|id| id.to_string())),
            ("collection", collection),
            ("where", conditions),
            ("columns", self.columns),
            ("sort", self.sort),
        ];
        Ok(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect())
    }
}

impl View {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            View::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            View::Show { view } => print_one(&target.get(&path(target, &view).await?).await?, COLUMNS, output),
            View::Add { name, shown } => {
                let input = json!({ "name": name, "parameters": shown.parameters(target).await? });
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("view {name} is saved as number {}", created(&answer)), &answer, output)
            }
            View::Set { view, name, shown } => {
                let path = path(target, &view).await?;
                let before = target.get(&path).await?;
                let mut parameters = before["parameters"].as_object().cloned().unwrap_or_default();
                parameters.extend(shown.parameters(target).await?);
                let name = name.map_or_else(|| before["name"].clone(), Json::from);
                target.put(Method::Put, &path, &json!({ "name": name, "parameters": parameters })).await?;
                print_done(&format!("view {view} is changed"), &target.get(&path).await?, output)
            }
            View::Remove { view } => {
                target.send(Method::Delete, &path(target, &view).await?, None).await?;
                print_done(&format!("view {view} is removed"), &json!({ "view": view, "done": "removed" }), output)
            }
        }
    }
}

async fn path(target: &Target, view: &str) -> Result<String, Failure> {
    Ok(format!("{PATH}/{}", find(target, PATH, "view", view).await?))
}
