//! Password-based encryption for what is written: PBES2 with AES-256 (RFC 8018 section 6.2), and the scheme with three-key
//! 3DES (RFC 7292 appendix C) for software that knows nothing newer. The salts are the caller's.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::{digest, hmac, iv, pbkdf2};
use des::TdesEde3;
use rc2::cipher::{Block, BlockCipherEncrypt, KeyInit};
use zeroize::{Zeroize, Zeroizing};

use crate::asn1::{element, tag};
use crate::password_based::{self, Budget, PBES2, PBKDF2, PURPOSE_IV, PURPOSE_KEY, PURPOSE_MAC, Password};
use crate::write::{Random, WriteError};

/// Iterations of the modern profile. Each costs an attacker two HMACs and a reader some tenth of a second altogether.
pub(crate) const ITERATIONS: NonZeroU32 = NonZeroU32::new(100_000).unwrap();
/// Iterations of the legacy profile, as OpenSSL has written them for twenty years.
const LEGACY_ITERATIONS: u32 = 2048;

/// `1.2.840.113549.1.12.1.3`, pbeWithSHAAnd3-KeyTripleDES-CBC.
const PBE_3DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// What a file is protected with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// PBES2: PBKDF2 with HMAC-SHA-256, AES-256 in CBC mode; HMAC-SHA-256 for integrity.
    Modern,
    /// 3DES under the derivation of PKCS#12; HMAC-SHA-1 for integrity.
    Legacy,
}

impl Profile {
    fn iterations(self) -> u32 {
        match self {
            Profile::Modern => ITERATIONS.get(),
            Profile::Legacy => LEGACY_ITERATIONS,
        }
    }
}

/// Encrypts `clear`; returns the AlgorithmIdentifier and the encrypted octets.
pub(crate) fn encrypt(
    profile: Profile,
    clear: &[u8],
    password: &Password,
    random: Random<'_>,
) -> Result<(Vec<u8>, Vec<u8>), WriteError> {
    match profile {
        Profile::Modern => encrypt_modern(clear, password, random),
        Profile::Legacy => encrypt_legacy(clear, password, random),
    }
}

fn encrypt_modern(clear: &[u8], password: &Password, random: Random<'_>) -> Result<(Vec<u8>, Vec<u8>), WriteError> {
    let (mut salt, mut vector) = ([0; 16], [0; 16]);
    random(&mut salt);
    random(&mut vector);
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.utf8(), key.as_mut());
    let mut data = padded(clear, 16);
    let key = UnboundCipherKey::new(&AES_256, key.as_ref()).and_then(EncryptingKey::cbc).map_err(|_| WriteError::Library)?;
    let context = EncryptionContext::Iv128(iv::FixedLength::from(vector));
    key.less_safe_encrypt(&mut data, context).map_err(|_| WriteError::Library)?;
    let function = identifier(HMAC_SHA256, &element(tag::NULL, &[]));
    let salt = element(tag::OCTET_STRING, &[&salt]);
    let parameters = element(tag::SEQUENCE, &[&salt, &integer(ITERATIONS.get()), &function]);
    let derivation = identifier(PBKDF2, &parameters);
    let cipher = identifier(AES_256_CBC, &element(tag::OCTET_STRING, &[&vector]));
    let scheme = identifier(PBES2, &element(tag::SEQUENCE, &[&derivation, &cipher]));
    Ok((scheme, std::mem::take(&mut *data)))
}

fn encrypt_legacy(clear: &[u8], password: &Password, random: Random<'_>) -> Result<(Vec<u8>, Vec<u8>), WriteError> {
    let mut salt = [0; 8];
    random(&mut salt);
    let derive = |purpose, octets| derive(Profile::Legacy, purpose, password, &salt, octets);
    let (key, vector) = (derive(PURPOSE_KEY, 24)?, derive(PURPOSE_IV, 8)?);
    let cipher = TdesEde3::new_from_slice(&key).map_err(|_| WriteError::Library)?;
    let mut data = padded(clear, 8);
    let mut previous = Block::<TdesEde3>::default();
    previous.copy_from_slice(&vector);
    for block in data.as_chunks_mut::<8>().0 {
        previous.iter_mut().zip(&*block).for_each(|(chained, clear)| *chained ^= clear);
        cipher.encrypt_block(&mut previous);
        block.copy_from_slice(&previous);
    }
    previous.as_mut_slice().zeroize();
    let salt = element(tag::OCTET_STRING, &[&salt]);
    let parameters = element(tag::SEQUENCE, &[&salt, &integer(LEGACY_ITERATIONS)]);
    Ok((identifier(PBE_3DES, &parameters), std::mem::take(&mut *data)))
}

/// The MacData of a PKCS#12 file (RFC 7292 section 4) over `content`.
pub(crate) fn mac_data(profile: Profile, content: &[u8], password: &Password, random: Random<'_>) -> Result<Vec<u8>, WriteError> {
    let mut salt = [0; 16];
    let salt = if profile == Profile::Modern { &mut salt[..] } else { &mut salt[..8] };
    random(salt);
    let (name, algorithm, octets) = match profile {
        Profile::Modern => (SHA256, hmac::HMAC_SHA256, 32),
        Profile::Legacy => (SHA1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, 20),
    };
    let key = derive(profile, PURPOSE_MAC, password, salt, octets)?;
    let code = hmac::sign(&hmac::Key::new(algorithm, &key), content);
    let digest = identifier(name, &element(tag::NULL, &[]));
    let info = element(tag::SEQUENCE, &[&digest, &element(tag::OCTET_STRING, &[code.as_ref()])]);
    let salt = element(tag::OCTET_STRING, &[salt]);
    Ok(element(tag::SEQUENCE, &[&info, &salt, &integer(profile.iterations())]))
}

/// The derivation of PKCS#12.
fn derive(
    profile: Profile,
    purpose: u8,
    password: &Password,
    salt: &[u8],
    octets: usize,
) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let hash = match profile {
        Profile::Modern => &digest::SHA256,
        Profile::Legacy => &digest::SHA1_FOR_LEGACY_USE_ONLY,
    };
    let iterations = u64::from(profile.iterations());
    password_based::pkcs12_derive(hash, purpose, password, salt, iterations, octets, &mut Budget::new())
        .map_err(|_| WriteError::Library)
}

/// With the padding of RFC 8018 section 6.1.1; wiped if it is dropped before it is encrypted.
fn padded(clear: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    let count = block - clear.len() % block;
    let mut data = Zeroizing::new(Vec::with_capacity(clear.len() + count));
    data.extend_from_slice(clear);
    data.resize(clear.len() + count, count as u8);
    data
}

/// An AlgorithmIdentifier.
pub(crate) fn identifier(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    element(tag::SEQUENCE, &[&element(tag::OID, &[oid]), parameters])
}

/// A non-negative INTEGER.
fn integer(number: u32) -> Vec<u8> {
    let octets = [&[0][..], &number.to_be_bytes()].concat();
    // One octet more than the digits need where the first bit would make the number negative.
    let surplus = octets.windows(2).take_while(|pair| pair[0] == 0 && pair[1] & 0x80 == 0).count();
    element(tag::INTEGER, &[&octets[surplus.min(octets.len() - 1)..]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_minimal() {
        for (number, octets) in [(0, &[0][..]), (127, &[127]), (128, &[0, 128]), (2048, &[8, 0]), (100_000, &[1, 0x86, 0xa0])] {
            assert_eq!(integer(number)[2..], *octets, "{number}");
        }
        assert_eq!(integer(u32::MAX)[2..], [0, 255, 255, 255, 255]);
    }
}
