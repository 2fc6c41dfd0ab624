//! The commands that work on a data directory or a server, one file per noun.

pub mod certificates;
pub mod events;

use serde_json::Value as Json;

use crate::failure::Failure;
use crate::output::{self, Output};

/// A column of a table: its heading, and what it shows of an item.
type Column = (&'static str, fn(&Json) -> String);

/// Prints a list that is at hand: a JSON array, or a table with these columns. The first column holds numbers.
fn print_list(items: &[Json], columns: &[Column], output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return output::print(&output::json(items));
    }
    let rows: Vec<Vec<String>> = items.iter().map(|item| columns.iter().map(|(_, show)| show(item)).collect()).collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    output::print(&output::table(&headings, &rows, &[0]))
}

/// Prints one object: as JSON, or as lines of names and values; empty values are left out.
fn print_one(object: &Json, lines: &[Column], output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return output::print(&output::json(object));
    }
    let pairs = lines.iter().map(|(name, show)| (*name, show(object))).filter(|(_, value)| !value.is_empty());
    output::print(&output::sheet(&pairs.collect::<Vec<_>>()))
}

/// Says that something was done: a sentence for people, an object for programs.
fn print_done(sentence: &str, object: &Json, output: Output) -> Result<(), Failure> {
    match output {
        Output::Table => output::print(&format!("{}\n", output::tame(sentence))),
        Output::Json => output::print(&output::json(object)),
    }
}
