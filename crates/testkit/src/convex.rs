use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::{Effort, Exchange, Request, exchange};

/// A deployment of Convex of its own, empty: the real functions behind a double of Convex's HTTP API.
///
/// All deployments of a test's process are in one other process, which ends with it.
#[derive(Debug)]
pub struct ConvexDeployment {
    address: SocketAddr,
    name: String,
}

/// What a deployment was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvexCalls {
    /// How often a function was called.
    pub of: u64,
    /// How many calls there were at once at most, of all functions.
    pub most_at_once: u64,
}

/// The process, and the one end of a pipe whose closing ends it. Nobody drops what is static, but the system closes it.
struct Bridge {
    address: SocketAddr,
    _process: std::process::Child,
}

static BRIDGE: OnceLock<Bridge> = OnceLock::new();
static DEPLOYMENTS: AtomicU32 = AtomicU32::new(0);

impl ConvexDeployment {
    /// An empty deployment, if what it needs is installed. With full effort it has to be; otherwise its absence is said
    /// aloud.
    pub fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../convex");
        if !folder.join("node_modules/convex-test").is_dir() {
            assert_eq!(
                Effort::asked(),
                Effort::Quick,
                "the packages of convex/ are not installed: run cargo xtask test"
            );
            println!("SKIPPED: needs the packages of convex/, which `cargo xtask test` installs");
            return None;
        }
        let address = BRIDGE.get_or_init(|| Bridge::start(&folder)).address;
        let name = format!("test-{}", DEPLOYMENTS.fetch_add(1, Ordering::Relaxed));
        Some(Self { address, name })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key to its internal queries and mutations, as a server should have.
    pub fn key(&self) -> String {
        self.key_to("queries-and-mutations-only")
    }

    /// A key to its internal queries.
    pub fn reading_key(&self) -> String {
        self.key_to("queries-only")
    }

    fn key_to(&self, secret: &str) -> String {
        format!("prod:{}|{secret}", self.name)
    }

    /// Lets calls meet faults: see `convex/testing/faults.ts`.
    pub fn add_faults(&self, faults: &Value) {
        self.control(&Request::post(self.path(), faults));
    }

    /// What the function of that path was asked.
    pub fn calls(&self, function: &str) -> ConvexCalls {
        let said = self.control(&Request::get(self.path())).json();
        let number = |value: &Value| {
            let text = value.as_f64().unwrap_or_default().to_string();
            text.parse().unwrap_or_default()
        };
        ConvexCalls { of: number(&said["calls"][function]), most_at_once: number(&said["mostAtOnce"]) }
    }

    /// Calls a function as anybody could.
    pub fn call_without_key(&self, kind: &str, function: &str) -> Exchange {
        let body = json!({ "path": function, "args": {}, "format": "json" });
        exchange(self.address, &Request::post(format!("/api/{kind}"), &body)).unwrap()
    }

    fn path(&self) -> String {
        format!("/__test/{}", self.name)
    }

    fn control(&self, request: &Request) -> Exchange {
        let answer = exchange(self.address, request).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }
}

impl Bridge {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new("node");
        command.arg("testing/start.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| unreachable!("{command:?}: {error}"));
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("bridge ready http://").and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| unreachable!("the Convex bridge did not start: {line:?}"));
        Self { address, _process: process }
    }
}
