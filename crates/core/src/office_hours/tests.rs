use proptest::prelude::*;

use super::*;

fn hours(json: &str) -> OfficeHours {
    OfficeHours::parse_json(json).unwrap()
}

fn refused(json: &str) -> String {
    OfficeHours::parse_json(json).unwrap_err().to_string()
}

/// A moment that is written in UTC.
fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<Instant>().unwrap().as_millisecond())
}

fn opens(hours: &OfficeHours, now: &str) -> String {
    let next = hours.opens_next(at(now)).unwrap();
    Instant::from_millisecond(next.millis()).unwrap().to_string()
}

const OFFICE: &str = r#"{
    "zone": "Europe/Berlin",
    "days": {
        "monday": [{"from": "13:00", "to": "17:00"}, {"from": "09:00", "to": "12:00"}],
        "friday": [{"from": "09:00", "to": "24:00"}],
        "saturday": [{"from": "00:00", "to": "02:30"}]
    },
    "holidays": ["2026-12-25"]
}"#;

#[test]
fn hours_are_those_of_the_clock_on_the_wall() {
    let office = hours(OFFICE);
    // Monday in winter is an hour before UTC, in summer two.
    for (moment, is_open) in [
        ("2026-11-23T07:59:59Z", false),
        ("2026-11-23T08:00:00Z", true),
        ("2026-11-23T10:59:59.999Z", true),
        ("2026-11-23T11:00:00Z", false),
        ("2026-11-23T12:00:00Z", true),
        ("2026-07-20T06:59:59Z", false),
        ("2026-07-20T07:00:00Z", true),
        ("2026-11-24T09:00:00Z", false),
        ("2026-11-27T22:59:59Z", true),
        ("2026-11-28T01:29:59Z", true),
        ("2026-11-28T01:30:00Z", false),
    ] {
        assert_eq!(office.is_open(at(moment)), is_open, "{moment}");
    }
}

#[test]
fn it_opens_next_when_the_next_hours_begin() {
    let office = hours(OFFICE);
    assert_eq!(opens(&office, "2026-11-23T07:00:00Z"), "2026-11-23T08:00:00Z");
    assert_eq!(opens(&office, "2026-11-23T11:30:00Z"), "2026-11-23T12:00:00Z");
    assert_eq!(opens(&office, "2026-11-23T20:00:00Z"), "2026-11-27T08:00:00Z");
    assert_eq!(opens(&office, "2026-11-23T08:30:00.5Z"), "2026-11-23T08:30:00.5Z", "it is open");
}

#[test]
fn a_holiday_is_a_day_without_hours() {
    let office = hours(OFFICE);
    assert!(!office.is_open(at("2026-12-25T10:00:00Z")));
    assert_eq!(opens(&office, "2026-12-24T10:00:00Z"), "2026-12-25T23:00:00Z", "on Saturday, in Berlin");
}

#[test]
fn where_the_clock_is_put_forward_its_hours_begin_when_it_is_past_them() {
    let night = r#"{"zone":"Europe/Berlin","days":{"sunday":[{"from":"02:30","to":"04:00"}]}}"#;
    // On 29 March 2026 at 02:00 it is 03:00.
    assert_eq!(opens(&hours(night), "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
    let lost = r#"{"zone":"Europe/Berlin","days":{"sunday":[{"from":"02:00","to":"03:00"}]}}"#;
    assert_eq!(opens(&hours(lost), "2026-03-28T12:00:00Z"), "2026-04-05T00:00:00Z", "a week later");
}

#[test]
fn where_the_clock_is_put_back_its_hours_come_twice() {
    let night = hours(r#"{"zone":"Europe/Berlin","days":{"sunday":[{"from":"01:00","to":"02:30"}]}}"#);
    // On 25 October 2026 at 03:00 it is 02:00 again.
    assert!(night.is_open(at("2026-10-25T00:15:00Z")));
    assert!(!night.is_open(at("2026-10-25T00:45:00Z")));
    assert_eq!(opens(&night, "2026-10-25T00:45:00Z"), "2026-10-25T01:00:00Z");
    assert!(night.is_open(at("2026-10-25T01:29:00Z")));
    assert_eq!(opens(&night, "2026-10-25T01:30:00Z"), "2026-11-01T00:00:00Z");
}

#[test]
fn a_year_without_hours_has_no_next_ones() {
    assert_eq!(hours(r#"{"zone":"UTC"}"#).opens_next(at("2026-11-23T07:00:00Z")), None);
    let always = r#"{"zone":"UTC","days":{"monday":[{"from":"00:00","to":"24:00"}]}}"#;
    for far in [i64::MIN, i64::MAX] {
        let _ = hours(always).opens_next(Timestamp::from_millis(far));
    }
}

#[test]
fn the_json_form_is_written_as_it_is_read() {
    let office = hours(OFFICE);
    assert_eq!(hours(&office.to_json()), office);
    assert_eq!(serde_json::to_string(&office).unwrap(), office.to_json());
    assert_eq!(serde_json::from_str::<OfficeHours>(OFFICE).unwrap(), office);
    assert_eq!(office.zone(), "Europe/Berlin");
    assert_eq!(office.holidays().collect::<Vec<_>>(), ["2026-12-25"]);
    let monday: Vec<_> =
        office.days()[0].iter().map(|hours| format!("{}-{}", hours.from, hours.to)).collect();
    assert_eq!(monday, ["09:00-12:00", "13:00-17:00"]);
}

#[test]
fn hours_that_touch_are_one() {
    let json =
        r#"{"zone":"UTC","days":{"monday":[{"from":"12:00","to":"13:00"},{"from":"09:00","to":"12:00"}]}}"#;
    assert_eq!(hours(json).days()[0].len(), 1);
}

#[test]
fn what_is_wrong_is_said_clearly() {
    let with = |hours: &str| format!(r#"{{"zone":"UTC","days":{{"monday":{hours}}}}}"#);
    for (json, sentence) in [
        (String::new(), "office hours must be a JSON object with zone, days and holidays: "),
        ("[]".to_owned(), "office hours must be a JSON object"),
        (r#"{"days":{}}"#.to_owned(), "office hours must be a JSON object"),
        (r#"{"zone":"UTC","hours":1}"#.to_owned(), "office hours must be a JSON object"),
        (r#"{"zone":"Europe/Nowhere"}"#.to_owned(), "zone must be the name of a time zone"),
        (r#"{"zone":""}"#.to_owned(), "zone must be the name of a time zone"),
        (r#"{"zone":"Etc/Unknown"}"#.to_owned(), "zone must be the name of a time zone"),
        (r#"{"zone":"../../etc/passwd"}"#.to_owned(), "zone must be the name of a time zone"),
        (
            r#"{"zone":"UTC","days":{"Montag":[]}}"#.to_owned(),
            "office hours must be a JSON object with zone, days and holidays: unknown field `Montag`",
        ),
        (with(r#"[{"from":"9:00","to":"12:00"}]"#), "monday: \"9:00\" is not a time such as 09:00"),
        (with(r#"[{"from":"09:00","to":"24:01"}]"#), "monday: \"24:01\" is not a time"),
        (with(r#"[{"from":"09:60","to":"12:00"}]"#), "monday: \"09:60\" is not a time"),
        (with(r#"[{"from":"+9:00","to":"12:00"}]"#), "monday: \"+9:00\" is not a time"),
        (with(r#"[{"from":"22:00","to":"02:00"}]"#), "monday: hours must end after they begin"),
        (with(r#"[{"from":"22:00","to":"22:00"}]"#), "monday: hours must end after they begin"),
        (
            with(r#"[{"from":"09:00","to":"12:00"},{"from":"11:59","to":"13:00"}]"#),
            "monday: hours must not overlap",
        ),
        (
            with(&format!("[{}]", [r#"{"from":"09:00","to":"12:00"}"#; 13].join(","))),
            "monday: a day may have at most 12 times",
        ),
        (
            r#"{"zone":"UTC","holidays":["25.12.2026"]}"#.to_owned(),
            "holidays: \"25.12.2026\" is not a date such as 2026-12-25",
        ),
        (r#"{"zone":"UTC","holidays":["2026-02-29"]}"#.to_owned(), "holidays: \"2026-02-29\" is not a date"),
        (
            format!(r#"{{"zone":"UTC","holidays":[{}]}}"#, [r#""2026-12-25""#; 367].join(",")),
            "holidays: there may be at most 366",
        ),
    ] {
        let error = refused(&json);
        assert!(error.starts_with(sentence), "{json}: {error}");
    }
    let long = format!(r#"{{"zone":"UTC","holidays":["{}"]}}"#, "x".repeat(10_000));
    assert!(refused(&long).len() < 200);
}

/// Places whose clocks do something odd, each with a moment near which they do.
const ODD_CLOCKS: [(&str, &str); 10] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    // Half an hour.
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    // At midnight, so that there is none.
    ("America/Santiago", "2026-09-06T04:00:00Z"),
    // At midnight, so that an hour of the day before comes again.
    ("America/Santiago", "2026-04-05T03:00:00Z"),
    // A minute after midnight.
    ("America/St_Johns", "2010-11-07T02:31:00Z"),
    // A day that was left out.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Asia/Kathmandu", "2026-03-29T01:00:00Z"),
    ("UTC", "2026-03-29T01:00:00Z"),
];

prop_compose! {
    fn any_hours()(from in 0_u16..1440, length in 1_u16..600) -> OpenHours {
        OpenHours { from: MinuteOfDay(from), to: MinuteOfDay((from + length).min(1440)) }
    }
}

prop_compose! {
    fn any_office()(
        clock in 0..ODD_CLOCKS.len(),
        days in prop::collection::vec(prop::option::of(any_hours()), 7),
        is_holiday in any::<bool>(),
        minutes_before in 0_i64..4000,
    ) -> (OfficeHours, Timestamp) {
        let (zone, change) = ODD_CLOCKS[clock];
        let zone = TimeZone::get(zone).unwrap();
        let change: Instant = change.parse().unwrap();
        let holidays = is_holiday.then(|| change.to_zoned(zone.clone()).date());
        let days = <[Option<OpenHours>; 7]>::try_from(days).unwrap().map(Vec::from_iter);
        let now = Timestamp::from_millis(change.as_millisecond() - minutes_before * 60_000);
        (OfficeHours { zone, days, holidays: holidays.into_iter().collect() }, now)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The next opening is what one finds by looking every minute.
    #[test]
    fn no_minute_before_the_next_opening_is_open((office, now) in any_office()) {
        const DAYS: i64 = 9;
        let mut minutes = (0..DAYS * 24 * 60).map(|minute| Timestamp::from_millis(now.millis() + minute * 60_000));
        let found = minutes.find(|moment| office.is_open(*moment));
        let next = office.opens_next(now);
        match found {
            Some(found) => prop_assert_eq!(next, Some(found)),
            None => prop_assert!(next.is_none_or(|next| next.millis() >= now.millis() + DAYS * 86_400_000)),
        }
    }

    #[test]
    fn every_form_that_is_accepted_is_written_as_it_is_read((office, _) in any_office()) {
        prop_assert_eq!(OfficeHours::parse_json(&office.to_json()).unwrap(), office);
    }

    #[test]
    fn nothing_that_is_read_makes_it_panic(json in ".{0,200}") {
        let _ = OfficeHours::parse_json(&json);
    }
}
