//! Certificates and private keys as files, and keys that are made here: the same for the native API and the web pages.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::collections::Scope;
use certhold_domain::custody::{self, DestroyKey, ExportKey, NewKeyRequest, RemoveKeyRequest, SealedKey, SecretKind};
use certhold_domain::inventory::{self, Certificate};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, CertificateId, Error, KeyRequestId, Refusal, Result, limits};
use certhold_pki::{Entry, OutputFormat, PASSWORD_BYTES_MAX, PrivateKey, WriteError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::attachment;
use crate::state::App;
use crate::threads::{in_turn, on_thread, panicked};

/// Keys that are made or encrypted at the same time; more wait.
static WORKING: Semaphore = Semaphore::const_new(2);

/// A file to be saved.
pub struct File {
    name: String,
    media_type: &'static str,
    bytes: Zeroizing<Vec<u8>>,
}

impl File {
    /// Its name and content, for a face that wraps them.
    pub(crate) fn into_parts(self) -> (String, Zeroizing<Vec<u8>>) {
        (self.name, self.bytes)
    }
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (header::CONTENT_DISPOSITION, attachment::disposition(&self.name)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        // The bytes are wiped once they are sent.
        (headers, Body::from(Bytes::from_owner(self.bytes))).into_response()
    }
}

/// The formats for certificates alone, which need no password.
pub fn public_formats() -> impl Iterator<Item = OutputFormat> {
    OutputFormat::ALL.into_iter().filter(|format| !format.needs_password())
}

/// The formats that hold a private key together with its certificate.
pub fn key_formats() -> impl Iterator<Item = OutputFormat> {
    OutputFormat::ALL.into_iter().filter(|format| format.holds_keys() && *format != OutputFormat::Der)
}

/// The format of this name among `known`.
///
/// # Errors
/// A refusal that lists them.
pub fn format_named(name: &str, known: impl Iterator<Item = OutputFormat>) -> Result<OutputFormat, Refusal> {
    let known: Vec<OutputFormat> = known.collect();
    known.iter().find(|format| format.name() == name).copied().ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|format| format.name()).collect();
        Refusal::invalid("format", format!("choose one of {}", names.join(", ")))
    })
}

/// A certificate, with its chain where the format has room for it, as a file without a key.
///
/// # Errors
/// When the format cannot hold it.
pub fn public_file(format: OutputFormat, leaf: &Certificate, chain: &[Certificate], now: i64) -> Result<File> {
    let certificates = [leaf].into_iter().chain(chain).map(|certificate| certificate.der.as_slice()).collect();
    let entry = Entry { alias: leaf.summary.title().to_owned(), key: None, certificates };
    // Nothing is encrypted, so nothing random is asked for.
    let bytes = certhold_pki::write(format, &[entry], None, now, &mut |_| {}).map_err(|error| unwritable(&error))?;
    Ok(file(leaf, format, bytes))
}

fn file(leaf: &Certificate, format: OutputFormat, bytes: Zeroizing<Vec<u8>>) -> File {
    let name = attachment::file_name(leaf.summary.title(), leaf.summary.id.0, format.extension());
    File { name, media_type: format.media_type(), bytes }
}

/// Reads a certificate, and its chain if that is wanted, and writes both.
///
/// # Errors
/// What the domain refuses.
pub async fn download(app: &App, found: (Certificate, Vec<Certificate>), format: OutputFormat) -> Result<File> {
    let now = app.now();
    tokio::task::spawn_blocking(move || public_file(format, &found.0, &found.1, now)).await.map_err(|_| panicked())?
}

/// Everything that handing out a private key is told.
pub struct KeyExport {
    /// The certificate.
    pub certificate: CertificateId,
    /// One of [`key_formats`].
    pub format: OutputFormat,
    /// For the file; PEM may go without.
    pub password: Option<SecretString>,
    /// Why.
    pub reason: String,
    /// Whether the chain is put in as well.
    pub chain: bool,
    /// Where the caller says that the rights are held.
    pub scope: Scope,
}

/// Hands out a private key with its certificate. The event is durable before the key is even opened.
///
/// # Errors
/// What the domain refuses, or a password that does not do.
pub async fn key(app: &App, actor: &Arc<Actor>, export: KeyExport) -> Result<File> {
    let KeyExport { certificate, format, password, reason, chain, scope } = export;
    let command = ExportKey { certificate, format: format.name(), encrypted: password.is_some(), reason, scope };
    // Whoever may not export learns nothing about passwords and formats.
    let (rehearsed, first) = (actor.clone(), command.clone());
    app.read(move |tx| custody::require_may_export(tx, &rehearsed, &first)).await?;
    check_password(format, password.as_ref())?;
    // The event says that the key was handed out: whether there is a place for the work is known before.
    let turn = WORKING.acquire().await.map_err(|_| Refusal::Busy)?;
    let (actor, now) = (actor.clone(), app.now());
    let exported = app.write(move |tx| custody::export(tx, &actor, &command, now)).await?;
    let opener = app.clone();
    on_thread(move || {
        let _turn = turn;
        let core = opener.core();
        let clear = core.custody.open(&exported.key, SecretKind::PrivateKey)?;
        let key = PrivateKey::of(&clear).map_err(|error| Error::damaged(error.to_string()))?;
        let leaf = &exported.certificate;
        let above = exported.chain.iter().filter(|_| chain);
        let certificates = [leaf].into_iter().chain(above).map(|certificate| certificate.der.as_slice()).collect();
        let entry = Entry { alias: leaf.summary.title().to_owned(), key: Some(&key), certificates };
        let password = password.as_ref().map(ExposeSecret::expose_secret);
        let bytes = certhold_pki::write(format, &[entry], password, now, &mut |out| core.entropy.fill(out));
        Ok(file(leaf, format, bytes.map_err(|error| unwritable(&error))?))
    })
    .await
}

pub(crate) fn check_password(format: OutputFormat, password: Option<&SecretString>) -> Result<(), Refusal> {
    let Some(password) = password.map(ExposeSecret::expose_secret) else {
        let needed = format.needs_password();
        return if needed {
            Err(Refusal::invalid("password", format!("{} needs a password", format.describe())))
        } else {
            Ok(())
        };
    };
    if password.chars().count() < limits::EXPORT_PASSWORD_CHARS_MIN {
        let message = format!("at least {} characters", limits::EXPORT_PASSWORD_CHARS_MIN);
        return Err(Refusal::invalid("password", message));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Refusal::invalid("password", format!("at most {PASSWORD_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn unwritable(error: &WriteError) -> Error {
    Refusal::invalid("format", error.to_string()).into()
}

/// Destroys a certificate's private key, for whoever has the rights within a scope.
///
/// # Errors
/// What the domain refuses.
pub async fn destroy_in(app: &App, actor: &Arc<Actor>, certificate: CertificateId, reason: String, scope: Scope) -> Result<()> {
    let command = DestroyKey { certificate, reason, nothing: nothing(app)? };
    let actor = actor.clone();
    app.write(move |tx| custody::destroy_key_within(tx, &actor, &command, scope)).await
}

/// Removes a key request, and its key if that still waits for its certificate.
///
/// # Errors
/// What the domain refuses.
pub async fn remove_request(app: &App, actor: &Arc<Actor>, id: KeyRequestId) -> Result<()> {
    let command = RemoveKeyRequest { id, nothing: nothing(app)? };
    let (actor, now) = (actor.clone(), app.now());
    app.write(move |tx| custody::remove_key_request(tx, &actor, &command, now)).await
}

/// Removes key requests, all of them or none, each as [`remove_request`] does.
///
/// # Errors
/// What the domain refuses.
pub async fn remove_requests(app: &App, actor: &Arc<Actor>, ids: Vec<KeyRequestId>) -> Result<()> {
    let commands: Vec<RemoveKeyRequest> =
        ids.into_iter().map(|id| Ok(RemoveKeyRequest { id, nothing: nothing(app)? })).collect::<Result<_>>()?;
    let (actor, now) = (actor.clone(), app.now());
    app.write(move |tx| commands.iter().try_for_each(|command| custody::remove_key_request(tx, &actor, command, now))).await
}

/// Nothing at all, sealed as a private key.
pub(crate) fn nothing(app: &App) -> Result<custody::Sealed> {
    app.core().custody.seal(app.core().entropy.as_ref(), SecretKind::PrivateKey, &[])
}

/// A key to be made.
pub struct KeyWanted {
    /// What people call it.
    pub name: String,
    /// The DNS names of its request.
    pub names: Vec<String>,
    /// What key.
    pub kind: KeyKind,
}

/// Makes a key and its request, and keeps both; the request, DER, comes with its handle. Whoever may not is refused before anything is computed.
///
/// # Errors
/// What the domain refuses.
pub async fn request(app: &App, actor: &Arc<Actor>, wanted: KeyWanted) -> Result<(KeyRequestId, Vec<u8>)> {
    let rehearsed = actor.clone();
    app.read(move |tx| custody::require_may_request(tx, &rehearsed)).await?;
    let (name, names) = custody::checked_names(&wanted.name, &wanted.names)?;
    let maker = app.key_maker()?;
    let sealer = app.clone();
    let new = in_turn(&WORKING, move || {
        let made = maker.make(wanted.kind, &names).map_err(|why| Refusal::invalid("names", why))?;
        let core = sealer.core();
        let key = SealedKey::seal(&core.custody, core.entropy.as_ref(), &made.key)?;
        Ok::<_, Error>(NewKeyRequest { name, names, key, csr: made.csr, pattern: None })
    })
    .await?;
    let (actor, now, csr) = (actor.clone(), app.now(), new.csr.clone());
    let id = app.write(move |tx| custody::create_key_request(tx, &actor, &new, now)).await?;
    Ok((id, csr))
}

/// A certificate with its chain, for a file.
///
/// # Errors
/// What the domain refuses.
pub fn with_chain(
    tx: &mut certhold_store::Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    chain: bool,
) -> Result<(Certificate, Vec<Certificate>)> {
    with_chain_in(tx, actor, id, chain, Scope::everywhere(0))
}

/// As [`with_chain`], within a scope.
///
/// # Errors
/// What the domain refuses.
pub fn with_chain_in(
    tx: &mut certhold_store::Tx<'_>,
    actor: &Actor,
    id: CertificateId,
    chain: bool,
    scope: Scope,
) -> Result<(Certificate, Vec<Certificate>)> {
    let leaf = inventory::get_in(tx, actor, id, scope)?;
    let above = if chain { inventory::chain_in(tx, actor, id, scope)? } else { Vec::new() };
    Ok((leaf, above))
}
