//! A disk that keeps what was flushed, and of the rest what chance leaves.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use frontdesk_testkit::Dice;

use super::record::Event;

/// What a disk writes without being cut in it.
const SECTOR: usize = 512;

/// What is left of changes that were not flushed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Remains {
    /// None of them.
    None,
    /// All of them.
    All,
    /// Some, in any combination.
    Some,
    /// Some, and of some of those only the first sectors.
    Torn,
}

impl Remains {
    /// One of the four.
    pub(super) fn any(dice: &mut Dice) -> Self {
        [Self::None, Self::All, Self::Some, Self::Torn][dice.below(4)]
    }
}

/// A disk, and what the kernel has not brought there yet.
#[derive(Debug)]
pub(super) struct Disk {
    files: BTreeMap<String, File>,
    /// How much of which file each thread's flush will have brought to the disk when it ends.
    flushing: HashMap<u32, (String, usize)>,
    flushes_lie: bool,
}

#[derive(Debug, Default)]
struct File {
    flushed: Vec<u8>,
    waiting: Vec<Change>,
    /// How many changes have been flushed in all.
    count: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => content.resize(*length, 0),
        }
    }

    /// As much of it as was written when the power failed.
    fn torn(&self, dice: &mut Dice) -> Self {
        match self {
            Self::Write { offset, bytes } => {
                let sectors = dice.below(bytes.len() / SECTOR + 1);
                Self::Write { offset: *offset, bytes: bytes[..sectors * SECTOR].to_vec() }
            }
            Self::Truncate { .. } => self.clone(),
        }
    }
}

impl Disk {
    /// An empty disk. With `flushes_lie` it says that it has flushed, and has not.
    pub(super) fn new(flushes_lie: bool) -> Self {
        Self { files: BTreeMap::new(), flushing: HashMap::new(), flushes_lie }
    }

    /// Lets something happen.
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Write { file, offset, bytes } => {
                let change = Change::Write { offset: *offset, bytes: bytes.clone() };
                self.files.entry(file.clone()).or_default().waiting.push(change);
            }
            Event::Truncate { file, length } => {
                let change = Change::Truncate { length: *length };
                self.files.entry(file.clone()).or_default().waiting.push(change);
            }
            Event::Unlink { file } => {
                self.files.remove(file);
                self.flushing.retain(|_, (other, _)| other != file);
            }
            Event::FlushBegins { thread, file } => {
                // What is written while a flush runs may miss it.
                let until = self.files.get(file).map_or(0, |file| file.count + file.waiting.len());
                self.flushing.insert(*thread, (file.clone(), until));
            }
            Event::FlushEnds { thread } => {
                let Some((file, until)) = self.flushing.remove(thread) else { return };
                if let Some(file) = self.files.get_mut(&file).filter(|_| !self.flushes_lie) {
                    file.flush(until);
                }
            }
            Event::Ack(_) => {}
        }
    }

    /// Writes into a new folder what a power cut leaves now.
    pub(super) fn leave(&self, folder: &Path, remains: Remains, dice: &mut Dice) {
        std::fs::create_dir(folder).unwrap();
        for (name, file) in &self.files {
            let mut content = file.flushed.clone();
            for change in &file.waiting {
                match remains {
                    Remains::None => {}
                    Remains::Some | Remains::Torn if dice.percent(50) => {}
                    Remains::Torn if dice.percent(50) => change.torn(dice).apply(&mut content),
                    Remains::All | Remains::Some | Remains::Torn => change.apply(&mut content),
                }
            }
            std::fs::write(folder.join(name), content).unwrap();
        }
    }
}

impl File {
    fn flush(&mut self, until: usize) {
        let now = until.saturating_sub(self.count);
        for change in self.waiting.drain(..now) {
            change.apply(&mut self.flushed);
        }
        self.count += now;
    }
}
