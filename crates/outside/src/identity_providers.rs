//! The keys of identity providers: fetched by OpenID Connect Discovery 1.0, kept in memory, and fetched again when they are old or a
//! token names one that is not known.
//!
//! Whoever needs the keys of one provider waits for that one only, and for the one attempt that is under way: while a provider does not
//! answer, what is known of it holds for a day, and after that its tokens are refused at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certhold_domain::identity_providers::{self, KeySet, KeyState, Trusted, is_reached_safely};
use certhold_domain::{Clock, Core};
use reqwest::{Certificate, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::http;

/// How old keys are when they are fetched again: a provider that withdraws a key is believed within this time.
const REFRESH_MS: i64 = 3_600_000;
/// How long keys are used that cannot be fetched again.
const KEPT_MS: i64 = 24 * 3_600_000;
/// The time from the end of an attempt to the next, whatever tokens ask for.
const PAUSE_MS: i64 = 10_000;
/// How often the providers are looked through.
const ROUND: Duration = Duration::from_secs(30);
/// How long an attempt may take: both requests.
const PATIENCE: Duration = Duration::from_secs(8);
/// Characters of an error that are kept: much of it is what a provider says.
const TOLD_CHARS: usize = 400;
/// Bytes of a provider's answer.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// The keys of all providers.
#[derive(Clone)]
pub struct ProviderKeys {
    clock: Arc<dyn Clock>,
    entries: Arc<Mutex<HashMap<String, Arc<Entry>>>>,
}

/// One provider's keys.
#[derive(Default)]
struct Entry {
    /// By which authorities they were fetched.
    roots: Option<String>,
    known: Mutex<Known>,
    /// Held by the one attempt that is under way.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    fetched_at: i64,
    tried_at: Option<i64>,
    error: Option<String>,
}

impl Known {
    fn usable(&self, now: i64) -> Option<&Arc<KeySet>> {
        self.keys.as_ref().filter(|_| now - self.fetched_at < KEPT_MS)
    }

    fn has(&self, kid: Option<&str>, now: i64) -> bool {
        self.usable(now).is_some_and(|keys| keys.knows(kid))
    }

    /// A clock that was set back must not stop it for long.
    fn may_try(&self, now: i64) -> bool {
        self.tried_at.is_none_or(|tried| !(0..PAUSE_MS).contains(&(now - tried)))
    }

    fn is_due(&self, now: i64) -> bool {
        self.may_try(now) && (self.keys.is_none() || !(0..REFRESH_MS).contains(&(now - self.fetched_at)))
    }
}

impl Entry {
    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the attempt that is under way, or makes one where `enough` does not say that what is known will do.
    async fn fetched(self: Arc<Entry>, provider: Arc<Trusted>, clock: Arc<dyn Clock>, enough: impl Fn(&Known, i64) -> bool) {
        let Ok(turn) = self.turn.clone().try_lock_owned() else {
            drop(self.turn.lock().await);
            return;
        };
        let (known, now) = (self.known(), clock.now());
        if enough(&known, now) || !known.may_try(now) {
            return;
        }
        // Beside the request: whoever hangs up does not use up the one attempt.
        let attempt = tokio::spawn(async move {
            self.attempt(&provider, clock.as_ref()).await;
            drop(turn);
        });
        let _ = attempt.await;
    }

    async fn attempt(&self, provider: &Trusted, clock: &dyn Clock) {
        let fetched = tokio::time::timeout(PATIENCE, fetch(&provider.issuer, provider.roots.as_deref())).await;
        let late = |_| Err(format!("{} does not answer within {} seconds", provider.issuer, PATIENCE.as_secs()));
        let fetched = fetched.unwrap_or_else(late).map_err(|error| identity_providers::shown(&error, TOLD_CHARS));
        let now = clock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(keys) => {
                tracing::debug!(provider = provider.name, keys = keys.len(), "fetched the keys of an identity provider");
                *known = Known { keys: Some(Arc::new(keys)), fetched_at: now, tried_at: Some(now), error: None };
            }
            Err(error) => {
                tracing::warn!(provider = provider.name, error, "the keys of an identity provider could not be fetched");
                known.tried_at = Some(now);
                known.error = Some(error);
            }
        }
    }
}

impl ProviderKeys {
    /// Nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> ProviderKeys {
        ProviderKeys { clock, entries: Arc::default() }
    }

    fn entry(&self, provider: &Trusted) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(&provider.issuer) {
            Some(entry) if entry.roots == provider.roots => entry.clone(),
            _ => {
                let entry = Arc::new(Entry { roots: provider.roots.clone(), ..Entry::default() });
                entries.insert(provider.issuer.clone(), entry.clone());
                entry
            }
        }
    }

    /// The keys of a provider, with the one of this name if it has one: fetched for it unless that was tried in the last ten seconds.
    ///
    /// # Errors
    /// Why there are none, as a sentence.
    pub async fn of(&self, provider: Arc<Trusted>, kid: Option<String>) -> Result<Arc<KeySet>, String> {
        let entry = self.entry(&provider);
        if !entry.known().has(kid.as_deref(), self.clock.now()) {
            entry.clone().fetched(provider, self.clock.clone(), |known, now| known.has(kid.as_deref(), now)).await;
        }
        let known = entry.known();
        match known.usable(self.clock.now()) {
            Some(keys) => Ok(keys.clone()),
            None => Err(known.error.unwrap_or_else(|| "its keys are being fetched".into())),
        }
    }

    /// The keys of a provider if there are others than these by now: fetched unless that was tried in the last ten seconds.
    pub async fn other_than(&self, provider: Arc<Trusted>, than: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let other = |known: &Known, now| known.usable(now).filter(|keys| !Arc::ptr_eq(keys, than)).cloned();
        let entry = self.entry(&provider);
        entry.clone().fetched(provider, self.clock.clone(), |known, now| other(known, now).is_some()).await;
        other(&entry.known(), self.clock.now())
    }

    /// How it stands with a provider's keys.
    pub fn state(&self, issuer: &str) -> KeyState {
        let entry = self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned();
        let known = entry.map(|entry| entry.known()).unwrap_or_default();
        let usable = known.usable(self.clock.now());
        KeyState {
            keys: usable.map_or(0, |keys| keys.len()),
            fetched_at: usable.map(|_| known.fetched_at),
            error: known.error.clone(),
        }
    }

    /// Keeps the keys of all enabled providers fresh until `stop`, and forgets those of the others.
    pub async fn keep_fresh(self, core: Core, stop: CancellationToken) {
        let mut fetching = JoinSet::new();
        loop {
            match core.store.read(identity_providers::enabled).await {
                Ok(providers) => {
                    self.forget_others(&providers);
                    for provider in providers {
                        let (entry, clock) = (self.entry(&provider), self.clock.clone());
                        if entry.known().is_due(clock.now()) {
                            fetching.spawn(entry.fetched(Arc::new(provider), clock, |known, now| !known.is_due(now)));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "the identity providers could not be read; it is tried again"),
            }
            while fetching.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    fn forget_others(&self, providers: &[Trusted]) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|issuer, _| providers.iter().any(|provider| provider.issuer == *issuer));
    }
}

/// Discovery (section 4), then the key set that it names.
async fn fetch(issuer: &str, roots: Option<&str>) -> Result<KeySet, String> {
    let client = client(roots)?;
    let described = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = ask(&client, &described).await?;
    let document: Value = serde_json::from_slice(&document).map_err(|_| format!("what is at {described} is not JSON"))?;
    // Section 4.3: to the letter, or somebody else could speak for this issuer.
    if document["issuer"].as_str() != Some(issuer) {
        let told = document["issuer"].as_str().unwrap_or("nothing");
        return Err(format!("what is at {described} is about the issuer {told}, not {issuer}"));
    }
    let place = document["jwks_uri"].as_str().unwrap_or_default();
    let safe = |url: &Url| is_reached_safely(url) && (url.scheme() == "https" || issuer.starts_with("http://"));
    if !Url::parse(place).is_ok_and(|url| safe(&url)) {
        return Err(format!("what is at {described} names no https:// address of keys (jwks_uri)"));
    }
    let keys = ask(&client, place).await?;
    KeySet::parse(&keys).map_err(|error| error.to_string())
}

fn client(roots: Option<&str>) -> Result<reqwest::Client, String> {
    let mut builder = http::client().timeout(PATIENCE);
    if let Some(pem) = roots {
        let roots = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
        if roots.is_empty() {
            return Err("the authorities that are to be believed are no certificates in PEM".into());
        }
        builder = builder.tls_certs_only(roots);
    }
    builder.build().map_err(|error| format!("no HTTP client can be made: {}", http::reason(error)))
}

async fn ask(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, String> {
    let wrong = |why: String| format!("{url}: {why}");
    let response = client.get(url).send().await.map_err(|error| wrong(http::reason(error)))?;
    if response.status() != StatusCode::OK {
        return Err(wrong(format!("it answers with status {}", response.status().as_u16())));
    }
    http::read(response, ANSWER_BYTES_MAX).await.map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_790_000_000_000;

    #[test]
    fn attempts_are_counted_from_their_end() {
        let failed = Known { tried_at: Some(START), error: Some("x".into()), ..Known::default() };
        for (passed, may) in [(0, false), (PAUSE_MS - 1, false), (PAUSE_MS, true), (-1, true)] {
            assert_eq!(failed.may_try(START + passed), may, "{passed}");
            assert_eq!(failed.is_due(START + passed), may, "there are no keys, so they are due: {passed}");
        }
        assert!(Known::default().is_due(START));
    }

    #[test]
    fn keys_are_fetched_again_every_hour_and_kept_for_a_day() {
        let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = Some(Arc::new(KeySet::parse(set).unwrap()));
        let known = Known { keys, fetched_at: START, tried_at: Some(START), error: None };
        for (passed, due, usable) in [
            (0, false, true),
            (REFRESH_MS - 1, false, true),
            (REFRESH_MS, true, true),
            (KEPT_MS - 1, true, true),
            (KEPT_MS, true, false),
            // The clock was set back.
            (-1, true, true),
        ] {
            assert_eq!(known.is_due(START + passed), due, "{passed}");
            assert_eq!(known.has(Some("one"), START + passed), usable, "{passed}");
        }
        assert!(!known.has(Some("two"), START) && known.has(None, START));
        // What failed after that is tried again, but not at once.
        let failed = Known { tried_at: Some(START + REFRESH_MS), ..known };
        assert!(!failed.is_due(START + REFRESH_MS + PAUSE_MS - 1) && failed.is_due(START + REFRESH_MS + PAUSE_MS));
    }
}
