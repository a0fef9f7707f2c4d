//! Words for whoever started the program. A console that cannot be written to is no reason to fail.

use std::io::Write as _;

/// Says something on standard output.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says on standard error what is wrong.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "frontdesk: {text}");
}
