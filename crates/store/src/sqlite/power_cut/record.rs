//! What a process told the kernel about its files, read from what strace wrote down.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// The calls to write down: all by which the contents or names of files may change, and the flushes.
pub(super) const CALLS: &str = "write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,ftruncate,\
                                truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,copy_file_range";

/// Something that happened, in the order in which it did.
#[derive(Debug)]
pub(super) enum Event {
    /// Bytes were given to the kernel.
    Write { file: String, offset: usize, bytes: Vec<u8> },
    /// A file was cut, or filled up with zeros, to a length.
    Truncate { file: String, length: usize },
    /// A file was deleted.
    Unlink { file: String },
    /// A thread began to wait for a flush.
    FlushBegins { thread: u32, file: String },
    /// The flush that a thread waited for has ended.
    FlushEnds { thread: u32 },
    /// A step of a turn was said to be stored: the visitor, the turn, the step.
    Ack([usize; 3]),
}

/// The events of a process.
pub(super) struct Recording {
    pub(super) events: Vec<Event>,
}

impl Recording {
    /// Reads a record, as far as it is about files in `folder`.
    pub(super) fn read(trace: &Path, folder: &Path) -> Self {
        let folder = format!("{}/", folder.canonicalize().unwrap().display());
        let mut reader = Reader { folder, events: Vec::new(), flushing: HashSet::new() };
        for line in BufReader::new(std::fs::File::open(trace).unwrap()).lines() {
            reader.line(&line.unwrap());
        }
        Self { events: reader.events }
    }

    /// How many of each.
    pub(super) fn summary(&self) -> String {
        let count = |is_so: fn(&Event) -> bool| self.events.iter().filter(|event| is_so(event)).count();
        format!(
            "{} writes to the log, {} to the database, {} flushes and {} acknowledgements",
            count(|event| matches!(event, Event::Write { file, .. } if file.ends_with("-wal"))),
            count(|event| matches!(event, Event::Write { file, .. } if file == "test.db")),
            count(|event| matches!(event, Event::FlushEnds { .. })),
            count(|event| matches!(event, Event::Ack(_)))
        )
    }
}

struct Reader {
    folder: String,
    events: Vec<Event>,
    /// Threads that wait for a flush which strace has written on two lines.
    flushing: HashSet<u32>,
}

impl Reader {
    /// One line: `thread call(arguments) = result`. A call during which another thread's was noted stands on two lines,
    /// with `<unfinished ...>` in place of the result, and `<... call resumed>` before it.
    fn line(&mut self, line: &str) {
        let (thread, call) = line.split_once(' ').unwrap();
        let thread: u32 = thread.parse().unwrap();
        let call = call.trim_start();
        if call.starts_with("<... ") {
            if self.flushing.remove(&thread) {
                assert!(call.ends_with("= 0"), "{call}");
                self.events.push(Event::FlushEnds { thread });
            }
            return;
        }
        let Some((name, arguments)) = call.split_once('(') else { return };
        let is_whole = !call.ends_with("<unfinished ...>");
        if name == "unlink" {
            if let Some(file) = arguments.split('"').nth(1).and_then(|path| self.file(&unescape(path))) {
                assert!(call.ends_with("= 0"), "{call}");
                self.events.push(Event::Unlink { file });
            }
            return;
        }
        let Some(file) = self.file_of_descriptor(arguments) else { return };
        match name {
            "fsync" | "fdatasync" => {
                self.events.push(Event::FlushBegins { thread, file });
                if is_whole {
                    assert!(call.ends_with("= 0"), "{call}");
                    self.events.push(Event::FlushEnds { thread });
                } else {
                    self.flushing.insert(thread);
                }
            }
            "write" if file == "acks" => {
                let text = String::from_utf8(quoted(arguments)).unwrap();
                let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap());
                self.events.push(Event::Ack(std::array::from_fn(|_| numbers.next().unwrap())));
            }
            "pwrite64" => {
                let bytes = quoted(arguments);
                let (_, numbers) = arguments.rsplit_once('"').unwrap();
                let mut numbers = numbers.split([',', ' ', ')']).filter(|word| !word.is_empty());
                let mut next = || numbers.next().unwrap().parse::<usize>().unwrap();
                let (length, offset) = (next(), next());
                assert_eq!(bytes.len(), length, "the record is shortened");
                self.events.push(Event::Write { file, offset, bytes });
            }
            "ftruncate" => {
                let number = arguments.split(", ").nth(1).unwrap();
                let length = number.split([')', ' ']).next().unwrap().parse().unwrap();
                self.events.push(Event::Truncate { file, length });
            }
            _ => unreachable!("a call that the disk does not know: {name} on {file}"),
        }
    }

    /// The file behind the first argument, as in `12</folder/file>`; `None` if it is not in the folder, or the memory that
    /// connections share, which does not outlive a power cut.
    fn file_of_descriptor(&self, arguments: &str) -> Option<String> {
        let (_, rest) = arguments.split_once('<')?;
        let (path, _) = rest.split_once('>')?;
        self.file(&unescape(path))
    }

    fn file(&self, path: &[u8]) -> Option<String> {
        let path = String::from_utf8_lossy(path);
        let file = path.strip_prefix(&self.folder)?;
        (!file.ends_with("-shm") && file != "trace").then(|| file.to_owned())
    }
}

/// The bytes of the argument in quotes.
fn quoted(arguments: &str) -> Vec<u8> {
    let (_, rest) = arguments.split_once('"').unwrap();
    unescape(rest.split_once('"').unwrap().0)
}

/// Bytes written as `\x00`, all of them.
fn unescape(text: &str) -> Vec<u8> {
    let digit = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 };
    text.as_bytes()
        .chunks_exact(4)
        .filter(|escape| escape.starts_with(b"\\x"))
        .map(|escape| digit(escape[2]) << 4 | digit(escape[3]))
        .collect()
}
