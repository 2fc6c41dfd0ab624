//! `certhold events` and `certhold verify`.

use std::time::Duration;

use certhold_domain::Clock;
use serde_json::Value as Json;

use super::{Column, print_list};
use crate::duration;
use crate::failure::Failure;
use crate::opening::SystemClock;
use crate::output::{self, JsonArray, Output, text, time};
use crate::target::{Target, query};

/// Rows when nobody says how many.
const ROWS: usize = 100;

/// List what was decided, newest first
#[derive(clap::Args)]
pub struct Events {
    /// Only this operation, or a family of them: certificate.imported, or certificate.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only events about one object: certificate/7, managed/3, principal/1
    #[arg(long, value_name = "KIND/ID", value_parser = object)]
    about: Option<(String, Option<i64>)>,
    /// Only events of the last while, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    since: Option<Duration>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = ROWS)]
    limit: usize,
}

fn object(text: &str) -> Result<(String, Option<i64>), String> {
    let wrong = || format!("{text:?} is not an object: write its kind and number, such as certificate/7");
    match text.split_once('/') {
        None if !text.is_empty() => Ok((text.to_owned(), None)),
        Some((kind, id)) if !kind.is_empty() => Ok((kind.to_owned(), Some(id.parse().map_err(|_| wrong())?))),
        _ => Err(wrong()),
    }
}

const COLUMNS: &[Column] = &[
    ("seq", |event| text(&event["seq"])),
    ("at", |event| time(&event["at"])),
    ("who", |event| text(&event["actor"]["name"])),
    ("through", |event| text(&event["face"])),
    ("what", |event| text(&event["operation"])),
    ("object", |event| about(&event["object"])),
    ("name", |event| text(&event["object"]["name"])),
];

fn about(object: &Json) -> String {
    let (kind, id) = (text(&object["kind"]), text(&object["id"]));
    if id.is_empty() { kind } else { format!("{kind}/{id}") }
}

impl Events {
    /// Lists.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let since = self.since.map(|since| SystemClock.now().saturating_sub(duration::milliseconds(since)));
        let since = since.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let (kind, id) = self.about.unzip();
        let path = query([
            ("operation", self.operation),
            ("object_kind", kind),
            ("object", id.flatten().map(|id| id.to_string())),
            ("since", since.map(|at| at.to_string())),
        ]);
        let path = format!("/events{path}");
        if output == Output::Json {
            let mut array = JsonArray::begin();
            target.items(&path, Some(self.limit), |event| array.item(&event)).await?;
            return array.end();
        }
        let mut events = Vec::new();
        target
            .items(&path, Some(self.limit), |event| {
                events.push(event);
                Ok(())
            })
            .await?;
        print_list(&events, COLUMNS, output)
    }
}

/// Verify that the event log is what was written
///
/// # Errors
/// When it is not, or what the API refuses.
pub async fn verify(target: &Target, output: Output) -> Result<(), Failure> {
    let found = target.get("/events/verification").await?;
    let (events, heads) = (text(&found["events"]), text(&found["heads"]));
    let problems = found["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    match output {
        Output::Json => output::print(&output::json(&found))?,
        Output::Table => {
            for problem in problems {
                output::print(&format!("event {}: {}\n", text(&problem["seq"]), output::tame(&text(&problem["what"]))))?;
            }
            if found["intact"] == true {
                output::print(&format!("the log is intact: {events} events, {heads} signed heads\n"))?;
            }
        }
    }
    if found["intact"] == true {
        Ok(())
    } else {
        Err(Failure::new(format!("the event log is not what was written: {} problems", problems.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_by_kind_and_number() {
        assert_eq!(object("certificate/7"), Ok(("certificate".into(), Some(7))));
        assert_eq!(object("certificate"), Ok(("certificate".into(), None)));
        for wrong in ["", "/7", "certificate/", "certificate/x"] {
            assert!(object(wrong).is_err(), "{wrong}");
        }
    }
}
