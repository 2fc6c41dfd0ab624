//! What a rule is made of.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Verdict;
use super::input::Input;

/// How bad a finding is. The worst is the least, so that sorting puts it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A requirement is broken: software may reject the certificate, or it protects nothing.
    Error,
    /// It works today for most, and is likely to fail somebody or soon.
    Warning,
    /// Worth knowing and usually worth mending at the next renewal.
    Notice,
    /// Nothing to do now.
    Info,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Severity; 4] = [Severity::Error, Severity::Warning, Severity::Notice, Severity::Info];

    /// The lower-case word used in queries, JSON and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
            Severity::Info => "info",
        }
    }

    /// The severity of this word.
    pub fn parse(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a rule is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A section of an RFC.
    Rfc(u16, &'static str),
    /// A section of the CA/Browser Forum's baseline requirements for TLS servers, and the day since when it applies to
    /// certificates that begin then or later; empty when it always did.
    TlsBr(&'static str, &'static str),
    /// A section of the CA/Browser Forum's extended validation guidelines.
    Ev(&'static str),
    /// Another document and its address.
    Other(&'static str, &'static str),
}

impl Source {
    /// Where it can be read.
    pub fn url(&self) -> String {
        match self {
            Source::Rfc(number, section) if section.starts_with(|c: char| c.is_ascii_uppercase()) => {
                format!("https://www.rfc-editor.org/rfc/rfc{number}#appendix-{section}")
            }
            Source::Rfc(number, section) => format!("https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"),
            Source::TlsBr(..) => "https://cabforum.org/working-groups/server/baseline-requirements/requirements/".to_owned(),
            Source::Ev(_) => "https://cabforum.org/working-groups/server/extended-validation/guidelines/".to_owned(),
            Source::Other(_, url) => (*url).to_owned(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Rfc(number, section) if section.starts_with(|c: char| c.is_ascii_uppercase()) => {
                write!(f, "RFC {number} appendix {section}")
            }
            Source::Rfc(number, section) => write!(f, "RFC {number} section {section}"),
            Source::TlsBr(section, "") => write!(f, "CA/Browser Forum TLS BR section {section}"),
            Source::TlsBr(section, since) => write!(f, "CA/Browser Forum TLS BR section {section}, since {since}"),
            Source::Ev(section) => write!(f, "CA/Browser Forum EV guidelines section {section}"),
            Source::Other(text, _) => f.write_str(text),
        }
    }
}

/// One rule: what it looks for, how bad it is, what to do, and where it is written.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its stable name, in lower case with hyphens.
    pub id: &'static str,
    /// How bad it is when broken.
    pub severity: Severity,
    /// What is wrong when it is broken, without the values.
    pub title: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Where it is written.
    pub source: Source,
    check: fn(&Input<'_>) -> Verdict,
}

impl Rule {
    pub(super) const fn new(
        id: &'static str,
        severity: Severity,
        title: &'static str,
        remedy: &'static str,
        source: Source,
        check: fn(&Input<'_>) -> Verdict,
    ) -> Rule {
        Rule { id, severity, title, remedy, source, check }
    }

    pub(super) fn judge(&self, input: &Input<'_>) -> Verdict {
        (self.check)(input)
    }

    /// The citation as text.
    pub fn citation(&self) -> String {
        self.source.to_string()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}
