//! Where certificates go: into the database at hand, or to a server.

use std::collections::HashMap;
use std::sync::Arc;

use certhold_domain::custody::SealedKey;
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_domain::metadata::Change;
use certhold_domain::{Actor, CertificateId, Core, RoleId};
use certhold_pki::{PrivateKey, pem};
use serde_json::{Map, Value as Json};

use super::Answer;
use super::parse::{Content, Ready};
use super::report::KeyOutcome;
use crate::failure::Failure;
use crate::target::{Method, ROOT, Remote, Target, query};

/// One certificate and what became of it.
pub struct Sent {
    /// The file it comes from.
    pub path: Arc<str>,
    /// Where in it.
    pub place: String,
    /// What was left out of it.
    pub note: Option<String>,
    /// What became of it.
    pub outcome: Answer,
}

/// Where certificates go.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there are a few at a time, one for each writer")]
pub enum Destination {
    /// Into the database at hand.
    Local {
        /// The database.
        core: Core,
        /// Whose doing it is.
        actor: Actor,
        /// Who will own new certificates.
        owner: Option<RoleId>,
        /// Where they come from, for people.
        source: String,
        /// What is noted about them.
        metadata: Vec<Change>,
    },
    /// To a server.
    Remote {
        /// The server.
        server: Box<Remote>,
        /// Where imports go, with owner and source.
        path: String,
    },
}

impl Destination {
    /// The destination on this target.
    ///
    /// # Errors
    /// When there is no such role.
    pub async fn new(
        target: &Target,
        owner: Option<&str>,
        source: &str,
        metadata: &[(String, String)],
    ) -> Result<Destination, Failure> {
        match target {
            Target::Local(local) => {
                let owner = match owner {
                    Some(role) => Some(local.role(role).await?),
                    None => None,
                };
                let (core, actor) = (local.core.clone(), local.actor.clone());
                let metadata = metadata.iter().map(|(name, value)| Change::new(name, value)).collect();
                Ok(Destination::Local { core, actor, owner, source: source.to_owned(), metadata })
            }
            Target::Remote(server) => {
                let values: Map<String, Json> =
                    metadata.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
                let noted = (!values.is_empty()).then(|| Json::from(values).to_string());
                let parameters =
                    query([("owner", owner.map(str::to_owned)), ("source", Some(source.to_owned())), ("metadata", noted)]);
                Ok(Destination::Remote { server: server.clone(), path: format!("{ROOT}/certificates{parameters}") })
            }
        }
    }

    /// Whether certificates are to be described before they are sent.
    pub fn wants_candidates(&self) -> bool {
        matches!(self, Destination::Local { .. })
    }

    /// Sends a chunk.
    ///
    /// # Errors
    /// When the chunk as a whole was not taken.
    pub async fn certificates(self, chunk: Vec<Ready>) -> Result<Vec<Sent>, Failure> {
        let mut origins = Vec::with_capacity(chunk.len());
        let mut contents = Vec::with_capacity(chunk.len());
        for Ready { path, place, note, content } in chunk {
            origins.push((path, place, note));
            contents.push(content);
        }
        let outcomes = match self {
            Destination::Local { core, actor, owner, source, metadata } => {
                let certificates: Vec<Candidate> = contents.into_iter().filter_map(candidate).collect();
                let batch = ImportBatch { certificates, keys: Vec::new(), owner, source, metadata };
                let now = core.now();
                let items = core.store.write_bulk(move |tx| inventory::import(tx, &actor, &batch, now)).await?;
                let outcome = |item: inventory::ImportItem| match item.outcome {
                    Outcome::Excluded => Err(inventory::EXCLUDED.to_owned()),
                    outcome => Ok(outcome),
                };
                items.into_iter().map(outcome).collect::<Vec<Answer>>()
            }
            Destination::Remote { server, path } => {
                let (text, lines) = bundle(&contents);
                let answer = server.send(Method::Post, &path, Some(("application/x-pem-file", text.into_bytes()))).await?;
                outcomes(&answer, &lines)
            }
        };
        let sent = origins.into_iter().zip(outcomes);
        Ok(sent.map(|((path, place, note), outcome)| Sent { path, place, note, outcome }).collect())
    }

    /// Sends private keys, at most one chunk.
    ///
    /// # Errors
    /// When they were not taken.
    pub async fn keys(&self, keys: Vec<PrivateKey>) -> Result<Vec<KeyOutcome>, Failure> {
        match self {
            Destination::Local { core, actor, .. } => {
                let seal = |key: &PrivateKey| SealedKey::seal(&core.custody, core.entropy.as_ref(), key);
                let sealed = keys.iter().map(seal).collect::<Result<Vec<_>, _>>()?;
                let (actor, now) = (actor.clone(), core.now());
                let found = core.store.write_bulk(move |tx| inventory::import_keys(tx, &actor, &sealed, now)).await?;
                Ok(found.into_iter().map(|item| KeyOutcome::of(item.map(|item| item.taken))).collect())
            }
            Destination::Remote { server, path } => {
                let mut outcomes = Vec::with_capacity(keys.len());
                for key in keys {
                    let pem = key.pkcs8_pem();
                    let body = ("application/x-pem-file", pem.as_bytes().to_vec());
                    outcomes.push(key_outcome(&server.send(Method::Post, path, Some(body)).await?));
                }
                Ok(outcomes)
            }
        }
    }
}

fn candidate(content: Content) -> Option<Candidate> {
    match content {
        Content::Candidate(candidate) => Some(*candidate),
        Content::Der(der) => Candidate::of(&der).ok(),
    }
}

/// Certificates as one PEM text, and the line on which each begins.
fn bundle(contents: &[Content]) -> (String, Vec<usize>) {
    let (mut text, mut lines, mut line) = (String::new(), Vec::with_capacity(contents.len()), 1);
    for content in contents {
        let Content::Der(der) = content else { continue };
        let block = pem::encode(pem::CERTIFICATE, der);
        lines.push(line);
        line += block.matches('\n').count();
        text.push_str(&block);
    }
    (text, lines)
}

/// What the server says of each certificate: its items name the line on which a block begins.
fn outcomes(answer: &Json, lines: &[usize]) -> Vec<Answer> {
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut by_place: HashMap<&str, &Json> = items.iter().filter_map(|item| Some((item["place"].as_str()?, item))).collect();
    let outcome = |line: &usize| {
        let item = by_place.remove(format!("line {line}").as_str()).ok_or("the server does not say what became of it")?;
        let id = item["certificate"].as_i64().map(CertificateId);
        match (item["outcome"].as_str(), id) {
            (Some("imported"), Some(id)) => Ok(Outcome::Imported(id)),
            (Some("already_held"), Some(id)) => Ok(Outcome::AlreadyHeld(id)),
            _ => Err(item["reason"].as_str().unwrap_or("the server refused it").to_owned()),
        }
    };
    lines.iter().map(outcome).collect()
}

/// What the server says of one private key sent by itself: its one item names the certificate it belongs to.
fn key_outcome(answer: &Json) -> KeyOutcome {
    let item = &answer["items"][0];
    KeyOutcome::of(item["certificate"].as_i64().map(|_| item["key_taken"] == true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_find_their_certificates_by_line() {
        let (text, lines) = bundle(&[Content::Der(vec![0; 100]), Content::Der(vec![1; 10]), Content::Der(vec![2; 10])]);
        let begins: Vec<usize> =
            (1..).zip(text.lines()).filter(|(_, line)| line.contains("BEGIN")).map(|(line, _)| line).collect();
        assert_eq!(lines, begins);
        let answer = json!({ "items": [
            { "place": format!("line {}", lines[2]), "outcome": "refused", "reason": "odd" },
            { "place": "line 1", "outcome": "imported", "certificate": 7 },
        ]});
        let found = outcomes(&answer, &lines);
        assert_eq!(found[0], Ok(Outcome::Imported(CertificateId(7))));
        assert!(found[1].as_ref().unwrap_err().contains("does not say"));
        assert_eq!(found[2], Err("odd".into()));
    }
}
