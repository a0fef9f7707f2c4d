use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::OpenSqliteError;
use super::error::is_full;
use crate::new_file::folder_of;

/// How many prepared statements a connection keeps. There are fewer in this crate.
const STATEMENTS: usize = 128;

/// How long a statement waits for another process, as when the dashboard runs apart from the API.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// File systems whose files are not mapped into one memory by all who open them.
const NETWORK_FILE_SYSTEMS: [&str; 7] = ["9p", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"];

/// Makes the folder of a database, and refuses one on which write-ahead logging does not work.
pub(crate) fn prepare_folder(path: &Path) -> Result<(), OpenSqliteError> {
    let folder = folder_of(path);
    make_folder(folder).map_err(|source| OpenSqliteError::Folder { path: folder.to_owned(), source })?;
    let (Ok(folder), Ok(mounts)) = (folder.canonicalize(), fs::read_to_string("/proc/self/mounts")) else {
        return Ok(());
    };
    match file_system(&folder, &mounts) {
        Some(kind) if NETWORK_FILE_SYSTEMS.contains(&kind) => {
            Err(OpenSqliteError::NetworkFileSystem { path: path.to_owned(), kind: kind.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Conversations are for the server alone, so a folder that is made for them is closed to other users.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Makes the file, closed to other users; its companions get the same rights from SQLite.
///
/// A file that exists is not even opened: whatever process closes a file loses all locks it holds on it (POSIX), those
/// of its other connections too, and then another process takes itself for the last one and deletes the log.
fn make_file(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The type of the file system that a folder is on, from a table of mounts in the form of proc(5).
fn file_system<'a>(folder: &Path, mounts: &'a str) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let mount = PathBuf::from(fields.nth(1)?.replace("\\040", " "));
            Some((mount, fields.next()?))
        })
        .filter(|(mount, _)| folder.starts_with(mount))
        // Of two mounts on one place the later one counts; `max_by_key` keeps the last.
        .max_by_key(|(mount, _)| mount.components().count())
        .map(|(_, kind)| kind)
}

/// A connection to the file, set up for durable writing.
pub(super) fn open(path: &Path) -> Result<Connection, OpenSqliteError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    make_file(path).map_err(|source| OpenSqliteError::File { path: path.to_owned(), source })?;
    connect(path, flags).map_err(|source| {
        let path = path.to_owned();
        if is_full(&source) { OpenSqliteError::Full { path } } else { OpenSqliteError::Open { path, source } }
    })
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // FULL and not NORMAL: in WAL mode NORMAL may roll back commits that were acknowledged before a power cut. What is
    // deleted is overwritten, because visitors are told that it is gone.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "/dev/vda / ext4 rw 0 0\n\
                          nas:/export /srv/shared\\040data nfs4 rw 0 0\n\
                          tmpfs /srv/shared\\040data/fast tmpfs rw 0 0\n";

    #[test]
    fn the_nearest_mount_decides() {
        for (folder, kind) in [
            ("/var/lib", "ext4"),
            ("/srv/shared", "ext4"),
            ("/srv/shared data/frontdesk", "nfs4"),
            ("/srv/shared data/fast/x", "tmpfs"),
        ] {
            assert_eq!(file_system(Path::new(folder), MOUNTS), Some(kind), "{folder}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_closed_to_other_users() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/test.db");
        prepare_folder(&path).unwrap();
        let connection = open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for name in ["test.db", "test.db-wal", "test.db-shm"] {
            assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn a_connection_is_set_up_for_durable_writing() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("test.db")).unwrap();
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), pragma("synchronous"), pragma("foreign_keys")), ("wal", 2, 1));
        assert_eq!(pragma("secure_delete"), 1);
    }

    /// Without this lock any other process that opens the database and closes it again deletes the log, and with it what
    /// was written since.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_later_connection_leaves_the_earlier_ones_their_lock() {
        use std::os::unix::fs::MetadataExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let earlier = open(&path).unwrap();
        earlier.execute_batch("CREATE TABLE t (a)").unwrap();
        let later = open(&path).unwrap();
        let inode = format!(":{} ", fs::metadata(&path).unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        assert!(locks.lines().any(|lock| lock.contains("POSIX") && lock.contains(&inode)), "{locks}");
        drop((earlier, later));
    }
}
