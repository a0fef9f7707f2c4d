//! When somebody of the team is there.

mod form;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp as Instant, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use form::Form;
pub use form::{InvalidOfficeHours, WEEKDAYS};

/// How far [`OfficeHours::opens_next`] looks ahead: a year of holidays, and some.
const HORIZON: SignedDuration = SignedDuration::from_hours(400 * 24);

/// When somebody of the team is there: hours of each day of the week, as the clocks of one place show them, but for
/// holidays.
///
/// They follow the clock on the wall. Where it is put forward, hours that it leaves out are not open; where it is put back,
/// hours that it shows twice are open twice. What is known of time zones is part of the program.
///
/// Its JSON form, where everything but the zone may be missing:
///
/// ```json
/// {
///   "zone": "Europe/Berlin",
///   "days": { "monday": [{ "from": "09:00", "to": "12:30" }, { "from": "13:30", "to": "24:00" }] },
///   "holidays": ["2026-12-25"]
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct OfficeHours {
    zone: TimeZone,
    /// From Monday on; each day's in order, without touching one another.
    days: [Vec<OpenHours>; 7],
    holidays: BTreeSet<Date>,
}

/// Some hours of a day in which somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenHours {
    /// The first minute.
    pub from: MinuteOfDay,
    /// The first minute in which nobody is there any more.
    pub to: MinuteOfDay,
}

impl OpenHours {
    /// These hours of a day.
    fn on(self, day: Date) -> Option<(DateTime, DateTime)> {
        Some((self.from.on(day)?, self.to.on(day)?))
    }
}

/// A time that a clock shows: whole minutes since midnight, up to 1440, which is `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinuteOfDay(u16);

impl MinuteOfDay {
    const LAST: Self = Self(24 * 60);

    /// Reads `09:00` or `24:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let number = |text: &str| {
            (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let (hour, minute): (u16, u16) = (number(hour)?, number(minute)?);
        let time = Self(hour * 60 + minute);
        (minute < 60 && time <= Self::LAST).then_some(time)
    }

    fn of(time: Time) -> Self {
        let number = |part: i8| u16::try_from(part).unwrap_or(0);
        Self(number(time.hour()) * 60 + number(time.minute()))
    }

    /// This time of a day; `24:00` is the next day's midnight.
    fn on(self, day: Date) -> Option<DateTime> {
        if self == Self::LAST {
            return Some(day.tomorrow().ok()?.to_datetime(Time::midnight()));
        }
        let number = |part: u16| i8::try_from(part).ok();
        Some(day.to_datetime(Time::new(number(self.0 / 60)?, number(self.0 % 60)?, 0, 0).ok()?))
    }
}

impl fmt::Display for MinuteOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl OfficeHours {
    /// Reads the JSON form.
    pub fn parse_json(text: &str) -> Result<Self, InvalidOfficeHours> {
        let form: Form = serde_json::from_str(text).map_err(InvalidOfficeHours::json)?;
        form.try_into()
    }

    /// The JSON form, in full: with every day, and hours in order.
    pub fn to_json(&self) -> String {
        Form::from(self.clone()).to_json()
    }

    /// The name of the time zone.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or_default()
    }

    /// The hours of each day of the week from Monday on, in the order of [`WEEKDAYS`].
    pub fn days(&self) -> &[Vec<OpenHours>; 7] {
        &self.days
    }

    /// The days, such as `2026-12-25`, on which nobody is there at all, in order.
    pub fn holidays(&self) -> impl Iterator<Item = String> {
        self.holidays.iter().map(Date::to_string)
    }

    /// Whether somebody is there.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let local = instant(now).to_zoned(self.zone.clone());
        let minute = MinuteOfDay::of(local.time());
        self.hours_of(local.date()).iter().any(|hours| (hours.from..hours.to).contains(&minute))
    }

    /// The first moment from `now` on at which somebody is there: `now` itself if it is open. `None` if there is none within
    /// a year.
    pub fn opens_next(&self, now: Timestamp) -> Option<Timestamp> {
        let mut from = instant(now);
        let horizon = from.checked_add(HORIZON).unwrap_or(Instant::MAX);
        // From one change of the clock to the next it runs as clocks do, and there is nothing to think of.
        loop {
            let change = self.zone.following(from).next().map(|change| change.timestamp());
            let change = change.filter(|change| *change < horizon);
            if let Some(opening) = self.opening(from, change.unwrap_or(horizon)) {
                return Some(Timestamp::from_millis(opening.as_millisecond()));
            }
            from = change?;
        }
    }

    /// The first moment of a span without changes of the clock at which it is open.
    fn opening(&self, from: Instant, until: Instant) -> Option<Instant> {
        let offset = self.zone.to_offset(from);
        let (from, until) = (offset.to_datetime(from), offset.to_datetime(until));
        let days = from.date().series(1.day()).take_while(|day| *day <= until.date());
        let mut spans = days.flat_map(|day| self.hours_of(day).iter().filter_map(move |hours| hours.on(day)));
        let first = spans.find_map(|(opens, closes)| {
            let first = opens.max(from);
            (first < closes && first < until).then_some(first)
        })?;
        offset.to_timestamp(first).ok()
    }

    fn hours_of(&self, day: Date) -> &[OpenHours] {
        if self.holidays.contains(&day) {
            return &[];
        }
        let at = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        &self.days[at]
    }
}

fn instant(moment: Timestamp) -> Instant {
    let last = if moment.millis() < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_millisecond(moment.millis()).unwrap_or(last)
}
