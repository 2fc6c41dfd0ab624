//! `/managed`: certificates that Certhold obtains, renews and deploys.

use askama::Template;

use super::certificate::{Contact, Version};
use super::event::EventLine;
use super::filters;
use super::frame::Frame;
use super::table::{FilterLink, Pager};
use super::text::Link;
use super::time::Moment;
use super::tone::{Badge, Tone, Validity};

/// All managed certificates.
#[derive(Clone, Debug, Template)]
#[template(path = "web/managed.html")]
pub struct ManagedPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Filters by state.
    pub filters: Vec<FilterLink>,
    /// The rows of this page.
    pub rows: Vec<ManagedRow>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// The list as a file.
    pub csv_href: String,
    /// Whether there is none at all, not just none that passes the filter.
    pub holds_nothing: bool,
}

/// One managed certificate of the list.
#[derive(Clone, Debug)]
pub struct ManagedRow {
    /// Its page.
    pub href: String,
    /// Its first name.
    pub name: String,
    /// How many names there are besides.
    pub more_names: i64,
    /// What it does now.
    pub state: ManagedState,
    /// The version in service.
    pub validity: Option<Validity>,
    /// When renewal begins, or is tried again.
    pub next_renewal: Option<Moment>,
    /// Name of its issuer.
    pub issuer: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why it failed last, in one sentence; empty when all is well.
    pub last_error: String,
}

/// What a managed certificate does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagedState {
    /// Somebody stopped its renewal.
    Paused,
    /// A version is in service, the next renewal is planned.
    InService,
    /// The first version is being obtained.
    Obtaining,
    /// The next version is being obtained.
    Renewing,
    /// The last try failed, another is planned.
    Retrying,
    /// The last try failed, and only a person can help.
    Stuck,
    /// The version in service could not be put where it is used.
    NotDeployed,
    /// The version in service has ended.
    Expired,
}

impl ManagedState {
    /// As a badge.
    #[must_use]
    pub fn badge(self) -> Badge {
        match self {
            Self::Paused => Badge::new("Paused", Tone::Neutral).with_icon("pause"),
            Self::InService => Badge::new("In service", Tone::Good),
            Self::Obtaining => Badge::new("Obtaining", Tone::Info).with_icon("renew"),
            Self::Renewing => Badge::new("Renewing", Tone::Info).with_icon("renew"),
            Self::Retrying => Badge::new("Retrying", Tone::Warn),
            Self::Stuck => Badge::new("Needs you", Tone::Bad),
            Self::NotDeployed => Badge::new("Not deployed", Tone::Bad),
            Self::Expired => Badge::new("Expired", Tone::Bad),
        }
    }
}

/// One managed certificate.
#[derive(Clone, Debug, Template)]
#[template(path = "web/managed_detail.html")]
pub struct ManagedDetailPage {
    /// Title (the first name) and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// What it does now.
    pub state: ManagedState,
    /// Whether somebody stopped its renewal.
    pub is_paused: bool,
    /// Why it failed last.
    pub trouble: Option<TroubleDetail>,
    /// The version in service.
    pub in_service: Option<InService>,
    /// When renewal begins, or is tried again.
    pub next_renewal: Option<Moment>,
    /// Why then: `two thirds of the life, less up to 12 hours of jitter`.
    pub next_renewal_reason: String,
    /// All names to be certified.
    pub names: Vec<String>,
    /// How it is obtained.
    pub plan: Plan,
    /// The latest order, step by step, oldest first.
    pub steps: Vec<OrderStep>,
    /// All versions, newest first.
    pub versions: Vec<Version>,
    /// Where it is put.
    pub deployments: Vec<DeploymentRow>,
    /// What happened, newest first.
    pub history: Vec<EventLine>,
    /// What the viewer may do.
    pub may: ManagedActions,
}

impl ManagedDetailPage {
    fn path(&self, action: &str) -> String {
        format!("/managed/{}/{action}", self.id)
    }

    fn deployment_path(&self, deployment: &i64, action: &str) -> String {
        format!("/managed/{}/deployments/{deployment}/{action}", self.id)
    }
}

/// The version in service.
#[derive(Clone, Debug)]
pub struct InService {
    /// Its page in the inventory.
    pub href: String,
    /// Its life.
    pub validity: Validity,
}

/// How a certificate is obtained.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The authority.
    pub issuer: Link,
    /// What else it takes, by its title: where TXT records are published, by which pattern, to whom.
    pub parts: Vec<(&'static str, Link)>,
    /// Whether it is ordered: a private authority just issues.
    pub orders: bool,
    /// Kind of key, and whether it is kept or new each time.
    pub key: String,
    /// The profile that the authority is asked for; empty if it chooses.
    pub profile: String,
    /// When it is renewed, in words.
    pub policy: String,
    /// Who answers for it.
    pub owner: Option<Link>,
    /// Where they are reached.
    pub contact: Contact,
}

/// A failure in full.
#[derive(Clone, Debug, Default)]
pub struct TroubleDetail {
    /// How it stands, in one sentence; empty if only the last try failed.
    pub headline: String,
    /// Why the last try failed, in one sentence; empty if none did.
    pub cause: String,
    /// What to do about it, in a sentence; empty if trying again is all.
    pub remedy: String,
    /// Where it is done, if the viewer may open it.
    pub place: Option<Link>,
    /// When it is tried again, in a sentence; empty where nothing is to be tried.
    pub next_try: String,
    /// The authority's or server's whole answer; empty if there was none.
    pub answer: String,
    /// When it failed last.
    pub failed: Option<Moment>,
    /// How many tries in a row have failed; 0 where that is not counted.
    pub tries: i64,
}

/// One step of an order.
#[derive(Clone, Debug)]
pub struct OrderStep {
    /// What is done: `Publish TXT _acme-challenge.example.com`.
    pub label: String,
    /// How far it is.
    pub state: StepState,
    /// When it ended, or began if it is still going on.
    pub at: Option<Moment>,
    /// A few words more.
    pub detail: String,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It is going on.
    Running,
    /// Its turn has not come.
    Waiting,
}

impl StepState {
    /// Colour.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Done => Tone::Good,
            Self::Failed => Tone::Bad,
            Self::Running => Tone::Info,
            Self::Waiting => Tone::Neutral,
        }
    }

    /// Shape.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Done => "check",
            Self::Failed => "stop",
            Self::Running => "renew",
            Self::Waiting => "ring",
        }
    }

    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
        }
    }
}

/// One place a certificate is put.
#[derive(Clone, Debug)]
pub struct DeploymentRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Files that are written, with what is in them.
    pub files: Vec<DeployedFile>,
    /// The command that is run afterwards; empty if none.
    pub command: String,
    /// How it stands.
    pub state: Badge,
    /// When it was last done or tried.
    pub at: Option<Moment>,
    /// Why it failed, in one sentence; empty when all is well.
    pub error: String,
}

/// One file of a deployment.
#[derive(Clone, Debug)]
pub struct DeployedFile {
    /// `certificate`, `chain`, `full chain`, `private key`.
    pub content: String,
    /// Where.
    pub path: String,
    /// Owner and mode: `root:ssl-cert 0640`.
    pub access: String,
}

/// What the viewer may do with a managed certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManagedActions {
    /// Renew now.
    pub renew: bool,
    /// Pause, resume, remove.
    pub change: bool,
    /// Change, add and remove deployments.
    pub deploy: bool,
}
