//! Passwords: Argon2id, never printable.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::core::Entropy;
use crate::error::{Error, Fault, Refusal, Result};
use crate::limits;

/// A password as somebody typed it.
#[derive(Clone)]
pub struct Password(SecretString);

impl From<String> for Password {
    fn from(text: String) -> Password {
        Password(SecretString::from(text))
    }
}

/// An Argon2id hash in PHC format (RFC 9106; 19 MiB, two passes, one lane: OWASP's recommendation).
#[derive(Clone)]
pub struct PasswordHash(pub(super) String);

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

impl Password {
    /// Hashes a new password after checking that it is one. Costs tens of milliseconds: not inside a transaction.
    pub fn hash(&self, entropy: &dyn Entropy) -> Result<PasswordHash> {
        let text = self.0.expose_secret();
        if text.chars().count() < limits::PASSWORD_CHARS_MIN {
            return Err(
                Refusal::invalid("password", format!("at least {} characters are needed", limits::PASSWORD_CHARS_MIN)).into()
            );
        }
        if text.len() > limits::PASSWORD_BYTES_MAX {
            return Err(Refusal::invalid("password", format!("at most {} bytes are allowed", limits::PASSWORD_BYTES_MAX)).into());
        }
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let hash = derive(text, &salt, MEMORY_KIB, PASSES, 1)
            .ok_or_else(|| Error::Fault(Fault::Custody("Argon2 refused its parameters".into())))?;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash.as_ref()));
        Ok(PasswordHash(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${hash}")))
    }

    /// Whether this is the password that was hashed; in constant time for a given hash.
    pub fn matches(&self, hash: &PasswordHash) -> bool {
        let text = self.0.expose_secret();
        if text.len() > limits::PASSWORD_BYTES_MAX {
            return false;
        }
        let Some(parsed) = Parsed::of(&hash.0) else { return false };
        let derived = derive(text, &parsed.salt, parsed.memory, parsed.passes, parsed.lanes);
        derived.is_some_and(|derived| aws_lc_rs::constant_time::verify_slices_are_equal(derived.as_ref(), &parsed.hash).is_ok())
    }
}

impl PasswordHash {
    /// A hash that no password matches, as costly as a real one: an unknown account answers as slowly as a known one.
    pub(super) fn of_nobody() -> PasswordHash {
        let (salt, hash) = (STANDARD_NO_PAD.encode([0; SALT_BYTES]), STANDARD_NO_PAD.encode([0; HASH_BYTES]));
        PasswordHash(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${hash}"))
    }
}

struct Parsed {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Parsed {
    fn of(phc: &str) -> Option<Parsed> {
        let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
        let (parameters, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut numbers = parameters.split(',').zip(["m=", "t=", "p="]).map(|(part, key)| part.strip_prefix(key)?.parse().ok());
        Some(Parsed {
            memory: numbers.next()??,
            passes: numbers.next()??,
            lanes: numbers.next()??,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            hash: STANDARD_NO_PAD.decode(hash).ok()?,
        })
    }
}

fn derive(password: &str, salt: &[u8], memory: u32, passes: u32, lanes: u32) -> Option<Zeroizing<[u8; HASH_BYTES]>> {
    let parameters = Params::new(memory, passes, lanes, Some(HASH_BYTES)).ok()?;
    let mut out = Zeroizing::new([0; HASH_BYTES]);
    let mut blocks = kept_blocks().pop().unwrap_or_default();
    blocks.resize(parameters.block_count(), Block::default());
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let hashed = argon.hash_password_into_with_memory(password.as_bytes(), salt, out.as_mut(), &mut blocks);
    let mut kept = kept_blocks();
    if kept.len() < BLOCKS_KEPT {
        kept.push(blocks);
    }
    hashed.ok()?;
    Some(out)
}

/// Memory for hashing that is used again. Given back each time, it would stay with the allocator of whichever thread had it: dozens of
/// failed sign-ins at once left hundreds of megabytes behind.
static BLOCKS: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// So many computations at once take no new memory.
const BLOCKS_KEPT: usize = 2;

fn kept_blocks() -> MutexGuard<'static, Vec<Vec<Block>>> {
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededEntropy;

    fn password(text: &str) -> Password {
        Password::from(text.to_owned())
    }

    #[test]
    fn only_the_password_matches_its_hash() {
        let hash = password("correct horse").hash(&SeededEntropy::new(1)).unwrap();
        assert!(password("correct horse").matches(&hash));
        for wrong in ["correct horsf", "correct horse ", "", "CORRECT HORSE"] {
            assert!(!password(wrong).matches(&hash), "{wrong:?}");
        }
        assert!(!hash.0.contains("correct"));
        assert!(!password("").matches(&PasswordHash::of_nobody()));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let entropy = SeededEntropy::new(1);
        let hash = || password("correct horse").hash(&entropy).unwrap().0;
        assert_ne!(hash(), hash());
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        let entropy = SeededEntropy::new(1);
        assert!(password("too short").hash(&entropy).is_err());
        assert!(password(&"x".repeat(limits::PASSWORD_BYTES_MAX + 1)).hash(&entropy).is_err());
    }

    #[test]
    fn a_damaged_hash_matches_nothing() {
        for damaged in ["", "$argon2id$v=19$", "$argon2id$v=19$m=1,t=1,p=1$$", "plain"] {
            assert!(!password("correct horse").matches(&PasswordHash(damaged.into())), "{damaged:?}");
        }
    }
}
