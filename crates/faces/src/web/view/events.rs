//! `/events`: the record of everything, and whether it is whole.

use askama::Template;

use super::event::EventLine;
use super::filters;
use super::form::{Input, Select};
use super::frame::Frame;
use super::table::Pager;
use super::text::Link;
use super::time::Moment;
use super::tone::{Badge, Tone};

/// The record, one page of it.
#[derive(Clone, Debug, Template)]
#[template(path = "web/events.html")]
pub struct EventsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// What is looked for.
    pub search: EventSearch,
    /// The rows of this page, newest first.
    pub rows: Vec<EventLine>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Where the events that are shown can be had as a file.
    pub exports: Vec<Link>,
    /// Whether the chain is whole.
    pub chain: ChainState,
}

/// The filter form; sent by GET.
#[derive(Clone, Debug, Default)]
pub struct EventSearch {
    /// `actor`: sign-in name.
    pub actor: Input,
    /// Sign-in names to choose from.
    pub accounts: Vec<String>,
    /// `operation`: one of the operations, or empty for all.
    pub operation: Select,
    /// `since`: a date.
    pub since: Input,
    /// `until`: a date.
    pub until: Input,
    /// `text`: part of an actor's or object's name.
    pub text: Input,
    /// `face`: through what.
    pub face: Select,
    /// `address`: from where.
    pub address: Input,
    /// `request`: a request's id.
    pub request: Input,
    /// Whether any field is set.
    pub is_filtered: bool,
}

/// What is known of the hash chain.
#[derive(Clone, Debug)]
pub struct ChainState {
    /// What the last check found.
    pub verdict: ChainVerdict,
    /// When it was checked.
    pub checked: Option<Moment>,
    /// Number of the last event.
    pub head: i64,
    /// Digest of the last event, hexadecimal.
    pub head_digest: String,
    /// Signed heads that the check met; `None` before the first check.
    pub heads: Option<i64>,
    /// Where a check can be asked for, if the viewer may.
    pub check_action: Option<String>,
    /// Where a checkpoint can be asked for, if the viewer may.
    pub checkpoint_action: Option<String>,
}

/// What a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainVerdict {
    /// Every link fits, every signed head is met.
    Whole,
    /// A link does not fit, or a signed head is not met: which event, and how.
    Broken {
        /// Number of the event.
        event: i64,
        /// What is wrong, in one sentence.
        what: String,
    },
    /// No check has been made since the start.
    Unchecked,
}

impl ChainVerdict {
    /// As a badge.
    #[must_use]
    pub fn badge(&self) -> Badge {
        match self {
            Self::Whole => Badge::new("Chain whole", Tone::Good),
            Self::Broken { .. } => Badge::new("Chain broken", Tone::Bad),
            Self::Unchecked => Badge::new("Not checked yet", Tone::Neutral),
        }
    }
}
