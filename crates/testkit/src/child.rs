use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::Vitals;

/// A process that ends with this value.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    lines: mpsc::Receiver<String>,
}

impl Child {
    /// Starts a command. What it prints, on either output, is kept to be waited for.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| unreachable!("{command:?}: {error}"));
        let (sender, lines) = mpsc::channel();
        let (stdout, stderr) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        let copy = |reader: Box<dyn std::io::Read + Send>, sender: mpsc::Sender<String>| {
            thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    // Nobody has to listen.
                    let _ = sender.send(line);
                }
            });
        };
        copy(Box::new(stdout), sender.clone());
        copy(Box::new(stderr), sender);
        Self { process, lines }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How many sockets the process has open; `None` where the system does not say.
    pub fn sockets(&self) -> Option<usize> {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.id())).ok()?;
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        Some(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
    }

    /// What the process holds of the system.
    pub fn vitals(&self) -> Vitals {
        Vitals::of(self.id())
    }

    /// Waits for a line that has `text` in it.
    pub fn wait_for(&self, text: &str, limit: Duration) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(limit) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(error) => unreachable!("waited for {text:?} ({error}); saw:\n{}", seen.join("\n")),
            }
        }
    }

    /// What it has printed and nobody has waited for.
    pub fn printed(&self) -> String {
        self.lines.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// The same of a process that has ended: all of it, to the last line.
    pub fn printed_to_the_end(&self) -> String {
        self.lines.iter().collect::<Vec<_>>().join("\n")
    }

    /// Ends the process as a crash would: at once, without a word.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        let killed = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for the process to end by itself, and says whether it was content.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let began = std::time::Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.success();
            }
            assert!(began.elapsed() < limit, "the process does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
