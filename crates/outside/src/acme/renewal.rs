//! After issuance: when the authority would have a certificate renewed (RFC 9773), and revocation.

use super::error::{AcmeError, AcmeErrorKind};
use super::exchange::observed;
use super::{Session, again_on_bad_nonce};
use instant_acme::{CertificateIdentifier, RevocationRequest};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use std::time::Duration;

/// The time in which the authority would have a certificate renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalWindow {
    /// Begin, unix milliseconds. If it has passed, renew now.
    pub start_ms: i64,
    /// End, unix milliseconds.
    pub end_ms: i64,
    /// Where the authority explains an unusual window.
    pub explanation_url: Option<String>,
    /// When to ask again.
    pub ask_again: Duration,
}

/// Why a certificate is revoked (RFC 5280 section 5.3.1), as far as authorities take it from subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// No reason given.
    Unspecified,
    /// The private key may be in other hands.
    KeyCompromise,
    /// The organisation or its name has changed.
    AffiliationChanged,
    /// Another certificate has taken its place.
    Superseded,
    /// The service is gone.
    CessationOfOperation,
}

/// When a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// By this request.
    Now,
    /// By an earlier one, whoever made it.
    Before,
}

/// Asked again after this long when the authority does not say (RFC 9773 section 4.3.2 recommends six hours).
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);
/// Bounds of what it may say, so that neither a zero nor a century does harm.
const ASK_AGAIN_BOUNDS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenewalInfo {
    suggested_window: SuggestedWindow,
    #[serde(rename = "explanationURL")]
    explanation_url: Option<String>,
}

#[derive(Deserialize)]
struct SuggestedWindow {
    start: String,
    end: String,
}

impl Session {
    /// When the authority would have `certificate` (DER) renewed; `None` if it does not say such things, or not of this one.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn renewal_window(&self, certificate: &[u8]) -> Result<Option<RenewalWindow>, AcmeError> {
        let der = CertificateDer::from(certificate.to_vec());
        let Ok(identifier) = CertificateIdentifier::try_from(&der) else { return Ok(None) };
        let (result, answer) = observed(self.account.renewal_info(&identifier)).await;
        if matches!(result, Err(instant_acme::Error::Unsupported(_))) {
            return Ok(None);
        }
        // The document is read here because instant-acme passes over one without a Retry-After header.
        let retry_after = answer.as_ref().and_then(|answer| answer.retry_after);
        let document = answer.as_ref().filter(|answer| answer.status == 200).and_then(|answer| {
            let info: RenewalInfo = serde_json::from_slice(&answer.body).ok()?;
            let start: Timestamp = info.suggested_window.start.parse().ok()?;
            let end: Timestamp = info.suggested_window.end.parse().ok()?;
            (start <= end).then_some((start.as_millisecond(), end.as_millisecond(), info.explanation_url))
        });
        match (document, result) {
            (Some((start_ms, end_ms, explanation_url)), _) => Ok(Some(RenewalWindow {
                start_ms,
                end_ms,
                explanation_url: explanation_url.filter(|url| url.starts_with("https://") && url.len() <= 2000),
                ask_again: retry_after.unwrap_or(ASK_AGAIN).clamp(ASK_AGAIN_BOUNDS.0, ASK_AGAIN_BOUNDS.1),
            })),
            (None, Err(error)) => Err(AcmeError::of(&error, answer, self.authority.name())),
            (None, Ok(_)) => Err(AcmeError::of(&instant_acme::Error::Str("a renewal window"), answer, self.authority.name())),
        }
    }

    /// Revokes `certificate` (DER) with the account that obtained it; says whether it was revoked already.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn revoke(&self, certificate: &[u8], reason: RevocationReason) -> Result<Revoked, AcmeError> {
        use instant_acme::RevocationReason as Code;
        let der = CertificateDer::from(certificate.to_vec());
        let reason = match reason {
            RevocationReason::Unspecified => None,
            RevocationReason::KeyCompromise => Some(Code::KeyCompromise),
            RevocationReason::AffiliationChanged => Some(Code::AffiliationChanged),
            RevocationReason::Superseded => Some(Code::Superseded),
            RevocationReason::CessationOfOperation => Some(Code::CessationOfOperation),
        };
        let request = RevocationRequest { certificate: &der, reason };
        let (result, answer) = observed(async { again_on_bad_nonce!(self.account.revoke(&request).await) }).await;
        if matches!(result, Err(instant_acme::Error::Unsupported(_))) {
            let sentence = format!("{} offers no revocation over ACME", self.authority.name());
            return Err(AcmeError::plain(AcmeErrorKind::Rejected, &sentence));
        }
        match result.map_err(|error| AcmeError::of(&error, answer, self.authority.name())) {
            Err(error) if error.problem.as_ref().is_some_and(|problem| problem.kind == "alreadyRevoked") => Ok(Revoked::Before),
            other => other.map(|()| Revoked::Now),
        }
    }
}
