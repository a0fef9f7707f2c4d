//! The listener as a raw connection sees it: framing, timeouts, and what hyper does below us.

use std::net::SocketAddr;
use std::time::Duration;

use frontdesk_web::{ServeLimits, Shutdown, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::desk::{Desk, PUBLIC_KEY, loopback};

/// Limits that let a test end soon.
const SHORT: ServeLimits = ServeLimits {
    max_connections: 100,
    head: Duration::from_millis(400),
    idle: Duration::from_millis(900),
    stall: Duration::from_millis(400),
};

struct Server {
    address: SocketAddr,
    desk: Desk,
    shutdown: Shutdown,
    tasks: JoinSet<()>,
}

impl Server {
    async fn start(limits: ServeLimits) -> Self {
        let desk = Desk::open().await;
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, desk.api.clone(), limits, shutdown.clone()));
        Self { address, desk, shutdown, tasks }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the connection is closed.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        let mut reply = Vec::new();
        let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut reply)).await.unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }
}

fn status(reply: &str) -> &str {
    reply.split(' ').nth(1).unwrap_or("none")
}

/// A message in one piece, with these header lines in addition.
fn message(lines: &str) -> String {
    let body = r#"{"sessionId":"s","message":"hello"}"#;
    format!(
        "POST /v1/chat HTTP/1.1\r\nHost: a\r\nx-api-key: {PUBLIC_KEY}\r\nContent-Type: application/json\r\n{lines}\r\n{body}"
    )
}

#[tokio::test]
async fn requests_that_servers_read_differently_are_refused() {
    let server = Server::start(ServeLimits::default()).await;
    let health = |lines: &str| format!("GET /health HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
    for (name, request) in [
        ("two hosts", health("Host: a\r\nHost: b\r\n")),
        ("no host", health("")),
        (
            "a target that names another host",
            "GET http://evil.example/health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        ),
        ("bare LF", "GET /health HTTP/1.1\nHost: a\n\n".to_owned()),
        ("one bare LF", health("Host: a\nX: b\r\n")),
        ("a length and a coding", message("Content-Length: 35\r\nTransfer-Encoding: chunked\r\n")),
        ("a coding and a length", message("Transfer-Encoding: chunked\r\nContent-Length: 35\r\n")),
        ("two lengths", message("Content-Length: 35\r\nContent-Length: 36\r\n")),
        ("an unknown coding", message("Transfer-Encoding: xchunked\r\n")),
        ("chunked, then not", message("Transfer-Encoding: chunked, identity\r\n")),
        ("a space before the colon", health("Host : a\r\n")),
        ("a signed length", message("Content-Length: +35\r\n")),
        ("a negative length", message("Content-Length: -1\r\n")),
        ("a folded line", health("Host: a\r\nX: b\r\n c\r\n")),
        ("NUL in a header", health("Host: a\r\nX: b\0c\r\n")),
        (
            "a coding in HTTP/1.0",
            "POST /v1/chat HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ),
        ("a bad chunk", message("Transfer-Encoding: chunked\r\n")),
    ] {
        let reply = server.exchange(request).await;
        assert_eq!(status(&reply), "400", "{name}: {reply}");
    }
    assert!(server.desk.calls.is_empty().await);
    assert_eq!(server.desk.store.message_count(), 0);
}

#[tokio::test]
async fn a_request_hidden_behind_another_is_not_served() {
    let server = Server::start(ServeLimits::default()).await;
    let hidden = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let reply = server
        .exchange(format!("{}{hidden}", message("Content-Length: 35\r\nTransfer-Encoding: chunked\r\n")))
        .await;
    assert_eq!(reply.matches("HTTP/1.1").count(), 1, "{reply}");

    let chunked = "POST /v1/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let reply = server.exchange(format!("{chunked}{hidden}")).await;
    assert_eq!(reply.matches("HTTP/1.1").count(), 1, "what follows chunks is not looked at: {reply}");
}

#[tokio::test]
async fn a_request_behind_another_is_looked_at_as_closely() {
    let server = Server::start(ServeLimits::default()).await;
    let first = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let coded = message("Content-Length: 35\r\nTransfer-Encoding: chunked\r\n");
    for second in ["GET /health HTTP/1.1\nHost: a\n\n", &coded] {
        let reply = server.exchange(format!("{first}{second}")).await;
        let statuses: Vec<_> = reply.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect();
        assert_eq!(statuses, ["200", "400"], "{reply}");
    }
    let reply = server
        .exchange(format!("{first}{first}GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
        .await;
    assert_eq!(reply.matches("HTTP/1.1 200").count(), 3, "{reply}");
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = Server::start(ServeLimits::default()).await;
    let many = format!("GET /health HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(101));
    let large = format!("GET /health HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(20_000));
    for (name, request) in [("many lines", many), ("a large line", large), ("a long target", long)] {
        let reply = server.exchange(request).await;
        assert!(matches!(status(&reply), "431" | "414"), "{name}: {reply}");
    }
}

#[tokio::test]
async fn ordinary_oddities_are_served() {
    let server = Server::start(ServeLimits::default()).await;
    for request in [
        "GET /health HTTP/1.0\r\n\r\n",
        "\r\nGET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET http://a/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        let reply = server.exchange(request).await;
        assert_eq!(status(&reply), "200", "{request}: {reply}");
    }
    let connect = server.exchange("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&connect), "405", "{connect}");
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = Server::start(SHORT).await;
    let mut stream = server.connect().await;
    let mut buffer = vec![0; 4096];
    for _ in 0..3 {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
        // Longer than a head may take, but not than a connection may be kept.
        sleep(SHORT.head + Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let server = Server::start(SHORT).await;
    for beginning in [&b""[..], b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(beginning).await.unwrap();
        let began = Instant::now();
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap();
        assert!(began.elapsed() < SHORT.head + Duration::from_secs(1), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_kept_connection_is_not_kept_for_ever() {
    let server = Server::start(SHORT).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(began.elapsed() >= SHORT.idle && began.elapsed() < SHORT.idle + Duration::from_secs(1));
}

#[tokio::test]
async fn a_shutdown_lets_a_running_answer_finish() {
    let mut server = Server::start(ServeLimits::default()).await;
    let mut stream = server.connect().await;
    let request = message("Content-Length: 35\r\n").replace("/v1/chat ", "/v1/chat/stream ");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut call = server.desk.model().await;
    server.shutdown.soft.cancel();
    sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing new is taken");
    call.say("Goodbye");
    call.end();
    let mut reply = String::new();
    timeout(Duration::from_secs(5), stream.read_to_string(&mut reply)).await.unwrap().unwrap();
    assert!(reply.contains("\"message\":\"Goodbye\""), "{reply}");
    timeout(Duration::from_secs(5), server.tasks.join_next()).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn while_draining_every_reply_is_the_last_of_its_connection_and_new_ones_are_taken() {
    let server = Server::start(ServeLimits::default()).await;
    let health = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut kept = server.connect().await;
    kept.write_all(health).await.unwrap();
    let mut buffer = [0; 4096];
    let length = kept.read(&mut buffer).await.unwrap();
    assert!(!String::from_utf8_lossy(&buffer[..length]).contains("connection: close"));
    server.shutdown.draining.cancel();
    sleep(Duration::from_millis(50)).await;
    // A request on a connection that was kept open may be on its way already, so it is answered.
    kept.write_all(health).await.unwrap();
    let mut last = String::new();
    timeout(Duration::from_secs(5), kept.read_to_string(&mut last)).await.unwrap().unwrap();
    for reply in [last, server.exchange(health).await] {
        assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("connection: close"), "{reply}");
    }
}

#[tokio::test]
async fn a_hard_shutdown_cuts_everything() {
    let mut server = Server::start(ServeLimits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(message("Content-Length: 35\r\n").as_bytes()).await.unwrap();
    let _call = server.desk.model().await;
    server.shutdown.soft.cancel();
    server.shutdown.hard.cancel();
    timeout(Duration::from_secs(1), server.tasks.join_next()).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn more_connections_than_the_limit_wait_their_turn() {
    let server = Server::start(ServeLimits { max_connections: 2, ..ServeLimits::default() }).await;
    let first = server.connect().await;
    let _second = server.connect().await;
    sleep(Duration::from_millis(50)).await;
    let mut third = server.connect().await;
    third.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut reply = Vec::new();
    assert!(timeout(Duration::from_millis(200), third.read_to_end(&mut reply)).await.is_err());
    drop(first);
    timeout(Duration::from_secs(2), third.read_to_end(&mut reply)).await.unwrap().unwrap();
    assert!(reply.starts_with(b"HTTP/1.1 200"));
}
