use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Effort, free_port};

/// Debian's folder of PostgreSQL, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user under which Debian's package would run it, which we take when we are root: the server refuses that.
const USER: &str = "postgres";

/// Says what the owner of all its databases is called, and their password.
const OWNER: &str = "frontdesk";
const PASSWORD: &str = "canary-postgres-password";

/// How long the server may take to start, to stop, or to do what a test tells it to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL server of its own in a temporary folder, which ends with this value or with the test's process, whatever ends
/// that.
#[derive(Debug)]
pub struct PostgresServer {
    tools: PathBuf,
    folder: PathBuf,
    port: u16,
    user: Option<(u32, u32)>,
    options: String,
    /// Ends the server when its standard input is closed.
    guard: Child,
    alive: Option<ChildStdin>,
}

impl PostgresServer {
    /// The password of the one user there is.
    pub const PASSWORD: &str = PASSWORD;

    /// A server that keeps what it says it has kept. `None` if PostgreSQL is not installed: that is said aloud, and with
    /// full effort it is a failure.
    pub fn start() -> Option<Self> {
        Self::start_with("fsync=on")
    }

    /// A server that forgets with the power, and is faster.
    pub fn start_forgetful() -> Option<Self> {
        Self::start_with("fsync=off")
    }

    fn start_with(option: &str) -> Option<Self> {
        let Some(tools) = find_tools() else {
            assert_eq!(Effort::asked(), Effort::Quick, "PostgreSQL is not installed: run cargo xtask setup");
            println!("SKIPPED: needs PostgreSQL, which `cargo xtask setup` installs");
            return None;
        };
        let user = server_user();
        let folder = tempfile::Builder::new().prefix("frontdesk-postgres-").tempdir().unwrap().keep();
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        // A shell reads until we are gone, and then cleans up.
        let clean_up =
            r#"read -r _; kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 0.1; rm -rf "$0""#;
        let mut guard = as_user(Command::new("sh"), user);
        guard
            .arg("-c")
            .arg(clean_up)
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut guard = guard.current_dir("/").spawn().unwrap();
        let alive = guard.stdin.take();
        let port = free_port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={} -c {option} -c max_connections=200 \
             -c shared_buffers=32MB -c log_min_messages=fatal -c deadlock_timeout=100ms",
            folder.display()
        );
        let server = Self { tools, folder, port, user, options, guard, alive };
        let password = server.folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        let data = server.data();
        let words = [
            "--username",
            OWNER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--no-sync",
            "--locale",
            "C",
        ];
        server.run("initdb", |initdb| {
            initdb.args(words).arg("--pwfile").arg(&password).arg("--pgdata").arg(&data)
        });
        server.start_again();
        Some(server)
    }

    /// The address of a database, for `DATABASE_URL`.
    pub fn url(&self, database: &str) -> String {
        self.url_over(self.address(), database)
    }

    /// The same through a proxy.
    pub fn url_over(&self, proxy: SocketAddr, database: &str) -> String {
        format!("postgres://{OWNER}:{PASSWORD}@{proxy}/{database}")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The folder it works in, with its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a database like another one, to which nobody is connected; `template0` is the empty one.
    pub fn create(&self, database: &str, template: &str) {
        self.execute("postgres", &format!("CREATE DATABASE {database} TEMPLATE {template}"));
    }

    /// Runs SQL and gives what it returns, a line a row.
    pub fn execute(&self, database: &str, sql: &str) -> String {
        let output = self.run("psql", |psql| {
            psql.env("PGPASSWORD", PASSWORD)
                .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"])
                .args(["--host", "127.0.0.1", "--port", &self.port.to_string(), "--username", OWNER])
                .args(["--dbname", database, "--command", sql])
        });
        output.trim().to_owned()
    }

    /// Starts it after it was stopped or killed.
    pub fn start_again(&self) {
        let (data, log) = (self.data(), self.folder.join("log"));
        self.run("pg_ctl", |control| {
            control.args(["start", "--silent", "--wait", "--pgdata"]).arg(&data).arg("--log").arg(&log);
            control.arg("--options").arg(&self.options)
        });
    }

    /// Stops it in order; whoever is connected is told.
    pub fn stop(&self) {
        let data = self.data();
        self.run("pg_ctl", |control| {
            control.args(["stop", "--silent", "--wait", "--mode", "fast", "--pgdata"]).arg(&data)
        });
    }

    /// Ends it as a crash would, with everything that belongs to it.
    pub fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let mut others = Command::new("ps");
        let output = others.args(["-o", "pid=", "--ppid", &pid]).output().unwrap();
        let others = String::from_utf8(output.stdout).unwrap();
        let all: Vec<_> = [pid.as_str()].into_iter().chain(others.split_whitespace()).collect();
        assert!(Command::new("kill").arg("-KILL").args(&all).status().unwrap().success());
        let began = Instant::now();
        while all.iter().any(|pid| is_running(pid)) {
            assert!(began.elapsed() < PATIENCE, "the server does not die");
            sleep(Duration::from_millis(5));
        }
        // Where nobody collects the dead at once, the next server would take this one for alive.
        let socket = self.folder.join(format!(".s.PGSQL.{}.lock", self.port));
        for mark in [self.data().join("postmaster.pid"), socket] {
            fs::remove_file(mark).unwrap();
        }
    }

    /// Encrypts connections from the next start on, with a certificate for 127.0.0.1 that is made here. Gives the file
    /// of the certificate.
    pub fn encrypt(&mut self) -> PathBuf {
        let (certificate, key) = (self.folder.join("server.crt"), self.folder.join("server.key"));
        let config = self.folder.join("certificate.cnf");
        let extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
        fs::write(
            &config,
            format!("[req]\ndistinguished_name=name\nx509_extensions=more\n[name]\n[more]\n{extensions}"),
        )
        .unwrap();
        let mut command = as_user(Command::new("openssl"), self.user);
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2", "-subj", "/CN=frontdesk tests", "-config"]).arg(&config);
        command.arg("-keyout").arg(&key).arg("-out").arg(&certificate).current_dir("/");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let files = (certificate.display(), key.display());
        let _ = write!(self.options, " -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}", files.0, files.1);
        certificate
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs one of PostgreSQL's programs to its end.
    fn run(&self, program: &str, words: impl FnOnce(&mut Command) -> &mut Command) -> String {
        let mut command = as_user(Command::new(self.tools.join(program)), self.user);
        // Not through pipes: the server that one of them starts would keep them open.
        let (out, err) = (self.folder.join("out"), self.folder.join("err"));
        let unique = format!("{:?}", std::thread::current().id());
        let (out, err) = (out.with_extension(&unique), err.with_extension(&unique));
        words(&mut command).current_dir("/").stdin(Stdio::null());
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let status = command.status().unwrap();
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(status.success(), "{command:?}: {}\n{log}", fs::read_to_string(&err).unwrap());
        fs::read_to_string(&out).unwrap()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.guard.wait();
    }
}

/// The programs of the newest version that is installed.
fn find_tools() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok);
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut installed: Vec<_> =
        versions.map(|entry| entry.path()).filter(|path| path.join("bin/initdb").is_file()).collect();
    installed.sort_by_key(|path| number(path));
    installed.pop().map(|path| path.join("bin"))
}

/// Whom to run the server as, with their group; `None` if that is us.
fn server_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;

    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    is_root.then(|| {
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
        let user = users.lines().map(fields).find(|fields| fields[0] == USER).unwrap();
        (user[2].parse().unwrap(), user[3].parse().unwrap())
    })
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// Whether there is such a process that is more than a memory of one.
fn is_running(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
