//! P10: half-open requests and trickled bodies are cut off, and nobody else feels them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Effort, ModelServer, Program, Request, exchange, raise_file_limit};
use serde_json::json;

use crate::BINARY;

/// Opens a connection and sends the beginning of something.
fn begin(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Waits until the other end closes the connection.
fn is_closed(stream: &mut TcpStream, by: Instant) -> bool {
    let mut buffer = [0; 4096];
    loop {
        let left = by.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return false;
            }
            Err(_) => return true,
        }
    }
}

/// What ordinary visitors see meanwhile.
struct Visitors {
    served: AtomicUsize,
    slowest_millis: AtomicUsize,
    over: AtomicBool,
}

impl Visitors {
    fn come_and_go(&self, address: SocketAddr) {
        while !self.over.load(Ordering::Relaxed) {
            let number = self.served.fetch_add(1, Ordering::Relaxed);
            let body = json!({ "sessionId": format!("visitor-{number}"), "message": "hello" });
            let request = Request::post("/v1/chat", &body).header("x-api-key", Program::PUBLIC_KEY);
            let began = Instant::now();
            let reply = exchange(address, &request).unwrap();
            assert_eq!((reply.status, &reply.json()["message"]), (200, &json!("Hi")), "{}", reply.body);
            let millis = usize::try_from(began.elapsed().as_millis()).unwrap();
            self.slowest_millis.fetch_max(millis, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn half_open_requests_are_cut_off_and_nobody_else_feels_them() {
    let (heads, bodies) = Effort::asked().pick((100, 0), (5000, 100));
    raise_file_limit();
    let model = ModelServer::saying(&["Hi"]);
    let program =
        Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat").started();
    let address = program.api();
    let visitors = Visitors {
        served: AtomicUsize::new(0),
        slowest_millis: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        scope.spawn(|| visitors.come_and_go(address));
        let began = Instant::now();
        let beginnings =
            [&b""[..], b"GET /health HTTP/1.1\r\nHost: a", b"POST /v1/chat HTTP/1.1\r\nHost: a\r\nX: "];
        let mut half_open: Vec<_> = (0..heads).map(|n| begin(address, beginnings[n % 3])).collect();
        let opened = began.elapsed();
        let head = format!(
            "POST /v1/chat HTTP/1.1\r\nHost: a\r\nx-api-key: {}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
            Program::PUBLIC_KEY
        );
        let mut trickled: Vec<_> = (0..bodies).map(|_| begin(address, head.as_bytes())).collect();
        let bodies_began = Instant::now();

        // Ten seconds from each connection's first byte, and one to spare.
        let by = began + opened + Duration::from_secs(11);
        let closed = half_open.iter_mut().filter_map(|stream| is_closed(stream, by).then_some(())).count();
        assert_eq!(closed, heads, "half-open requests closed by {:?}", began.elapsed());

        // A byte every two seconds does not help.
        while bodies_began.elapsed() < Duration::from_secs(29) && bodies > 0 {
            for stream in &mut trickled {
                let _ = stream.write_all(b" ");
            }
            thread::sleep(Duration::from_secs(2));
        }
        let by = bodies_began + Duration::from_secs(31);
        let closed = trickled.iter_mut().filter_map(|stream| is_closed(stream, by).then_some(())).count();
        assert_eq!(closed, bodies, "trickled bodies closed by {:?}", bodies_began.elapsed());
        visitors.over.store(true, Ordering::Relaxed);
    });
    let (served, slowest) = (visitors.served.into_inner(), visitors.slowest_millis.into_inner());
    println!(
        "{heads} half-open heads and {bodies} trickled bodies: {served} visitors served, the slowest in {slowest} ms"
    );
    assert!(served > 20);
}
