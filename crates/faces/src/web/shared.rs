//! What the pages of one server remember between requests: nothing that could not be forgotten.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use certhold_domain::access::{Access, Decision, Need, paths};
use certhold_domain::events::Verification;
use certhold_domain::people;
use certhold_domain::renewal::managed::{self, Health};
use certhold_domain::{Actor, Face, Result};
use certhold_store::Tx;

use super::view::frame::{Section, Viewer};

/// How long the number of managed certificates in trouble is shown before it is counted again.
const TROUBLE_MS: i64 = 30_000;

/// Shared by all pages of one server.
#[derive(Default)]
pub struct Shared {
    /// When managed certificates in trouble were counted, and how many there were.
    trouble: Mutex<Option<(i64, i64)>>,
    /// What the last check of the record found, and when.
    check: Mutex<Option<(Verification, i64)>>,
    /// Somebody has signed in: the sign-in page need not say any more where the first password is.
    somebody_came: AtomicBool,
}

impl Shared {
    /// The viewer as the frame shows them. `actor` was loaded in this transaction.
    pub fn viewer(&self, tx: &mut Tx<'_>, actor: &Actor, now: i64) -> Result<Viewer> {
        let mut viewer = viewer(actor);
        if viewer.sections.contains(&Section::Managed) {
            viewer.in_trouble = self.in_trouble(tx, now)?;
        }
        Ok(viewer)
    }

    fn in_trouble(&self, tx: &mut Tx<'_>, now: i64) -> Result<i64> {
        let known = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = known.filter(|(at, _)| (0..TROUBLE_MS).contains(&(now - at))) {
            return Ok(count);
        }
        let counted = managed::count_by_health(tx, now)?;
        let troubled = counted.iter().filter(|(health, _)| matches!(health, Health::Failing | Health::Expired));
        let count = troubled.map(|(_, count)| count).sum();
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, count));
        Ok(count)
    }

    /// After a change: what was counted may be another number now.
    pub fn changed(&self) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Keeps what a check of the record found.
    pub fn checked(&self, found: Verification, at: i64) {
        *self.check.lock().unwrap_or_else(PoisonError::into_inner) = Some((found, at));
    }

    /// What the last check of the record found, and when.
    pub fn last_check(&self) -> Option<(Verification, i64)> {
        self.check.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nobody has signed in since the installation.
    pub fn is_first_start(&self, tx: &mut Tx<'_>) -> Result<bool> {
        if self.somebody_came.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let everybody = people::list(tx, &Actor::system(Face::Web, "sign-in"))?;
        let somebody_came = everybody.iter().any(|account| account.last_seen_at.is_some());
        self.somebody_came.fetch_or(somebody_came, Ordering::Relaxed);
        Ok(!somebody_came)
    }
}

/// The viewer as far as their rights say, which were loaded with the session.
pub fn viewer(actor: &Actor) -> Viewer {
    let may = |path: &str| holds(&actor.access, path);
    let opens = |section: &Section| {
        section_paths(*section).iter().any(|path| may(path))
            || *section == Section::Collections && reads_some_collection(&actor.access)
    };
    let sections = Section::ALL.into_iter().filter(opens).collect();
    Viewer { name: actor.name.clone(), sections, in_trouble: 0, may_manage: may(paths::RENEWAL_MODIFY) }
}

/// Whether certificates of some collection may be seen: the list then shows which.
fn reads_some_collection(access: &Access) -> bool {
    let mut grants = access.roles.iter().flat_map(|role| &role.grants);
    grants.any(|path| path.as_str().starts_with(paths::CERTIFICATES_READ))
}

/// Whether a right is held system-wide, by rights that are at hand.
pub fn holds(access: &Access, path: &str) -> bool {
    matches!(access.evaluate(&Need::system(path)), Decision::Allowed { .. })
}

/// The permissions of which any one opens a section.
fn section_paths(section: Section) -> &'static [&'static str] {
    match section {
        Section::Home | Section::Certificates => &[paths::CERTIFICATES_READ],
        Section::Collections => &[paths::CERTIFICATES_READ, paths::COLLECTIONS_MODIFY],
        Section::Import => &[paths::CERTIFICATES_IMPORT],
        Section::Metadata => &[paths::METADATA_TYPES_READ, paths::METADATA_TYPES_MODIFY],
        Section::Managed => &[paths::RENEWAL_READ],
        Section::Issuers => &[paths::ISSUERS_READ],
        Section::DnsProviders => &[paths::DNS_PROVIDERS_READ],
        Section::Users | Section::ServiceAccounts | Section::Roles | Section::Sets | Section::Claims | Section::Review => {
            &[paths::SECURITY_READ]
        }
        Section::Events => &[paths::AUDITING_READ],
        Section::Api => &[paths::PORTAL_READ],
        Section::Account | Section::None => &[],
    }
}
