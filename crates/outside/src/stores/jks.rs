//! A Java key store of the kind JKS as a store. Only the entry that is meant is written anew; others stay octet by octet.

use std::time::{SystemTime, UNIX_EPOCH};

use certhold_domain::Entropy as _;
use certhold_domain::stores::Problem;
use certhold_pki::{Bundle, Entry, Format, JavaKeystore};

use super::place::OneFile;
use super::{CHAIN_MAX, Contents, LocalStore, NewEntry, Put, StoreError, StoredEntry, distinct};
use crate::keys::SystemEntropy;

/// What the end of a place says of the first certificate of a key.
const OF_A_KEY: &str = ", certificate 1";

fn unreadable(file: &OneFile, why: impl ToString) -> StoreError {
    StoreError::Unreadable { path: file.shown(), why: why.to_string() }
}

fn bundle(store: &LocalStore<'_>, file: &OneFile) -> Result<Option<Bundle>, StoreError> {
    let Some(bytes) = file.read(store)? else { return Ok(None) };
    let bundle = certhold_pki::read(&bytes, store.password).map_err(|error| unreadable(file, error))?;
    match bundle.format {
        Format::Jks => Ok(Some(bundle)),
        _ => {
            let why = format!("this is {}, not a Java key store of the kind JKS: make a store of that kind", bundle.summary());
            Err(unreadable(file, why))
        }
    }
}

/// The entries in their order: the certificate that has a name begins one, those without a name stand above it.
fn entries(bundle: &Bundle) -> Vec<StoredEntry> {
    let mut entries: Vec<StoredEntry> = Vec::new();
    for found in &bundle.certificates {
        match (&found.alias, entries.last_mut()) {
            (None, Some(last)) if last.certificates.len() <= CHAIN_MAX => last.certificates.push(found.der.clone()),
            (None, _) => {}
            (Some(alias), _) => entries.push(StoredEntry {
                alias: alias.clone(),
                certificates: vec![found.der.clone()],
                has_key: found.place.ends_with(OF_A_KEY),
            }),
        }
    }
    entries
}

pub(super) fn inventory(store: &LocalStore<'_>) -> Result<Contents, StoreError> {
    let file = OneFile::open(store)?;
    let Some(bundle) = bundle(store, &file)? else { return Ok(Contents::default()) };
    let mut entries = entries(&bundle);
    distinct(&mut entries);
    let problem = |one: &certhold_pki::Refused| Problem { place: one.place.clone(), reason: one.reason.clone() };
    Ok(Contents { entries, problems: bundle.refused.iter().map(problem).collect() })
}

fn open(store: &LocalStore<'_>, file: &OneFile) -> Result<JavaKeystore, StoreError> {
    let password = store.password.unwrap_or_default();
    match file.read(store)? {
        None => Ok(JavaKeystore::empty(password)),
        Some(bytes) => JavaKeystore::open(&bytes, password).map_err(|error| unreadable(file, error)),
    }
}

pub(super) fn put(store: &LocalStore<'_>, new: &NewEntry<'_>, overwrite: bool) -> Result<Put, StoreError> {
    let file = OneFile::open(store)?;
    let mut keystore = open(store, &file)?;
    let mut certificates = vec![new.certificate.to_vec()];
    if new.key.is_some() {
        certificates.extend(new.chain.iter().map(|der| der.to_vec()));
    }
    let replaced = keystore.certificate(new.alias).map(<[u8]>::to_vec);
    if replaced.is_some() {
        let there = bundle(store, &file)?.map(|bundle| entries(&bundle)).unwrap_or_default();
        let there = there.into_iter().find(|entry| entry.alias.to_lowercase() == new.alias.to_lowercase());
        let same = |entry: &StoredEntry| entry.certificates == certificates && entry.has_key == new.key.is_some();
        if there.as_ref().is_some_and(same) {
            return Ok(Put { certificates, has_key: new.key.is_some(), replaced, changed: false });
        }
        if !overwrite && replaced.as_deref() != Some(new.certificate) {
            return Err(StoreError::Exists(new.alias.to_owned()));
        }
    }
    let entry =
        Entry { alias: new.alias.to_owned(), key: new.key, certificates: certificates.iter().map(Vec::as_slice).collect() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    keystore.put(&entry, i64::try_from(now).unwrap_or(i64::MAX), &mut |buffer| SystemEntropy.fill(buffer))?;
    file.replace(store, &keystore.to_bytes()?)?;
    Ok(Put { certificates, has_key: new.key.is_some(), replaced, changed: true })
}

pub(super) fn remove(store: &LocalStore<'_>, alias: &str) -> Result<Vec<u8>, StoreError> {
    let file = OneFile::open(store)?;
    let mut keystore = open(store, &file)?;
    let before = keystore.certificate(alias).map(<[u8]>::to_vec);
    if !keystore.remove(alias) {
        return Err(StoreError::NotThere(alias.to_owned()));
    }
    file.replace(store, &keystore.to_bytes()?)?;
    Ok(before.unwrap_or_default())
}
