//! `certhold query …`: the language of `list` and of collections.

use serde_json::{Value as Json, json};

use super::{Column, print_done, print_list};
use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::target::{Method, Target, query};

/// The query language: fields, checking, completion
#[derive(clap::Subcommand)]
pub enum Query {
    /// List every field with its type and operators
    Fields,
    /// Say whether a query is right, and else where it is not
    Check {
        /// The query
        #[arg(value_name = "QUERY")]
        query: String,
    },
    /// Print what could stand next, a line each: the query so far with it
    Complete {
        /// The query so far
        #[arg(value_name = "QUERY", default_value = "")]
        query: String,
    },
}

const FIELDS: &[Column] = &[
    ("name", |one| text(&one["name"])),
    ("type", |one| text(&one["type"])),
    ("also", |one| text(&one["aliases"])),
    ("operators", |one| text(&one["operators"])),
    ("what it is", |one| text(&one["description"])),
];

impl Query {
    /// Does it.
    ///
    /// # Errors
    /// When the query is wrong, or the API cannot be asked.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Query::Fields => print_list(&target.all("/query/fields").await?, FIELDS, output),
            Query::Check { query } => {
                let checked = target.put(Method::Post, "/query/check", &json!({ "query": query })).await?;
                if checked["valid"] == true {
                    return print_done("the query is right", &checked, output);
                }
                Err(Failure::new(explain(&query, &checked["error"])))
            }
            Query::Complete { query: written } => {
                let offers = target.get(&format!("/query/complete{}", query([("text", Some(written.clone()))]))).await?;
                if output == Output::Json {
                    return output::print(&output::json(&offers));
                }
                let from = offers["from"].as_u64().and_then(|from| usize::try_from(from).ok()).unwrap_or(usize::MAX);
                let kept: String = written.chars().take(from).collect();
                let lines = offers["items"].as_array().into_iter().flatten();
                let lines: String =
                    lines.map(|item| format!("{}\n", output::tame(&format!("{kept}{}", text(&item["text"]))))).collect();
                output::print(&lines)
            }
        }
    }
}

/// The sentence, and below it the query with a mark under the place.
fn explain(query: &str, error: &Json) -> String {
    let column = error["column"].as_u64().and_then(|column| usize::try_from(column).ok()).unwrap_or(1);
    let suggestions: Vec<String> = error["suggestions"].as_array().into_iter().flatten().map(text).collect();
    let meant = if suggestions.is_empty() { String::new() } else { format!("; did you mean {}?", suggestions.join(" or ")) };
    let shown: String = query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("column {column}: {}{meant}\n  {shown}\n  {}^", text(&error["message"]), " ".repeat(column.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_under_the_place() {
        let error = json!({ "column": 4, "message": "-eqq is no operator", "suggestions": ["-eq"] });
        assert_eq!(explain("CN -eqq 1", &error), "column 4: -eqq is no operator; did you mean -eq?\n  CN -eqq 1\n     ^");
    }
}
