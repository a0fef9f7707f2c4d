use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{MinuteOfDay, OfficeHours, OpenHours};

/// The days of the week as the JSON form names them.
pub const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// How many times a day may open.
const MOST_HOURS: usize = 12;

/// How many holidays there may be.
const MOST_HOLIDAYS: usize = 366;

/// The JSON form of [`OfficeHours`], not checked yet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    zone: String,
    #[serde(default)]
    days: FormDays,
    #[serde(default)]
    holidays: Vec<String>,
}

/// In the order of [`WEEKDAYS`].
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FormDays {
    monday: Vec<FormHours>,
    tuesday: Vec<FormHours>,
    wednesday: Vec<FormHours>,
    thursday: Vec<FormHours>,
    friday: Vec<FormHours>,
    saturday: Vec<FormHours>,
    sunday: Vec<FormHours>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormHours {
    from: String,
    to: String,
}

/// Why something is not [`OfficeHours`], as a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidOfficeHours {
    /// It is not JSON, or not of that form.
    #[error("office hours must be a JSON object with zone, days and holidays: {0}")]
    Json(String),
    /// There is no such time zone.
    #[error("zone must be the name of a time zone such as Europe/Berlin")]
    Zone,
    /// A time is none.
    #[error("{day}: {text:?} is not a time such as 09:00; a day ends at 24:00")]
    Time {
        /// The day of the week.
        day: &'static str,
        /// What is in the place of a time.
        text: String,
    },
    /// Hours end before they begin.
    #[error(
        "{day}: hours must end after they begin; a night is the end of one day and the beginning of the next"
    )]
    Backwards {
        /// The day of the week.
        day: &'static str,
    },
    /// Some hours lie within others.
    #[error("{day}: hours must not overlap")]
    Overlap {
        /// The day of the week.
        day: &'static str,
    },
    /// A day opens too often.
    #[error("{day}: a day may have at most {MOST_HOURS} times")]
    TooManyHours {
        /// The day of the week.
        day: &'static str,
    },
    /// A holiday is no date.
    #[error("holidays: {0:?} is not a date such as 2026-12-25")]
    Holiday(String),
    /// There are too many holidays.
    #[error("holidays: there may be at most {MOST_HOLIDAYS}; leave out those that are over")]
    TooManyHolidays,
}

impl InvalidOfficeHours {
    #[expect(clippy::needless_pass_by_value, reason = "to be named where errors are mapped")]
    pub(super) fn json(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

impl Form {
    pub(super) fn to_json(&self) -> String {
        // Strings in lists and in a map with text for its keys can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl TryFrom<Form> for OfficeHours {
    type Error = InvalidOfficeHours;

    fn try_from(form: Form) -> Result<Self, InvalidOfficeHours> {
        let zone = zone(&form.zone)?;
        let FormDays { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = &form.days;
        let forms = [monday, tuesday, wednesday, thursday, friday, saturday, sunday];
        let mut days: [Vec<OpenHours>; 7] = Default::default();
        for (day, (name, form)) in days.iter_mut().zip(WEEKDAYS.into_iter().zip(forms)) {
            *day = hours(name, form)?;
        }
        if form.holidays.len() > MOST_HOLIDAYS {
            return Err(InvalidOfficeHours::TooManyHolidays);
        }
        let holidays = form.holidays.iter().map(|text| date(text)).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(Self { zone, days, holidays })
    }
}

impl From<OfficeHours> for Form {
    fn from(hours: OfficeHours) -> Self {
        let form = |hours: &OpenHours| FormHours { from: hours.from.to_string(), to: hours.to.to_string() };
        let form = |hours: &Vec<OpenHours>| hours.iter().map(form).collect();
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] =
            hours.days.each_ref().map(form);
        let days = FormDays { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
        Self { zone: hours.zone().to_owned(), days, holidays: hours.holidays().collect() }
    }
}

fn zone(name: &str) -> Result<TimeZone, InvalidOfficeHours> {
    let zone = TimeZone::get(name).map_err(|_| InvalidOfficeHours::Zone)?;
    // `Etc/Unknown` is a name without a zone behind it.
    if zone.is_unknown() || zone.iana_name().is_none() { Err(InvalidOfficeHours::Zone) } else { Ok(zone) }
}

fn hours(day: &'static str, form: &[FormHours]) -> Result<Vec<OpenHours>, InvalidOfficeHours> {
    if form.len() > MOST_HOURS {
        return Err(InvalidOfficeHours::TooManyHours { day });
    }
    let time = |text: &str| {
        MinuteOfDay::parse(text).ok_or_else(|| InvalidOfficeHours::Time { day, text: shown(text) })
    };
    let mut all = Vec::new();
    for hours in form {
        let hours = OpenHours { from: time(&hours.from)?, to: time(&hours.to)? };
        if hours.from >= hours.to {
            return Err(InvalidOfficeHours::Backwards { day });
        }
        all.push(hours);
    }
    all.sort_unstable();
    let mut joined: Vec<OpenHours> = Vec::new();
    for hours in all {
        match joined.last_mut() {
            Some(last) if hours.from < last.to => return Err(InvalidOfficeHours::Overlap { day }),
            Some(last) if hours.from == last.to => last.to = hours.to,
            _ => joined.push(hours),
        }
    }
    Ok(joined)
}

fn date(text: &str) -> Result<Date, InvalidOfficeHours> {
    let invalid = || InvalidOfficeHours::Holiday(shown(text));
    // Other ways to write a date are none here.
    let date: Date =
        if text.len() == 10 { text.parse().map_err(|_| invalid())? } else { return Err(invalid()) };
    if date.to_string() == text { Ok(date) } else { Err(invalid()) }
}

/// The beginning of a text, for an error.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
