//! Starting what others wrote.

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Effort;

/// How long such a server may take to start.
const START: Duration = Duration::from_mins(1);

/// Whether a program is installed. If not, that is said aloud, and with full effort it is a failure.
pub(crate) fn installed(program: &str, name: &str) -> Option<()> {
    let mut command = Command::new(program);
    command.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok() {
        return Some(());
    }
    assert_eq!(Effort::asked(), Effort::Quick, "{name} is not installed: run cargo xtask setup");
    println!("SKIPPED: needs {name}, which `cargo xtask setup` installs");
    None
}

/// A command that ends with this process, whatever ends that.
pub(crate) fn guarded(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

pub(crate) fn wait_for_port(port: u16) {
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(began.elapsed() < START, "nothing listens on port {port}");
        sleep(Duration::from_millis(20));
    }
}
