use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;

use crate::{FinishReason, MessageStatus, TurnFailure, Usage};

/// An answer as it grows: an append-only text that any number of readers follow, each at its own place.
///
/// A reader's place is a **cursor**: how many bytes of the text (UTF-8) it has. State, not events: whoever comes back
/// with a cursor gets exactly the rest, however the text was cut into deltas. A reader costs nothing but its cursor,
/// and a slow one holds nobody up.
#[derive(Debug)]
pub struct TurnLog {
    state: Mutex<State>,
    /// Counts changes, to wake readers.
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    text: String,
    end: Option<TurnEnd>,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnEnd {
    /// The answer's last status.
    pub status: MessageStatus,
    /// Why the model stopped writing, if it said so.
    pub finish: Option<FinishReason>,
    /// Why the answer was interrupted or failed, if it was.
    pub failure: Option<TurnFailure>,
    /// When to come back, if the model's server said so. It is not stored: an answer that is read later has none.
    pub retry_after: Option<Duration>,
    /// What the answer cost, if the model's server said so.
    pub usage: Option<Usage>,
}

/// What a reader finds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnUpdate {
    /// More of the text: what there is past the reader's cursor, a kilobyte at most.
    Text {
        /// The text.
        text: String,
        /// The cursor after it.
        cursor: usize,
    },
    /// The end. Nothing follows.
    End(TurnEnd),
}

/// The most bytes of text in an update: what is held for a reader that takes nothing.
pub(crate) const PIECE: usize = 1024;

/// The cursor is past the end of the text, or inside a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the cursor is not a place in this answer")]
pub struct CursorOutOfRange;

impl TurnLog {
    /// The log of an answer that has no text yet.
    pub fn start() -> Arc<Self> {
        Self::from_state(State::default())
    }

    /// The log of an answer that ended some time ago, to be read like any other.
    pub fn ended(text: String, end: TurnEnd) -> Arc<Self> {
        Self::from_state(State { text, end: Some(end) })
    }

    fn from_state(state: State) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), version: watch::Sender::new(0) })
    }

    /// Adds to the text.
    pub fn append(&self, delta: &str) {
        self.lock().text.push_str(delta);
        self.version.send_modify(|version| *version += 1);
    }

    /// Adds what follows the first `from` bytes, as far as it is new. `false` if there is a gap before it.
    pub(crate) fn append_at(&self, from: usize, text: &str) -> bool {
        let mut state = self.lock();
        let Some(known) = state.text.len().checked_sub(from) else { return false };
        let new = text.get(known..).unwrap_or_default();
        if !new.is_empty() && state.end.is_none() {
            state.text.push_str(new);
            drop(state);
            self.version.send_modify(|version| *version += 1);
        }
        true
    }

    /// Ends the log. Only the first end counts.
    pub fn finish(&self, end: TurnEnd) {
        self.lock().end.get_or_insert(end);
        self.version.send_modify(|version| *version += 1);
    }

    /// The text so far.
    pub fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The length of the text so far, in bytes.
    pub fn len(&self) -> usize {
        self.lock().text.len()
    }

    /// Whether there is no text yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader that has the first `cursor` bytes already.
    pub fn reader(self: &Arc<Self>, cursor: usize) -> Result<TurnReader, CursorOutOfRange> {
        if !self.lock().text.is_char_boundary(cursor) {
            return Err(CursorOutOfRange);
        }
        Ok(TurnReader { log: Arc::clone(self), version: self.version.subscribe(), cursor })
    }

    /// A reader that may have more already than has arrived here: it waits until the text is longer than that.
    pub(crate) fn reader_ahead(self: &Arc<Self>, cursor: usize) -> Result<TurnReader, CursorOutOfRange> {
        let state = self.lock();
        if state.end.is_none() && cursor > state.text.len() {
            return Ok(TurnReader { log: Arc::clone(self), version: self.version.subscribe(), cursor });
        }
        drop(state);
        self.reader(cursor)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows a [`TurnLog`].
#[derive(Debug)]
pub struct TurnReader {
    log: Arc<TurnLog>,
    version: watch::Receiver<u64>,
    cursor: usize,
}

impl TurnReader {
    /// How many bytes of the text this reader has.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// All of the text so far, whatever this reader has of it.
    pub fn text(&self) -> String {
        self.log.text()
    }

    /// Waits for more. What has arrived meanwhile comes at once, if it is not very much. Losing the future loses nothing.
    pub async fn next(&mut self) -> TurnUpdate {
        loop {
            self.version.borrow_and_update();
            if let Some(update) = self.read() {
                return update;
            }
            // The sender lives in the log that this reader holds, so this cannot fail.
            let _ = self.version.changed().await;
        }
    }

    fn read(&mut self) -> Option<TurnUpdate> {
        let state = self.log.lock();
        let text = state.text.get(self.cursor..).unwrap_or_default();
        if text.is_empty() {
            return state.end.map(TurnUpdate::End);
        }
        let text = &text[..text.floor_char_boundary(PIECE)];
        self.cursor += text.len();
        Some(TurnUpdate::Text { text: text.to_owned(), cursor: self.cursor })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use frontdesk_testkit::{Dice, Effort};
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const DONE: TurnEnd = TurnEnd {
        status: MessageStatus::Complete,
        finish: Some(FinishReason::Stop),
        failure: None,
        retry_after: None,
        usage: None,
    };

    async fn rest(mut reader: TurnReader) -> (String, TurnEnd) {
        let mut text = String::new();
        loop {
            match reader.next().await {
                TurnUpdate::Text { text: more, .. } => text.push_str(&more),
                TurnUpdate::End(end) => return (text, end),
            }
        }
    }

    #[tokio::test]
    async fn a_reader_that_comes_late_gets_everything_at_once() {
        let log = TurnLog::start();
        log.append("Hello");
        log.append(", world");
        let mut reader = log.reader(0).unwrap();
        assert_eq!(reader.next().await, TurnUpdate::Text { text: "Hello, world".to_owned(), cursor: 12 });
        log.finish(DONE);
        assert_eq!(reader.next().await, TurnUpdate::End(DONE));
    }

    #[tokio::test]
    async fn a_long_text_comes_in_pieces_that_end_between_characters() {
        let text = format!("a{}", "é".repeat(PIECE));
        let log = TurnLog::ended(text.clone(), DONE);
        let mut reader = log.reader(0).unwrap();
        let TurnUpdate::Text { text: first, cursor } = reader.next().await else {
            unreachable!("there is text")
        };
        assert_eq!((first.len(), cursor), (PIECE - 1, PIECE - 1));
        assert_eq!(rest(log.reader(0).unwrap()).await, (text, DONE));
    }

    #[tokio::test]
    async fn a_reader_that_returns_gets_exactly_the_rest() {
        let log = TurnLog::start();
        log.append("one ");
        let mut first = log.reader(0).unwrap();
        first.next().await;
        let cursor = first.cursor();
        drop(first);
        log.append("two");
        log.finish(DONE);
        assert_eq!(rest(log.reader(cursor).unwrap()).await, ("two".to_owned(), DONE));
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let log = TurnLog::start();
        let reader = log.reader(0).unwrap();
        let writer = async {
            tokio::task::yield_now().await;
            log.append("late");
            tokio::task::yield_now().await;
            log.finish(DONE);
        };
        let (read, ()) = tokio::join!(rest(reader), writer);
        assert_eq!(read, ("late".to_owned(), DONE));
    }

    #[test]
    fn a_cursor_must_be_a_place_between_characters() {
        let log = TurnLog::start();
        log.append("é");
        assert!(log.reader(2).is_ok());
        assert_eq!(log.reader(1).unwrap_err(), CursorOutOfRange);
        assert_eq!(log.reader(3).unwrap_err(), CursorOutOfRange);
    }

    #[tokio::test]
    async fn only_the_first_end_counts() {
        let log = TurnLog::start();
        log.finish(DONE);
        log.finish(TurnEnd { status: MessageStatus::Failed, ..DONE });
        assert_eq!(rest(log.reader(0).unwrap()).await.1, DONE);
    }

    /// With real threads, because what a reader might miss is what happens while it begins to wait.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn readers_on_other_threads_miss_nothing() {
        const DELTAS: usize = 2;
        for seed in 0..Effort::asked().pick(3_000, 50_000) {
            let log = TurnLog::start();
            let mut readers = JoinSet::new();
            for n in 0..4 {
                let (log, mut dice) = (Arc::clone(&log), Dice::new(seed * 4 + n));
                readers.spawn(async move {
                    let (mut reader, mut seen) = (log.reader(0).unwrap(), String::new());
                    while let TurnUpdate::Text { text, cursor } = reader.next().await {
                        seen += &text;
                        if dice.percent(20) {
                            reader = log.reader(cursor).unwrap();
                        }
                    }
                    seen
                });
            }
            let writer = tokio::task::spawn_blocking(move || {
                (0..DELTAS).for_each(|_| log.append("é"));
                log.finish(DONE);
            });
            let all = async {
                writer.await.unwrap();
                readers.join_all().await
            };
            let seen = timeout(Duration::from_secs(10), all).await.expect("a reader was not woken");
            assert!(seen.iter().all(|text| *text == "é".repeat(DELTAS)), "seed {seed}");
        }
    }
}
