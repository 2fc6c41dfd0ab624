//! What an authority refuses, in its own words and in ours.

use super::client::NoAnswer;
use super::exchange::Answer;
use certhold_domain::limits;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

const PREFIX: &str = "urn:ietf:params:acme:error:";
/// Longest problem document that is kept.
const MAX_DOCUMENT: usize = 64 * 1024;
/// Longest sentence, characters: it has words of the authority, and goes to logs, events and pages.
const MAX_SENTENCE: usize = limits::ERROR_CHARS;

/// A step failed.
#[derive(Debug, Clone, PartialEq)]
pub struct AcmeError {
    /// What to do about it.
    pub kind: AcmeErrorKind,
    /// The cause in one sentence, without control characters; at most [`limits::ERROR_CHARS`].
    pub sentence: String,
    /// How long the authority asks us to wait, when it says so.
    pub retry_after: Option<Duration>,
    /// The authority's whole answer, when it gave one.
    pub problem: Option<Box<Problem>>,
    /// Whether the order can come to nothing any more, whatever the reason: another one must be placed.
    pub order_lost: bool,
}

/// What a failure means for the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcmeErrorKind {
    /// Too many requests, orders or failures; waiting is what helps.
    RateLimited,
    /// The authority has trouble of its own.
    Transient,
    /// The authority did not find the proof of control over a name.
    ChallengeFailed,
    /// The authority will not issue this: policy, CAA, name, profile, request.
    Rejected,
    /// The account is unknown, deactivated, lacks its external binding, or must agree to new terms.
    AccountProblem,
    /// No answer: network, name or TLS.
    Unreachable,
    /// The order is unknown, expired or invalid; another one must be placed.
    OrderGone,
    /// Our own settings cannot be used.
    Settings,
    /// The answer is not what the protocol promises.
    BadAnswer,
}

/// A problem document (RFC 9457) as the authority sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The document, as JSON or whatever was sent instead, without NUL characters, which no database keeps; at most 64 KiB.
    pub document: String,
    /// HTTP status.
    pub status: u16,
    /// Type, without the prefix of ACME's own types; empty if there is none.
    pub kind: String,
    /// The authority's explanation; empty if there is none.
    pub detail: String,
    /// Parts that concern single names (RFC 8555 section 6.7.1).
    pub subproblems: Vec<Subproblem>,
}

/// What a problem says about one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subproblem {
    /// The name; empty if there is none.
    pub name: String,
    /// Type, as in [`Problem::kind`].
    pub kind: String,
    /// The authority's explanation.
    pub detail: String,
}

impl fmt::Display for AcmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for AcmeError {}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Document {
    r#type: String,
    detail: String,
    identifier: Option<Identifier>,
    subproblems: Vec<Document>,
}

#[derive(Deserialize)]
struct Identifier {
    value: String,
}

impl Problem {
    fn of(status: u16, body: &[u8]) -> Self {
        let Document { r#type, detail, subproblems, .. } = serde_json::from_slice(body).unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let subproblems = subproblems.into_iter().take(100).map(|part| Subproblem {
            name: part.identifier.map(|identifier| printable(&identifier.value, 300)).unwrap_or_default(),
            kind: short(&part.r#type),
            detail: printable(&part.detail, 1000),
        });
        Self {
            document: text[..text.floor_char_boundary(MAX_DOCUMENT)].replace('\0', " "),
            status,
            kind: short(&r#type),
            detail: printable(&detail, 2000),
            subproblems: subproblems.collect(),
        }
    }

    /// What it says, for people.
    fn words(&self) -> String {
        let mut words = match (self.detail.is_empty(), self.kind.is_empty()) {
            (false, _) => self.detail.trim_end_matches('.').to_owned(),
            (true, false) => self.kind.clone(),
            (true, true) => format!("HTTP {} without an explanation", self.status),
        };
        for part in self.subproblems.iter().take(5) {
            words.push_str(&format!("; {}: {}", part.name, part.detail.trim_end_matches('.')));
        }
        words
    }
}

impl AcmeError {
    pub(super) fn settings(sentence: &str) -> Self {
        Self::plain(AcmeErrorKind::Settings, sentence)
    }

    pub(super) fn plain(kind: AcmeErrorKind, sentence: &str) -> Self {
        Self {
            kind,
            sentence: printable(sentence, MAX_SENTENCE),
            retry_after: None,
            problem: None,
            order_lost: kind == AcmeErrorKind::OrderGone,
        }
    }

    /// A failed step of instant-acme, with the last answer that the step got.
    pub(super) fn of(error: &instant_acme::Error, answer: Option<Answer>, authority: &str) -> Self {
        use instant_acme::Error;
        if let Error::Other(inner) = error
            && let Some(NoAnswer(reason)) = inner.downcast_ref::<NoAnswer>()
        {
            return Self::plain(AcmeErrorKind::Unreachable, &format!("{authority} cannot be reached: {reason}"));
        }
        match answer {
            Some(answer) if answer.status >= 400 => Self::refusal(answer, authority),
            _ => {
                let sentence = format!("{authority} gave an answer that makes no sense: {}", printable(&error.to_string(), 500));
                Self::plain(AcmeErrorKind::BadAnswer, &sentence)
            }
        }
    }

    /// The authority answered a request with an error.
    fn refusal(answer: Answer, authority: &str) -> Self {
        let problem = Problem::of(answer.status, &answer.body);
        let kind = request_kind(&problem);
        let words = problem.words();
        let sentence = match kind {
            AcmeErrorKind::RateLimited => format!("{authority} limits requests: {words}"),
            AcmeErrorKind::Transient | AcmeErrorKind::BadAnswer => format!("{authority} has trouble: {words}"),
            AcmeErrorKind::AccountProblem => format!("{authority} does not accept the account: {words}"),
            AcmeErrorKind::OrderGone => format!("{authority} does not know the order any more: {words}"),
            _ => format!("{authority} refuses: {words}"),
        };
        Self {
            retry_after: answer.retry_after,
            problem: Some(Box::new(problem)),
            order_lost: false,
            ..Self::plain(kind, &sentence)
        }
    }

    /// The authority could not validate `name`, and says why in `document` (the `error` of a challenge).
    pub(super) fn challenge(name: &str, document: &Value, authority: &str) -> Self {
        let status = document["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        let problem = Problem::of(status, document.to_string().as_bytes());
        let kind = match problem.kind.as_str() {
            "caa" | "rejectedIdentifier" | "unsupportedIdentifier" => AcmeErrorKind::Rejected,
            "rateLimited" => AcmeErrorKind::RateLimited,
            "serverInternal" => AcmeErrorKind::Transient,
            _ => AcmeErrorKind::ChallengeFailed,
        };
        let sentence = format!("{authority} could not verify control of {}: {}", printable(name, 300), problem.words());
        Self { problem: Some(Box::new(problem)), order_lost: true, ..Self::plain(kind, &sentence) }
    }

    /// The order became invalid, and says why in its `error`.
    pub(super) fn order(document: &Value, authority: &str) -> Self {
        let problem = Problem::of(0, document.to_string().as_bytes());
        let kind = match request_kind(&problem) {
            // Of an order it is said that control of a name was not proven, not that the account may not ask.
            AcmeErrorKind::AccountProblem if problem.kind == "unauthorized" => AcmeErrorKind::ChallengeFailed,
            kind @ (AcmeErrorKind::RateLimited | AcmeErrorKind::Transient | AcmeErrorKind::AccountProblem) => kind,
            _ if matches!(problem.kind.as_str(), "dns" | "connection" | "incorrectResponse" | "unauthorized" | "tls") => {
                AcmeErrorKind::ChallengeFailed
            }
            _ => AcmeErrorKind::Rejected,
        };
        let sentence = format!("{authority} gave the order up: {}", problem.words());
        Self { problem: Some(Box::new(problem)), order_lost: true, ..Self::plain(kind, &sentence) }
    }
}

/// What an error that answers a request means (RFC 8555 section 6.7, RFC 9773 section 7.4).
fn request_kind(problem: &Problem) -> AcmeErrorKind {
    match (problem.kind.as_str(), problem.status) {
        ("rateLimited", _) => AcmeErrorKind::RateLimited,
        ("badNonce" | "serverInternal" | "orderNotReady", _) => AcmeErrorKind::Transient,
        (
            "accountDoesNotExist"
            | "externalAccountRequired"
            | "userActionRequired"
            | "unauthorized"
            | "badPublicKey"
            | "badSignatureAlgorithm"
            | "invalidContact"
            | "unsupportedContact",
            _,
        ) => AcmeErrorKind::AccountProblem,
        (_, 429) => AcmeErrorKind::RateLimited,
        (_, 500..) => AcmeErrorKind::Transient,
        // Without a problem document it was not the authority that answered, but something before it.
        ("", _) => AcmeErrorKind::BadAnswer,
        _ => AcmeErrorKind::Rejected,
    }
}

pub(super) fn is_bad_nonce(error: &instant_acme::Error) -> bool {
    matches!(error, instant_acme::Error::Api(problem) if problem.r#type.as_deref().is_some_and(|kind| short(kind) == "badNonce"))
}

fn short(kind: &str) -> String {
    let kind = if kind == "about:blank" { "" } else { kind };
    printable(kind.strip_prefix(PREFIX).unwrap_or(kind), 200)
}

/// The text without control characters, cut to `limit` characters: it goes to logs and pages.
fn printable(text: &str, limit: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let hidden =
        |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(hidden).map(plain).take(limit).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str, retry_after: Option<u64>) -> AcmeError {
        let retry_after = retry_after.map(Duration::from_secs);
        AcmeError::refusal(Answer { status, retry_after, body: body.as_bytes().to_vec() }, "ca.example")
    }

    /// The example of RFC 8555 section 6.7.1.
    const COMPOUND: &str = r#"{
        "type": "urn:ietf:params:acme:error:malformed",
        "detail": "Some of the identifiers requested were rejected",
        "subproblems": [
            {"type": "urn:ietf:params:acme:error:malformed", "detail": "Invalid underscore in DNS name \"_example.org\"",
             "identifier": {"type": "dns", "value": "_example.org"}},
            {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "This CA will not issue for \"example.net\"",
             "identifier": {"type": "dns", "value": "example.net"}}
        ]
    }"#;

    #[test]
    fn the_whole_document_is_kept_and_every_name_is_told() {
        let error = refusal(403, COMPOUND, None);
        assert_eq!(error.kind, AcmeErrorKind::Rejected);
        let problem = error.problem.as_ref().unwrap();
        assert_eq!(problem.document, COMPOUND);
        assert_eq!(problem.subproblems[1].name, "example.net");
        assert_eq!(problem.subproblems[1].kind, "rejectedIdentifier");
        assert_eq!(
            error.to_string(),
            "ca.example refuses: Some of the identifiers requested were rejected; _example.org: Invalid underscore in DNS name \
             \"_example.org\"; example.net: This CA will not issue for \"example.net\""
        );
    }

    #[test]
    fn every_type_of_the_registry_has_its_kind() {
        use AcmeErrorKind::*;
        for (kind, status, expected) in [
            ("rateLimited", 429, RateLimited),
            ("badNonce", 400, Transient),
            ("serverInternal", 500, Transient),
            ("orderNotReady", 403, Transient),
            ("accountDoesNotExist", 400, AccountProblem),
            ("externalAccountRequired", 403, AccountProblem),
            ("userActionRequired", 403, AccountProblem),
            ("unauthorized", 403, AccountProblem),
            ("invalidContact", 400, AccountProblem),
            ("rejectedIdentifier", 400, Rejected),
            ("unsupportedIdentifier", 400, Rejected),
            ("caa", 403, Rejected),
            ("badCSR", 400, Rejected),
            ("invalidProfile", 400, Rejected),
            ("malformed", 400, Rejected),
            ("somethingNew", 400, Rejected),
            ("somethingNew", 503, Transient),
        ] {
            let error = refusal(status, &format!(r#"{{"type": "{PREFIX}{kind}", "detail": "d", "status": {status}}}"#), Some(9));
            assert_eq!(error.kind, expected, "{kind} {status}");
            assert_eq!(error.retry_after, Some(Duration::from_secs(9)));
            assert_eq!(error.problem.unwrap().kind, kind);
        }
    }

    #[test]
    fn answers_that_are_no_problem_documents() {
        use AcmeErrorKind::*;
        for (status, body, expected) in [
            (429, "slow down", RateLimited),
            (502, "<html>bad gateway</html>", Transient),
            (404, "not here", BadAnswer),
            (400, r#"{"type": 5}"#, BadAnswer),
            (403, "\u{1b}[2J", BadAnswer),
        ] {
            let error = refusal(status, body, None);
            assert_eq!(error.kind, expected, "{status} {body:?}");
            assert!(!error.sentence.chars().any(char::is_control));
            assert_eq!(error.problem.unwrap().document, body);
        }
    }

    /// Whatever an authority answers, what is logged and recorded of it has an end, and does nothing to a terminal or a page.
    #[test]
    fn the_words_of_an_authority_are_bounded() {
        let hostile = "é\u{1b}[2J\u{202e}\r\n\0".repeat(600);
        let part = serde_json::json!({ "type": hostile, "detail": hostile, "identifier": { "type": "dns", "value": hostile } });
        let document = serde_json::json!({ "type": hostile, "detail": hostile, "status": 403, "subproblems": vec![part; 120] });
        let words = |kind: &str| serde_json::json!({ "type": format!("{PREFIX}{kind}"), "detail": hostile });
        let errors = [
            refusal(403, &document.to_string(), None),
            refusal(403, &words("rateLimited").to_string(), None),
            refusal(500, &hostile, None),
            AcmeError::challenge(&hostile, &document, "ca.example"),
            AcmeError::challenge("www.example.com", &words("dns"), "ca.example"),
            AcmeError::order(&document, "ca.example"),
            // Names of profiles, what an authorisation is for, and reasons of TLS are an authority's words, too.
            AcmeError::plain(AcmeErrorKind::Rejected, &format!("ca.example does not offer the profile x; it offers {hostile}")),
            AcmeError::of(&instant_acme::Error::Other(Box::new(NoAnswer(hostile.clone()))), None, "ca.example"),
            AcmeError::of(&instant_acme::Error::Str("no nonce"), None, "ca.example"),
        ];
        for error in errors {
            let said = error.to_string();
            assert!(said.starts_with("ca.example ") && said.chars().count() <= limits::ERROR_CHARS, "{} characters", said.len());
            let harmless = |c: char| !c.is_control() && c != '\u{202e}';
            assert!(said.chars().all(harmless), "{said:.200}");
            let Some(problem) = error.problem else { continue };
            assert!(problem.document.len() <= MAX_DOCUMENT && !problem.document.contains('\0'));
            let parts = problem.subproblems.iter().flat_map(|part| [&part.name, &part.kind, &part.detail]);
            for text in [&problem.kind, &problem.detail].into_iter().chain(parts) {
                assert!(text.chars().count() <= 2_000 && text.chars().all(harmless));
            }
            assert!(problem.subproblems.len() <= 100);
        }
    }

    #[test]
    fn failed_challenges_are_told_from_policy() {
        let document =
            |kind: &str| serde_json::json!({"type": format!("{PREFIX}{kind}"), "detail": "No TXT record found.", "status": 403});
        for kind in ["dns", "unauthorized", "connection", "incorrectResponse", "tls"] {
            let error = AcmeError::challenge("www.example.com", &document(kind), "ca.example");
            assert_eq!(error.kind, AcmeErrorKind::ChallengeFailed, "{kind}");
            assert_eq!(error.to_string(), "ca.example could not verify control of www.example.com: No TXT record found");
        }
        assert_eq!(AcmeError::challenge("a", &document("caa"), "ca").kind, AcmeErrorKind::Rejected);
        assert_eq!(AcmeError::order(&document("unauthorized"), "ca").kind, AcmeErrorKind::ChallengeFailed);
        for kind in ["serverInternal", "rateLimited", "unauthorized", "badCSR"] {
            assert!(AcmeError::order(&document(kind), "ca").order_lost, "an invalid order stays invalid: {kind}");
            assert!(AcmeError::challenge("a", &document(kind), "ca").order_lost, "{kind}");
        }
        assert!(!refusal(429, "slow down", None).order_lost);
        assert_eq!(AcmeError::order(&document("dns"), "ca").kind, AcmeErrorKind::ChallengeFailed);
        assert_eq!(AcmeError::order(&document("badCSR"), "ca").kind, AcmeErrorKind::Rejected);
    }
}
