use std::env;

/// How much a test is to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A few of everything: for plain `cargo test`.
    Quick,
    /// All of it: for `cargo xtask test` and CI.
    Full,
}

impl Effort {
    /// What `FRONTDESK_TEST` asks for.
    pub fn asked() -> Self {
        match env::var("FRONTDESK_TEST") {
            Ok(word) if word == "full" => Self::Full,
            _ => Self::Quick,
        }
    }

    /// One of two numbers.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// Lets this process open as many files as the system allows it.
pub fn raise_file_limit() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
}
