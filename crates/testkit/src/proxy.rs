//! A proxy that breaks connections where a test tells it to.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use crate::model_server::reset;

/// Which bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those that the client sends.
    ToServer,
    /// Those that the server sends.
    ToClient,
}

/// How a connection is cut, at both of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// In order: each end is told that nothing more comes (FIN), and what was passed on arrives.
    Close,
    /// With a reset (RST), which may overtake what was passed on.
    Reset,
}

/// What is wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is cut when exactly so many bytes have been passed on in one direction.
    Cut {
        /// The direction.
        way: Way,
        /// How many bytes.
        after: usize,
        /// How.
        how: Cut,
    },
    /// When the client sends these bytes, they are passed on and the server is heard, but its reply is not passed on: the
    /// connection is cut instead.
    CutReplyTo {
        /// The bytes, which are not split over two packets.
        words: &'static [u8],
        /// How often they are passed on in order before that.
        after: usize,
        /// How.
        how: Cut,
    },
    /// Everything arrives so much later, in both directions.
    Delay(Duration),
    /// After so many bytes nothing more is passed on in one direction, and nobody is told.
    BlackHole {
        /// The direction.
        way: Way,
        /// How many bytes.
        after: usize,
    },
    /// At most so many bytes are passed on at a time, with a pause after each time, in both directions.
    Slow {
        /// How many bytes; at least 1.
        bytes: usize,
        /// The pause.
        every: Duration,
    },
}

/// Decides what is wrong with a connection, by its number.
type Choice = Arc<dyn Fn(usize) -> Fault + Send + Sync>;

/// A proxy between clients and a server, ended with this value. The server may be gone for a while: then connections are
/// closed as soon as they are opened.
pub struct Proxy {
    address: SocketAddr,
    cuts: Arc<AtomicUsize>,
    is_silent: Arc<AtomicBool>,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.address).finish()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// How long the other end may take to close a connection that was closed in order.
const LINGER: Duration = Duration::from_secs(5);

impl Proxy {
    /// Starts a proxy. `choose` is asked once for each connection, with the numbers 0, 1, 2 and so on in the order in
    /// which they are opened: take the fault from [`crate::Dice`] seeded with the number, and a run can be repeated.
    pub fn start(server: SocketAddr, choose: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let choose: Choice = Arc::new(choose);
        let cuts = Arc::<AtomicUsize>::default();
        let is_silent = Arc::<AtomicBool>::default();
        let (kept_cuts, kept_is_silent) = (Arc::clone(&cuts), Arc::clone(&is_silent));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            for number in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let (fault, cuts, is_silent) = (choose(number), Arc::clone(&cuts), Arc::clone(&is_silent));
                tokio::spawn(async move {
                    // Broken connections are what this is for.
                    if matches!(pass_on(client, server, fault, &is_silent).await, Ok(true)) {
                        cuts.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Self { address, cuts: kept_cuts, is_silent: kept_is_silent, runtime: Some(runtime) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes nothing on from now on, over all connections alike, and tells nobody; or passes on again, beginning with what was
    /// held back.
    pub fn silence(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// How many connections have come to the byte at which they were to be cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

/// What a direction came to.
enum Stop {
    /// Its sender has no more to say.
    End,
    /// The place to cut.
    Cut,
}

/// Carries a connection to its end, and says whether it was cut.
async fn pass_on(
    mut client: TcpStream,
    server: SocketAddr,
    fault: Fault,
    is_silent: &AtomicBool,
) -> std::io::Result<bool> {
    wait_while(is_silent).await;
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let how = if let Fault::CutReplyTo { words, after, how } = fault {
        pass_on_until(&mut client, &mut server, words, after).await?.then_some(how)
    } else {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let there = copy(&mut from_client, &mut to_server, Direction::of(fault, Way::ToServer), is_silent);
        let back = copy(&mut from_server, &mut to_client, Direction::of(fault, Way::ToClient), is_silent);
        tokio::pin!(there, back);
        let is_cut = tokio::select! {
            stop = &mut there => match stop? {
                Stop::Cut => true,
                // Nobody would hear of the end of what falls into a hole.
                Stop::End if matches!(fault, Fault::BlackHole { .. }) => false,
                // A client that has said all may still listen.
                Stop::End => matches!(back.await?, Stop::Cut),
            },
            stop = &mut back => matches!(stop?, Stop::Cut),
        };
        match fault {
            Fault::Cut { how, .. } if is_cut => Some(how),
            _ => None,
        }
    };
    match how {
        Some(Cut::Reset) => {
            reset(&client)?;
            reset(&server)?;
        }
        Some(Cut::Close) | None => {
            let _ = tokio::join!(close(&mut client), close(&mut server));
        }
    }
    Ok(how.is_some())
}

/// Carries a connection until the server has replied to these words of the client, and says whether it came to that.
async fn pass_on_until(
    client: &mut TcpStream,
    server: &mut TcpStream,
    words: &[u8],
    after: usize,
) -> std::io::Result<bool> {
    let (mut sent, mut said) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut seen = 0;
    loop {
        tokio::select! {
            length = client.read(&mut sent) => {
                let sent = &sent[..length?];
                if sent.is_empty() {
                    return Ok(false);
                }
                server.write_all(sent).await?;
                seen += sent.windows(words.len()).filter(|window| *window == words).count();
                if seen > after {
                    return Ok(server.read(&mut said).await? > 0);
                }
            }
            length = server.read(&mut said) => {
                let said = &said[..length?];
                if said.is_empty() {
                    return Ok(false);
                }
                client.write_all(said).await?;
            }
        }
    }
}

async fn wait_while(is_silent: &AtomicBool) {
    while is_silent.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Says that nothing more comes and waits until the other end says so too. Closing with unread bytes would be a reset.
async fn close(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut nothing = [0; 4096];
    let drain = async { while matches!(stream.read(&mut nothing).await, Ok(length) if length > 0) {} };
    let _ = timeout(LINGER, drain).await;
    Ok(())
}

/// What is wrong with one direction.
#[derive(Clone, Copy)]
struct Direction {
    cut: Option<usize>,
    black_hole: Option<usize>,
    at_a_time: usize,
    before: Duration,
    between: Duration,
}

impl Direction {
    fn of(fault: Fault, this: Way) -> Self {
        let sound = Self {
            cut: None,
            black_hole: None,
            at_a_time: usize::MAX,
            before: Duration::ZERO,
            between: Duration::ZERO,
        };
        match fault {
            Fault::Cut { way, after, .. } if way == this => Self { cut: Some(after), ..sound },
            Fault::BlackHole { way, after } if way == this => Self { black_hole: Some(after), ..sound },
            Fault::Delay(span) => Self { before: span, ..sound },
            Fault::Slow { bytes, every } => Self { at_a_time: bytes, between: every, ..sound },
            Fault::None | Fault::Cut { .. } | Fault::CutReplyTo { .. } | Fault::BlackHole { .. } => sound,
        }
    }
}

async fn copy(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    direction: Direction,
    is_silent: &AtomicBool,
) -> std::io::Result<Stop> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    loop {
        if direction.cut == Some(passed) {
            return Ok(Stop::Cut);
        }
        let most = direction.cut.map_or(usize::MAX, |cut| cut - passed).min(direction.at_a_time);
        let most = most.min(buffer.len());
        let length = from.read(&mut buffer[..most]).await?;
        wait_while(is_silent).await;
        if length == 0 {
            if direction.black_hole.is_some_and(|hole| passed >= hole) {
                return std::future::pending().await;
            }
            to.shutdown().await?;
            return Ok(Stop::End);
        }
        if !direction.before.is_zero() {
            sleep(direction.before).await;
        }
        let heard = direction.black_hole.map_or(length, |hole| length.min(hole.saturating_sub(passed)));
        to.write_all(&buffer[..heard]).await?;
        passed += length;
        if !direction.between.is_zero() {
            sleep(direction.between).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    const WORDS: &[u8] = b"twelve bytes";

    /// What a server that answers with what it is told sees and a client gets back.
    fn through(fault: Fault) -> (Vec<u8>, std::io::Result<Vec<u8>>, Duration) {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap(), move |_| fault);
        let (sender, seen) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut all, mut some) = (Vec::new(), [0; 64]);
            while let Ok(length @ 1..) = stream.read(&mut some) {
                all.extend(&some[..length]);
                if all.len() == WORDS.len() {
                    let _ = stream.write_all(&all);
                    break;
                }
            }
            sender.send(all).unwrap();
        });
        let began = Instant::now();
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream.write_all(WORDS).unwrap();
        let mut got = Vec::new();
        let result = stream.read_to_end(&mut got).map(|_| got);
        drop(stream);
        (seen.recv_timeout(LINGER * 2).unwrap(), result, began.elapsed())
    }

    #[test]
    fn a_sound_connection_is_passed_on() {
        let (seen, got, _) = through(Fault::None);
        assert_eq!((seen, got.unwrap()), (WORDS.to_vec(), WORDS.to_vec()));
    }

    #[test]
    fn a_cut_lets_exactly_so_many_bytes_through() {
        for after in [1, 5, 11] {
            let cut = |way| through(Fault::Cut { way, after, how: Cut::Close });
            let (seen, got, _) = cut(Way::ToServer);
            assert_eq!((seen, got.unwrap()), (WORDS[..after].to_vec(), Vec::new()), "{after}");
            let (seen, got, _) = cut(Way::ToClient);
            assert_eq!((seen, got.unwrap()), (WORDS.to_vec(), WORDS[..after].to_vec()), "{after}");
        }
    }

    #[test]
    fn a_reset_is_seen_as_one() {
        let (_, got, _) = through(Fault::Cut { way: Way::ToClient, after: 5, how: Cut::Reset });
        assert_eq!(got.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn a_black_hole_says_nothing() {
        let (seen, got, _) = through(Fault::BlackHole { way: Way::ToClient, after: 5 });
        assert_eq!(seen, WORDS);
        let silence = got.unwrap_err().kind();
        assert!(
            matches!(silence, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
            "{silence}"
        );
    }

    #[test]
    fn a_reply_can_be_kept_from_the_client() {
        let (seen, got, _) = through(Fault::CutReplyTo { words: &WORDS[2..4], after: 0, how: Cut::Close });
        assert_eq!((seen, got.unwrap()), (WORDS.to_vec(), Vec::new()));
    }

    #[test]
    fn slowness_and_delay_take_their_time_and_nothing_else() {
        let tick = Duration::from_millis(5);
        let (seen, got, span) = through(Fault::Slow { bytes: 2, every: tick });
        assert_eq!((seen, got.unwrap()), (WORDS.to_vec(), WORDS.to_vec()));
        assert!(span >= tick * 6, "{span:?}");
        let (_, got, span) = through(Fault::Delay(tick * 4));
        assert!(got.unwrap() == WORDS && span >= tick * 8, "{span:?}");
    }
}
