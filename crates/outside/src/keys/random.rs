//! The system's randomness.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// Random bytes from the cryptographic library, which reseeds itself from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl SystemEntropy {
    /// Fills `bytes` with random.
    #[expect(clippy::panic, reason = "without randomness no secret is one; going on would be worse than stopping")]
    pub fn fill(self, bytes: &mut [u8]) {
        if SystemRandom::new().fill(bytes).is_err() {
            panic!("the operating system gives no random bytes");
        }
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
