//! Making private authorities and having them issue, for every face that can: keys are used on threads of their own, between the two
//! transactions that decide and record.

use std::sync::Arc;

use certhold_domain::enrolment::{self, RequestWanted};
use certhold_domain::private_ca::{self, EnrolmentRequest, Hands, NewAuthority};
use certhold_domain::{Actor, AuthorityId, CertificateId, KeyRequestId, Refusal, Result};
use certhold_pki::PrivateKey;
use tokio::sync::Semaphore;

use crate::state::App;
use crate::threads::in_turn;

/// Keys that are made or used at once.
static WORKING: Semaphore = Semaphore::const_new(4);

/// Runs `work` with the server's keys on a blocking thread.
async fn with_hands<T: Send + 'static>(app: &App, work: impl FnOnce(Hands<'_>) -> Result<T> + Send + 'static) -> Result<T> {
    let maker = app.key_maker()?;
    let core = app.core().clone();
    in_turn(&WORKING, move || work(Hands { custody: &core.custody, keys: maker.as_ref(), entropy: core.entropy.as_ref() })).await
}

/// Makes a private authority.
///
/// # Errors
/// What [`private_ca::draft`] and [`private_ca::create`] refuse.
pub async fn make(app: &App, actor: &Arc<Actor>, new: NewAuthority) -> Result<AuthorityId> {
    let (asking, now) = (actor.clone(), app.now());
    let draft = app.read(move |tx| private_ca::draft(tx, &asking, &new, now)).await?;
    let signed = with_hands(app, move |hands| draft.sign(hands, now)).await?;
    let actor = actor.clone();
    app.write(move |tx| private_ca::create(tx, &actor, &signed, now)).await
}

/// What was issued.
pub struct Issued {
    /// The certificate in the inventory.
    pub certificate: CertificateId,
    /// It and those above it, DER, the leaf first.
    pub chain: Vec<Vec<u8>>,
}

/// Issues a certificate; it is recorded before it is handed out.
///
/// # Errors
/// What [`private_ca::draft_enrolment`] and [`private_ca::enrol`] refuse.
pub async fn enrol(app: &App, actor: &Arc<Actor>, request: EnrolmentRequest) -> Result<Issued> {
    enrol_packed(app, actor, request, |_, _| Ok(())).await.map(|(issued, _)| issued)
}

/// As [`enrol`]; a key that is to be delivered is given to `pack` with its certificate and those above it, before anything is recorded:
/// what cannot be packed is not issued.
///
/// # Errors
/// Also what `pack` says.
pub async fn enrol_packed<T: Send + 'static>(
    app: &App,
    actor: &Arc<Actor>,
    request: EnrolmentRequest,
    pack: impl FnOnce(&PrivateKey, &[&[u8]]) -> Result<T> + Send + 'static,
) -> Result<(Issued, Option<T>)> {
    let (asking, now) = (actor.clone(), app.now());
    let draft = app.read(move |tx| private_ca::draft_enrolment(tx, &asking, &request, now)).await?;
    let (signed, packed) = with_hands(app, move |hands| {
        let signed = draft.sign(hands, now)?;
        let packed = signed.delivery().map(|(key, chain)| pack(key, &chain)).transpose()?;
        Ok((signed, packed))
    })
    .await?;
    let actor = actor.clone();
    let done = app.write(move |tx| private_ca::enrol(tx, &actor, &signed, now)).await?;
    Ok((Issued { certificate: done.certificate, chain: done.chain }, packed))
}

/// Has a key made here with a signing request, both of which are kept.
///
/// # Errors
/// What [`enrolment::draft_request`] and [`enrolment::keep_request`] refuse.
pub async fn request(app: &App, actor: &Arc<Actor>, wanted: RequestWanted) -> Result<KeyRequestId> {
    let (asking, checked) = (actor.clone(), wanted.clone());
    let draft = app.read(move |tx| enrolment::draft_request(tx, &asking, &checked)).await?;
    let made = with_hands(app, move |hands| draft.make(hands)).await?;
    let (actor, now) = (actor.clone(), app.now());
    app.write(move |tx| enrolment::keep_request(tx, &actor, &wanted, &made, now)).await
}

/// The one signing request in a text, DER.
///
/// # Errors
/// When there is none, or more than one.
pub fn signing_request(text: &str) -> Result<Vec<u8>, Refusal> {
    let found = certhold_pki::read(text.as_bytes(), None).map_err(|error| Refusal::invalid("csr", error.to_string()))?;
    match <[_; 1]>::try_from(found.requests) {
        Ok([one]) => Ok(one.der),
        Err(several) => Err(Refusal::invalid("csr", format!("give one signing request as PEM; there are {}", several.len()))),
    }
}
