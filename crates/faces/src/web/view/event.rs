//! One row of the record, as time lines and the event list show it, and on its own page.

use askama::Template;

use super::frame::Frame;
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
    /// Through what, in words: `through the pages`, `through the API`, `on the command line`…
    pub through: &'static str,
    /// The operation's code: `certificate.owner.changed`.
    pub operation: String,
    /// What happened, as a sentence without the actor: `changed the owner`.
    pub summary: String,
    /// What it happened to, where that is not the page itself.
    pub object: Option<Link>,
    /// How the sentence ends after the object: `into the certificate store “Edge”`. Empty for most.
    pub rest: String,
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

/// One event on its own page.
#[derive(Clone, Debug, Template)]
#[template(path = "web/event.html")]
pub struct EventPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The event as lists show it.
    pub line: EventLine,
    /// Who, in full: kind and name.
    pub actor: Link,
    /// What kind of actor: `person`, `service account`, …
    pub actor_kind: String,
    /// What it is about: its page, if there is one that the viewer may open. Without text where it has no name.
    pub object: Link,
    /// Kind and number of it: `certificate 7`.
    pub about: String,
    /// From where; empty for none.
    pub address: String,
    /// The request's id; empty for none.
    pub request: String,
    /// Fields before and after, whole.
    pub changes: Vec<Change>,
    /// What it says besides, as JSON; empty for nothing.
    pub details: String,
    /// The digest of what retention has erased.
    pub erased: Option<String>,
    /// The chain's digest before it; empty for the first.
    pub previous: String,
    /// How the row is digested.
    pub encoding: i64,
    /// What its content is digested with; empty when it was erased.
    pub salt: String,
    /// The signed head that covers it.
    pub head: Option<HeadCard>,
    /// The event before.
    pub before: Option<String>,
    /// The event after.
    pub after: Option<String>,
}

/// A signed head of the chain.
#[derive(Clone, Debug)]
pub struct HeadCard {
    /// The last event that it covers.
    pub number: i64,
    /// When it was signed.
    pub at: Moment,
    /// The chain's digest there.
    pub digest: String,
    /// The Ed25519 public key.
    pub public_key: String,
    /// The signature.
    pub signature: String,
}
