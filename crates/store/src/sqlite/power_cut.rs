//! P2: what was acknowledged survives a power cut.
//!
//! A process works with the store while strace writes down what it tells the kernel: writes, flushes, deletions, and when
//! it says that something is stored. From this record a disk is made as a power cut may leave it: what was flushed is
//! there, and of the rest nothing, all, some, or parts of some. The store opens it, and has to have everything that was
//! acknowledged before the cut.
//!
//! Not shown: that a directory may forget a file that was just made or deleted, that sectors rot, and that a real disk
//! flushes when it says so. A disk that lies loses data with every program; the last control shows it.

mod disk;
mod record;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use frontdesk_core::testing::ManualClock;
use frontdesk_core::testing::suite::{Fixture, SITE, session};
use frontdesk_core::{ConversationStore as _, Message, MessageStatus, SavePartial, ThreadPage};
use frontdesk_testkit::{Dice, Effort};
use tokio::task::JoinSet;

use self::disk::{Disk, Remains};
use self::record::{Event, Recording};
use super::{MIGRATIONS, Readers, SqliteStore, Writer, connection, migrations};

const SEED: u64 = 0x5EED_0002;
const VISITORS: usize = 3;
/// How often the store is closed and opened again in a record: the last connection that is closed empties the log.
const OPENINGS: usize = 2;

const FOLDER: &str = "POWER_CUT_FOLDER";
const SYNCHRONOUS: &str = "POWER_CUT_SYNCHRONOUS";
const TURNS: &str = "POWER_CUT_TURNS";

/// The text of a message, and of its answer.
fn texts(visitor: usize, turn: usize) -> (String, String) {
    (format!("question {turn} of {visitor}"), format!("answer {turn} to {visitor}. ").repeat(20 + turn % 40))
}

fn part(answer: &str) -> &str {
    &answer[..answer.len() / 2]
}

/// The store as it is, or with another setting of `synchronous` for what it writes.
fn open_store(path: &Path, synchronous: &str) -> SqliteStore {
    let clock = ManualClock::default();
    if synchronous == "FULL" {
        return SqliteStore::open(path, &clock).unwrap();
    }
    connection::prepare_folder(path).unwrap();
    let mut connection = connection::open(path).unwrap();
    migrations::apply(&mut connection, &clock, &MIGRATIONS, |_, _| Ok(())).unwrap();
    connection.execute_batch(&format!("PRAGMA synchronous = {synchronous}")).unwrap();
    SqliteStore { readers: Readers::start(path).unwrap(), writer: Writer::start(connection).unwrap() }
}

#[tokio::test]
#[ignore = "it is the process that the other tests record"]
#[expect(clippy::disallowed_methods, reason = "it is told what to do by the process that records it")]
async fn the_recorded_process() {
    let variable = |name| std::env::var(name).unwrap();
    let folder = PathBuf::from(variable(FOLDER));
    let turns: usize = variable(TURNS).parse().unwrap();
    let acks = std::fs::File::options().create(true).append(true).open(folder.join("acks")).unwrap();
    let acks = Arc::new(acks);
    for opening in 0..OPENINGS {
        let store = open_store(&folder.join("test.db"), &variable(SYNCHRONOUS));
        let fixture = Fixture::new(Arc::new(store), None, Box::new(())).await;
        // Ids are made from the time.
        fixture.clock.advance(Duration::from_hours(opening as u64));
        let fixture = Arc::new(fixture);
        let mut visitors = JoinSet::new();
        for visitor in 0..VISITORS {
            let (fixture, acks) = (Arc::clone(&fixture), Arc::clone(&acks));
            visitors.spawn(async move {
                for turn in opening * turns..(opening + 1) * turns {
                    take_turn(&fixture, &acks, visitor, turn).await;
                }
            });
        }
        visitors.join_all().await;
    }
}

/// Sends a message and answers it, and says of each step when it is stored.
async fn take_turn(fixture: &Fixture, mut acks: &std::fs::File, visitor: usize, turn: usize) {
    let mut say = |step: usize| acks.write_all(format!("{visitor} {turn} {step}\n").as_bytes()).unwrap();
    let (question, answer) = texts(visitor, turn);
    let opened = fixture.open(&session(&visitor.to_string()), &question).await;
    say(0);
    let partial = SavePartial { site: SITE, answer: opened.answer, text: part(&answer).to_owned() };
    fixture.store.save_partial(partial).await.unwrap();
    say(1);
    fixture.close(opened.answer, MessageStatus::Complete, &answer).await;
    say(2);
}

/// What a cut left of what was acknowledged.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Whole,
    Lost(String),
    Corrupt(String),
}

/// How far each visitor's turns were acknowledged: the last turn, and how many of its three steps.
type Acknowledged = [Option<(usize, usize)>; VISITORS];

/// Opens what a cut has left, and compares.
async fn examine(path: &Path, acknowledged: &Acknowledged) -> Outcome {
    let store = match SqliteStore::open(path, &ManualClock::default()) {
        Ok(store) => store,
        Err(error) => return Outcome::Corrupt(error.to_string()),
    };
    let check = |connection: &rusqlite::Connection| {
        Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?)
    };
    match store.read(check).await {
        Ok(verdict) if verdict == "ok" => {}
        verdict => return Outcome::Corrupt(format!("{verdict:?}")),
    }
    for (visitor, acknowledged) in acknowledged.iter().enumerate() {
        let page = ThreadPage { before: None, limit: u32::MAX };
        let messages = match store.session_thread(&session(&visitor.to_string()), page).await {
            Ok(thread) => thread.map_or_else(Vec::new, |thread| thread.messages),
            Err(error) => return Outcome::Corrupt(error.to_string()),
        };
        if let Some((turn, steps)) = *acknowledged
            && !has(&messages, visitor, turn, steps)
        {
            return Outcome::Lost(format!("turn {turn} of {visitor}, {steps} steps: {:?}", messages.last()));
        }
    }
    Outcome::Whole
}

/// Whether all turns before this one are whole, and of this one at least so many steps.
fn has(messages: &[Message], visitor: usize, last: usize, steps: usize) -> bool {
    let places = messages.iter().map(|message| message.seq as usize);
    places.eq(1..=messages.len())
        && (0..=last).all(|turn| {
            let (question, answer) = texts(visitor, turn);
            let Some([asked, answered, ..]) = messages.get(2 * turn..) else { return false };
            let steps = if turn < last { 3 } else { steps };
            asked.text == question
                && match steps {
                    3 => answered.status == MessageStatus::Complete && answered.text == answer,
                    2 => answered.text == part(&answer) || answered.text == answer,
                    _ => true,
                }
        })
}

/// strace, which writes down in `trace` what the command that follows tells the kernel.
fn strace(trace: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-e"]);
    strace.arg(format!("trace={}", record::CALLS)).arg("-o").arg(trace);
    strace
}

/// Records a process that works with the store. `None` if that cannot be done here, which is said aloud.
fn record(synchronous: &str, turns: usize) -> Option<Recording> {
    // It may be missing, and where it is not, containers may forbid it.
    let works = strace(Path::new("/dev/null")).arg("true").stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        assert_eq!(Effort::asked(), Effort::Quick, "strace does not work here: run cargo xtask test");
        println!("SKIPPED: needs strace, and the right to use it");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let status = strace(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "sqlite::power_cut::the_recorded_process"])
        .env(FOLDER, folder.path())
        .env(SYNCHRONOUS, synchronous)
        .env(TURNS, turns.to_string())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the recorded process failed");
    let recording = Recording::read(&trace, folder.path());
    let acks = recording.events.iter().filter(|event| matches!(event, Event::Ack(_))).count();
    assert_eq!(acks, VISITORS * OPENINGS * turns * 3, "acknowledgements are missing in the record");
    Some(recording)
}

/// What became of the cuts.
#[derive(Debug, Default)]
struct Tally {
    cuts: usize,
    lost: usize,
    corrupt: usize,
    first: Option<Outcome>,
}

/// Cuts the power at so many random places after the first acknowledgement, and looks what is left.
async fn cut(recording: &Recording, cuts: usize, seed: u64, flushes_lie: bool) -> Tally {
    let mut dice = Dice::new(seed);
    let first = recording.events.iter().position(|event| matches!(event, Event::Ack(_))).unwrap();
    let mut places: Vec<_> =
        (0..cuts).map(|_| first + 1 + dice.below(recording.events.len() - first)).collect();
    places.sort_unstable();
    // A disk in memory, if there is one: what is tried here is not whether this machine's disk can flush.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let mut disk = Disk::new(flushes_lie);
    let mut acknowledged = Acknowledged::default();
    let mut tally = Tally::default();
    let mut done = 0;
    for place in places {
        for event in &recording.events[done..place] {
            if let Event::Ack([visitor, turn, step]) = event {
                acknowledged[*visitor] = Some((*turn, step + 1));
            }
            disk.take(event);
        }
        done = place;
        let scratch = folder.path().join(tally.cuts.to_string());
        disk.leave(&scratch, Remains::any(&mut dice), &mut dice);
        let outcome = examine(&scratch.join("test.db"), &acknowledged).await;
        std::fs::remove_dir_all(scratch).unwrap();
        tally.cuts += 1;
        match &outcome {
            Outcome::Whole => continue,
            Outcome::Lost(_) => tally.lost += 1,
            Outcome::Corrupt(_) => tally.corrupt += 1,
        }
        tally.first.get_or_insert(outcome);
    }
    tally
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut() {
    let (seeds, cuts, turns) = Effort::asked().pick((1, 20, 6), (5, 1000, 60));
    for seed in (SEED..).take(seeds) {
        let Some(recording) = record("FULL", turns) else { return };
        let tally = cut(&recording, cuts, seed, false).await;
        println!("{cuts} cuts among {}: {} lost, {} corrupt", recording.summary(), tally.lost, tally.corrupt);
        assert_eq!((tally.lost, tally.corrupt), (0, 0), "seed {seed:#x}: {:?}", tally.first);
        assert_eq!(tally.cuts, cuts);
    }
}

/// Without these nobody would know whether the test above can fail.
#[tokio::test]
async fn less_than_a_flush_for_every_commit_is_noticed() {
    let (cuts, turns) = Effort::asked().pick((20, 6), (200, 60));
    for synchronous in ["NORMAL", "OFF"] {
        let Some(recording) = record(synchronous, turns) else { return };
        let tally = cut(&recording, cuts, SEED, false).await;
        println!("synchronous={synchronous}: {} lost, {} corrupt of {cuts}", tally.lost, tally.corrupt);
        assert!(tally.lost > 0, "synchronous={synchronous} loses nothing");
    }
    let Some(recording) = record("FULL", turns) else { return };
    let tally = cut(&recording, cuts, SEED, true).await;
    println!("flushes that lie: {} lost, {} corrupt of {cuts}", tally.lost, tally.corrupt);
    assert!(tally.lost + tally.corrupt > cuts / 4, "a disk that lies loses nothing");
}
