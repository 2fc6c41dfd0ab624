//! The server's own certificate under the local root, renewed while the server runs.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use certhold_domain::Clock;
use certhold_faces::listener::TlsAssignment;
use certhold_outside::keys::local_tls::{self, LocalTls};
use tokio_util::sync::CancellationToken;

use crate::config::Configuration;
use crate::failure::Failure;
use crate::opening::SystemClock;

/// After a renewal that failed.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Sleeping longer than this would miss a clock that was set, or a machine that was asleep.
const LOOK_EVERY: Duration = Duration::from_secs(12 * 3_600);

/// The certificate the listener shows.
pub struct ServerTls {
    /// What the listener shows.
    pub assignment: Arc<TlsAssignment>,
    dir: PathBuf,
    names: Vec<String>,
    renew_at_ms: i64,
}

impl ServerTls {
    /// Reads root and server certificate from the data directory, or makes them.
    ///
    /// # Errors
    /// When the files cannot be written, or the root is damaged.
    pub fn ensure(dir: &Path, configuration: &Configuration) -> Result<ServerTls, Failure> {
        let names = names(configuration);
        let LocalTls { chain, key, renew_at_ms, .. } =
            local_tls::ensure(dir, &names, SystemClock.now()).map_err(|error| Failure::new(error.to_string()))?;
        let assignment = TlsAssignment::new(chain, key).map_err(|error| Failure::new(error.to_string()))?;
        Ok(ServerTls { assignment, dir: dir.to_owned(), names, renew_at_ms })
    }

    /// Renews the certificate when its time has come, until `stop`. Connections that stand keep the old one.
    pub async fn keep_fresh(mut self, stop: CancellationToken) {
        let mut pause = self.until_renewal();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if SystemClock.now() >= self.renew_at_ms {
                match self.renew().await {
                    Ok(()) => tracing::info!("the server's own certificate was renewed"),
                    Err(why) => {
                        tracing::error!("the server's own certificate could not be renewed: {why}");
                        pause = AGAIN;
                        continue;
                    }
                }
            }
            pause = self.until_renewal();
        }
    }

    async fn renew(&mut self) -> Result<(), String> {
        let (dir, names) = (self.dir.clone(), self.names.clone());
        let made = tokio::task::spawn_blocking(move || local_tls::ensure(&dir, &names, SystemClock.now()));
        let LocalTls { chain, key, renew_at_ms, .. } =
            made.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        self.assignment.replace(chain, key).map_err(|error| error.to_string())?;
        self.renew_at_ms = renew_at_ms;
        Ok(())
    }

    fn until_renewal(&self) -> Duration {
        let left = u64::try_from(self.renew_at_ms - SystemClock.now()).unwrap_or(0);
        Duration::from_millis(left.max(1_000)).min(LOOK_EVERY)
    }
}

/// By what people may reach the server: its own names, the address it listens on, the host of its public address.
fn names(configuration: &Configuration) -> Vec<String> {
    let mut names = local_tls::own_names();
    let address: IpAddr = configuration.listen.ip();
    let public =
        configuration.public_url.as_ref().and_then(|url| url.host_str()).map(|host| host.trim_matches(['[', ']']).to_owned());
    let listened = (!address.is_unspecified()).then(|| address.to_string());
    names.extend(listened.into_iter().chain(public));
    names.sort_unstable();
    names.dedup();
    names
}
