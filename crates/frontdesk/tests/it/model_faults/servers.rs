//! The servers that the faults are on.

use std::any::Any;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use frontdesk_testkit::{ModelCall, ModelServer, Step, TlsFront, Wire, free_port, stream};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use super::table::Row;
use crate::visitor::asked;

/// The key that the program has for its model.
pub(super) const KEY: &str = "sk-key-of-the-model-0123456789";

/// Where something goes wrong.
pub(super) enum Place {
    /// In the connection.
    Connection(Trouble),
    /// In what the server does with a call.
    Call(Vec<Step>),
    /// In a status that points to another server.
    Redirect(&'static str),
}

/// What is wrong with the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing listens.
    Refused,
    /// The name is none.
    NoSuchName,
    /// The queue of connections is full, so that the kernel answers no more.
    Full,
    /// The kernel answers, and nobody else does.
    NotAccepted,
    /// HTTPS with a server that speaks HTTP.
    NoTls,
    /// HTTPS with a server that says nothing.
    SilentTls,
    /// HTTPS with a certificate that nobody signed.
    Unsigned,
    /// HTTPS with one that is trusted, under a name that it is not for.
    OtherName,
    /// HTTPS with one that is trusted: nothing is wrong, which shows that the others fail for the reason they name.
    Trusted,
}

/// The model's server of one fault, and whatever else it takes.
pub(super) struct Server {
    model: ModelServer,
    /// Where a redirect points to.
    elsewhere: ModelServer,
    base_url: String,
    trouble: Option<Trouble>,
    /// What has to stay open.
    _kept: Box<dyn Any + Send + Sync>,
}

impl Server {
    pub(super) fn start(row: &Row) -> Self {
        let elsewhere = ModelServer::saying(&["from elsewhere"]);
        let (steps, trouble) = match &row.place {
            Place::Connection(trouble) => (None, Some(*trouble)),
            Place::Call(steps) => (Some(steps.clone()), None),
            Place::Redirect(status) => {
                let location = format!("Location: {}/chat/completions", elsewhere.base_url());
                let head = format!("HTTP/1.1 {status}\r\n{location}\r\nContent-Length: 0\r\n\r\n");
                (Some(vec![Step::Send(head.into_bytes())]), None)
            }
        };
        let fault = row.fault;
        let model = ModelServer::start(move |call| match &steps {
            Some(steps) if asked(&call.body) == fault => steps.clone(),
            _ => vec![Step::Send(stream(Wire::UntilClose, &call.path, &["All ", "is ", "well."]))],
        });
        let (base_url, kept) = match trouble {
            None => (model.base_url(), Box::new(()) as Box<_>),
            Some(trouble) => trouble.make(model.address()),
        };
        Self { model, elsewhere, base_url, trouble, _kept: kept }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A variable that makes the program trust the certificate.
    pub(super) fn variable(&self, folder: &Path) -> Option<(&'static str, String)> {
        if !matches!(self.trouble, Some(Trouble::OtherName | Trouble::Trusted)) {
            return None;
        }
        let path = folder.join("certificate.pem");
        fs::write(&path, TlsFront::CERTIFICATE).unwrap();
        Some(("SSL_CERT_FILE", path.display().to_string()))
    }

    /// Whether a message that meets no fault is answered.
    pub(super) fn answers_others(&self) -> bool {
        matches!(self.trouble, None | Some(Trouble::Trusted))
    }

    pub(super) fn open_connections(&self) -> usize {
        self.model.open_connections() + self.elsewhere.open_connections()
    }

    /// Fails if the model was not asked as often as it should be, or anybody else was.
    pub(super) fn check_calls(&self, row: &Row) {
        let calls = self.model.calls();
        assert_eq!(calls.len(), 2 * row.calls, "{}: {} calls for two messages", row.fault, calls.len());
        let has_key = |call: &ModelCall| call.head.contains(KEY);
        assert!(calls.iter().all(has_key), "{}: the key was not used", row.fault);
        assert!(self.elsewhere.calls().is_empty(), "{}: another server was asked", row.fault);
    }
}

impl Trouble {
    /// An address that has it, and what has to be kept for that.
    fn make(self, model: SocketAddr) -> (String, Box<dyn Any + Send + Sync>) {
        let nothing = || Box::new(()) as Box<_>;
        match self {
            Self::Refused => (format!("http://127.0.0.1:{}/v1", free_port()), nothing()),
            // A part of a name has at most 63 characters, so nobody has to be asked.
            Self::NoSuchName => (format!("http://{}.invalid/v1", "x".repeat(64)), nothing()),
            Self::NoTls => (format!("https://{model}/v1"), nothing()),
            Self::Full => {
                let (listener, queue) = full_listener();
                (format!("http://{}/v1", listener.local_addr().unwrap()), Box::new((listener, queue)))
            }
            Self::NotAccepted | Self::SilentTls => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let scheme = if self == Self::SilentTls { "https" } else { "http" };
                (format!("{scheme}://{}/v1", listener.local_addr().unwrap()), Box::new(listener))
            }
            Self::Unsigned | Self::OtherName | Self::Trusted => {
                let front = TlsFront::start(model);
                let host = if self == Self::OtherName { "localhost" } else { "127.0.0.1" };
                (format!("https://{host}:{}/v1", front.port()), Box::new(front))
            }
        }
    }
}

/// A listener that accepts nothing, and connections that fill its queue.
fn full_listener() -> (TcpListener, Vec<TcpStream>) {
    let runtime = Runtime::new().unwrap();
    let inside = runtime.enter();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let listener = socket.listen(1).unwrap().into_std().unwrap();
    drop(inside);
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    let queue: Vec<_> = std::iter::from_fn(connect).take(16).collect();
    assert!(queue.len() < 16, "the queue is never full");
    (listener, queue)
}
