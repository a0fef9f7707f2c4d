use std::fs;

/// What a process holds of the system at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Memory that is really there (RSS), in KiB. What the kernel keeps for its sockets is not in it.
    pub memory_kib: i64,
    /// Open files; a connection is one.
    pub files: usize,
    /// Threads.
    pub threads: usize,
}

impl Vitals {
    /// Looks at a process.
    pub fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let number = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            value.trim().trim_end_matches(" kB").parse::<i64>().unwrap()
        };
        Self {
            memory_kib: number("VmRSS:"),
            files: fs::read_dir(format!("/proc/{process}/fd")).unwrap().count(),
            threads: usize::try_from(number("Threads:")).unwrap(),
        }
    }
}
