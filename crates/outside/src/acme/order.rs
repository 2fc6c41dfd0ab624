//! One order, from its placing to the certificate (RFC 8555 section 7.4).

use super::again_on_bad_nonce;
use super::error::{AcmeError, AcmeErrorKind, is_bad_nonce};
use super::exchange::{self, observed};
use super::{Authority, Session};
use instant_acme::{
    AuthorizationStatus, CertificateIdentifier, ChallengeHandle, ChallengeStatus, ChallengeType, Identifier, OrderStatus,
};
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// What to order.
#[derive(Debug, Clone, Copy)]
pub struct NewOrder<'a> {
    /// DNS names in A-label form.
    pub names: &'a [String],
    /// The authority's name for what kind of certificate is wanted, if it offers several.
    pub profile: Option<&'a str>,
    /// The certificate (DER) that the new one replaces (RFC 9773 section 5); left out where the authority does not
    /// support it, or says that it was replaced already.
    pub replaces: Option<&'a [u8]>,
}

/// An order at the authority.
pub struct Order {
    inner: instant_acme::Order,
    authority: Authority,
}

/// A TXT value that the authority wants to see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingChallenge {
    /// The domain to prove control of, without `*.`.
    pub domain: String,
    /// Whether it is for a wildcard below the domain.
    pub wildcard: bool,
    /// The TXT value.
    pub value: String,
    /// Whether the authority has been told that the value is there.
    pub told: bool,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Challenges are to be met, or being checked; ask again after this time if the authority says so.
    Pending(Option<Duration>),
    /// All is proven: finalise.
    Ready,
    /// The certificate is being made; ask again after this time if the authority says so.
    Processing(Option<Duration>),
    /// The certificate can be downloaded.
    Valid,
}

impl Session {
    /// Places an order. Its [`Order::url`] is all that must be kept.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn place(&self, new: NewOrder<'_>) -> Result<Order, AcmeError> {
        let offered = self.profiles();
        if let Some(profile) = new.profile
            && !offered.iter().any(|(name, _)| name == profile)
        {
            let names: Vec<_> = offered.into_iter().map(|(name, _)| name).collect();
            let offers = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let sentence = format!("{} does not offer the profile {profile}; it offers {offers}", self.authority.name());
            return Err(AcmeError::plain(AcmeErrorKind::Rejected, &sentence));
        }
        let replaced = new.replaces.map(|der| CertificateDer::from(der.to_vec()));
        let replaces = replaced.as_ref().and_then(|der| CertificateIdentifier::try_from(der).ok());
        match self.place_replacing(new, replaces.clone()).await {
            Err(Refused::Replacement) => self.place_replacing(new, None).await.map_err(|refused| match refused {
                Refused::Order(error) => error,
                Refused::Replacement => AcmeError::plain(AcmeErrorKind::BadAnswer, "the authority refuses what was not asked"),
            }),
            Err(Refused::Order(error)) => Err(error),
            Ok(order) => Ok(order),
        }
    }

    async fn place_replacing(&self, new: NewOrder<'_>, replaces: Option<CertificateIdentifier<'_>>) -> Result<Order, Refused> {
        let identifiers: Vec<_> = new.names.iter().map(|name| Identifier::Dns(name.clone())).collect();
        let mut request = instant_acme::NewOrder::new(&identifiers);
        if let Some(profile) = new.profile {
            request = request.profile(profile);
        }
        let replacing = replaces.is_some();
        if let Some(replaces) = replaces {
            request = request.replaces(replaces);
        }
        let (result, answer) = observed(async { again_on_bad_nonce!(self.account.new_order(&request).await) }).await;
        match result {
            Ok(inner) => Ok(Order { inner, authority: self.authority.clone() }),
            Err(instant_acme::Error::Unsupported(_)) if replacing => Err(Refused::Replacement),
            Err(error) => {
                let error = AcmeError::of(&error, answer, self.authority.name());
                let about = error.problem.as_ref().map_or("", |problem| problem.kind.as_str());
                if replacing && about == "alreadyReplaced" { Err(Refused::Replacement) } else { Err(Refused::Order(error)) }
            }
        }
    }

    /// Finds an order again by its URL.
    ///
    /// # Errors
    /// [`AcmeErrorKind::OrderGone`] if the authority does not know it any more.
    pub async fn order(&self, url: &str) -> Result<Order, AcmeError> {
        let (result, answer) = observed(async { again_on_bad_nonce!(self.account.order(url.to_owned()).await) }).await;
        match result {
            Ok(inner) => Ok(Order { inner, authority: self.authority.clone() }),
            Err(error) => {
                let status = answer.as_ref().map_or(0, |answer| answer.status);
                let mut error = AcmeError::of(&error, answer, self.authority.name());
                if matches!(status, 404 | 410) {
                    error.kind = AcmeErrorKind::OrderGone;
                    error.sentence = format!("{} does not know the order any more; another one is needed", self.authority.name());
                }
                Err(error)
            }
        }
    }
}

/// What was refused: the order, or only that it replaces a certificate.
enum Refused {
    Order(AcmeError),
    Replacement,
}

impl Order {
    /// The order's URL.
    pub fn url(&self) -> &str {
        self.inner.url()
    }

    /// The dns-01 values that are still to be shown; those proven before are left out.
    ///
    /// # Errors
    /// A failed or missing challenge, with the authority's reason.
    pub async fn challenges(&mut self) -> Result<Vec<PendingChallenge>, AcmeError> {
        self.walk(false).await
    }

    /// Tells the authority that every pending dns-01 value can be seen. Challenges that it was told about already are left
    /// alone.
    ///
    /// # Errors
    /// A failed or missing challenge, with the authority's reason.
    pub async fn tell_ready(&mut self) -> Result<(), AcmeError> {
        self.walk(true).await.map(drop)
    }

    /// Asks where the order stands.
    ///
    /// # Errors
    /// If the order has become invalid: why, from the failed challenge or from the order itself.
    pub async fn progress(&mut self) -> Result<Progress, AcmeError> {
        let (result, answer) =
            observed(async { again_on_bad_nonce!(self.inner.refresh().await.map(|state| state.status)) }).await;
        let retry_after = answer.as_ref().and_then(|answer| answer.retry_after);
        let document = answer.as_ref().and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok());
        let status = result.map_err(|error| AcmeError::of(&error, answer, self.authority.name()))?;
        match status {
            OrderStatus::Pending => Ok(Progress::Pending(retry_after)),
            OrderStatus::Ready => Ok(Progress::Ready),
            OrderStatus::Processing => Ok(Progress::Processing(retry_after)),
            OrderStatus::Valid => Ok(Progress::Valid),
            OrderStatus::Invalid => {
                let own = document.map(|mut document| document["error"].take()).filter(|error| error.is_object());
                Err(self.why_invalid(own).await)
            }
        }
    }

    /// Asks for the certificate with a request in DER. Does nothing if that has been done.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn finalise(&mut self, request: &[u8]) -> Result<Progress, AcmeError> {
        match self.progress().await? {
            Progress::Ready => {}
            elsewhere => return Ok(elsewhere),
        }
        let (result, answer) = observed(async { again_on_bad_nonce!(self.inner.finalize_csr(request).await) }).await;
        let retry_after = answer.as_ref().and_then(|answer| answer.retry_after);
        result.map_err(|error| AcmeError::of(&error, answer, self.authority.name()))?;
        match self.inner.state().status {
            OrderStatus::Valid => Ok(Progress::Valid),
            OrderStatus::Invalid => self.progress().await,
            _ => Ok(Progress::Processing(retry_after)),
        }
    }

    /// Downloads the certificate and its chain in PEM; the order must be [`Progress::Valid`].
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn chain(&mut self) -> Result<String, AcmeError> {
        let (result, answer) = observed(async { again_on_bad_nonce!(self.inner.certificate().await) }).await;
        let chain = result.map_err(|error| AcmeError::of(&error, answer, self.authority.name()))?;
        chain.ok_or_else(|| {
            let sentence = format!("{} has not made the certificate yet", self.authority.name());
            AcmeError::plain(AcmeErrorKind::Transient, &sentence)
        })
    }

    /// Goes through the authorisations, and tells the authority that the values are there if `tell`.
    async fn walk(&mut self, tell: bool) -> Result<Vec<PendingChallenge>, AcmeError> {
        let authority = self.authority.clone();
        let inner = &mut self.inner;
        let mut told = tell.then(Told::default);
        let mut found = Vec::new();
        let steps = async {
            loop {
                let pass = again_on_bad_nonce!(match pending(inner, told.as_mut(), &authority, &mut found).await {
                    Ok(()) => Ok(Ok(())),
                    Err(Stopped::Protocol(error)) => Err(error),
                    Err(other) => Ok(Err(other)),
                });
                match pass? {
                    Ok(()) => return Ok(Ok(())),
                    Err(Stopped::Failed(error)) => return Ok(Err(error)),
                    // At most once for each challenge: the order is read anew, with all that it consists of.
                    Err(_) => again_on_bad_nonce!(inner.refresh().await.map(drop))?,
                }
            }
        };
        let (result, answer) = observed(steps).await;
        result.map_err(|error: instant_acme::Error| AcmeError::of(&error, answer, authority.name()))??;
        // Authorities list them in any order, also from one time to the next.
        found.sort();
        Ok(found)
    }

    /// The reason in the failed challenge, or else the order's own.
    async fn why_invalid(&mut self, own: Option<Value>) -> AcmeError {
        match self.challenges().await {
            Err(error) if error.kind != AcmeErrorKind::Unreachable => error,
            _ => match own {
                Some(document) => AcmeError::order(&document, self.authority.name()),
                None => {
                    let sentence = format!("{} gave the order up without saying why", self.authority.name());
                    AcmeError::plain(AcmeErrorKind::OrderGone, &sentence)
                }
            },
        }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("url", &self.inner.url()).finish_non_exhaustive()
    }
}

/// Why a pass over the authorisations ended early.
enum Stopped {
    Failed(AcmeError),
    Protocol(instant_acme::Error),
    /// The authority refused to be told; the state that we know may be out of date.
    LookAgain,
}

/// What the authority has been told in one walk.
#[derive(Default)]
struct Told {
    /// Challenges, by URL.
    ready: Vec<String>,
    /// Challenges that it refused to be told about.
    refused: Vec<(String, AcmeError)>,
}

/// One pass over the authorisations; what was fetched before an error is not fetched again by the next pass, and a challenge
/// that was told is not told again.
async fn pending(
    order: &mut instant_acme::Order,
    mut told: Option<&mut Told>,
    authority: &Authority,
    found: &mut Vec<PendingChallenge>,
) -> Result<(), Stopped> {
    found.clear();
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next.map_err(Stopped::Protocol)?;
        let shown = authorization.identifier().to_string();
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Invalid => {
                authorization.refresh().await.map_err(Stopped::Protocol)?;
                return Err(Stopped::Failed(AcmeError::challenge(&shown, &challenge_error(), authority.name())));
            }
            status => {
                let sentence = format!("the authorisation for {shown} at {} is {status:?}: order again", authority.name());
                return Err(Stopped::Failed(AcmeError::plain(AcmeErrorKind::OrderGone, &sentence)));
            }
        }
        let wildcard = authorization.wildcard;
        let Some(mut challenge) = authorization.challenge(ChallengeType::Dns01) else {
            let sentence = format!("{} offers no dns-01 challenge for {shown}", authority.name());
            return Err(Stopped::Failed(AcmeError::plain(AcmeErrorKind::Rejected, &sentence)));
        };
        let mut known = challenge.status != ChallengeStatus::Pending;
        if let Some(told) = told.as_mut().filter(|_| !known) {
            tell(&mut challenge, told, authority).await?;
            known = true;
        }
        let domain = shown.strip_prefix("*.").unwrap_or(&shown).to_owned();
        found.push(PendingChallenge { domain, wildcard, value: challenge.key_authorization().dns_value(), told: known });
    }
    Ok(())
}

/// Tells the authority that the value for a challenge is there.
async fn tell(challenge: &mut ChallengeHandle<'_>, told: &mut Told, authority: &Authority) -> Result<(), Stopped> {
    let url = challenge.url.clone();
    if let Some((_, error)) = told.refused.iter().find(|(refused, _)| *refused == url) {
        return Err(Stopped::Failed(error.clone()));
    }
    if told.ready.contains(&url) {
        return Ok(());
    }
    match challenge.set_ready().await {
        Ok(()) => {}
        Err(error) if is_bad_nonce(&error) => return Err(Stopped::Protocol(error)),
        Err(instant_acme::Error::Api(problem)) => {
            let answer = exchange::last();
            // A successful answer that holds an error is the outcome, which is read when the order is asked. A refusal
            // may mean that the challenge was told, and even decided, by a run that crashed before this one.
            if answer.as_ref().is_none_or(|answer| answer.status >= 400) {
                told.refused.push((url, AcmeError::of(&problem.into(), answer, authority.name())));
                return Err(Stopped::LookAgain);
            }
        }
        Err(error) => return Err(Stopped::Protocol(error)),
    }
    told.ready.push(url);
    Ok(())
}

/// The error of the failed challenge in the authorisation that was fetched last, as the authority wrote it.
fn challenge_error() -> Value {
    let document = exchange::last().and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok()).unwrap_or_default();
    let challenges = document["challenges"].as_array().into_iter().flatten();
    challenges.map(|challenge| &challenge["error"]).find(|error| error.is_object()).cloned().unwrap_or_default()
}
