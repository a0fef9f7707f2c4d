//! Moving house: everything that is data, from one store to another of any engine.
//!
//! What is read is the export. It is written in batches, each with a mark behind the last conversation that is there as a
//! whole, so that a move that was broken off goes on from there; what was written already is left as it is, by its id. At
//! the end both sides are read again and compared. As long as the mark is there, nobody serves what has been written.

mod batch;
mod compare;
mod error;
mod mark;
mod reading;
mod served;

use frontdesk_core::{Clock, ConversationId, SessionKey};

use self::batch::Batch;
pub use self::compare::{Comparison, Contents, Counts, compare_stores};
pub use self::error::MoveError;
pub(crate) use self::mark::{MARK, Mark};
use self::reading::reading;
use crate::exported::Place;
use crate::{BackupError, ExportedRow, LockError, StoreUrl, convex, lock_for_api, postgres, sqlite};

/// Where rows are put. What goes wrong is told in words.
pub(crate) trait Target {
    /// What is there.
    fn found(&mut self) -> Result<Found, String>;

    /// Keeps rows unless they are there, and then the mark. Conversations come before their messages; what is put at once
    /// is there as a whole or not at all, but for the messages of a conversation that is not there itself.
    fn put(&mut self, rows: &[ExportedRow], mark: Option<&Mark>) -> Result<(), String>;

    /// Takes the mark away.
    fn forget_mark(&mut self) -> Result<(), String>;

    /// Whether that conversation is there, and whether any is for that session.
    fn knows(&mut self, conversation: ConversationId, session: &SessionKey) -> Result<Known, String>;
}

/// What a store has before rows are put there.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) has_conversations: bool,
    pub(crate) has_keys: bool,
    pub(crate) has_settings: bool,
    /// That of a move that was not finished.
    pub(crate) mark: Option<String>,
}

/// What of a conversation is there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    pub(crate) conversation: bool,
    pub(crate) session: bool,
}

/// Copies everything from one store to another that is empty, or goes on with that, and compares the two.
///
/// Nobody may serve the API on either meanwhile. With SQLite its lock sees to that; with the others servers are noticed that
/// show that they live when the move begins. What is changed later is found by the comparison. `tell` is told after each step how much has been read of what there is
/// to write, and then to compare.
///
/// Not copied: operators' sessions, the browsers they have used, and tries to sign in.
pub fn move_store(
    from: &StoreUrl,
    to: &StoreUrl,
    clock: &dyn Clock,
    tell: &mut dyn FnMut(Step, &Counts),
) -> Result<Comparison, MoveError> {
    let name = identity(from);
    if name == identity(to) {
        return Err(MoveError::Same);
    }
    check_that_it_exists(from)?;
    let _held = [hold(from, MoveError::SourceInUse)?, hold(to, MoveError::TargetInUse)?];
    let [source, target] = served::served([from, to]);
    if let Some(node) = source? {
        return Err(MoveError::SourceInUse(Box::new(node)));
    }
    // What is wrong with it is said when it is opened.
    if let Ok(Some(node)) = target {
        return Err(MoveError::TargetInUse(Box::new(node)));
    }
    let mut target = open_target(to, clock)?;
    let broken = |why| MoveError::Write { store: to.to_string(), why };
    let after = begin(&mut *target, to, &name).map_err(broken)??;
    copy(from, after, &mut |batch, counts| {
        target.put(&batch.rows, Some(&Mark { from: name.clone(), after: batch.whole })).map_err(broken)?;
        tell(Step::Copy, counts);
        Ok(())
    })?;
    let comparison = compare_stores(from, to, &mut |counts| tell(Step::Compare, counts))?;
    if let Some(difference) = &comparison.first_difference {
        return Err(MoveError::Differs { difference: difference.clone(), comparison: Box::new(comparison) });
    }
    target.forget_mark().map_err(broken)?;
    Ok(comparison)
}

/// What a move is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading there and writing here.
    Copy,
    /// Reading both and comparing.
    Compare,
}

/// What a store is called in the mark of a move: the same place has the same name whenever it is asked.
fn identity(url: &StoreUrl) -> String {
    match url {
        StoreUrl::Sqlite(path) => {
            let whole = path.canonicalize().or_else(|_| std::path::absolute(path));
            StoreUrl::Sqlite(whole.unwrap_or_else(|_| path.clone())).to_string()
        }
        other => other.to_string(),
    }
}

/// Not to make the folder and the lock of a database that a slip has made up.
fn check_that_it_exists(url: &StoreUrl) -> Result<(), MoveError> {
    match url {
        StoreUrl::Sqlite(path) if !path.is_file() => Err(BackupError::Missing { path: path.clone() }.into()),
        _ => Ok(()),
    }
}

fn hold(
    url: &StoreUrl,
    refused: fn(Box<LockError>) -> MoveError,
) -> Result<Option<crate::ApiLock>, MoveError> {
    lock_for_api(url).map_err(|error| refused(Box::new(error)))
}

/// Opens a store to put rows there, making and migrating it as needed.
pub(crate) fn open_target(to: &StoreUrl, clock: &dyn Clock) -> Result<Box<dyn Target>, MoveError> {
    Ok(match to {
        StoreUrl::Sqlite(path) => Box::new(sqlite::SqliteTarget::open(path, clock)?),
        StoreUrl::Postgres(url) => Box::new(postgres::PostgresTarget::open(url, clock)?),
        StoreUrl::Convex(settings) => Box::new(convex::ConvexTarget::open(settings)?),
    })
}

/// Sees that rows may be put there, and says from where on they have to be. The inner error refuses.
fn begin(
    target: &mut dyn Target,
    to: &StoreUrl,
    from: &str,
) -> Result<Result<Option<Place>, MoveError>, String> {
    let found = target.found()?;
    if let Some(mark) = &found.mark {
        let mark = Mark::parse(mark).ok_or("the mark of the move that was begun there makes no sense")?;
        let is_same = mark.from == from;
        let other = MoveError::OtherMove { store: to.to_string(), from: mark.from };
        return Ok(if is_same { Ok(mark.after) } else { Err(other) });
    }
    for (is_there, what) in [
        (found.has_conversations, "conversations"),
        (found.has_keys, "keys"),
        (found.has_settings, "a password"),
    ] {
        if is_there {
            return Ok(Err(MoveError::NotEmpty { store: to.to_string(), what }));
        }
    }
    target.put(&[], Some(&Mark { from: from.to_owned(), after: None }))?;
    Ok(Ok(None))
}

/// Reads everything after a place, batch by batch. Reading goes on while a batch is written.
fn copy(
    from: &StoreUrl,
    after: Option<Place>,
    put: &mut dyn FnMut(&Batch, &Counts) -> Result<(), MoveError>,
) -> Result<(), MoveError> {
    reading(from, after, |rows| {
        let mut counts = Counts::default();
        let mut batch = Batch::new(after);
        for row in rows {
            counts.add(&row);
            if let Some(full) = batch.add(row) {
                put(&full, &counts)?;
            }
        }
        Ok((batch, counts))
    })
    .and_then(|(mut last, counts)| {
        last.end();
        put(&last, &counts)
    })
}
