use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;

use crate::servers::{guarded, installed, wait_for_port};
use crate::{Child, free_port};

/// `HAProxy` in front of some servers, with the repository's own configuration (`packaging/haproxy.cfg`). It ends with this value,
/// or with the test's process.
#[derive(Debug)]
pub struct Haproxy {
    port: u16,
    _folder: TempDir,
    _child: Child,
}

/// What administrators are given.
const CONFIGURATION: &str = include_str!("../../../packaging/haproxy.cfg");

impl Haproxy {
    /// Starts it in front of the APIs of some nodes. `None` if `HAProxy` is not installed: that is said aloud, and with full
    /// effort it is a failure.
    pub fn start(servers: &[SocketAddr]) -> Option<Self> {
        installed("haproxy", "HAProxy")?;
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration(port, servers)).unwrap();
        let mut command = guarded("haproxy");
        command.args(["-db", "-f"]).arg(&file);
        let child = Child::start(command);
        wait_for_port(port);
        Some(Self { port, _folder: folder, _child: child })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

/// The repository's configuration, with these servers and this port in the place of the examples, without the dashboard, and for
/// fewer connections than a test may open files for.
fn configuration(port: u16, servers: &[SocketAddr]) -> String {
    let mut text = String::new();
    let mut is_dashboard = false;
    let mut nodes = servers.iter().enumerate();
    for line in CONFIGURATION.lines() {
        let words = line.trim_start();
        if !line.starts_with([' ', '#']) && !line.is_empty() {
            is_dashboard = line.ends_with("dashboard");
        }
        if is_dashboard {
            continue;
        }
        if words.starts_with("server ") {
            for (number, server) in nodes.by_ref() {
                writeln!(text, "    server node{number} {server} check").unwrap();
            }
        } else if words.starts_with("bind ") {
            writeln!(text, "    bind 127.0.0.1:{port}").unwrap();
        } else if words.starts_with("maxconn ") {
            writeln!(text, "    maxconn 2000").unwrap();
        } else {
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}
