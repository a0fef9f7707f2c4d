//! For tests only: a model server with faults, the program as a child process, and servers that others wrote.
//!
//! Everything listens on the loopback interface, on ports that the system picks, and ends with the value that stands
//! for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot be set up has to fail")]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

mod child;
mod effort;
mod http;
mod model_server;
mod program;
mod tools;

pub use child::Child;
pub use effort::{Effort, raise_file_limit};
pub use http::{Exchange, Request, exchange, free_port};
pub use model_server::{ModelCall, ModelServer, Step, Wire, stream};
pub use program::Program;
pub use tools::Tools;
