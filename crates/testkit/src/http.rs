//! As much of an HTTP client as tests need, over plain sockets: no library between a test and the bytes.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

/// A port of the loopback interface that nothing listens on, and that nobody else here is told.
///
/// It is below those that the system gives to whoever wants any: one of these could be given away before it is used.
pub fn free_port() -> u16 {
    static TOLD: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let random = RandomState::new().build_hasher().finish();
        let port = u16::try_from(10_000 + random % 20_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && TOLD.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    path: String,
    headers: String,
    body: String,
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The status.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Request {
    /// A request to read something.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), headers: String::new(), body: String::new() }
    }

    /// A request with a JSON object.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        let request =
            Self { method: "POST", path: path.into(), headers: String::new(), body: body.to_string() };
        request.header("Content-Type", "application/json")
    }

    /// A request to change something, with a JSON object.
    pub fn patch(path: impl Into<String>, body: &Value) -> Self {
        Self { method: "PATCH", ..Self::post(path, body) }
    }

    /// A request to delete something.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: "DELETE", ..Self::get(path) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// The bytes to send, on a connection that ends with the response.
    pub fn bytes(&self) -> Vec<u8> {
        self.with_lines("Connection: close\r\n")
    }

    /// The bytes to send, on a connection that is kept open.
    pub fn kept_bytes(&self) -> Vec<u8> {
        self.with_lines("")
    }

    fn with_lines(&self, lines: &str) -> Vec<u8> {
        let Self { method, path, headers, body } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// Sends the request; the response is read from the stream.
    pub fn open(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        stream.write_all(&self.bytes())?;
        Ok(stream)
    }
}

/// Sends a request and reads the response. Fails if the connection breaks before its end.
pub fn exchange(address: SocketAddr, request: &Request) -> std::io::Result<Exchange> {
    let mut bytes = Vec::new();
    request.open(address)?.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body =
        if is_chunked { unchunk(body).ok_or(std::io::ErrorKind::UnexpectedEof)? } else { body.to_owned() };
    Ok(Exchange { status, head: head.to_owned(), body })
}

/// A chunked body in one piece; `None` if its end is missing.
fn unchunk(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body += after.get(..size)?;
        rest = after.get(size + 2..)?;
    }
}

impl Exchange {
    /// The body as a JSON object.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| unreachable!("{error}: {}", self.body))
    }

    /// The events of an NDJSON stream.
    pub fn events(&self) -> Vec<Value> {
        self.body
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
