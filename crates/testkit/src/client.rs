//! A client for tests with thousands of connections, which stay open for one request after the other.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::Request;

/// A connection. The methods to read are called in the order of a response: head, then body, whole or piece by piece.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// All lines, in lower case.
    pub text: String,
    /// The body's length; `None` if it comes in chunks.
    length: Option<usize>,
}

/// As much as is read at once: thousands of clients share a test's memory.
const BUFFER: usize = 2048;

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::connect(address, None).await
    }

    /// Connects with a buffer of the kernel that takes in hardly anything, for clients that do not read.
    pub async fn open_narrow(address: SocketAddr) -> Result<Self> {
        Self::connect(address, Some(4096)).await
    }

    async fn connect(address: SocketAddr, buffer: Option<u32>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(BUFFER, stream) })
    }

    /// Sends a request.
    pub async fn send(&mut self, request: &Request) -> Result<()> {
        self.stream.get_mut().write_all(&request.kept_bytes()).await
    }

    /// Reads the head of the response.
    pub async fn head(&mut self) -> Result<Head> {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut text).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let text = text.to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        Ok(Head { status: status.ok_or_else(|| Error::other(text.clone()))?, length, text })
    }

    /// Reads the next piece of a body that comes in chunks; `None` at its end. An event of a stream is one piece.
    pub async fn chunk(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let size = usize::from_str_radix(line.trim(), 16).map_err(Error::other)?;
        let mut bytes = vec![0; size + 2];
        self.stream.read_exact(&mut bytes).await?;
        bytes.truncate(size);
        Ok(if size == 0 { None } else { Some(String::from_utf8(bytes).map_err(Error::other)?) })
    }

    /// Reads a body to its end.
    pub async fn body(&mut self, head: &Head) -> Result<String> {
        if let Some(length) = head.length {
            let mut bytes = vec![0; length];
            self.stream.read_exact(&mut bytes).await?;
            return String::from_utf8(bytes).map_err(Error::other);
        }
        let mut body = String::new();
        while let Some(chunk) = self.chunk().await? {
            body += &chunk;
        }
        Ok(body)
    }

    /// Sends a request and reads the response.
    pub async fn ask(&mut self, request: &Request) -> Result<(Head, String)> {
        self.send(request).await?;
        let head = self.head().await?;
        let body = self.body(&head).await?;
        Ok((head, body))
    }

    /// Whether the other end has not closed the connection, as far as is known now. What has come in meanwhile is lost.
    pub fn is_open(&self) -> bool {
        let mut bytes = [0; BUFFER];
        loop {
            match self.stream.get_ref().try_read(&mut bytes) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}
