//! The commands that work on a data directory or a server, one file per noun.

pub mod access;
pub mod authority;
pub mod backup;
pub mod bulk;
pub mod certificates;
pub mod chain;
pub mod claim;
pub mod client;
pub mod collection;
pub mod container;
pub mod convert;
pub mod deploy;
pub mod dns;
pub mod enrol;
pub mod events;
pub mod exclusion;
pub mod export;
pub mod findings;
pub mod identity;
pub mod issuer;
pub mod key;
pub mod managed;
pub mod metadata;
pub mod pattern;
pub mod query;
pub mod rekey;
pub mod revoke;
pub mod role;
pub mod set;
pub mod store;
mod through;
pub mod token;
pub mod user;
pub mod view;

use serde_json::{Value as Json, json};

use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::target::Target;

/// A column of a table: its heading, and what it shows of an item.
type Column = (&'static str, fn(&Json) -> String);

/// Prints a list that is at hand: a JSON array, or a table with these columns. The first column holds numbers.
fn print_list(items: &[Json], columns: &[Column], output: Output) -> Result<(), Failure> {
    match output {
        Output::Json => return output::print(&output::json(items)),
        Output::Csv => return output::print(&output::csv(items)),
        Output::Table => {}
    }
    let rows: Vec<Vec<String>> = items.iter().map(|item| columns.iter().map(|(_, show)| show(item)).collect()).collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    output::print(&output::table(&headings, &rows, &[0]))
}

/// Prints one object: as JSON, or as lines of names and values; empty values are left out.
fn print_one(object: &Json, lines: &[Column], output: Output) -> Result<(), Failure> {
    match output {
        Output::Json => return output::print(&output::json(object)),
        Output::Csv => return output::print(&output::csv(std::slice::from_ref(object))),
        Output::Table => {}
    }
    let pairs = lines.iter().map(|(name, show)| (*name, show(object))).filter(|(_, value)| !value.is_empty());
    output::print(&output::sheet(&pairs.collect::<Vec<_>>()))
}

/// Says that something was done: a sentence for people, an object for programs.
fn print_done(sentence: &str, object: &Json, output: Output) -> Result<(), Failure> {
    match output {
        Output::Table => output::print(&format!("{}\n", output::tame(sentence))),
        Output::Json => output::print(&output::json(object)),
        Output::Csv => output::print(&output::csv(std::slice::from_ref(object))),
    }
}

/// One value a line, so that scripts read them.
fn print_secret(answer: &Json, members: &[&str], output: Output) -> Result<(), Failure> {
    match output {
        Output::Table | Output::Csv => {
            let lines: String = members.iter().map(|member| format!("{}\n", output::tame(&text(&answer[*member])))).collect();
            output::print(&lines)
        }
        Output::Json => output::print(&output::json(answer)),
    }
}

/// The number of the object that somebody named: by its number, or by its name in the list at `path`, without regard to case.
async fn find(target: &Target, path: &str, noun: &str, named: &str) -> Result<i64, Failure> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let folded = named.trim().to_lowercase();
    let mut found = None;
    target
        .items(path, None, |item| {
            if text(&item["name"]).to_lowercase() == folded {
                found = item["id"].as_i64();
            }
            Ok(())
        })
        .await?;
    found.ok_or_else(|| not_found(noun, named))
}

/// The same refusal that the API gives for an object that does not exist.
fn not_found(noun: &str, named: &str) -> Failure {
    Failure::problem(json!({ "type": "urn:certhold:problem:not-found", "title": "Not found", "status": 404,
        "detail": format!("there is no {noun} {named:?}") }))
}

/// The number of what was just created.
fn created(answer: &Json) -> i64 {
    answer["id"].as_i64().unwrap_or_default()
}
