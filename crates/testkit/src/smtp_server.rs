//! A mail server that does exactly what a test tells it to: as much of RFC 5321 as a client needs.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::model_server::reset;
use crate::tls_front::acceptor;

/// What the server does with a line of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Smtp {
    /// What a server does that is content.
    Usual,
    /// Answers with this line in its place, which has no end of line.
    Say(&'static str),
    /// Does nothing more until the client leaves.
    Hang,
    /// Ends the connection with a reset.
    Reset,
}

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// What the client signed in with, in base64; empty if it did not.
    pub login: String,
    /// Whether STARTTLS went before.
    pub is_encrypted: bool,
    /// The mail, header and body, with the dots that SMTP adds taken away.
    pub text: String,
}

/// Decides what to do with a line: the connection's number from 1 on, and the line. An empty line is a new connection, and a
/// dot the end of a mail.
type Script = Arc<dyn Fn(usize, &str) -> Smtp + Send + Sync>;

/// A server that is ended with this value. It offers STARTTLS with the certificate of [`TlsFront`](crate::TlsFront), and
/// takes any name and password.
pub struct SmtpServer {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Seen {
    mails: Vec<Mail>,
    lines: Vec<String>,
}

impl Drop for SmtpServer {
    /// Without waiting, because tests may themselves run in a runtime.
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SmtpServer").field(&self.address).finish()
    }
}

impl SmtpServer {
    /// Starts a server that takes every mail.
    pub fn start() -> Self {
        Self::scripted(|_, _| Smtp::Usual)
    }

    /// Starts a server that does with each line what `script` says.
    pub fn scripted(script: impl Fn(usize, &str) -> Smtp + Send + Sync + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (script, seen): (Script, _) = (Arc::new(script), Arc::<Mutex<Seen>>::default());
        let kept = Arc::clone(&seen);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                tokio::spawn(async move {
                    let session = Session { number, script, seen, is_encrypted: false };
                    // A client that leaves is what some tests are about.
                    let _ = session.serve(stream).await;
                });
            }
        });
        Self { address, seen: kept, runtime: Some(runtime) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The mails so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.seen.lock().unwrap().mails.clone()
    }

    /// All lines that clients have sent so far, but for those of mails.
    pub fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().lines.clone()
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// How a part of a connection ended.
enum End {
    Over,
    Reset,
    StartTls,
}

struct Session {
    number: usize,
    script: Script,
    seen: Arc<Mutex<Seen>>,
    is_encrypted: bool,
}

impl Session {
    async fn serve(mut self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut plain = BufStream::new(stream);
        let mut end = self.talk(&mut plain, true).await?;
        let stream = plain.into_inner();
        if matches!(end, End::StartTls) {
            self.is_encrypted = true;
            let mut encrypted = BufStream::new(acceptor().accept(stream).await?);
            end = self.talk(&mut encrypted, false).await?;
            return match end {
                End::Reset => reset(encrypted.get_ref().get_ref().0),
                End::Over | End::StartTls => encrypted.shutdown().await,
            };
        }
        match end {
            End::Reset => reset(&stream),
            End::Over | End::StartTls => Ok(()),
        }
    }

    async fn talk<W: Wire>(&self, wire: &mut BufStream<W>, is_new: bool) -> std::io::Result<End> {
        let mut mail = self.no_mail();
        let mut login = String::new();
        if is_new && let Some(end) = self.answer(wire, "", "220 127.0.0.1 ESMTP").await? {
            return Ok(end);
        }
        loop {
            let mut line = String::new();
            if wire.read_line(&mut line).await? == 0 {
                return Ok(End::Over);
            }
            let line = line.trim_end();
            self.seen.lock().unwrap().lines.push(line.to_owned());
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let usual = match verb.as_str() {
                "EHLO" if self.is_encrypted => "250-127.0.0.1\r\n250 AUTH PLAIN LOGIN",
                "EHLO" => "250-127.0.0.1\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN",
                "STARTTLS" => "220 go on",
                "AUTH" => "235 2.7.0 welcome",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 2.0.0 ok",
                _ => "500 5.5.2 what?",
            };
            match verb.as_str() {
                "AUTH" => login = line.rsplit(' ').next().unwrap_or_default().to_owned(),
                "MAIL" => mail = Mail { from: within_brackets(line), login: login.clone(), ..self.no_mail() },
                "RCPT" => mail.to.push(within_brackets(line)),
                _ => {}
            }
            if let Some(end) = self.answer(wire, line, usual).await? {
                return Ok(end);
            }
            match verb.as_str() {
                "STARTTLS" => return Ok(End::StartTls),
                "QUIT" => return Ok(End::Over),
                "DATA" => {
                    mail.text = read_mail(wire).await?;
                    let taken = std::mem::replace(&mut mail, self.no_mail());
                    if (self.script)(self.number, ".") == Smtp::Usual {
                        self.seen.lock().unwrap().mails.push(taken);
                    }
                    if let Some(end) = self.answer(wire, ".", "250 2.0.0 taken").await? {
                        return Ok(end);
                    }
                }
                _ => {}
            }
        }
    }

    fn no_mail(&self) -> Mail {
        let (from, login, text) = (String::new(), String::new(), String::new());
        Mail { from, to: Vec::new(), login, is_encrypted: self.is_encrypted, text }
    }

    /// Answers as the script says. The end, if that is one.
    async fn answer<W: Wire>(
        &self,
        wire: &mut BufStream<W>,
        line: &str,
        usual: &'static str,
    ) -> std::io::Result<Option<End>> {
        let words = match (self.script)(self.number, line) {
            Smtp::Usual => usual,
            Smtp::Say(words) => words,
            Smtp::Reset => return Ok(Some(End::Reset)),
            Smtp::Hang => {
                let mut ignored = String::new();
                while wire.read_line(&mut ignored).await? > 0 {}
                return Ok(Some(End::Over));
            }
        };
        wire.write_all(format!("{words}\r\n").as_bytes()).await?;
        wire.flush().await?;
        Ok(None)
    }
}

fn within_brackets(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(inner, _)| inner.to_owned())
}

/// Reads to the line that is a dot.
async fn read_mail<W: Wire>(wire: &mut BufStream<W>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(text);
        }
        text += line.strip_prefix('.').unwrap_or(&line);
    }
}
