use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Effort;

/// Where the process that [`SmallDisk::lend`] starts finds its disk.
const FOLDER: &str = "FRONTDESK_SMALL_DISK";

/// A disk that is soon full: a file system in memory, which only one process and its children see.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Runs a test on such a disk, in a process of its own: `name` is the test that calls this, which is called again
    /// there. The disk is gone when that process ends.
    ///
    /// With full effort it has to be possible; otherwise that it is not is said aloud.
    pub fn lend(name: &str, kibibytes: u32, test: impl FnOnce(&Self)) {
        if let Ok(folder) = env::var(FOLDER) {
            return test(&Self { folder: folder.into() });
        }
        let folder = tempfile::tempdir().unwrap();
        let works = mounted(folder.path(), kibibytes).arg("true").stderr(Stdio::null()).status();
        if !works.is_ok_and(|status| status.success()) {
            assert_eq!(Effort::asked(), Effort::Quick, "this user may not mount a disk of its own");
            println!("SKIPPED: needs unshare, and the right to mount a disk of its own");
            return;
        }
        let status = mounted(folder.path(), kibibytes)
            .arg(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(FOLDER, folder.path())
            .status()
            .unwrap();
        assert!(status.success(), "it failed on a small disk");
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes all the room there is. It is given back when the file is removed, which is what this gives.
    pub fn fill(&self) -> PathBuf {
        let ballast = self.folder.join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        // The last write may be a short one.
        while std::io::Write::write(&mut file, &[0; 4096]).is_ok_and(|written| written > 0) {}
        ballast
    }

    /// Makes it larger, or smaller.
    pub fn resize(&self, kibibytes: u32) {
        let options = format!("remount,size={kibibytes}k");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.folder).status().unwrap();
        assert!(status.success());
    }
}

/// What runs the command that follows with a small disk on `folder`: as a user that may mount, but only for itself.
fn mounted(folder: &Path, kibibytes: u32) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg(r#"mount -t tmpfs -o "size=$0k,mode=700" tmpfs "$1" && shift && exec "$@""#);
    command.arg(kibibytes.to_string()).arg(folder);
    command
}
