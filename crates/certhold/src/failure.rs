//! Why a command did not do what it was asked: one sentence for people, a problem for programs, an exit code for shells.

use std::fmt;
use std::process::ExitCode;

use certhold_domain::{Error, Refusal};
use serde_json::{Value as Json, json};

/// An error of the command line. Shown as one sentence, or with `--output json` as an RFC 9457 problem.
#[derive(Debug)]
pub struct Failure {
    problem: Json,
    code: u8,
}

/// The command was understood and did not succeed.
const FAILED: u8 = 1;
/// The command was not understood, as clap says it.
const USAGE: u8 = 2;

impl Failure {
    /// Something that went wrong here: a sentence saying what, and what to do.
    pub fn new(sentence: impl Into<String>) -> Failure {
        Failure { problem: json!({ "title": "Failed", "detail": sentence.into() }), code: FAILED }
    }

    /// The command line itself is wrong.
    pub fn usage(sentence: impl Into<String>) -> Failure {
        Failure { problem: json!({ "title": "Usage", "detail": sentence.into() }), code: USAGE }
    }

    /// What went wrong with a file or directory.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Failure {
        Failure::new(format!("{what}: {}", plain(error)))
    }

    /// A server's own problem (RFC 9457), passed on as it is.
    pub fn problem(problem: Json) -> Failure {
        Failure { problem, code: FAILED }
    }

    /// The sentence.
    pub fn sentence(&self) -> &str {
        ["detail", "title"].iter().find_map(|member| self.problem[*member].as_str()).unwrap_or("the command failed")
    }

    /// The problem as JSON.
    pub fn as_json(&self) -> &Json {
        &self.problem
    }

    /// What the shell gets.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// An operating system's message without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let (status, kind, title) = match error.refusal() {
            // A fault: whoever works on the data directory itself may see its cause.
            None => return Failure::new(error.to_string()),
            Some(Refusal::Unauthenticated(_)) => (401, "unauthenticated", "Not authenticated"),
            Some(Refusal::LockedOut { .. }) => (429, "locked-out", "Locked out"),
            Some(Refusal::Forbidden { .. }) => (403, "forbidden", "Not allowed"),
            Some(Refusal::NotFound { .. }) => (404, "not-found", "Not found"),
            Some(Refusal::Conflict(_) | Refusal::LeaseLost(_)) => (409, "conflict", "In the way"),
            Some(Refusal::Invalid { .. }) => (400, "invalid", "A field is wrong"),
            Some(Refusal::TooLarge(_)) => (413, "too-large", "Too large"),
            Some(Refusal::Busy) => (503, "busy", "Busy"),
            Some(Refusal::Unavailable(_)) => (503, "unavailable", "Not available"),
        };
        let kind = format!("urn:certhold:problem:{kind}");
        Failure::problem(json!({ "type": kind, "title": title, "status": status, "detail": error.to_string() }))
    }
}

impl From<certhold_store::Error> for Failure {
    fn from(error: certhold_store::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_sentence_and_gets_the_status_of_the_api() {
        let failure = Failure::from(Error::from(Refusal::not_found("certificate", 7)));
        assert_eq!((failure.to_string().as_str(), &failure.as_json()["status"]), ("there is no certificate 7", &json!(404)));
    }

    #[test]
    fn a_servers_problem_is_passed_on() {
        let problem = json!({ "type": "about:blank", "title": "Conflict", "status": 409, "detail": "taken", "more": [1] });
        let failure = Failure::problem(problem.clone());
        assert_eq!((failure.as_json(), failure.sentence()), (&problem, "taken"));
        assert_eq!(Failure::problem(json!({ "title": "Conflict" })).sentence(), "Conflict");
        assert_eq!(Failure::problem(json!("?")).sentence(), "the command failed");
    }

    #[test]
    fn messages_of_the_system_lose_their_number() {
        let error = std::io::Error::from_raw_os_error(13);
        assert_eq!(Failure::io("/x", &error).to_string(), "/x: permission denied");
    }
}
