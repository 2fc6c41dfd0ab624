//! Why somebody may do something, or may not: the evaluation with its reasons, as sentences.

mod asked;
mod owner;
mod place;
mod rights;
mod who;

use certhold_store::Tx;

use self::asked::Asked;
use self::place::Place;
pub(super) use self::who::Reached;
pub use self::who::{Through, WhoMay, who_may};
use super::evaluate::Path;
use super::tree;
use crate::actor::Actor;
use crate::error::Result;
use crate::ids::{ApiClientId, CertificateId, ClaimId, CollectionId, ContainerId, PrincipalId, RoleId, TokenId};

/// About whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Whoever asks, with what they signed in with.
    Oneself,
    /// An account.
    Principal(PrincipalId),
    /// An API token: its account, bounded by its scopes.
    Token(TokenId),
    /// An API client: its account with what the claim about the client gives, bounded by its scopes.
    Client(ApiClientId),
    /// Whoever signs in with a claim: what the claim alone gives.
    Claim(ClaimId),
}

/// About what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// Nothing in particular.
    Everything,
    /// A certificate.
    Certificate(CertificateId),
    /// The certificates of a collection.
    Collection(CollectionId),
    /// The stores of a container, and the certificates in them.
    Container(ContainerId),
}

/// May they do it, and why?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub subject: Subject,
    /// About what.
    pub object: Object,
    /// The permission that the action asks for.
    pub action: Path,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The name of whom it is about.
    pub subject: String,
    /// The permission that was asked about.
    pub action: String,
    /// What it allows.
    pub meaning: String,
    /// Whether they may.
    pub allowed: bool,
    /// One sentence that says why.
    pub sentence: String,
    /// Permission paths, any one of which would have allowed it, as far as it is a path that is missing.
    pub missing: Vec<String>,
    /// Every role they hold, with what it contributes.
    pub roles: Vec<Considered>,
}

/// What one role contributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// The name of the permission set that bounds it.
    pub set: String,
    /// Whether it brings the permission.
    pub brings: bool,
    /// Why, or why not.
    pub verdict: String,
}

/// Explains. About oneself everybody may ask; about others whoever may read security, and about a certificate whoever may see it.
pub fn why(tx: &mut Tx<'_>, actor: &Actor, question: &Question, now: i64) -> Result<Explanation> {
    let asked = Asked::about(tx, actor, question.subject, now)?;
    let action = question.action.as_str();
    tree::check("action", &question.action)?;
    let place = Place::of(tx, actor, &asked, question, now)?;
    let explained = asked.access.explain(&place.need(action));
    let considered = explained.into_iter().map(|(role, tried)| place.consider(role, &tried, action)).collect();
    let answer = Explanation {
        subject: asked.name.clone(),
        action: action.to_owned(),
        meaning: tree::meaning(action),
        allowed: false,
        sentence: String::new(),
        missing: Vec::new(),
        roles: considered,
    };
    if let Some(obstacle) = asked.obstacle {
        return Ok(Explanation { sentence: obstacle, ..answer });
    }
    match &place.standing {
        Some(standing) if owner::ACTIONS.contains(&action) => Ok(owner::explain(&asked.access, standing, &place, answer)),
        _ => rights::explain(tx, &asked.access, action, &place, answer, now),
    }
}
