//! One edit, ready to be applied to any certificate: the same code decides for the preview and for the job.

use certhold_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::owners::{self, Handing};
use super::{Edit, Selection, removal};
use crate::access::{self, Need, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::ids::CertificateId;
use crate::limits;
use crate::metadata;

/// How many certificates were changed or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Certificates that change.
    pub changed: i64,
    /// Certificates that are so already, or keep a value that may not be overwritten.
    pub unchanged: i64,
    /// Certificates for which a rule forbids it.
    pub refused: i64,
    /// Why, each with its count.
    pub reasons: Vec<Reason>,
}

/// Why certificates are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// One sentence.
    pub reason: String,
    /// How many certificates.
    pub count: i64,
    /// Some of them.
    pub examples: Vec<CertificateId>,
}

impl Tally {
    /// Counts one certificate.
    pub(super) fn count(&mut self, certificate: CertificateId, outcome: &Outcome) {
        match outcome {
            Outcome::Changes(..) => self.changed += 1,
            Outcome::Same => self.unchanged += 1,
            Outcome::Refused(why) => {
                self.refused += 1;
                self.refuse(certificate, why);
            }
        }
    }

    fn refuse(&mut self, certificate: CertificateId, why: &str) {
        let known = self.reasons.iter().position(|reason| reason.reason == why);
        let index = match known {
            Some(index) => index,
            None if self.reasons.len() < limits::BULK_REASONS => {
                self.reasons.push(Reason { reason: why.to_owned(), count: 0, examples: Vec::new() });
                self.reasons.len() - 1
            }
            None => {
                let last = self.reasons.len() - 1;
                self.reasons[last].reason = "other reasons".into();
                last
            }
        };
        let reason = &mut self.reasons[index];
        reason.count += 1;
        if reason.examples.len() < limits::EXAMPLES {
            reason.examples.push(certificate);
        }
    }
}

/// What becomes of one certificate.
pub(super) enum Outcome {
    /// From these fields to those.
    Changes(Json, Json),
    Same,
    Refused(String),
}

/// An edit that was checked.
pub(super) enum Rule {
    Metadata(metadata::Prepared),
    Owner(Handing),
    Remove,
}

/// What was decided for some certificates.
pub(super) enum Decisions {
    Metadata(Vec<metadata::Decision>),
    Owner(Vec<owners::Decision>),
    Remove(Vec<removal::Decision>),
}

const GONE: &str = "the certificate is not in the inventory any more";

impl Rule {
    /// Refuses unless the actor may do this now, everywhere or in the collection that the selection names, and the edit can be done
    /// at all.
    pub(super) fn prepare(tx: &mut Tx<'_>, actor: &Actor, edit: &Edit, selection: &Selection) -> Result<Rule> {
        let collection = selection.collection();
        let need = |path: &str| Need::system(path).or_collection(path, collection);
        access::require(tx, actor, &need(paths::CERTIFICATES_READ))?;
        match edit {
            Edit::Metadata { changes } => {
                access::require(tx, actor, &need(paths::CERTIFICATES_METADATA_MODIFY))?;
                if changes.is_empty() {
                    return Err(Refusal::invalid("edit", "name at least one field to change").into());
                }
                Ok(Rule::Metadata(metadata::prepare(tx, actor, changes)?))
            }
            Edit::Owner { to } => Ok(Rule::Owner(Handing::prepare(tx, actor, *to, collection)?)),
            Edit::Remove => {
                access::require(tx, actor, &need(paths::CERTIFICATES_DELETE))?;
                Ok(Rule::Remove)
            }
            Edit::RemoveField { .. } => Err(Refusal::invalid("edit", "a field is removed at /metadata-fields").into()),
        }
    }

    pub(super) fn decide(&self, tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Decisions> {
        Ok(match self {
            Rule::Metadata(prepared) => Decisions::Metadata(metadata::decide(tx, prepared, ids)?),
            Rule::Owner(handing) => Decisions::Owner(handing.decide(tx, ids)?),
            Rule::Remove => Decisions::Remove(removal::decide(tx, ids)?),
        })
    }

    /// Shows each decision to `visit`.
    pub(super) fn each(&self, decisions: &Decisions, mut visit: impl FnMut(CertificateId, &str, Outcome)) {
        match (self, decisions) {
            (Rule::Metadata(prepared), Decisions::Metadata(decisions)) => {
                for decision in decisions {
                    let outcome = match &decision.verdict {
                        metadata::Verdict::Gone => Outcome::Refused(GONE.into()),
                        metadata::Verdict::Refused(why) => Outcome::Refused(why.clone()),
                        metadata::Verdict::Same => Outcome::Same,
                        metadata::Verdict::Change(deltas) => {
                            let (before, after) = prepared.before_after(deltas);
                            Outcome::Changes(before, after)
                        }
                    };
                    visit(decision.certificate, &decision.title, outcome);
                }
            }
            (Rule::Owner(handing), Decisions::Owner(decisions)) => {
                for decision in decisions {
                    let outcome = match &decision.verdict {
                        owners::Verdict::Gone => Outcome::Refused(GONE.into()),
                        owners::Verdict::Refused(why) => Outcome::Refused(why.clone()),
                        owners::Verdict::Same => Outcome::Same,
                        owners::Verdict::Change { before, .. } => {
                            let (before, after) = handing.before_after(before);
                            Outcome::Changes(before, after)
                        }
                    };
                    visit(decision.certificate, &decision.title, outcome);
                }
            }
            (Rule::Remove, Decisions::Remove(decisions)) => {
                for decision in decisions {
                    let outcome = match &decision.verdict {
                        removal::Verdict::Gone => Outcome::Refused(GONE.into()),
                        removal::Verdict::Refused(why) => Outcome::Refused(why.clone()),
                        removal::Verdict::Remove(lost) => Outcome::Changes(lost.clone(), Json::Null),
                    };
                    visit(decision.certificate, &decision.title, outcome);
                }
            }
            // A rule's decisions are its own.
            (Rule::Metadata(_) | Rule::Owner(_) | Rule::Remove, _) => {}
        }
    }

    /// Writes what was decided.
    pub(super) fn write(&self, tx: &mut Tx<'_>, actor: &Actor, decisions: &Decisions, details: &Json, now: i64) -> Result<()> {
        match (self, decisions) {
            (Rule::Metadata(prepared), Decisions::Metadata(decisions)) => {
                metadata::write(tx, actor, prepared, decisions, details, now)
            }
            (Rule::Owner(handing), Decisions::Owner(decisions)) => handing.write(tx, actor, decisions, details, now),
            (Rule::Remove, Decisions::Remove(decisions)) => removal::write(tx, actor, decisions, details, now),
            (Rule::Metadata(_) | Rule::Owner(_) | Rule::Remove, _) => Ok(()),
        }
    }
}
