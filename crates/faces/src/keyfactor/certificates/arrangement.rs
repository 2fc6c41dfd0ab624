//! How the certificates of a PEM file follow each other, and what stands before them.

use certhold_pki::{Facts, pem};
use zeroize::Zeroizing;

use crate::keyfactor::refused::{Answer, Refused};

/// What is wanted of a PEM file beside its content.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrangement {
    /// The certificates from the root downwards.
    pub root_first: bool,
    /// A line with its subject before each certificate.
    pub with_subjects: bool,
}

impl Arrangement {
    /// As `ChainOrder` and `IncludeSubjectHeader` say it.
    ///
    /// # Errors
    /// An order that there is not.
    pub fn of(order: Option<&str>, with_subjects: Option<bool>) -> Answer<Arrangement> {
        let root_first = match order.map(str::trim).unwrap_or_default() {
            "" => false,
            order if order.eq_ignore_ascii_case("EndEntityFirst") => false,
            order if order.eq_ignore_ascii_case("RootFirst") => true,
            _ => return Err(Refused::invalid("ChainOrder", "EndEntityFirst or RootFirst")),
        };
        Ok(Arrangement { root_first, with_subjects: with_subjects.unwrap_or(false) })
    }

    /// Certificates, the leaf first, as text.
    pub fn text(self, ders: &[Vec<u8>]) -> String {
        let one = |der: &Vec<u8>| {
            let subject = Facts::of(der).map(|facts| facts.subject).ok().filter(|_| self.with_subjects);
            // What a subject may not hold, a line break, was escaped when it was read.
            subject.map(|subject| format!("Subject: {subject}\n")).unwrap_or_default() + &pem::encode(pem::CERTIFICATE, der)
        };
        if self.root_first { ders.iter().rev().map(one).collect() } else { ders.iter().map(one).collect() }
    }

    /// A PEM file of a key and its certificates, written plainly, arranged: the key stays where it is, at the beginning.
    pub fn applied(self, file: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        if !self.root_first && !self.with_subjects {
            return file;
        }
        let Some(start) = file.windows(BEGIN.len()).position(|part| part == BEGIN) else { return file };
        let Ok(bundle) = certhold_pki::read(&file[start..], None) else { return file };
        let ders: Vec<Vec<u8>> = bundle.certificates.into_iter().map(|found| found.der).collect();
        let text = self.text(&ders);
        // At its full size from the start: a vector that grows leaves copies of the key behind.
        let mut out = Zeroizing::new(Vec::with_capacity(start + text.len()));
        out.extend_from_slice(&file[..start]);
        out.extend_from_slice(text.as_bytes());
        out
    }
}
