//! Bringing certificates in: whatever people have, read outside transactions, written in chunks. The same for the native API
//! and the web pages.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use certhold_domain::custody::SealedKey;
use certhold_domain::inventory::{self, Candidate, ImportBatch, ImportItem, KeyItem};
use certhold_domain::metadata::Change;
use certhold_domain::{Actor, Error, Result, RoleId, limits};
use certhold_pki::{self as pki, Facts};
use futures_util::{TryFutureExt as _, TryStreamExt as _, stream};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::state::App;
use crate::threads::on_thread;

/// One file as it was sent. It may hold private keys, so its bytes are wiped.
pub struct Upload {
    /// The file's own name, for people; empty when there is none.
    pub file: String,
    /// Its content.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Everything an import is told.
pub struct Import {
    /// The files.
    pub uploads: Vec<Upload>,
    /// For whatever is encrypted among them.
    pub password: Option<SecretString>,
    /// The owner of new certificates.
    pub owner: Option<RoleId>,
    /// Where they come from, for people.
    pub source: String,
    /// What is noted about new certificates.
    pub metadata: Vec<Change>,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New or held already.
    Taken {
        /// What came of it.
        item: ImportItem,
        /// What people call it.
        title: String,
        /// Begin of its validity, unix milliseconds.
        not_before: i64,
        /// End of its validity, unix milliseconds.
        not_after: i64,
        /// What was left out of it.
        note: Option<String>,
    },
    /// Not taken, and why.
    Refused(String),
}

/// One item of what was sent, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The file it was in.
    pub file: Arc<str>,
    /// Where in the file: "line 12", "certificate 3"; empty when it is the whole file.
    pub place: String,
    /// SHA-256 of the certificate, where it is one that could be read.
    pub sha256: Option<[u8; 32]>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Chunks of more than so many certificates give way to everybody else's writes.
const BULK: usize = limits::IMPORT_CHUNK;

/// Chunks on their way to the writer at once, while the next one is taken apart: it takes several into one commit.
const IN_FLIGHT: usize = 8;

/// Imports everything that was sent. Whoever may not import is refused before anything is read.
///
/// # Errors
/// What the domain refuses of the import as a whole. Chunks written before stay, and a repeated import finds them held.
pub async fn run(app: &App, actor: &Arc<Actor>, import: Import) -> Result<Vec<Item>> {
    let template = ImportBatch {
        certificates: Vec::new(),
        keys: Vec::new(),
        owner: import.owner,
        source: import.source,
        metadata: import.metadata,
    };
    rehearse(app, actor, &template).await?;
    let (uploads, password, sealer) = (import.uploads, import.password, app.clone());
    let mut found = on_thread(move || Found::read(&sealer, uploads, password.as_ref())).await?;

    let bulk = found.certificates.len() > BULK;
    let mut items = std::mem::take(&mut found.refused);
    let (waiting, mut taken) = (std::mem::take(&mut found.certificates), HashSet::new());
    let keys = Arc::new(found.keys);
    let chunks = stream::try_unfold((waiting, keys.clone()), |(mut waiting, keys)| async {
        Ok::<_, Error>(prepare(&mut waiting, &keys).await?.map(|chunk| (chunk, (waiting, keys))))
    });
    let (writer, author) = (app.clone(), actor.clone());
    let written = chunks.map_ok(move |chunk| {
        let matched = chunk.matched.clone();
        write(writer.clone(), author.clone(), template.clone(), chunk, bulk).map_ok(|items| (items, matched))
    });
    let mut written = pin!(written.try_buffered(IN_FLIGHT));
    while let Some((some, matched)) = written.try_next().await? {
        items.extend(some);
        taken.extend(matched);
    }
    let alone: Vec<&KeyFound> = keys.iter().filter(|key| !taken.contains(&key.sealed.spki_sha256)).collect();
    for some in alone.chunks(limits::IMPORT_CHUNK) {
        items.extend(keys_alone(app, actor, some).await?);
    }
    Ok(items)
}

/// Keys that came without their certificates: those may be in the inventory already.
async fn keys_alone(app: &App, actor: &Arc<Actor>, keys: &[&KeyFound]) -> Result<Vec<Item>> {
    let sealed: Vec<SealedKey> = keys.iter().map(|key| key.sealed.clone()).collect();
    let (actor, now) = (actor.clone(), app.now());
    let found = app.write(move |tx| inventory::import_keys(tx, &actor, &sealed, now)).await?;
    let item = |(key, found): (&&KeyFound, Option<KeyItem>)| {
        let outcome = match found {
            Some(KeyItem { certificate, title, not_before, not_after, taken }) => {
                let item = ImportItem { outcome: inventory::Outcome::AlreadyHeld(certificate), key_taken: taken };
                Outcome::Taken { item, title, not_before, not_after, note: None }
            }
            None => Outcome::Refused("no certificate here or in the inventory belongs to this private key".into()),
        };
        Item { file: key.file.clone(), place: "private key".into(), sha256: None, outcome }
    };
    Ok(keys.iter().zip(found).map(item).collect())
}

/// Refuses whoever may not import at all, before their body is read.
///
/// # Errors
/// [`certhold_domain::Refusal::Forbidden`].
pub async fn require_allowed(app: &App, actor: &Arc<Actor>) -> Result<()> {
    let nothing =
        ImportBatch { certificates: Vec::new(), keys: Vec::new(), owner: None, source: String::new(), metadata: Vec::new() };
    rehearse(app, actor, &nothing).await
}

/// Asks the domain, with nothing to import, whether this actor may import for this owner.
async fn rehearse(app: &App, actor: &Arc<Actor>, template: &ImportBatch) -> Result<()> {
    let (actor, batch, now) = (actor.clone(), template.clone(), app.now());
    app.read(move |tx| inventory::import(tx, &actor, &batch, now)).await.map(drop)
}

struct KeyFound {
    file: Arc<str>,
    sealed: SealedKey,
}

struct CertificateFound {
    file: Arc<str>,
    found: pki::Found,
}

#[derive(Default)]
struct Found {
    certificates: Vec<CertificateFound>,
    keys: Vec<KeyFound>,
    refused: Vec<Item>,
}

impl Found {
    fn read(app: &App, uploads: Vec<Upload>, password: Option<&SecretString>) -> Result<Found> {
        let mut all = Found::default();
        // One reading for all files: the work that they may ask for is bounded for the request.
        let mut reading = pki::Reading::new(password.map(ExposeSecret::expose_secret));
        for upload in uploads {
            let file: Arc<str> = shown_name(&upload.file).into();
            let bundle = match reading.read(&upload.bytes) {
                Ok(bundle) => bundle,
                Err(error) => {
                    let outcome = Outcome::Refused(error.to_string());
                    all.refused.push(Item { file, place: String::new(), sha256: None, outcome });
                    continue;
                }
            };
            let beside = bundle.beside();
            all.certificates.extend(bundle.certificates.into_iter().map(|found| CertificateFound { file: file.clone(), found }));
            for pki::FoundKey { key, .. } in bundle.keys {
                let sealed = SealedKey::seal(&app.core().custody, app.core().entropy.as_ref(), &key)?;
                all.keys.push(KeyFound { file: file.clone(), sealed });
            }
            let refused = |refused: pki::Refused| Item {
                file: file.clone(),
                place: refused.place,
                sha256: None,
                outcome: Outcome::Refused(refused.reason),
            };
            all.refused.extend(bundle.refused.into_iter().chain(beside).map(refused));
        }
        // Taken from the end, chunk by chunk.
        all.certificates.reverse();
        Ok(all)
    }
}

struct Prepared {
    candidates: Vec<Candidate>,
    keys: Vec<SealedKey>,
    /// One per candidate, in order, still without the domain's word.
    described: Vec<(Arc<str>, String, Described)>,
    refused: Vec<Item>,
    /// Digests of the public keys of those keys.
    matched: Vec<[u8; 32]>,
}

struct Described {
    sha256: [u8; 32],
    title: String,
    not_before: i64,
    not_after: i64,
    note: Option<String>,
}

/// The next chunk, taken apart; `None` when nothing waits any more.
async fn prepare(waiting: &mut Vec<CertificateFound>, keys: &Arc<Vec<KeyFound>>) -> Result<Option<Prepared>> {
    let next = waiting.split_off(waiting.len().saturating_sub(limits::IMPORT_CHUNK));
    if next.is_empty() {
        return Ok(None);
    }
    let keys = keys.clone();
    on_thread(move || Ok(Some(take_apart(next, &keys)))).await
}

fn take_apart(mut next: Vec<CertificateFound>, keys: &[KeyFound]) -> Prepared {
    let mut chunk =
        Prepared { candidates: Vec::new(), keys: Vec::new(), described: Vec::new(), refused: Vec::new(), matched: Vec::new() };
    next.reverse();
    for CertificateFound { file, found } in next {
        let refuse = |reason: String| Item {
            file: file.clone(),
            place: found.place.clone(),
            sha256: None,
            outcome: Outcome::Refused(reason),
        };
        if found.der.len() > limits::CERTIFICATE_BYTES {
            chunk.refused.push(refuse(format!("larger than {} bytes, the limit of a certificate", limits::CERTIFICATE_BYTES)));
            continue;
        }
        match Facts::of(&found.der) {
            Err(error) => chunk.refused.push(refuse(error.to_string())),
            Ok(facts) => {
                chunk.candidates.push(Candidate::from_facts(&found.der, &facts));
                if !chunk.matched.contains(&facts.spki_sha256) {
                    let fitting = keys.iter().find(|key| key.sealed.spki_sha256 == facts.spki_sha256);
                    chunk.keys.extend(fitting.map(|key| key.sealed.clone()));
                    chunk.matched.extend(fitting.map(|key| key.sealed.spki_sha256));
                }
                let described = Described {
                    sha256: facts.sha256,
                    title: title(&facts),
                    not_before: facts.not_before,
                    not_after: facts.not_after,
                    note: found.note,
                };
                chunk.described.push((file, found.place, described));
            }
        }
    }
    chunk
}

async fn write(app: App, actor: Arc<Actor>, template: ImportBatch, chunk: Prepared, bulk: bool) -> Result<Vec<Item>> {
    let batch = ImportBatch { certificates: chunk.candidates, keys: chunk.keys, ..template };
    let now = app.now();
    let work = move |tx: &mut certhold_store::Tx<'_>| inventory::import(tx, &actor, &batch, now);
    let outcomes = if bulk { app.write_bulk(work).await } else { app.write(work).await }?;
    let taken = outcomes.into_iter().zip(chunk.described).map(|(item, (file, place, described))| {
        let Described { sha256, title, not_before, not_after, note } = described;
        let outcome = match item.outcome {
            inventory::Outcome::Excluded => Outcome::Refused(inventory::EXCLUDED.to_owned()),
            _ => Outcome::Taken { item, title, not_before, not_after, note },
        };
        Item { file, place, sha256: Some(sha256), outcome }
    });
    Ok(chunk.refused.into_iter().chain(taken).collect())
}

/// What people call a certificate: its common name, else its first name, else its subject, else its serial number.
fn title(facts: &Facts) -> String {
    let named = facts.common_name.as_deref().or_else(|| facts.names.first().map(|name| name.value.as_str()));
    let titled = named.or(Some(facts.subject.as_str())).filter(|title| !title.trim().is_empty());
    titled.unwrap_or(&facts.serial).to_owned()
}

/// A file's name without its path and without what would read differently from how it is stored.
fn shown_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or("");
    base.chars().filter(|c| !is_unsafe(*c)).take(limits::NAME_CHARS).collect()
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_lose_paths_and_tricks() {
        assert_eq!(shown_name("../../etc/passwd"), "passwd");
        assert_eq!(shown_name("C:\\certs\\a.pem"), "a.pem");
        assert_eq!(shown_name("a\u{202e}mep.\n\0exe"), "amep.exe");
        assert_eq!(shown_name(&"x".repeat(5000)).len(), limits::NAME_CHARS);
    }
}
