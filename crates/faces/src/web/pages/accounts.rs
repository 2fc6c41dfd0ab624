//! `/users` and `/service-accounts`: lists, and new ones.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::access::{self, paths, roles};
use certhold_domain::people::{self, NewPrincipal, Password, Principal, PrincipalKind};
use certhold_domain::{Actor, RoleId};
use certhold_store::Tx;
use uuid::Uuid;

use crate::auth;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::choices;
use crate::web::view::form::Input;
use crate::web::view::frame::Section;
use crate::web::view::people::{AccountKind, AccountRow, AccountState, AccountsPage, NewAccountPage};
use crate::web::view::table::Pager;
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/users", get(|visit: Visit| list(visit, AccountKind::User)))
        .route("/service-accounts", get(|visit: Visit| list(visit, AccountKind::ServiceAccount)))
        .route(
            "/users/new",
            get(|visit: Visit| show_new(visit, AccountKind::User)).post(|sent: Sent| create(sent, AccountKind::User)),
        )
        .route(
            "/service-accounts/new",
            get(|visit: Visit| show_new(visit, AccountKind::ServiceAccount))
                .post(|sent: Sent| create(sent, AccountKind::ServiceAccount)),
        )
}

/// The domain's word for a kind of account.
pub fn principal_kind(kind: AccountKind) -> PrincipalKind {
    match kind {
        AccountKind::User => PrincipalKind::Person,
        AccountKind::ServiceAccount => PrincipalKind::Service,
    }
}

/// The navigation entry of a kind of account.
pub fn section(kind: AccountKind) -> Section {
    match kind {
        AccountKind::User => Section::Users,
        AccountKind::ServiceAccount => Section::ServiceAccounts,
    }
}

/// Whether it can come in.
pub fn state(account: &Principal) -> AccountState {
    if account.disabled { AccountState::Disabled } else { AccountState::Active }
}

/// Its name in full, unless that only repeats the sign-in name.
pub fn description(account: &Principal) -> String {
    if account.display_name == account.name { String::new() } else { account.display_name.clone() }
}

struct Found {
    accounts: Vec<(Principal, Vec<(RoleId, String)>)>,
    may_change: bool,
}

async fn list(visit: Visit, kind: AccountKind) -> Result<Response, Refused> {
    let now = visit.app.now();
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        let accounts = people::list(tx, actor)?.into_iter().filter(|account| account.kind == principal_kind(kind));
        let accounts = accounts.map(|account| Ok((people::roles_of(tx, actor, account.id)?, account)));
        let accounts: Vec<_> =
            accounts.map(|found| found.map(|(roles, account)| (account, roles))).collect::<certhold_domain::Result<_>>()?;
        Ok(Found { accounts, may_change: holds(&actor.access, paths::SECURITY_MODIFY) })
    };
    let (viewer, found) = visit.read(find).await?;
    let row = |(account, roles): &(Principal, Vec<(RoleId, String)>)| AccountRow {
        href: format!("{}/{}", kind.path(), account.id),
        name: account.name.clone(),
        description: description(account),
        roles: roles.iter().map(|(_, name)| name.clone()).collect(),
        state: state(account),
        last_seen: account.last_seen_at.map(|at| Moment::new(at, now)),
    };
    let rows: Vec<AccountRow> = found.accounts.iter().map(row).collect();
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let page = AccountsPage {
        frame: visit.frame(section(kind).label(), section(kind), viewer),
        kind,
        pager: Pager { shown, total: Some(shown), ..Pager::default() },
        rows,
        may_change: found.may_change,
    };
    visit.ok(&page)
}

async fn show_new(visit: Visit, kind: AccountKind) -> Result<Response, Refused> {
    page(&visit, kind, StatusCode::OK, &Fields::default(), Vec::new(), None).await
}

async fn page(
    visit: &Visit,
    kind: AccountKind,
    status: StatusCode,
    sent: &Fields,
    ticked: Vec<i64>,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        access::require_path(tx, actor, paths::SECURITY_MODIFY)?;
        Ok(choices::roles(&actor.access, &roles::list(tx, actor)?, &ticked))
    };
    let (viewer, roles) = visit.read(find).await?;
    let frame = visit.frame(format!("New {}", kind.noun()), section(kind), viewer);
    let mut page = NewAccountPage {
        frame: frame.below(section(kind).label(), kind.path()),
        kind,
        error: None,
        name: Input::of(sent.text("name")),
        description: Input::of(sent.text("description")),
        password: Input::default(),
        roles,
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut page.name.error),
            ("display_name", &mut page.description.error),
            ("password", &mut page.password.error),
        ];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

async fn create(sent: Sent, kind: AccountKind) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    let ticked = sent.numbers("role")?;
    author.require(paths::SECURITY_MODIFY)?;
    let app = &author.visit.app;
    let refuse = |complaint| page(&author.visit, kind, StatusCode::UNPROCESSABLE_ENTITY, fields, ticked.clone(), Some(complaint));
    let password = match kind {
        AccountKind::ServiceAccount => None,
        AccountKind::User => match auth::hash_password(app, Password::from(fields.text("password").to_owned())).await {
            Ok(hash) => Some(hash),
            Err(error) => return refuse(author.complaint(error)?).await,
        },
    };
    let new = NewPrincipal {
        kind: principal_kind(kind),
        name: fields.text("name").to_owned(),
        display_name: fields.text("description").to_owned(),
        email: None,
        password,
        uuid: Uuid::from_bytes(app.core().random()),
    };
    let given: Vec<RoleId> = ticked.iter().copied().map(RoleId).collect();
    let outcome = author.write(move |tx, actor, now| {
        let id = people::create(tx, actor, &new, now)?;
        for role in &given {
            roles::assign(tx, actor, *role, id, now)?;
        }
        Ok(id)
    });
    match outcome.await {
        Ok(id) => Ok(author.done(&format!("{}/{id}", kind.path()), format!("The {} was added.", kind.noun()))),
        Err(error) => refuse(author.complaint(error)?).await,
    }
}
