//! Listening: TLS or plain, with bounds on everything a peer can take.

mod connection;
mod tls;

pub use tls::{AssignmentError, ChainAndKey, TlsAssignment};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use connection::Connections;

/// What one listener allows its peers.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
    /// Longest TLS handshake.
    pub handshake: Duration,
    /// Longest wait for the head of a request, also of the next one on a connection that is kept.
    pub head: Duration,
    /// Requests at the same time on one HTTP/2 connection.
    pub streams: u32,
    /// How long requests may still run after the server was told to stop.
    pub farewell: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connections: 4096,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            streams: 128,
            farewell: Duration::from_secs(20),
        }
    }
}

/// A socket that listens.
pub struct Listener {
    socket: TcpListener,
    tls: Option<Arc<TlsAssignment>>,
    bounds: Bounds,
}

impl Listener {
    /// Listens for HTTP without TLS. Port 0 picks one.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn plain(address: SocketAddr, bounds: Bounds) -> io::Result<Listener> {
        Ok(Listener { socket: TcpListener::bind(address).await?, tls: None, bounds })
    }

    /// Listens for HTTPS with the certificate of `assignment`, which may change while the listener runs.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn tls(address: SocketAddr, assignment: Arc<TlsAssignment>, bounds: Bounds) -> io::Result<Listener> {
        Ok(Listener { socket: TcpListener::bind(address).await?, tls: Some(assignment), bounds })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// After an error of `accept` that does not go away by itself, such as no more file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is ready; then accepts no more, lets requests finish, and after [`Bounds::farewell`] drops the rest.
pub async fn serve(listener: Listener, router: Router, shutdown: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let served = run(listener, router, stop.clone());
    tokio::pin!(served);
    tokio::select! {
        () = shutdown => stop.cancel(),
        () = &mut served => return,
    }
    served.await;
}

async fn run(listener: Listener, router: Router, stop: CancellationToken) {
    let Listener { socket, tls, bounds } = listener;
    let places = Arc::new(Semaphore::new(bounds.connections));
    let connections = Arc::new(Connections::new(router, tls, bounds, stop.clone()));
    let cut = CancellationToken::new();
    loop {
        // A place first: what cannot be served is not accepted, and waits in the system's queue.
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                if !is_of_the_peer(&error) {
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
                continue;
            }
        };
        let (connections, cut) = (connections.clone(), cut.clone());
        // Everything that waits for the peer happens in its own task: a slow one stops nobody else.
        tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = connections.serve(stream, peer) => {}
            }
            drop(place);
        });
    }
    drop(socket);
    let everybody = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(bounds.farewell, places.acquire_many(everybody)).await.is_err() {
        tracing::warn!("requests were still running at the end of the time for them and were cut off");
        cut.cancel();
    }
}

/// The peer went away before it was accepted.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests;
