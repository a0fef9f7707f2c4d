//! The whole program: as a process, over real sockets, with a real database.
//!
//! `FRONTDESK_TEST=full`, as `cargo xtask test` sets it, makes these try as much as `docs/PROMISES.md` says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a process in a test lives in real time")]

mod app;
mod backup;
mod clock_jumps;
mod command_line;
mod convex;
mod crash;
mod cut;
mod engines;
mod feed;
mod first_run;
mod foreign_models;
mod full_disk;
mod half_open;
mod load;
mod local_model;
mod model_faults;
mod moving;
mod nodes;
mod notify;
mod origin;
mod outage;
mod passing_faults;
mod postgres;
mod resume;
mod retry;
mod same_key;
mod secrets;
mod shutdown;
mod stop;
mod takeover;
mod visitor;

/// The program that Cargo built for these tests.
const BINARY: &str = env!("CARGO_BIN_EXE_frontdesk");
