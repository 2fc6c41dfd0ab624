//! `certhold bulk …`: edits of many certificates. On a data directory this process does the work; a server's worker does it there.

use std::time::Duration;

use certhold_domain::BulkEditId;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};

use super::certificates::{find as find_certificate, reference};
use super::metadata::pair;
use super::{Column, created, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

const PATH: &str = "/bulk-edits";
/// How often progress is asked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Edits that a list shows when nobody says how many.
const ROWS: usize = 100;

/// Edit many certificates at once
#[derive(clap::Subcommand)]
pub enum Bulk {
    /// Change what is noted about them
    Set {
        /// Field and value; an empty value clears
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
        /// Leave values alone that are there already
        #[arg(long)]
        keep: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Give them to a role, or to nobody
    Owner {
        /// The role that owns them from now on
        #[arg(value_name = "ROLE", required_unless_present = "nobody")]
        role: Option<String>,
        /// Take them from their owners
        #[arg(long, conflicts_with = "role")]
        nobody: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Remove them from the inventory, except what is managed, deployed or otherwise needed
    Remove {
        #[command(flatten)]
        which: Which,
        /// Do it; without this the command only says what would be removed
        #[arg(long)]
        yes: bool,
    },
    /// List edits, newest first
    List {
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value_t = ROWS)]
        limit: usize,
    },
    /// Show how far an edit is
    Show {
        /// Its number
        id: i64,
    },
    /// Wait for an edit; on a data directory, go on with one that was interrupted
    Run {
        /// Its number
        id: i64,
    },
    /// Cancel an edit; what it has done stays
    Cancel {
        /// Its number
        id: i64,
    },
}

/// Which certificates; all of them if nothing is said
#[derive(clap::Args)]
pub struct Which {
    /// Words in subject, names, serial number or issuer; *.example.com
    #[arg(long, value_name = "WORDS")]
    words: Option<String>,
    /// A query, such as 'ExpirationDate -le "%TODAY+30%"'
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Of this role
    #[arg(long, value_name = "ROLE", conflicts_with = "unowned")]
    owned_by: Option<String>,
    /// Of nobody
    #[arg(long)]
    unowned: bool,
    /// In this collection, by name or number: rights on it are enough
    #[arg(long, value_name = "COLLECTION")]
    collection: Option<String>,
    /// This certificate: its number or SHA-256 fingerprint; may be given several times
    #[arg(long = "id", value_name = "ID", conflicts_with_all = ["words", "query", "owned_by", "unowned", "collection"])]
    ids: Vec<String>,
    /// Only say what would become of them
    #[arg(long)]
    dry_run: bool,
    /// Start it and do not wait; not on a data directory
    #[arg(long)]
    detach: bool,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("state", |one| text(&one["state"])),
    ("edit", |one| edit(&one["edit"])),
    ("total", |one| text(&one["total"])),
    ("changed", |one| text(&one["changed"])),
    ("refused", |one| text(&one["refused"])),
    ("by", |one| text(&one["author"])),
    ("started", |one| time(&one["created_at"])),
];

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("state", |one| text(&one["state"])),
    ("edit", |one| edit(&one["edit"])),
    ("by", |one| text(&one["author"])),
    ("total", |one| text(&one["total"])),
    ("changed", |one| text(&one["changed"])),
    ("unchanged", |one| text(&one["unchanged"])),
    ("refused", |one| text(&one["refused"])),
    ("because", |one| reasons(&one["reasons"])),
    ("stopped", |one| text(&one["error"])),
    ("started", |one| time(&one["created_at"])),
    ("ended", |one| time(&one["finished_at"])),
];

fn edit(edit: &Json) -> String {
    match edit["kind"].as_str() {
        Some("metadata") => {
            let changes = edit["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
            changes.iter().map(|one| format!("{}={}", text(&one["field"]), text(&one["value"]))).collect::<Vec<_>>().join(", ")
        }
        Some("owner") if edit["to"].is_null() => "owner: nobody".into(),
        Some("owner") => format!("owner: role {}", text(&edit["to"])),
        Some("remove") => "remove from the inventory".into(),
        Some("remove_field") => format!("remove the field {}", text(&edit["name"])),
        _ => String::new(),
    }
}

fn reasons(reasons: &Json) -> String {
    let all = reasons.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|one| format!("{}: {}", text(&one["count"]), text(&one["reason"]))).collect::<Vec<_>>().join("\n")
}

impl Bulk {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Bulk::Set { values, keep, which } => {
                let change = |(field, value): (String, String)| json!({ "field": field, "value": value, "overwrite": !keep });
                let changes: Vec<Json> = values.into_iter().map(change).collect();
                start(target, json!({ "kind": "metadata", "changes": changes }), which, output).await
            }
            Bulk::Owner { role, nobody: _, which } => {
                let owner = role.as_deref().map(reference);
                start(target, json!({ "kind": "owner", "owner": owner }), which, output).await
            }
            Bulk::Remove { which, yes } => {
                let which = Which { dry_run: which.dry_run || !yes, ..which };
                start(target, json!({ "kind": "remove" }), which, output).await
            }
            Bulk::List { limit } => {
                let mut items = Vec::new();
                target
                    .items(PATH, Some(limit), |item| {
                        items.push(item);
                        Ok(())
                    })
                    .await?;
                print_list(&items, COLUMNS, output)
            }
            Bulk::Show { id } => print_one(&target.get(&format!("{PATH}/{id}")).await?, LINES, output),
            Bulk::Run { id } => follow(target, id, output).await,
            Bulk::Cancel { id } => {
                target.send(Method::Post, &format!("{PATH}/{id}/cancel"), None).await?;
                if let Target::Local(local) = target {
                    // What is left of it is forgotten now, not when a server is started.
                    local.edit(BulkEditId(id)).await?;
                }
                print_done(&format!("edit {id} is cancelled"), &json!({ "bulk_edit": id, "done": "cancelled" }), output)
            }
        }
    }
}

async fn start(target: &Target, edit: Json, which: Which, output: Output) -> Result<(), Failure> {
    let mut input = json!({ "edit": edit });
    if which.ids.is_empty() {
        let owner = if which.unowned { Some("none".into()) } else { which.owned_by.as_deref().map(reference) };
        let collection = match &which.collection {
            Some(named) => Some(super::find(target, super::collection::PATH, "collection", named).await?),
            None => None,
        };
        input["filter"] = json!({ "q": which.words.unwrap_or_default(), "query": which.query.unwrap_or_default(), "owner": owner,
            "collection": collection });
    } else {
        let mut ids = Vec::with_capacity(which.ids.len());
        for id in &which.ids {
            ids.push(find_certificate(target, id).await?);
        }
        input["certificates"] = ids.into();
    }
    if which.dry_run {
        let found = target.put(Method::Post, &format!("{PATH}/preview"), &input).await?;
        return print_one(&found, PREVIEW, output);
    }
    let id = created(&target.put(Method::Post, PATH, &input).await?);
    if which.detach && matches!(target, Target::Remote(_)) {
        return print_done(&format!("edit {id} is started"), &json!({ "bulk_edit": id, "done": "started" }), output);
    }
    follow(target, id, output).await
}

const PREVIEW: &[Column] = &[
    ("selected", |one| text(&one["total"])),
    ("would change", |one| text(&one["changed"])),
    ("so already", |one| text(&one["unchanged"])),
    ("refused", |one| text(&one["refused"])),
    ("because", |one| reasons(&one["reasons"])),
    ("for example", |one| samples(&one["sample"])),
];

/// Certificates that a preview names.
const SAMPLES: usize = 20;

fn samples(sample: &Json) -> String {
    let all = sample.as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |one: &Json| match one["after"].is_null() {
        true => format!("{} {}: removed", text(&one["certificate"]), text(&one["title"])),
        false => format!("{} {}: {} → {}", text(&one["certificate"]), text(&one["title"]), one["before"], one["after"]),
    };
    let mut lines: Vec<String> = all.iter().take(SAMPLES).map(line).collect();
    if all.len() > SAMPLES {
        lines.push("…".into());
    }
    lines.join("\n")
}

/// Shows progress until an edit has ended, and then what became of it. One that did not come to its end is a failure.
pub(super) async fn follow(target: &Target, id: i64, output: Output) -> Result<(), Failure> {
    let bar = progress(output);
    let watched = watch(target, id, &bar);
    let last = match target {
        Target::Remote(_) => watched.await,
        Target::Local(local) => {
            let work = local.edit(BulkEditId(id));
            let (worked, last) = tokio::join!(work, watched);
            worked?;
            last
        }
    };
    bar.finish_and_clear();
    let last = last?;
    print_one(&last, LINES, output)?;
    match last["state"].as_str() {
        Some("done") => Ok(()),
        _ => Err(Failure::new(format!("edit {id} is {}", text(&last["state"])))),
    }
}

async fn watch(target: &Target, id: i64, bar: &ProgressBar) -> Result<Json, Failure> {
    loop {
        let edit = target.get(&format!("{PATH}/{id}")).await?;
        bar.set_length(edit["total"].as_u64().unwrap_or_default());
        bar.set_position(edit["done"].as_u64().unwrap_or_default());
        if !edit["finished_at"].is_null() {
            return Ok(edit);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn progress(output: Output) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    // Hidden by itself when standard error is no terminal.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} certificates, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
