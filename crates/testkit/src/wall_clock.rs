use std::fs;
use std::path::PathBuf;

use crate::{Effort, Program};

/// The wall clock that a program sees, which a test may set: libfaketime, installed by `cargo xtask test`.
#[derive(Debug)]
pub struct WallClock {
    library: PathBuf,
    /// Where the library reads how many seconds the program's clock is ahead.
    ahead: tempfile::NamedTempFile,
}

impl WallClock {
    /// A clock that goes right, if the library is installed. With full effort it has to be; otherwise its absence is
    /// said aloud.
    pub fn find() -> Option<Self> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
        if let Some(library) = libraries.find(|library| library.is_file()) {
            let clock = Self { library, ahead: tempfile::NamedTempFile::new().unwrap() };
            clock.set_ahead(0);
            return Some(clock);
        }
        assert_eq!(Effort::asked(), Effort::Quick, "libfaketime is not installed: run cargo xtask test");
        println!("SKIPPED: needs libfaketime, which `cargo xtask test` installs");
        None
    }

    /// A program that sees this clock. What measures spans of time goes right, as on a system whose clock is set.
    #[must_use]
    pub fn seen_by(&self, program: Program) -> Program {
        program
            .set("LD_PRELOAD", self.library.to_str().unwrap())
            .set("FAKETIME_TIMESTAMP_FILE", self.ahead.path().to_str().unwrap())
            .set("FAKETIME_NO_CACHE", "1")
            .set("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Sets the clock so many seconds ahead of the right time, or behind it.
    pub fn set_ahead(&self, seconds: i64) {
        // Renamed into place, so that nobody reads half a number.
        let draft = self.ahead.path().with_extension("draft");
        fs::write(&draft, format!("{seconds:+}\n")).unwrap();
        fs::rename(draft, self.ahead.path()).unwrap();
    }
}
