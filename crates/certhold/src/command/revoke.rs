//! `certhold revoke`, `release`, `revocation`.

use serde_json::{Value as Json, json};

use super::through::Through;
use super::{Column, print_done, print_one};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// Revoke a certificate: at its private authority or ACME issuer; of any other it is recorded only
#[derive(clap::Args)]
pub struct Revoke {
    /// The certificate: number or fingerprint
    #[arg(value_name = "ID")]
    id: String,
    /// unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation; of a private authority also cACompromise,
    /// privilegeWithdrawn and certificateHold
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    reason: String,
    /// Why; it stays in the event log
    #[arg(long, value_name = "TEXT")]
    comment: String,
    #[command(flatten)]
    through: Through,
}

/// End the hold of a certificate
#[derive(clap::Args)]
pub struct Release {
    /// The certificate: number or fingerprint
    #[arg(value_name = "ID")]
    id: String,
    /// Why; it stays in the event log
    #[arg(long, value_name = "TEXT")]
    comment: String,
    #[command(flatten)]
    through: Through,
}

/// Say whether a certificate is revoked, and whether its issuer has been told
#[derive(clap::Args)]
pub struct Revocation {
    /// The certificate: number or fingerprint
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    through: Through,
}

const LINES: &[Column] = &[
    ("revoked", |one| text(&one["revoked"])),
    ("reason", |one| text(&one["reason"])),
    ("comment", |one| text(&one["comment"])),
    ("from", |one| time(&one["effective_at"])),
    ("issuer", |one| text(&one["issuer"]["name"])),
    ("at its issuer", |one| standing(&one["at_issuer"])),
    ("reason told", |one| text(&one["reason_at_issuer"])),
    ("error", |one| text(&one["error"])),
    ("asked next", |one| time(&one["next_try"])),
];

fn standing(name: &Json) -> String {
    let words = match name.as_str().unwrap_or_default() {
        "listed" => "on its list, or on the next one",
        "asked" => "being asked",
        "revoked" => "revoked",
        "refused" => "refused; revoke once more to ask once more",
        "given_up" => "not asked any more; revoke once more to ask once more",
        "not_asked" => "not asked yet; revoke once more to ask",
        "not_told" => "not told: revoke it there",
        other => other,
    };
    words.to_owned()
}

impl Revoke {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let one = self.through.reach(target, &self.id).await?;
        let new = json!({ "reason": self.reason, "comment": self.comment });
        target.put(Method::Post, &one.path("/revocation", []), &new).await?;
        let id = one.id;
        let sentence =
            format!("certificate {id} is recorded as revoked; `certhold revocation {id}` says whether its issuer knows");
        print_done(&sentence, &json!({ "certificate": id, "done": "revoked" }), output)
    }
}

impl Release {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let one = self.through.reach(target, &self.id).await?;
        target.put(Method::Post, &one.path("/release", []), &json!({ "comment": self.comment })).await?;
        let id = one.id;
        print_done(
            &format!("certificate {id} is not on hold any more"),
            &json!({ "certificate": id, "done": "released" }),
            output,
        )
    }
}

impl Revocation {
    /// Shows it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let one = self.through.reach(target, &self.id).await?;
        print_one(&target.get(&one.path("/revocation", [])).await?, LINES, output)
    }
}
