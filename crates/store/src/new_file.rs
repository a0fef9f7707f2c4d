use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::BackupError;

/// What drafts are called: hidden, and like nothing that anybody else makes.
const PREFIX: &str = ".frontdesk-";
const SUFFIX: &str = ".tmp";

/// What SQLite may leave beside a database.
pub(crate) const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A file that gets its name only when it is whole and on disk. Until then it is a draft in the same folder.
///
/// A draft whose maker was killed is harmless, and is removed by the next one that is begun in its folder.
#[derive(Debug)]
pub struct NewFile {
    target: PathBuf,
    draft: PathBuf,
    /// Locked as long as it is open, which tells a draft that is being written from a leftover.
    file: File,
    has_draft: bool,
}

impl NewFile {
    /// Begins a file that does not exist yet, in a folder that does.
    pub fn begin(target: &Path) -> Result<Self, BackupError> {
        if target.symlink_metadata().is_ok() {
            return Err(BackupError::Exists { path: target.to_owned() });
        }
        Self::beside(target)
    }

    /// Begins a file whose name may be taken already.
    pub(crate) fn beside(target: &Path) -> Result<Self, BackupError> {
        let folder = folder_of(target);
        sweep(folder);
        let (draft, file) =
            make_draft(folder).map_err(|why| BackupError::Write { path: target.to_owned(), why })?;
        Ok(Self { target: target.to_owned(), draft, file, has_draft: true })
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the draft is, for those who write by name.
    pub(crate) fn draft(&self) -> &Path {
        &self.draft
    }

    /// Gives the file its name, unless somebody else has taken it meanwhile.
    pub fn publish(mut self) -> Result<(), BackupError> {
        self.settle(|file| match fs::hard_link(&file.draft, &file.target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // Some file systems, as those of memory sticks, know no second names.
                if file.target.symlink_metadata().is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                fs::rename(&file.draft, &file.target)?;
                file.has_draft = false;
                Ok(())
            }
            result => result,
        })
    }

    /// Gives the file its name, in place of what had it.
    pub(crate) fn replace(mut self) -> Result<(), BackupError> {
        self.settle(|file| {
            fs::rename(&file.draft, &file.target)?;
            file.has_draft = false;
            Ok(())
        })
    }

    /// What is named has to be on disk before its name is, or a power cut leaves the name of something half written.
    fn settle(&mut self, name: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<(), BackupError> {
        let settled = self
            .file
            .sync_all()
            .and_then(|()| name(self))
            .and_then(|()| File::open(folder_of(&self.target))?.sync_all());
        let path = self.target.clone();
        settled.map_err(|why| match why.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path },
            _ => BackupError::Write { path, why },
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.has_draft {
            remove_draft(&self.draft);
        }
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path with something added to its last name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn make_draft(folder: &Path) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true);
    let names = (0..100).map(|n| format!("{PREFIX}{}-{n}{SUFFIX}", std::process::id()));
    for draft in names.map(|name| folder.join(name)) {
        match options.open(&draft) {
            // Between its making and its locking somebody who sweeps may have taken it for a leftover.
            Ok(file) => match file.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                _ if !draft.exists() => {}
                _ => return Ok((draft, file)),
            },
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many unfinished files"))
}

/// Removes the drafts that nobody is writing.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_draft = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let draft = entry.path();
        if is_draft && File::open(&draft).is_ok_and(|file| file.try_lock().is_ok()) {
            remove_draft(&draft);
        }
    }
}

/// The companions first, so that none is left whose draft is gone.
fn remove_draft(draft: &Path) {
    for companion in COMPANIONS {
        let _ = fs::remove_file(with_suffix(draft, companion));
    }
    let _ = fs::remove_file(draft);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let new = NewFile::begin(&target).unwrap();
        new.file().write_all(b"half").unwrap();
        assert!(!target.exists());
        new.file().write_all(b" and half").unwrap();
        new.publish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "half and half");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(NewFile::begin(&folder.path().join("a")).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_name_that_is_taken_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let late = NewFile::begin(&target).unwrap();
        fs::write(&target, "mine").unwrap();
        assert!(matches!(NewFile::begin(&target), Err(BackupError::Exists { .. })));
        assert!(matches!(late.publish(), Err(BackupError::Exists { .. })));
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn leftovers_are_removed_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for leftover in [".frontdesk-1-0.tmp", ".frontdesk-1-0.tmp-journal", "somebody-elses.tmp"] {
            fs::write(folder.path().join(leftover), "x").unwrap();
        }
        let first = NewFile::begin(&folder.path().join("a")).unwrap();
        let second = NewFile::begin(&folder.path().join("b")).unwrap();
        assert!(first.draft().exists() && second.draft().exists());
        first.publish().unwrap();
        second.publish().unwrap();
        assert_eq!(names(folder.path()), ["a", "b", "somebody-elses.tmp"]);
    }

    #[cfg(unix)]
    #[test]
    fn it_is_closed_to_other_users() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        NewFile::begin(&target).unwrap().publish().unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
