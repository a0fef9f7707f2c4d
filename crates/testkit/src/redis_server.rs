use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::servers::{guarded, installed, wait_for_port};
use crate::{Child, free_port};

/// How long the server may take to do what a test tells it to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A Redis server that keeps nothing on disk and ends with this value, or with the test's process.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: TempDir,
    child: Mutex<Option<Child>>,
}

impl RedisServer {
    /// The password of its one user.
    pub const PASSWORD: &str = "canary-redis-password";

    /// A server that is empty. `None` if Redis is not installed: that is said aloud, and with full effort it is a failure.
    pub fn start() -> Option<Self> {
        installed("redis-server", "Redis")?;
        let server =
            Self { port: free_port(), folder: tempfile::tempdir().unwrap(), child: Mutex::default() };
        server.start_again();
        Some(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its address, for `REDIS_URL`.
    pub fn url(&self) -> String {
        Self::url_over(self.address())
    }

    /// The same through a proxy.
    pub fn url_over(proxy: SocketAddr) -> String {
        format!("redis://:{}@{proxy}", Self::PASSWORD)
    }

    /// The same through a [`TlsFront`](crate::TlsFront) at that port.
    pub fn url_over_tls(port: u16) -> String {
        format!("rediss://:{}@127.0.0.1:{port}", Self::PASSWORD)
    }

    /// Starts it after it was stopped. It is empty then.
    pub fn start_again(&self) {
        let mut server = guarded("redis-server");
        server
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--requirepass", Self::PASSWORD])
            .args(["--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir"])
            .arg(self.folder.path());
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(Child::start(server));
        wait_for_port(self.port);
    }

    /// Ends it at once.
    pub fn stop(&self) {
        drop(self.child.lock().unwrap_or_else(PoisonError::into_inner).take());
        let began = Instant::now();
        while TcpStream::connect(self.address()).is_ok() {
            assert!(began.elapsed() < PATIENCE, "the server does not end");
            sleep(Duration::from_millis(5));
        }
    }

    /// Gives it a command, and what it answers to that.
    pub fn execute(&self, words: &[&str]) -> String {
        let mut client = Command::new("redis-cli");
        client.env("REDISCLI_AUTH", Self::PASSWORD).args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        let output = client.args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
