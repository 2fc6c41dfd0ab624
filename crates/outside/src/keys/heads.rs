//! Signing the head of the event chain with Ed25519 (RFC 8032).

use super::KeyUseError;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use certhold_pki::PrivateKey;

/// Length of a signature in bytes.
pub const SIGNATURE_LENGTH: usize = 64;
/// Length of a public key in bytes.
pub const PUBLIC_KEY_LENGTH: usize = 32;

/// The raw public key of an Ed25519 key.
///
/// # Errors
/// [`KeyUseError::Unsupported`] if it is another kind of key.
pub fn public_key(key: &PrivateKey) -> Result<[u8; PUBLIC_KEY_LENGTH], KeyUseError> {
    let pair = pair(key)?;
    pair.public_key().as_ref().try_into().map_err(|_| KeyUseError::Library("tell a public key"))
}

/// Signs `message`.
///
/// # Errors
/// [`KeyUseError::Unsupported`] if `key` is no Ed25519 key.
pub fn sign(key: &PrivateKey, message: &[u8]) -> Result<[u8; SIGNATURE_LENGTH], KeyUseError> {
    pair(key)?.sign(message).as_ref().try_into().map_err(|_| KeyUseError::Library("sign"))
}

/// Whether `signature` is `public_key`'s over `message`.
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

fn pair(key: &PrivateKey) -> Result<Ed25519KeyPair, KeyUseError> {
    if key.algorithm() != "Ed25519" {
        return Err(KeyUseError::Unsupported(key.algorithm().to_owned()));
    }
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.pkcs8_der())
        .map_err(|_| KeyUseError::Library("read a key that it had accepted before"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;
    use certhold_domain::renewal::KeyKind;

    #[test]
    fn a_signature_fits_its_message_and_key_only() {
        let key = generate(KeyKind::Ed25519).unwrap();
        let public = public_key(&key).unwrap();
        let signature = sign(&key, b"head 17").unwrap();
        assert!(verify(&public, b"head 17", &signature));
        assert!(!verify(&public, b"head 18", &signature));
        assert!(!verify(&public, b"head 17", &signature[..63]));
        let mut bent = signature;
        bent[5] ^= 1;
        assert!(!verify(&public, b"head 17", &bent));
        let other = public_key(&generate(KeyKind::Ed25519).unwrap()).unwrap();
        assert!(!verify(&other, b"head 17", &signature));
        assert!(!verify(&[], b"head 17", &signature));
        assert!(sign(&generate(KeyKind::P256).unwrap(), b"x").is_err());
    }

    /// RFC 8032 section 7.1, test 2.
    #[test]
    fn the_vector_of_the_rfc() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
        };
        let mut pkcs8 = bytes("302e020100300506032b657004220420");
        pkcs8.extend(bytes(seed));
        let key = PrivateKey::of(&pkcs8).unwrap();
        assert_eq!(public_key(&key).unwrap().to_vec(), bytes(public));
        assert_eq!(sign(&key, &[0x72]).unwrap().to_vec(), bytes(expected));
    }
}
