//! Finding conversations by what was said in them.
//!
//! An index of words (GIN) gives all messages that have them, in no order. So the list is walked first, a bounded part of
//! it: what is common turns up there. What does not is looked up in the index, within a bounded time. Both have a
//! connection to themselves, so that nobody waits behind them.

use std::sync::Arc;

use frontdesk_core::{
    ConversationId, ConversationSearch, ListCursor, SearchHit, SearchPage, SearchWord, StoreError,
    index_words,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::Connection;
use super::engine::{Engine, Repeat};
use super::error::Failure;
use super::filtering::{self, Values, searches, stopped_at};
use super::rows::{self, SUMMARY};
use super::statements::inbox::SEARCH_ALL;
use super::statements::{INDEX, SEARCH_WALK, UNINDEXED};
use crate::filtering::{self as rules, Lead};

/// How many conversations of the list are walked; those that a filter leads to lie further apart.
const WALK: usize = 1000;
const FILTERED_WALK: usize = 300;

/// So many of them are enough to go on walking.
const ENOUGH: usize = 3;

/// How many of a conversation's messages are read when their words may be in another order.
const CANDIDATES: i64 = 50;

/// Of a query's plan much depends on its words.
const BY_WORDS: &str = "SET LOCAL plan_cache_mode = force_custom_plan";

/// How long the index may be asked for all that there is, in milliseconds.
const BRIEFLY: &str = "SET LOCAL statement_timeout = 400";

pub(super) async fn search(engine: &Engine, search: ConversationSearch) -> Result<SearchPage, StoreError> {
    if search.query.is_empty() {
        return Ok(SearchPage::default());
    }
    let lead = filtering::lead(engine, search.site, &search.filter).await?;
    let search = Arc::new(search);
    let find = |connection| find(connection, Arc::clone(&search), lead);
    engine.transact(Repeat::Harmless, find).await.map_err(|undone| undone.failure.into())
}

async fn find(
    connection: Arc<Connection>,
    search: Arc<ConversationSearch>,
    lead: Lead,
) -> Result<SearchPage, Failure> {
    connection.run(BY_WORDS).await?;
    let words = as_tsquery(&search.query.words());
    let walked = walk(&connection, &search, lead, &words).await?;
    if walked.next.is_none() || walked.hits.len() >= ENOUGH.min(limit(&search)) {
        return Ok(walked);
    }
    connection.run(BRIEFLY).await?;
    match find_all(&connection, &search, &words).await {
        // There are more of them than can be sorted in that time: the next page goes on walking.
        Err(Failure::Server { state, .. }) if state.code() == "57014" => Ok(walked),
        found => found,
    }
}

fn limit(search: &ConversationSearch) -> usize {
    usize::try_from(search.limit).unwrap_or(usize::MAX)
}

/// The words in the form that PostgreSQL reads. They have letters and digits only.
fn as_tsquery(words: &[SearchWord]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'{}", word.text, if word.is_begun { ":*" } else { "" }));
    quoted.collect::<Vec<_>>().join(" & ")
}

fn candidates(search: &ConversationSearch) -> i64 {
    if search.query.needs_order() { CANDIDATES } else { 1 }
}

/// The place to go on from, and what the filter says.
fn values(search: &ConversationSearch, most: usize) -> Values<'_> {
    let from = rules::beginning(&search.filter, search.after);
    Values::new(search.site, &search.filter, from, most)
}

async fn walk(
    connection: &Connection,
    search: &ConversationSearch,
    lead: Lead,
    words: &str,
) -> Result<SearchPage, Failure> {
    let most = if search.filter.is_empty() { WALK } else { FILTERED_WALK };
    let (values, candidates) = (values(search, most), candidates(search));
    let rows = if search.filter.is_empty() {
        connection.query(SEARCH_WALK, &values.of_place(&[&words, &candidates])).await?
    } else {
        connection.query(searches(lead), &values.and(&[&words, &candidates])).await?
    };
    let Some(first) = rows.first() else { return Ok(SearchPage::default()) };
    let last = stopped_at(first, most)?;
    let mut hits = if rows::is_null(first, 3)? { Vec::new() } else { read(&rows, 3, search)?.0 };
    let is_full = hits.len() > limit(search);
    hits.truncate(limit(search));
    let next = match hits.last() {
        Some(hit) if is_full => Some(ListCursor::of(&hit.conversation)),
        _ => last,
    };
    Ok(SearchPage { hits, next })
}

async fn find_all(
    connection: &Connection,
    search: &ConversationSearch,
    words: &str,
) -> Result<SearchPage, Failure> {
    // One more than asked for tells whether there is another page.
    let (values, candidates) = (values(search, limit(search).saturating_add(1)), candidates(search));
    let rows = connection.query(SEARCH_ALL, &values.and(&[&words, &candidates])).await?;
    let (mut hits, mut places) = read(&rows, 0, search)?;
    let mut next = None;
    if places.len() > limit(search) {
        let beyond = places.pop();
        hits.retain(|hit| Some(ListCursor::of(&hit.conversation)) != beyond);
        next = places.last().copied();
    }
    Ok(SearchPage { hits, next })
}

/// Of each conversation the first message that has what is looked for, and the places of all conversations.
fn read(
    rows: &[Row],
    at: usize,
    search: &ConversationSearch,
) -> Result<(Vec<SearchHit>, Vec<ListCursor>), Failure> {
    let mut hits: Vec<SearchHit> = Vec::new();
    let mut places: Vec<ListCursor> = Vec::new();
    for row in rows {
        let id = ConversationId::from_bytes(rows::id(row, at)?);
        if hits.last().is_some_and(|hit| hit.conversation.id == id) {
            continue;
        }
        let conversation = rows::summary(row, at)?;
        let place = ListCursor::of(&conversation);
        if places.last() != Some(&place) {
            places.push(place);
        }
        let message = rows::message(row, at + SUMMARY)?;
        if search.query.matches(&message.text) {
            hits.push(SearchHit { conversation, message });
        }
    }
    Ok((hits, places))
}

/// Keeps the words of some messages of which they are not known yet, and says of how many.
pub(super) async fn catch_up(connection: Arc<Connection>, limit: u32) -> Result<u64, Failure> {
    let rows = connection.query(UNINDEXED, &[&i64::from(limit)]).await?;
    let mut ids = Vec::with_capacity(rows.len());
    let mut words = Vec::with_capacity(rows.len());
    for row in &rows {
        ids.push(rows::get::<Uuid>(row, 0)?);
        words.push(index_words(rows::get(row, 1)?).join(" "));
    }
    if !ids.is_empty() {
        connection.execute(INDEX, &[&ids, &words]).await?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}
