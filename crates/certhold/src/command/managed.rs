//! `certhold managed …` and `certhold renew`.

use serde_json::{Value as Json, json};

use super::{Column, certificates, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

const PATH: &str = "/managed-certificates";
const NOUN: &str = "managed certificate";

/// Certificates that Certhold obtains and renews
#[derive(clap::Subcommand)]
pub enum Managed {
    /// List managed certificates
    List {
        /// Only those whose last attempt failed, or which have no valid version
        #[arg(long)]
        troubled: bool,
    },
    /// Show a managed certificate
    Show {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    Create(Create),
    /// Pause automatic renewal
    Pause {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Resume automatic renewal
    Resume {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Show what happened to a managed certificate, newest first
    Log {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
    /// Remove a managed certificate; its certificates stay in the inventory
    Remove {
        /// Its name or number
        #[arg(value_name = "NAME")]
        named: String,
    },
}

/// Create a managed certificate; a running server obtains its first version at once
#[derive(clap::Args)]
pub struct Create {
    /// DNS names; a wildcard only as the whole leftmost label
    #[arg(value_name = "DNS-NAME", required_unless_present = "adopt")]
    names: Vec<String>,
    /// What it is called [default: the first DNS name]
    #[arg(long)]
    name: Option<String>,
    /// Who issues it: name or number
    #[arg(long, value_name = "ISSUER")]
    issuer: String,
    /// Who publishes its proofs: name or number of a DNS provider
    #[arg(long, value_name = "PROVIDER")]
    dns: String,
    /// Its key: p256, p384, rsa2048, rsa3072, rsa4096 or ed25519
    #[arg(long, value_name = "KIND", default_value = "p256")]
    key: String,
    /// Keep one key for all versions
    #[arg(long)]
    reuse_key: bool,
    /// The authority's profile to ask for
    #[arg(long)]
    profile: Option<String>,
    /// Role that owns its versions
    #[arg(long, value_name = "ROLE")]
    owner: Option<String>,
    /// A certificate of the inventory, by number or fingerprint, that becomes the first version
    #[arg(long, value_name = "ID")]
    adopt: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("health", |one| text(&one["health"])),
    ("expires", |one| time(&one["not_after"])),
    ("renews", |one| time(&one["renew_at"])),
    ("owner", |one| text(&one["owner"]["name"])),
    ("issuer", |one| text(&one["issuer"]["name"])),
    ("trouble", |one| text(&one["last_error"])),
];

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("names", |one| text(&one["names"])),
    ("health", |one| text(&one["health"])),
    ("current", |one| text(&one["current"])),
    ("versions", |one| text(&one["versions"])),
    ("expires", |one| time(&one["not_after"])),
    ("renews", |one| time(&one["renew_at"])),
    ("next attempt", |one| time(&one["attempt_due_at"])),
    ("owner", |one| text(&one["owner"]["name"])),
    ("issuer", |one| text(&one["issuer"]["name"])),
    ("dns provider", |one| text(&one["dns_provider"]["name"])),
    ("key", |one| text(&one["key_kind"])),
    ("reuse key", |one| text(&one["reuse_key"])),
    ("profile", |one| text(&one["profile"])),
    ("failures", |one| if one["failures"] == 0 { String::new() } else { text(&one["failures"]) }),
    ("last error", |one| text(&one["last_error"])),
    ("failed at", |one| time(&one["last_error_at"])),
];

const LOG: &[Column] = &[
    ("seq", |event| text(&event["seq"])),
    ("at", |event| time(&event["at"])),
    ("who", |event| text(&event["actor"]["name"])),
    ("what", |event| text(&event["operation"])),
    ("why", |event| text(&event["payload"]["error"])),
];

impl Managed {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Managed::List { troubled } => {
                let path = if troubled { format!("{PATH}?troubled=true") } else { PATH.to_owned() };
                print_list(&target.all(&path).await?, COLUMNS, output)
            }
            Managed::Show { named } => {
                let id = find(target, PATH, NOUN, &named).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, LINES, output)
            }
            Managed::Create(create) => create.run(target, output).await,
            Managed::Pause { named } => act(target, &named, Method::Post, "/pause", "paused", output).await,
            Managed::Resume { named } => act(target, &named, Method::Post, "/resume", "resumed", output).await,
            Managed::Remove { named } => act(target, &named, Method::Delete, "", "removed", output).await,
            Managed::Log { named } => {
                let id = find(target, PATH, NOUN, &named).await?;
                print_list(&target.all(&format!("{PATH}/{id}/log")).await?, LOG, output)
            }
        }
    }
}

async fn act(target: &Target, named: &str, method: Method, step: &str, done: &str, output: Output) -> Result<(), Failure> {
    let id = find(target, PATH, NOUN, named).await?;
    target.send(method, &format!("{PATH}/{id}{step}"), None).await?;
    print_done(&format!("{NOUN} {named} is {done}"), &json!({ "managed": id, "done": done }), output)
}

impl Create {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let issuer = find(target, "/issuers", "issuer", &self.issuer).await?;
        let provider = find(target, "/dns-providers", "DNS provider", &self.dns).await?;
        let adopt = match &self.adopt {
            Some(certificate) => Some(certificates::find(target, certificate).await?),
            None => None,
        };
        let input = json!({
            "name": self.name.unwrap_or_default(), "names": self.names, "issuer": issuer, "dns_provider": provider,
            "key_kind": self.key, "reuse_key": self.reuse_key, "profile": self.profile, "owner": self.owner.as_deref().map(certificates::reference), "adopt": adopt,
        });
        let answer: Json = target.put(Method::Post, PATH, &input).await?;
        print_done(&format!("{NOUN} {} is created", created(&answer)), &answer, output)
    }
}

/// Obtain the next version of a managed certificate now
#[derive(clap::Args)]
pub struct Renew {
    /// The managed certificate: its name or number
    #[arg(value_name = "NAME")]
    named: String,
}

impl Renew {
    /// Asks for it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let id = find(target, PATH, NOUN, &self.named).await?;
        target.send(Method::Post, &format!("{PATH}/{id}/renew"), None).await?;
        let when = match target {
            Target::Local(_) => "will be renewed as soon as the server runs",
            Target::Remote(_) => "is being renewed",
        };
        print_done(&format!("{NOUN} {} {when}", self.named), &json!({ "managed": id, "done": "requested" }), output)
    }
}
