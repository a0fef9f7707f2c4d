//! Going along the conversations that a filter may ask for.

use frontdesk_core::{
    Assigned, ConversationFilter, ConversationId, ConversationList, ConversationQuery, ListCursor,
    OperatorName, Rating, SessionId, SiteId, Tag, Timestamp,
};
use rusqlite::types::ToSql;
use rusqlite::{Connection, params};

use super::error::Failure;
use super::rows::{self, SUMMARY};
use crate::filtering::{self, COUNTED, LOOKED_AT, Lead, OF_SESSION};

/// A conversation of the list.
#[derive(Clone, Copy)]
pub(super) struct Walked {
    pub(super) place: ListCursor,
    pub(super) number: i64,
}

/// Whether a conversation `c` is as the filter says, but for when something was last said.
pub(super) const FITS: &str = "(:statuses IS NULL OR instr(:statuses, c.status) > 0)
     AND (:assignee IS NULL OR c.assignee IS :assignee) AND (NOT :is_unassigned OR c.assignee IS NULL)
     AND (:tag IS NULL OR instr(',' || c.tags || ',', ',' || :tag || ',') > 0)
     AND (:rating IS NULL OR c.rating IS :rating) AND (:page IS NULL OR c.page IS :page)
     AND (:session IS NULL OR c.session = :session) AND (:visitor IS NULL OR c.visitor_id IS :visitor)";

/// The values that [`FITS`] has names for, as they lie in columns.
pub(super) struct Values<'a> {
    statuses: Option<String>,
    assignee: Option<&'a str>,
    is_unassigned: bool,
    tag: Option<&'a str>,
    rating: Option<&'a str>,
    page: Option<&'a str>,
    session: Option<&'a str>,
    visitor: Option<&'a str>,
}

impl<'a> Values<'a> {
    pub(super) fn of(filter: &'a ConversationFilter) -> Self {
        Self {
            statuses: filtering::statuses(filter),
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
        }
    }

    pub(super) fn named(&self) -> [(&'static str, &dyn ToSql); 8] {
        [
            (":statuses", &self.statuses),
            (":assignee", &self.assignee),
            (":is_unassigned", &self.is_unassigned),
            (":tag", &self.tag),
            (":rating", &self.rating),
            (":page", &self.page),
            (":session", &self.session),
            (":visitor", &self.visitor),
        ]
    }
}

/// The conversations that this leads to, from a place on, and whether they fit.
fn branch(lead: Lead) -> String {
    let by = |index: &str, condition: &str| {
        (format!("conversations AS c INDEXED BY {index}"), format!("c.site_id = :site AND {condition}"))
    };
    let joined = |table: &str, condition: &str| {
        (
            format!("{table} AS l CROSS JOIN conversations AS c ON c.id = l.conversation_id"),
            condition.to_owned(),
        )
    };
    let (from, condition) = match lead {
        Lead::Session => joined("sessions", "l.site_id = :site AND l.session = :session"),
        Lead::Tag => joined("conversation_tags", "l.site_id = :site AND l.tag = :tag"),
        Lead::Visitor => by("conversations_by_visitor", "c.visitor_id = :visitor"),
        Lead::Assignee => by("conversations_by_assignee", "c.assignee = :assignee"),
        Lead::Rating => by("conversations_by_rating", "c.rating = :rating"),
        Lead::Page => by("conversations_by_page", "c.page = :page"),
        Lead::Status(status) => by("conversations_by_status", &format!("c.status = '{}'", status.as_str())),
        Lead::All => by("conversations_by_activity", "true"),
    };
    let (updated_at, id) = match lead {
        Lead::Tag => ("l.updated_at", "l.conversation_id"),
        _ => ("c.updated_at", "c.id"),
    };
    format!(
        "SELECT {updated_at}, {id}, c.number, {FITS} FROM {from}
         WHERE {condition} AND ({updated_at}, {id}) < (:updated_at, :id) AND {updated_at} >= :since"
    )
}

/// Goes along the conversations that may be as the filter says, in the order of the list and from that place on, and hands
/// out those that are, until `take` wants no more. Looks at so many at most.
///
/// Says where it stopped; `None` at the end.
pub(super) fn walk(
    connection: &Connection,
    site: SiteId,
    filter: &ConversationFilter,
    from: ListCursor,
    most: usize,
    mut take: impl FnMut(Walked) -> bool,
) -> Result<Option<ListCursor>, Failure> {
    let branches: Vec<_> =
        filtering::leads(filter, is_common(connection, site, filter)?).into_iter().map(branch).collect();
    let sql = format!("{} ORDER BY 1 DESC, 2 DESC", branches.join(" UNION ALL "));
    let values = Values::of(filter);
    let (site, updated_at, id) = (site.as_bytes(), from.updated_at.millis(), from.id.as_bytes());
    let since = filtering::end(filter);
    let mut named = values.named().to_vec();
    named.extend([
        (":site", site as &dyn ToSql),
        (":updated_at", &updated_at),
        (":id", id),
        (":since", &since),
    ]);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(&named[..])?;
    let (mut at, mut looked) = (from, 0);
    while let Some(row) = rows.next()? {
        if looked == most {
            return Ok(Some(at));
        }
        let updated_at = Timestamp::from_millis(row.get(0)?);
        let place = ListCursor { updated_at, id: ConversationId::from_bytes(row.get(1)?) };
        if row.get(3)? && !take(Walked { place, number: row.get(2)? }) {
            return Ok(Some(at));
        }
        (at, looked) = (place, looked + 1);
    }
    Ok(None)
}

/// Whether a session has so many conversations that it leads to none.
fn is_common(connection: &Connection, site: SiteId, filter: &ConversationFilter) -> Result<bool, Failure> {
    let Some(session) = &filter.session else { return Ok(false) };
    let sql = "SELECT count(*) FROM (SELECT 1 FROM sessions WHERE site_id = ? AND session = ? LIMIT ?)";
    let values = params![site.as_bytes(), session.as_str(), OF_SESSION + 1];
    let count: u32 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    Ok(count > OF_SESSION)
}

/// A page of those conversations of the list that are as the filter says.
pub(super) fn list(
    connection: &Connection,
    query: &ConversationQuery,
    total: u64,
) -> Result<ConversationList, Failure> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let from = filtering::beginning(&query.filter, query.after);
    let mut found = Vec::new();
    let next = walk(connection, query.site, &query.filter, from, LOOKED_AT, |walked| {
        let has_room = found.len() < limit;
        if has_room {
            found.push(walked.place.id);
        }
        has_room
    })?;
    let mut read = connection.prepare_cached(&format!("SELECT {SUMMARY} FROM conversations WHERE id = ?"))?;
    let conversations =
        found.iter().map(|id| read.query_row([id.as_bytes()], rows::summary)).collect::<Result<_, _>>()?;
    Ok(ConversationList { conversations, total, next })
}

/// How many conversations are as the filter says, or as many as were asked for.
pub(super) fn count(
    connection: &Connection,
    site: SiteId,
    filter: &ConversationFilter,
    at_most: u32,
) -> Result<u32, Failure> {
    let mut count = 0;
    walk(connection, site, filter, filtering::beginning(filter, None), COUNTED, |_| {
        let has_room = count < at_most;
        count += u32::from(has_room);
        has_room
    })?;
    Ok(count)
}
