use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Child, Exchange, Request, exchange, free_port};

/// The program, running as a child process on ports and in a folder of its own.
#[derive(Debug)]
pub struct Program {
    binary: PathBuf,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
    folder: TempDir,
    api_port: u16,
    dashboard_port: u16,
    child: Option<Child>,
}

/// The public key of programs that are started here.
const PUBLIC_KEY: &str = "widget-key-of-the-tests-1";
/// The admin key of programs that are started here.
const ADMIN_KEY: &str = "admin-key-of-the-tests-01";
/// The dashboard's password of programs that are started here.
const PASSWORD: &str = "correct horse battery";

impl Program {
    /// The public key.
    pub const PUBLIC_KEY: &str = PUBLIC_KEY;
    /// The admin key.
    pub const ADMIN_KEY: &str = ADMIN_KEY;
    /// The dashboard's password.
    pub const PASSWORD: &str = PASSWORD;

    /// A program that is not running yet. `binary` is what Cargo built.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        let (api_port, dashboard_port) = (free_port(), free_port());
        let program = Self {
            binary: binary.as_ref().to_owned(),
            variables: Vec::new(),
            arguments: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            api_port,
            dashboard_port,
            child: None,
        };
        program
            .set("PORT", &api_port.to_string())
            .set("DASHBOARD_PORT", &dashboard_port.to_string())
            .set("WIDGET_API_KEY", PUBLIC_KEY)
            .set("ADMIN_API_KEY", ADMIN_KEY)
            .set("DASHBOARD_PASSWORD", PASSWORD)
            .set("RATE_LIMIT_MAX_REQUESTS", "1000000")
            .set("LOG_LEVEL", "warn")
    }

    /// Sets a variable; nothing takes it away.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds an argument of the command line.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// A command with the program's settings, in its folder.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .envs(self.variables.iter().cloned())
            .args(&self.arguments)
            .current_dir(self.folder.path());
        command
    }

    /// Starts it and waits until it serves. Says how long that took.
    pub fn start(&mut self) -> Duration {
        let began = Instant::now();
        self.child = Some(Child::start(self.command()));
        let serves_api = !self.arguments.iter().any(|argument| argument == "dashboard");
        let address = if serves_api { self.api() } else { self.dashboard() };
        loop {
            if exchange(address, &Request::get("/health")).is_ok_and(|reply| reply.status == 200) {
                return began.elapsed();
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it does not serve: {}",
                self.child().printed()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The same, started.
    #[must_use]
    pub fn started(mut self) -> Self {
        self.start();
        self
    }

    /// The process.
    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    /// Where the API listens.
    pub fn api(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.api_port))
    }

    /// Where the dashboard listens.
    pub fn dashboard(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.dashboard_port))
    }

    /// The folder it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends a request to the API and reads the response.
    pub fn ask(&self, request: &Request) -> Exchange {
        exchange(self.api(), request).unwrap()
    }
}
