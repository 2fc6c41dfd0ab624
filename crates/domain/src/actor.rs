//! Who acts, through which face.

use std::sync::Arc;

use crate::access::{Access, ClaimKey};
use crate::ids::PrincipalId;

/// The way a request came in; recorded with every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The native API.
    Native,
    /// The Keyfactor Command API.
    Keyfactor,
    /// The ArcGIS Enterprise Administrator API.
    ArcGis,
    /// The web pages.
    Web,
    /// The command line on a data directory.
    Cli,
    /// The worker that performs jobs.
    Worker,
    /// Start-up and housekeeping of the server itself.
    Server,
}

impl Face {
    /// The name kept in events.
    pub fn name(self) -> &'static str {
        match self {
            Face::Native => "native",
            Face::Keyfactor => "keyfactor",
            Face::ArcGis => "arcgis",
            Face::Web => "web",
            Face::Cli => "cli",
            Face::Worker => "worker",
            Face::Server => "server",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Face> {
        [Face::Native, Face::Keyfactor, Face::ArcGis, Face::Web, Face::Cli, Face::Worker, Face::Server]
            .into_iter()
            .find(|face| face.name() == name)
    }
}

/// What kind of actor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// Somebody who signs in.
    Person,
    /// A service account.
    Service,
    /// Whoever may open the data directory on the machine itself.
    Local,
    /// Certhold itself.
    System,
    /// Nobody yet: a sign-in that is being tried.
    Anonymous,
}

impl ActorKind {
    /// The name kept in events.
    pub fn name(self) -> &'static str {
        match self {
            ActorKind::Person => "person",
            ActorKind::Service => "service",
            ActorKind::Local => "local",
            ActorKind::System => "system",
            ActorKind::Anonymous => "anonymous",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<ActorKind> {
        [ActorKind::Person, ActorKind::Service, ActorKind::Local, ActorKind::System, ActorKind::Anonymous]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The authenticated author of a command, with what they held when they were authenticated. [`crate::access::require`] notices
/// when that has changed since and loads it again, so a revoked right is never used.
#[derive(Clone, Debug)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The principal, unless it is Certhold itself or the local operator.
    pub id: Option<PrincipalId>,
    /// The name shown in events.
    pub name: String,
    /// The face the request came through.
    pub face: Face,
    /// The request's id, empty outside HTTP.
    pub request: String,
    /// The peer's address, empty outside HTTP.
    pub address: String,
    /// What the sign-in says of them beside who they are: groups, roles at an identity provider … Passwords and tokens say nothing.
    pub claims: Vec<ClaimKey>,
    /// When the credential that was shown ends by itself, unix milliseconds: of an API token with an end, and of an access token.
    /// `None` for signing in and for what ends only when somebody ends it.
    pub ends_at: Option<i64>,
    /// The rights, as loaded with the credentials.
    pub access: Arc<Access>,
}

impl Actor {
    /// Certhold itself, doing what it was told earlier. `name` says which part: "renewal", "worker" …
    pub fn system(face: Face, name: &str) -> Actor {
        Actor::unbounded(ActorKind::System, face, name)
    }

    /// The operator at the command line who holds the data directory's lock: file permissions are their credentials.
    pub fn local(user: &str) -> Actor {
        Actor::unbounded(ActorKind::Local, Face::Cli, user)
    }

    /// Somebody whose credentials are being checked; holds nothing. The name is what they claim: cut to one plain line.
    pub fn anonymous(face: Face, name: &str, request: &str, address: &str) -> Actor {
        Actor {
            kind: ActorKind::Anonymous,
            id: None,
            name: name.chars().filter(|c| !c.is_control()).take(crate::limits::NAME_CHARS).collect(),
            face,
            request: request.to_owned(),
            address: address.to_owned(),
            claims: Vec::new(),
            ends_at: None,
            access: Arc::new(Access::nothing()),
        }
    }

    fn unbounded(kind: ActorKind, face: Face, name: &str) -> Actor {
        Actor {
            kind,
            id: None,
            name: name.to_owned(),
            face,
            request: String::new(),
            address: String::new(),
            claims: Vec::new(),
            ends_at: None,
            access: Arc::new(Access::everything()),
        }
    }

    /// The same actor with the request's coordinates, for events.
    pub fn during(mut self, request: &str, address: &str) -> Actor {
        self.request = request.to_owned();
        self.address = address.to_owned();
        self
    }
}
