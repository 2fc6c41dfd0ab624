//! The listener shows what is assigned to it: at start, after each change here, and a moment after a change on another node.
//!
//! Whatever cannot be shown changes nothing: the last certificate that worked is kept.

use std::time::Duration;

use certhold_domain::custody::SecretKind;
use certhold_domain::named::{self, Assign, Presented, Revision, TlsSettings};
use certhold_domain::{Actor, Error, Refusal, Result};
use certhold_pki::PrivateKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::listener::{ChainAndKey, TlsAssignment};
use crate::state::App;
use crate::threads::on_thread;

/// How often a change on another node is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What the listener shows now, as far as it was assigned. Locked from reading what is assigned until the listener shows it: of two
/// changes at once the later one is shown last.
#[derive(Default)]
pub(crate) struct Presenting(Mutex<Option<Revision>>);

/// Changes what is presented somewhere. What the listener would show is tried before anything is written, and shown afterwards.
///
/// # Errors
/// What [`named::assign`] refuses, and a certificate that TLS cannot use.
pub async fn assign(app: &App, actor: &Actor, command: Assign) -> Result<()> {
    let (asking, asked, now) = (actor.clone(), command.clone(), app.now());
    let (identity, settings) = app.read(move |tx| named::check(tx, &asking, &asked, now)).await?;
    if command.place == named::Place::Listener {
        try_out(app, identity, &settings).await?;
    }
    let author = actor.clone();
    app.write(move |tx| named::assign(tx, &author, &command, now)).await?;
    show_or_tell(app).await;
    Ok(())
}

/// Whether the listener could show this.
///
/// # Errors
/// [`Refusal::Conflict`] when TLS cannot use it.
pub async fn try_out(app: &App, identity: Option<Presented>, settings: &TlsSettings) -> Result<()> {
    let Some(tls) = app.settings().tls.clone() else { return Ok(()) };
    let identity = opened(app, identity).await?;
    Ok(tls.try_out(identity, settings).map_err(|error| Refusal::Conflict(error.to_string()))?)
}

/// As [`show`], after a change that is written: what fails now does not undo it, and [`watch`] tries again.
pub async fn show_or_tell(app: &App) {
    if let Err(error) = show(app).await {
        tracing::error!("the listener keeps the certificate it has, because the assigned one cannot be shown: {error}");
    }
}

/// Has the listener show what is assigned to it, if that has changed.
///
/// # Errors
/// When it cannot be shown; the last one that could is kept.
pub async fn show(app: &App) -> Result<()> {
    let Some(tls) = app.settings().tls.clone() else { return Ok(()) };
    let mut shown = app.presenting().0.lock().await;
    let revision = app.read(named::revision).await?;
    if *shown == Some(revision) {
        return Ok(());
    }
    let (revision, (identity, settings)) = app.read(|tx| Ok((named::revision(tx)?, named::presented(tx)?))).await?;
    apply(app, &tls, identity, settings).await?;
    *shown = Some(revision);
    Ok(())
}

async fn apply(app: &App, tls: &TlsAssignment, identity: Option<Presented>, settings: TlsSettings) -> Result<()> {
    let name = identity.as_ref().map(|identity| identity.name.clone());
    let identity = opened(app, identity).await?;
    tls.assign(identity, settings).map_err(|error| Refusal::Conflict(error.to_string()))?;
    tracing::info!(identity = name.as_deref().unwrap_or("the server's own"), "the listener's certificate is assigned");
    Ok(())
}

/// The certificate and its key in the clear, for the TLS library.
async fn opened(app: &App, identity: Option<Presented>) -> Result<Option<ChainAndKey>> {
    let Some(identity) = identity else { return Ok(None) };
    let core = app.core().clone();
    on_thread(move || {
        let clear = core.custody.open(&identity.key, SecretKind::PrivateKey)?;
        let key = PrivateKey::of(&clear).map_err(|error| Error::damaged(error.to_string()))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()));
        Ok(Some((identity.chain.into_iter().map(CertificateDer::from).collect(), key)))
    })
    .await
}

/// Looks for changes until `stop`. A failure is told, and the last certificate that worked stays.
pub async fn watch(app: App, stop: CancellationToken) {
    let mut told = String::new();
    loop {
        let why = show(&app).await.err().map(|error| error.to_string()).unwrap_or_default();
        if !why.is_empty() && why != told {
            tracing::error!("the listener keeps the certificate it has, because the assigned one cannot be shown: {why}");
        }
        told = why;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
