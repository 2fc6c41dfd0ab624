//! From bytes to what can be put into the inventory, on all cores.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use certhold_domain::inventory::Candidate;
use certhold_domain::limits;
use certhold_pki::{INPUT_BYTES_MAX, PrivateKey, ReadError};
use serde::Serialize;
use zeroize::Zeroizing;

use super::pieces;
use crate::failure::plain;

/// Something to be read.
pub struct Task {
    /// Its place in the order of the input.
    pub number: u64,
    /// The file it comes from, as shown.
    pub path: Arc<str>,
    /// Whether the file was named itself: then it must hold something.
    pub named: bool,
    /// What to read.
    pub work: Work,
}

/// What to read.
pub enum Work {
    /// A whole file.
    File(Arc<Path>),
    /// A part of a file, read already, and the lines before it.
    Bytes(Vec<u8>, usize),
    /// Nothing: reading failed, for this reason.
    Unreadable(String),
}

/// A part of the input that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The file.
    pub path: String,
    /// Where in it; empty for all of it.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// One certificate, ready to be sent on.
pub struct Ready {
    /// Where it comes from.
    pub path: Arc<str>,
    /// Where in that file; empty for all of it.
    pub place: String,
    /// What was left out of it.
    pub note: Option<String>,
    /// Itself.
    pub content: Content,
}

/// A certificate in the form its destination wants.
pub enum Content {
    /// Described, for the database.
    Candidate(Box<Candidate>),
    /// As it is, for a server.
    Der(Vec<u8>),
}

/// What one task gave.
pub struct Parsed {
    /// The task's number.
    pub number: u64,
    /// Bytes read.
    pub bytes: u64,
    /// In the input's order.
    pub certificates: Vec<Ready>,
    /// Private keys with their files.
    pub keys: Vec<(Arc<str>, PrivateKey)>,
    /// What could not be taken.
    pub refused: Vec<Refused>,
    /// A file found by chance that holds nothing of ours.
    pub passed_over: bool,
}

/// How to read.
pub struct Reading {
    /// For everything encrypted.
    pub password: Option<Zeroizing<String>>,
    /// Whether to describe certificates for the database.
    pub describe: bool,
    /// Whether private keys are wanted.
    pub keys: bool,
}

impl Reading {
    /// Does a task.
    pub fn parse(&self, task: Task) -> Parsed {
        let Task { number, path, named, work } = task;
        let mut parsed =
            Parsed { number, bytes: 0, certificates: Vec::new(), keys: Vec::new(), refused: Vec::new(), passed_over: false };
        let (bytes, lines_before) = match work {
            Work::Bytes(bytes, lines_before) => (bytes, lines_before),
            Work::Unreadable(reason) => {
                parsed.refuse(&path, "", reason);
                return parsed;
            }
            Work::File(file) => match read_whole(&file) {
                Ok(bytes) => (bytes, 0),
                Err(error) => {
                    parsed.refuse(&path, "", plain(&error));
                    return parsed;
                }
            },
        };
        parsed.bytes = bytes.len() as u64;
        self.read(&bytes, &path, named, lines_before, &mut parsed);
        parsed
    }

    fn read(&self, bytes: &[u8], path: &Arc<str>, named: bool, lines_before: usize, parsed: &mut Parsed) {
        let bundle = match certhold_pki::read(bytes, self.password.as_ref().map(|password| password.as_str())) {
            Ok(bundle) => bundle,
            Err(error) if !named && holds_nothing(&error) => {
                parsed.passed_over = true;
                return;
            }
            Err(error) => return parsed.refuse(path, "", error.to_string()),
        };
        let beside = bundle.beside();
        let nothing = bundle.certificates.is_empty() && bundle.keys.is_empty() && bundle.refused.is_empty() && beside.is_empty();
        if nothing && lines_before == 0 {
            match named {
                true => parsed.refuse(path, "", "there is no certificate in it".to_owned()),
                false => parsed.passed_over = true,
            }
        }
        for refused in bundle.refused.into_iter().chain(beside.into_iter().filter(|_| named)) {
            parsed.refuse(path, &shifted(&refused.place, lines_before), refused.reason);
        }
        for found in bundle.certificates {
            let place = shifted(&found.place, lines_before);
            match self.content(found.der) {
                Ok(content) => parsed.certificates.push(Ready { path: path.clone(), place, note: found.note, content }),
                Err(reason) => parsed.refuse(path, &place, reason),
            }
        }
        if self.keys {
            parsed.keys.extend(bundle.keys.into_iter().map(|found| (path.clone(), found.key)));
        }
    }

    fn content(&self, der: Vec<u8>) -> Result<Content, String> {
        if der.len() > limits::CERTIFICATE_BYTES {
            return Err(format!("the certificate has {} bytes; at most {} are held", der.len(), limits::CERTIFICATE_BYTES));
        }
        if !self.describe {
            return Ok(Content::Der(der));
        }
        Candidate::of(&der).map(|candidate| Content::Candidate(Box::new(candidate))).map_err(|error| error.to_string())
    }
}

impl Parsed {
    fn refuse(&mut self, path: &str, place: &str, reason: String) {
        self.refused.push(Refused { path: path.to_owned(), place: place.to_owned(), reason });
    }
}

/// Whether a file found by chance is simply about something else.
fn holds_nothing(error: &ReadError) -> bool {
    match error {
        ReadError::Empty | ReadError::Unrecognised | ReadError::TooLarge(_) => true,
        ReadError::NotWanted { found, .. } => !found.contains("keystore"),
        _ => false,
    }
}

/// `line 12` of a piece, as a line of the whole input.
fn shifted(place: &str, lines_before: usize) -> String {
    let Some(rest) = place.strip_prefix("line ").filter(|_| lines_before > 0) else { return place.to_owned() };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match rest[..digits].parse::<usize>() {
        Ok(line) => format!("line {}{}", line + lines_before, &rest[digits..]),
        Err(_) => place.to_owned(),
    }
}

/// A file, but not more of it than can be an input.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pieces::fill(&mut bytes, &mut File::open(path)?.by_ref(), INPUT_BYTES_MAX + 1)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_whole_input() {
        assert_eq!(shifted("line 12", 100), "line 112");
        assert_eq!(shifted("line 12, certificate 3", 1), "line 13, certificate 3");
        assert_eq!(shifted("entry 2 \"x\"", 100), "entry 2 \"x\"");
        assert_eq!(shifted("line 12", 0), "line 12");
    }

    #[test]
    fn a_file_about_something_else_is_passed_over_unless_it_was_named() {
        let reading = Reading { password: None, describe: true, keys: true };
        let task = |named, bytes: &[u8]| Task { number: 0, path: "x".into(), named, work: Work::Bytes(bytes.to_vec(), 0) };
        for bytes in [b"".as_slice(), b"# a script", b"<html>", b"PK\x03\x04"] {
            assert!(reading.parse(task(false, bytes)).passed_over);
            assert_eq!(reading.parse(task(true, bytes)).refused.len(), 1);
        }
        let keystore = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
        assert!(reading.parse(task(false, &keystore)).refused[0].reason.contains("a Java keystore, but it is cut off"));
        assert_eq!(reading.parse(task(false, b"-----BEGIN CERTIFICATE-----\nAAAA\n")).refused.len(), 1);
    }
}
