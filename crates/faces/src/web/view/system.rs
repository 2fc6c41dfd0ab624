//! `/system`: what everything is sealed under, backups, deliveries of the log.

use askama::Template;

use super::filters;
use super::frame::Frame;
use super::time::Moment;

/// The state of the server.
#[derive(Clone, Debug, Template)]
#[template(path = "web/system.html")]
pub struct SystemPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Master keys, oldest first.
    pub keys: Vec<KeyLine>,
    /// What the rotation that is under way does or waits for.
    pub rotation: Option<String>,
    /// Whether the viewer may rotate.
    pub may_rotate: bool,
    /// Nodes: name, keys that they hold, when they were seen.
    pub nodes: Vec<(String, String, Moment)>,
    /// The last backup: when, and its file.
    pub backup: Option<(Moment, String)>,
    /// Deliveries of the log.
    pub deliveries: Vec<DeliveryLine>,
}

/// A master key.
#[derive(Clone, Debug)]
pub struct KeyLine {
    /// Its number.
    pub number: i64,
    /// "current", …
    pub state: &'static str,
    /// When it was made.
    pub created: Moment,
    /// Secrets sealed under it.
    pub secrets: i64,
    /// Where it can be let go of, if it can.
    pub forget_action: Option<String>,
}

/// A delivery of the log.
#[derive(Clone, Debug)]
pub struct DeliveryLine {
    /// To whom.
    pub target: String,
    /// The last event that was delivered.
    pub seq: i64,
    /// Events that wait.
    pub waiting: i64,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When something was last delivered or tried.
    pub updated: Moment,
}
