//! For tests only: a model server, a mail server and a proxy with faults, the program as a child process, and servers that others wrote.
//!
//! Everything listens on the loopback interface, on ports that the system picks, and ends with the value that stands
//! for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot be set up has to fail")]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

mod child;
mod client;
mod convex;
mod dice;
mod effort;
mod haproxy;
mod hostile;
mod http;
mod model_server;
mod postgres_server;
mod program;
mod proxy;
mod redis_server;
mod servers;
mod small_disk;
mod smtp_server;
mod tls_front;
mod tools;
mod vitals;
mod wall_clock;

pub use child::Child;
pub use client::{Connection, Head};
pub use convex::{ConvexCalls, ConvexDeployment};
pub use dice::Dice;
pub use effort::{Effort, raise_file_limit};
pub use haproxy::Haproxy;
pub use hostile::hostile_bytes;
pub use http::{Exchange, Request, exchange, free_port};
pub use model_server::{ModelCall, ModelServer, Step, Wire, stream};
pub use postgres_server::PostgresServer;
pub use program::Program;
pub use proxy::{Cut, Fault, Proxy, Way};
pub use redis_server::RedisServer;
pub use small_disk::SmallDisk;
pub use smtp_server::{Mail, Smtp, SmtpServer};
pub use tls_front::TlsFront;
pub use tools::Tools;
pub use vitals::Vitals;
pub use wall_clock::WallClock;
