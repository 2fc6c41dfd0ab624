//! `/access/why` and `/access/review`: who may do what, and why.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::review::{self, Filter, Line, Reach, Review};
use certhold_domain::access::why::{self, Explanation, Object, Question, Subject};
use certhold_domain::access::{Path, paths, roles, tree};
use certhold_domain::people;
use certhold_domain::{
    Actor, ApiClientId, CertificateId, ClaimId, CollectionId, ContainerId, Error, Refusal, Result as DomainResult, RoleId,
    TokenId,
};
use certhold_store::Tx;
use serde::Deserialize;

use super::{Asked, asked};
use crate::review as counting;
use crate::state::App;
use crate::web::paging::Place;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::Sent;
use crate::web::view::access::{ReviewPage, ReviewRow, WhyAnswer, WhyLink, WhyPage, WhyRole};
use crate::web::view::address::Address;
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::text::Link;
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/access/why", get(explain))
        .route("/access/review", get(show_review))
        .route("/access/review/export", post(export))
}

#[derive(Clone, Default, Deserialize)]
struct WhyAsked {
    #[serde(default)]
    user: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    client: String,
    #[serde(default)]
    claim: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    certificate: String,
    #[serde(default)]
    collection: String,
    #[serde(default)]
    container: String,
}

impl WhyAsked {
    fn address(&self) -> Address {
        Address::new("/access/why")
            .with("user", self.user.trim())
            .with("token", self.token.trim())
            .with("client", self.client.trim())
            .with("claim", self.claim.trim())
            .with("action", self.action.trim())
            .with("certificate", self.certificate.trim())
            .with("collection", self.collection.trim())
            .with("container", self.container.trim())
    }

    fn object(&self) -> Result<Object, Refusal> {
        let certificate = number("certificate", &self.certificate)?;
        match (certificate, number("collection", &self.collection)?, number("container", &self.container)?) {
            (None, None, None) => Ok(Object::Everything),
            (Some(id), None, None) => Ok(Object::Certificate(CertificateId(id))),
            (None, Some(id), None) => Ok(Object::Collection(CollectionId(id))),
            (None, None, Some(id)) => Ok(Object::Container(ContainerId(id))),
            _ => Err(Refusal::invalid("collection", "name one of a certificate, a collection and a container")),
        }
    }

    fn subject(&self, tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Subject> {
        let (token, client) = (number("token", &self.token)?, number("client", &self.client)?);
        match (self.user.trim(), token, client, number("claim", &self.claim)?) {
            ("", None, None, None) => Ok(Subject::Oneself),
            ("", Some(id), None, None) => Ok(Subject::Token(TokenId(id))),
            ("", None, Some(id), None) => Ok(Subject::Client(ApiClientId(id))),
            ("", None, None, Some(id)) => Ok(Subject::Claim(ClaimId(id))),
            (name, None, None, None) => Ok(Subject::Principal(people::by_name(tx, actor, name)?)),
            _ => Err(Refusal::invalid("user", "name one of an account, a token, an API client and a claim").into()),
        }
    }

    /// The question, or nothing when none was asked.
    fn question(&self, tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Option<Question>> {
        if self.action.trim().is_empty() {
            return Ok(None);
        }
        let action = Path::parse(&self.action).map_err(|refusal| match refusal {
            Refusal::Invalid { message, .. } => Refusal::invalid("action", message),
            other => other,
        })?;
        let (object, subject) = (self.object()?, self.subject(tx, actor)?);
        Ok(Some(Question { subject, object, action }))
    }
}

fn number(field: &'static str, text: &str) -> Result<Option<i64>, Refusal> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse::<i64>().map(Some).map_err(|_| Refusal::invalid(field, "this is no number")),
    }
}

async fn explain(visit: Visit, Asked(asked): Asked<WhyAsked>) -> Result<Response, Refused> {
    let now = visit.app.now();
    let wanted = asked.clone();
    let work = move |tx: &mut Tx<'_>, actor: &Actor| {
        let told = wanted.question(tx, actor).and_then(|question| match question {
            Some(question) => why::why(tx, actor, &question, now).map(Some),
            None => Ok(None),
        });
        match told {
            // What can be mended in the form is said at its fields; a lacking right is a page of its own.
            Err(Error::Refused(refusal @ (Refusal::Invalid { .. } | Refusal::NotFound { .. }))) => Ok(Err(refusal)),
            other => other.map(Ok),
        }
    };
    let (viewer, told) = visit.read(work).await?;
    let mut page = WhyPage {
        frame: visit.frame("Why", Section::None, viewer),
        error: None,
        user: Input::of(&asked.user),
        token: Input::of(&asked.token),
        client: Input::of(&asked.client),
        claim: Input::of(&asked.claim),
        action: Input::of(&asked.action),
        certificate: Input::of(&asked.certificate),
        collection: Input::of(&asked.collection),
        container: Input::of(&asked.container),
        answer: None,
        known: paths::CATALOGUE
            .iter()
            .map(|(path, meaning)| WhyLink {
                href: asked.address().with("action", *path).to_string(),
                path: (*path).into(),
                meaning: sentence(meaning),
            })
            .collect(),
    };
    let status = match told {
        Ok(answer) => {
            page.answer = answer.map(shown);
            StatusCode::OK
        }
        Err(Refusal::Invalid { field, message }) => {
            let place = match field {
                "user" => &mut page.user.error,
                "token" => &mut page.token.error,
                "client" => &mut page.client.error,
                "claim" => &mut page.claim.error,
                "action" => &mut page.action.error,
                "container" => &mut page.container.error,
                "certificate" => &mut page.certificate.error,
                "collection" => &mut page.collection.error,
                _ => &mut page.error,
            };
            *place = Some(sentence(&message));
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(refusal) => {
            page.error = Some(sentence(&refusal.to_string()));
            StatusCode::NOT_FOUND
        }
    };
    Ok(visit.page(status, &page))
}

fn shown(told: Explanation) -> WhyAnswer {
    let badge = if told.allowed { Badge::new("Allowed", Tone::Good) } else { Badge::new("Not allowed", Tone::Bad) };
    let role = |one: why::Considered| WhyRole {
        role: Link::new(one.name, format!("/roles/{}", one.role)),
        badge: if one.brings { Badge::new("Brings it", Tone::Good) } else { Badge::new("Does not", Tone::Neutral) },
        set: one.set,
        verdict: one.verdict,
    };
    WhyAnswer {
        subject: told.subject,
        badge,
        sentence: told.sentence,
        action: told.action,
        meaning: sentence(&told.meaning),
        missing: told.missing,
        roles: told.roles.into_iter().map(role).collect(),
    }
}

#[derive(Clone, Default, Deserialize)]
struct ReviewAsked {
    #[serde(default)]
    user: String,
    #[serde(default)]
    action: String,
    #[serde(default, deserialize_with = "asked::number_text")]
    role: String,
    #[serde(default)]
    disabled: String,
    after: Option<String>,
    trail: Option<String>,
}

impl ReviewAsked {
    fn address(&self) -> Address {
        Address::new("/access/review")
            .with("user", self.user.trim())
            .with("action", &self.action)
            .with("role", &self.role)
            .with("disabled", &self.disabled)
    }

    fn filter(&self, tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Filter> {
        let principal = match self.user.trim() {
            "" => None,
            name => Some(people::by_name(tx, actor, name)?),
        };
        let action = if self.action.is_empty() { None } else { Some(Path::parse(&self.action)?) };
        let role = self.role.parse().ok().map(RoleId);
        Ok(Filter { action, principal, role, disabled: self.disabled == "true" })
    }
}

async fn show_review(visit: Visit, Asked(asked): Asked<ReviewAsked>) -> Result<Response, Refused> {
    let now = visit.app.now();
    let place = Place::of(asked.after.clone(), asked.trail.as_deref());
    let (wanted, after) = (asked.clone(), place.after.clone());
    let work = move |tx: &mut Tx<'_>, actor: &Actor| {
        let roles = roles::list(tx, actor)?;
        let found = wanted
            .filter(tx, actor)
            .and_then(|filter| Review::begin(tx, actor, filter))
            .and_then(|review| Ok((review.page(tx, actor, after.as_deref(), review::HOLDERS)?, review)));
        match found {
            Err(Error::Refused(refusal @ (Refusal::Invalid { .. } | Refusal::NotFound { .. }))) => Ok((roles, Err(refusal))),
            other => other.map(|(page, review)| (roles, Ok((actor.clone(), review, page)))),
        }
    };
    let (viewer, (roles, found)) = visit.read(work).await?;
    let (lines, next, error) = match found {
        Ok((actor, review, page)) => {
            let page = counting::counted(&visit.app, actor, review, page).await;
            (page.lines, page.next, None)
        }
        Err(refusal) => (Vec::new(), None, Some(sentence(&refusal.to_string()))),
    };
    let everything = std::iter::once(Choice::new("", "All that concern certificates"));
    let actions = everything.chain(tree::nodes().into_iter().map(|node| Choice::new(&node.path, &node.path))).collect();
    let any = std::iter::once(Choice::new("", "Any"));
    let through = any.chain(roles.iter().map(|role| Choice::new(role.id.to_string(), &role.name))).collect();
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ReviewPage {
        frame: visit.frame("Access review", Section::Review, viewer),
        as_of: Moment::new(now, now),
        error,
        user: Input::of(&asked.user),
        action: Select::of(actions).choose(&asked.action),
        action_value: asked.action.clone(),
        role: Select::of(through).choose(&asked.role),
        role_value: asked.role.clone(),
        disabled: Check::of(asked.disabled == "true"),
        pager: place.pager(&asked.address(), next, lines.len(), None),
        rows: lines.into_iter().map(row).collect(),
    };
    Ok(visit.page(status, &page))
}

fn row(line: Line) -> ReviewRow {
    let (place, kind) = match line.holder.kind.as_str() {
        "person" => ("/users", "person"),
        "claim" => ("/claims", "claim"),
        _ => ("/service-accounts", "service account"),
    };
    let asked = Address::new("/access/why").with("action", line.action);
    let asked =
        if kind == "claim" { asked.with("claim", line.holder.id.to_string()) } else { asked.with("user", &line.holder.name) };
    let why = match &line.reach {
        Reach::Collection(id, _) => asked.with("collection", id.to_string()),
        Reach::Container(id, _) => asked.with("container", id.to_string()),
        Reach::Everywhere | Reach::Stores | Reach::Set(..) => asked,
    };
    let reach = match &line.reach {
        Reach::Everywhere => "Everywhere".to_owned(),
        Reach::Stores => "In certificate stores".to_owned(),
        Reach::Collection(id, name) if name.is_empty() => format!("Collection {id}"),
        Reach::Collection(id, name) => format!("Collection {id}, {name}"),
        Reach::Container(id, name) if name.is_empty() => format!("Container {id}"),
        Reach::Container(id, name) => format!("Container {id}, {name}"),
        Reach::Set(_, name) => format!("Permission set {name}"),
    };
    let owners = line.owners.map_or_else(String::new, |owners| {
        let names = std::iter::once("nobody").chain(owners.iter().map(String::as_str));
        format!("Owned by {}.", names.collect::<Vec<_>>().join(", "))
    });
    ReviewRow {
        holder: Link::new(line.holder.name, format!("{place}/{}", line.holder.id)),
        kind: kind.into(),
        is_disabled: line.holder.disabled,
        meaning: sentence(line.meaning),
        action: line.action.into(),
        why: why.to_string(),
        reach,
        owners,
        roles: line.roles.into_iter().map(|(id, name, _)| Link::new(name, format!("/roles/{id}"))).collect(),
        certificates: line.certificates,
    }
}

async fn export(sent: Sent) -> Result<Response, Refused> {
    let text = |name: &str| sent.fields.text(name).to_owned();
    let asked = ReviewAsked {
        user: text("user"),
        action: text("action"),
        role: text("role"),
        disabled: text("disabled"),
        ..ReviewAsked::default()
    };
    let (author, by) = (&sent.author, sent.author.actor.clone());
    author.require(paths::SECURITY_READ)?;
    let app = &author.visit.app;
    let filter = app.read(move |tx| asked.filter(tx, &by)).await.map_err(|error| author.refused(error))?;
    counting::file(app, author.actor.clone(), filter).await.map_err(|error| author.refused(error))
}
