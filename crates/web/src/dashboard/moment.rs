//! Moments, as pages show them: in UTC, until the reader's browser knows better.

use frontdesk_core::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, Zoned};

/// A moment for a `<time>` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// For the `datetime` attribute.
    pub(super) machine: String,
    /// In full, for the title.
    pub(super) title: String,
    /// What is shown.
    pub(super) text: String,
    /// How it is shown, so that the browser can do the same in its own zone.
    pub(super) show: &'static str,
}

impl Moment {
    /// The time of day.
    pub(super) fn clock(at: Timestamp) -> Self {
        Self::new(at, "clock", |at| at.strftime("%H:%M").to_string())
    }

    /// The day of the month.
    pub(super) fn date(at: Timestamp) -> Self {
        Self::new(at, "date", |at| at.strftime("%-d %b").to_string())
    }

    /// The day, as a heading.
    pub(super) fn day(at: Timestamp, now: Timestamp) -> Self {
        let now = zoned(now);
        Self::new(at, "day", |at| match days_between(at, &now) {
            0 => "Today".to_owned(),
            1 => "Yesterday".to_owned(),
            _ => at.strftime("%A, %-d %B").to_string(),
        })
    }

    /// The day and the time.
    pub(super) fn whole(at: Timestamp) -> Self {
        Self::new(at, "whole", |at| at.strftime("%-d %B %Y, %H:%M UTC").to_string())
    }

    /// How long ago, as a list shows it.
    pub(super) fn ago(at: Timestamp, now: Timestamp) -> Self {
        let minutes = now.since(at).as_secs() / 60;
        let now = zoned(now);
        Self::new(at, "ago", |at| match (days_between(at, &now), minutes) {
            (_, 0) => "now".to_owned(),
            (_, 1..60) => format!("{minutes} min"),
            (0, _) => format!("{} h", minutes / 60),
            (1, _) => "yesterday".to_owned(),
            _ => at.strftime("%-d %b").to_string(),
        })
    }

    fn new(at: Timestamp, show: &'static str, text: impl FnOnce(&Zoned) -> String) -> Self {
        let at = zoned(at);
        Self {
            machine: at.timestamp().to_string(),
            title: at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            text: text(&at),
            show,
        }
    }
}

fn zoned(at: Timestamp) -> Zoned {
    Instant::from_millisecond(at.millis()).unwrap_or_default().to_zoned(TimeZone::UTC)
}

fn days_between(at: &Zoned, now: &Zoned) -> i32 {
    at.date().until(now.date()).map_or(i32::MAX, |span| span.get_days())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 22 November 2026, 14:11:30 UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_795_356_690_000);

    fn before(minutes: u64) -> Timestamp {
        NOW.minus(Duration::from_mins(minutes))
    }

    #[test]
    fn lists_say_how_long_ago() {
        for (minutes, text) in [
            (0, "now"),
            (1, "1 min"),
            (59, "59 min"),
            (60, "1 h"),
            (14 * 60, "14 h"),
            (15 * 60, "yesterday"),
            (38 * 60, "yesterday"),
            (39 * 60, "20 Nov"),
        ] {
            assert_eq!(Moment::ago(before(minutes), NOW).text, text, "{minutes}");
        }
        assert_eq!(Moment::ago(NOW.plus(Duration::from_hours(1)), NOW).text, "now");
    }

    #[test]
    fn threads_say_the_day_and_the_time() {
        assert_eq!(Moment::day(before(0), NOW).text, "Today");
        assert_eq!(Moment::day(before(24 * 60), NOW).text, "Yesterday");
        assert_eq!(Moment::day(before(10 * 24 * 60), NOW).text, "Thursday, 12 November");
        let clock = Moment::clock(before(0));
        assert_eq!((clock.text.as_str(), clock.title.as_str()), ("14:11", "22 November 2026, 14:11 UTC"));
        assert_eq!(clock.machine, "2026-11-22T14:11:30Z");
    }

    #[test]
    fn impossible_times_are_shown_somehow() {
        for millis in [i64::MIN, i64::MAX] {
            assert!(!Moment::ago(Timestamp::from_millis(millis), NOW).machine.is_empty());
        }
    }
}
