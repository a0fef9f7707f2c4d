use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::head::RequestScan;

/// What was seen of the heads that came in, in their order. A client may send several before the first is answered.
#[derive(Debug, Default)]
pub(super) struct Heads {
    malformed: Mutex<VecDeque<bool>>,
}

impl Heads {
    /// Whether the head of the request that begins now is malformed; one that was not seen to come in is.
    pub(super) fn next_is_malformed(&self) -> bool {
        self.malformed.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(true)
    }

    fn push(&self, is_malformed: bool) {
        self.malformed.lock().unwrap_or_else(PoisonError::into_inner).push_back(is_malformed);
    }
}

/// A connection that fails when a head takes too long to come in, or what is ready for the reader to go out.
pub(super) struct TimedStream<S> {
    stream: S,
    heads: Arc<Heads>,
    scan: RequestScan,
    /// By when the head that has begun to come in has to be there.
    deadline: Option<Pin<Box<Sleep>>>,
    head_limit: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    stall_limit: Duration,
}

impl<S> TimedStream<S> {
    /// The stream, which owes the head of its first request from now on.
    pub(super) fn new(stream: S, head_limit: Duration, stall_limit: Duration) -> (Self, Arc<Heads>) {
        let heads = Arc::new(Heads::default());
        let timed = Self {
            stream,
            heads: Arc::clone(&heads),
            scan: RequestScan::default(),
            deadline: Some(Box::pin(sleep(head_limit))),
            head_limit,
            stall: None,
            stall_limit,
        };
        (timed, heads)
    }

    fn look_at(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = self.scan.feed(&mut rest) {
            self.heads.push(end.is_malformed);
            self.deadline = None;
        }
        if self.scan.is_within_head() {
            let limit = self.head_limit;
            self.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
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
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.look_at(&buffer.filled()[before..]);
            return Poll::Ready(result);
        }
        if let Some(deadline) = &mut self.deadline {
            ready!(deadline.as_mut().poll(context));
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
        let (mut server, _heads) = TimedStream::new(server, LIMIT, LIMIT);
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
        let (mut server, _heads) = TimedStream::new(server, LIMIT, LIMIT);
        let head = b"GET / HTTP/1.1\r\n\r\n";
        client.write_all(head).await.unwrap();
        let mut bytes = vec![0; head.len()];
        server.read_exact(&mut bytes).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_mins(1), server.read_exact(&mut bytes)).await.is_err());
        client.write_all(b"GE").await.unwrap();
        let began = Instant::now();
        assert_eq!(server.read_exact(&mut bytes).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_its_time() {
        let (mut client, server) = duplex(1024);
        let (mut server, _heads) = TimedStream::new(server, LIMIT, LIMIT);
        let head = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na";
        client.write_all(head).await.unwrap();
        let mut bytes = vec![0; head.len()];
        server.read_exact(&mut bytes).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_mins(1), server.read_exact(&mut bytes)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut_off_and_a_slow_one_is_not() {
        let (mut client, server) = duplex(16);
        let (mut server, _heads) = TimedStream::new(server, LIMIT, LIMIT);
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
        let (mut server, heads) = TimedStream::new(server, LIMIT, LIMIT);
        let mut buffer = [0; 256];
        let good = "GET / HTTP/1.1\r\n\r\n";
        client.write_all(format!("{good}{good}GET / HTTP/1.1\n\n{good}").as_bytes()).await.unwrap();
        let _ = server.read(&mut buffer).await.unwrap();
        assert_eq!([(); 3].map(|()| heads.next_is_malformed()), [false, false, true]);
        assert!(heads.next_is_malformed(), "nothing behind a malformed head is trusted");
    }
}
