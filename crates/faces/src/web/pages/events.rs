//! `/events`: the record of everything, and whether it is whole.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use certhold_domain::access::paths;
use certhold_domain::events::export::Format;
use certhold_domain::events::{self, Event, EventFilter, EventPage, Verification};
use certhold_domain::people;
use certhold_domain::{Actor, Error, PrincipalId, Refusal, Result as DomainResult, hex};
use certhold_store::Tx;
use serde::Deserialize;

use super::{Asked, Ids, asked};
use crate::native::{signed_now, stream_of};
use crate::state::App;
use crate::web::paging::{Place, ROWS};
use crate::web::refused::Refused;
use crate::web::sent::Sent;
use crate::web::shared::holds;
use crate::web::show::{changes, event};
use crate::web::view::address::Address;
use crate::web::view::event::{EventPage as EventDetailPage, HeadCard};
use crate::web::view::events::{ChainState, ChainVerdict, EventSearch, EventsPage};
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::text::{Link, plural};
use crate::web::view::time::{DAY, Moment};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/events", get(list))
        .route("/events/check", post(check))
        .route("/events/export", get(export))
        .route("/events/checkpoint", post(checkpoint))
        .route("/events/{id}", get(show))
}

/// Families of operations, as the filter offers them.
const FAMILIES: [(&str, &str); 36] = [
    ("", "Everything"),
    ("certificate.", "Certificates"),
    ("collection.", "Collections"),
    ("metadata_field.", "Metadata fields"),
    ("bulk_edit.", "Edits of many"),
    ("trust_set.", "Trust sets"),
    ("view.", "Saved views"),
    ("named_certificate.", "Certificates under names"),
    ("assignment.", "What is presented"),
    ("certificate_store.", "Certificate stores"),
    ("container.", "Containers of stores"),
    ("authority.", "Private authorities"),
    ("enrolment_pattern.", "Enrolment patterns"),
    ("certificate_template.", "Certificate templates"),
    ("revocation_list.", "Revocation lists"),
    ("private_key.", "Private keys"),
    ("key_request.", "Key requests"),
    ("managed.", "Managed certificates"),
    ("renewal.", "Renewals"),
    ("order.", "Orders"),
    ("deployment.", "Deployments"),
    ("issuer.", "Issuers"),
    ("dns_provider.", "DNS providers"),
    ("principal.", "Accounts"),
    ("role.", "Roles"),
    ("permission_set.", "Permission sets"),
    ("exclusion.", "Exclusions from imports"),
    ("claim.", "Claims"),
    ("identity_provider.", "Identity providers"),
    ("token.", "API tokens"),
    ("api_client.", "API clients"),
    ("access_token.", "Access tokens"),
    ("bound_token.", "Tokens for a password"),
    ("sign_in.", "Signing in"),
    ("master_key.", "Master keys"),
    ("retention.", "Retention"),
];

/// Faces, as the filter offers them.
const FACES: [(&str, &str); 8] = [
    ("", "Everywhere"),
    ("web", "Web pages"),
    ("native", "Native API"),
    ("keyfactor", "Keyfactor API"),
    ("arcgis", "ArcGIS API"),
    ("cli", "Command line"),
    ("worker", "Worker"),
    ("server", "Server"),
];

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    /// Sign-in name.
    actor: String,
    /// An operation, or a family that ends with a full stop.
    operation: String,
    /// The first day.
    since: String,
    /// The last day.
    until: String,
    /// Shows this event and those before it.
    #[serde(deserialize_with = "asked::number_text")]
    from: String,
    /// Only events about this certificate.
    #[serde(deserialize_with = "asked::number_text")]
    certificate: String,
    /// Part of an actor's or object's name.
    text: String,
    /// Only events through this face.
    face: String,
    /// Only events from this address.
    address: String,
    /// Only events of this request.
    request: String,
    after: Option<String>,
    trail: Option<String>,
    /// How an export is written.
    format: String,
}

/// The beginning of a day in UTC, unix milliseconds.
fn day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok()?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| start.timestamp().as_millisecond())
}

fn date_input(text: &str) -> Input {
    match text.is_empty() || day(text).is_some() {
        true => Input::of(text),
        false => Input::of(text).refused("A date looks like 2026-12-31."),
    }
}

impl Parameters {
    fn filter(&self, actor: Option<PrincipalId>, place: &Place) -> EventFilter {
        let from = self.from.parse::<i64>().ok().map(|from| from.saturating_add(1));
        let certificate = self.certificate.parse::<i64>().ok();
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        EventFilter {
            operation: given(&self.operation),
            face: given(&self.face),
            address: given(&self.address),
            request: given(&self.request),
            text: given(&self.text),
            object_kind: certificate.map(|_| "certificate".into()),
            object: certificate,
            actor,
            since: day(&self.since),
            until: day(&self.until).map(|until| until.saturating_add(DAY)),
            before: place.after.as_deref().and_then(|after| after.parse().ok()).or(from),
            limit: ROWS,
        }
    }

    fn address(&self) -> Address {
        self.address_of("/events")
    }

    fn address_of(&self, path: &str) -> Address {
        Address::new(path)
            .with("actor", self.actor.trim())
            .with("operation", self.operation.as_str())
            .with("since", self.since.as_str())
            .with("until", self.until.as_str())
            .with("from", self.from.as_str())
            .with("certificate", self.certificate.as_str())
            .with("text", self.text.trim())
            .with("face", self.face.as_str())
            .with("address", self.address.trim())
            .with("request", self.request.trim())
    }

    fn search(&self, actor_error: Option<String>) -> EventSearch {
        let mut choices: Vec<Choice> = FAMILIES.iter().map(|(family, label)| Choice::new(*family, *label)).collect();
        if !self.operation.is_empty() && !FAMILIES.iter().any(|(family, _)| *family == self.operation) {
            choices.push(Choice::new(&self.operation, &self.operation));
        }
        EventSearch {
            actor: Input { value: self.actor.clone(), error: actor_error },
            accounts: Vec::new(),
            operation: Select::of(choices).choose(&self.operation),
            since: date_input(&self.since),
            until: date_input(&self.until),
            text: Input::of(&self.text),
            face: Select::of(FACES.iter().map(|(face, label)| Choice::new(*face, *label)).collect()).choose(&self.face),
            address: Input::of(&self.address),
            request: Input::of(&self.request),
            is_filtered: !self.address().parameters().is_empty(),
        }
    }
}

struct Found {
    page: EventPage,
    newest: Option<Event>,
    actor_error: Option<String>,
    /// Names to choose from, for whoever may read accounts.
    accounts: Vec<String>,
}

/// Accounts that are offered.
const ACCOUNTS: usize = 500;

async fn list(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let place = Place::of(given.after.clone(), given.trail.as_deref());
    let (asked, from) = (given.clone(), place.clone());
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, &asked, &from)).await?;
    let now = visit.app.now();
    let here = event::Here { object: None, may_audit: true, now };
    let rows = event::lines(&found.page.events, &here);
    let next = found.page.next.map(|seq| seq.to_string());
    let page = EventsPage {
        frame: visit.frame("Events", Section::Events, viewer),
        search: EventSearch { accounts: found.accounts, ..given.search(found.actor_error) },
        pager: place.pager(&given.address(), next, rows.len(), None),
        rows,
        exports: Format::ALL
            .map(|format| {
                let label = match format {
                    Format::Csv => "CSV",
                    Format::JsonLines => "JSON Lines",
                    Format::Cef => "CEF",
                    Format::Syslog => "syslog",
                };
                Link::new(label, given.address_of("/events/export").with("format", format.name()).to_string())
            })
            .to_vec(),
        chain: chain(visit.shared.last_check(), found.newest.as_ref(), now),
    };
    visit.ok(&page)
}

/// One event, whole, and its place in the chain.
async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let (seq, now) = (ids.first(), visit.app.now());
    let find =
        move |tx: &mut Tx<'_>, actor: &Actor| Ok((events::linked(tx, actor, seq)?, holds(&actor.access, paths::SECURITY_READ)));
    let (viewer, (found, may_see_people)) = visit.read(find).await?;
    let one = &found.event;
    let here = event::Here { object: None, may_audit: true, now };
    let Some(line) = event::lines(std::slice::from_ref(one), &here).pop() else {
        return Err(visit.refused(Some(viewer), Refusal::not_found("event", seq)));
    };
    let account = one.actor.filter(|_| may_see_people).map(|id| format!("/users/{id}")).unwrap_or_default();
    // The sentence does not name an account that did something to itself; the page does.
    let is_itself = one.object_kind == "principal" && one.actor.is_some_and(|actor| Some(actor.0) == one.object);
    let itself = if is_itself { account.clone() } else { String::new() };
    let neighbour = |seq: Option<i64>| seq.map(|seq| format!("/events/{seq}"));
    let page = EventDetailPage {
        frame: visit.frame(format!("Event #{seq}"), Section::Events, viewer).below("Events", "/events"),
        actor: Link::new(&line.actor, account),
        actor_kind: event::actor_kind(one.actor_kind).into(),
        object: line.object.clone().unwrap_or_else(|| Link::new(&one.object_name, itself)),
        about: one.object.map_or_else(|| event::kind(one), |id| format!("{} {id}", event::kind(one))),
        address: one.address.clone(),
        request: one.request.clone(),
        changes: changes::whole_changes(one),
        details: changes::details(one),
        erased: one.erased.map(|digest| hex(&digest)),
        previous: found.previous.map(|hash| hex(&hash)).unwrap_or_default(),
        encoding: one.encoding,
        salt: hex(&one.salt),
        head: found.head.as_ref().map(|head| HeadCard {
            number: head.seq,
            at: Moment::new(head.at, now),
            digest: hex(&head.hash),
            public_key: hex(&head.public_key),
            signature: hex(&head.signature),
        }),
        before: neighbour(found.neighbours.0),
        after: neighbour(found.neighbours.1),
        line,
    };
    visit.ok(&page)
}

fn find(tx: &mut Tx<'_>, actor: &Actor, given: &Parameters, place: &Place) -> DomainResult<Found> {
    let newest = events::list(tx, actor, &EventFilter { limit: 1, ..EventFilter::default() })?.events.into_iter().next();
    let nothing = EventPage { events: Vec::new(), next: None };
    let may_see_people = holds(&actor.access, paths::SECURITY_READ);
    let all = if may_see_people { people::list(tx, actor)? } else { Vec::new() };
    let accounts = all.into_iter().map(|account| account.name).take(ACCOUNTS).collect();
    let who = match given.actor.trim() {
        "" => None,
        name => match account(tx, actor, name)? {
            Ok(id) => Some(id),
            Err(why) => return Ok(Found { page: nothing, newest, actor_error: Some(why), accounts }),
        },
    };
    Ok(Found { page: events::list(tx, actor, &given.filter(who, place))?, newest, actor_error: None, accounts })
}

/// The account of this name, or why it is not found.
fn account(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> DomainResult<Result<PrincipalId, String>> {
    if actor.name.eq_ignore_ascii_case(name)
        && let Some(id) = actor.id
    {
        return Ok(Ok(id));
    }
    if !holds(&actor.access, paths::SECURITY_READ) {
        return Ok(Err(format!("To look for others, one needs {}.", paths::SECURITY_READ)));
    }
    let found = people::list(tx, actor)?.into_iter().find(|account| account.name.to_lowercase() == name.to_lowercase());
    Ok(found.map(|account| account.id).ok_or_else(|| "There is no account of this name.".into()))
}

/// The events that the filter leaves, as a file; oldest first.
async fn export(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let format = Format::parse(&given.format).unwrap_or(Format::JsonLines);
    if [&given.since, &given.until].iter().any(|text| !text.is_empty() && day(text).is_none()) {
        let (viewer, ()) = visit.read(|_, _| Ok(())).await?;
        return Err(Refused::wrong_address(visit.frame("", Section::None, viewer), "A date looks like 2026-12-31."));
    }
    let asked = given.clone();
    let found = visit.read(move |tx, actor| {
        events::may_audit(tx, actor)?;
        let who = match asked.actor.trim() {
            "" => None,
            // Nobody has this number: an account that is not found has done nothing.
            name => Some(account(tx, actor, name)?.unwrap_or(PrincipalId(0))),
        };
        Ok((std::sync::Arc::new(actor.clone()), asked.filter(who, &Place::default())))
    });
    let (_, (actor, filter)) = found.await?;
    Ok(stream_of(visit.app.clone(), actor, filter, 0, format).await.unwrap_or_else(IntoResponse::into_response))
}

/// Signs the end of the record, for an auditor to keep.
async fn checkpoint(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let signed = match signed_now(&author.visit.app, author.actor.clone()).await {
        Ok(signed) => signed,
        Err(Error::Refused(Refusal::NotFound { .. })) => {
            let none = Refusal::Conflict("nothing has been signed yet: the server signs the record at intervals".into());
            return author.done_or_said("/events", Err(none.into()), "");
        }
        Err(error) => return Err(author.refused(error)),
    };
    let name = format!("attachment; filename=\"checkpoint-{}.json\"", signed.head.seq);
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, format!("{:#}\n", signed.to_json())).into_response())
}

fn chain(checked: Option<(Verification, i64)>, newest: Option<&Event>, now: i64) -> ChainState {
    let verdict = match checked.as_ref().map(|(found, _)| found.problems.first()) {
        None => ChainVerdict::Unchecked,
        Some(None) => ChainVerdict::Whole,
        Some(Some(problem)) => ChainVerdict::Broken { event: problem.seq, what: crate::web::refused::sentence(&problem.what) },
    };
    ChainState {
        verdict,
        checked: checked.as_ref().map(|(_, at)| Moment::new(*at, now)),
        head: newest.map_or(0, |event| event.seq),
        head_digest: newest.map(|event| hex(&event.hash)).unwrap_or_default(),
        heads: checked.as_ref().map(|(found, _)| found.heads),
        check_action: Some("/events/check".into()),
        checkpoint_action: Some("/events/checkpoint".into()),
    }
}

/// Reads the whole record. It changes nothing, but takes its time, so it is asked for and not done on each view.
async fn check(sent: Sent) -> Result<Response, Refused> {
    let (author, app) = (&sent.author, &sent.author.visit.app);
    let (actor, trust) = (author.actor.clone(), app.trust());
    let found = app.read(move |tx| events::audit(tx, &actor, &trust)).await;
    let found = found.map_err(|error| author.refused(error))?;
    let what = match found.problems.len() {
        0 => format!("{} were read: each is the one that was written, in its place.", plural(found.events, "event", "events")),
        count => format!("{} were read: {} do not fit.", plural(found.events, "event", "events"), count),
    };
    author.visit.shared.checked(found, app.now());
    Ok(author.done("/events", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc() {
        assert_eq!(day("1970-01-02"), Some(DAY));
        assert_eq!(day("2026-02-30"), None);
        assert!(date_input("yesterday").error.is_some());
        assert!(date_input("").error.is_none());
    }

    #[test]
    fn every_operation_belongs_to_a_family() {
        let source = include_str!("../../../../domain/src/events/names.rs");
        let operations = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1));
        let single = [
            "installation.created",
            "owner_policy.changed",
            "password.changed",
            "session.ended",
            "database.moved",
            "backup.completed",
            "backup.restored",
            "access_review.exported",
        ];
        for operation in operations {
            let known = FAMILIES.iter().skip(1).any(|(family, _)| operation.starts_with(family));
            assert!(known || single.contains(&operation), "{operation}");
        }
    }
}
