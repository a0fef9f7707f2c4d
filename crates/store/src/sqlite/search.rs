//! Finding conversations by what was said in them.
//!
//! The index of words hands out the messages that have a word newest first, a million of them in a second and none for
//! free; the list is in the order of activity. So a few thousand messages are put into the order of the list. Of more than
//! that, only as many are read as lie around the part of the list that is walked, and the walk itself is bounded. What
//! the index has not told of a walked conversation, its messages themselves do.

use std::collections::HashMap;

use frontdesk_core::{
    ConversationId, ConversationSearch, ListCursor, Message, MessageStatus, Role, SearchHit, SearchPage,
    SearchQuery, SearchWord, Timestamp,
};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Failure;
use super::filtering::{FITS, Values, Walked, walk};
use super::rows::{self, MESSAGE, SUMMARY};
use super::words::{LAST_PLACE, PLACE_BITS};
use crate::filtering::{self, LOOKED_AT};

/// So many messages are put into the order of the list.
const FEW: usize = 3000;

/// So many messages are read from the index for a part of a walk.
const MANY: usize = 20_000;

/// How many conversations are walked at once, and in all.
const STEP: usize = 2000;
const WALK: usize = 20_000;

/// How many conversations of a walk are asked for their messages themselves, how many to find out whether a word that was
/// only begun is common, and how many bytes of messages are read.
const ASKED: usize = 400;
const TRIED: usize = 150;
const READ: usize = 4 * 1024 * 1024;

/// What the index says of the conversations from one number to another: the newest place of those that have the words.
struct Known {
    newest: HashMap<i64, u32>,
    from: i64,
    to: i64,
}

/// The numbers of all conversations there can be.
const ALL: (i64, i64) = (0, i64::MAX >> PLACE_BITS);

pub(super) fn search(connection: &Connection, search: &ConversationSearch) -> Result<SearchPage, Failure> {
    if search.query.is_empty() {
        return Ok(SearchPage::default());
    }
    let words = search.query.words();
    let mut page = Page::new(search);
    // The index would gather all messages that have any of the words that begin so, however many.
    if words.iter().any(|word| word.is_begun) {
        page.walk(connection, TRIED, None)?;
        if page.is_over() || page.hits.len() > 2 {
            return Ok(page.finish());
        }
        page = Page::new(search);
    }
    let words = in_index(&words);
    let few = read_index(connection, &words, ALL, FEW)?;
    if few.from == ALL.0 {
        page.sort(connection, &few)?;
    } else {
        let most = if search.filter.is_empty() { WALK } else { LOOKED_AT };
        page.walk(connection, most, Some(&words))?;
    }
    Ok(page.finish())
}

/// The words as the index is asked for them. They have letters and digits only.
fn in_index(words: &[SearchWord]) -> String {
    let quoted =
        words.iter().map(|word| format!("\"{}\"{}", word.text, if word.is_begun { "*" } else { "" }));
    quoted.collect::<Vec<_>>().join(" AND ")
}

/// Reads what the index says of conversations from one number to another, the newest first, until there are enough messages.
fn read_index(
    connection: &Connection,
    words: &str,
    (low, top): (i64, i64),
    limit: usize,
) -> Result<Known, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid FROM message_words WHERE message_words MATCH ? AND rowid BETWEEN ? AND ?
         ORDER BY rowid DESC LIMIT ?",
    )?;
    let (first, last) = (low << PLACE_BITS, (top << PLACE_BITS) | i64::from(LAST_PLACE));
    let mut rows =
        statement.query(params![words, first, last, i64::try_from(limit + 1).unwrap_or(i64::MAX)])?;
    let mut known = Known { newest: HashMap::new(), from: low, to: top };
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        let number = at >> PLACE_BITS;
        count += 1;
        if count > limit {
            // Of this one there may be messages that have not been read.
            known.from = number + 1;
            known.newest.remove(&number);
            break;
        }
        let place = u32::try_from(at & i64::from(LAST_PLACE)).unwrap_or(0);
        known.newest.entry(number).or_insert(place);
    }
    Ok(known)
}

/// From which to which number most of these conversations are. Some that are far older may have been continued lately; they
/// are few, and asked themselves.
fn span(part: &[Walked]) -> (i64, i64) {
    let mut numbers: Vec<_> = part.iter().map(|walked| walked.number).collect();
    numbers.sort_unstable();
    let low = numbers.get(numbers.len() / 50).copied().unwrap_or_default();
    (low, numbers.last().copied().unwrap_or_default())
}

/// A page that is being gathered.
struct Page<'a> {
    search: &'a ConversationSearch,
    limit: usize,
    hits: Vec<SearchHit>,
    /// The last place of the list that was looked at.
    at: ListCursor,
    /// Whether there is nothing after it.
    is_end: bool,
    /// How much may still be read of messages themselves.
    asked: usize,
    read: usize,
}

impl<'a> Page<'a> {
    fn new(search: &'a ConversationSearch) -> Self {
        Self {
            search,
            limit: usize::try_from(search.limit).unwrap_or(usize::MAX),
            hits: Vec::new(),
            at: filtering::beginning(&search.filter, search.after),
            is_end: false,
            asked: ASKED,
            read: READ,
        }
    }

    fn is_over(&self) -> bool {
        self.is_end || self.hits.len() >= self.limit
    }

    fn finish(self) -> SearchPage {
        SearchPage { hits: self.hits, next: (!self.is_end).then_some(self.at) }
    }

    /// Takes all that the index knows, in the order of the list.
    fn sort(&mut self, connection: &Connection, known: &Known) -> Result<(), Failure> {
        let mut find = connection.prepare_cached(&format!(
            "SELECT updated_at, id FROM conversations AS c
             WHERE number = :number AND site_id = :site AND updated_at >= :since AND {FITS}"
        ))?;
        let (values, site) = (Values::of(&self.search.filter), self.search.site);
        let since = filtering::end(&self.search.filter);
        let mut found = Vec::with_capacity(known.newest.len());
        for &number in known.newest.keys() {
            let read = |row: &rusqlite::Row<'_>| {
                let updated_at = Timestamp::from_millis(row.get(0)?);
                Ok(ListCursor { updated_at, id: ConversationId::from_bytes(row.get(1)?) })
            };
            let mut named = values.named().to_vec();
            named.extend([
                (":number", &number as &dyn ToSql),
                (":site", site.as_bytes()),
                (":since", &since),
            ]);
            let place = find.query_row(&named[..], read).optional()?;
            found.extend(place.map(|place| Walked { place, number }));
        }
        let key = |place: ListCursor| (place.updated_at, place.id);
        found.retain(|walked| key(walked.place) < key(self.at));
        found.sort_unstable_by_key(|walked| std::cmp::Reverse(key(walked.place)));
        for walked in found {
            if self.hits.len() >= self.limit || self.is_spent() {
                return Ok(());
            }
            if let Some(&seq) = known.newest.get(&walked.number) {
                self.take(connection, walked, Some(seq))?;
            }
        }
        self.is_end = true;
        Ok(())
    }

    /// Goes along the list, up to so many conversations.
    fn walk(&mut self, connection: &Connection, most: usize, words: Option<&str>) -> Result<(), Failure> {
        let mut walked = 0;
        while walked < most {
            let step = STEP.min(most - walked);
            let (part, next) = self.step(connection, step)?;
            let known = words.map(|words| read_index(connection, words, span(&part), MANY)).transpose()?;
            for &conversation in &part {
                if self.hits.len() >= self.limit || self.is_spent() {
                    return Ok(());
                }
                let told =
                    known.as_ref().filter(|known| (known.from..=known.to).contains(&conversation.number));
                match told {
                    Some(known) => match known.newest.get(&conversation.number) {
                        Some(&seq) => self.take(connection, conversation, Some(seq))?,
                        None => self.at = conversation.place,
                    },
                    None => self.take(connection, conversation, None)?,
                }
            }
            walked += step;
            let Some(next) = next else {
                self.is_end = true;
                return Ok(());
            };
            self.at = next;
        }
        Ok(())
    }

    /// The next conversations of the list, out of so many, and where to go on; `None` at the end. Without a filter all of it
    /// lies in an index.
    fn step(
        &self,
        connection: &Connection,
        count: usize,
    ) -> Result<(Vec<Walked>, Option<ListCursor>), Failure> {
        let filter = &self.search.filter;
        if !filter.is_empty() {
            let mut part = Vec::new();
            let next = walk(connection, self.search.site, filter, self.at, count, |walked| {
                part.push(walked);
                true
            })?;
            return Ok((part, next));
        }
        let mut statement = connection.prepare_cached(
            "SELECT updated_at, id, number FROM conversations
             WHERE site_id = ? AND (updated_at, id) < (?, ?) ORDER BY updated_at DESC, id DESC LIMIT ?",
        )?;
        let (site, after) = (self.search.site, self.at);
        let values = params![
            site.as_bytes(),
            after.updated_at.millis(),
            after.id.as_bytes(),
            i64::try_from(count).unwrap_or(i64::MAX)
        ];
        let rows = statement.query_map(values, |row| {
            let updated_at = Timestamp::from_millis(row.get(0)?);
            let place = ListCursor { updated_at, id: ConversationId::from_bytes(row.get(1)?) };
            Ok(Walked { place, number: row.get(2)? })
        })?;
        let part = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let next = part.last().filter(|_| part.len() == count).map(|last| last.place);
        Ok((part, next))
    }

    fn is_spent(&self) -> bool {
        self.asked == 0 || self.read == 0
    }

    /// Takes a conversation if it has what is looked for: at this place, if the index has told one.
    fn take(&mut self, connection: &Connection, walked: Walked, told: Option<u32>) -> Result<(), Failure> {
        self.at = walked.place;
        let id = walked.place.id;
        let told = match told {
            Some(seq) => {
                read_message(connection, id, seq)?.filter(|message| is_hit(&self.search.query, message))
            }
            None => None,
        };
        let found = match told {
            Some(message) => Some(message),
            None => self.ask(connection, id)?,
        };
        if let Some(message) = found {
            let sql = format!("SELECT {SUMMARY} FROM conversations WHERE id = ?");
            let conversation = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], rows::summary)?;
            self.hits.push(SearchHit { conversation, message });
        }
        Ok(())
    }

    /// The newest message of a conversation that has what is looked for, read from the messages themselves.
    fn ask(
        &mut self,
        connection: &Connection,
        conversation: ConversationId,
    ) -> Result<Option<Message>, Failure> {
        self.asked = self.asked.saturating_sub(1);
        let sql = "SELECT seq, text, status FROM messages
                   WHERE conversation_id = ? AND role <> 'event' ORDER BY seq DESC";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([conversation.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            self.read = self.read.saturating_sub(text.len());
            let is_ended =
                row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)? != MessageStatus::Streaming.as_str();
            if is_ended && self.search.query.matches(text) {
                return read_message(connection, conversation, row.get(0)?);
            }
        }
        Ok(None)
    }
}

fn is_hit(query: &SearchQuery, message: &Message) -> bool {
    message.status != MessageStatus::Streaming && message.role != Role::Event && query.matches(&message.text)
}

fn read_message(
    connection: &Connection,
    conversation: ConversationId,
    seq: u32,
) -> Result<Option<Message>, Failure> {
    let sql = format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ? AND seq = ?");
    let values = params![conversation.as_bytes(), seq];
    Ok(connection.prepare_cached(&sql)?.query_row(values, rows::message).optional()?)
}
