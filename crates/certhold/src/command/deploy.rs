//! `certhold deploy …`: where versions of managed certificates are installed.

use serde_json::json;

use super::{Column, created, find, print_done, print_list};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

const MANAGED: &str = "/managed-certificates";

/// Where versions of managed certificates are installed
#[derive(clap::Subcommand)]
pub enum Deploy {
    /// List the deployments of a managed certificate
    List {
        /// The managed certificate: its name or number
        #[arg(value_name = "MANAGED")]
        managed: String,
    },
    Add(Box<Add>),
    /// Install the current version again, now
    Run {
        /// The deployment's number
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Remove a deployment; its files stay
    Remove {
        /// The deployment's number
        #[arg(value_name = "ID")]
        id: i64,
    },
}

/// Add a deployment: files to write, and a command to run afterwards, as the server's user
#[derive(clap::Args)]
pub struct Add {
    /// The managed certificate: its name or number
    #[arg(value_name = "MANAGED")]
    managed: String,
    /// What the deployment is called
    #[arg(value_name = "NAME")]
    name: String,
    /// Path for the certificate alone, PEM
    #[arg(long, value_name = "PATH")]
    certificate: Option<String>,
    /// Path for its chain without it, PEM
    #[arg(long, value_name = "PATH")]
    chain: Option<String>,
    /// Path for the certificate followed by its chain, PEM
    #[arg(long, value_name = "PATH")]
    full_chain: Option<String>,
    /// Path for the private key, PEM
    #[arg(long, value_name = "PATH")]
    private_key: Option<String>,
    /// User that the files belong to
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// Group that the files belong to
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Mode of the certificate files [default: 0644]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Mode of the private key file [default: 0600]
    #[arg(long, value_name = "MODE")]
    key_mode: Option<String>,
    /// Certificate store to put it into, in place of files: its name or number
    #[arg(long, value_name = "STORE", requires = "alias")]
    store: Option<String>,
    /// The entry's name in that store
    #[arg(long, value_name = "ALIAS", requires = "store")]
    alias: Option<String>,
    /// Program and its arguments, run without a shell after the files are in place
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("state", |one| text(&one["state"])),
    ("certificate", |one| text(&one["certificate"])),
    ("last tried", |one| time(&one["last_at"])),
    ("trouble", |one| text(&one["last_error"])),
];

impl Deploy {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Deploy::List { managed } => {
                let id = find(target, MANAGED, "managed certificate", &managed).await?;
                print_list(&target.all(&format!("{MANAGED}/{id}/deployments")).await?, COLUMNS, output)
            }
            Deploy::Add(add) => add.run(target, output).await,
            Deploy::Run { id } => {
                target.send(Method::Post, &format!("/deployments/{id}/run"), None).await?;
                let when = match target {
                    Target::Local(_) => "will run as soon as the server does",
                    Target::Remote(_) => "is being run",
                };
                print_done(&format!("deployment {id} {when}"), &json!({ "deployment": id, "done": "requested" }), output)
            }
            Deploy::Remove { id } => {
                target.send(Method::Delete, &format!("/deployments/{id}"), None).await?;
                print_done(&format!("deployment {id} is removed"), &json!({ "deployment": id, "done": "removed" }), output)
            }
        }
    }
}

impl Add {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let managed = find(target, MANAGED, "managed certificate", &self.managed).await?;
        let store = match &self.store {
            Some(store) => Some(find(target, "/certificate-stores", "certificate store", store).await?),
            None => None,
        };
        let store = store.map(|store| json!({ "store": store, "alias": self.alias }));
        let input = json!({ "name": self.name, "settings": {
            "certificate": self.certificate, "chain": self.chain, "full_chain": self.full_chain, "private_key": self.private_key,
            "owner": self.owner, "group": self.group, "mode": self.mode, "key_mode": self.key_mode, "command": self.command,
            "store": store,
        }});
        let answer = target.put(Method::Post, &format!("{MANAGED}/{managed}/deployments"), &input).await?;
        print_done(&format!("deployment {} is added as number {}", self.name, created(&answer)), &answer, output)
    }
}
