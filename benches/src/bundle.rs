//! A PEM bundle of sample certificates on disk, as somebody would bring it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};
use certhold_domain::limits::IMPORT_CHUNK;
use certhold_pki::sample::Generator;

/// Of every generator here: the same certificates in every run.
pub const SEED: u64 = 20_260_701;

/// A file of PEM, and where in it each stretch of [`IMPORT_CHUNK`] certificates is.
pub struct Bundle {
    file: File,
    stretches: Vec<(u64, usize)>,
}

impl Bundle {
    /// Writes `count` certificates whose validity is spread around `now`.
    pub fn write(path: &Path, count: u64, now: i64) -> Result<Bundle> {
        let generator = Generator::new(SEED).around(now);
        let mut file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
        let (mut stretches, mut offset) = (Vec::new(), 0);
        for first in (0..count).step_by(IMPORT_CHUNK) {
            let certificates = first..count.min(first + IMPORT_CHUNK as u64);
            let text: String =
                certificates.map(|n| certhold_pki::pem::encode("CERTIFICATE", &generator.certificate(n))).collect();
            file.write_all(text.as_bytes())?;
            stretches.push((offset, text.len()));
            offset += text.len() as u64;
        }
        file.into_inner()?.sync_all()?;
        Ok(Bundle { file: File::open(path)?, stretches })
    }

    /// Bytes of PEM.
    pub fn bytes(&self) -> u64 {
        self.stretches.last().map_or(0, |(offset, length)| offset + *length as u64)
    }

    /// The PEM of stretch `number`, if there are so many.
    pub fn stretch(&self, number: usize) -> Result<Option<Vec<u8>>> {
        let Some((offset, length)) = self.stretches.get(number) else { return Ok(None) };
        let mut text = vec![0; *length];
        self.file.read_exact_at(&mut text, *offset)?;
        Ok(Some(text))
    }
}
