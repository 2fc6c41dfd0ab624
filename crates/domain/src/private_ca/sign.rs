//! Signing outside transactions: linted before the real key is used, verified after.

use certhold_pki::findings::{self, Severity, Source};
use certhold_pki::issue::{SignatureScheme, Template, signed};
use certhold_pki::{Facts, PrivateKey, verify_signed_by};

use crate::core::{Entropy, KeyMaker};
use crate::custody::{Custody, SealedRow, SecretKind};
use crate::error::{Error, Fault, Refusal, Result};

/// What signing needs of outside.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    /// Opens the authority's key.
    pub custody: &'a Custody,
    /// Uses it.
    pub keys: &'a dyn KeyMaker,
    /// Serial numbers.
    pub entropy: &'a dyn Entropy,
}

impl Hands<'_> {
    pub(super) fn open(&self, key: &SealedRow) -> Result<PrivateKey> {
        let pkcs8 = self.custody.open(key, SecretKind::PrivateKey)?;
        PrivateKey::of(&pkcs8).map_err(|error| Error::Fault(Fault::Custody(format!("an authority's key: {error}"))))
    }

    /// 126 random bits behind a first octet that is neither zero nor negative: unique and not to be guessed (CA/Browser Forum BR section 7.1 asks for 64).
    pub(super) fn serial(&self) -> [u8; 16] {
        let mut serial = [0; 16];
        self.entropy.fill(&mut serial);
        serial[0] = serial[0] & 0x7f | 0x40;
        serial
    }

    /// The certificate. `issuer` is the certificate of who signs; none for one that signs itself.
    pub(super) fn certificate(&self, template: &Template, key: &PrivateKey, issuer: Option<&[u8]>) -> Result<Vec<u8>> {
        let scheme = scheme(key)?;
        let to_be_signed = template.to_be_signed(scheme);
        // Linted under a signature that is none: the real key signs nothing that is wrong.
        lint(&signed(&to_be_signed, scheme, &[0; 64]))?;
        let signature = self.signature(key, &to_be_signed)?;
        let certificate = signed(&to_be_signed, scheme, &signature);
        let fits = verify_signed_by(&certificate, issuer.unwrap_or(&certificate));
        fits.map_err(|error| Error::Fault(Fault::Custody(format!("what was signed does not verify: {error}"))))?;
        Ok(certificate)
    }

    pub(crate) fn signature(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>> {
        self.keys.sign(key, message).map_err(|sentence| Error::Fault(Fault::Custody(sentence)))
    }
}

pub(crate) fn scheme(key: &PrivateKey) -> Result<SignatureScheme> {
    let none = || Refusal::Conflict(format!("keys of the kind {} sign nothing here", key.algorithm()));
    Ok(SignatureScheme::of(key).ok_or_else(none)?)
}

/// Refuses what RFC 5280 and its like forbid, whoever asked for it. What only public authorities must do does not matter here.
fn lint(certificate: &[u8]) -> Result<()> {
    let facts = Facts::of(certificate).map_err(|error| Error::damaged(format!("what was built is no certificate: {error}")))?;
    let mut wrong: Vec<String> = facts.oddities.clone();
    let broken = findings::evaluate(&facts, certificate).into_iter().filter(|finding| {
        finding.rule.severity == Severity::Error && !matches!(finding.rule.source, Source::TlsBr(..) | Source::Ev(_))
    });
    wrong.extend(broken.map(|finding| finding.sentence.into_owned()));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid("request", format!("the certificate would be wrong: {}", wrong.join(" "))).into())
}
