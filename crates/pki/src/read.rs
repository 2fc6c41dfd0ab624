//! Reading whatever people have: the format is judged by content, never by a file name.

use zeroize::Zeroizing;

use crate::asn1::{Reader, tag};
use crate::bundle::{Bundle, Collector, Format, INPUT_BYTES_MAX, PASSWORD_BYTES_MAX, ReadError};
use crate::password_based::{self, Budget, DecryptError, Password};
use crate::pem::{self, Block};
use crate::recognise::{self, Kind};
use crate::{ber, pkcs7, pkcs12};

/// Reads certificates and private keys out of `bytes`: PEM with any number of blocks and other text around them, DER
/// certificates, PKCS#7 bundles, PKCS#12 files, PKCS#8 (encrypted or not), PKCS#1 and SEC 1 keys, also in bare base64
/// or in UTF-16 text.
///
/// A part that cannot be taken is refused with a reason and does not hinder the others. The password serves every
/// encrypted part. Time and memory are bounded by [`INPUT_BYTES_MAX`], [`crate::ITEMS_MAX`] and [`crate::ITERATIONS_MAX`].
///
/// # Errors
/// [`ReadError`] when nothing can be had from the input as a whole: it says what it is instead, what is broken, or
/// what about the password is wrong.
pub fn read(bytes: &[u8], password: Option<&str>) -> Result<Bundle, ReadError> {
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(ReadError::TooLarge(bytes.len()));
    }
    if password.is_some_and(|password| password.len() > PASSWORD_BYTES_MAX) {
        return Err(ReadError::PasswordTooLong);
    }
    let mut input = Input { password, budget: Budget::new(), collector: Collector::default() };
    let format = input.whole(bytes)?;
    Ok(input.collector.into_bundle(format))
}

struct Input<'a> {
    password: Option<&'a str>,
    budget: Budget,
    collector: Collector,
}

impl Input<'_> {
    fn whole(&mut self, bytes: &[u8]) -> Result<Format, ReadError> {
        // Text may begin with '0', which is also how DER begins; only what is recognised as DER is taken for it.
        if let Some(kind) = recognise::der(bytes) {
            return self.binary(kind, bytes);
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
            Kind::Pkcs12 => pkcs12::read(bytes, self.password, &mut self.budget, &mut self.collector).map(|()| Format::Pkcs12),
            Kind::Pkcs8 | Kind::Pkcs1 | Kind::Sec1 => {
                self.collector.push_key(crate::PrivateKey::of(bytes)?)?;
                Ok(Format::Key)
            }
            Kind::EncryptedPkcs8 => {
                let key = self.decrypt_pkcs8(bytes)?;
                self.collector.push_key(key)?;
                Ok(Format::Key)
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
        match recognise::der(&content) {
            // The parameters that OpenSSL writes before an EC key also stand in the key.
            _ if block.label == "EC PARAMETERS" => Ok(()),
            Some(Kind::Certificate) => self.collector.certificate(&content, place),
            Some(Kind::Pkcs8 | Kind::Pkcs1 | Kind::Sec1) => self.collector.private_key(&content, place),
            Some(Kind::EncryptedPkcs8) => match self.decrypt_pkcs8(&content) {
                Ok(key) => self.collector.push_key(key),
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
        const WHAT: &str = "private key";
        let broken = ReadError::Broken { what: "an encrypted PKCS#8 private key", why: "it is cut off or malformed" };
        let Some(password) = self.password else {
            return Err(ReadError::PasswordNeeded(WHAT));
        };
        let mut fields = Reader::new(bytes).enter(tag::SEQUENCE).ok_or(broken.clone())?;
        let algorithm = fields.take(tag::SEQUENCE).ok_or(broken.clone())?;
        let octets = fields.take(tag::OCTET_STRING).ok_or(broken)?;
        let clear = password_based::decrypt(&algorithm, octets.content, &Password::new(password), &mut self.budget);
        let clear = clear.map_err(|error| match error {
            DecryptError::WrongPassword => ReadError::WrongPassword(WHAT),
            error => ReadError::Encrypted { what: "the private key", error },
        })?;
        // One wrong password in some hundred leaves a valid padding; then the content is noise.
        if recognise::der(&clear) != Some(Kind::Pkcs8) {
            return Err(ReadError::WrongPassword(WHAT));
        }
        Ok(crate::PrivateKey::of(&clear)?)
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
        Kind::CertificateRequest => "give the certificate that was issued for it",
        Kind::RevocationList | Kind::OcspResponse => "give the certificates themselves",
        Kind::JavaKeystore | Kind::JceKeystore | Kind::BouncyKeystore => {
            "convert it with \"keytool -importkeystore -deststoretype PKCS12\""
        }
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
