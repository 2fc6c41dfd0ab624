//! What the pages of one server remember between requests: nothing that could not be forgotten.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use certhold_domain::access::{Access, Decision, Need, on_objects, paths};
use certhold_domain::events::Verification;
use certhold_domain::people;
use certhold_domain::renewal::managed;
use certhold_domain::{Actor, CollectionId, Face, Result};
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
        let count = managed::in_trouble(tx, now)?;
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
            || *section == Section::Collections && has_some_below(&actor.access, paths::CERTIFICATES_READ)
            || *section == Section::Stores && STORES.iter().any(|path| has_some_below(&actor.access, path))
    };
    let sections = Section::ALL.into_iter().filter(opens).collect();
    Viewer { name: actor.name.clone(), sections, in_trouble: 0, may_manage: may(paths::RENEWAL_MODIFY) }
}

/// The rights of which any one shows stores: everywhere, or those of some container.
const STORES: [&str; 3] = [paths::STORES_READ, paths::STORES_SCHEDULE, paths::STORES_MODIFY];

/// Whether a right is held on some collection or container: the list then shows which.
fn has_some_below(access: &Access, right: &str) -> bool {
    on_objects(access).iter().any(|path| path.as_str().starts_with(right))
}

/// Whether a right is held system-wide, by rights that are at hand.
pub fn holds(access: &Access, path: &str) -> bool {
    access.allows(path)
}

/// Whether a right is held system-wide or on the collection, by rights that are at hand. Whether a certificate is inside is the
/// domain's to decide.
pub fn holds_in(access: &Access, path: &str, collection: Option<CollectionId>) -> bool {
    matches!(access.evaluate(&Need::system(path).or_collection(path, collection)), Decision::Allowed { .. })
}

/// The permissions of which any one opens a section.
fn section_paths(section: Section) -> &'static [&'static str] {
    match section {
        Section::Home | Section::Certificates | Section::Findings | Section::TrustSets => &[paths::CERTIFICATES_READ],
        Section::Enrol => &[paths::ENROLLMENT_CSR, paths::ENROLLMENT_PFX],
        Section::Patterns => &[paths::PATTERNS_READ],
        Section::KeyRequests => &[paths::KEY_REQUESTS_READ, paths::ENROLLMENT_CSR_GENERATION],
        Section::System => &[paths::SYSTEM_READ],
        Section::Collections => &[paths::CERTIFICATES_READ, paths::COLLECTIONS_MODIFY],
        Section::Import => &[paths::CERTIFICATES_IMPORT],
        Section::Metadata => &[paths::METADATA_TYPES_READ, paths::METADATA_TYPES_MODIFY],
        Section::Managed => &[paths::RENEWAL_READ],
        Section::Stores => &STORES,
        Section::Issuers | Section::Authorities => &[paths::ISSUERS_READ],
        Section::DnsProviders => &[paths::DNS_PROVIDERS_READ],
        Section::Users | Section::ServiceAccounts | Section::Roles | Section::Sets | Section::Claims | Section::Review => {
            &[paths::SECURITY_READ]
        }
        Section::IdentityProviders => &[paths::IDENTITY_PROVIDERS_READ],
        Section::Events => &[paths::AUDITING_READ],
        Section::Api => &[paths::PORTAL_READ],
        Section::Account | Section::None => &[],
    }
}
