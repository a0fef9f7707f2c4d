//! What a list of conversations is narrowed down to, as addresses say it.

use frontdesk_core::{
    Assigned, ConversationFilter, ConversationStatus, OperatorName, Rating, SessionId, Tag, Timestamp,
};
use jiff::Timestamp as Instant;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::extract::{Query, page_address};
use crate::{ApiError, Code};

/// The `assignee` of what is nobody's concern.
pub(crate) const NOBODY: &str = "nobody";

/// The longest id that a site may have for a visitor, in characters.
const MAX_VISITOR: usize = 255;

/// Reads `status`, `assignee`, `tag`, `rating`, `page`, `session`, `visitor`, `since` and `until`. Each may be given once, and
/// counts as not given if it is empty, as a form sends what was left open.
pub(crate) fn conversation_filter(query: &Query) -> Result<ConversationFilter, ApiError> {
    let statuses = read(query, "status", statuses)?.unwrap_or_default();
    Ok(ConversationFilter { statuses, ..any_status(query)? })
}

/// The same but for `status`.
pub(crate) fn any_status(query: &Query) -> Result<ConversationFilter, ApiError> {
    Ok(ConversationFilter {
        statuses: Vec::new(),
        assignee: read(query, "assignee", assigned)?,
        tag: read(query, "tag", |text| Tag::parse(text).map_err(|rule| rule.to_string()))?,
        rating: read(query, "rating", |text| Rating::parse(text).ok_or_else(|| "must be up or down".into()))?,
        page: read(query, "page", page)?,
        session: read(query, "session", |text| SessionId::parse(text).map_err(|rule| rule.to_string()))?,
        visitor: read(query, "visitor", visitor)?,
        since: read(query, "since", |text| moment(text, Edge::Begin))?,
        until: read(query, "until", |text| moment(text, Edge::End))?,
    })
}

fn read<T>(
    query: &Query,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ApiError> {
    let given = query.text(name)?.filter(|text| !text.trim().is_empty());
    given
        .map(|text| parse(text).map_err(|rule| ApiError::new(Code::InvalidQuery).detail(name, rule)))
        .transpose()
}

fn statuses(text: &str) -> Result<Vec<ConversationStatus>, String> {
    let mut statuses = Vec::new();
    for name in text.split(',') {
        let status = ConversationStatus::parse(name.trim());
        let status =
            status.ok_or("must be some of open, needs_person and closed, with commas between them")?;
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    Ok(statuses)
}

fn assigned(text: &str) -> Result<Assigned, String> {
    if text == NOBODY {
        return Ok(Assigned::ToNobody);
    }
    OperatorName::parse(text).map(Assigned::To).map_err(|rule| rule.to_string())
}

fn page(text: &str) -> Result<String, String> {
    page_address(text).ok_or_else(|| "must be an address that begins with https:// or http://".to_owned())
}

fn visitor(text: &str) -> Result<String, String> {
    if text.chars().count() <= MAX_VISITOR && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("must have at most {MAX_VISITOR} characters and no control characters"))
    }
}

/// Which end of its day a date stands for.
#[derive(Clone, Copy)]
enum Edge {
    Begin,
    End,
}

/// A moment: milliseconds since the Unix epoch, an instant as RFC 3339 writes it, or a day (UTC).
fn moment(text: &str, edge: Edge) -> Result<Timestamp, String> {
    if let Some(millis) = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())) {
        return Ok(Timestamp::from_millis(millis));
    }
    let instant = text.parse::<Instant>().ok().or_else(|| {
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10)?;
        let day = match edge {
            Edge::Begin => date,
            Edge::End => date.tomorrow().ok()?,
        };
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    let rule = "must be milliseconds since the Unix epoch, an instant such as 2026-11-25T09:00:00Z, or a day such as 2026-11-25";
    instant.map(|instant| Timestamp::from_millis(instant.as_millisecond())).ok_or_else(|| rule.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<ConversationFilter, String> {
        let named = |error: ApiError| error.details[0].field.clone().into_owned();
        conversation_filter(&Query::read(query)).map_err(named)
    }

    #[test]
    fn every_filter_is_read() {
        let all = "status=open,needs_person&assignee=Maya&tag=%20Refund&rating=down&session=s1&visitor=42\
                   &page=https%3A%2F%2Fshop.example%2Frates%23top&since=2026-11-25&until=2026-11-25&other=x";
        let expected = ConversationFilter {
            statuses: vec![ConversationStatus::Open, ConversationStatus::NeedsPerson],
            assignee: Some(Assigned::To(OperatorName::parse("Maya").unwrap())),
            tag: Some(Tag::parse("refund").unwrap()),
            rating: Some(Rating::Down),
            page: Some("https://shop.example/rates".to_owned()),
            session: Some(SessionId::parse("s1").unwrap()),
            visitor: Some("42".to_owned()),
            since: Some(Timestamp::from_millis(1_795_564_800_000)),
            until: Some(Timestamp::from_millis(1_795_651_200_000)),
        };
        assert_eq!(filter(all), Ok(expected));
        assert_eq!(filter("assignee=nobody").unwrap().assignee, Some(Assigned::ToNobody));
    }

    #[test]
    fn what_a_form_leaves_open_narrows_nothing_down() {
        let open = "status=&assignee=&tag=+&rating=&page=&session=&visitor=&since=&until=";
        assert!(filter(open).unwrap().is_empty());
        assert!(filter("").unwrap().is_empty());
    }

    #[test]
    fn a_moment_is_written_in_three_ways() {
        let at = |text: &str| filter(&format!("since={text}")).unwrap().since.unwrap().millis();
        for text in ["1795597200000", "2026-11-25T09:00:00Z", "2026-11-25T10:00:00%2B01:00"] {
            assert_eq!(at(text), 1_795_597_200_000, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_named() {
        for (name, value) in [
            ("status", "done"),
            ("status", "open,,closed"),
            ("status", "OPEN"),
            ("assignee", "a%0Ab"),
            ("assignee", &"x".repeat(41)),
            ("tag", "a,b"),
            ("tag", "%00"),
            ("tag", &"x".repeat(33)),
            ("rating", "Up"),
            ("page", "shop.example"),
            ("page", "javascript:alert(1)"),
            ("session", "a%20b"),
            ("visitor", "a%0D%0Ab"),
            ("visitor", &"x".repeat(256)),
            ("since", "yesterday"),
            ("since", "-1"),
            ("since", "99999999999999999999"),
            ("since", "2026-11-25T09:00"),
            ("until", "2026-02-30"),
            ("until", "9999-12-31&until=1"),
        ] {
            assert_eq!(filter(&format!("{name}={value}")), Err(name.to_owned()), "{name}={value}");
        }
    }
}
