//! `/certificates/{id}/revoke` and `/certificates/{id}/renew`: what becomes of what private authorities issued.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::paths;
use certhold_domain::collections::{self, Scope};
use certhold_domain::enrolment;
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::renewal::revocation::{self, AtIssuer, Standing};
use certhold_domain::{Actor, CertificateId, Result as DomainResult};
use certhold_store::Tx;

use super::{Asked, Ids, Within};
use crate::issue;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show;
use crate::web::view::certificate::RevokedCard;
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::private_ca::RevokePage;
use crate::web::view::time::Moment;
use crate::web::view::tone::Tone;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/certificates/{id}/revoke", get(ask).post(revoke)).route("/certificates/{id}/renew", post(renew))
}

/// The reasons that the form offers.
const REASONS: [(RevocationReason, &str); 7] = [
    (RevocationReason::Unspecified, "None is given"),
    (RevocationReason::KeyCompromise, "Its key is in wrong hands"),
    (RevocationReason::AffiliationChanged, "Whom it is for is called differently or has left"),
    (RevocationReason::Superseded, "Another certificate has taken its place"),
    (RevocationReason::CessationOfOperation, "It is not needed any more"),
    (RevocationReason::PrivilegeWithdrawn, "What it says is not allowed any more"),
    (RevocationReason::CertificateHold, "For the time being: a hold, which can be lifted"),
];

/// What is known of a certificate's revocation.
pub(super) struct Revoked {
    revocation: Revocation,
    by: Option<String>,
    at: Option<AtIssuer>,
    /// The private authority that issued it.
    authority: Option<String>,
}

impl Revoked {
    /// Nothing of a certificate that is not revoked.
    pub fn of(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> DomainResult<Option<Revoked>> {
        let whole = inventory::get_whole(tx, actor, id, scope)?;
        let Some(revocation) = whole.revocation else { return Ok(None) };
        let by = inventory::revoker(tx, actor, id, scope)?;
        let authority = whole.issuance.map(|issuance| issuance.authority);
        Ok(Some(Revoked { revocation, by, at: whole.at_issuer, authority }))
    }

    /// Whether its issuer may be asked once more.
    pub fn may_be_asked(&self) -> bool {
        self.at.as_ref().is_some_and(AtIssuer::may_be_asked)
    }

    pub fn card(&self, now: i64) -> RevokedCard {
        RevokedCard {
            at: Moment::new(self.revocation.effective_at, now),
            by: self.by.clone().unwrap_or_default(),
            because: because(self.revocation.reason),
            comment: self.revocation.comment.clone(),
            at_issuer: match (&self.at, &self.authority) {
                (Some(at), _) => at_issuer(at, now),
                (None, Some(name)) => (Tone::Info, format!("{name} issued it here and has it on its revocation list.")),
                (None, None) => (Tone::Warn, "Its issuer was not told by Certhold: see that it is revoked there, too.".into()),
            },
        }
    }
}

/// The reason in words; nothing where none is given.
fn because(reason: RevocationReason) -> String {
    let words = match reason {
        RevocationReason::Unspecified => return String::new(),
        RevocationReason::CertificateHold => "it is on hold, which can be lifted",
        other => show::changes::reason_in_words(other),
    };
    format!("because {words} ({})", reason.name())
}

/// What the issuer made of the revocation.
fn at_issuer(at: &AtIssuer, now: i64) -> (Tone, String) {
    let name = &at.issuer.1;
    match &at.standing {
        Standing::Revoked { already: false } => (Tone::Info, format!("{name} has revoked it.")),
        Standing::Revoked { already: true } => (Tone::Info, format!("{name} had revoked it before it was asked.")),
        Standing::Refused { error, .. } => (Tone::Bad, format!("It is revoked here, and not by {name}. {}", sentence(error))),
        Standing::GivenUp { error, .. } => {
            (Tone::Bad, format!("It is revoked here; {name} has not revoked it, and is not asked any more. {}", sentence(error)))
        }
        Standing::NotAsked => {
            (Tone::Warn, format!("It is recorded as revoked here. {name} was never asked: revoke it once more to ask."))
        }
        Standing::Asked { error: None, .. } => (Tone::Info, format!("{name} is being asked to revoke it.")),
        Standing::Asked { error: Some(error), next_try, .. } => {
            let next = next_try.map(|at| Moment::new(at, now).relative()).unwrap_or_default();
            (Tone::Warn, format!("{name} has not revoked it yet. {} It is asked again {next}.", sentence(error)))
        }
    }
}

async fn ask(visit: Visit, ids: Ids, Asked(within): Asked<Within>) -> Result<Response, Refused> {
    page(&visit, (CertificateId(ids.first()), within), StatusCode::OK, &Fields::default(), None).await
}

async fn page(
    visit: &Visit,
    (id, within): (CertificateId, Within),
    status: StatusCode,
    sent: &Fields,
    complaint: Option<Complaint>,
) -> Result<Response, Refused> {
    let scope = within.scope(visit.app.now());
    let read = visit.read(move |tx, actor| {
        collections::require(tx, actor, paths::CERTIFICATES_REVOKE, id, scope)?;
        inventory::get_whole(tx, actor, id, scope)
    });
    let (viewer, whole) = read.await?;
    let title = whole.certificate.summary.title().to_owned();
    let issuer = whole.at_issuer.map(|at| at.issuer.1);
    let taken = |reason: &RevocationReason| issuer.is_none() || revocation::REASONS.contains(reason);
    let reasons = REASONS
        .iter()
        .filter(|(reason, _)| taken(reason))
        .map(|(reason, words)| Choice::new(reason.code().to_string(), *words))
        .collect();
    let back = within.href(id, "");
    let mut page = RevokePage {
        frame: within.frame(visit, "Revoke", viewer).below(&title, back.clone()),
        id: id.0,
        within: within.collection,
        back,
        certificate: title,
        authority: whole.issuance.map(|issuance| issuance.authority),
        issuer,
        error: None,
        reason: Select::of(reasons).choose(sent.text("reason")),
        comment: Input::of(sent.text("comment")),
    };
    if let Some(complaint) = complaint {
        complaint.place(&mut page.error, &mut [("reason", &mut page.reason.error), ("comment", &mut page.comment.error)]);
    }
    Ok(visit.page(status, &page))
}

async fn revoke(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, CertificateId(ids.first()));
    let within = Within::sent(&sent)?;
    author.require_in(paths::CERTIFICATES_REVOKE, within.collection())?;
    let code = sent.number("reason")?.unwrap_or(0);
    let Some(reason) = RevocationReason::of(code).filter(|reason| REASONS.iter().any(|(known, _)| known == reason)) else {
        return Err(author.malformed("Choose one of the reasons that are offered."));
    };
    let comment = sent.fields.text("comment").trim().to_owned();
    let outcome = author.write(move |tx, actor, now| {
        let revocation = Revocation { effective_at: now, reason, comment: comment.clone() };
        inventory::revoke(tx, actor, &Revoke { certificates: vec![id], revocation }, within.scope(now), now)
    });
    match outcome.await {
        Ok(_) => Ok(author.done(&within.back(&author.visit, id).await, "The certificate is recorded as revoked.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, (id, within), StatusCode::UNPROCESSABLE_ENTITY, &sent.fields, Some(complaint)).await
        }
    }
}

async fn renew(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, id) = (&sent.author, CertificateId(ids.first()));
    author.require(paths::ENROLLMENT_PFX)?;
    let within = Within::sent(&sent)?;
    let (app, scope) = (&author.visit.app, within.scope(author.visit.app.now()));
    let asking = author.actor.clone();
    let request = app.read(move |tx| enrolment::renewal_request(tx, &asking, id, scope, None, None)).await;
    let issued = match request {
        Ok(request) => issue::enrol(app, &author.actor, request).await,
        Err(error) => Err(error),
    };
    author.visit.shared.changed();
    match issued {
        Ok(issued) => {
            // The new one need not be in the collection.
            let sees_all = holds(&author.actor.access, paths::CERTIFICATES_READ);
            let shown = if sees_all { show::certificate_href(issued.certificate) } else { within.list() };
            Ok(author.done(&shown, "The certificate was issued again, for a new key."))
        }
        Err(certhold_domain::Error::Refused(certhold_domain::Refusal::Invalid { message, .. })) => {
            let outcome = Err(certhold_domain::Refusal::Conflict(message).into());
            author.done_or_said(&within.href(id, ""), outcome, "")
        }
        Err(error) => author.done_or_said(&within.href(id, ""), Err(error), ""),
    }
}
