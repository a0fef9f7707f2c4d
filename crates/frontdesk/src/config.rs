//! Settings: where they come from, what they must be, and what they are when nobody sets them.

mod env_file;
#[cfg(test)]
mod env_file_fuzzing;
mod environment;
mod explain;
mod settings;
mod variables;

pub(crate) use environment::Environment;
pub(crate) use explain::{explain, unused};
pub(crate) use settings::{MIN_PASSWORD, Mode, Only, Settings, named_store};
pub(crate) use variables::example;
