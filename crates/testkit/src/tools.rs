use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Child, Effort, free_port};

/// Servers that others wrote, installed by `cargo xtask test` into `target/tools`.
#[derive(Clone, Debug)]
pub struct Tools {
    python: PathBuf,
    node_modules: PathBuf,
}

/// How long such a server may take to start.
const START: Duration = Duration::from_mins(1);

impl Tools {
    /// The tools, if they are installed. With full effort they have to be; otherwise their absence is said aloud.
    pub fn find() -> Option<Self> {
        let root = env::var("FRONTDESK_TOOLS").map(PathBuf::from).unwrap_or_default();
        let tools = Self { python: root.join("venv/bin/python"), node_modules: root.join("node_modules") };
        if tools.python.is_file() && tools.node_modules.is_dir() {
            return Some(tools);
        }
        assert_eq!(
            Effort::asked(),
            Effort::Quick,
            "the tools of the tests are not installed: run cargo xtask test"
        );
        println!("SKIPPED: needs servers that `cargo xtask test` installs");
        None
    }

    /// SmolLM2-135M on llama.cpp's server. Gives its base URL.
    pub fn local_model(&self) -> (Child, String) {
        let port = free_port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("local_model.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg(port.to_string());
        let child = Child::start(command);
        child.wait_for("ready", START);
        (child, format!("http://127.0.0.1:{port}/v1"))
    }

    /// llmock from PyPI: scripted faults, and a verdict on the client.
    pub fn llmock(&self) -> (Child, u16) {
        let port = free_port();
        let mut command = Command::new(self.python.with_file_name("llmock"));
        command.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()]);
        let child = Child::start(command);
        wait_for_port(port);
        (child, port)
    }

    /// aimock from npm, with these fixtures.
    pub fn aimock(&self, fixtures: &Path) -> (Child, u16) {
        let port = free_port();
        let mut command = Command::new(self.node_modules.join(".bin/llmock"));
        command.args(["-p", &port.to_string(), "-l", "5", "-c", "6", "-f"]).arg(fixtures);
        let child = Child::start(command);
        wait_for_port(port);
        (child, port)
    }
}

fn wait_for_port(port: u16) {
    let began = std::time::Instant::now();
    while std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(began.elapsed() < START, "nothing listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
