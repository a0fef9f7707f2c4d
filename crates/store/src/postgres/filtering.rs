//! Going along the conversations that a filter may ask for.

use frontdesk_core::{
    Assigned, ConversationFilter, ConversationId, ConversationList, ConversationQuery, ConversationStatus,
    ListCursor, OperatorName, Rating, SessionId, SiteId, StoreError, Tag,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::engine::Engine;
use super::error::Failure;
use super::rows;
use super::statements::inbox::{
    COUNT_ALL, COUNT_BY_ASSIGNEE, COUNT_BY_PAGE, COUNT_BY_RATING, COUNT_BY_SESSION, COUNT_BY_STATUS,
    COUNT_BY_TAG, COUNT_BY_VISITOR, COUNT_OF_SESSION, LIST_ALL, LIST_BY_ASSIGNEE, LIST_BY_PAGE,
    LIST_BY_RATING, LIST_BY_SESSION, LIST_BY_STATUS, LIST_BY_TAG, LIST_BY_VISITOR, SEARCH_BY_ASSIGNEE,
    SEARCH_BY_PAGE, SEARCH_BY_RATING, SEARCH_BY_SESSION, SEARCH_BY_STATUS, SEARCH_BY_TAG, SEARCH_BY_VISITOR,
    SEARCH_IN_ALL,
};
use super::turns::uuid;
use crate::filtering::{self, COUNTED, LOOKED_AT, Lead, OF_SESSION};

/// So many conversations are looked at first: mostly they are enough for a page.
const FIRST: usize = 200;

/// A filter's values in the order of their numbers, from a place of the list on.
pub(super) struct Values<'a> {
    site: Uuid,
    updated_at: i64,
    id: Uuid,
    since: i64,
    most: i64,
    assignee: Option<&'a str>,
    is_unassigned: bool,
    tag: Option<&'a str>,
    rating: Option<&'a str>,
    page: Option<&'a str>,
    session: Option<&'a str>,
    visitor: Option<&'a str>,
    statuses: Option<Vec<&'static str>>,
}

impl<'a> Values<'a> {
    pub(super) fn new(site: SiteId, filter: &'a ConversationFilter, from: ListCursor, most: usize) -> Self {
        let asked = ConversationStatus::ALL.into_iter().filter(|status| filter.statuses.contains(status));
        let statuses: Vec<_> = asked.map(ConversationStatus::as_str).collect();
        Self {
            site: uuid(site.as_bytes()),
            updated_at: from.updated_at.millis(),
            id: uuid(from.id.as_bytes()),
            since: filtering::end(filter),
            most: i64::try_from(most).unwrap_or(i64::MAX),
            assignee: match &filter.assignee {
                Some(Assigned::To(operator)) => Some(OperatorName::as_str(operator)),
                _ => None,
            },
            is_unassigned: filter.assignee == Some(Assigned::ToNobody),
            tag: filter.tag.as_ref().map(Tag::as_str),
            rating: filter.rating.map(Rating::as_str),
            page: filter.page.as_deref(),
            session: filter.session.as_ref().map(SessionId::as_str),
            visitor: filter.visitor.as_deref(),
            statuses: (!statuses.is_empty()).then_some(statuses),
        }
    }

    /// Without the filter: the site, the place and how many.
    pub(super) fn of_place<'b>(&'b self, more: &[&'b (dyn ToSql + Sync)]) -> Vec<&'b (dyn ToSql + Sync)> {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&self.site, &self.updated_at, &self.id, &self.most];
        values.extend(more);
        values
    }

    pub(super) fn and<'b>(&'b self, more: &[&'b (dyn ToSql + Sync)]) -> Vec<&'b (dyn ToSql + Sync)> {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![
            &self.site,
            &self.updated_at,
            &self.id,
            &self.since,
            &self.most,
            &self.assignee,
            &self.is_unassigned,
            &self.tag,
            &self.rating,
            &self.page,
            &self.session,
            &self.visitor,
            &self.statuses,
        ];
        values.extend(more);
        values
    }
}

/// What leads to the conversations of a filter.
pub(super) async fn lead(
    engine: &Engine,
    site: SiteId,
    filter: &ConversationFilter,
) -> Result<Lead, StoreError> {
    let mut is_common = false;
    if let Some(session) = &filter.session {
        let values: [&(dyn ToSql + Sync); 3] =
            [&uuid(site.as_bytes()), &session.as_str(), &i64::from(OF_SESSION + 1)];
        let rows = engine.read(COUNT_OF_SESSION, &values).await?;
        is_common = rows.first().map_or(Ok(0), |row| rows::number(row, 0))? > OF_SESSION;
    }
    // One statement goes along all statuses that are asked for.
    Ok(filtering::leads(filter, is_common).first().copied().unwrap_or(Lead::All))
}

const fn lists(lead: Lead) -> &'static str {
    match lead {
        Lead::Session => LIST_BY_SESSION,
        Lead::Visitor => LIST_BY_VISITOR,
        Lead::Tag => LIST_BY_TAG,
        Lead::Assignee => LIST_BY_ASSIGNEE,
        Lead::Rating => LIST_BY_RATING,
        Lead::Page => LIST_BY_PAGE,
        Lead::Status(_) => LIST_BY_STATUS,
        Lead::All => LIST_ALL,
    }
}

const fn counts(lead: Lead) -> &'static str {
    match lead {
        Lead::Session => COUNT_BY_SESSION,
        Lead::Visitor => COUNT_BY_VISITOR,
        Lead::Tag => COUNT_BY_TAG,
        Lead::Assignee => COUNT_BY_ASSIGNEE,
        Lead::Rating => COUNT_BY_RATING,
        Lead::Page => COUNT_BY_PAGE,
        Lead::Status(_) => COUNT_BY_STATUS,
        Lead::All => COUNT_ALL,
    }
}

pub(super) const fn searches(lead: Lead) -> &'static str {
    match lead {
        Lead::Session => SEARCH_BY_SESSION,
        Lead::Visitor => SEARCH_BY_VISITOR,
        Lead::Tag => SEARCH_BY_TAG,
        Lead::Assignee => SEARCH_BY_ASSIGNEE,
        Lead::Rating => SEARCH_BY_RATING,
        Lead::Page => SEARCH_BY_PAGE,
        Lead::Status(_) => SEARCH_BY_STATUS,
        Lead::All => SEARCH_IN_ALL,
    }
}

/// A page of those conversations of the list that are as the filter says.
pub(super) async fn list(engine: &Engine, query: ConversationQuery) -> Result<ConversationList, StoreError> {
    let lead = lead(engine, query.site, &query.filter).await?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut from = filtering::beginning(&query.filter, query.after);
    let mut list = ConversationList { conversations: Vec::new(), total: 0, next: None };
    for most in [FIRST, LOOKED_AT - FIRST] {
        // One more than asked for tells whether there is another page.
        let room = i64::try_from(limit - list.conversations.len()).unwrap_or(i64::MAX).saturating_add(1);
        let values = Values::new(query.site, &query.filter, from, most);
        let rows = engine.read(lists(lead), &values.and(&[&room])).await?;
        let Some(first) = rows.first() else { return Ok(list) };
        list.total = u64::try_from(rows::get::<i64>(first, 3)?).unwrap_or(0);
        list.next = stopped_at(first, most)?;
        for row in rows.iter().filter(|row| !rows::is_null(row, 4).unwrap_or(true)) {
            list.conversations.push(rows::summary(row, 4)?);
        }
        if list.conversations.len() > limit {
            list.conversations.truncate(limit);
            list.next = list.conversations.last().map(ListCursor::of);
            return Ok(list);
        }
        match list.next {
            Some(next) => from = next,
            None => return Ok(list),
        }
    }
    Ok(list)
}

/// Where a walk goes on that looked at so many conversations at most; `None` at the end.
pub(super) fn stopped_at(row: &Row, most: usize) -> Result<Option<ListCursor>, Failure> {
    let looked: i64 = rows::get(row, 0)?;
    if looked < i64::try_from(most).unwrap_or(i64::MAX) {
        return Ok(None);
    }
    let id = ConversationId::from_bytes(rows::id(row, 2)?);
    Ok(Some(ListCursor { updated_at: rows::time(row, 1)?, id }))
}

/// How many conversations are as the filter says, or as many as were asked for.
pub(super) async fn count(
    engine: &Engine,
    site: SiteId,
    filter: &ConversationFilter,
    at_most: u32,
) -> Result<u32, StoreError> {
    let lead = lead(engine, site, filter).await?;
    let values = Values::new(site, filter, filtering::beginning(filter, None), COUNTED);
    let rows = engine.read(counts(lead), &values.and(&[&i64::from(at_most)])).await?;
    Ok(rows.first().map_or(Ok(0), |row| rows::number(row, 0))?)
}
