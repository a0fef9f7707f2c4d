//! What operators do with a conversation: a form each, and then back to the page.

pub(super) mod assign;
pub(super) mod bulk;
pub(super) mod delete;
pub(super) mod draft;
pub(super) mod export;
pub(super) mod hand_back;
pub(super) mod note;
pub(super) mod reply;
pub(super) mod status;
pub(super) mod tags;
pub(super) mod take_over;
pub(super) mod typing;

use frontdesk_core::{Answering, InvalidText, Timestamp};

/// Says that somebody else has a conversation.
fn taken_by(answering: &Answering, now: Timestamp) -> String {
    let seconds = now.since(answering.since).as_secs();
    let ago = match (seconds, seconds / 60, seconds / 3600) {
        (0 | 1, ..) => "just now".to_owned(),
        (2..60, ..) => format!("{seconds} seconds ago"),
        (_, 1, _) => "a minute ago".to_owned(),
        (_, minutes @ 2..60, _) => format!("{minutes} minutes ago"),
        (_, _, 1) => "an hour ago".to_owned(),
        (_, _, hours) => format!("{hours} hours ago"),
    };
    format!("{} took over {ago}.", answering.operator)
}

/// Browsers send line ends as two characters.
pub(super) fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Says why a text cannot be sent.
const fn not_sent(invalid: InvalidText) -> &'static str {
    match invalid {
        InvalidText::Empty | InvalidText::Blank => "Not sent: write something first.",
        InvalidText::TooLong => "Not sent: it has more than 4000 characters.",
        InvalidText::Nul => "Not sent: it has a character in it that cannot be kept.",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use frontdesk_core::OperatorName;

    use super::*;

    #[test]
    fn who_comes_late_is_told_how_late() {
        let since = Timestamp::from_millis(1_000_000);
        let answering = Answering { operator: OperatorName::parse("Tom").unwrap(), since };
        for (seconds, ago) in [
            (0, "just now"),
            (3, "3 seconds ago"),
            (60, "a minute ago"),
            (125, "2 minutes ago"),
            (3600, "an hour ago"),
            (9000, "2 hours ago"),
        ] {
            let now = since.plus(Duration::from_secs(seconds));
            assert_eq!(taken_by(&answering, now), format!("Tom took over {ago}."), "{seconds}");
        }
    }
}
