//! The whole program under load: what is measured here is time and memory, so one test runs at a time, and no other
//! tests run beside them.
//!
//! `FRONTDESK_TEST=full`, as `cargo xtask test` sets it, makes these try as much as `docs/PROMISES.md` says, and
//! `FRONTDESK_TEST=soak`, as `cargo xtask soak` does, for as long.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a process in a test lives in real time")]

mod crowd;
mod deploy;
mod idle_streams;
mod long_run;
mod overload;
mod slow_readers;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Runtime;

/// The program that Cargo built for these tests.
const BINARY: &str = env!("CARGO_BIN_EXE_frontdesk");

static ALONE: Mutex<()> = Mutex::new(());

/// Waits until no other test runs, and keeps it so.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test, alone.
fn run(test: impl Future<Output = ()>) {
    let _alone = alone();
    frontdesk_testkit::raise_file_limit();
    Runtime::new().unwrap().block_on(test);
}
