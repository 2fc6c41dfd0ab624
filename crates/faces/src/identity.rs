//! Files with an identity (PKCS#12) or a trusted certificate, read for entries under names: outside transactions, on threads that may
//! block, a few at a time. Each refusal says what was found instead of what was needed.

use std::sync::Arc;

use certhold_domain::custody::SealedKey;
use certhold_domain::named::{self, Entry, Kind, NewEntry, NewVersion};
use certhold_domain::{Actor, NamedId, Refusal, Result};
use certhold_pki::{self as pki, Bundle, Facts, Format, PrivateKey, ReadError, order_chain};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::presenting;
use crate::state::App;
use crate::threads::in_turn;

/// Files whose keys are derived at once; more wait.
static READING: Semaphore = Semaphore::const_new(2);

/// The field in refusals that are about the file.
const FILE: &str = "certificate";
/// The field in refusals that are about its password.
const PASSWORD: &str = "password";

/// What a file may be.
pub enum File {
    /// PKCS#12 with its password, taken as it is.
    Pfx(Zeroizing<Vec<u8>>, Zeroizing<String>),
    /// One certificate in PEM or DER.
    Trusted(Zeroizing<Vec<u8>>),
    /// What an authority answered to a signing request that was made here: PEM, DER or PKCS#7.
    Answer(Zeroizing<Vec<u8>>),
}

/// Imports a file under a new name.
///
/// # Errors
/// What [`named::import`] refuses, and files that do not hold what is needed.
pub async fn import(app: &App, actor: &Arc<Actor>, kind: Kind, name: String, file: File) -> Result<NamedId> {
    let entry = read(app, actor, file).await?;
    let handle = named::handle(app.core().entropy.as_ref());
    let new = NewEntry { handle, kind, name, entry, source: "upload" };
    let (actor, now) = (actor.clone(), app.now());
    let id = app.write(move |tx| named::import(tx, &actor, &new, now)).await?;
    // The certificate may be one that is presented already, and come with another path.
    presenting::show_or_tell(app).await;
    Ok(id)
}

/// Imports a file as the next version of an identity. If the identity is assigned to the listener, that is tried before anything is
/// written, and shows it at once.
///
/// # Errors
/// What [`named::replace`] refuses, and files that do not hold what is needed.
pub async fn replace(app: &App, actor: &Arc<Actor>, handle: String, file: File) -> Result<NamedId> {
    let entry = read(app, actor, file).await?;
    let new = NewVersion { handle, entry, source: "upload" };
    let (asking, asked, now) = (actor.clone(), new.clone(), app.now());
    let shown = app.read(move |tx| named::check_replace(tx, &asking, &asked, now)).await?;
    if let Some((identity, settings)) = shown {
        presenting::try_out(app, Some(identity), &settings).await?;
    }
    let author = actor.clone();
    let id = app.write(move |tx| named::replace(tx, &author, &new, now)).await?;
    presenting::show_or_tell(app).await;
    Ok(id)
}

/// Reads a file; whoever may not change entries is refused before.
async fn read(app: &App, actor: &Arc<Actor>, file: File) -> Result<Entry> {
    let asking = actor.clone();
    app.read(move |tx| named::require_modify(tx, &asking)).await?;
    let app = app.clone();
    in_turn(&READING, move || match file {
        File::Pfx(bytes, password) => pfx(&app, &bytes, &password),
        File::Trusted(bytes) => Ok(trusted(&bytes)?),
        File::Answer(bytes) => Ok(answer(&bytes)?),
    })
    .await
}

fn pfx(app: &App, bytes: &[u8], password: &str) -> Result<Entry> {
    let bundle = pki::Reading::new(Some(password)).read(bytes).map_err(|error| unreadable(&error))?;
    if bundle.format != Format::Pkcs12 {
        let why = format!("a PKCS#12 file (.pfx, .p12) with a private key is needed, but this is {}", bundle.summary());
        return Err(Refusal::invalid(FILE, why).into());
    }
    let (leaf, key) = pair(&bundle)?;
    let core = app.core();
    let sealed = SealedKey::seal(&core.custody, core.entropy.as_ref(), key)?;
    Ok(Entry::of(leaf, &above(leaf, &bundle), Some(sealed))?)
}

fn unreadable(error: &ReadError) -> Refusal {
    match error {
        ReadError::WrongPassword(_) => Refusal::invalid(PASSWORD, "the password does not open the PKCS#12 file"),
        ReadError::PasswordNeeded(_) | ReadError::PasswordTooLong => Refusal::invalid(PASSWORD, error.to_string()),
        other => Refusal::invalid(FILE, other.to_string()),
    }
}

/// The one private key with its certificate.
fn pair(bundle: &Bundle) -> Result<(&[u8], &PrivateKey), Refusal> {
    if bundle.keys.is_empty() {
        let unread = bundle.refused.first().map(|part| format!("; {}: {}", part.place, part.reason)).unwrap_or_default();
        let why = format!("the file does not contain a private key: it is {}{unread}", bundle.summary());
        return Err(Refusal::invalid(FILE, why));
    }
    let fits = |der: &[u8], key: &PrivateKey| Facts::of(der).is_ok_and(|facts| facts.spki_sha256 == key.spki_sha256());
    let mut pairs: Vec<(&[u8], &PrivateKey)> = Vec::new();
    for found in &bundle.keys {
        let certificate = bundle.certificates.iter().find(|certificate| fits(&certificate.der, &found.key));
        let known = |(der, _): &(&[u8], &PrivateKey)| certificate.is_some_and(|certificate| certificate.der == *der);
        if !pairs.iter().any(known) {
            pairs.extend(certificate.map(|certificate| (certificate.der.as_slice(), &found.key)));
        }
    }
    match pairs.as_slice() {
        [] => Err(Refusal::invalid(FILE, "no certificate in the file belongs to its private key")),
        [pair] => Ok(*pair),
        many => {
            let why =
                format!("the file holds {} certificates with private keys: export the one that is meant by itself", many.len());
            Err(Refusal::invalid(FILE, why))
        }
    }
}

/// The certificates of the file that stand above one of them.
fn above(leaf: &[u8], bundle: &Bundle) -> Vec<Vec<u8>> {
    let others: Vec<&[u8]> = bundle.certificates.iter().map(|found| found.der.as_slice()).collect();
    order_chain(leaf, &others).into_iter().skip(1).map(<[u8]>::to_vec).collect()
}

fn trusted(bytes: &[u8]) -> Result<Entry, Refusal> {
    let bundle = pki::read(bytes, None).map_err(|error| match error {
        ReadError::PasswordNeeded(_) => Refusal::invalid(FILE, "one certificate in PEM or DER is needed, but this is encrypted"),
        other => Refusal::invalid(FILE, other.to_string()),
    })?;
    let needed = |found: String| Refusal::invalid(FILE, format!("one certificate in PEM or DER is needed, but this is {found}"));
    match (bundle.format, bundle.certificates.as_slice(), bundle.keys.len()) {
        (Format::Pem | Format::Der, [one], 0) => Entry::of(&one.der, &[], None),
        (Format::Pem, [_, _, ..], _) => {
            let summary = bundle.summary();
            Err(Refusal::invalid(FILE, format!("this is {summary}: import its certificates one by one, each under its own name")))
        }
        _ => Err(needed(bundle.summary())),
    }
}

fn answer(bytes: &[u8]) -> Result<Entry, Refusal> {
    let bundle = pki::read(bytes, None).map_err(|error| Refusal::invalid(FILE, error.to_string()))?;
    let certificates = bundle.some_certificates().map_err(|error| Refusal::invalid(FILE, error.to_string()))?;
    let is_leaf = |found: &&pki::Found| Facts::of(&found.der).is_ok_and(|facts| !facts.is_ca);
    let leaf = certificates.iter().find(is_leaf).or(certificates.first());
    let leaf = leaf.ok_or_else(|| Refusal::invalid(FILE, "there is no certificate in the file"))?;
    Entry::of(&leaf.der, &above(&leaf.der, &bundle), None)
}
