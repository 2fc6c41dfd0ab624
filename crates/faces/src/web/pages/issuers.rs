//! `/issuers`: authorities that issue.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::IssuerId;
use certhold_domain::access::{self, paths};
use certhold_domain::renewal::issuers::{self, AcmeSettings, Issuer, NewIssuer};

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::view::form::{Check, Input, SecretInput};
use crate::web::view::frame::Section;
use crate::web::view::issuers::{IssuerDetailPage, IssuerFormPage, IssuerRow, IssuersPage};
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/issuers", get(list))
        .route("/issuers/new", get(show_new).post(create))
        .route("/issuers/{id}", get(show))
        .route("/issuers/{id}/remove", post(remove))
}

/// Directories that the form offers.
const KNOWN: [(&str, &str); 4] = [
    ("Let’s Encrypt", "https://acme-v02.api.letsencrypt.org/directory"),
    ("Let’s Encrypt, staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
    ("Google Trust Services", "https://dv.acme-v02.api.pki.goog/directory"),
    ("ZeroSSL", "https://acme.zerossl.com/v2/DV90"),
];

fn state(issuer: &Issuer) -> Badge {
    if issuer.registered { Badge::new("Registered", Tone::Good) } else { Badge::new("Not registered yet", Tone::Neutral) }
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let (viewer, (all, may_change)) =
        visit.read(|tx, actor| Ok((issuers::list(tx, actor)?, holds(&actor.access, paths::ISSUERS_MODIFY)))).await?;
    let row = |issuer: Issuer| IssuerRow {
        href: format!("/issuers/{}", issuer.id),
        state: state(&issuer),
        name: issuer.name,
        directory: issuer.settings.directory,
        contact: issuer.settings.contacts.join(", "),
        used_by: issuer.used_by,
    };
    let frame = visit.frame("Issuers", Section::Issuers, viewer);
    visit.ok(&IssuersPage { frame, rows: all.into_iter().map(row).collect(), may_change })
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    let id = IssuerId(ids.first());
    let (viewer, (issuer, may_change)) =
        visit.read(move |tx, actor| Ok((issuers::get(tx, actor, id)?, holds(&actor.access, paths::ISSUERS_MODIFY)))).await?;
    let page = IssuerDetailPage {
        state: state(&issuer),
        frame: visit.frame(issuer.name, Section::Issuers, viewer).below("Issuers", "/issuers"),
        directory: issuer.settings.directory,
        contacts: issuer.settings.contacts,
        eab_kid: issuer.settings.eab_key_id.unwrap_or_default(),
        trust: issuer.settings.trust_root.unwrap_or_default(),
        used_by: issuer.used_by,
        remove_action: (may_change && issuer.used_by == 0).then(|| format!("/issuers/{id}/remove")),
    };
    visit.ok(&page)
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page(&visit, StatusCode::OK, &Fields::default(), None).await
}

async fn page(visit: &Visit, status: StatusCode, sent: &Fields, complaint: Option<Complaint>) -> Result<Response, Refused> {
    let (viewer, ()) = visit.read(|tx, actor| access::require_path(tx, actor, paths::ISSUERS_MODIFY)).await?;
    let input = |name: &str| Input::of(sent.text(name));
    let mut page = IssuerFormPage {
        frame: visit.frame("New issuer", Section::Issuers, viewer).below("Issuers", "/issuers"),
        error: None,
        name: input("name"),
        directory: input("directory"),
        known_directories: KNOWN.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect(),
        contact: input("contact"),
        eab_kid: input("eab_kid"),
        eab_key: SecretInput::default(),
        trust: input("trust"),
        terms: Check::of(sent.is_ticked("terms")),
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut page.name.error),
            ("directory", &mut page.directory.error),
            ("contacts", &mut page.contact.error),
            ("eab_key_id", &mut page.eab_kid.error),
            ("eab_key", &mut page.eab_key.error),
            ("trust_root", &mut page.trust.error),
            ("terms", &mut page.terms.error),
        ];
        complaint.place(&mut page.error, &mut places);
    }
    Ok(visit.page(status, &page))
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    let (author, fields) = (&sent.author, &sent.fields);
    author.require(paths::ISSUERS_MODIFY)?;
    let refuse = |complaint| page(&author.visit, StatusCode::UNPROCESSABLE_ENTITY, fields, Some(complaint));
    if !fields.is_ticked("terms") {
        return refuse(Complaint::about("terms", "The authority registers nobody without consent.")).await;
    }
    let settings = AcmeSettings {
        directory: fields.text("directory").trim().to_owned(),
        contacts: fields.given("contact").into_iter().collect(),
        trust_root: fields.given("trust"),
        eab_key_id: fields.given("eab_kid"),
    };
    let core = author.visit.app.core();
    let command =
        NewIssuer::new(fields.text("name"), settings, Some(fields.text("eab_key")), &core.custody, core.entropy.as_ref());
    let command = match command {
        Ok(command) => command,
        Err(error) => return refuse(author.complaint(error)?).await,
    };
    match author.write(move |tx, actor, now| issuers::create(tx, actor, &command, now)).await {
        Ok(id) => {
            let what = "The issuer was added. Its account is registered when the first certificate is obtained.";
            Ok(author.done(&format!("/issuers/{id}"), what))
        }
        Err(error) => refuse(author.complaint(error)?).await,
    }
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let id = IssuerId(ids.first());
    let outcome = sent.author.write(move |tx, actor, now| issuers::remove(tx, actor, id, now)).await;
    let back = if outcome.is_ok() { "/issuers".to_owned() } else { format!("/issuers/{id}") };
    sent.author.done_or_said(&back, outcome, "The issuer was removed.")
}
