//! The accept loop. It is ours, because `axum::serve` waits for ever for a request's head and takes on any number of
//! connections.

mod connection;
mod head;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use connection::{Heads, TimedStream};

/// The largest head of a request, in bytes; also what is kept ready for a reader that is slow.
const MAX_HEAD: usize = 16 * 1024;

/// What a listener puts up with.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long a request's head may take from its first byte on, or from the connection on for the first request.
    pub head: Duration,
    /// How long a connection may be kept open without a request.
    pub idle: Duration,
    /// How long a reader may take nothing of what is ready for it.
    pub stall: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            head: Duration::from_secs(10),
            // Longer than the usual reverse proxy keeps its own, so that it never sends a request into a closing one.
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
        }
    }
}

/// When a listener ends, step by step.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when clients are to go elsewhere: every reply from then on is the last one of its connection. New
    /// connections are still taken.
    pub draining: CancellationToken,
    /// Cancelled when no new connections and requests are taken; what runs may finish.
    pub soft: CancellationToken,
    /// Cancelled when everything ends now.
    pub hard: CancellationToken,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Marks a request whose head is not what RFC 9112 wants, although hyper takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MalformedHead;

/// Serves a router until `shutdown`, and returns when all connections have ended.
pub async fn serve(listener: TcpListener, router: Router, limits: ServeLimits, shutdown: Shutdown) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.soft.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let connection = serve_connection(stream, peer, router.clone(), limits, shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Waits for a place and for a connection to take it; `None` after an error that will pass.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) => {
            // Out of file descriptors, most likely: others have to close theirs first.
            warn!(%error, "cannot accept a connection");
            sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    router: Router,
    limits: ServeLimits,
    shutdown: Shutdown,
) {
    let (stream, heads) = TimedStream::new(stream, limits.head, limits.stall);
    let service = service_fn(|request: Request<Incoming>| {
        let reply = router.clone().oneshot(prepare(request, peer, &heads));
        let draining = &shutdown.draining;
        async move {
            let mut response = reply.await?;
            if draining.is_cancelled() {
                close_after(&mut response);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        () = shutdown.hard.cancelled() => return,
        ended = connection.as_mut() => ended,
        () = shutdown.soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                () = shutdown.hard.cancelled() => return,
                ended = connection.as_mut() => ended,
            }
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "connection ended");
    }
}

fn prepare(request: Request<Incoming>, peer: SocketAddr, heads: &Heads) -> Request<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    if heads.next_is_malformed() {
        request.extensions_mut().insert(MalformedHead);
    }
    request
}

/// A response that `hyper` is to send as the last one of its connection.
pub(crate) fn close_after(response: &mut Response<Body>) {
    response.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
}
