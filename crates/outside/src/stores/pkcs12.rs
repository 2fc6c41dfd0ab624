//! A PKCS#12 file as a store. It is read whole and written whole, so it is written only when everything in it could be read.

use certhold_domain::stores::{Encryption, Problem};
use certhold_pki::{Bundle, Entry, Format, OutputFormat, PrivateKey, order_chain};
use zeroize::Zeroizing;

use super::place::OneFile;
use super::{CHAIN_MAX, Contents, LocalStore, NewEntry, Put, StoreError, StoredEntry, distinct, thumbprint};
use crate::keys::SystemEntropy;

/// Private keys of one file: the chain of each is looked for among all its certificates.
const KEYS_MAX: usize = 1_000;

/// What the file says of one entry.
struct Held {
    /// Its name in the file; empty where it has none.
    name: String,
    certificates: Vec<Vec<u8>>,
    key: Option<PrivateKey>,
}

impl Held {
    fn alias(&self) -> String {
        match self.certificates.first() {
            Some(der) if self.name.trim().is_empty() => thumbprint(der),
            _ => self.name.trim().to_owned(),
        }
    }
}

/// The file's content, taken apart.
struct Content {
    held: Vec<Held>,
    problems: Vec<Problem>,
    /// What is in the file and cannot be written again.
    lost: Option<String>,
}

fn read(store: &LocalStore<'_>, file: &OneFile) -> Result<Content, StoreError> {
    let Some(bytes) = file.read(store)? else {
        return Ok(Content { held: Vec::new(), problems: Vec::new(), lost: None });
    };
    let unreadable = |why: String| StoreError::Unreadable { path: file.shown(), why };
    let bundle = certhold_pki::read(&bytes, store.password).map_err(|error| unreadable(error.to_string()))?;
    if bundle.format != Format::Pkcs12 {
        return Err(unreadable(format!("this is {}, not a PKCS#12 file: make a store of that kind", bundle.summary())));
    }
    if bundle.keys.len() > KEYS_MAX {
        return Err(unreadable(format!("it has {} private keys; at most {KEYS_MAX} are read", bundle.keys.len())));
    }
    let problem = |place: &str, reason: &str| Problem { place: place.to_owned(), reason: reason.to_owned() };
    let mut problems: Vec<Problem> = bundle.refused.iter().map(|one| problem(&one.place, &one.reason)).collect();
    problems.extend(bundle.beside().iter().map(|one| problem(&one.place, &one.reason)));
    let lost =
        problems.first().map(|first| format!("it holds a part that could not be kept ({}: {})", first.place, first.reason));
    let held = entries(&bundle);
    for key in held.iter().filter(|one| one.certificates.is_empty()) {
        problems.push(problem(&key.name, "this is a private key without its certificate"));
    }
    Ok(Content { held, problems, lost })
}

/// Keys with their certificates and chains, then the certificates that are in no chain. One that is in a chain and has a name that is
/// not its subject (which Java gives to members of chains) is an entry, too.
fn entries(bundle: &Bundle) -> Vec<Held> {
    let ders: Vec<&[u8]> = bundle.certificates.iter().map(|one| one.der.as_slice()).collect();
    let mut used = vec![false; ders.len()];
    let mut in_chain = vec![false; ders.len()];
    let mut held = Vec::new();
    for key in &bundle.keys {
        let fits = |at: &usize| !used[*at] && key.key.matches(ders[*at]).unwrap_or(false);
        let same_name = |at: &usize| bundle.certificates[*at].alias == key.alias;
        let mut candidates = (0..ders.len()).filter(fits);
        let own = (0..ders.len()).filter(fits).find(same_name).or_else(|| candidates.next());
        let name = key.alias.clone().or_else(|| own.and_then(|at| bundle.certificates[at].alias.clone())).unwrap_or_default();
        let mut certificates = Vec::new();
        if let Some(own) = own {
            used[own] = true;
            let chain = order_chain(ders[own], &ders);
            for member in chain.iter().skip(1) {
                ders.iter().enumerate().filter(|(_, der)| der == &member).for_each(|(at, _)| in_chain[at] = true);
            }
            certificates = chain.into_iter().take(CHAIN_MAX + 1).map(<[u8]>::to_vec).collect();
        }
        held.push(Held { name, certificates, key: Some(key.key.clone()) });
    }
    for (at, certificate) in bundle.certificates.iter().enumerate() {
        let own_name = certificate.alias.as_ref().is_some_and(|alias| !alias.is_empty() && !alias.contains('='));
        if !used[at] && (!in_chain[at] || own_name) {
            let name = certificate.alias.clone().unwrap_or_default();
            held.push(Held { name, certificates: vec![certificate.der.clone()], key: None });
        }
    }
    held
}

pub(super) fn inventory(store: &LocalStore<'_>) -> Result<Contents, StoreError> {
    let content = read(store, &OneFile::open(store)?)?;
    let stored = |held: Held| StoredEntry { alias: held.alias(), has_key: held.key.is_some(), certificates: held.certificates };
    let mut entries: Vec<StoredEntry> =
        content.held.into_iter().filter(|held| !held.certificates.is_empty()).map(stored).collect();
    distinct(&mut entries);
    Ok(Contents { entries, problems: content.problems })
}

/// Where an entry of this name is.
fn place(content: &Content, file: &OneFile, alias: &str) -> Result<Option<usize>, StoreError> {
    let mut found = content.held.iter().enumerate().filter(|(_, held)| !held.certificates.is_empty() && held.alias() == alias);
    match (found.next(), found.next()) {
        (first, None) => Ok(first.map(|(at, _)| at)),
        (_, Some(_)) => {
            let why = format!("two entries are called {alias:?}: give one of them another name first");
            Err(StoreError::WouldLose { path: file.shown(), why })
        }
    }
}

pub(super) fn put(store: &LocalStore<'_>, new: &NewEntry<'_>, overwrite: bool) -> Result<Put, StoreError> {
    let file = OneFile::open(store)?;
    let mut content = read(store, &file)?;
    let at = place(&content, &file, new.alias)?;
    let mut certificates = vec![new.certificate.to_vec()];
    if new.key.is_some() {
        certificates.extend(new.chain.iter().map(|der| der.to_vec()));
    }
    let replaced = at.and_then(|at| content.held[at].certificates.first().cloned());
    if let Some(at) = at {
        let there = &content.held[at];
        let same_key = there.key.is_some() == new.key.is_some();
        // What else is in the file may make the chain longer than it was written.
        if there.certificates.starts_with(&certificates) && same_key {
            return Ok(Put { certificates, has_key: new.key.is_some(), replaced, changed: false });
        }
        if !overwrite && replaced.as_deref() != Some(new.certificate) {
            return Err(StoreError::Exists(new.alias.to_owned()));
        }
    }
    let held = Held { name: new.alias.to_owned(), certificates: certificates.clone(), key: new.key.cloned() };
    match at {
        Some(at) => content.held[at] = held,
        None => content.held.push(held),
    }
    write(store, &file, &content)?;
    Ok(Put { certificates, has_key: new.key.is_some(), replaced, changed: true })
}

pub(super) fn remove(store: &LocalStore<'_>, alias: &str) -> Result<Vec<u8>, StoreError> {
    let file = OneFile::open(store)?;
    let mut content = read(store, &file)?;
    let at = place(&content, &file, alias)?.ok_or_else(|| StoreError::NotThere(alias.to_owned()))?;
    let gone = content.held.remove(at);
    write(store, &file, &content)?;
    Ok(gone.certificates.into_iter().next().unwrap_or_default())
}

fn write(store: &LocalStore<'_>, file: &OneFile, content: &Content) -> Result<(), StoreError> {
    if let Some(why) = &content.lost {
        return Err(StoreError::WouldLose { path: file.shown(), why: why.clone() });
    }
    file.replace(store, &encoded(store, content)?)
}

fn encoded(store: &LocalStore<'_>, content: &Content) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    use certhold_domain::Entropy as _;
    let mut random = |buffer: &mut [u8]| SystemEntropy.fill(buffer);
    let legacy = store.properties.encryption == Some(Encryption::Legacy);
    // An authority that is an entry of its own is found there by whoever builds the chains.
    let own: Vec<&Vec<u8>> = content.held.iter().filter(|held| held.key.is_none()).flat_map(|held| &held.certificates).collect();
    let written = |held: &Held| -> Vec<usize> {
        let wanted = |at: &usize| *at == 0 || !own.contains(&&held.certificates[*at]);
        (0..held.certificates.len()).filter(wanted).collect()
    };
    let entries: Vec<Entry<'_>> = content
        .held
        .iter()
        .map(|held| Entry {
            alias: held.name.clone(),
            key: held.key.as_ref(),
            certificates: written(held).into_iter().map(|at| held.certificates[at].as_slice()).collect(),
        })
        .collect();
    let password = store.password.unwrap_or_default();
    if entries.is_empty() {
        return Ok(certhold_pki::empty_pkcs12(password, legacy, &mut random)?);
    }
    let format = if legacy { OutputFormat::Pkcs12Legacy } else { OutputFormat::Pkcs12 };
    Ok(certhold_pki::write(format, &entries, Some(password), 0, &mut random)?)
}
