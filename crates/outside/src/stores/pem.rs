//! A directory of PEM files as a store: `ALIAS.pem` with the certificate and its chain, `ALIAS.key` with the private key.

use std::collections::{BTreeMap, BTreeSet};

use certhold_domain::Entropy as _;
use certhold_domain::stores::{ChainPlace, KeyPlace, Problem};
use certhold_pki::{Bundle, Entry, OutputFormat, PrivateKey, Reading, order_chain, pem};
use zeroize::Zeroizing;

use super::confined::{Directory, Kind, Place};
use super::{Contents, FILE_BYTES_MAX, LocalStore, NewEntry, Put, StoreError, StoredEntry, distinct};
use crate::files::{self, Attributes};
use crate::keys::SystemEntropy;

/// Endings of files with certificates; the first is that of new ones.
const CERTIFICATE_ENDINGS: [&str; 5] = [".pem", ".crt", ".cer", ".cert", ".der"];
const KEY_ENDING: &str = ".key";
const CHAIN_ENDING: &str = ".chain.pem";
/// Certificates and keys of one directory.
const ITEMS_MAX: usize = 20_000;

fn open(store: &LocalStore<'_>) -> Result<Option<Directory>, StoreError> {
    if let Some(directory) = Directory::open(&store.path, store.roots)? {
        directory.lock();
        return Ok(Some(directory));
    }
    let missing = || StoreError::Missing { what: "directory", path: store.path.clone() };
    if !store.create_if_missing { Err(missing()) } else { Ok(None) }
}

/// The directory, made if it is not there and may be.
fn open_or_make(store: &LocalStore<'_>) -> Result<Directory, StoreError> {
    if let Some(directory) = open(store)? {
        return Ok(directory);
    }
    let missing = || StoreError::Missing { what: "directory", path: store.path.clone() };
    let (parent, name) = store.path.parent().zip(store.path.file_name().and_then(|name| name.to_str())).ok_or_else(missing)?;
    Directory::open(parent, store.roots)?.ok_or_else(missing)?.make(name)?;
    open(store)?.ok_or_else(missing)
}

/// What a file holds.
struct Parsed {
    certificates: Vec<Vec<u8>>,
    keys: Vec<PrivateKey>,
    refused: Vec<certhold_pki::Refused>,
}

fn parse(reading: &mut Reading<'_>, bytes: &[u8]) -> Result<Parsed, String> {
    let bundle: Bundle = reading.read(bytes).map_err(|error| error.to_string())?;
    Ok(Parsed {
        certificates: bundle.certificates.into_iter().map(|found| found.der).collect(),
        keys: bundle.keys.into_iter().map(|found| found.key).collect(),
        refused: bundle.refused,
    })
}

/// The entry that a file is, and the certificates in it that do not stand above its own: the file is a bundle then.
fn own_and_others(parsed: &Parsed, beside: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let of_key = |der: &&Vec<u8>| parsed.keys.iter().any(|key| key.matches(der).unwrap_or(false));
    let Some(own) = parsed.certificates.iter().find(of_key).or_else(|| parsed.certificates.first()) else {
        return (Vec::new(), Vec::new());
    };
    let pool = [parsed.certificates.as_slice(), beside].concat();
    let chain: Vec<Vec<u8>> = order_chain(own, &pool).into_iter().map(<[u8]>::to_vec).collect();
    let others = parsed.certificates.iter().filter(|der| !chain.contains(der)).cloned().collect();
    (if chain.is_empty() { vec![own.clone()] } else { chain }, others)
}

pub(super) fn inventory(store: &LocalStore<'_>) -> Result<Contents, StoreError> {
    let Some(directory) = open(store)? else { return Ok(Contents::default()) };
    let mut contents = Contents::default();
    let mut reading = Reading::new(store.password);
    let (mut files, mut chains) = (Vec::new(), BTreeMap::new());
    let mut items = 0;
    for (name, kind) in directory.names()? {
        let lower = name.to_ascii_lowercase();
        let wanted = CERTIFICATE_ENDINGS.iter().chain([&KEY_ENDING]).any(|ending| lower.ends_with(ending));
        if name.starts_with('.') || !wanted || kind == Kind::Other {
            continue;
        }
        let found = directory.follow(&name, store.roots).and_then(|place| place.read(FILE_BYTES_MAX));
        let parsed = match found {
            Ok(Some(bytes)) => parse(&mut reading, &bytes),
            Ok(None) => continue,
            Err(error) => Err(error.to_string()),
        };
        let mut problem = |reason: String| contents.problems.push(Problem { place: name.clone(), reason });
        match parsed {
            Err(reason) => problem(reason),
            Ok(parsed) => {
                items += parsed.certificates.len() + parsed.keys.len();
                parsed.refused.iter().for_each(|one| problem(format!("{}: {}", one.place, one.reason)));
                match lower.strip_suffix(CHAIN_ENDING) {
                    Some(_) => drop(chains.insert(name[..name.len() - CHAIN_ENDING.len()].to_owned(), parsed.certificates)),
                    None => files.push((name, parsed)),
                }
            }
        }
        if items > ITEMS_MAX {
            let why = format!("there are more than {ITEMS_MAX} certificates and keys in it");
            return Err(StoreError::Unreadable { path: directory.path.clone(), why });
        }
    }
    contents.entries = entries(&files, &chains);
    Ok(contents)
}

fn entries(files: &[(String, Parsed)], chains: &BTreeMap<String, Vec<Vec<u8>>>) -> Vec<StoredEntry> {
    let keys: Vec<&PrivateKey> = files.iter().flat_map(|(_, parsed)| &parsed.keys).collect();
    let digests: BTreeSet<[u8; 32]> = keys.iter().map(|key| key.spki_sha256()).collect();
    let has_key = |der: &[u8]| certhold_pki::Facts::of(der).is_ok_and(|facts| digests.contains(&facts.spki_sha256));
    let mut entries = Vec::new();
    let mut taken = BTreeSet::new();
    for (name, parsed) in files {
        let stem = CERTIFICATE_ENDINGS.iter().find_map(|ending| strip_ending(name, ending));
        let Some(stem) = stem.filter(|_| !parsed.certificates.is_empty()) else { continue };
        let beside = chains.get(stem).map_or(&[][..], Vec::as_slice);
        let (own, others) = own_and_others(parsed, beside);
        // Two files of one stem: the second is called by its whole name.
        let alias = if taken.insert(stem.to_owned()) { stem } else { name };
        for certificates in std::iter::once(own).chain(others.into_iter().map(|der| vec![der])) {
            let has_key = certificates.first().is_some_and(|der| has_key(der));
            entries.push(StoredEntry { alias: alias.to_owned(), certificates, has_key });
        }
    }
    distinct(&mut entries);
    entries
}

fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (stem, rest) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    (rest.eq_ignore_ascii_case(ending) && !stem.is_empty()).then_some(stem)
}

/// The file of an entry: that of its name with one of the endings, or the file that is called like the entry.
fn file_of(directory: &Directory, alias: &str) -> Option<String> {
    let names = CERTIFICATE_ENDINGS.iter().map(|ending| format!("{alias}{ending}"));
    let whole = std::iter::once(alias.to_owned()).filter(|name| CERTIFICATE_ENDINGS.iter().any(|ending| name.ends_with(ending)));
    names.chain(whole).find(|name| directory.kind(name).is_some_and(|kind| kind != Kind::Other))
}

/// What is there of an entry.
struct There {
    place: Place,
    certificate: Vec<u8>,
    key_inside: Option<PrivateKey>,
}

/// Reads the file of an entry, which must hold nothing but the entry.
fn there(store: &LocalStore<'_>, directory: &Directory, name: &str) -> Result<Option<There>, StoreError> {
    let place = directory.follow(name, store.roots)?;
    let Some(content) = place.read(FILE_BYTES_MAX)? else { return Ok(None) };
    let path = place.shown();
    let parsed = parse(&mut Reading::new(store.password), &content);
    let parsed = parsed.map_err(|why| StoreError::Unreadable { path: path.clone(), why })?;
    let lose = |why: String| StoreError::WouldLose { path: path.clone(), why };
    if let Some(first) = parsed.refused.first() {
        return Err(lose(format!("it holds a part that cannot be read ({}: {})", first.place, first.reason)));
    }
    let (own, others) = own_and_others(&parsed, &[]);
    if !others.is_empty() || parsed.keys.len() > 1 {
        return Err(lose("it is a bundle that holds other certificates or keys as well".into()));
    }
    let key_inside = parsed.keys.into_iter().next();
    let certificate = own.into_iter().next().unwrap_or_default();
    Ok(Some(There { place, certificate, key_inside }))
}

/// The private key in the file beside an entry.
fn key_beside(store: &LocalStore<'_>, place: &Place) -> Result<Option<PrivateKey>, StoreError> {
    let Some(content) = place.read(FILE_BYTES_MAX)? else { return Ok(None) };
    let unreadable = |why: String| StoreError::Unreadable { path: place.shown(), why };
    let parsed = parse(&mut Reading::new(store.password), &content).map_err(unreadable)?;
    match (parsed.keys.as_slice(), parsed.certificates.is_empty() && parsed.refused.is_empty()) {
        ([key], true) => Ok(Some(key.clone())),
        _ => Err(StoreError::WouldLose { path: place.shown(), why: "it holds something else than one private key".into() }),
    }
}

pub(super) fn put(store: &LocalStore<'_>, new: &NewEntry<'_>, overwrite: bool) -> Result<Put, StoreError> {
    let directory = open_or_make(store)?;
    let name = file_of(&directory, new.alias).unwrap_or_else(|| format!("{}{}", new.alias, CERTIFICATE_ENDINGS[0]));
    let found = there(store, &directory, &name)?;
    let replaced = found.as_ref().map(|found| found.certificate.clone());
    if replaced.as_deref().is_some_and(|before| before != new.certificate) && !overwrite {
        return Err(StoreError::Exists(new.alias.to_owned()));
    }
    let key_place = directory.follow(&format!("{}{KEY_ENDING}", new.alias), store.roots)?;
    let beside = key_beside(store, &key_place)?;
    // A key that stays must be the certificate's own.
    let inside = found.as_ref().and_then(|found| found.key_inside.clone());
    let kept = inside.clone().or_else(|| beside.clone()).filter(|_| new.key.is_none());
    if kept.as_ref().is_some_and(|key| !key.matches(new.certificate).unwrap_or(false)) {
        let why = "the private key that is there belongs to another certificate: put the new one in with its key".to_owned();
        return Err(StoreError::WouldLose { path: key_place.shown(), why });
    }
    let key = new.key.or(kept.as_ref());
    let into_file = store.properties.key == Some(KeyPlace::Inside) || (new.key.is_none() && inside.is_some());
    let (with, apart) = chain_places(store, new);
    let mut files: Vec<NewFile> = Vec::new();
    if let Some(key) = key.filter(|_| !into_file) {
        let content = encoded(store, Some(key), &[])?;
        files.push(NewFile { place: key_place, content, holds_key: true, held_key: beside.is_some() });
    }
    if let Some(chain) = apart {
        let place = directory.follow(&format!("{}{CHAIN_ENDING}", new.alias), store.roots)?;
        files.push(NewFile { place, content: encoded(store, None, &chain)?, holds_key: false, held_key: false });
    }
    let certificates: Vec<&[u8]> = std::iter::once(new.certificate).chain(with).collect();
    let inner_key = key.filter(|_| into_file);
    let place = match found {
        Some(found) => found.place,
        None => directory.follow(&name, store.roots)?,
    };
    let content = encoded(store, inner_key, &certificates)?;
    files.push(NewFile { place, content, holds_key: inner_key.is_some(), held_key: inside.is_some() });
    let changed = write(store, &files)?;
    let chain = if store.properties.chain == Some(ChainPlace::None) { &[][..] } else { &new.chain };
    let certificates = std::iter::once(new.certificate).chain(chain.iter().copied()).map(<[u8]>::to_vec).collect();
    Ok(Put { certificates, has_key: key.is_some(), replaced, changed })
}

/// The chain that goes into the certificate's file, and that which goes beside it.
fn chain_places<'a>(store: &LocalStore<'_>, new: &NewEntry<'a>) -> (Vec<&'a [u8]>, Option<Vec<&'a [u8]>>) {
    match store.properties.chain.unwrap_or_default() {
        ChainPlace::With => (new.chain.clone(), None),
        ChainPlace::Beside if new.chain.is_empty() => (Vec::new(), None),
        ChainPlace::Beside => (Vec::new(), Some(new.chain.clone())),
        ChainPlace::None => (Vec::new(), None),
    }
}

/// PEM; a key is encrypted where the store has a password.
fn encoded(store: &LocalStore<'_>, key: Option<&PrivateKey>, certificates: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    if key.is_none() {
        let text: String = certificates.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect();
        return Ok(Zeroizing::new(text.into_bytes()));
    }
    let entry = Entry { alias: String::new(), key, certificates: certificates.to_vec() };
    let mut random = |buffer: &mut [u8]| SystemEntropy.fill(buffer);
    Ok(certhold_pki::write(OutputFormat::Pem, &[entry], store.password, 0, &mut random)?)
}

/// A file that is to be.
struct NewFile {
    place: Place,
    content: Zeroizing<Vec<u8>>,
    holds_key: bool,
    /// Whether it had a key before.
    held_key: bool,
}

/// Writes what is not in place already, the key first; says whether anything was written. A file in which a key comes to be for the
/// first time is closed to others; beyond that files keep their mode, owner and group.
fn write(store: &LocalStore<'_>, files: &[NewFile]) -> Result<bool, StoreError> {
    let mut staged = Vec::new();
    for file in files {
        let place = &file.place;
        let new = Attributes { mode: store.mode(file.holds_key), user: None, group: None };
        let mut attributes = place.attributes().unwrap_or(new);
        if file.holds_key && !file.held_key && attributes.mode & 0o007 != 0 {
            attributes.mode = new.mode;
        }
        let target = place.directory.at(&place.name);
        // Encrypted keys are never written twice alike: those that are there are compared by what they hold.
        let same_key = file.holds_key && store.password.is_some() && same_contents(store, place, &file.content);
        if !same_key && !files::is_current(&target, &file.content, attributes) {
            let done = files::stage(&target, &file.content, attributes);
            staged.push(done.map_err(|error| StoreError::Io { path: place.shown(), error })?);
        }
    }
    let changed = !staged.is_empty();
    files::commit(staged).map_err(|(target, error)| {
        let place = files.iter().map(|file| &file.place).find(|place| place.directory.at(&place.name) == target);
        StoreError::Io { path: place.map_or(target, Place::shown), error }
    })?;
    Ok(changed)
}

fn same_contents(store: &LocalStore<'_>, place: &Place, content: &[u8]) -> bool {
    let Ok(Some(present)) = place.read(FILE_BYTES_MAX) else { return false };
    let mut reading = Reading::new(store.password);
    let (Ok(present), Ok(wanted)) = (parse(&mut reading, &present), parse(&mut reading, content)) else { return false };
    let keys = |parsed: &Parsed| parsed.keys.iter().map(PrivateKey::spki_sha256).collect::<Vec<_>>();
    present.refused.is_empty() && present.certificates == wanted.certificates && keys(&present) == keys(&wanted)
}

pub(super) fn remove(store: &LocalStore<'_>, alias: &str) -> Result<Vec<u8>, StoreError> {
    let not_there = || StoreError::NotThere(alias.to_owned());
    let directory = open(store)?.ok_or_else(not_there)?;
    if alias.starts_with('.') || alias.contains('/') {
        return Err(not_there());
    }
    let name = match file_of(&directory, alias) {
        Some(name) => name,
        None if alias.contains('#') => {
            let why = "the entry is one of a bundle of certificates: take it out of that file by hand".to_owned();
            return Err(StoreError::WouldLose { path: directory.path.clone(), why });
        }
        None => return Err(not_there()),
    };
    let found = there(store, &directory, &name)?.ok_or_else(not_there)?;
    let key_name = format!("{alias}{KEY_ENDING}");
    let key_place = directory.follow(&key_name, store.roots)?;
    let own_key = match key_beside(store, &key_place) {
        Ok(key) => key.is_some_and(|key| key.matches(&found.certificate).unwrap_or(false)),
        // A key that cannot be read stays; it is told at the next inventory.
        Err(_) => false,
    };
    // The certificate first: a server that reloads in between finds nothing rather than a certificate without its key.
    directory.unlink(&name)?;
    let chain = format!("{alias}{CHAIN_ENDING}");
    if directory.kind(&chain).is_some() {
        directory.unlink(&chain)?;
    }
    if own_key {
        directory.unlink(&key_name)?;
    }
    Ok(found.certificate)
}
