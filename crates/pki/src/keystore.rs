//! Java key stores of the kinds JKS and JCEKS: certificates, and private keys each under a password of its own.
//!
//! The layout is that of `sun.security.provider.JavaKeyStore` and `com.sun.crypto.provider.JceKeyStore`: a magic number, a
//! version, entries with big-endian lengths, and a SHA-1 over password and content at the end.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY as SHA1};
use zeroize::Zeroizing;

use crate::asn1::{Reader, tag};
use crate::bundle::{Collector, ITEMS_MAX, Place, ReadError};
use crate::password_based::{self, Budget, DecryptError, Password};

/// How a JKS file begins.
pub(crate) const JKS_MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
/// What is hashed between password and content for the integrity check.
pub(crate) const SALT_OF_ALL: &[u8] = b"Mighty Aphrodite";
/// `1.3.6.1.4.1.42.2.17.1.1`, Sun's own protection of keys in JKS.
pub(crate) const JKS_KEY_PROTECTION: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];
/// Octets of a SHA-1 digest, and of the salt of a protected key.
pub(crate) const DIGEST: usize = 20;

const WHAT: &str = "a Java keystore";
const MALFORMED: ReadError = ReadError::Broken { what: WHAT, why: "it is cut off or malformed" };

/// Reads the store into `collector`. Certificates are not encrypted, so without a password they are read unchecked, as
/// `keytool` does; keys are then refused one by one.
pub(crate) fn read(bytes: &[u8], passwords: &[&str], budget: &mut Budget, collector: &mut Collector) -> Result<(), ReadError> {
    let (content, check) = bytes.split_last_chunk::<DIGEST>().ok_or(MALFORMED)?;
    let fits = |password: &&&str| store_digest(&Password::new(password), content) == *check;
    let whole = passwords.iter().find(fits);
    if whole.is_none() && !passwords.is_empty() {
        return Err(ReadError::WrongPassword("Java keystore"));
    }
    let mut store = Fields { rest: content };
    store.take(4).ok_or(MALFORMED)?;
    let version = store.number().filter(|version| matches!(version, 1 | 2)).ok_or(MALFORMED)?;
    let count = store.number().ok_or(MALFORMED)?;
    if count as usize > ITEMS_MAX {
        return Err(ReadError::TooMany);
    }
    // The store's own password serves most keys, so it is tried first.
    let tried: Vec<Password> = whole.into_iter().chain(passwords).map(|password| Password::new(password)).collect();
    let mut walk = Walk { store, version, passwords: &tried, budget, collector };
    for number in 1..=count {
        if !walk.entry(number)? {
            return Ok(());
        }
    }
    if walk.store.rest.is_empty() { Ok(()) } else { Err(MALFORMED) }
}

/// The check at the end of a store (`getPreKeyedHash`).
pub(crate) fn store_digest(password: &Password, content: &[u8]) -> [u8; DIGEST] {
    let mut context = Context::new(&SHA1);
    context.update(password.utf16_text());
    context.update(SALT_OF_ALL);
    context.update(content);
    let mut out = [0; DIGEST];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// Combines `data` with Sun's key stream: each block is the SHA-1 of the password and the block before, the salt being the
/// first. Encrypting and decrypting are the same.
pub(crate) fn apply_key_stream(password: &Password, salt: &[u8; DIGEST], data: &mut [u8]) {
    let mut block = *salt;
    for chunk in data.chunks_mut(DIGEST) {
        let mut context = Context::new(&SHA1);
        context.update(password.utf16_text());
        context.update(&block);
        block.copy_from_slice(context.finish().as_ref());
        chunk.iter_mut().zip(block).for_each(|(octet, key)| *octet ^= key);
    }
}

/// The check inside a protected key.
pub(crate) fn key_digest(password: &Password, key: &[u8]) -> [u8; DIGEST] {
    let mut context = Context::new(&SHA1);
    context.update(password.utf16_text());
    context.update(key);
    let mut out = [0; DIGEST];
    out.copy_from_slice(context.finish().as_ref());
    out
}

struct Walk<'b> {
    store: Fields<'b>,
    version: u32,
    passwords: &'b [Password],
    budget: &'b mut Budget,
    collector: &'b mut Collector,
}

impl Walk<'_> {
    /// One entry; `false` when what follows cannot be told apart any more.
    fn entry(&mut self, number: u32) -> Result<bool, ReadError> {
        let kind = self.store.number().ok_or(MALFORMED)?;
        let alias = self.store.text().ok_or(MALFORMED)?;
        let alias = crate::text::plain(&standard_utf8(alias));
        let place = Place { text: format!("entry {number} \"{alias}\""), alias: Some(alias) };
        self.store.take(8).ok_or(MALFORMED)?; // when it was made
        match kind {
            1 => self.key(place)?,
            2 => self.certificate(place)?,
            // A serialised Java object without a length.
            3 => {
                let reason = "this is a secret key, and what follows it in the keystore cannot be read";
                self.collector.refuse(place, reason.to_owned())?;
                return Ok(false);
            }
            _ => return Err(MALFORMED),
        }
        Ok(true)
    }

    fn key(&mut self, place: Place) -> Result<(), ReadError> {
        let protected = self.store.sized().ok_or(MALFORMED)?;
        let length = self.store.number().ok_or(MALFORMED)?;
        match self.open(protected) {
            Ok(clear) => self.collector.private_key(&clear, place.clone())?,
            Err(error) => self.collector.refuse(place.clone(), error.to_string())?,
        }
        for position in 1..=length {
            let text = format!("{}, certificate {position}", place.text);
            // Only the first one is the entry's own; the others are its chain.
            self.certificate(Place { text, alias: place.alias.clone().filter(|_| position == 1) })?;
        }
        Ok(())
    }

    fn certificate(&mut self, place: Place) -> Result<(), ReadError> {
        let kind = if self.version == 2 { self.store.text().ok_or(MALFORMED)? } else { b"X.509" };
        let bytes = self.store.sized().ok_or(MALFORMED)?;
        match kind {
            b"X.509" | b"X509" => self.collector.certificate(bytes, place),
            other => {
                let reason = format!("this is a certificate of the kind {}", crate::text::plain(other));
                self.collector.refuse(place, reason)
            }
        }
    }

    /// Undoes the protection of a key.
    fn open(&mut self, protected: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let malformed = ReadError::Broken { what: "a protected private key", why: "it is cut off or malformed" };
        let mut fields = Reader::new(protected).enter(tag::SEQUENCE).ok_or(malformed.clone())?;
        let algorithm = fields.take(tag::SEQUENCE).ok_or(malformed.clone())?;
        let octets = fields.take(tag::OCTET_STRING).ok_or(malformed.clone())?.content;
        let own = algorithm.inside().take(tag::OID).is_some_and(|oid| oid.content == JKS_KEY_PROTECTION);
        for password in self.passwords {
            let outcome = if own {
                open_jks_key(octets, password).ok_or(malformed.clone())?
            } else {
                password_based::decrypt(&algorithm, octets, password, self.budget)
            };
            match outcome {
                Ok(clear) if crate::recognise::der(&clear) == Some(crate::recognise::Kind::Pkcs8) => return Ok(clear),
                Ok(_) | Err(DecryptError::WrongPassword) => {}
                Err(error) => return Err(ReadError::Encrypted { what: "the private key", error }),
            }
        }
        Err(match self.passwords {
            [] => ReadError::PasswordNeeded("private key"),
            _ => ReadError::WrongPassword("private key"),
        })
    }
}

/// Salt, encrypted key, and a digest over password and key. `None` when it is too short to be that.
fn open_jks_key(octets: &[u8], password: &Password) -> Option<Result<Zeroizing<Vec<u8>>, DecryptError>> {
    let (salt, rest) = octets.split_first_chunk::<DIGEST>()?;
    let (encrypted, check) = rest.split_last_chunk::<DIGEST>()?;
    let mut clear = Zeroizing::new(encrypted.to_vec());
    apply_key_stream(password, salt, &mut clear);
    let fits = key_digest(password, &clear) == *check;
    Some(if fits { Ok(clear) } else { Err(DecryptError::WrongPassword) })
}

/// Big-endian fields, as `java.io.DataOutput` writes them.
pub(crate) struct Fields<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, octets: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(octets)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn number(&mut self) -> Option<u32> {
        let (taken, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*taken))
    }

    /// Octets after their length in four octets.
    pub(crate) fn sized(&mut self) -> Option<&'a [u8]> {
        let octets = self.number()? as usize;
        self.take(octets)
    }

    /// Text after its length in two octets.
    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        let (octets, rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        self.take(usize::from(u16::from_be_bytes(*octets)))
    }
}

/// Java's own UTF-8 as the standard one: NUL is written in two octets, and characters beyond the first plane as two
/// surrogates of three octets each.
pub(crate) fn standard_utf8(text: &[u8]) -> Vec<u8> {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let (unit, used) = match (first, after) {
            (0..=0x7f, _) => (u16::from(*first), 0),
            (0xc0..=0xdf, [b, ..]) => (u16::from(first & 0x1f) << 6 | u16::from(b & 0x3f), 1),
            (0xe0..=0xef, [b, c, ..]) => (u16::from(first & 0x0f) << 12 | u16::from(b & 0x3f) << 6 | u16::from(c & 0x3f), 2),
            _ => (0xfffd, 0),
        };
        units.push(unit);
        rest = &after[used..];
    }
    String::from_utf16_lossy(&units).into_bytes()
}
