//! One connection: handshake, protocol, requests.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Bounds, TlsAssignment, tls};
use crate::address::Peer;

/// What all connections of a listener share.
pub(super) struct Connections {
    router: Router,
    tls: Option<Arc<TlsAssignment>>,
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
    bounds: Bounds,
    stop: CancellationToken,
}

/// Bytes of the head of a request.
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS: usize = 100;

impl Connections {
    pub(super) fn new(router: Router, tls: Option<Arc<TlsAssignment>>, bounds: Bounds, stop: CancellationToken) -> Connections {
        let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
        http1.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head).max_buf_size(HEAD_BYTES).max_headers(HEADERS);
        let mut http2 = Builder::new(TokioExecutor::new()).http2_only();
        http2
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(bounds.streams)
            .max_header_list_size(HEAD_BYTES as u32)
            .keep_alive_interval(bounds.head)
            .keep_alive_timeout(bounds.handshake);
        Connections { router, tls, http1, http2, bounds, stop }
    }

    /// Serves a connection to its end.
    pub(super) async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let Some(assignment) = &self.tls else {
            return self.speak(&self.http1, stream, peer).await;
        };
        // What is assigned now: a change reaches the next connection and leaves those that stand alone.
        let acceptor = TlsAcceptor::from(assignment.server());
        match tokio::time::timeout(self.bounds.handshake, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                // The protocol was agreed on in the handshake (RFC 7301); nothing is guessed from the first bytes.
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2);
                self.speak(if is_http2 { &self.http2 } else { &self.http1 }, stream, peer).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn speak<S>(&self, http: &Builder<TokioExecutor>, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router.clone();
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request.map(Body::new))
        });
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}
