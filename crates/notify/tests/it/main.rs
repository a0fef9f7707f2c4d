//! Notices, as those who get them see them: over real sockets, to servers that do as they are told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test waits in real time")]

mod limits;
mod mail;
mod support;
mod webhook;
