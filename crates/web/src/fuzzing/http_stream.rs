use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use axum::Router;
use axum::extract::Request;
use frontdesk_core::{SystemClock, SystemRandom};
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::layers::{Surface, wrap};
use crate::serve::serve_connection;
use crate::{Edge, ServeLimits, Shutdown, TrustedProxies};

/// What a client sends on one connection: a byte that says how the network cuts, and a stream of requests.
///
/// Handlers have to be given the requests that a strict reader of RFC 9112 finds in the stream, in their order, and none
/// that stands within another, however the network cuts.
pub fn http_stream(bytes: &[u8]) {
    let [cut, stream @ ..] = bytes else { return };
    let seen = requests_of_handlers(stream, usize::MAX);
    assert_eq!(requests_of_handlers(stream, usize::from(*cut) + 1), seen);
    let mut expected = requests_by_the_standard(stream).into_iter();
    for request in &seen {
        assert!(expected.any(|other| other.is(request)), "nobody sent {request:?}");
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    method: String,
    target: String,
    /// `None` while it has not come in whole.
    body: Option<Vec<u8>>,
}

/// Sends a stream to a listener with all its layers. Gives what came to the handler.
fn requests_of_handlers(stream: &[u8], cut: usize) -> Vec<Seen> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let seen = Arc::clone(&seen);
        async move |request: Request| {
            let (method, target) = (request.method().to_string(), request.uri().to_string());
            let place = {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(Seen { method, target, body: None });
                seen.len() - 1
            };
            if let Ok(body) = request.into_body().collect().await {
                seen.lock().unwrap_or_else(PoisonError::into_inner)[place].body =
                    Some(body.to_bytes().to_vec());
            }
            StatusCode::OK
        }
    };
    let edge = Edge {
        clock: Arc::new(SystemClock::start()),
        random: Arc::new(SystemRandom),
        proxies: TrustedProxies::default(),
    };
    let router = wrap(Router::new().fallback(handler), None, edge, Surface::Api);
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let wire = Wire { rest: stream, cut };
    run_while_it_moves(serve_connection(wire, peer, router, ServeLimits::default(), Shutdown::default()));
    std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A client that sends its bytes in pieces, and then waits.
struct Wire<'a> {
    rest: &'a [u8],
    cut: usize,
}

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (piece, rest) = self.rest.split_at(self.cut.min(buffer.remaining()).min(self.rest.len()));
        if piece.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs a future until it waits for something that only the network or the clock could bring.
fn run_while_it_moves(future: impl Future<Output = ()>) {
    #[derive(Default)]
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    thread_local! {
        static RUNTIME: io::Result<tokio::runtime::Runtime> =
            tokio::runtime::Builder::new_current_thread().enable_time().build();
    }
    RUNTIME.with(|runtime| {
        assert!(runtime.is_ok(), "{runtime:?}");
        // Timers ask for one when they are set.
        let _entered = runtime.as_ref().map(tokio::runtime::Runtime::enter);
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&flag));
        let mut future = pin!(future);
        while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            && flag.0.swap(false, Ordering::Relaxed)
        {}
    });
}

#[derive(Debug)]
struct Sent<'a> {
    method: &'a [u8],
    target: &'a [u8],
    /// `None` if it has not come in whole or is in chunks.
    body: Option<&'a [u8]>,
    is_chunked: bool,
}

impl Sent<'_> {
    fn is(&self, seen: &Seen) -> bool {
        let target = self.target.split(|byte| *byte == b'#').next().unwrap_or_default();
        self.method == seen.method.as_bytes()
            // An address with a host may be written in another way.
            && (target == seen.target.as_bytes() || !target.starts_with(b"/"))
            && (self.is_chunked || self.body == seen.body.as_deref())
    }
}

/// Splits a stream at the ends of heads and bodies and nowhere else. It gives up where lengths contradict each other, and after
/// a body whose length is not announced.
fn requests_by_the_standard(stream: &[u8]) -> Vec<Sent<'_>> {
    let (mut requests, mut rest) = (Vec::new(), stream);
    loop {
        while let Some(behind) = rest.strip_prefix(b"\r\n") {
            rest = behind;
        }
        let Some(end) = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return requests };
        let (head, behind) = (&rest[..end], &rest[end + 4..]);
        let mut lines =
            head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut words = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (mut length, mut is_chunked) = (None, false);
        for line in lines {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            let name = parts.next().unwrap_or_default();
            let value = parts.next().unwrap_or_default().trim_ascii();
            is_chunked |= name.eq_ignore_ascii_case(b"transfer-encoding");
            if name.eq_ignore_ascii_case(b"content-length") {
                let value = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                let value = value.unwrap_or(usize::MAX);
                if length.is_some_and(|other| other != value) {
                    return requests;
                }
                length = Some(value);
            }
        }
        if is_chunked && length.is_some() {
            return requests;
        }
        let body = behind.get(..length.unwrap_or(0)).filter(|_| !is_chunked);
        requests.push(Sent { method, target, body, is_chunked });
        let Some(body) = body else { return requests };
        rest = &behind[body.len()..];
    }
}
