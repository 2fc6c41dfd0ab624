//! Whether every certificate needs an owner: then an owner can be changed, but not cleared.

use certhold_store::{Tx, params};
use serde_json::json;

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::enrolment;
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::CertificateId;

/// What is asked about the owners of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OwnerPolicy {
    /// A certificate may have an owner.
    #[default]
    Optional,
    /// The owner of a certificate cannot be cleared.
    Required,
}

impl OwnerPolicy {
    /// Its name in APIs and in the database.
    pub fn name(self) -> &'static str {
        match self {
            OwnerPolicy::Optional => "optional",
            OwnerPolicy::Required => "required",
        }
    }

    /// The policy of this name.
    pub fn parse(name: &str) -> Result<OwnerPolicy, Refusal> {
        let known = [OwnerPolicy::Optional, OwnerPolicy::Required].into_iter().find(|policy| policy.name() == name);
        known.ok_or_else(|| Refusal::invalid("owner_policy", "the policy is optional or required"))
    }
}

/// The policy of this installation; for everybody, because everybody who changes owners meets it.
pub fn policy(tx: &mut Tx<'_>) -> Result<OwnerPolicy> {
    let found: Option<String> = tx.one("SELECT value FROM setting WHERE name = 'owner_policy'", params![], |row| row.get(0))?;
    Ok(found.and_then(|name| OwnerPolicy::parse(&name).ok()).unwrap_or_default())
}

/// Changes the policy. Certificates that have no owner keep having none.
pub fn set_policy(tx: &mut Tx<'_>, actor: &Actor, policy: OwnerPolicy, now: i64) -> Result<()> {
    access::require_path(tx, actor, paths::SYSTEM_MODIFY)?;
    let before = self::policy(tx)?;
    if before == policy {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('owner_policy', $1) ON CONFLICT (name) DO UPDATE SET value = $1",
        params![policy.name()],
    )?;
    let object = Object { kind: "setting", id: None, name: "owner_policy" };
    let (old, new) = (json!({ "policy": before.name() }), json!({ "policy": policy.name() }));
    events::append(tx, actor, now, NewEvent::changed(names::OWNER_POLICY_CHANGED, object, old, new))?;
    Ok(())
}

/// Refuses to clear the owner of a certificate that needs one, whoever asks for it: the installation, its template or its pattern.
pub(crate) fn require_clearable(tx: &mut Tx<'_>, certificate: CertificateId) -> Result<()> {
    match enrolment::owner_needed(tx, &[certificate])?.pop().flatten() {
        None => Ok(()),
        Some(why) => Err(Refusal::invalid("owner", not_clearable(&why)).into()),
    }
}

/// What is said where an owner is needed.
pub(crate) fn not_clearable(why: &str) -> String {
    format!("{why}: it can be changed to another role, but not cleared")
}
