//! Bytes that mean harm, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Dice;

/// How many inputs are made by chance.
const MADE: usize = 1000;

/// Bytes that mean something somewhere.
const ODD: &[u8] = b"\0\t\n\r \"'&<>[]{}:;,|\\/%\x7F\xC3\xFF";

/// Longer inputs are not made.
const LONGEST: usize = 4096;

/// Hands a fuzz target's check each input that is kept for it in `fuzz/corpus`, and as many more that were made from these
/// by chance: always the same ones.
pub fn hostile_bytes(target: &str, check: fn(&[u8])) {
    let kept = kept(target);
    for input in &kept {
        tried(check, input);
    }
    let mut dice = Dice::new(19);
    for _ in 0..MADE {
        let mut input = kept[dice.below(kept.len())].clone();
        for _ in 0..=dice.below(4) {
            change(&mut input, &kept, &mut dice);
        }
        tried(check, &input);
    }
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let kept: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!kept.is_empty(), "{} is empty", folder.display());
    kept
}

/// Does one of the things that fuzzers do to an input.
fn change(input: &mut Vec<u8>, others: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(input.len() + 1);
    let end = (at + 1 + dice.below(16)).min(input.len());
    match dice.below(5) {
        0 if at < input.len() => input[at] = u8::try_from(dice.below(256)).unwrap(),
        1 => drop(input.drain(at..end)),
        2 => {
            let part = input[at..end].repeat(1 + dice.below(100));
            input.splice(at..at, part);
        }
        3 => input.insert(at, ODD[dice.below(ODD.len())]),
        _ => {
            let other = &others[dice.below(others.len())];
            let from = dice.below(other.len() + 1);
            let part = &other[from..(from + dice.below(64)).min(other.len())];
            input.splice(at..at, part.iter().copied());
        }
    }
    input.truncate(LONGEST);
}

/// Tries an input, and shows it if it fails the check.
fn tried(check: fn(&[u8]), input: &[u8]) {
    struct Shown<'a>(&'a [u8]);
    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("failed with b\"{}\"", self.0.escape_ascii());
            }
        }
    }
    let _shown = Shown(input);
    check(input);
}
