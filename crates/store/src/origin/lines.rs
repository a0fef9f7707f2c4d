use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::BackupError;

/// The longest line that is read, in bytes: a document of Convex has at most 1 MiB, and six times as much as JSON.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The lines of a file, which may be large and broken.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    offset: u64,
}

/// A line, and where it begins.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) offset: u64,
    /// Without its end; `None` if it is longer than any row.
    pub(super) bytes: Option<Vec<u8>>,
}

/// What there was to read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Line,
    TooLong,
    End,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, BackupError> {
        let failed = |why: io::Error| BackupError::Read { path: path.to_owned(), why: why.to_string() };
        // Whoever opens a pipe may wait for ever.
        let is_file = std::fs::metadata(path).map_err(failed)?.is_file();
        if !is_file {
            return Err(failed(io::Error::other("it is not a file")));
        }
        let file = BufReader::new(File::open(path).map_err(failed)?);
        Ok(Self { path: path.to_owned(), file, offset: 0 })
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, BackupError> {
        let offset = self.offset;
        let mut bytes = Vec::new();
        let read = self.read(&mut bytes).map_err(|why| self.failure(&why))?;
        let bytes = (read != Read::TooLong).then_some(bytes);
        Ok((read != Read::End).then_some(Line { offset, bytes }))
    }

    /// The line that begins there. The next one is the one behind it.
    pub(super) fn at(&mut self, offset: u64) -> Result<Option<Line>, BackupError> {
        if offset != self.offset {
            self.file.seek(SeekFrom::Start(offset)).map_err(|why| self.failure(&why))?;
            self.offset = offset;
        }
        self.next()
    }

    fn failure(&self, why: &io::Error) -> BackupError {
        BackupError::Read { path: self.path.clone(), why: why.to_string() }
    }

    fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<Read> {
        let read = (&mut self.file).take(LONGEST).read_until(b'\n', bytes)?;
        self.offset += read as u64;
        if read == 0 {
            return Ok(Read::End);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if read as u64 == LONGEST {
            self.pass_over_the_rest()?;
            return Ok(Read::TooLong);
        }
        Ok(Read::Line)
    }

    fn pass_over_the_rest(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.file.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let passed = end.map_or(buffer.len(), |end| end + 1);
            let is_over = end.is_some() || passed == 0;
            self.file.consume(passed);
            self.offset += passed as u64;
            if is_over {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again_and_one_without_an_end_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let endless = "x".repeat(usize::try_from(LONGEST).unwrap() + 100_000);
        std::fs::write(&path, format!("one\n\n{endless}\nlast")).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.offset, line.bytes.map(|bytes| String::from_utf8(bytes).unwrap())));
        }
        let behind = 5 + endless.len() as u64 + 1;
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found, [(0, text("one")), (4, text("")), (5, None), (behind, text("last"))]);
        for (offset, expected) in [(behind, text("last")), (0, text("one")), (4, text(""))] {
            let line = lines.at(offset).unwrap().unwrap();
            assert_eq!(line.bytes.map(|bytes| String::from_utf8(bytes).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("missing")] {
            assert!(matches!(Lines::open(&path), Err(BackupError::Read { .. })));
        }
    }
}
