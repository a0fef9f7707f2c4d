//! What the program costs before anybody talks to it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::shell::{Outcome, command, root, run, works};

const STARTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// Builds for release and prints: time from start to the first answer of `/health`, memory at rest, size of the program.
pub(crate) fn measure() -> Outcome {
    run(&mut command(".", "cargo build --release --package frontdesk"))?;
    let program = root().join("target/release/frontdesk");
    let data = root().join("target/measure");
    // The first start makes keys and hashes a password, which is not what is measured.
    start_once(&program, &data)?;
    let mut starts = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..STARTS {
        let (time, kilobytes) = start_once(&program, &data)?;
        starts.push(time.as_micros());
        memory.push(kilobytes);
    }
    starts.sort_unstable();
    memory.sort_unstable();
    let bytes = fs::metadata(&program).map_err(|error| error.to_string())?.len();
    let milliseconds =
        |microseconds: u128| format!("{}.{} ms", microseconds / 1000, microseconds % 1000 / 100);
    println!(
        "\nstart to /health, {STARTS} starts: min {}, median {}, max {}",
        milliseconds(starts[0]),
        milliseconds(starts[STARTS / 2]),
        milliseconds(starts[STARTS - 1])
    );
    println!("resident memory after it, median: {} KiB", memory[STARTS / 2]);
    println!("program: {} KiB", bytes / 1024);
    fs::remove_dir_all(data).map_err(|error| error.to_string())
}

/// Starts the program, asks it for its health until it answers, and ends it.
fn start_once(program: &Path, data: &Path) -> Outcome<(Duration, u64)> {
    let (port, dashboard_port) = (free_port()?, free_port()?);
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("DATA_DIR", data)
        .env("PORT", port.to_string())
        .env("DASHBOARD_PORT", dashboard_port.to_string())
        .current_dir(root().join("target"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let healthy = wait_for_health(port, began);
    let kilobytes = resident_memory(&child);
    end(&mut child)?;
    Ok((healthy?, kilobytes?))
}

fn wait_for_health(port: u16, began: Instant) -> Outcome<Duration> {
    while began.elapsed() < PATIENCE {
        if ask(port).is_ok_and(|response| response.starts_with("HTTP/1.1 200")) {
            return Ok(began.elapsed());
        }
        sleep(Duration::from_micros(500));
    }
    Err("the program does not answer".to_owned())
}

fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

fn resident_memory(child: &Child) -> Outcome<u64> {
    let path = format!("/proc/{}/status", child.id());
    let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.ok_or_else(|| format!("{path} has no VmRSS"))
}

fn end(child: &mut Child) -> Outcome {
    if !works(&mut command(".", &format!("kill -TERM {}", child.id()))) {
        return Err("the program was gone before it was ended".to_owned());
    }
    child.wait().map(|_| ()).map_err(|error| error.to_string())
}

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
