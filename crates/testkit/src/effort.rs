use std::env;
use std::time::Duration;

/// How much a test is to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// A few of everything: for plain `cargo test`.
    Quick,
    /// All of it: for `cargo xtask test` and CI.
    Full,
    /// All of it, and the long forms: for `cargo xtask soak`.
    Soak,
}

impl Effort {
    /// What `FRONTDESK_TEST` asks for.
    pub fn asked() -> Self {
        match env::var("FRONTDESK_TEST") {
            Ok(word) if word == "full" => Self::Full,
            Ok(word) if word == "soak" => Self::Soak,
            _ => Self::Quick,
        }
    }

    /// One of two numbers.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full | Self::Soak => full,
        }
    }

    /// One of three numbers.
    pub fn pick_longer<T>(self, quick: T, full: T, soak: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
            Self::Soak => soak,
        }
    }

    /// How long the long form of a test takes: so long, or less if `FRONTDESK_SOAK_MINUTES` says how many minutes.
    pub fn soak_time(usual: Duration) -> Duration {
        let minutes = env::var("FRONTDESK_SOAK_MINUTES").ok().and_then(|minutes| minutes.parse().ok());
        minutes.map_or(usual, |minutes| usual.min(Duration::from_mins(minutes)))
    }
}

/// Lets this process open as many files as the system allows it.
pub fn raise_file_limit() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
}
