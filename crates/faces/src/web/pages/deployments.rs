//! `/managed/{id}/deployments/…`: where versions are put.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::renewal::managed;
use certhold_domain::stores::{self, Right, Store, StoreFilter, StoreTarget};
use certhold_domain::{Actor, DeploymentId, Error, LineageId, Refusal, Result as DomainResult, StoreId};
use certhold_store::Tx;

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::managed_form::NewDeploymentPage;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/managed/{id}/deployments/new", get(show).post(create))
        .route("/managed/{id}/deployments/{deployment}/run", post(run))
        .route("/managed/{id}/deployments/{deployment}/remove", post(remove))
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, LineageId(ids.first()), StatusCode::OK, &Fields::default(), None).await
}

async fn page(
    visit: &Visit,
    id: LineageId,
    status: StatusCode,
    sent: &Fields,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let find = move |tx: &mut Tx<'_>, actor: &Actor| {
        access::require_path(tx, actor, paths::DEPLOYMENT_MODIFY)?;
        Ok((managed::get(tx, actor, id)?, store_choices(tx, actor)?))
    };
    let (viewer, (managed, stores)) = visit.read(find).await?;
    let input = |name: &str| Input::of(sent.text(name));
    let frame = visit.frame("New deployment", Section::Managed, viewer);
    let mut page = NewDeploymentPage {
        frame: frame.below("Managed certificates", "/managed").below(managed.name, format!("/managed/{id}")),
        managed_id: id.0,
        error: None,
        name: input("name"),
        full_chain: input("full_chain"),
        certificate: input("certificate"),
        chain: input("chain"),
        private_key: input("private_key"),
        owner: input("owner"),
        mode: input("mode"),
        key_mode: input("key_mode"),
        command: input("command"),
        store: store_select(&stores, sent.text("store")),
        alias: input("alias"),
    };
    if let Some(complaint) = complaint {
        let complaint = about_one_setting(complaint);
        let mut places = [
            ("name", &mut page.name.error),
            ("full_chain", &mut page.full_chain.error),
            ("certificate", &mut page.certificate.error),
            ("chain", &mut page.chain.error),
            ("private_key", &mut page.private_key.error),
            ("command", &mut page.command.error),
            ("alias", &mut page.alias.error),
        ];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

/// Stores that are offered.
const STORES: usize = 200;

/// The stores that the actor may put something into.
fn store_choices(tx: &mut Tx<'_>, actor: &Actor) -> DomainResult<Vec<Store>> {
    let filter = StoreFilter { limit: STORES, ..StoreFilter::default() };
    let all = match stores::list(tx, actor, &filter) {
        Err(Error::Refused(Refusal::Forbidden { .. })) => return Ok(Vec::new()),
        found => found?.stores,
    };
    let container = |store: &Store| store.container.as_ref().map(|(id, _)| *id);
    Ok(all.into_iter().filter(|store| stores::holds(&actor.access, Right::Modify, container(store))).collect())
}

fn store_select(stores: &[Store], chosen: &str) -> Option<Select> {
    let none = Choice::new("", "None: into files");
    let named = stores.iter().map(|store| Choice::new(store.id.to_string(), &store.name).with_hint(&store.path));
    (!stores.is_empty()).then(|| Select::of(std::iter::once(none).chain(named).collect()).choose(chosen))
}

/// The domain says `full_chain: give an absolute path`; the form says it at that field.
fn about_one_setting(complaint: Complaint) -> Complaint {
    const SETTINGS: [&str; 5] = ["full_chain", "certificate", "chain", "private_key", "command"];
    let Some((setting, why)) = complaint.message.split_once(": ") else { return complaint };
    match SETTINGS.into_iter().find(|known| known.eq_ignore_ascii_case(setting)) {
        Some(field) => Complaint { field, message: sentence(why) },
        None => complaint,
    }
}

async fn create(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, LineageId(ids.first()));
    author.require(paths::DEPLOYMENT_MODIFY)?;
    let refuse = |complaint| page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, &sent.fields, Some(complaint));
    let (owner, group) = match sent.fields.given("owner").as_deref().map(|owner| owner.split_once(':').unwrap_or((owner, ""))) {
        Some((owner, group)) => (Some(owner.to_owned()), Some(group.to_owned())),
        None => (None, None),
    };
    let Some(command) = words(sent.fields.text("command")) else {
        return refuse(Complaint::about("command", "A quotation mark is not closed.")).await;
    };
    let store = match (sent.number("store")?, sent.fields.given("alias")) {
        (Some(store), Some(alias)) => Some(StoreTarget { store: StoreId(store), alias, include_key: true }),
        (Some(_), None) => return refuse(Complaint::about("alias", "Say under which name it stands in the store.")).await,
        (None, _) => None,
    };
    let settings = DeploymentSettings {
        certificate: sent.fields.given("certificate"),
        chain: sent.fields.given("chain"),
        full_chain: sent.fields.given("full_chain"),
        private_key: sent.fields.given("private_key"),
        owner: owner.filter(|owner| !owner.is_empty()),
        group: group.filter(|group| !group.is_empty()),
        mode: sent.fields.given("mode"),
        key_mode: sent.fields.given("key_mode"),
        command,
        store,
    };
    let name = sent.fields.text("name").to_owned();
    match author.write(move |tx, actor, now| deployment::create(tx, actor, id, &name, &settings, now)).await {
        Ok(_) => Ok(author.done(&format!("/managed/{id}"), "The deployment was added.")),
        Err(error) => refuse(author.complaint(error)?).await,
    }
}

/// A program and its arguments: parted by white space, kept together by single or double quotes. There is no shell, so nothing
/// else has a meaning. `None` when a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

async fn run(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = DeploymentId(ids.second());
    let outcome = sent.author.write(move |tx, actor, now| deployment::run_now(tx, actor, id, now)).await;
    sent.author.done_or_said(&format!("/managed/{}", ids.first()), outcome, "The version in service is being deployed again.")
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = DeploymentId(ids.second());
    let outcome = sent.author.write(move |tx, actor, now| deployment::remove(tx, actor, id, now)).await;
    sent.author.done_or_said(
        &format!("/managed/{}", ids.first()),
        outcome,
        "The deployment was removed; its files stay where they are.",
    )
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn commands_are_words_and_nothing_more() {
        let split = |text| words(text).map(|words| words.join("|"));
        assert_eq!(split(" /bin/reload  nginx ").as_deref(), Some("/bin/reload|nginx"));
        assert_eq!(split(r#"/bin/x "a b" 'c "d"' e''f """#).as_deref(), Some(r#"/bin/x|a b|c "d"|ef|"#));
        assert_eq!(split("/bin/x $(id);rm").as_deref(), Some("/bin/x|$(id);rm"), "no shell reads it");
        assert_eq!(split("").as_deref(), Some(""));
        assert_eq!(split("/bin/x \"a"), None);
    }
}
