//! `/users/{id}` and `/service-accounts/{id}`: one account.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::roles::{self, Role};
use certhold_domain::access::{self, paths};
use certhold_domain::events::{self, Event, EventFilter};
use certhold_domain::people::{self, ApiClient, Password, Principal, PrincipalKind, Token};
use certhold_domain::{Actor, Error, PrincipalId, Refusal, Result as DomainResult, RoleId, SessionId};
use certhold_store::Tx;

use super::accounts::{description, section, state};
use super::{Ids, clients, tokens};
use crate::auth;
use crate::state::App;
use crate::web::refused::Refused;
use crate::web::respond;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::event;
use crate::web::show::{choices, device};
use crate::web::view::form::{Choice, Input};
use crate::web::view::people::{AccountDetailPage, AccountKind, SessionLine};
use crate::web::view::secret::ShownOnce;
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    let make_token = post(|ids: Ids, sent: Sent| create_token(ids, sent, AccountKind::ServiceAccount));
    let both = [AccountKind::User, AccountKind::ServiceAccount].into_iter().fold(Router::new(), |router, kind| {
        let path = |rest: &str| format!("{}/{{id}}{rest}", kind.path());
        router
            .route(&path(""), get(move |visit: Visit, ids: Ids| show(visit, ids, kind)))
            .route(&path("/roles"), post(move |ids: Ids, sent: Sent| set_roles(ids, sent, kind)))
            .route(&path("/enable"), post(move |ids: Ids, sent: Sent| set_disabled(ids, sent, kind, false)))
            .route(&path("/disable"), post(move |ids: Ids, sent: Sent| set_disabled(ids, sent, kind, true)))
            .route(&path("/sessions/{session}/end"), post(move |ids: Ids, sent: Sent| end_session(ids, sent, kind)))
            .route(&path("/tokens/{token}/revoke"), post(move |ids: Ids, sent: Sent| revoke_token(ids, sent, kind)))
            .route(&path("/clients/{client}/secret"), post(move |ids: Ids, sent: Sent| renew_client(ids, sent, kind)))
            .route(&path("/clients/{client}/revoke"), post(move |ids: Ids, sent: Sent| revoke_client(ids, sent, kind)))
    });
    let make_client = post(|ids: Ids, sent: Sent| create_client(ids, sent, AccountKind::ServiceAccount));
    both.route("/users/{id}/password", post(set_password))
        .route("/service-accounts/{id}/tokens", make_token)
        .route("/service-accounts/{id}/clients", make_client)
}

/// Events on the page.
const HISTORY: usize = 20;

/// What an answer to a form adds to the page.
#[derive(Default)]
struct Added {
    new_token: Option<ShownOnce>,
    token_form: Option<tokens::Filled>,
    clients: clients::Added,
    password: Option<Complaint>,
}

struct Found {
    account: Principal,
    roles: Vec<Choice>,
    tokens: Vec<Token>,
    clients: Vec<ApiClient>,
    sessions: Vec<people::Session>,
    history: Vec<Event>,
    is_shut_out: bool,
    may_change: bool,
    may_audit: bool,
}

fn href(kind: AccountKind, id: PrincipalId) -> String {
    format!("{}/{id}", kind.path())
}

async fn show(visit: Visit, ids: Ids, kind: AccountKind) -> Result<Response, Refused> {
    page(&visit, kind, PrincipalId(ids.first()), StatusCode::OK, Added::default()).await
}

async fn page(visit: &Visit, kind: AccountKind, id: PrincipalId, status: StatusCode, added: Added) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id, now)).await?;
    let account = &found.account;
    let actual = if account.kind == PrincipalKind::Person { AccountKind::User } else { AccountKind::ServiceAccount };
    if actual != kind {
        return Ok(respond::see_other(&href(actual, id)));
    }
    let here = event::Here { object: Some(("principal", id.0)), may_audit: found.may_audit, now };
    // People make their own tokens: nobody acts in another person's name.
    // Whoever is known by the word of a provider has no credentials here.
    let may_have_own = account.provider.is_none();
    let may_make_token = found.may_change && may_have_own && kind == AccountKind::ServiceAccount;
    let frame = visit.frame(&account.name, section(kind), viewer);
    let page = AccountDetailPage {
        frame: frame.below(section(kind).label(), kind.path()),
        kind,
        id: id.0,
        description: description(account),
        provider: account.provider.clone(),
        state: state(account),
        created: Moment::new(account.created_at, now),
        last_seen: account.last_seen_at.map(|at| Moment::new(at, now)),
        roles: found.roles,
        password: Input { value: String::new(), error: added.password.map(|complaint| complaint.message) },
        tokens: tokens::rows(&found.tokens, now),
        new_token: added.new_token,
        token_form: tokens::form(&format!("{}/tokens", href(kind, id)), may_make_token, added.token_form),
        clients: clients::card(&found.clients, &href(kind, id), may_make_token, found.may_change, added.clients, now),
        sessions: found.sessions.iter().map(|session| session_line(session, now)).collect(),
        owned: None,
        history: event::lines(&found.history, &here),
        lacks: found.is_shut_out.then(|| paths::PORTAL_READ.to_owned()),
        may_change: found.may_change,
    };
    Ok(visit.page(status, &page))
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: PrincipalId, now: i64) -> DomainResult<Found> {
    access::require_path(tx, actor, paths::SECURITY_READ)?;
    let account = people::get(tx, actor, id)?;
    let may = |path: &str| holds(&actor.access, path);
    let (may_change, may_audit) = (may(paths::SECURITY_MODIFY), may(paths::AUDITING_READ));
    let held: Vec<i64> = people::roles_of(tx, actor, id)?.into_iter().map(|(role, _)| role.0).collect();
    let mut roles = choices::roles(&actor.access, &roles::list(tx, actor)?, &held);
    if !may_change {
        roles.retain(|role| role.is_chosen);
        roles.iter_mut().for_each(|role| role.barred = Some(String::new()));
    }
    let history = match may_audit {
        true => events::list(tx, actor, &EventFilter { actor: Some(id), limit: HISTORY, ..EventFilter::default() })?.events,
        false => Vec::new(),
    };
    let sessions = people::sessions_of(tx, actor, id, now)?;
    let clients = people::clients_of(tx, actor, id)?;
    let is_shut_out = !held.is_empty() && is_shut_out(tx, &account)?;
    let tokens = people::tokens_of(tx, actor, id)?;
    Ok(Found { account, roles, tokens, clients, sessions, history, is_shut_out, may_change, may_audit })
}

/// Whether somebody can sign in and then see no page. Programs need none, and what a provider's word brings is known only when
/// somebody comes.
pub fn is_shut_out(tx: &mut Tx<'_>, account: &Principal) -> DomainResult<bool> {
    let needs_pages = account.kind == PrincipalKind::Person && account.provider.is_none();
    Ok(needs_pages && !state(account).is_disabled() && !access::of_principal(tx, account.id)?.allows(paths::PORTAL_READ))
}

fn session_line(session: &people::Session, now: i64) -> SessionLine {
    SessionLine {
        id: session.id.0,
        device: device::name(&session.agent),
        address: session.address.clone(),
        began: Moment::new(session.created_at, now),
        last_used: Moment::new(session.last_seen_at, now),
    }
}

async fn end_session(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let session = SessionId(ids.second());
    let outcome = sent.author.write(move |tx, actor, now| people::end_session(tx, actor, session, now)).await;
    sent.author.done_or_said(&href(kind, PrincipalId(ids.first())), outcome, "The session was ended.")
}

/// Gives the ticked roles and takes the others. What the viewer may not hand out stays as it is: its boxes are dead.
async fn set_roles(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let id = PrincipalId(ids.first());
    let ticked = sent.numbers("role")?;
    sent.author.require(paths::SECURITY_MODIFY)?;
    let outcome = sent.author.write(move |tx, actor, now| {
        let held = people::roles_of(tx, actor, id)?;
        let all = roles::list(tx, actor)?;
        if let Some(unknown) = ticked.iter().find(|role| !all.iter().any(|known| known.id.0 == **role)) {
            return Err(Refusal::not_found("role", unknown).into());
        }
        let movable = |role: &&Role| choices::barred(&actor.access, role).is_none();
        for role in all.iter().filter(movable) {
            let holds = held.iter().any(|(known, _)| *known == role.id);
            match (holds, ticked.contains(&role.id.0)) {
                (false, true) => roles::assign(tx, actor, RoleId(role.id.0), id, now)?,
                (true, false) => roles::withdraw(tx, actor, RoleId(role.id.0), id, now)?,
                _ => {}
            }
        }
        Ok(())
    });
    sent.author.done_or_said(&href(kind, id), outcome.await, "The roles were saved.")
}

async fn set_password(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id, kind) = (&sent.author, PrincipalId(ids.first()), AccountKind::User);
    author.require(paths::SECURITY_MODIFY)?;
    let hashed = auth::hash_password(&author.visit.app, Password::from(sent.fields.text("password").to_owned())).await;
    let outcome = match hashed {
        Ok(hash) => author.write(move |tx, actor, now| people::set_password(tx, actor, id, &hash, now)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Err(Error::Refused(Refusal::Invalid { .. })) => {}
        outcome => {
            return author.done_or_said(&href(kind, id), outcome, "The password was set. All sessions of the user have ended.");
        }
    }
    let Err(error) = outcome else { return Ok(respond::see_other(&href(kind, id))) };
    let added = Added { password: Some(author.complaint(error)?), ..Added::default() };
    page(&author.visit, kind, id, StatusCode::UNPROCESSABLE_ENTITY, added).await
}

async fn set_disabled(ids: Ids, sent: Sent, kind: AccountKind, disabled: bool) -> Result<Response, Refused> {
    let id = PrincipalId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| people::set_disabled(tx, actor, id, disabled, now)).await;
    let what = if disabled {
        "The account is disabled. Its sessions and tokens are of no use any more."
    } else {
        "The account is enabled again."
    };
    sent.author.done_or_said(&href(kind, id), outcome, what)
}

async fn create_token(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, PrincipalId(ids.first()));
    let (status, added) = match tokens::create(author, &sent.fields, id).await? {
        Ok(token) => (StatusCode::OK, Added { new_token: Some(token), ..Added::default() }),
        Err(filled) => (StatusCode::UNPROCESSABLE_ENTITY, Added { token_form: Some(filled), ..Added::default() }),
    };
    page(&author.visit, kind, id, status, added).await
}

async fn create_client(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, PrincipalId(ids.first()));
    let clients = clients::create(author, &sent.fields, id).await?;
    let status = if clients.made.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page(&author.visit, kind, id, status, Added { clients, ..Added::default() }).await
}

async fn renew_client(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, PrincipalId(ids.first()));
    let clients = clients::renew(author, id, ids.second()).await?;
    page(&author.visit, kind, id, StatusCode::OK, Added { clients, ..Added::default() }).await
}

async fn revoke_client(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let outcome = clients::revoke(&sent.author, ids.second()).await;
    sent.author.done_or_said(&href(kind, PrincipalId(ids.first())), outcome, "The client was revoked.")
}

async fn revoke_token(ids: Ids, sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let outcome = tokens::revoke(&sent.author, ids.second()).await;
    sent.author.done_or_said(&href(kind, PrincipalId(ids.first())), outcome, "The token was revoked.")
}
