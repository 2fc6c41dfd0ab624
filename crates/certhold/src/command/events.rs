//! `certhold events` and `certhold verify`.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use certhold_domain::Clock;
use certhold_domain::events::{Checkpoint, Trust, export};
use serde_json::{Value as Json, json};

use super::{Column, print_list};
use crate::duration;
use crate::failure::Failure;
use crate::opening::SystemClock;
use crate::output::{self, JsonArray, Output, text, time};
use crate::target::{Method, Target, query};

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
    /// Only events before the last while, such as 1h: with --since 24h, the 23 hours before
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    until: Option<Duration>,
    /// Only events by whom: the number of a person or service account
    #[arg(long, value_name = "NUMBER")]
    actor: Option<i64>,
    /// Only events through this face: native, keyfactor, arcgis, web, cli, worker or server
    #[arg(long, value_name = "NAME")]
    face: Option<String>,
    /// Only events from this address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Only events of this request
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only events whose actor or object has this text in its name
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = ROWS, conflicts_with = "format")]
    limit: usize,
    /// Export all of them, oldest first: jsonl, cef, syslog or csv
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Export only events after this number
    #[arg(long, value_name = "NUMBER", requires = "format")]
    after: Option<i64>,
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

/// Everything that a list tells of an event.
const CSV_COLUMNS: &[Column] = &[
    ("seq", |event| text(&event["seq"])),
    ("at", |event| text(&event["at"])),
    ("actor_kind", |event| text(&event["actor"]["kind"])),
    ("actor", |event| text(&event["actor"]["name"])),
    ("face", |event| text(&event["face"])),
    ("operation", |event| text(&event["operation"])),
    ("object", |event| about(&event["object"])),
    ("object_name", |event| text(&event["object"]["name"])),
    ("request", |event| text(&event["request"])),
    ("address", |event| text(&event["address"])),
    ("payload", |event| if event["payload"].is_null() { String::new() } else { event["payload"].to_string() }),
    ("hash", |event| text(&event["hash"])),
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
        let now = SystemClock.now();
        let ago = |age: Duration| jiff::Timestamp::from_millisecond(now.saturating_sub(duration::milliseconds(age))).ok();
        let (since, until) = (self.since.and_then(ago), self.until.and_then(ago));
        let (kind, id) = self.about.unzip();
        let format = self.format;
        let path = query([
            ("format", format.clone()),
            ("after", self.after.map(|after| after.to_string())),
            ("actor", self.actor.map(|actor| actor.to_string())),
            ("face", self.face),
            ("address", self.address),
            ("request", self.request),
            ("text", self.text),
            ("operation", self.operation),
            ("object_kind", kind),
            ("object", id.flatten().map(|id| id.to_string())),
            ("since", since.map(|at| at.to_string())),
            ("until", until.map(|at| at.to_string())),
        ]);
        if format.is_some() {
            let print = |bytes: &[u8]| output::print_bytes(bytes);
            return target.follow(&format!("/events/export{path}"), print).await;
        }
        let path = format!("/events{path}");
        if output == Output::Json {
            let mut array = JsonArray::begin();
            target.items(&path, Some(self.limit), |event| array.item(&event)).await?;
            return array.end();
        }
        if output == Output::Csv {
            let mut lines = output::CsvLines::begin(CSV_COLUMNS)?;
            target.items(&path, Some(self.limit), |event| lines.item(&event)).await?;
            return lines.end();
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
#[derive(clap::Args)]
pub struct Verify {
    /// Also that the log extends this checkpoint, which an auditor kept; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Verify the log inside this backup, without a server or data directory
    #[arg(long, value_name = "FILE", conflicts_with = "events")]
    backup: Option<PathBuf>,
    /// Verify a log that was exported as JSON Lines, without a server or data directory; needs a checkpoint
    #[arg(long, value_name = "FILE", requires = "checkpoint")]
    events: Option<PathBuf>,
}

impl Verify {
    /// Whether no server and no data directory are needed.
    pub fn is_offline(&self) -> bool {
        self.backup.is_some() || self.events.is_some()
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, Failure> {
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path.display(), &error))?;
            let none = || Failure::new(format!("{} is no checkpoint of Certhold", path.display()));
            Checkpoint::parse(&text).ok_or_else(none)
        };
        self.checkpoint.iter().map(read).collect()
    }

    /// Verifies a file.
    ///
    /// # Errors
    /// When it is not what was written, or cannot be read.
    pub fn run_offline(&self, output: Output) -> Result<(), Failure> {
        let checkpoints = self.checkpoints()?;
        let found = match (&self.backup, &self.events) {
            (Some(file), _) => super::backup::verify(file, checkpoints)?,
            (None, Some(file)) => {
                let opened = std::fs::File::open(file).map_err(|error| Failure::io(file.display(), &error))?;
                let trust = Trust { checkpoints, ..Trust::default() };
                let found = export::verify_lines(std::io::BufReader::new(opened), &trust);
                found.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?
            }
            (None, None) => return Err(Failure::usage("name a file")),
        };
        let problems: Vec<Json> = found.problems.iter().map(|one| json!({ "seq": one.seq, "what": one.what })).collect();
        let document = json!({ "intact": found.intact(), "events": found.events, "erased": found.erased, "heads": found.heads,
            "checkpoints": found.checkpoints, "problems": problems });
        tell(&document, output)
    }

    /// Verifies the log of a server or a data directory.
    ///
    /// # Errors
    /// When it is not what was written, or what the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let checkpoints: Vec<Json> = self.checkpoints()?.iter().map(Checkpoint::to_json).collect();
        let found = match checkpoints.is_empty() {
            true => target.get("/events/verification").await?,
            false => target.put(Method::Post, "/events/verification", &json!({ "checkpoints": checkpoints })).await?,
        };
        tell(&found, output)
    }
}

/// Save the signed end of the event log, for an auditor to keep
#[derive(clap::Args)]
pub struct SaveCheckpoint {
    /// The file to write; it must not exist. Without one, the checkpoint is printed
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl SaveCheckpoint {
    /// Signs the end of the log, and writes it.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or what the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let found = target.send(Method::Post, "/events/checkpoint", None).await?;
        let document = output::json(&found);
        let Some(file) = self.file else { return output::print(&document) };
        let failed = |error: std::io::Error| Failure::io(file.display(), &error);
        let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).open(&file).map_err(failed)?;
        opened.write_all(document.as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)?;
        let sentence = format!("{} vouches for the log up to event {}", file.display(), text(&found["seq"]));
        super::print_done(&sentence, &json!({ "file": file, "seq": found["seq"] }), output)
    }
}

fn tell(found: &Json, output: Output) -> Result<(), Failure> {
    let (events, heads) = (text(&found["events"]), text(&found["heads"]));
    let problems = found["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    let count = |name: &str, words: &str| match found[name].as_i64() {
        Some(1..) => format!(", {} {words}", text(&found[name])),
        _ => String::new(),
    };
    match output {
        Output::Json => output::print(&output::json(found))?,
        Output::Table | Output::Csv => {
            for problem in problems {
                output::print(&format!("event {}: {}\n", text(&problem["seq"]), output::tame(&text(&problem["what"]))))?;
            }
            if found["intact"] == true {
                let more = count("checkpoints", "checkpoints extended") + &count("erased", "erased by retention");
                output::print(&format!("the log is intact: {events} events, {heads} signed heads{more}\n"))?;
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
