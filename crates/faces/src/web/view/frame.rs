//! What surrounds every page: title, navigation, who is signed in, notices.

use super::tone::Tone;

/// The part of a page that does not depend on what the page is about.
///
/// Every page struct has a field `frame: Frame`; the templates `document.html` and `base.html` read it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Heading of the page and first part of the browser's title.
    pub title: String,
    /// The navigation entry that is marked as current.
    pub section: Section,
    /// Who is signed in. `None` only on pages that show no navigation (sign-in, some errors).
    pub viewer: Option<Viewer>,
    /// The token that every form of the page sends back in the field `csrf`.
    pub csrf: String,
    /// The outcome of the action that led here, if any.
    pub notice: Option<Notice>,
    /// The way down to this page, without the page itself.
    pub crumbs: Vec<Crumb>,
    /// Colours chosen by the viewer.
    pub theme: Theme,
}

impl Frame {
    /// A frame for a signed-in viewer, without notice and crumbs.
    #[must_use]
    pub fn new(title: impl Into<String>, section: Section, viewer: Viewer, csrf: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            section,
            viewer: Some(viewer),
            csrf: csrf.into(),
            notice: None,
            crumbs: Vec::new(),
            theme: Theme::default(),
        }
    }

    /// A frame for somebody who is not signed in.
    #[must_use]
    pub fn signed_out(title: impl Into<String>, csrf: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            section: Section::None,
            viewer: None,
            csrf: csrf.into(),
            notice: None,
            crumbs: Vec::new(),
            theme: Theme::default(),
        }
    }

    /// The same frame with one more step in the way down to the page.
    #[must_use]
    pub fn below(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Crumb { label: label.into(), href: href.into() });
        self
    }

    /// The same frame with a notice above the content.
    #[must_use]
    pub fn with_notice(mut self, notice: Notice) -> Self {
        self.notice = Some(notice);
        self
    }

    /// Whether the viewer may open a section.
    #[must_use]
    pub fn may_open(&self, section: Section) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.sections.contains(&section))
    }

    /// Whether the viewer may create managed certificates.
    #[must_use]
    pub fn may_manage(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.may_manage)
    }

    /// The product's version, shown at the foot of the navigation.
    #[must_use]
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// The signed-in person, as far as the frame shows them.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Sign-in name.
    pub name: String,
    /// The sections that the viewer may open; others are left out of the navigation.
    pub sections: Vec<Section>,
    /// Managed certificates in trouble, shown beside the navigation entry when not zero.
    pub in_trouble: i64,
    /// Whether the viewer may create managed certificates.
    pub may_manage: bool,
}

impl Viewer {
    /// A viewer who may open every section.
    #[must_use]
    pub fn with_all_sections(name: impl Into<String>) -> Self {
        Self { name: name.into(), sections: Section::ALL.to_vec(), in_trouble: 0, may_manage: true }
    }

    /// The navigation: groups with a heading (empty for the first) and the entries the viewer may open.
    #[must_use]
    pub fn navigation(&self) -> Vec<(&'static str, Vec<Section>)> {
        NAVIGATION
            .iter()
            .map(|(heading, sections)| {
                let open = sections.iter().copied().filter(|s| self.sections.contains(s)).collect::<Vec<_>>();
                (*heading, open)
            })
            .filter(|(_, sections)| !sections.is_empty())
            .collect()
    }
}

const NAVIGATION: &[(&str, &[Section])] = &[
    ("", &[Section::Home, Section::Certificates, Section::Collections, Section::Findings, Section::Import, Section::Metadata]),
    (
        "Issuance",
        &[
            Section::Managed,
            Section::Stores,
            Section::Enrol,
            Section::KeyRequests,
            Section::Authorities,
            Section::Patterns,
            Section::Issuers,
            Section::DnsProviders,
            Section::TrustSets,
        ],
    ),
    (
        "Access",
        &[
            Section::Users,
            Section::ServiceAccounts,
            Section::Roles,
            Section::Sets,
            Section::Claims,
            Section::IdentityProviders,
            Section::Review,
        ],
    ),
    ("Record", &[Section::Events, Section::System, Section::Api]),
];

/// An entry of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The overview.
    Home,
    /// The inventory.
    Certificates,
    /// Saved queries.
    Collections,
    /// What is wrong with certificates.
    Findings,
    /// Bringing certificates in.
    Import,
    /// Fields for what is noted about certificates.
    Metadata,
    /// Certificates that Certhold renews.
    Managed,
    /// Certificate stores.
    Stores,
    /// Having private authorities issue.
    Enrol,
    /// Keys made here, with their signing requests.
    KeyRequests,
    /// Private certification authorities.
    Authorities,
    /// Who may have which certificates issued.
    Patterns,
    /// ACME accounts and other authorities.
    Issuers,
    /// Where TXT records are published.
    DnsProviders,
    /// Authorities that somebody trusts.
    TrustSets,
    /// People.
    Users,
    /// Programs that call the API.
    ServiceAccounts,
    /// Roles and their permissions.
    Roles,
    /// Permission sets.
    Sets,
    /// What sign-ins say of somebody.
    Claims,
    /// Who else may say who somebody is.
    IdentityProviders,
    /// Who can do what to which certificates.
    Review,
    /// The record of everything.
    Events,
    /// What everything is sealed under, backups, deliveries.
    System,
    /// API documentation.
    Api,
    /// The viewer's own account; not part of the navigation list.
    Account,
    /// No entry is current.
    None,
}

impl Section {
    /// Everything that can stand in the navigation.
    pub const ALL: [Self; 25] = [
        Self::Home,
        Self::Certificates,
        Self::Collections,
        Self::Findings,
        Self::Import,
        Self::Metadata,
        Self::Managed,
        Self::Stores,
        Self::Enrol,
        Self::KeyRequests,
        Self::Authorities,
        Self::Patterns,
        Self::Issuers,
        Self::DnsProviders,
        Self::TrustSets,
        Self::Users,
        Self::ServiceAccounts,
        Self::Roles,
        Self::Sets,
        Self::Claims,
        Self::IdentityProviders,
        Self::Review,
        Self::Events,
        Self::System,
        Self::Api,
    ];

    /// Whether it is [`Section::Managed`], which carries the count of certificates in trouble.
    #[must_use]
    pub fn is_managed(self) -> bool {
        self == Self::Managed
    }

    /// Whether it is [`Section::Account`].
    #[must_use]
    pub fn is_account(self) -> bool {
        self == Self::Account
    }

    /// Text of the entry.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Certificates => "Certificates",
            Self::Collections => "Collections",
            Self::Findings => "Findings",
            Self::Import => "Import",
            Self::Metadata => "Metadata",
            Self::Managed => "Managed",
            Self::Stores => "Certificate stores",
            Self::Enrol => "Enrol",
            Self::KeyRequests => "Key requests",
            Self::Authorities => "Private authorities",
            Self::Patterns => "Enrolment patterns",
            Self::Issuers => "Issuers",
            Self::DnsProviders => "DNS providers",
            Self::TrustSets => "Trust sets",
            Self::Users => "Users",
            Self::ServiceAccounts => "Service accounts",
            Self::Roles => "Roles",
            Self::Sets => "Permission sets",
            Self::Claims => "Claims",
            Self::IdentityProviders => "Identity providers",
            Self::Review => "Access review",
            Self::Events => "Events",
            Self::System => "System",
            Self::Api => "API",
            Self::Account => "Account",
            Self::None => "",
        }
    }

    /// Where the entry leads.
    #[must_use]
    pub fn href(self) -> &'static str {
        match self {
            Self::Home | Self::None => "/",
            Self::Certificates => "/certificates",
            Self::Collections => "/collections",
            Self::Findings => "/findings",
            Self::Import => "/import",
            Self::Metadata => "/metadata",
            Self::Managed => "/managed",
            Self::Stores => "/stores",
            Self::Enrol => "/enrol",
            Self::KeyRequests => "/key-requests",
            Self::Authorities => "/authorities",
            Self::Patterns => "/patterns",
            Self::Issuers => "/issuers",
            Self::DnsProviders => "/dns-providers",
            Self::TrustSets => "/trust-sets",
            Self::Users => "/users",
            Self::ServiceAccounts => "/service-accounts",
            Self::Roles => "/roles",
            Self::Sets => "/permission-sets",
            Self::Claims => "/claims",
            Self::IdentityProviders => "/identity-providers",
            Self::Review => "/access/review",
            Self::Events => "/events",
            Self::System => "/system",
            Self::Api => "/api/docs",
            Self::Account => "/account",
        }
    }

    /// Name of its symbol.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Home | Self::None => "home",
            Self::Certificates => "certificate",
            Self::Collections => "search",
            Self::Findings => "warn",
            Self::Import => "import",
            Self::Metadata => "note",
            Self::Managed => "renew",
            Self::Stores => "download",
            Self::Enrol => "plus",
            Self::KeyRequests => "key",
            Self::Authorities => "authority",
            Self::Patterns => "list",
            Self::Issuers => "authority",
            Self::DnsProviders => "globe",
            Self::TrustSets => "check",
            Self::Users => "person",
            Self::ServiceAccounts => "robot",
            Self::Roles => "people",
            Self::Sets => "lock",
            Self::Claims => "globe",
            Self::IdentityProviders => "key",
            Self::Review => "info",
            Self::Events => "list",
            Self::System => "deploy",
            Self::Api => "code",
            Self::Account => "person",
        }
    }
}

/// The outcome of an action, said once above the content of the next page.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Colour and icon.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

impl Notice {
    /// Something went well.
    #[must_use]
    pub fn good(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into() }
    }

    /// Something was refused or failed.
    #[must_use]
    pub fn bad(text: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, text: text.into() }
    }
}

/// One step of the way down to a page.
#[derive(Clone, Debug)]
pub struct Crumb {
    /// Text.
    pub label: String,
    /// Target.
    pub href: String,
}

/// Colours of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the operating system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// What the choice is called.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The value of the `data-theme` attribute, of the cookie and of the form field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that name; anything unknown is [`Theme::System`].
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn navigation_shows_only_what_may_be_opened() {
        let viewer =
            Viewer { name: "eve".into(), sections: vec![Section::Home, Section::Events], in_trouble: 0, may_manage: false };
        assert_eq!(viewer.navigation(), [("", vec![Section::Home]), ("Record", vec![Section::Events])]);
    }

    #[test]
    fn navigation_knows_every_section() {
        let listed = Viewer::with_all_sections("a").navigation().into_iter().flat_map(|(_, s)| s).collect::<Vec<_>>();
        assert_eq!(listed, Section::ALL);
    }

    #[test]
    fn themes_survive_the_cookie() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::from_name(theme.name()), theme);
        }
        assert_eq!(Theme::from_name("<script>"), Theme::System);
    }
}
