//! The conversations of the system that Frontdesk follows, as Convex exports them.
//!
//! What is read is the folder that `npx convex export` makes, unpacked: a file of lines of JSON for each table. Its rows may
//! be anything: what does not fit is left out and told by its file, its line and the rule, never by its text.
//!
//! Ids are made from the origin's, so what was imported once is known again.

mod ids;
mod lines;
mod read;
mod rows;

use std::path::Path;

use frontdesk_core::{Clock, SiteId};

use self::read::Export;
use crate::moving::{MoveError, Target, open_target};
use crate::{ExportedRow, StoreUrl, lock_for_api, open};

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The table it is of.
    pub table: &'static str,
    /// Its line, from 1 on.
    pub line: u64,
    /// What it would have to be.
    pub rule: String,
}

/// What came of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Conversations that are new here.
    pub conversations: u64,
    /// Their messages.
    pub messages: u64,
    /// Conversations that had been imported before; they were left as they are.
    pub known: u64,
    /// Rows that were left out.
    pub skipped: u64,
}

/// Writes the origin's conversations into a store that nobody serves the API on, and says of each row that is left out why.
///
/// A conversation is there as a whole or not at all, so an import that was broken off is simply made again. It holds about
/// 100 bytes for each message, and the texts of one conversation at a time.
pub fn import_origin(
    folder: &Path,
    to: &StoreUrl,
    clock: &dyn Clock,
    tell: &mut dyn FnMut(Skipped),
) -> Result<Imported, MoveError> {
    let mut imported = Imported::default();
    let mut skip = |skipped: Skipped| {
        imported.skipped += 1;
        tell(skipped);
    };
    let mut export = Export::read(folder, &mut skip)?;
    let _held = lock_for_api(to).map_err(|error| MoveError::TargetInUse(Box::new(error)))?;
    make_site(to, clock)?;
    let mut target = open_target(to, clock)?;
    let broken = |why| MoveError::Write { store: to.to_string(), why };
    let (mut conversations, mut messages, mut known) = (0, 0, 0);
    while let Some(found) = export.next(&mut skip)? {
        let session = found.conversation.session();
        let there = target.knows(found.conversation.summary.id, &session).map_err(broken)?;
        if there.conversation {
            known += 1;
        } else if there.session {
            let rule = "its session must not have a conversation here already".to_owned();
            skip(Skipped { table: rows::CONVERSATIONS, line: found.line, rule });
        } else {
            conversations += 1;
            messages += found.messages.len() as u64;
            put(&mut *target, found).map_err(broken)?;
        }
    }
    Ok(Imported { conversations, messages, known, ..imported })
}

fn make_site(to: &StoreUrl, clock: &dyn Clock) -> Result<(), MoveError> {
    let store = open(to, clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let making = store.ensure_site(SiteId::DEFAULT, "default", clock.now());
    runtime.map_err(MoveError::Thread)?.block_on(making).map_err(|error| {
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        MoveError::Write { store: to.to_string(), why }
    })
}

fn put(target: &mut dyn Target, found: read::Found) -> Result<(), String> {
    let id = found.conversation.summary.id;
    let mut rows = vec![ExportedRow::Conversation(Box::new(found.conversation))];
    rows.extend(found.messages.into_iter().map(|message| ExportedRow::Message(id, message)));
    target.put(&rows, None)
}
