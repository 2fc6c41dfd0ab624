//! What came of an import.

use certhold_domain::inventory::{self, Outcome};
use serde::Serialize;

use super::parse::Refused;
use crate::output;

/// Items of which the report says more than their number.
const NAMED_MAX: usize = 1_000;

/// What came of an import.
#[derive(Default, Serialize)]
pub struct Report {
    /// New in the inventory.
    pub imported: u64,
    /// Held before; nothing changed.
    pub already_held: u64,
    /// Private keys that came into custody.
    pub keys_imported: u64,
    /// Private keys that were in custody before.
    pub keys_already_held: u64,
    /// Parts of the input that were not taken.
    pub refused: u64,
    /// Files found in directories that are about something else.
    pub passed_over: u64,
    /// Symbolic links in directories; they are not followed.
    pub links_not_followed: u64,
    /// The first thousand certificates.
    pub certificates: Vec<Certificate>,
    /// The first thousand refusals.
    pub refusals: Vec<Refused>,
}

/// What came of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    /// It came into custody.
    Taken,
    /// It was in custody before.
    AlreadyHeld,
    /// Nothing in the inventory has its public key; it was not kept.
    NoCertificate,
}

impl KeyOutcome {
    /// From whether it was taken, if it found its certificate.
    pub fn of(taken: Option<bool>) -> KeyOutcome {
        match taken {
            Some(true) => KeyOutcome::Taken,
            Some(false) => KeyOutcome::AlreadyHeld,
            None => KeyOutcome::NoCertificate,
        }
    }
}

/// One certificate of the input.
#[derive(Serialize)]
pub struct Certificate {
    /// Its handle.
    pub id: i64,
    /// "imported" or "already_held".
    pub outcome: &'static str,
    /// The file.
    pub path: String,
    /// Where in it; empty for all of it.
    pub place: String,
    /// What was left out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Report {
    /// Counts a certificate.
    pub fn certificate(&mut self, outcome: &Outcome, path: &str, place: String, note: Option<String>) {
        let (id, name, count) = match outcome {
            Outcome::Imported(id) => (id, "imported", &mut self.imported),
            Outcome::AlreadyHeld(id) => (id, "already_held", &mut self.already_held),
            Outcome::Excluded => {
                let reason = inventory::EXCLUDED.to_owned();
                return self.refuse(Refused { path: path.to_owned(), place, reason });
            }
        };
        *count += 1;
        if self.certificates.len() < NAMED_MAX {
            self.certificates.push(Certificate { id: id.0, outcome: name, path: path.to_owned(), place, note });
        }
    }

    /// Counts a private key.
    pub fn key(&mut self, outcome: KeyOutcome, path: &str) {
        match outcome {
            KeyOutcome::Taken => self.keys_imported += 1,
            KeyOutcome::AlreadyHeld => self.keys_already_held += 1,
            KeyOutcome::NoCertificate => {
                let reason = "no certificate in the inventory belongs to this private key".to_owned();
                self.refuse(Refused { path: path.to_owned(), place: String::new(), reason });
            }
        }
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, refused: Refused) {
        self.refused += 1;
        if self.refusals.len() < NAMED_MAX {
            self.refusals.push(refused);
        }
    }

    /// Certificates so far, taken or held before.
    pub fn certificates(&self) -> u64 {
        self.imported + self.already_held
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for refused in &self.refusals {
            text.push_str(&format!("refused: {}\n", line(refused)));
        }
        let untold = self.refused - self.refusals.len() as u64;
        if untold > 0 {
            text.push_str(&format!("refused: {untold} more\n"));
        }
        for certificate in self.certificates.iter().filter(|certificate| certificate.note.is_some()) {
            let place = at(&certificate.path, &certificate.place);
            text.push_str(&format!("note: {place}: {}\n", output::tame(certificate.note.as_deref().unwrap_or_default())));
        }
        let counts = [
            (self.imported, "imported", true),
            (self.already_held, "already held", true),
            (self.refused, "refused", true),
            (self.keys_imported, "private keys imported", false),
            (self.keys_already_held, "private keys already held", false),
            (self.passed_over, "other files passed over", false),
            (self.links_not_followed, "symbolic links not followed", false),
        ];
        let shown = counts.iter().filter(|(count, _, always)| *always || *count > 0);
        let shown: Vec<String> = shown.map(|(count, what, _)| format!("{count} {what}")).collect();
        text.push_str(&shown.join(", "));
        text.push('\n');
        text
    }
}

fn at(path: &str, place: &str) -> String {
    let path = output::tame(path);
    if place.is_empty() { path } else { format!("{path}, {}", output::tame(place)) }
}

fn line(refused: &Refused) -> String {
    format!("{}: {}", at(&refused.path, &refused.place), output::tame(&refused.reason))
}

#[cfg(test)]
mod tests {
    use certhold_domain::CertificateId;

    use super::*;

    #[test]
    fn people_read_what_was_refused_and_why() {
        let mut report = Report::default();
        report.certificate(&Outcome::Imported(CertificateId(1)), "a.pem", "line 1".into(), Some("5 bytes left out".into()));
        report.refuse(Refused { path: "b\u{202e}\n.pem".into(), place: "line 3".into(), reason: "cut off".into() });
        report.key(KeyOutcome::NoCertificate, "c.key");
        let text = report.text();
        assert_eq!(
            text,
            "refused: b\\u{202e}\\u{a}.pem, line 3: cut off\n\
             refused: c.key: no certificate in the inventory belongs to this private key\n\
             note: a.pem, line 1: 5 bytes left out\n\
             1 imported, 0 already held, 2 refused\n"
        );
    }

    #[test]
    fn a_report_stays_small() {
        let mut report = Report::default();
        for number in 0..5_000 {
            report.refuse(Refused { path: "a".into(), place: format!("line {number}"), reason: "x".into() });
        }
        assert_eq!((report.refused, report.refusals.len()), (5_000, NAMED_MAX));
        assert!(report.text().contains("refused: 4000 more\n"));
    }
}
