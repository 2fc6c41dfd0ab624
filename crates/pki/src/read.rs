//! Reading whatever people have: the format is judged by content, never by a file name.

use zeroize::Zeroizing;

use crate::asn1::{Reader, tag};
use crate::bundle::{Bundle, Collector, Format, INPUT_BYTES_MAX, PASSWORD_BYTES_MAX, PASSWORDS_MAX, ReadError};
use crate::password_based::{self, Budget, DecryptError, Password};
use crate::pem::{self, Block, OldEncryption};
use crate::recognise::{self, Kind};
use crate::request::request_element;
use crate::revocation_list::RevocationList;
use crate::{ber, keystore, pkcs7, pkcs12};

/// Reads certificates, private keys, requests and revocation lists out of `bytes`: PEM with any number of blocks and other
/// text around them, DER, PKCS#7 bundles, PKCS#12 files, Java key stores, PKCS#8 (encrypted or not), PKCS#1 and SEC 1 keys,
/// also in bare base64 or in UTF-16 text.
///
/// A part that cannot be taken is refused with a reason and does not hinder the others. The password serves every
/// encrypted part. Time and memory are bounded by [`INPUT_BYTES_MAX`], [`crate::ITEMS_MAX`] and [`crate::ITERATIONS_MAX`].
///
/// # Errors
/// [`ReadError`] when nothing can be had from the input as a whole: it says what it is instead, what is broken, or
/// what about the password is wrong.
pub fn read(bytes: &[u8], password: Option<&str>) -> Result<Bundle, ReadError> {
    Reading::new(password).read(bytes)
}

/// Reads several inputs that belong together, as the files of one request: with the same passwords, and with one bound for
/// the work that all of them may ask for.
pub struct Reading<'p> {
    passwords: Vec<&'p str>,
    budget: Budget,
}

impl<'p> Reading<'p> {
    /// With the passwords that are tried, in this order. Entries of a file may have passwords of their own.
    pub fn new(passwords: impl IntoIterator<Item = &'p str>) -> Reading<'p> {
        Reading { passwords: passwords.into_iter().collect(), budget: Budget::new() }
    }

    /// Reads the next input; see [`read`].
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&mut self, bytes: &[u8]) -> Result<Bundle, ReadError> {
        if bytes.len() > INPUT_BYTES_MAX {
            return Err(ReadError::TooLarge(bytes.len()));
        }
        if self.passwords.len() > PASSWORDS_MAX {
            return Err(ReadError::TooManyPasswords);
        }
        if self.passwords.iter().any(|password| password.len() > PASSWORD_BYTES_MAX) {
            return Err(ReadError::PasswordTooLong);
        }
        let mut input = Input { passwords: &self.passwords, budget: &mut self.budget, collector: Collector::default() };
        let format = input.whole(bytes)?;
        Ok(input.collector.into_bundle(format))
    }
}

struct Input<'a> {
    passwords: &'a [&'a str],
    budget: &'a mut Budget,
    collector: Collector,
}

impl Input<'_> {
    fn whole(&mut self, bytes: &[u8]) -> Result<Format, ReadError> {
        // Text may begin with '0', which is also how DER begins; only what is recognised as DER is taken for it.
        if let Some(kind) = recognise::der(bytes) {
            return self.binary(kind, bytes);
        }
        // The magic number of a key store stands in no text.
        if let Some(kind @ (Kind::JavaKeystore | Kind::JceKeystore)) = recognise::other(bytes) {
            keystore::read(bytes, self.passwords, self.budget, &mut self.collector)?;
            return Ok(if kind == Kind::JavaKeystore { Format::Jks } else { Format::Jceks });
        }
        if has_pem(bytes) {
            return self.pem(bytes);
        }
        match recognise::other(bytes) {
            Some(Kind::Empty) => Err(ReadError::Empty),
            Some(Kind::Utf16) => match utf16(bytes) {
                Some(text) if has_pem(&text) => self.whole(&text),
                _ => Err(not_wanted(Kind::Utf16)),
            },
            Some(kind) => Err(not_wanted(kind)),
            None => self.bare_base64(bytes),
        }
    }

    fn binary(&mut self, kind: Kind, bytes: &[u8]) -> Result<Format, ReadError> {
        match kind {
            Kind::Certificate => {
                self.collector.certificate(bytes, String::new())?;
                Ok(Format::Der)
            }
            Kind::Pkcs7 => pkcs7::read(bytes, "", &mut self.collector).map(|()| Format::Pkcs7),
            Kind::Pkcs12 => pkcs12::read(bytes, self.passwords, self.budget, &mut self.collector).map(|()| Format::Pkcs12),
            Kind::Pkcs8 | Kind::Pkcs1 | Kind::Sec1 => {
                self.collector.push_key(crate::PrivateKey::of(bytes)?, String::new())?;
                Ok(Format::Key)
            }
            Kind::EncryptedPkcs8 => {
                let key = self.decrypt_pkcs8(bytes)?;
                self.collector.push_key(key, String::new())?;
                Ok(Format::Key)
            }
            Kind::CertificateRequest => {
                request_element(bytes)?;
                self.collector.request(bytes, String::new()).map(|()| Format::Request)
            }
            Kind::RevocationList => {
                RevocationList::of(bytes)?;
                self.collector.revocation_list(bytes, String::new()).map(|()| Format::RevocationList)
            }
            kind => Err(not_wanted(kind)),
        }
    }

    fn pem(&mut self, bytes: &[u8]) -> Result<Format, ReadError> {
        let mut found = false;
        for block in pem::blocks(bytes) {
            found = true;
            self.block(block)?;
        }
        if !found {
            let bytes = pem::loosened(bytes);
            for block in pem::blocks(&bytes) {
                found = true;
                self.block(block)?;
            }
        }
        if found { Ok(Format::Pem) } else { Err(ReadError::Broken { what: "PEM", why: "no line begins a block properly" }) }
    }

    /// One PEM block. Content decides over the label: there are PKCS#7 bundles labelled CERTIFICATE.
    fn block(&mut self, block: Block<'_>) -> Result<(), ReadError> {
        let place = format!("line {}", block.line);
        let content = match block.content {
            Ok(content) => content,
            Err(error) => return self.collector.refuse(place, error.to_string()),
        };
        if let Some(encryption) = &block.encryption {
            return match self.decrypt_old(encryption, &content) {
                Ok(key) => self.collector.push_key(key, place),
                Err(error) => self.collector.refuse(place, error.to_string()),
            };
        }
        match recognise::der(&content) {
            // The parameters that OpenSSL writes before an EC key also stand in the key.
            _ if block.label == "EC PARAMETERS" => Ok(()),
            Some(Kind::Certificate) => self.collector.certificate(&content, place),
            Some(Kind::Pkcs8 | Kind::Pkcs1 | Kind::Sec1) => self.collector.private_key(&content, place),
            Some(Kind::CertificateRequest) => self.collector.request(&content, place),
            Some(Kind::RevocationList) => self.collector.revocation_list(&content, place),
            Some(Kind::EncryptedPkcs8) => match self.decrypt_pkcs8(&content) {
                Ok(key) => self.collector.push_key(key, place),
                Err(error) => self.collector.refuse(place, error.to_string()),
            },
            Some(Kind::Pkcs7) => match pkcs7::read(&content, &place, &mut self.collector) {
                Err(ReadError::TooMany) => Err(ReadError::TooMany),
                Err(error) => self.collector.refuse(place, error.to_string()),
                Ok(()) => Ok(()),
            },
            Some(kind) => self.collector.refuse(place, format!("this is {}", kind.what())),
            None if block.label.ends_with("CERTIFICATE") => self.collector.certificate(&content, place),
            None => {
                let what = recognise::other(&content).map_or_else(|| labelled(block.label), |kind| kind.what().to_owned());
                self.collector.refuse(place, format!("this is {what}"))
            }
        }
    }

    /// EncryptedPrivateKeyInfo (RFC 5958 section 3).
    fn decrypt_pkcs8(&mut self, bytes: &[u8]) -> Result<crate::PrivateKey, ReadError> {
        let broken = ReadError::Broken { what: "an encrypted PKCS#8 private key", why: "it is cut off or malformed" };
        let mut fields = Reader::new(bytes).enter(tag::SEQUENCE).ok_or(broken.clone())?;
        let algorithm = fields.take(tag::SEQUENCE).ok_or(broken.clone())?;
        let octets = fields.take(tag::OCTET_STRING).ok_or(broken)?;
        self.decrypt_key(|password, budget| password_based::decrypt(&algorithm, octets.content, password, budget))
    }

    /// A key under the headers of OpenSSL's old encryption.
    fn decrypt_old(&mut self, encryption: &OldEncryption, bytes: &[u8]) -> Result<crate::PrivateKey, ReadError> {
        self.decrypt_key(|password, _| password_based::decrypt_old_pem(&encryption.cipher, &encryption.iv, bytes, password))
    }

    /// Tries the passwords one after the other.
    fn decrypt_key(
        &mut self,
        mut attempt: impl FnMut(&Password, &mut Budget) -> Result<Zeroizing<Vec<u8>>, DecryptError>,
    ) -> Result<crate::PrivateKey, ReadError> {
        const WHAT: &str = "private key";
        for password in self.passwords {
            match attempt(&Password::new(password), self.budget) {
                // One wrong password in some hundred leaves a valid padding; then the content is noise.
                Ok(clear) if matches!(recognise::der(&clear), Some(Kind::Pkcs8 | Kind::Pkcs1 | Kind::Sec1)) => {
                    return Ok(crate::PrivateKey::of(&clear)?);
                }
                // A DSA key was decrypted all right, only it cannot be held.
                Ok(clear) if recognise::der(&clear) == Some(Kind::DsaKey) => return Err(not_wanted(Kind::DsaKey)),
                Ok(_) | Err(DecryptError::WrongPassword) => {}
                Err(error) => return Err(ReadError::Encrypted { what: "the private key", error }),
            }
        }
        Err(if self.passwords.is_empty() { ReadError::PasswordNeeded(WHAT) } else { ReadError::WrongPassword(WHAT) })
    }

    /// Base64 without BEGIN and END lines, as configuration files and metadata hold certificates.
    fn bare_base64(&mut self, bytes: &[u8]) -> Result<Format, ReadError> {
        // 'M' is how the base64 of every SEQUENCE longer than 127 octets begins.
        if bytes.trim_ascii_start().first() != Some(&b'M') {
            return Err(unrecognised(bytes));
        }
        let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
        text.extend(bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        let content = pem::decode(&text).map_err(|_| ReadError::Unrecognised)?;
        match recognise::der(&content) {
            Some(kind) => self.binary(kind, &content),
            None => Err(ReadError::Unrecognised),
        }
    }
}

fn has_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// DER that is cut off before it can be told apart is better named so than not at all.
fn unrecognised(bytes: &[u8]) -> ReadError {
    match bytes {
        [0x30, 0x80, ..] if ber::normalise(bytes).is_some() => ReadError::Unsupported("BER of an unknown kind"),
        [0x30, 0x81..=0x84, ..] => ReadError::Broken { what: "DER", why: "its beginning is of no known kind" },
        _ => ReadError::Unrecognised,
    }
}

fn not_wanted(kind: Kind) -> ReadError {
    let advice = match kind {
        Kind::OcspResponse => "give the certificates themselves",
        Kind::BouncyKeystore => "convert it with \"keytool -importkeystore -deststoretype PKCS12\"",
        Kind::OpenSshKey => "convert it with \"ssh-keygen -p -m PKCS8\"",
        Kind::PuttyKey => "export it from PuTTYgen as an OpenSSL key",
        Kind::PublicKey | Kind::SshPublicKey => "give the certificate or the private key",
        Kind::Html => "perhaps a download needed a sign-in",
        Kind::Zip | Kind::Gzip => "unpack it first",
        _ => "give PEM, DER, PKCS#7 or PKCS#12",
    };
    ReadError::NotWanted { found: kind.what(), advice }
}

/// What a block is by its label alone.
fn labelled(label: &str) -> String {
    match label {
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" => "a set of Diffie-Hellman parameters".to_owned(),
        "OPENSSH PRIVATE KEY" => Kind::OpenSshKey.what().to_owned(),
        _ if label.starts_with("PGP ") => Kind::Pgp.what().to_owned(),
        _ => format!("a block \"{}\" that is not recognised", crate::text::plain(label.as_bytes())),
    }
}

fn utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let (pairs, _) = bytes.get(2..)?.as_chunks::<2>();
    let little = bytes.first() == Some(&0xff);
    let units = pairs.iter().map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    let text: String = char::decode_utf16(units).map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Some(text.into_bytes())
}
