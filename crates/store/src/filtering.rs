//! How engines with tables find the conversations that a filter asks for: they go along an index that has the list's order,
//! and look at each conversation there whether the rest of the filter holds for it too. How many they look at is bounded.

use frontdesk_core::{
    Assigned, ConversationFilter, ConversationId, ConversationStatus, ListCursor, Tag, Timestamp,
};

/// How many conversations are looked at for a page.
pub(crate) const LOOKED_AT: usize = 600;

/// How many are looked at to be counted.
pub(crate) const COUNTED: usize = 2000;

/// A session that has more conversations than this leads to none: each secret has one, and anybody may send secrets.
pub(crate) const OF_SESSION: u32 = 1000;

/// The place before the first conversation of the list.
const BEGINNING: ListCursor =
    ListCursor { updated_at: Timestamp::from_millis(i64::MAX), id: ConversationId::from_bytes([0xFF; 16]) };

/// The condition of a filter that leads to its conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    Session,
    Visitor,
    Tag,
    Assignee,
    Rating,
    Page,
    Status(ConversationStatus),
    /// None does: all conversations are gone along.
    All,
}

/// What leads to the conversations of a filter: the condition that fewest conversations are likely to meet. Several are
/// gone along together.
pub(crate) fn leads(filter: &ConversationFilter, is_common_session: bool) -> Vec<Lead> {
    let waiting = filter.statuses == [ConversationStatus::NeedsPerson];
    let single = [
        (filter.session.is_some() && !is_common_session, Lead::Session),
        (filter.visitor.is_some(), Lead::Visitor),
        (waiting, Lead::Status(ConversationStatus::NeedsPerson)),
        (filter.tag.is_some(), Lead::Tag),
        (filter.rating.is_some(), Lead::Rating),
        (filter.page.is_some(), Lead::Page),
        (matches!(filter.assignee, Some(Assigned::To(_))), Lead::Assignee),
    ];
    if let Some((_, lead)) = single.into_iter().find(|(is_given, _)| *is_given) {
        return vec![lead];
    }
    let asked: Vec<_> =
        ConversationStatus::ALL.into_iter().filter(|status| filter.statuses.contains(status)).collect();
    match asked.len() {
        0 => vec![Lead::All],
        all if all == ConversationStatus::ALL.len() => vec![Lead::All],
        _ => asked.into_iter().map(Lead::Status).collect(),
    }
}

/// The place in the list that everything asked for comes after.
pub(crate) fn beginning(filter: &ConversationFilter, after: Option<ListCursor>) -> ListCursor {
    let after = after.unwrap_or(BEGINNING);
    match filter.until {
        Some(until) if until <= after.updated_at => {
            ListCursor { updated_at: until, id: ConversationId::from_bytes([0; 16]) }
        }
        _ => after,
    }
}

/// The time that everything asked for is not older than.
pub(crate) fn end(filter: &ConversationFilter) -> i64 {
    filter.since.map_or(i64::MIN, Timestamp::millis)
}

/// The names of the statuses that are asked for, in one text; none of them is a part of another one.
pub(crate) fn statuses(filter: &ConversationFilter) -> Option<String> {
    let names: Vec<_> = filter.statuses.iter().map(|status| status.as_str()).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// Tags as they lie in a column: none of them has a comma.
pub(crate) fn joined(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",")
}

/// Reads the tags of a column.
pub(crate) fn split(tags: &str) -> Option<Vec<Tag>> {
    tags.split(',').filter(|tag| !tag.is_empty()).map(|tag| Tag::parse(tag).ok()).collect()
}

#[cfg(test)]
mod tests {
    use frontdesk_core::{OperatorName, Rating, SessionId};

    use super::*;

    #[test]
    fn what_few_conversations_have_leads_to_them() {
        let by_status = |statuses: &[ConversationStatus]| ConversationFilter {
            statuses: statuses.to_vec(),
            ..ConversationFilter::default()
        };
        let [open, waiting, closed] = ConversationStatus::ALL;
        assert_eq!(leads(&by_status(&[]), false), [Lead::All]);
        assert_eq!(leads(&by_status(&ConversationStatus::ALL), false), [Lead::All]);
        assert_eq!(leads(&by_status(&[closed, open]), false), [Lead::Status(open), Lead::Status(closed)]);
        let waiting = ConversationFilter { rating: Some(Rating::Down), ..by_status(&[waiting]) };
        assert_eq!(leads(&waiting, false), [Lead::Status(ConversationStatus::NeedsPerson)]);
        let all = ConversationFilter {
            session: SessionId::parse("a").ok(),
            assignee: Some(Assigned::To(OperatorName::default())),
            ..by_status(&[open])
        };
        assert_eq!(leads(&all, false), [Lead::Session]);
        assert_eq!(leads(&all, true), [Lead::Assignee]);
    }

    #[test]
    fn whatever_ends_first_is_the_beginning() {
        let place = |millis| ListCursor {
            updated_at: Timestamp::from_millis(millis),
            id: ConversationId::from_bytes([7; 16]),
        };
        let until = |millis| ConversationFilter {
            until: Some(Timestamp::from_millis(millis)),
            ..ConversationFilter::default()
        };
        let nothing = ConversationId::from_bytes([0; 16]);
        assert_eq!(beginning(&ConversationFilter::default(), None), BEGINNING);
        assert_eq!(beginning(&until(9), Some(place(5))), place(5));
        for after in [Some(place(9)), Some(place(10)), None] {
            let found = beginning(&until(9), after);
            assert_eq!((found.updated_at.millis(), found.id), (9, nothing));
        }
    }
}
