//! `certhold store …`: certificate stores.

use std::path::PathBuf;

use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::{Column, container, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::secrets;
use crate::target::{Method, Target};

const PATH: &str = "/certificate-stores";
const NOUN: &str = "certificate store";

/// Certificate stores: where certificates are installed and found
#[derive(clap::Subcommand)]
pub enum Store {
    /// List certificate stores
    List,
    /// Show a store
    Show {
        /// Its name or number
        #[arg(value_name = "STORE")]
        store: String,
    },
    Add(Box<Add>),
    /// Change a store; what is not given stays
    Set(Box<Set>),
    /// Remove a store; its files stay
    Remove {
        /// Its name or number
        #[arg(value_name = "STORE")]
        store: String,
    },
    /// List what is in a store, as its last inventory found it
    Inventory {
        /// Its name or number
        #[arg(value_name = "STORE")]
        store: String,
        /// Take the inventory now instead
        #[arg(long)]
        now: bool,
    },
    /// Say when inventories of a store are taken
    Schedule {
        /// Its name or number
        #[arg(value_name = "STORE")]
        store: String,
        /// off, now, "every 30m", "daily 03:15", "weekly mon,thu 03:15", "monthly 15 03:15" or "once 2026-12-01T03:00:00Z", in UTC
        schedule: String,
    },
    Put(Put),
    /// Take an entry out of a store, with its private key
    Take {
        /// The store's name or number
        #[arg(value_name = "STORE")]
        store: String,
        /// The entry's name
        alias: String,
    },
    /// List the jobs of a store, newest first
    Jobs {
        /// Its name or number
        #[arg(value_name = "STORE")]
        store: String,
    },
    /// Try a failed job again
    Retry {
        /// The store's name or number
        #[arg(value_name = "STORE")]
        store: String,
        /// The job's number
        job: i64,
    },
    /// Take back a job that has not begun
    Cancel {
        /// The store's name or number
        #[arg(value_name = "STORE")]
        store: String,
        /// The job's number
        job: i64,
    },
    /// List where a certificate is installed
    Where {
        /// The certificate's number
        #[arg(value_name = "ID")]
        certificate: i64,
    },
}

/// Add a certificate store; its first inventory is taken at once
#[derive(clap::Args)]
pub struct Add {
    /// What it is called
    name: String,
    /// pem-directory, pkcs12 or jks
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// Where it is on the server, in one of its `store_roots`
    #[arg(long, value_name = "PATH")]
    path: String,
    #[command(flatten)]
    settings: Settings,
}

/// Change a certificate store
#[derive(clap::Args)]
pub struct Set {
    /// Its name or number
    #[arg(value_name = "STORE")]
    store: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Another path
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(clap::Args)]
struct Settings {
    /// The machine that it belongs to, for people
    #[arg(long, value_name = "TEXT")]
    machine: Option<String>,
    /// The container that it is in: name or number, or "none"
    #[arg(long, value_name = "CONTAINER")]
    container: Option<String>,
    /// File with the password of the store and its keys
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Whether it is made when it is not there
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes", value_parser = clap::builder::BoolishValueParser::new())]
    create: Option<bool>,
    /// When inventories are taken
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// Directories of PEM files: with (after the certificate), beside or none
    #[arg(long, value_name = "WHERE")]
    chain: Option<String>,
    /// Directories of PEM files: beside or inside
    #[arg(long, value_name = "WHERE")]
    key: Option<String>,
    /// PKCS#12 files: modern or legacy
    #[arg(long, value_name = "HOW")]
    encryption: Option<String>,
    /// Mode of new files without keys [default: 0644]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Mode of new files with keys [default: 0600]
    #[arg(long, value_name = "MODE")]
    key_mode: Option<String>,
}

/// Put a certificate into a store, with those above it
#[derive(clap::Args)]
pub struct Put {
    /// The store's name or number
    #[arg(value_name = "STORE")]
    store: String,
    /// The certificate's number
    #[arg(value_name = "ID")]
    certificate: i64,
    /// The name of the entry
    alias: String,
    /// With its private key
    #[arg(long)]
    with_key: bool,
    /// Replace an entry of this name
    #[arg(long)]
    overwrite: bool,
    /// A collection that the certificate is in, where rights are held on that
    #[arg(long, value_name = "COLLECTION")]
    collection: Option<i64>,
    /// Not before this time: 2026-12-01T03:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("kind", |one| text(&one["kind"])),
    ("path", |one| text(&one["path"])),
    ("container", |one| text(&one["container"]["name"])),
    ("entries", |one| text(&one["entries"])),
    ("inventory", |one| time(&one["inventoried_at"])),
    ("trouble", trouble),
];
const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("uuid", |one| text(&one["uuid"])),
    ("name", |one| text(&one["name"])),
    ("kind", |one| text(&one["kind"])),
    ("machine", |one| text(&one["machine"])),
    ("path", |one| text(&one["path"])),
    ("container", |one| text(&one["container"]["name"])),
    ("made if missing", |one| text(&one["create_if_missing"])),
    ("schedule", |one| text(&one["schedule"])),
    ("next inventory", |one| time(&one["next_at"])),
    ("last inventory", |one| time(&one["inventoried_at"])),
    ("entries", |one| text(&one["entries"])),
    ("trouble", trouble),
];
const ENTRIES: &[Column] = &[
    ("alias", |one| text(&one["alias"])),
    ("certificate", |one| text(&one["certificate"]["id"])),
    ("subject", |one| text(&one["certificate"]["subject"])),
    ("valid until", |one| time(&one["certificate"]["not_after"])),
    ("key", |one| text(&one["has_key"])),
];
const JOBS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("kind", |one| text(&one["kind"])),
    ("alias", |one| text(&one["alias"])),
    ("state", |one| text(&one["state"])),
    ("author", |one| text(&one["author"])),
    ("due", |one| time(&one["due_at"])),
    ("ended", |one| time(&one["finished_at"])),
    ("outcome", |one| if one["error"].is_string() { text(&one["error"]) } else { text(&one["report"]) }),
];
const PLACES: &[Column] = &[
    ("store", |one| text(&one["store"])),
    ("name", |one| text(&one["store_name"])),
    ("path", |one| text(&one["path"])),
    ("alias", |one| text(&one["alias"])),
    ("in chain", |one| text(&one["in_chain"])),
    ("key", |one| text(&one["has_key"])),
];

fn trouble(store: &Json) -> String {
    let unreadable = store["problems"].as_array().map_or(0, Vec::len);
    match (store["last_error"].as_str(), unreadable) {
        (Some(why), _) => why.to_owned(),
        (None, 0) => String::new(),
        (None, many) => format!("{many} parts could not be read"),
    }
}

impl Store {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Store::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Store::Show { store } => print_one(&target.get(&place(target, &store).await?).await?, LINES, output),
            Store::Add(add) => add.run(target, output).await,
            Store::Set(set) => set.run(target, output).await,
            Store::Remove { store } => {
                target.send(Method::Delete, &place(target, &store).await?, None).await?;
                print_done(&format!("store {store} is removed"), &json!({ "store": store, "done": "removed" }), output)
            }
            Store::Inventory { store, now: false } => {
                print_list(&target.all(&format!("{}/inventory", place(target, &store).await?)).await?, ENTRIES, output)
            }
            Store::Inventory { store, now: true } => {
                let path = format!("{}/inventory", place(target, &store).await?);
                asked(target, &target.send(Method::Post, &path, None).await?, output)
            }
            Store::Schedule { store, schedule } => {
                let path = format!("{}/schedule", place(target, &store).await?);
                target.put(Method::Put, &path, &json!({ "schedule": schedule })).await?;
                print_done(&format!("store {store}: {schedule}"), &json!({ "store": store, "done": "scheduled" }), output)
            }
            Store::Put(put) => put.run(target, output).await,
            Store::Take { store, alias } => {
                let path = format!("{}/removals", place(target, &store).await?);
                asked(target, &target.put(Method::Post, &path, &json!({ "alias": alias })).await?, output)
            }
            Store::Jobs { store } => {
                print_list(&target.all(&format!("{}/jobs", place(target, &store).await?)).await?, JOBS, output)
            }
            Store::Retry { store, job } => {
                target.send(Method::Post, &format!("{}/jobs/{job}/retry", place(target, &store).await?), None).await?;
                print_done(&format!("job {job} is tried again"), &json!({ "job": job, "done": "requested" }), output)
            }
            Store::Cancel { store, job } => {
                target.send(Method::Post, &format!("{}/jobs/{job}/cancel", place(target, &store).await?), None).await?;
                print_done(&format!("job {job} is taken back"), &json!({ "job": job, "done": "cancelled" }), output)
            }
            Store::Where { certificate } => {
                print_list(&target.all(&format!("/certificates/{certificate}/locations")).await?, PLACES, output)
            }
        }
    }
}

async fn place(target: &Target, named: &str) -> Result<String, Failure> {
    Ok(format!("{PATH}/{}", find(target, PATH, NOUN, named).await?))
}

/// Says that a job was enqueued.
fn asked(target: &Target, job: &Json, output: Output) -> Result<(), Failure> {
    let when = match target {
        Target::Local(_) => "will be done as soon as the server runs",
        Target::Remote(_) => "is enqueued",
    };
    print_done(&format!("job {} ({}) {when}", text(&job["id"]), text(&job["kind"])), job, output)
}

impl Settings {
    /// What was given goes over what is known.
    async fn over(&self, target: &Target, known: &Json) -> Result<Json, Failure> {
        let or = |given: &Option<String>, known: &Json| given.clone().map_or_else(|| known.clone(), Json::from);
        let container = match self.container.as_deref() {
            None => known["container"]["id"].clone(),
            Some("none") => Json::Null,
            Some(named) => find(target, container::PATH, container::NOUN, named).await?.into(),
        };
        let mut properties = known["properties"].as_object().cloned().unwrap_or_default();
        let given = [
            ("chain", &self.chain),
            ("key", &self.key),
            ("encryption", &self.encryption),
            ("mode", &self.mode),
            ("key_mode", &self.key_mode),
        ];
        for (name, value) in given {
            properties.extend(value.clone().map(|value| (name.to_owned(), Json::from(value))));
        }
        let machine = or(&self.machine, &known["machine"]);
        Ok(json!({
            "machine": if machine.is_null() { "".into() } else { machine },
            "container": container, "properties": properties,
            "create_if_missing": self.create.unwrap_or(known["create_if_missing"].as_bool().unwrap_or(false)),
            "schedule": or(&self.schedule, &known["schedule"]),
        }))
    }

    fn password(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        self.password_file.as_deref().map(secrets::from_file).transpose()
    }
}

/// With the password as late as possible: it is not kept longer than the request takes.
fn with_password(mut input: Json, password: Option<&Zeroizing<String>>) -> Json {
    if let Some(password) = password {
        input["password"] = password.as_str().into();
    }
    input
}

impl Add {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let password = self.settings.password()?;
        let mut input = self.settings.over(target, &Json::Null).await?;
        input["name"] = self.name.clone().into();
        input["kind"] = self.kind.into();
        input["path"] = self.path.into();
        let answer = target.put(Method::Post, PATH, &with_password(input, password.as_ref())).await?;
        print_done(&format!("store {} is added as number {}", self.name, created(&answer)), &answer, output)
    }
}

impl Set {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let id = find(target, PATH, NOUN, &self.store).await?;
        let known = target.get(&format!("{PATH}/{id}")).await?;
        let password = self.settings.password()?;
        let mut input = self.settings.over(target, &known).await?;
        input["name"] = self.name.map_or_else(|| known["name"].clone(), Json::from);
        input["kind"] = known["kind"].clone();
        input["path"] = self.path.map_or_else(|| known["path"].clone(), Json::from);
        target.put(Method::Put, &format!("{PATH}/{id}"), &with_password(input, password.as_ref())).await?;
        print_done(&format!("store {} is changed", self.store), &json!({ "store": id, "done": "changed" }), output)
    }
}

impl Put {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let path = format!("{}/certificates", place(target, &self.store).await?);
        let input = json!({
            "certificate": self.certificate, "alias": self.alias, "include_key": self.with_key, "overwrite": self.overwrite,
            "collection": self.collection, "at": self.at,
        });
        asked(target, &target.put(Method::Post, &path, &input).await?, output)
    }
}
