//! What is said of a defect.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};

use tracing::error;

/// Sends panics to the log, in its form and without what visitors wrote.
pub(crate) fn log_them() {
    panic::set_hook(Box::new(log));
}

fn log(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    // Empty unless RUST_BACKTRACE asks for it.
    let backtrace = Some(Backtrace::capture()).filter(|trace| trace.status() == BacktraceStatus::Captured);
    let backtrace = backtrace.map(|trace| trace.to_string());
    error!(place, said = message(info.payload()), backtrace, "panic: a defect of the program");
}

/// A panic's message, if it stands in the program's text. One that is put together when it happens may quote anything: that
/// of a cut within a character has the text that was to be cut.
fn message(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("not shown, because it may quote visitors")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a panic.
    fn said(defect: impl FnOnce() + panic::UnwindSafe) -> &'static str {
        message(&*panic::catch_unwind(defect).unwrap_err())
    }

    #[test]
    fn what_a_panic_quotes_is_not_said() {
        let words = "é, said the visitor".to_owned();
        let cut = words.clone();
        for said in [said(move || drop(cut[1..].to_owned())), said(move || panic!("odd: {words}"))] {
            assert_eq!(said, "not shown, because it may quote visitors");
        }
        assert_eq!(said(|| panic!("this cannot be")), "this cannot be");
    }
}
