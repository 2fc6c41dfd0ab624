//! The system's randomness.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use certhold_domain::Entropy;

/// Random bytes from the cryptographic library, which reseeds itself from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Panics if the operating system gives no random bytes: without them no secret is one, and going on would be worse.
    fn fill(&self, buffer: &mut [u8]) {
        assert!(SystemRandom::new().fill(buffer).is_ok(), "the operating system gives no random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fills_are_alike() {
        let (mut first, mut second) = ([0; 32], [0; 32]);
        SystemEntropy.fill(&mut first);
        SystemEntropy.fill(&mut second);
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
