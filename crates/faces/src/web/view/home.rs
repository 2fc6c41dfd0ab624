//! `/`: what expires when, what failed, what nobody owns.

use askama::Template;

use super::chart::ExpiryChart;
use super::event::EventLine;
use super::filters;
use super::frame::Frame;
use super::text::Link;
use super::time::Moment;
use super::tone::Validity;

/// The home page.
#[derive(Clone, Debug, Template)]
#[template(path = "web/home.html")]
pub struct HomePage {
    /// Title and navigation.
    pub frame: Frame,
    /// The numbers at the top.
    pub totals: Totals,
    /// Collections that are shown here, with their numbers of certificates; a few.
    pub collections: Vec<(Link, Option<i64>)>,
    /// What somebody should look at now.
    pub urgent: UrgentCard,
    /// What expires when.
    pub chart: ExpiryChart,
    /// Managed certificates in trouble, a few; `None`: the viewer may not see renewals.
    pub troubles: Option<Vec<Trouble>>,
    /// The certificates without an owner that expire first; a few.
    pub unowned: Vec<UnownedCertificate>,
    /// Whether the machinery is alive.
    pub heartbeat: Heartbeat,
    /// The latest events, newest first; a few.
    pub recent: Vec<EventLine>,
}

impl HomePage {
    /// Whether nothing has been brought in yet: the page then says how to begin.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.totals.held == 0 && self.totals.managed == 0
    }
}

/// Exact counts over the inventory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Certificates in the inventory.
    pub held: i64,
    /// Of them renewed by Certhold.
    pub managed: i64,
    /// Of them past their end.
    pub expired: i64,
    /// Of them ending within 30 days.
    pub expiring: i64,
    /// Of them without an owner.
    pub unowned: i64,
    /// Managed certificates in trouble.
    pub in_trouble: i64,
}

/// A managed certificate that does not do what it should.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Its first name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Why, in one sentence.
    pub cause: String,
    /// When it failed last.
    pub failed: Moment,
    /// When it is tried again; `None` if it waits for somebody.
    pub next_try: Option<Moment>,
    /// The version in service now, if there is one.
    pub validity: Option<Validity>,
}

/// What has expired lately or ends soon, and nothing renews in time.
#[derive(Clone, Debug)]
pub struct UrgentCard {
    /// Those that have expired, the latest first, then those that end; a few.
    pub rows: Vec<UrgentCertificate>,
    /// Whether there are more.
    pub has_more: bool,
    /// All that end in that time, whoever renews them.
    pub href: String,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct UrgentCertificate {
    /// Its first name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its life.
    pub validity: Validity,
    /// The role that answers for it.
    pub owner: Option<String>,
    /// Whether Certhold should have renewed it.
    pub is_managed: bool,
}

/// A certificate that nobody answers for.
#[derive(Clone, Debug)]
pub struct UnownedCertificate {
    /// Its first name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its life.
    pub validity: Validity,
}

/// Signs of life of what works by itself. A renewal that silently stops is the failure that hurts most.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heartbeat {
    /// When the worker that plans and performs renewals was last seen at work; `None` before the first time.
    pub seen: Option<Moment>,
    /// Whether that is longer ago than it may be.
    pub is_late: bool,
    /// Jobs that are due now and wait for a worker; `None`: the viewer may not see them.
    pub jobs_waiting: Option<i64>,
}
