//! Changing one entry of a Java key store of the kind JKS: all others stay as they are, octet by octet, with their dates and with
//! passwords of their own.

use zeroize::Zeroizing;

use crate::bundle::ReadError;
use crate::keystore::{DIGEST, Fields, JKS_MAGIC, standard_utf8, store_digest};
use crate::password_based::Password;
use crate::write::{Entry, Random, WriteError, jks};

const MALFORMED: ReadError = ReadError::Broken { what: "a Java keystore", why: "it is cut off or malformed" };
/// Entries of one store.
const ENTRIES_MAX: usize = 100_000;

/// A key store under one password.
pub struct JavaKeystore {
    entries: Vec<Raw>,
    password: Password,
}

struct Raw {
    alias: String,
    /// Its certificate, or the first of its chain, DER.
    certificate: Vec<u8>,
    octets: Zeroizing<Vec<u8>>,
}

impl JavaKeystore {
    /// A store without entries.
    pub fn empty(password: &str) -> JavaKeystore {
        JavaKeystore { entries: Vec::new(), password: Password::new(password) }
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`ReadError`] when it is none, is of another kind or version, has another password, or holds an entry whose end cannot
    /// be told.
    pub fn open(bytes: &[u8], password: &str) -> Result<JavaKeystore, ReadError> {
        let (content, check) = bytes.split_last_chunk::<DIGEST>().ok_or(MALFORMED)?;
        let mut fields = Fields { rest: content };
        if fields.take(4).is_none_or(|magic| magic != JKS_MAGIC) {
            return Err(ReadError::Unsupported("a file that is no Java keystore of the kind JKS"));
        }
        let password = Password::new(password);
        let fits = aws_lc_rs::constant_time::verify_slices_are_equal(&store_digest(&password, content), check);
        fits.map_err(|_| ReadError::WrongPassword("Java keystore"))?;
        if fields.number() != Some(2) {
            return Err(ReadError::Unsupported("a Java keystore of an old version"));
        }
        let count = fields.number().ok_or(MALFORMED)? as usize;
        if count > ENTRIES_MAX {
            return Err(ReadError::TooMany);
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(raw(&mut fields)?);
        }
        if fields.rest.is_empty() { Ok(JavaKeystore { entries, password }) } else { Err(MALFORMED) }
    }

    /// The certificate of an entry, or the first of its chain, DER; `None` when there is no such entry.
    pub fn certificate(&self, alias: &str) -> Option<&[u8]> {
        self.entries.iter().find(|entry| same(&entry.alias, alias)).map(|entry| entry.certificate.as_slice())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes an entry out; whether there was one.
    pub fn remove(&mut self, alias: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !same(&entry.alias, alias));
        self.entries.len() < before
    }

    /// Puts an entry in, in the place of one of the same name: a key with its chain, or one certificate.
    ///
    /// # Errors
    /// [`WriteError`] when the format cannot hold this.
    pub fn put(&mut self, entry: &Entry<'_>, now_ms: i64, random: Random<'_>) -> Result<(), WriteError> {
        let first = entry.certificates.first().ok_or(WriteError::Nothing)?;
        if entry.key.is_none() && entry.certificates.len() > 1 {
            return Err(WriteError::NotOne(entry.certificates.len()));
        }
        let octets = jks::encoded(entry, &self.password, now_ms, random)?;
        let new = Raw { alias: entry.alias.to_lowercase(), certificate: first.to_vec(), octets };
        match self.entries.iter().position(|known| same(&known.alias, &entry.alias)) {
            Some(place) => self.entries[place] = new,
            None => self.entries.push(new),
        }
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// [`WriteError`] when there are more entries than the format can say.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, WriteError> {
        let count = i32::try_from(self.entries.len()).map_err(|_| WriteError::TooLong("the list of entries"))?;
        let length: usize = self.entries.iter().map(|entry| entry.octets.len()).sum();
        let mut out = Zeroizing::new(Vec::with_capacity(12 + length + DIGEST));
        out.extend_from_slice(&JKS_MAGIC);
        out.extend_from_slice(&2i32.to_be_bytes());
        out.extend_from_slice(&count.to_be_bytes());
        self.entries.iter().for_each(|entry| out.extend_from_slice(&entry.octets));
        let check = store_digest(&self.password, &out);
        out.extend_from_slice(&check);
        Ok(out)
    }
}

/// Java does not tell letter cases apart.
fn same(known: &str, alias: &str) -> bool {
    known.to_lowercase() == alias.to_lowercase()
}

fn raw(fields: &mut Fields<'_>) -> Result<Raw, ReadError> {
    let whole = fields.rest;
    let kind = fields.number().ok_or(MALFORMED)?;
    let alias = crate::text::plain(&standard_utf8(fields.text().ok_or(MALFORMED)?));
    fields.take(8).ok_or(MALFORMED)?;
    let certificates = match kind {
        1 => {
            fields.sized().ok_or(MALFORMED)?;
            fields.number().ok_or(MALFORMED)?
        }
        2 => 1,
        3 => return Err(ReadError::Unsupported("a Java keystore with a secret key")),
        _ => return Err(MALFORMED),
    };
    let mut first = Vec::new();
    for position in 0..certificates {
        fields.text().ok_or(MALFORMED)?;
        let der = fields.sized().ok_or(MALFORMED)?;
        if position == 0 {
            first = der.to_vec();
        }
    }
    let length = whole.len() - fields.rest.len();
    Ok(Raw { alias, certificate: first, octets: Zeroizing::new(whole[..length].to_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OutputFormat, sample, write};

    fn certificate(number: u64) -> Vec<u8> {
        sample::Generator::new(7).certificate(number)
    }

    fn no_random(buffer: &mut [u8]) {
        buffer.fill(9);
    }

    fn store(aliases: &[(&str, u64)]) -> Vec<u8> {
        let ders: Vec<Vec<u8>> = aliases.iter().map(|(_, number)| certificate(*number)).collect();
        let entries = aliases.iter().zip(&ders);
        let entries: Vec<Entry<'_>> = entries
            .map(|((alias, _), der)| Entry { alias: (*alias).into(), key: None, certificates: vec![der.as_slice()] })
            .collect();
        write(OutputFormat::Jks, &entries, Some("changeit"), 1_000, &mut no_random).unwrap().to_vec()
    }

    #[test]
    fn what_is_not_touched_stays_octet_by_octet() {
        let before = store(&[("one", 1), ("two", 2)]);
        let mut open = JavaKeystore::open(&before, "changeit").unwrap();
        assert_eq!(open.to_bytes().unwrap().as_slice(), before.as_slice());
        assert_eq!((open.len(), open.certificate("ONE")), (2, Some(certificate(1).as_slice())));

        let der = certificate(3);
        let entry = Entry { alias: "Three".into(), key: None, certificates: vec![&der] };
        open.put(&entry, 2_000, &mut no_random).unwrap();
        assert!(open.remove("Two") && !open.remove("two"));
        let after = open.to_bytes().unwrap();
        let read = crate::read(&after, Some("changeit")).unwrap();
        let found: Vec<_> = read.certificates.iter().map(|one| (one.alias.as_deref(), one.der.clone())).collect();
        assert_eq!(found, [(Some("one"), certificate(1)), (Some("three"), certificate(3))]);
        let first = &before[12..];
        assert!(after[12..].starts_with(&first[..certificate(1).len() + 30]), "with its date");
    }

    #[test]
    fn the_same_name_replaces_and_an_empty_store_is_one() {
        let mut open = JavaKeystore::empty("changeit");
        let (one, two) = (certificate(1), certificate(2));
        for der in [&one, &two] {
            open.put(&Entry { alias: "X".into(), key: None, certificates: vec![der] }, 1, &mut no_random).unwrap();
        }
        assert_eq!((open.len(), open.certificate("x")), (1, Some(two.as_slice())));
        let many = Entry { alias: "y".into(), key: None, certificates: vec![&one, &two] };
        assert!(open.put(&many, 1, &mut no_random).is_err());
        let empty = JavaKeystore::empty("changeit").to_bytes().unwrap();
        assert!(JavaKeystore::open(&empty, "changeit").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_opened_is_refused() {
        let whole = store(&[("one", 1)]);
        assert!(matches!(JavaKeystore::open(&whole, "changed"), Err(ReadError::WrongPassword(_))));
        for length in 0..whole.len() {
            assert!(JavaKeystore::open(&whole[..length], "changeit").is_err(), "cut to {length}");
        }
        assert!(JavaKeystore::open(b"-----BEGIN CERTIFICATE-----", "changeit").is_err());
        let mut secret = whole[..whole.len() - DIGEST].to_vec();
        secret[15] = 3;
        let check = store_digest(&Password::new("changeit"), &secret);
        secret.extend_from_slice(&check);
        assert!(matches!(JavaKeystore::open(&secret, "changeit"), Err(ReadError::Unsupported(_))));
    }
}
