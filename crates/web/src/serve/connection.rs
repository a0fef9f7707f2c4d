use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::head::HeadScan;

/// Where a connection is between its requests, shared by what reads its bytes and what handles its requests.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// Whether a request is being handled, so that bytes that come in are not of a head.
    busy: AtomicBool,
    /// How many requests were begun.
    begun: AtomicU64,
    malformed: AtomicBool,
}

/// A request whose head has come in whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct BegunRequest {
    pub(super) is_malformed: bool,
}

impl Phase {
    pub(super) fn begin_request(&self) -> BegunRequest {
        self.busy.store(true, Ordering::Release);
        self.begun.fetch_add(1, Ordering::AcqRel);
        BegunRequest { is_malformed: self.malformed.swap(false, Ordering::AcqRel) }
    }

    pub(super) fn end_request(&self) {
        self.busy.store(false, Ordering::Release);
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }
}

/// A connection that fails when a head takes too long to come in, or what is ready for the reader to go out.
pub(super) struct TimedStream<S> {
    stream: S,
    phase: Arc<Phase>,
    head: Option<Head>,
    /// How many requests had been begun when `head` was looked at.
    begun: u64,
    head_limit: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    stall_limit: Duration,
}

/// A head that has begun to come in.
struct Head {
    scan: HeadScan,
    deadline: Pin<Box<Sleep>>,
}

impl Head {
    fn begin(limit: Duration) -> Self {
        Self { scan: HeadScan::default(), deadline: Box::pin(sleep(limit)) }
    }
}

impl<S> TimedStream<S> {
    /// The stream, which owes the head of its first request from now on.
    pub(super) fn new(stream: S, head_limit: Duration, stall_limit: Duration) -> (Self, Arc<Phase>) {
        let phase = Arc::new(Phase::default());
        let head = Some(Head::begin(head_limit));
        let timed =
            Self { stream, phase: Arc::clone(&phase), head, begun: 0, head_limit, stall: None, stall_limit };
        (timed, phase)
    }

    fn look_at(&mut self, bytes: &[u8]) {
        if self.phase.is_busy() || bytes.is_empty() {
            return;
        }
        let head = self.head.get_or_insert_with(|| Head::begin(self.head_limit));
        head.scan.feed(bytes);
        if head.scan.is_malformed() {
            self.phase.malformed.store(true, Ordering::Release);
        }
    }

    /// Fails if the reader has taken nothing for too long.
    fn check_stall<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let limit = self.stall_limit;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let begun = self.phase.begun();
        if std::mem::replace(&mut self.begun, begun) != begun {
            self.head = None;
        }
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.look_at(&buffer.filled()[before..]);
            return Poll::Ready(result);
        }
        if let Some(head) = &mut self.head {
            ready!(head.deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head takes too long")));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check_stall(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.check_stall(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.check_stall(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);
    const ALMOST: Duration = Duration::from_secs(9);

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_is_cut_off_however_often_a_byte_comes() {
        let (mut client, server) = duplex(1024);
        let (mut server, _phase) = TimedStream::new(server, LIMIT, LIMIT);
        let trickle = async {
            loop {
                if client.write_all(b"x").await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        };
        let began = Instant::now();
        let read = async {
            let mut byte = [0];
            loop {
                if let Err(error) = server.read_exact(&mut byte).await {
                    return error;
                }
            }
        };
        let error =
            tokio::select! { error = read => error, () = trickle => unreachable!("the client does not end") };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_may_wait_but_its_next_head_may_not() {
        let (mut client, server) = duplex(1024);
        let (mut server, phase) = TimedStream::new(server, LIMIT, LIMIT);
        client.write_all(b"GET").await.unwrap();
        let mut bytes = [0; 3];
        server.read_exact(&mut bytes).await.unwrap();
        phase.begin_request();
        // As hyper does while a request is handled, to notice that the client leaves.
        assert!(tokio::time::timeout(Duration::from_mins(1), server.read_exact(&mut bytes)).await.is_err());
        phase.end_request();
        assert!(tokio::time::timeout(Duration::from_mins(1), server.read_exact(&mut bytes)).await.is_err());
        client.write_all(b"GE").await.unwrap();
        let began = Instant::now();
        assert_eq!(server.read_exact(&mut bytes).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut_off_and_a_slow_one_is_not() {
        let (mut client, server) = duplex(16);
        let (mut server, _phase) = TimedStream::new(server, LIMIT, LIMIT);
        let slow = async {
            let mut byte = [0];
            for _ in 0..20 {
                sleep(ALMOST).await;
                client.read_exact(&mut byte).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let began = Instant::now();
        let write = async { server.write_all(&[0; 100]).await.unwrap_err() };
        let error =
            tokio::select! { error = write => error, () = slow => unreachable!("the client does not end") };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), ALMOST * 20 + LIMIT);
    }

    #[tokio::test]
    async fn a_malformed_head_is_told_to_its_own_request_only() {
        let (mut client, server) = duplex(1024);
        let (mut server, phase) = TimedStream::new(server, LIMIT, LIMIT);
        let mut buffer = [0; 64];
        for (head, is_malformed) in [(&b"GET / HTTP/1.1\n\n"[..], true), (b"GET / HTTP/1.1\r\n\r\n", false)] {
            client.write_all(head).await.unwrap();
            let _ = server.read(&mut buffer).await.unwrap();
            assert_eq!(phase.begin_request().is_malformed, is_malformed);
            phase.end_request();
        }
    }
}
