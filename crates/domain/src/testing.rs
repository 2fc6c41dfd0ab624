//! What unit tests share.

use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};

use crate::core::Entropy;

/// Bytes that depend on a seed only, for tests.
pub(crate) struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    pub(crate) fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(Mutex::new(seed << 32))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for chunk in buffer.chunks_mut(32) {
            *state += 1;
            chunk.copy_from_slice(&digest(&SHA256, &state.to_be_bytes()).as_ref()[..chunk.len()]);
        }
    }
}
