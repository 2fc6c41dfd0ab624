//! What a pattern asks of requests, and the pure decision whether one is as asked.

use certhold_pki::issue::{DistinguishedName, GeneralName};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::metadata;
use crate::private_ca::Profile;
use crate::renewal::KeyKind;
use crate::{limits, text};

/// In which way a certificate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With a key that is made here, and a file or custody for it.
    Pfx,
    /// For a signing request.
    Csr,
    /// With a key that is made here, and its signing request first.
    CsrGeneration,
}

impl Kind {
    /// Its name in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Pfx => "with a key that is made here",
            Kind::Csr => "for a signing request",
            Kind::CsrGeneration => "with a signing request that is made here",
        }
    }
}

/// The ways in which certificates may be asked for; none: the pattern rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds {
    /// See [`Kind::Pfx`].
    pub pfx: bool,
    /// See [`Kind::Csr`].
    pub csr: bool,
    /// See [`Kind::CsrGeneration`].
    pub csr_generation: bool,
}

impl Kinds {
    /// Every way.
    pub const ALL: Kinds = Kinds { pfx: true, csr: true, csr_generation: true };

    /// Whether this way is among them.
    pub fn allow(self, kind: Kind) -> bool {
        match kind {
            Kind::Pfx => self.pfx,
            Kind::Csr => self.csr,
            Kind::CsrGeneration => self.csr_generation,
        }
    }
}

/// The parts of subjects and names that rules speak of: the code in APIs, the way people call it.
pub const PARTS: &[(&str, &str)] = &[
    ("CN", "Common name"),
    ("O", "Organization"),
    ("OU", "Organizational unit"),
    ("L", "City or locality"),
    ("ST", "State or province"),
    ("C", "Country"),
    ("E", "Email address"),
    ("DNS", "DNS name"),
    ("IP4", "IPv4 address"),
    ("IP6", "IPv6 address"),
    ("MAIL", "Email address among the names"),
    ("UPN", "User principal name"),
    ("URI", "URI"),
];

/// How many of [`PARTS`] belong to the subject; the others are kinds of alternative names.
const SUBJECT_PARTS: usize = 7;

/// What is asked of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRule {
    /// One of [`PARTS`].
    pub part: String,
    /// The value of a subject that leaves it out; empty for none.
    #[serde(default)]
    pub default: String,
    /// A regular expression that every value must match somewhere; empty for none. A part of the subject that is left out is matched
    /// as the empty text.
    #[serde(default)]
    pub regex: String,
    /// What is said when it does not match; empty for a sentence of ours.
    #[serde(default)]
    pub message: String,
}

impl PartRule {
    fn place(&self) -> Option<usize> {
        PARTS.iter().position(|(code, _)| *code == self.part)
    }

    fn is_of_subject(&self) -> bool {
        self.place().is_some_and(|place| place < SUBJECT_PARTS)
    }

    /// The values of this part, in a subject or among names.
    fn values(&self, subject: &DistinguishedName, names: &[GeneralName]) -> Vec<String> {
        if self.is_of_subject() {
            let keyword = if self.part == "E" { "emailAddress" } else { self.part.as_str() };
            let values = subject.parts().into_iter().filter(|(known, _)| known == keyword);
            return values.map(|(_, value)| value).collect();
        }
        let fits = |name: &&GeneralName| match name {
            GeneralName::Dns(_) => self.part == "DNS",
            GeneralName::Ip(address) => self.part == if address.is_ipv4() { "IP4" } else { "IP6" },
            GeneralName::Email(_) => self.part == "MAIL",
            GeneralName::Uri(_) => self.part == "URI",
            GeneralName::Upn(_) => self.part == "UPN",
        };
        names.iter().filter(fits).map(GeneralName::value).collect()
    }

    fn require(&self, subject: &DistinguishedName, names: &[GeneralName]) -> Result<(), Refusal> {
        if self.regex.is_empty() {
            return Ok(());
        }
        // A stored expression was compiled before it was stored; should it not compile any more, nothing fits.
        let regex = compiled(&self.regex).ok();
        let mut values = self.values(subject, names);
        if values.is_empty() && self.is_of_subject() {
            values.push(String::new());
        }
        let Some(wrong) = values.iter().find(|value| !regex.as_ref().is_some_and(|regex| regex.is_match(value))) else {
            return Ok(());
        };
        let field = if self.is_of_subject() { "subject" } else { "names" };
        let what = match (wrong.is_empty(), self.message.is_empty()) {
            (_, false) => self.message.clone(),
            (true, true) => format!("it is missing; it must match {}", self.regex),
            (false, true) => format!("{wrong:?} does not match {}", self.regex),
        };
        Err(Refusal::invalid(field, format!("{}: {what}", self.part)))
    }

    /// The rule in its normal form, if it can be one.
    fn checked(&self) -> Result<PartRule, Refusal> {
        let part = self.part.trim().to_ascii_uppercase();
        let rule = PartRule {
            part: part.clone(),
            default: self.default.trim().to_owned(),
            regex: self.regex.clone(),
            message: self.message.trim().to_owned(),
        };
        let wrong = |message: String| Refusal::invalid("subject", format!("{part}: {message}"));
        if rule.place().is_none() {
            let known: Vec<&str> = PARTS.iter().map(|(code, _)| *code).collect();
            return Err(Refusal::invalid("subject", format!("there is no part {part:?}: it is one of {}", known.join(", "))));
        }
        text::line("subject", &rule.message, limits::RULE_MESSAGE_CHARS)?;
        text::line("subject", &rule.regex, limits::REGEX_CHARS)?;
        if rule.regex.is_empty() && !rule.message.is_empty() {
            return Err(wrong("a message needs a regular expression beside it".into()));
        }
        let regex = if rule.regex.is_empty() { None } else { Some(compiled(&rule.regex).map_err(&wrong)?) };
        if rule.default.is_empty() {
            return Ok(rule);
        }
        if !rule.is_of_subject() {
            return Err(wrong("only parts of the subject have a default".into()));
        }
        DistinguishedName::default().with(&part, &rule.default).map_err(|error| wrong(error.to_string()))?;
        match regex {
            Some(regex) if !regex.is_match(&rule.default) => Err(wrong("the default does not match the expression".into())),
            _ => Ok(rule),
        }
    }
}

fn compiled(expression: &str) -> Result<Regex, String> {
    metadata::compile(expression).map_err(|error| metadata::why_no_regex(&error))
}

/// What is asked of every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// In which ways certificates may be asked for.
    pub kinds: Kinds,
    /// How many days a certificate lives when nobody says; those of the template when `None`.
    #[serde(default)]
    pub days: Option<i64>,
    /// How many days at most; those of the template when `None`.
    #[serde(default)]
    pub most_days: Option<i64>,
    /// The keys that certificates may have; empty: every one that authorities here take. The first is made when nobody chooses.
    #[serde(default, with = "key_names")]
    pub keys: Vec<KeyKind>,
    /// Whether names may be wildcards.
    pub wildcards: bool,
    /// Whether a key may get a certificate that has one already.
    pub key_reuse: bool,
    /// Whether at least one alternative name is needed, and the common name must be among them (RFC 2818, RFC 9525).
    pub rfc: bool,
    /// What is asked of parts of the subject and of names, each part once.
    #[serde(default)]
    pub parts: Vec<PartRule>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            kinds: Kinds::ALL,
            days: None,
            most_days: None,
            keys: Vec::new(),
            wildcards: false,
            key_reuse: false,
            rfc: true,
            parts: Vec::new(),
        }
    }
}

/// Kinds of keys by their names.
mod key_names {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::renewal::KeyKind;

    pub fn serialize<S: Serializer>(keys: &[KeyKind], serializer: S) -> Result<S::Ok, S::Error> {
        keys.iter().map(|kind| kind.name()).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<KeyKind>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| KeyKind::parse(name).map_err(serde::de::Error::custom)).collect()
    }
}

/// The key for which a certificate is asked.
#[derive(Clone, Copy, Debug)]
pub struct AskedKey<'a> {
    /// "RSA", "EC", "Ed25519" …
    pub algorithm: &'a str,
    /// Its size.
    pub bits: Option<u32>,
    /// "P-256", …
    pub curve: Option<&'a str>,
}

impl AskedKey<'_> {
    /// The kind that it is of, if keys of that kind are made here.
    pub fn kind(self) -> Option<KeyKind> {
        match (self.algorithm, self.bits, self.curve) {
            ("EC", _, Some("P-256")) => Some(KeyKind::P256),
            ("EC", _, Some("P-384")) => Some(KeyKind::P384),
            ("EC", _, Some("P-521")) => Some(KeyKind::P521),
            ("RSA", Some(2_048), _) => Some(KeyKind::Rsa2048),
            ("RSA", Some(3_072), _) => Some(KeyKind::Rsa3072),
            ("RSA", Some(4_096), _) => Some(KeyKind::Rsa4096),
            ("Ed25519", ..) => Some(KeyKind::Ed25519),
            ("ML-DSA-65", ..) => Some(KeyKind::MlDsa65),
            _ => None,
        }
    }

    fn title(self) -> String {
        match (self.curve, self.bits) {
            (Some(curve), _) => format!("{} {curve}", self.algorithm),
            (None, Some(bits)) if self.algorithm == "RSA" => format!("RSA {bits}"),
            _ => self.algorithm.to_owned(),
        }
    }
}

impl Rules {
    /// The rules in their normal form, if they can be ones of a pattern for this template.
    pub(super) fn checked(&self, template: Profile) -> Result<Rules, Refusal> {
        let most = self.most_days.unwrap_or_else(|| template.most_days());
        if !(1..=template.most_days()).contains(&most) {
            let why = format!("a {} certificate lives 1 to {} days", template.title(), template.most_days());
            return Err(Refusal::invalid("most_days", why));
        }
        let days = self.days.unwrap_or_else(|| template.default_days().min(most));
        if !(1..=most).contains(&days) {
            return Err(Refusal::invalid("days", format!("give 1 to {most} days")));
        }
        let mut keys: Vec<KeyKind> = Vec::with_capacity(self.keys.len());
        for kind in &self.keys {
            if !keys.contains(kind) {
                keys.push(*kind);
            }
        }
        let mut parts: Vec<PartRule> = Vec::with_capacity(self.parts.len());
        for rule in &self.parts {
            let rule = rule.checked()?;
            if parts.iter().any(|known| known.part == rule.part) {
                return Err(Refusal::invalid("subject", format!("{}: the part stands twice", rule.part)));
            }
            if !rule.default.is_empty() || !rule.regex.is_empty() {
                parts.push(rule);
            }
        }
        Ok(Rules { keys, parts, ..self.clone() })
    }

    /// How many days a certificate lives when this many are asked for.
    pub(super) fn life(&self, template: Profile, asked: Option<i64>) -> Result<i64, Refusal> {
        let most = self.most_days.unwrap_or_else(|| template.most_days()).min(template.most_days());
        let days = asked.unwrap_or_else(|| self.days.unwrap_or_else(|| template.default_days()).min(most));
        if (1..=most).contains(&days) {
            return Ok(days);
        }
        Err(Refusal::invalid("days", format!("a certificate of this pattern lives 1 to {most} days")))
    }

    /// The kind of a key that is made here.
    pub(super) fn made_key(&self, asked: Option<KeyKind>) -> Result<KeyKind, Refusal> {
        let kind = asked.or_else(|| self.keys.first().copied()).unwrap_or(KeyKind::P256);
        if self.keys.is_empty() || self.keys.contains(&kind) {
            return Ok(kind);
        }
        let title = KeyKind::ALL.iter().find(|row| row.2 == kind).map_or("", |row| row.1);
        Err(Refusal::invalid("key_kind", format!("{title} is not among the keys of this pattern: {}", self.key_titles())))
    }

    fn key_titles(&self) -> String {
        let titles = KeyKind::ALL.iter().filter(|row| self.keys.contains(&row.2)).map(|row| row.1);
        titles.collect::<Vec<_>>().join(", ")
    }

    /// The key of a signing request must be among those allowed.
    pub(super) fn require_key(&self, key: AskedKey<'_>) -> Result<(), Refusal> {
        if self.keys.is_empty() || key.kind().is_some_and(|kind| self.keys.contains(&kind)) {
            return Ok(());
        }
        let why = format!("a key of the kind {} is not among those of this pattern: {}", key.title(), self.key_titles());
        Err(Refusal::invalid("key", why))
    }

    /// The subject with the defaults of what it leaves out.
    pub(super) fn completed(&self, subject: &DistinguishedName) -> Result<DistinguishedName, Refusal> {
        let mut subject = subject.clone();
        for rule in self.parts.iter().filter(|rule| !rule.default.is_empty()) {
            if rule.values(&subject, &[]).is_empty() {
                subject =
                    subject.with(&rule.part, &rule.default).map_err(|error| Refusal::invalid("subject", error.to_string()))?;
            }
        }
        Ok(subject)
    }

    /// Refuses what the subject or the names may not be, each rule with its own sentence.
    pub(super) fn require(&self, subject: &DistinguishedName, names: &[GeneralName]) -> Result<(), Refusal> {
        for rule in &self.parts {
            rule.require(subject, names)?;
        }
        let common_name = subject.common_name();
        let wildcard = names.iter().map(GeneralName::value).chain(common_name.clone()).find(|name| name.starts_with('*'));
        if let (false, Some(wildcard)) = (self.wildcards, wildcard) {
            return Err(Refusal::invalid("names", format!("{wildcard}: this pattern issues for no wildcards")));
        }
        if !self.rfc {
            return Ok(());
        }
        if names.is_empty() {
            return Err(Refusal::invalid("names", "this pattern asks for at least one subject alternative name"));
        }
        match common_name {
            Some(name) if !among(&name, names) => {
                let why = format!("the common name {name:?} must be among the subject alternative names");
                Err(Refusal::invalid("names", why))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a common name is among names, as host names and addresses are compared.
fn among(common_name: &str, names: &[GeneralName]) -> bool {
    let host = GeneralName::host(common_name).ok();
    names.iter().any(|name| host.as_ref() == Some(name) || name.value().eq_ignore_ascii_case(common_name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(part: &str, default: &str, regex: &str, message: &str) -> PartRule {
        PartRule { part: part.into(), default: default.into(), regex: regex.into(), message: message.into() }
    }

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap()
    }

    fn dns(names: &[&str]) -> Vec<GeneralName> {
        names.iter().map(|name| GeneralName::dns(name).unwrap()).collect()
    }

    fn said<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn rules_are_checked_before_they_are_kept() {
        let of = |parts: Vec<PartRule>| Rules { parts, ..Rules::default() }.checked(Profile::Server);
        let kept = of(vec![rule(" cn ", "", r"\.example\.org$", "a host of ours"), rule("O", " Example ", "", "")]).unwrap();
        assert_eq!((kept.parts[0].part.as_str(), kept.parts[1].default.as_str()), ("CN", "Example"));
        assert!(of(vec![rule("OU", "", "", "")]).unwrap().parts.is_empty(), "a rule that asks nothing is none");
        assert!(said(of(vec![rule("X", "", "a", "")])).contains("no part \"X\""));
        assert!(said(of(vec![rule("O", "", "(", "")])).contains("not a regular expression"));
        assert!(said(of(vec![rule("O", "", "a{1000}{1000}{1000}", "")])).contains("too large"));
        assert!(said(of(vec![rule("C", "Germany", "", "")])).contains("at most 2"));
        assert!(said(of(vec![rule("DNS", "a.example.org", "", "")])).contains("only parts of the subject"));
        assert!(said(of(vec![rule("O", "Example", "^Other$", "")])).contains("does not match the expression"));
        assert!(said(of(vec![rule("O", "", "", "why")])).contains("needs a regular expression"));
        assert!(said(of(vec![rule("O", "a", "", ""), rule("o", "b", "", "")])).contains("stands twice"));
        let lives = |days, most_days| Rules { days, most_days, ..Rules::default() }.checked(Profile::Server);
        assert!(lives(Some(30), Some(30)).is_ok() && lives(None, Some(1)).is_ok());
        assert!(said(lives(Some(31), Some(30))).contains("1 to 30 days"));
        assert!(said(lives(None, Some(399))).contains("398"));
        assert!(said(lives(Some(0), None)).contains("1 to 398 days"));
    }

    #[test]
    fn defaults_fill_what_is_left_out() {
        let rules = Rules { parts: vec![rule("O", "Example", "", ""), rule("C", "DE", "", "")], ..Rules::default() };
        let text = |subject: &str| rules.completed(&name(subject)).unwrap().text();
        assert_eq!(text("CN=x"), "CN=x,O=Example,C=DE");
        assert_eq!(text("CN=x,O=Other"), "CN=x,O=Other,C=DE");
        assert_eq!(text(""), "O=Example,C=DE");
    }

    #[test]
    fn every_rule_refuses_in_its_own_words() {
        let parts = vec![
            rule("CN", "", r"^[a-z.*]+\.example\.org$", "use a name below example.org"),
            rule("OU", "", ".+", ""),
            rule("DNS", "", r"\.example\.org$", ""),
            rule("IP4", "", r"^192\.0\.2\.", "an address of ours"),
        ];
        let rules = Rules { parts, ..Rules::default() };
        let asked = |subject: &str, names: &[&str]| rules.require(&name(subject), &dns(names));
        assert_eq!(asked("CN=a.example.org,OU=Ops", &["a.example.org"]), Ok(()));
        assert_eq!(said(asked("CN=a.example.com,OU=Ops", &["a.example.org"])), "subject: CN: use a name below example.org");
        assert_eq!(said(asked("OU=Ops", &["a.example.org"])), "subject: CN: use a name below example.org", "missing is empty");
        assert_eq!(said(asked("CN=a.example.org", &["a.example.org"])), "subject: OU: it is missing; it must match .+");
        let wrong = said(asked("CN=a.example.org,OU=Ops", &["a.example.org", "b.example.com"]));
        assert_eq!(wrong, "names: DNS: \"b.example.com\" does not match \\.example\\.org$");
        let names = [dns(&["a.example.org"]), vec![GeneralName::ip("198.51.100.1").unwrap()]].concat();
        assert_eq!(said(rules.require(&name("CN=a.example.org,OU=Ops"), &names)), "names: IP4: an address of ours");
        let wild = said(asked("CN=a.example.org,OU=Ops", &["a.example.org", "*.example.org"]));
        assert!(wild.contains("no wildcards"), "{wild}");
        let wild = Rules { wildcards: true, ..rules.clone() };
        assert_eq!(wild.require(&name("CN=a.example.org,OU=Ops"), &dns(&["a.example.org", "*.example.org"])), Ok(()));
        assert!(said(asked("CN=a.example.org,OU=Ops", &[])).contains("at least one"));
        assert!(said(asked("CN=b.example.org,OU=Ops", &["a.example.org"])).contains("must be among"));
        let lax = Rules { rfc: false, ..rules.clone() };
        assert_eq!(lax.require(&name("CN=b.example.org,OU=Ops"), &[]), Ok(()));
        let broken = Rules { parts: vec![rule("O", "", "(", "")], ..Rules::default() };
        assert!(
            broken.require(&name("O=x"), &dns(&["a.example.org"])).is_err(),
            "an expression that is none lets nothing through"
        );
    }

    #[test]
    fn keys_are_those_allowed() {
        let rules = Rules { keys: vec![KeyKind::Rsa3072, KeyKind::P384], ..Rules::default() };
        assert_eq!(rules.made_key(None), Ok(KeyKind::Rsa3072));
        assert_eq!(rules.made_key(Some(KeyKind::P384)), Ok(KeyKind::P384));
        assert!(said(rules.made_key(Some(KeyKind::P256))).contains("ECDSA P-256 is not among"));
        assert_eq!(Rules::default().made_key(None), Ok(KeyKind::P256));
        let key = |algorithm, bits, curve| AskedKey { algorithm, bits, curve };
        assert_eq!(rules.require_key(key("EC", Some(384), Some("P-384"))), Ok(()));
        assert!(said(rules.require_key(key("RSA", Some(4_096), None))).contains("RSA 4096"));
        assert!(said(rules.require_key(key("ML-DSA-87", None, None))).contains("ML-DSA-87"));
        assert_eq!(Rules::default().require_key(key("ML-DSA-87", None, None)), Ok(()));
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), rules);
    }

    #[test]
    fn a_life_is_within_the_bounds_of_both() {
        let rules = Rules { most_days: Some(30), ..Rules::default() };
        assert_eq!(rules.life(Profile::Server, None), Ok(30), "the default of the template is cut");
        assert_eq!(rules.life(Profile::Server, Some(7)), Ok(7));
        assert!(rules.life(Profile::Server, Some(31)).is_err() && rules.life(Profile::Server, Some(0)).is_err());
        assert_eq!(Rules { days: Some(45), ..Rules::default() }.life(Profile::Server, None), Ok(45));
    }
}
