//! Every engine against the contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod convex;
mod moving;
mod origin;
mod postgres;
mod postgres_lost;
mod sqlite;
