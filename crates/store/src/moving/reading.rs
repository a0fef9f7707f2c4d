use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::MoveError;
use crate::exported::Place;
use crate::{ExportedRow, StoreUrl, export_after};

/// How many rows wait at most to be taken.
const WAITING: usize = 64;

/// Reads a store on a thread of its own while `work` takes the rows. What `work` fails with goes before what the reading
/// ends with for that reason.
pub(super) fn reading<T>(
    from: &StoreUrl,
    after: Option<Place>,
    work: impl FnOnce(Receiver<ExportedRow>) -> Result<T, MoveError>,
) -> Result<T, MoveError> {
    let (give, take) = sync_channel(WAITING);
    thread::scope(|scope| {
        let read = move || {
            export_after(from, after, &mut |row| give.send(row).map_err(|_| io::ErrorKind::BrokenPipe.into()))
        };
        let reader = thread::Builder::new().name("move-reader".to_owned()).spawn_scoped(scope, read);
        let reader = reader.map_err(MoveError::Thread)?;
        let worked = work(take);
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let done = worked?;
        read?;
        Ok(done)
    })
}
