//! One row of the record, as time lines and the event list show it.

use super::text::Link;
use super::time::Moment;
use super::tone::Tone;

/// One event.
#[derive(Clone, Debug)]
pub struct EventLine {
    /// Number in the chain.
    pub number: i64,
    /// When.
    pub at: Moment,
    /// Who: a sign-in name, a service account, or `Certhold` for its own jobs.
    pub actor: String,
    /// Through which face: `web`, `native`, `cli`, `keyfactor`, `job`…
    pub face: String,
    /// The operation's code: `certificate.owner.changed`.
    pub operation: String,
    /// What happened, as a sentence without the actor: `changed the owner`.
    pub summary: String,
    /// What it happened to, where that is not the page itself.
    pub object: Option<Link>,
    /// Colour of the mark: failures are [`Tone::Bad`], most others [`Tone::Neutral`].
    pub tone: Tone,
    /// Symbol of the mark.
    pub icon: &'static str,
    /// A sentence more: why something failed. Empty for most.
    pub detail: String,
    /// Fields before and after.
    pub changes: Vec<Change>,
    /// Where the record shows it, if the viewer may see the record.
    pub record: Option<String>,
    /// The link in the hash chain, hexadecimal; empty where the page does not show it.
    pub digest: String,
}

impl EventLine {
    /// The first characters of the digest.
    #[must_use]
    pub fn short_digest(&self) -> String {
        self.digest.chars().take(10).collect()
    }
}

/// One field, before and after. `None` means that there was, or is, nothing.
#[derive(Clone, Debug)]
pub struct Change {
    /// Name of the field in words.
    pub field: String,
    /// Value before.
    pub before: Option<String>,
    /// Value after.
    pub after: Option<String>,
}
