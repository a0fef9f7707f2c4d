//! A model's server, or whatever else is called with JSON, that does exactly what a test tells it to, byte by byte.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

/// What the server does with a call, one after the other. After the last step it closes the connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes, head and body alike.
    Send(Vec<u8>),
    /// Waits.
    Pause(Duration),
    /// Sends the same bytes again and again, with a pause after each time, until the client leaves.
    Repeat(Vec<u8>, Duration),
    /// Ends the connection with a reset.
    Reset,
    /// Does nothing more until the client leaves.
    Hang,
}

/// A call that came in.
#[derive(Clone, Debug)]
pub struct ModelCall {
    /// The path of the address.
    pub path: String,
    /// The head, as it came.
    pub head: String,
    /// The body as JSON.
    pub body: Value,
    /// The body, as it came.
    pub bytes: Vec<u8>,
}

impl ModelCall {
    /// A header of the call; empty if it has none.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.next().map_or("", |(_, value)| value.trim())
    }
}

/// A server that is ended with this value.
pub struct ModelServer {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<ModelCall>>>,
    open: Arc<AtomicUsize>,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
}

impl Drop for ModelServer {
    /// Without waiting, because tests may themselves run in a runtime.
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl fmt::Debug for ModelServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelServer").field(&self.address).finish()
    }
}

/// Decides what to do with a call.
type Script = Arc<dyn Fn(&ModelCall) -> Vec<Step> + Send + Sync>;

impl ModelServer {
    /// Starts a server that does with each call what `script` says.
    pub fn start(script: impl Fn(&ModelCall) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (calls, open) = (Arc::<Mutex<Vec<ModelCall>>>::default(), Arc::<AtomicUsize>::default());
        let script: Script = Arc::new(script);
        let (kept_calls, kept_open) = (Arc::clone(&calls), Arc::clone(&open));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, calls, open) = (Arc::clone(&script), Arc::clone(&calls), Arc::clone(&open));
                tokio::spawn(async move {
                    open.fetch_add(1, Ordering::SeqCst);
                    // A client that leaves is what some tests are about.
                    let _ = serve(stream, &script, &calls).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, calls: kept_calls, open: kept_open, runtime: Some(runtime) }
    }

    /// Starts a server that answers every call with these words.
    pub fn saying(words: &'static [&'static str]) -> Self {
        Self::start(move |call| vec![Step::Send(stream(Wire::UntilClose, &call.path, words))])
    }

    /// What to set as `OPENAI_BASE_URL`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<ModelCall> {
        self.calls.lock().unwrap().clone()
    }

    /// Forgets the calls so far, for those who make many.
    pub fn forget_calls(&self) {
        self.calls.lock().unwrap().clear();
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, script: &Script, calls: &Mutex<Vec<ModelCall>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(call) = read_call(&mut stream).await? else { return Ok(()) };
    calls.lock().unwrap().push(call.clone());
    for step in script(&call) {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::Pause(span) => sleep(span).await,
            Step::Repeat(bytes, pause) => loop {
                stream.write_all(&bytes).await?;
                sleep(pause).await;
            },
            Step::Reset => return reset(&stream),
            Step::Hang => {
                let mut nothing = [0; 64];
                while stream.read(&mut nothing).await? > 0 {}
            }
        }
    }
    stream.shutdown().await
}

/// Closing with unread bytes makes the kernel send a reset; a linger of zero does so without any.
#[expect(deprecated, reason = "it blocks only for a linger above zero")]
pub(crate) fn reset(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_linger(Some(Duration::ZERO))
}

async fn read_call(stream: &mut TcpStream) -> std::io::Result<Option<ModelCall>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
        if !bytes[0].is_ascii_uppercase() {
            // No request begins so: it may be the beginning of TLS.
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await?;
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let all = end + 4 + length.unwrap_or(0);
    while bytes.len() < all {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let bytes = bytes[end + 4..all].to_vec();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Some(ModelCall { path, head, body, bytes }))
}

/// How a stream's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// By closing the connection: where it is cut cannot be told from where it ends.
    UntilClose,
    /// By a last chunk: a cut is an error.
    Chunked,
}

/// A whole response that streams these words, in the form of the API that the path asks for.
pub fn stream(wire: Wire, path: &str, words: &[&str]) -> Vec<u8> {
    let events = match path.rsplit('/').next() {
        Some("responses") => responses(words),
        Some("messages") => messages(words),
        _ => chat_completions(words),
    };
    let mut bytes = head(wire).into_bytes();
    match wire {
        Wire::UntilClose => bytes.extend(events.concat().into_bytes()),
        Wire::Chunked => {
            for event in events {
                bytes.extend(format!("{:x}\r\n{event}\r\n", event.len()).into_bytes());
            }
            bytes.extend(b"0\r\n\r\n");
        }
    }
    bytes
}

fn head(wire: Wire) -> String {
    let framing = match wire {
        Wire::UntilClose => "Connection: close",
        Wire::Chunked => "Transfer-Encoding: chunked\r\nConnection: close",
    };
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n\r\n")
}

fn chat_completions(words: &[&str]) -> Vec<String> {
    let words = words.iter().map(|word| json!({ "choices": [{ "delta": { "content": word } }] }).to_string());
    let finish = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }).to_string();
    let events = words.chain([finish, "[DONE]".to_owned()]);
    events.map(|event| format!("data: {event}\n\n")).collect()
}

fn responses(words: &[&str]) -> Vec<String> {
    let words = words.iter().map(|word| json!({ "type": "response.output_text.delta", "delta": word }));
    let usage = json!({ "input_tokens": 7, "output_tokens": words.len() });
    let end = json!({ "type": "response.completed", "response": { "model": "mock-1", "usage": usage } });
    words.chain([end]).map(|event| format!("event: x\ndata: {event}\n\n")).collect()
}

fn messages(words: &[&str]) -> Vec<String> {
    let start =
        json!({ "type": "message_start", "message": { "model": "mock-1", "usage": { "input_tokens": 7 } } });
    let text = |word: &&str| {
        let delta = json!({ "type": "text_delta", "text": word });
        json!({ "type": "content_block_delta", "index": 0, "delta": delta })
    };
    let end = json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": words.len() } });
    let events =
        [start].into_iter().chain(words.iter().map(text)).chain([end, json!({ "type": "message_stop" })]);
    events.map(|event| format!("event: x\ndata: {event}\n\n")).collect()
}
