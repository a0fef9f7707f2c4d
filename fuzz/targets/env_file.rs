#![no_main]

// The program is not a library, so its files are taken in as they are.
#[path = "../../crates/frontdesk/src/config/env_file.rs"]
mod env_file;
#[path = "../../crates/frontdesk/src/config/env_file_fuzzing.rs"]
mod env_file_fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| env_file_fuzzing::env_file(bytes));
