//! The log for other programs: JSON Lines, CEF, syslog lines and comma-separated values, a step at a time; and JSON Lines read back for verification.

use std::fmt::Write as _;
use std::io::BufRead;
use std::net::IpAddr;

use certhold_store::Tx;
use serde_json::{Value as Json, json};

use super::chain::Header;
use super::list::{self, Event, EventFilter};
use super::verify::{Stored, Trust, Verification, verify_rows};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::csv;
use crate::error::{Error, Result};
use crate::text::{hex, unhex};

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, with everything that verifying the log needs.
    JsonLines,
    /// ArcSight's Common Event Format, version 0.
    Cef,
    /// RFC 5424 lines whose message is CEF.
    Syslog,
    /// Comma-separated values (RFC 4180) below a head, harmless in spreadsheets.
    Csv,
}

impl Format {
    /// The word in addresses and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::JsonLines => "jsonl",
            Format::Cef => "cef",
            Format::Syslog => "syslog",
            Format::Csv => "csv",
        }
    }

    /// Every format.
    pub const ALL: [Format; 4] = [Format::JsonLines, Format::Cef, Format::Syslog, Format::Csv];

    /// What stands before the first event.
    pub fn head(self) -> String {
        match self {
            Format::JsonLines | Format::Cef | Format::Syslog => String::new(),
            Format::Csv => csv::line(CSV_HEAD),
        }
    }

    /// The format of this word.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Numbers that one step of an export goes through.
const STEP: i64 = 2_000;

/// The next step of an export, for auditors: events after `after`, oldest first, and the number from which the next step goes
/// on, unless this was the last. A step may find nothing and not be the last.
pub fn step(tx: &mut Tx<'_>, actor: &Actor, filter: &EventFilter, after: i64) -> Result<(Vec<Event>, Option<i64>)> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    list::step(tx, filter, after, STEP)
}

/// Appends an event as one line. `host` is who speaks, for syslog.
pub fn line(event: &Event, format: Format, host: &str, out: &mut String) {
    match format {
        Format::JsonLines => out.push_str(&json_object(event).to_string()),
        Format::Cef => cef(event, out),
        Format::Syslog => syslog(event, host, out),
        Format::Csv => return out.push_str(&csv_line(event)),
    }
    out.push('\n');
}

const CSV_HEAD: [&str; 15] = [
    "seq",
    "at",
    "actor_kind",
    "actor_id",
    "actor",
    "face",
    "operation",
    "object_kind",
    "object_id",
    "object",
    "request",
    "address",
    "before",
    "after",
    "hash",
];

/// Fields before and after stand in columns of their own; an event that has none tells its details in the second.
fn csv_line(event: &Event) -> String {
    let at = jiff::Timestamp::from_millisecond(event.at).map_or_else(|_| event.at.to_string(), |at| at.to_string());
    let number = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    let told = |value: &Json| if value.is_null() { String::new() } else { value.to_string() };
    let compares = event.payload.get("before").is_some() || event.payload.get("after").is_some();
    let (before, after) = match compares {
        true => (told(&event.payload["before"]), told(&event.payload["after"])),
        false => (String::new(), told(&event.payload)),
    };
    csv::line([
        event.seq.to_string().as_str(),
        &at,
        event.actor_kind.name(),
        &number(event.actor.map(|id| id.0)),
        &event.actor_name,
        &event.face,
        &event.operation,
        &event.object_kind,
        &number(event.object),
        &event.object_name,
        &event.request,
        &event.address,
        &before,
        &after,
        &hex(&event.hash),
    ])
}

fn json_object(event: &Event) -> Json {
    let at = jiff::Timestamp::from_millisecond(event.at).map_or_else(|_| Json::from(event.at), |at| Json::from(at.to_string()));
    json!({
        "seq": event.seq,
        "at": at,
        "actor": { "kind": event.actor_kind.name(), "id": event.actor, "name": event.actor_name },
        "face": event.face,
        "operation": event.operation,
        "object": { "kind": event.object_kind, "id": event.object, "name": event.object_name },
        "request": event.request,
        "address": event.address,
        "payload": event.payload,
        "hash": hex(&event.hash),
        "encoding": event.encoding,
        "salt": hex(&event.salt),
        "content_digest": event.erased.map(|digest| hex(&digest)),
    })
}

/// How serious an operation is, in CEF's scale from 0 to 10.
fn severity(operation: &str) -> u8 {
    let last = operation.rsplit('.').next().unwrap_or_default();
    match last {
        "locked" => 8,
        "failed" => 6,
        "deleted" | "destroyed" | "forgotten" | "exported" | "disabled" | "revoked" | "began" => 5,
        _ => 3,
    }
}

/// `CEF:0|vendor|product|version|class|name|severity|extension`; bars and backslashes are escaped in the header, equals signs,
/// backslashes and line ends in the extension.
fn cef(event: &Event, out: &mut String) {
    let version = env!("CARGO_PKG_VERSION");
    let name = event.operation.replace(['.', '_'], " ");
    let header = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace(['\r', '\n'], " ");
    let _ = write!(
        out,
        "CEF:0|Certhold|Certhold|{version}|{}|{}|{}|",
        header(&event.operation),
        header(&name),
        severity(&event.operation)
    );
    let mut first = true;
    let mut put = |key: &str, value: &str| {
        if value.is_empty() {
            return;
        }
        let value = value.replace('\\', "\\\\").replace('=', "\\=").replace('\r', "\\r").replace('\n', "\\n");
        let _ = write!(out, "{}{key}={value}", if first { "" } else { " " });
        first = false;
    };
    put("rt", &event.at.to_string());
    put("externalId", &event.seq.to_string());
    put("act", &event.operation);
    put("suser", &event.actor_name);
    put("suid", &event.actor.map(|id| id.0.to_string()).unwrap_or_default());
    match event.address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => put("src", &address.to_string()),
        Ok(IpAddr::V6(address)) => {
            put("c6a2", &address.to_string());
            put("c6a2Label", "Source IPv6 Address");
        }
        Err(_) => {}
    }
    let object = event.object.map_or_else(|| event.object_kind.clone(), |id| format!("{}/{id}", event.object_kind));
    let hash = hex(&event.hash);
    let labelled = [
        ("cs1", "object", object.as_str()),
        ("cs2", "objectName", event.object_name.as_str()),
        ("cs3", "face", event.face.as_str()),
        ("cs4", "request", event.request.as_str()),
        ("cs5", "hash", hash.as_str()),
    ];
    for (key, label, value) in labelled.into_iter().filter(|(_, _, value)| !value.is_empty()) {
        put(&format!("{key}Label"), label);
        put(key, value);
    }
    if !event.payload.is_null() {
        // The dictionary of CEF gives a message 1,023 characters.
        let text: String = event.payload.to_string().chars().take(1_023).collect();
        put("msg", &text);
    }
}

/// Facility 13, "log audit" (RFC 5424 §6.2.1).
const FACILITY: u8 = 13;

fn syslog(event: &Event, host: &str, out: &mut String) {
    let level = match severity(&event.operation) {
        7.. => 3,
        6 => 4,
        5 => 5,
        _ => 6,
    };
    let at = jiff::Timestamp::from_millisecond(event.at).map_or_else(|_| "-".into(), |at| format!("{at:.3}"));
    let word = |text: &str, longest: usize| {
        let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
        if word.is_empty() { "-".to_owned() } else { word }
    };
    let (host, kind) = (word(host, 255), word(&event.operation, 32));
    let _ = write!(out, "<{}>1 {at} {host} certhold - {kind} - ", FACILITY * 8 + level);
    cef(event, out);
}

/// Holds exported JSON Lines, from the first event on, against what is trusted. The installation is that of the first
/// checkpoint, which such a file does not know itself.
///
/// # Errors
/// When a line is no event of such an export: its number, counted from 1.
pub fn verify_lines(reader: impl BufRead, trust: &Trust) -> std::result::Result<Verification, LinesError> {
    let installation = trust.checkpoints.first().map(|checkpoint| checkpoint.installation.clone()).unwrap_or_default();
    verify_rows(&installation, &[], trust, |feeder| {
        for (line, number) in reader.lines().zip(1..) {
            let odd = || LinesError::Line(number);
            let line = line.map_err(|error| LinesError::Unreadable(error.to_string()))?;
            let event: Json = serde_json::from_str(&line).map_err(|_| odd())?;
            let row = parse(&event).ok_or_else(odd)?;
            let payload = (!event["payload"].is_null()).then(|| event["payload"].to_string());
            let stored = Stored { payload: payload.as_deref(), salt: &row.salt, ..row.stored };
            feeder.row(&stored).map_err(|error| LinesError::Fault(Error::from(error)))?;
        }
        Ok(())
    })
}

/// Why JSON Lines could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// A line is no event.
    #[error("line {0} is no event of an export as JSON Lines")]
    Line(u64),
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A fault of ours.
    #[error(transparent)]
    Fault(#[from] Error),
}

struct Parsed<'a> {
    stored: Stored<'a>,
    salt: Vec<u8>,
}

fn parse(event: &Json) -> Option<Parsed<'_>> {
    let text = |value: &'_ Json| value.as_str().map(str::len).is_some();
    let at: jiff::Timestamp = event["at"].as_str()?.parse().ok()?;
    let (actor, object) = (&event["actor"], &event["object"]);
    [&actor["name"], &object["name"], &event["request"]].into_iter().all(text).then_some(())?;
    let digest = |value: &Json| unhex(value.as_str()?)?.try_into().ok();
    let kept = match &event["content_digest"] {
        Json::Null => None,
        value => Some(digest(value)?),
    };
    let header = Header {
        seq: event["seq"].as_i64()?,
        at: at.as_millisecond(),
        actor_kind: actor["kind"].as_str()?,
        actor: actor["id"].as_i64(),
        actor_name: actor["name"].as_str()?,
        face: event["face"].as_str()?,
        operation: event["operation"].as_str()?,
        object_kind: object["kind"].as_str()?,
        object: object["id"].as_i64(),
        object_name: object["name"].as_str()?,
        request: event["request"].as_str()?,
        address: event["address"].as_str()?,
    };
    let hash = digest(&event["hash"])?;
    let stored = Stored { header, encoding: event["encoding"].as_i64()?, salt: &[], payload: None, kept, hash };
    Some(Parsed { stored, salt: unhex(event["salt"].as_str()?)? })
}
