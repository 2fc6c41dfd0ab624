//! `/certificates/{id}`: one certificate, what it says and what was decided about it.

use askama::Template;

use super::access::WhoMay;
use super::event::EventLine;
use super::filters;
use super::form::Select;
use super::frame::Frame;
use super::managed::TroubleDetail;
use super::metadata::MetadataCard;
use super::text::Link;
use super::time::Moment;
use super::tone::{Badge, Tone, Validity};

/// The page of one certificate.
#[derive(Clone, Debug, Template)]
#[template(path = "web/certificate.html")]
pub struct CertificatePage {
    /// Title (the first name) and navigation.
    pub frame: Frame,
    /// Its number in the inventory.
    pub id: i64,
    /// `collection`: the collection through which the viewer came; every form sends it.
    pub within: Option<i64>,
    /// State in a few words: life first, then managed, revoked, duplicate…
    pub badges: Vec<Badge>,
    /// Its life.
    pub validity: Validity,
    /// The managed certificate it is a version of.
    pub managed: Option<Link>,
    /// Facts in groups: subject, issuer, key, identifiers.
    pub groups: Vec<FactGroup>,
    /// Subject alternative names, in the order of the certificate.
    pub names: Vec<SubjectName>,
    /// Extensions, in the order of the certificate.
    pub extensions: Vec<Extension>,
    /// Facts that are folded away.
    pub more: Vec<FactGroup>,
    /// What is wrong with it, the worst first.
    pub findings: Vec<FindingLine>,
    /// Who issued it, up to the roots.
    pub chains: super::chains::ChainsCard,
    /// Who answers for it.
    pub owner: OwnerCard,
    /// What is noted about it.
    pub noted: MetadataCard,
    /// Whether the private key is here.
    pub key: KeyCard,
    /// Where it is installed.
    pub locations: Vec<super::stores::LocationRow>,
    /// All versions of the same lineage, newest first, this one among them.
    pub versions: Vec<Version>,
    /// What happened, newest first.
    pub history: Vec<EventLine>,
    /// The rest of the history, if it is longer.
    pub more_history: Option<String>,
    /// The form that makes it a managed certificate, if that is possible and the viewer may.
    pub adopt: Option<String>,
    /// Whether the viewer may remove it from the inventory.
    pub may_remove: bool,
    /// Whether the viewer may remove it so that no import brings it back.
    pub may_exclude: bool,
    /// Whether the viewer may see what is excluded.
    pub may_readmit: bool,
    /// Its revocation, if it is revoked.
    pub revoked: Option<RevokedCard>,
    /// That nobody renews it in time, if so.
    pub renewal: Option<RenewalNotice>,
    /// Where it is revoked, or its issuer is asked once more; `None`: it is, or the viewer may not.
    pub revoke: Option<String>,
    /// Where it is issued again for a new key; `None`: not here, or the viewer may not.
    pub renew: Option<String>,
    /// Who may do what to it, by role; empty for viewers who may not read roles.
    pub who_may: Vec<WhoMay>,
    /// What can be downloaded.
    pub downloads: Vec<Download>,
    /// The certificate as PEM.
    pub pem: String,
}

impl CertificatePage {
    fn path(&self, action: &str) -> String {
        format!("/certificates/{}/{action}", self.id)
    }
}

/// Facts under one heading.
#[derive(Clone, Debug)]
pub struct FactGroup {
    /// Heading.
    pub title: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// One fact.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// What the certificate says.
    pub value: FactValue,
    /// Whether a copy button stands beside it.
    pub can_copy: bool,
}

impl Fact {
    /// A fact in words.
    #[must_use]
    pub fn text(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: FactValue::Text(value.into()), can_copy: false }
    }

    /// A fact in letters and digits (serial number, fingerprint), with a copy button.
    #[must_use]
    pub fn code(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: FactValue::Code(value.into()), can_copy: true }
    }

    /// An instant.
    #[must_use]
    pub fn time(label: impl Into<String>, at: Moment) -> Self {
        Self { label: label.into(), value: FactValue::Time(at), can_copy: false }
    }

    /// A certificate or page that the fact names.
    #[must_use]
    pub fn link(label: impl Into<String>, to: Link) -> Self {
        Self { label: label.into(), value: FactValue::Link(to), can_copy: false }
    }

    /// The same fact with a copy button.
    #[must_use]
    pub fn copyable(mut self) -> Self {
        self.can_copy = true;
        self
    }
}

/// The value of a fact.
#[derive(Clone, Debug)]
pub enum FactValue {
    /// Letters and digits, in a fixed-width face.
    Code(String),
    /// Another page.
    Link(Link),
    /// Words.
    Text(String),
    /// An instant, to the second.
    Time(Moment),
}

impl FactValue {
    /// What the copy button copies.
    #[must_use]
    pub fn copied(&self) -> String {
        match self {
            Self::Code(text) | Self::Text(text) => text.clone(),
            Self::Link(link) => link.label.clone(),
            Self::Time(moment) => moment.iso(),
        }
    }
}

/// Something that is wrong with the certificate.
#[derive(Clone, Debug)]
pub struct FindingLine {
    /// How bad it is: a word and a shape.
    pub badge: Badge,
    /// The rule's stable name.
    pub rule: String,
    /// What is wrong.
    pub sentence: String,
    /// What to do.
    pub remedy: String,
    /// Where the rule is written.
    pub citation: String,
    /// The address of that.
    pub href: String,
}

/// One subject alternative name.
#[derive(Clone, Debug)]
pub struct SubjectName {
    /// `DNS`, `IP`, `email`, `URI`, `other`…
    pub kind: String,
    /// The name as the certificate has it.
    pub value: String,
}

/// One extension.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Name in words, or the object identifier again where it has none.
    pub name: String,
    /// Object identifier.
    pub oid: String,
    /// Whether it is marked critical.
    pub is_critical: bool,
    /// Content in words, or hexadecimal where it is not understood.
    pub value: String,
}

/// Where the people of an owner role are reached.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// The role's mail address; empty if it has none.
    pub email: String,
    /// The people who hold the role, a few; none for viewers who may not read roles.
    pub people: Vec<Link>,
    /// Whether there are more of them.
    pub has_more: bool,
}

impl Contact {
    /// What writes to the address; nothing if it is not plainly one: it could say more than whom to write to.
    #[must_use]
    pub fn mailto(&self) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
        let is_address = self.email.split('@').count() == 2 && self.email.chars().all(is_plain);
        is_address.then(|| format!("mailto:{}", self.email))
    }
}

/// Who answers for the certificate, and the form that changes it.
#[derive(Clone, Debug, Default)]
pub struct OwnerCard {
    /// `container`: the container through which the viewer may change the owner, where it is one.
    pub container: Option<i64>,
    /// The owner role.
    pub owner: Option<Link>,
    /// How many people hold that role, where the viewer may know.
    pub people: Option<i64>,
    /// Where they are reached.
    pub contact: Contact,
    /// The roles to choose from; an empty value takes the owner away. `None`: the viewer may not change the owner.
    pub form: Option<Select>,
    /// Why the viewer may not change the owner, where it is not a permission that is lacking; else empty.
    pub reason: String,
    /// What the viewer lacks, where `form` is `None`: permission paths.
    pub missing: Vec<String>,
}

/// That it is revoked: since when, by whom, why, and whether its issuer knows.
#[derive(Clone, Debug)]
pub struct RevokedCard {
    /// From when on.
    pub at: Moment,
    /// Who recorded it; empty where that is not known.
    pub by: String,
    /// Why, in words: `because its key is in wrong hands (keyCompromise)`; empty if no reason is given.
    pub because: String,
    /// What whoever recorded it said.
    pub comment: String,
    /// What its issuer knows of it, in sentences.
    pub at_issuer: (Tone, String),
}

/// That nobody renews it in time: its managed certificate is in trouble, or there is none.
#[derive(Clone, Debug)]
pub struct RenewalNotice {
    /// How much it asks of the reader.
    pub tone: Tone,
    /// What is wrong, and what to do.
    pub trouble: TroubleDetail,
    /// Its managed certificate.
    pub managed: Option<Link>,
    /// Where it is renewed now, if the viewer may.
    pub renew: Option<String>,
    /// Where it becomes a managed certificate, if that is possible and the viewer may.
    pub adopt: Option<String>,
    /// The permission that the viewer lacks to see more; else empty.
    pub missing: &'static str,
}

/// The private key.
#[derive(Clone, Debug, Default)]
pub struct KeyCard {
    /// Whether it is in custody.
    pub is_held: bool,
    /// In a sentence: where it is and since when, or that it is not here.
    pub text: String,
    /// Where it is exported or destroyed, if it is here and the viewer may.
    pub href: Option<String>,
}

/// One version of a lineage.
#[derive(Clone, Debug)]
pub struct Version {
    /// Counted from 1.
    pub number: i64,
    /// Its page.
    pub href: String,
    /// Its life.
    pub validity: Validity,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Whether it is the one on this page.
    pub is_this: bool,
    /// Whether it is the one in service.
    pub is_in_service: bool,
}

/// A file to download.
#[derive(Clone, Debug)]
pub struct Download {
    /// `PEM`, `DER`, `Chain`.
    pub label: String,
    /// What is in it.
    pub hint: String,
    /// Where.
    pub href: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_written_to() {
        let mailto = |email: &str| Contact { email: email.into(), ..Contact::default() }.mailto();
        assert_eq!(mailto("web-team+pki@example.com").as_deref(), Some("mailto:web-team+pki@example.com"));
        for other in
            ["", "web", "a@example.com?cc=b@example.com", "a@example.com,b@example.com", "a b@example.com", "ä@example.com"]
        {
            assert_eq!(mailto(other), None, "{other}");
        }
    }
}
