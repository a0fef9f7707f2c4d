//! Which nodes run on this machine. Each holds a file that is named after it, as long as it lives: so a process that is started
//! again after a crash knows at once that the one before it is gone, and does not have to wait for its signs of life.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use frontdesk_core::NodeId;

/// The file of a node that lives. It goes away with the process, or with this.
#[derive(Debug)]
pub(crate) struct NodeFile {
    path: PathBuf,
    _locked: File,
}

impl NodeFile {
    /// Makes the file of this node, and finds the nodes that have left theirs behind.
    pub(crate) fn hold(data_dir: &Path, node: NodeId) -> io::Result<(Self, Vec<NodeId>)> {
        let folder = data_dir.join("nodes");
        fs::create_dir_all(&folder)?;
        let dead = left_in(&folder)?;
        let path = folder.join(node.to_string());
        let locked = File::create(&path)?;
        locked.try_lock()?;
        Ok((Self { path, _locked: locked }, dead))
    }
}

/// The nodes whose files nobody holds. Their files are removed.
fn left_in(folder: &Path) -> io::Result<Vec<NodeId>> {
    let mut dead = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(node) = name.and_then(NodeId::parse) else { continue };
        // Somebody else may have removed it meanwhile.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            fs::remove_file(&path)?;
            dead.push(node);
        }
    }
    Ok(dead)
}

impl Drop for NodeFile {
    fn drop(&mut self) {
        // If it stays, the next start finds it.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_have_ended_without_a_word_are_found_and_those_that_live_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, c] = [1, 2, 3].map(|n| NodeId::from_bytes([n; 16]));
        let (living, dead) = NodeFile::hold(folder.path(), a).unwrap();
        assert_eq!(dead, []);
        fs::write(folder.path().join("nodes").join(b.to_string()), "").unwrap();
        fs::write(folder.path().join("nodes/notes.txt"), "").unwrap();
        let (_other, dead) = NodeFile::hold(folder.path(), c).unwrap();
        assert_eq!(dead, [b]);
        drop(living);
        assert_eq!(left_in(&folder.path().join("nodes")).unwrap(), [], "who ends in order leaves no file");
    }
}
