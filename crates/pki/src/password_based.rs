//! Password-based encryption of keys and certificates: PBES2 and PBES1 (RFC 8018 section 6), the older schemes of PKCS#12
//! (RFC 7292 appendices B and C) and of Java, and the integrity check of PKCS#12 files.
//!
//! Only decryption; [`crate::protect`] encrypts. The number of iterations is chosen by whoever made the file, so every
//! derivation draws on one [`Budget`] per request.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{self, AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::{digest, hmac, iv, pbkdf2};
use des::{Des, TdesEde3};
use md5::{Digest as _, Md5};
use rc2::Rc2;
use rc2::cipher::{Block, BlockCipherDecrypt, BlockSizeUser, KeyInit};
use zeroize::{Zeroize, Zeroizing};

use crate::asn1::{Element, Reader, small_integer, tag};
use crate::oid;

/// How many iterations of a key derivation may be computed for all inputs of one [`crate::Reading`]: some ten seconds of
/// one core. Files in use have between 1,000 and 1,000,000 in each of a few derivations.
pub const ITERATIONS_MAX: u64 = 10_000_000;

/// Why something encrypted cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// The result makes no sense, which a wrong password causes, and damage as well.
    #[error("the password is wrong, or the encrypted part is damaged")]
    WrongPassword,
    /// A scheme, key derivation or cipher that is not known here.
    #[error("it is encrypted with {0}, which cannot be decrypted here")]
    Unsupported(String),
    /// More iterations than [`ITERATIONS_MAX`] altogether.
    #[error("it asks for {0} iterations of the key derivation; at most {ITERATIONS_MAX} are computed for one request")]
    TooCostly(u64),
    /// The parameters are not what the standard demands.
    #[error("the parameters of the encryption are malformed")]
    Malformed,
}

/// Iterations that may still be computed for the current request.
pub(crate) struct Budget {
    left: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Budget { left: ITERATIONS_MAX }
    }

    fn spend(&mut self, iterations: u64, blocks: usize) -> Result<NonZeroU32, DecryptError> {
        let cost = iterations.saturating_mul(blocks.max(1) as u64);
        self.left = self.left.checked_sub(cost).ok_or(DecryptError::TooCostly(iterations))?;
        u32::try_from(iterations).ok().and_then(NonZeroU32::new).ok_or(DecryptError::Malformed)
    }
}

/// A password in the two forms in which derivations take it.
#[derive(Clone)]
pub(crate) struct Password {
    /// PBKDF2 takes UTF-8.
    utf8: Zeroizing<Vec<u8>>,
    /// The derivation of PKCS#12 takes UTF-16 with a terminating NUL (RFC 7292 appendix B.1).
    utf16: Zeroizing<Vec<u8>>,
}

impl Password {
    pub(crate) fn new(password: &str) -> Self {
        Password { utf8: Zeroizing::new(password.as_bytes().to_vec()), utf16: utf16(password.encode_utf16()) }
    }

    /// No password at all, which PKCS#12 distinguishes from an empty one: not even the NUL is there.
    pub(crate) fn absent() -> Self {
        Password { utf8: Zeroizing::default(), utf16: Zeroizing::default() }
    }

    /// As software that takes each octet of a UTF-8 password for a character does (OpenSSL before 1.1).
    pub(crate) fn octets_as_characters(password: &str) -> Self {
        Password { utf8: Zeroizing::new(password.as_bytes().to_vec()), utf16: utf16(password.bytes().map(u16::from)) }
    }

    pub(crate) fn utf8(&self) -> &[u8] {
        &self.utf8
    }

    /// UTF-16 without the terminating NUL, as the key stores of Java take it.
    pub(crate) fn utf16_text(&self) -> &[u8] {
        self.utf16.strip_suffix(&[0, 0]).unwrap_or_default()
    }
}

fn utf16(units: impl Iterator<Item = u16>) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(2 * units.size_hint().1.unwrap_or(0) + 2));
    out.extend(units.chain([0]).flat_map(u16::to_be_bytes));
    out
}

/// Decrypts `data` as the AlgorithmIdentifier says.
pub(crate) fn decrypt(
    algorithm: &Element<'_>,
    data: &[u8],
    password: &Password,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut identifier = algorithm.inside();
    let scheme = identifier.take(tag::OID).ok_or(DecryptError::Malformed)?;
    let mut parameters = identifier.enter(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
    let clear = match scheme.content {
        PBES2 => {
            let derivation = parameters.take(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
            let encryption = parameters.take(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
            let cipher = Cipher::of(&encryption)?;
            let key = pbkdf2_key(&derivation, password, cipher.key_octets(), budget)?;
            cipher.decrypt(&key, data)?
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, number @ 3..=6] => {
            let (salt, iterations) = salt_and_iterations(&mut parameters).ok_or(DecryptError::Malformed)?;
            let mut derive = |purpose, octets| {
                pkcs12_derive(&digest::SHA1_FOR_LEGACY_USE_ONLY, purpose, password, salt, iterations, octets, budget)
            };
            let octets = match number {
                3 => 24,
                4 | 5 => 16,
                _ => 5,
            };
            let (mut key, iv) = (derive(PURPOSE_KEY, octets)?, derive(PURPOSE_IV, 8)?);
            if *number == 4 {
                // Two keys: the first one is used again as the third.
                key.extend_from_within(..8);
            }
            let cipher = if *number <= 4 { Cipher::TripleDes { iv: &iv } } else { Cipher::Rc2 { iv: &iv, octets } };
            cipher.decrypt(&key, data)?
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, number @ (3 | 6 | 10 | 11)] => {
            let (salt, iterations) = salt_and_iterations(&mut parameters).ok_or(DecryptError::Malformed)?;
            let rounds = budget.spend(iterations, 1)?;
            let derived = pbkdf1(*number >= 10, password, salt, rounds.get());
            let iv = &derived[8..16];
            let cipher = if matches!(number, 3 | 10) { Cipher::Des { iv } } else { Cipher::Rc2 { iv, octets: 8 } };
            cipher.decrypt(&derived[..8], data)?
        }
        JAVA_MD5_3DES => {
            let (salt, iterations) = salt_and_iterations(&mut parameters).ok_or(DecryptError::Malformed)?;
            let rounds = budget.spend(iterations, 2)?;
            let derived = java_derive(password, salt, rounds.get()).ok_or(DecryptError::Malformed)?;
            Cipher::TripleDes { iv: &derived[24..] }.decrypt(&derived[..24], data)?
        }
        other => return Err(DecryptError::Unsupported(scheme_name(other))),
    };
    Ok(clear)
}

/// `1.3.6.1.4.1.42.2.19.1`, PBEWithMD5AndTripleDES, with which Java protects the keys of a JCEKS store.
const JAVA_MD5_3DES: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x13, 0x01];
pub(crate) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
pub(crate) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0e];

fn scheme_name(oid: &[u8]) -> String {
    match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 1 | 4] => "PBES1 with MD2".to_owned(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 1 | 2] => "the PKCS#12 scheme with RC4".to_owned(),
        [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b] => "the key derivation scrypt".to_owned(),
        other => format!("the scheme {}", oid::dotted(other)),
    }
}

fn salt_and_iterations<'a>(parameters: &mut Reader<'a>) -> Option<(&'a [u8], u64)> {
    let salt = parameters.take(tag::OCTET_STRING)?.content;
    Some((salt, small_integer(parameters.take(tag::INTEGER)?.content)?))
}

/// PBKDF1 (RFC 8018 section 5.1) with SHA-1 or MD5, to sixteen octets.
fn pbkdf1(sha1: bool, password: &Password, salt: &[u8], rounds: u32) -> Zeroizing<[u8; 16]> {
    let mut derived = Zeroizing::new([0; 16]);
    if sha1 {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&password.utf8);
        context.update(salt);
        let mut block = context.finish();
        for _ in 1..rounds {
            block = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, block.as_ref());
        }
        derived.copy_from_slice(&block.as_ref()[..16]);
    } else {
        let mut block = Md5::new().chain_update(&password.utf8).chain_update(salt).finalize();
        for _ in 1..rounds {
            block = Md5::digest(block);
        }
        derived.copy_from_slice(&block);
    }
    derived
}

/// The derivation of PBEWithMD5AndTripleDES: both halves of the salt are hashed with the password again and again, and give
/// key and initialisation vector together. Java takes passwords of ASCII only.
fn java_derive(password: &Password, salt: &[u8], rounds: u32) -> Option<Zeroizing<[u8; 32]>> {
    let mut derived = Zeroizing::new([0; 32]);
    let (first, second) = salt.split_at_checked(4).filter(|(_, second)| second.len() == 4)?;
    for (half, out) in [first, second].into_iter().zip(derived.as_chunks_mut::<16>().0) {
        let mut block = Md5::new().chain_update(half).chain_update(&password.utf8).finalize();
        for _ in 1..rounds {
            block = Md5::new().chain_update(block).chain_update(&password.utf8).finalize();
        }
        out.copy_from_slice(&block);
    }
    Some(derived)
}

/// Decrypts the content of a PEM block whose headers announce OpenSSL's old encryption: the key is one MD5 over password
/// and salt, repeated until it is long enough; the salt is the first half of the initialisation vector.
pub(crate) fn decrypt_old_pem(
    cipher: &str,
    iv: &[u8],
    data: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let cipher = match cipher.to_ascii_uppercase().as_str() {
        "AES-128-CBC" => Cipher::Aes { algorithm: &AES_128, octets: 16, iv },
        "AES-192-CBC" => Cipher::Aes { algorithm: &AES_192, octets: 24, iv },
        "AES-256-CBC" => Cipher::Aes { algorithm: &AES_256, octets: 32, iv },
        "DES-EDE3-CBC" => Cipher::TripleDes { iv },
        "DES-CBC" => Cipher::Des { iv },
        other => return Err(DecryptError::Unsupported(format!("the cipher {}", crate::text::plain(other.as_bytes())))),
    };
    let salt = iv.get(..8).ok_or(DecryptError::Malformed)?;
    let mut key = Zeroizing::new(Vec::with_capacity(48));
    while key.len() < cipher.key_octets() {
        let before = key.len().saturating_sub(16)..key.len();
        let block = Md5::new().chain_update(&key[before]).chain_update(&password.utf8).chain_update(salt).finalize();
        key.extend_from_slice(&block);
    }
    key.truncate(cipher.key_octets());
    cipher.decrypt(&key, data)
}

/// PBKDF2-params (RFC 8018 appendix A.2): salt, iterations, key length, pseudo-random function (HMAC-SHA1 by default).
fn pbkdf2_key(
    derivation: &Element<'_>,
    password: &Password,
    octets: usize,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut identifier = derivation.inside();
    let oid = identifier.take(tag::OID).ok_or(DecryptError::Malformed)?;
    if oid.content != PBKDF2 {
        return Err(DecryptError::Unsupported(scheme_name(oid.content)));
    }
    let mut parameters = identifier.enter(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
    let (salt, iterations) = salt_and_iterations(&mut parameters).ok_or(DecryptError::Malformed)?;
    parameters.take(tag::INTEGER);
    let function = match parameters.enter(tag::SEQUENCE).and_then(|mut function| function.take(tag::OID)) {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(oid) => match hmac_name(oid.content) {
            Some(Hash::Sha1) => pbkdf2::PBKDF2_HMAC_SHA1,
            Some(Hash::Sha256) => pbkdf2::PBKDF2_HMAC_SHA256,
            Some(Hash::Sha384) => pbkdf2::PBKDF2_HMAC_SHA384,
            Some(Hash::Sha512) => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => {
                return Err(DecryptError::Unsupported(format!("PBKDF2 with {}", oid::dotted(oid.content))));
            }
        },
    };
    // The shortest of the four digests decides how many blocks a key can cost at most.
    let rounds = budget.spend(iterations, octets.div_ceil(20))?;
    let mut key = Zeroizing::new(vec![0; octets]);
    pbkdf2::derive(function, rounds, salt, &password.utf8, &mut key);
    Ok(key)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha224 => &digest::SHA224,
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha224 => hmac::HMAC_SHA224,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
            Hash::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// `1.2.840.113549.2.n`: HMAC with a hash function.
fn hmac_name(oid: &[u8]) -> Option<Hash> {
    match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, last] => match last {
            7 => Some(Hash::Sha1),
            8 => Some(Hash::Sha224),
            9 => Some(Hash::Sha256),
            10 => Some(Hash::Sha384),
            11 => Some(Hash::Sha512),
            _ => None,
        },
        _ => None,
    }
}

/// Hash functions on their own, as the integrity check of PKCS#12 names them.
fn hash_name(oid: &[u8]) -> Option<Hash> {
    match oid {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Some(Hash::Sha1),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => Some(Hash::Sha256),
            2 => Some(Hash::Sha384),
            3 => Some(Hash::Sha512),
            4 => Some(Hash::Sha224),
            _ => None,
        },
        _ => None,
    }
}

/// Checks the MacData of a PKCS#12 file (RFC 7292 section 4, RFC 9579) over `content`.
///
/// # Errors
/// [`DecryptError::WrongPassword`] when the code does not fit.
pub(crate) fn check_mac(
    mac_data: &Element<'_>,
    content: &[u8],
    password: &Password,
    budget: &mut Budget,
) -> Result<(), DecryptError> {
    let mut fields = mac_data.inside();
    let mut info = fields.enter(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
    let algorithm = info.take(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
    let expected = info.take(tag::OCTET_STRING).ok_or(DecryptError::Malformed)?;
    let salt = fields.take(tag::OCTET_STRING).ok_or(DecryptError::Malformed)?;
    let iterations = match fields.take(tag::INTEGER) {
        Some(number) => small_integer(number.content).ok_or(DecryptError::Malformed)?,
        None => 1,
    };
    let mut identifier = algorithm.inside();
    let oid = identifier.take(tag::OID).ok_or(DecryptError::Malformed)?;
    let (hash, key) = if oid.content == PBMAC1 {
        let mut parameters = identifier.enter(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
        let derivation = parameters.take(tag::SEQUENCE).ok_or(DecryptError::Malformed)?;
        let function = parameters.enter(tag::SEQUENCE).and_then(|mut function| function.take(tag::OID));
        let hash = function.and_then(|oid| hmac_name(oid.content)).ok_or(DecryptError::Malformed)?;
        let octets = pbkdf2_key_length(&derivation).unwrap_or(hash.digest().output_len());
        (hash, pbkdf2_key(&derivation, password, octets, budget)?)
    } else {
        let hash = hash_name(oid.content)
            .ok_or_else(|| DecryptError::Unsupported(format!("a check by the hash function {}", oid::dotted(oid.content))))?;
        let octets = hash.digest().output_len();
        let key = pkcs12_derive(hash.digest(), PURPOSE_MAC, password, salt.content, iterations, octets, budget)?;
        (hash, key)
    };
    hmac::verify(&hmac::Key::new(hash.hmac(), &key), content, expected.content).map_err(|_| DecryptError::WrongPassword)
}

/// The keyLength of PBKDF2-params, within reason.
fn pbkdf2_key_length(derivation: &Element<'_>) -> Option<usize> {
    let mut identifier = derivation.inside();
    identifier.take(tag::OID)?;
    let mut parameters = identifier.enter(tag::SEQUENCE)?;
    salt_and_iterations(&mut parameters)?;
    let length = small_integer(parameters.take(tag::INTEGER)?.content)?;
    usize::try_from(length).ok().filter(|length| (1..=128).contains(length))
}

pub(crate) const PURPOSE_KEY: u8 = 1;
pub(crate) const PURPOSE_IV: u8 = 2;
pub(crate) const PURPOSE_MAC: u8 = 3;

/// The key derivation of PKCS#12 (RFC 7292 appendix B.2).
pub(crate) fn pkcs12_derive(
    algorithm: &'static digest::Algorithm,
    purpose: u8,
    password: &Password,
    salt: &[u8],
    iterations: u64,
    octets: usize,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (u, v) = (algorithm.output_len(), algorithm.block_len());
    let rounds = budget.spend(iterations, octets.div_ceil(u))?.get();
    let mut input = Zeroizing::new(Vec::new());
    for part in [salt, &password.utf16[..]] {
        let filled = part.len().div_ceil(v) * v;
        input.reserve_exact(filled);
        input.extend(part.iter().copied().cycle().take(filled));
    }
    let mut key = Zeroizing::new(Vec::with_capacity(octets + u));
    while key.len() < octets {
        let mut context = digest::Context::new(algorithm);
        context.update(&vec![purpose; v]);
        context.update(&input);
        let mut block = context.finish();
        for _ in 1..rounds {
            block = digest::digest(algorithm, block.as_ref());
        }
        key.extend_from_slice(block.as_ref());
        // I_j = (I_j + B + 1) mod 2^v, B being the block repeated
        for chunk in input.chunks_mut(v) {
            let mut carry = 1u16;
            for (position, byte) in chunk.iter_mut().enumerate().rev() {
                carry += u16::from(*byte) + u16::from(block.as_ref()[position % u]);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
    }
    key.truncate(octets);
    Ok(key)
}

/// A block cipher in CBC mode with its initialisation vector.
enum Cipher<'a> {
    Aes { algorithm: &'static cipher::Algorithm, octets: usize, iv: &'a [u8] },
    TripleDes { iv: &'a [u8] },
    Des { iv: &'a [u8] },
    Rc2 { iv: &'a [u8], octets: usize },
}

impl<'a> Cipher<'a> {
    fn of(identifier: &Element<'a>) -> Result<Self, DecryptError> {
        let mut fields = identifier.inside();
        let oid = fields.take(tag::OID).ok_or(DecryptError::Malformed)?;
        let algorithm = match oid.content {
            // 2.16.840.1.101.3.4.1.n: AES in CBC mode
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 2] => Some((&AES_128, 16)),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 22] => Some((&AES_192, 24)),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 42] => Some((&AES_256, 32)),
            // 1.2.840.113549.3.7: three-key 3DES in CBC mode; 1.3.14.3.2.7: DES
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 7] | [0x2b, 0x0e, 0x03, 0x02, 0x07] => None,
            other => {
                return Err(DecryptError::Unsupported(format!("the cipher {}", oid::dotted(other))));
            }
        };
        let iv = fields.take(tag::OCTET_STRING).ok_or(DecryptError::Malformed)?.content;
        Ok(match algorithm {
            Some((algorithm, octets)) => Cipher::Aes { algorithm, octets, iv },
            None if oid.content.len() == 5 => Cipher::Des { iv },
            None => Cipher::TripleDes { iv },
        })
    }

    fn key_octets(&self) -> usize {
        match self {
            Cipher::Aes { octets, .. } | Cipher::Rc2 { octets, .. } => *octets,
            Cipher::TripleDes { .. } => 24,
            Cipher::Des { .. } => 8,
        }
    }

    fn decrypt(&self, key: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let mut clear = Zeroizing::new(data.to_vec());
        let block = match self {
            Cipher::Aes { algorithm, iv, .. } => {
                let iv: [u8; 16] = (*iv).try_into().map_err(|_| DecryptError::Malformed)?;
                let key =
                    UnboundCipherKey::new(algorithm, key).and_then(DecryptingKey::cbc).map_err(|_| DecryptError::Malformed)?;
                let context = DecryptionContext::Iv128(iv::FixedLength::from(iv));
                key.decrypt(&mut clear, context).map_err(|_| DecryptError::WrongPassword)?;
                16
            }
            Cipher::TripleDes { iv } => {
                let cipher = TdesEde3::new_from_slice(key).map_err(|_| DecryptError::Malformed)?;
                cbc(&cipher, iv, &mut clear)?;
                8
            }
            Cipher::Des { iv } => {
                let cipher = Des::new_from_slice(key).map_err(|_| DecryptError::Malformed)?;
                cbc(&cipher, iv, &mut clear)?;
                8
            }
            Cipher::Rc2 { iv, octets } => {
                cbc(&Rc2::new_with_eff_key_len(key, octets * 8), iv, &mut clear)?;
                8
            }
        };
        unpad(&mut clear, block)?;
        Ok(clear)
    }
}

/// Decrypts whole blocks of eight octets in cipher block chaining mode.
fn cbc<C>(cipher: &C, iv: &[u8], data: &mut [u8]) -> Result<(), DecryptError>
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = rc2::cipher::consts::U8>,
{
    let mut previous: [u8; 8] = iv.try_into().map_err(|_| DecryptError::Malformed)?;
    let (blocks, rest) = data.as_chunks_mut::<8>();
    if !rest.is_empty() {
        return Err(DecryptError::WrongPassword);
    }
    for block in blocks {
        let encrypted = *block;
        let mut buffer = Block::<C>::from(encrypted);
        cipher.decrypt_block(&mut buffer);
        for (clear, (decrypted, chained)) in block.iter_mut().zip(buffer.iter().zip(previous)) {
            *clear = decrypted ^ chained;
        }
        buffer.as_mut_slice().zeroize();
        previous = encrypted;
    }
    Ok(())
}

/// Removes the padding of RFC 8018 section 6.1.1. A file is decrypted by the person who brought it, so a difference
/// in time tells nobody anything new.
fn unpad(clear: &mut Zeroizing<Vec<u8>>, block: usize) -> Result<(), DecryptError> {
    let count = clear.last().map_or(0, |last| usize::from(*last));
    let start = clear.len().checked_sub(count).filter(|_| (1..=block).contains(&count));
    let start = start.ok_or(DecryptError::WrongPassword)?;
    if clear[start..].iter().any(|byte| usize::from(*byte) != count) {
        return Err(DecryptError::WrongPassword);
    }
    clear.truncate(start);
    Ok(())
}
