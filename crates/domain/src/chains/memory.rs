//! Which key made which signature, remembered in this process: a fact that never changes. What a path is worth is judged anew each
//! time.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use certhold_pki::graph;

/// Signatures after which it starts again, so that it stays small: some two megabytes.
const SIGNATURES_MAX: usize = 32_768;

/// SHA-256 over certificate and key, and whether the key made the signature.
static SIGNATURES: LazyLock<Mutex<HashMap<[u8; 32], bool>>> = LazyLock::new(Mutex::default);

/// The memory of this process.
pub(super) struct Memory;

fn name(certificate: &[u8], spki: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    // With its length, so that no two pairs look alike.
    context.update(&(certificate.len() as u64).to_be_bytes());
    context.update(certificate);
    context.update(spki);
    let mut name = [0; 32];
    name.copy_from_slice(context.finish().as_ref());
    name
}

impl graph::Memory for Memory {
    fn recall(&self, certificate: &[u8], spki: &[u8]) -> Option<bool> {
        let signatures = SIGNATURES.lock().unwrap_or_else(PoisonError::into_inner);
        signatures.get(&name(certificate, spki)).copied()
    }

    fn remember(&self, certificate: &[u8], spki: &[u8], verified: bool) {
        let mut signatures = SIGNATURES.lock().unwrap_or_else(PoisonError::into_inner);
        if signatures.len() >= SIGNATURES_MAX {
            signatures.clear();
        }
        signatures.insert(name(certificate, spki), verified);
    }
}
