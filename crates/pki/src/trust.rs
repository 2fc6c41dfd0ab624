//! Whether somebody who trusts certain authorities would accept a certificate: the judgement of rustls-webpki.

use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::certificate::certificate_element;
use crate::time;

/// What the certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A TLS server shows it.
    Server,
    /// A TLS client shows it.
    Client,
}

/// A question about trust.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The certificate.
    pub certificate: &'a [u8],
    /// Certificates that may stand between it and an anchor.
    pub intermediates: &'a [Vec<u8>],
    /// The certificates that are trusted.
    pub anchors: &'a [Vec<u8>],
    /// What for.
    pub usage: Usage,
    /// When, in unix milliseconds.
    pub at_ms: i64,
    /// Names or addresses for which it shall be valid.
    pub names: &'a [String],
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is not trusted, one sentence each; empty when it is.
    pub reasons: Vec<String>,
    /// The trusted certificate at the end of the path, by its place among the anchors.
    pub anchor: Option<usize>,
    /// The certificates between, by their places among the intermediates, the issuer first.
    pub path: Vec<usize>,
}

impl Verdict {
    /// Whether it is trusted for everything that was asked.
    pub fn is_trusted(&self) -> bool {
        self.reasons.is_empty()
    }

    fn refused(reason: impl Into<String>) -> Verdict {
        Verdict { reasons: vec![reason.into()], ..Verdict::default() }
    }
}

/// Every algorithm that can be verified here, also ML-DSA.
fn algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    webpki::ALL_VERIFICATION_ALGS
}

/// Judges.
pub fn judge(question: &Question<'_>) -> Verdict {
    let certificate = match certificate_element(question.certificate) {
        Ok(element) => CertificateDer::from(element),
        Err(error) => return Verdict::refused(format!("It cannot be read: {error}.")),
    };
    if let Some(place) = question.anchors.iter().position(|anchor| anchor.as_slice() == certificate.as_ref()) {
        return Verdict { anchor: Some(place), ..Verdict::default() };
    }
    let leaf = match EndEntityCert::try_from(&certificate) {
        Ok(leaf) => leaf,
        Err(error) => return Verdict::refused(sentence(&error)),
    };
    let trusted: Vec<CertificateDer<'_>> = question.anchors.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let readable = |(place, der)| Some((place, anchor_from_trusted_cert(der).ok()?));
    let (places, anchors): (Vec<usize>, Vec<TrustAnchor<'_>>) = trusted.iter().enumerate().filter_map(readable).unzip();
    let between: Vec<CertificateDer<'_>> =
        question.intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let usage = match question.usage {
        Usage::Server => KeyUsage::server_auth(),
        Usage::Client => KeyUsage::client_auth(),
    };
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_millis(u64::try_from(question.at_ms).unwrap_or(0)));
    let mut verdict = match leaf.verify_for_usage(algorithms(), &anchors, &between, at, usage, None, None) {
        Ok(path) => {
            let anchor = anchors.iter().position(|anchor| anchor == path.anchor());
            let steps = path.intermediate_certificates().map(|step| step.der());
            let path = steps.filter_map(|step| between.iter().position(|one| *one == step)).collect();
            Verdict { reasons: Vec::new(), anchor: anchor.map(|place| places[place]), path }
        }
        Err(error) => Verdict::refused(sentence(&error)),
    };
    verdict.reasons.extend(question.names.iter().filter_map(|name| wrong_name(&leaf, name)));
    verdict
}

fn wrong_name(leaf: &EndEntityCert<'_>, name: &str) -> Option<String> {
    let Ok(wanted) = ServerName::try_from(name) else {
        return Some(format!("\"{}\" is neither a host name nor an address.", name.escape_debug()));
    };
    match leaf.verify_is_valid_for_subject_name(&wanted) {
        Ok(()) => None,
        Err(Error::CertNotValidForName(_)) => Some(format!("It is not valid for {name}.")),
        Err(error) => Some(format!("It is not valid for {name}: {}", sentence(&error))),
    }
}

fn show(at: UnixTime) -> String {
    time::show(i64::try_from(at.as_secs()).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
}

/// The reason in a sentence.
fn sentence(error: &Error) -> String {
    let fixed = match error {
        Error::CertExpired { not_after, .. } => {
            return format!("It, or an authority above it, has ended on {}.", show(*not_after));
        }
        Error::CertNotValidYet { not_before, .. } => {
            return format!("It, or an authority above it, begins on {} only.", show(*not_before));
        }
        Error::UnknownIssuer => "No path leads from it to a certificate of the trust set.",
        Error::CaUsedAsEndEntity => "It is an authority's certificate: TLS shows certificates of servers and clients only.",
        Error::EndEntityUsedAsCa => "A certificate on the path issued another, but is not an authority's.",
        Error::RequiredEkuNotFoundContext(_) => {
            "Its extended key usage, or that of an authority above it, does not allow this use."
        }
        Error::InvalidSignatureForPublicKey => "A signature on the path does not fit the key of its issuer.",
        Error::PathLenConstraintViolated => "An authority on the path allows fewer authorities below it.",
        Error::NameConstraintViolation => "An authority on the path may not issue for one of its names.",
        Error::UnsupportedCriticalExtension => "It, or an authority above it, has a critical extension that is not understood.",
        Error::UnsupportedCertVersion => "It, or an authority above it, is not of version 3.",
        Error::SignatureAlgorithmMismatch => "The signature algorithm inside a signed part differs from the one outside.",
        Error::InvalidCertValidity => "A validity on the path ends before it begins.",
        Error::InvalidSerialNumber => "A serial number on the path is not one that is allowed.",
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => "There are too many possible paths: the search was given up.",
        other if format!("{other:?}").starts_with("UnsupportedSignatureAlgorithm") => {
            "A signature on the path is of a kind that cannot be verified here."
        }
        other => return format!("It, or an authority above it, is not encoded as RFC 5280 says ({other:?})."),
    };
    fixed.to_owned()
}
