//! `certhold managed …` and `certhold renew`.

use serde_json::{Value as Json, json};

use super::{Column, authority, certificates, created, find, metadata, pattern, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

const PATH: &str = "/managed-certificates";
const NOUN: &str = "managed certificate";

/// Certificates that Certhold obtains and renews
#[derive(clap::Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, read once from the command line")]
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
    /// DNS names; a wildcard only as the whole leftmost label. Of a private authority also addresses, mail addresses, or kind:name (dns, ip,
    /// email, uri, upn)
    #[arg(value_name = "NAME", required_unless_present_any = ["adopt", "subject"])]
    names: Vec<String>,
    /// What it is called [default: the first name]
    #[arg(long)]
    name: Option<String>,
    /// The ACME issuer that it is obtained from: name or number
    #[arg(long, value_name = "ISSUER", requires = "dns", required_unless_present_any = ["authority", "pattern", "template"])]
    issuer: Option<String>,
    /// Who publishes its proofs for an ACME issuer: name or number of a DNS provider
    #[arg(long, value_name = "PROVIDER", requires = "issuer")]
    dns: Option<String>,
    /// The private authority that issues it: name or number [default: the pattern's, or the only one]
    #[arg(long, value_name = "AUTHORITY", conflicts_with_all = ["issuer", "dns", "profile"])]
    authority: Option<String>,
    /// The enrolment pattern by whose rules a private authority issues: name or number
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["issuer", "dns", "profile", "template"])]
    pattern: Option<String>,
    /// Without a pattern, the template whose default pattern holds: server (default), client, server_client, mail or code_signing
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["issuer", "dns", "profile"])]
    template: Option<String>,
    /// Whom a private authority issues it to, such as "CN=db1.internal, O=Example"
    #[arg(long, value_name = "NAME", conflicts_with_all = ["issuer", "dns", "profile"])]
    subject: Option<String>,
    /// The life of a version from a private authority [default: the pattern's or template's]
    #[arg(long, value_name = "DAYS", conflicts_with_all = ["issuer", "dns", "profile"])]
    days: Option<i64>,
    /// What is noted about the first version from a private authority: FIELD=VALUE; may be given several times
    #[arg(long = "metadata", value_name = "FIELD=VALUE", conflicts_with_all = ["issuer", "dns", "profile"])]
    metadata: Vec<String>,
    /// Its key: p256, p384, p521, rsa2048, rsa3072, rsa4096, ed25519 or mldsa65 [default: p256, or the first that the pattern allows]
    #[arg(long, value_name = "KIND")]
    key: Option<String>,
    /// Keep one key for all versions
    #[arg(long)]
    reuse_key: bool,
    /// The ACME issuer's profile to ask for
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
    ("issuer", issuer),
    ("trouble", |one| text(&one["last_error"])),
];

fn issuer(one: &Json) -> String {
    let name = text(&one["issuer"]["name"]);
    if name.is_empty() { text(&one["authority"]["name"]) } else { name }
}

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
    ("authority", |one| text(&one["authority"]["name"])),
    ("pattern", |one| text(&one["pattern"]["name"])),
    ("template", |one| text(&one["template"])),
    ("subject", |one| text(&one["subject"])),
    ("days", |one| text(&one["days"])),
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
        let named = |path, noun, named: Option<String>| async move {
            match named {
                Some(named) => find(target, path, noun, &named).await.map(Some),
                None => Ok(None),
            }
        };
        let issuer = named("/issuers", "issuer", self.issuer).await?;
        let provider = named("/dns-providers", "DNS provider", self.dns).await?;
        let authority = named(authority::PATH, authority::NOUN, self.authority).await?;
        let pattern = named(pattern::PATH, pattern::NOUN, self.pattern).await?;
        let adopt = match &self.adopt {
            Some(certificate) => Some(certificates::find(target, certificate).await?),
            None => None,
        };
        let input = json!({
            "name": self.name.unwrap_or_default(), "names": self.names, "issuer": issuer, "dns_provider": provider,
            "authority": authority, "pattern": pattern, "template": self.template, "subject": self.subject, "days": self.days,
            "metadata": metadata::noted(&self.metadata)?,
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
