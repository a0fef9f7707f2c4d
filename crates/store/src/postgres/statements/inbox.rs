//! What operators do with conversations.
//!
//! The statements that filter take the same thirteen values first: see [`super::super::filtering`]. Each goes along an index
//! that has the list's order, looks at so many conversations, and says of each whether all of the filter holds for it.

/// Whether a conversation `c` is as the filter says, but for when something was last said.
macro_rules! fits {
    () => {
        "($6::text IS NULL OR c.assignee = $6) AND (NOT $7::boolean OR c.assignee IS NULL)
         AND ($8::text IS NULL OR $8 = ANY (string_to_array(c.tags, ',')))
         AND ($9::text IS NULL OR c.rating = $9) AND ($10::text IS NULL OR c.page = $10)
         AND ($11::text IS NULL OR c.session = $11) AND ($12::text IS NULL OR c.visitor_id = $12)
         AND ($13::text[] IS NULL OR c.status = ANY ($13))"
    };
}

/// The conversations of some rows that meet a condition, from a place on.
macro_rules! scan {
    ($from:literal, $condition:literal, $updated_at:literal, $id:literal) => {
        concat!(
            "SELECT ",
            $updated_at,
            " AS updated_at, ",
            $id,
            " AS id, (",
            fits!(),
            ") AS fits FROM ",
            $from,
            " WHERE ",
            $condition,
            " AND (",
            $updated_at,
            ", ",
            $id,
            ") < ($2::bigint, $3::uuid)
               AND ",
            $updated_at,
            " >= $4::bigint
             ORDER BY ",
            $updated_at,
            " DESC, ",
            $id,
            " DESC LIMIT $5::bigint"
        )
    };
    ($condition:literal) => {
        scan!("conversations c", $condition, "c.updated_at", "c.id")
    };
}

macro_rules! all {
    () => {
        scan!("c.site_id = $1")
    };
}
macro_rules! by_visitor {
    () => {
        scan!("c.site_id = $1 AND c.visitor_id = $12")
    };
}
macro_rules! by_assignee {
    () => {
        scan!("c.site_id = $1 AND c.assignee = $6")
    };
}
macro_rules! by_rating {
    () => {
        scan!("c.site_id = $1 AND c.rating = $9")
    };
}
macro_rules! by_page {
    () => {
        scan!("c.site_id = $1 AND c.page = $10")
    };
}
macro_rules! by_session {
    () => {
        scan!(
            "sessions l JOIN conversations c ON c.id = l.conversation_id",
            "l.site_id = $1 AND l.session = $11",
            "c.updated_at",
            "c.id"
        )
    };
}
macro_rules! by_tag {
    () => {
        scan!(
            "conversation_tags l JOIN conversations c ON c.id = l.conversation_id",
            "l.site_id = $1 AND l.tag = $8",
            "l.updated_at",
            "l.conversation_id"
        )
    };
}
/// One or two statuses.
macro_rules! by_status {
    () => {
        concat!(
            "(",
            scan!("c.site_id = $1 AND c.status = ($13::text[])[1]"),
            ") UNION ALL (",
            scan!("c.site_id = $1 AND c.status = ($13::text[])[2]"),
            ") ORDER BY 1 DESC, 2 DESC LIMIT $5"
        )
    };
}

/// How far a walk came that looked at what `scan` gives.
macro_rules! walked {
    ($scan:expr) => {
        concat!(
            "WITH looked AS MATERIALIZED (", $scan, "), state AS (
                 SELECT count(*) AS looked, (array_agg(updated_at ORDER BY updated_at, id))[1] AS updated_at,
                        (array_agg(id ORDER BY updated_at, id))[1] AS id
                 FROM looked
             )"
        )
    };
}

/// A page of those that are as the filter says. Has one row without a conversation if there is none.
macro_rules! list {
    ($scan:expr) => {
        concat!(
            walked!($scan),
            " SELECT state.looked, state.updated_at, state.id,
                     (SELECT coalesce(sum(conversations), 0)::bigint FROM site_counts WHERE site_id = $1), ",
            summary!(), "
             FROM state LEFT JOIN (
                 SELECT c.* FROM looked JOIN conversations c ON c.id = looked.id
                 WHERE looked.fits ORDER BY looked.updated_at DESC, looked.id DESC LIMIT $14
             ) c ON true
             ORDER BY c.updated_at DESC, c.id DESC"
        )
    };
}

/// Those that are as the filter says and have a message with the words; the newest such messages of each. Has one row without a
/// conversation if there is none.
macro_rules! search {
    ($scan:expr) => {
        concat!(
            walked!($scan),
            " SELECT state.looked, state.updated_at, state.id, ",
            summary!(),
            ", ",
            message!(),
            "
             FROM state LEFT JOIN (
                 looked JOIN conversations c ON c.id = looked.id AND looked.fits
                 JOIN LATERAL (
                     SELECT * FROM messages WHERE conversation_id = c.id AND words @@ $14::text::tsquery
                     ORDER BY seq DESC LIMIT $15
                 ) m ON true
             ) ON true
             ORDER BY c.updated_at DESC, c.id DESC, m.seq DESC"
        )
    };
}

/// How many are as the filter says, up to a number.
macro_rules! count {
    ($scan:expr) => {
        concat!("SELECT count(*) FROM (SELECT 1 FROM (", $scan, ") looked WHERE fits LIMIT $14) counted")
    };
}

statements! {
    CONVERSATION = concat!(
        "SELECT ", summary!(), ", s.secret FROM conversations c JOIN sessions s ON s.conversation_id = c.id
         WHERE c.id = $1 AND c.site_id = $2"
    );
    CONVERSATION_OF_SESSION = concat!(
        "SELECT ", summary!(), ", s.secret FROM sessions s JOIN conversations c ON c.id = s.conversation_id
         WHERE s.site_id = $1 AND s.session = $2 AND s.secret = $3"
    );
    /// What a conversation is, which nobody else changes until the unit of work is over.
    LOCK_STATE = concat!(
        "SELECT c.revision, c.message_count, ", state!(), " FROM conversations c WHERE c.id = $1 AND c.site_id = $2
         FOR UPDATE"
    );
    MESSAGE_OF_KEY = concat!(
        "SELECT ", message!(), " FROM messages m
         WHERE m.conversation_id = $1 AND m.idempotency_key = $2 AND m.role <> 'user'"
    );
    MESSAGE_OF_KEY_AND_SITE = concat!(
        "SELECT ", message!(), " FROM messages m
         WHERE m.conversation_id = $1 AND m.idempotency_key = $2 AND m.role <> 'user' AND m.site_id = $3"
    );
    /// Has one row without sums if there are none.
    USAGE =
        "SELECT m.model, sum(m.input_tokens)::bigint, sum(m.output_tokens)::bigint FROM conversations c
         LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq > c.message_count - $3::bigint
             AND m.input_tokens IS NOT NULL AND m.output_tokens IS NOT NULL
         WHERE c.id = $1 AND c.site_id = $2
         GROUP BY m.model ORDER BY m.model COLLATE \"C\" NULLS FIRST";
    COUNT_OTHER_DRAFTS =
        "SELECT count(*) FROM drafts WHERE conversation_id = $1 AND NOT (operator = $2 AND kind = $3)";
    PUT_DRAFT =
        "INSERT INTO drafts (conversation_id, operator, kind, text) VALUES ($1, $2, $3, $4)
         ON CONFLICT (conversation_id, operator, kind) DO UPDATE SET text = excluded.text";
    DROP_DRAFT = "DELETE FROM drafts WHERE conversation_id = $1 AND operator = $2 AND kind = $3";
    /// Has one row without a draft if there is none.
    DRAFTS_OF_OPERATOR =
        "SELECT d.kind, d.text FROM conversations c
         LEFT JOIN drafts d ON d.conversation_id = c.id AND d.operator = $3
         WHERE c.id = $1 AND c.site_id = $2";
    HAS_MESSAGE = "SELECT 1 FROM messages WHERE id = $1 AND conversation_id = $2";
    KEEP_STATE =
        "UPDATE conversations
         SET status = $2, answering = $3, answering_since = $4, assignee = $5, tags = $6, contact = $7,
             message_count = $8, revision = $9, last_message = coalesce($10, last_message),
             last_role = coalesce($11, last_role), updated_at = coalesce($12, updated_at)
         WHERE id = $1";
    APPEND_MESSAGE =
        "INSERT INTO messages
             (id, site_id, conversation_id, seq, revision, role, author, status, text, created_at, idempotency_key, words)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'accepted', $8, $9, $10, array_to_tsvector(string_to_array($11, ' ')))";
    DROP_TAGS = "DELETE FROM conversation_tags WHERE conversation_id = $1";
    PUT_TAGS =
        "INSERT INTO conversation_tags (conversation_id, tag, site_id, updated_at)
         SELECT c.id, tag, c.site_id, c.updated_at FROM conversations c, unnest($2::text[]) AS put (tag) WHERE c.id = $1
         ON CONFLICT DO NOTHING";
    /// Keeps a conversation's place in the list where it is found by its tags.
    TOUCH_TAGS = "UPDATE conversation_tags SET updated_at = $2 WHERE conversation_id = $1";
    KEEP_VISIT =
        "UPDATE conversations
         SET page = coalesce($2, page), referrer = coalesce($3, referrer), user_agent = coalesce($4, user_agent),
             language = coalesce($5, language)
         WHERE id = $1";
    MARK_READ =
        "UPDATE conversations SET read_count = least($3, message_count)
         WHERE id = $1 AND site_id = $2 AND read_count < least($3, message_count)";

    /// How many conversations a session has, up to a number.
    COUNT_OF_SESSION =
        "SELECT count(*) FROM (SELECT 1 FROM sessions WHERE site_id = $1 AND session = $2 LIMIT $3) counted";
    LIST_ALL = list!(all!());
    LIST_BY_SESSION = list!(by_session!());
    LIST_BY_VISITOR = list!(by_visitor!());
    LIST_BY_TAG = list!(by_tag!());
    LIST_BY_ASSIGNEE = list!(by_assignee!());
    LIST_BY_RATING = list!(by_rating!());
    LIST_BY_PAGE = list!(by_page!());
    LIST_BY_STATUS = list!(by_status!());
    SEARCH_IN_ALL = search!(all!());
    SEARCH_BY_SESSION = search!(by_session!());
    SEARCH_BY_VISITOR = search!(by_visitor!());
    SEARCH_BY_TAG = search!(by_tag!());
    SEARCH_BY_ASSIGNEE = search!(by_assignee!());
    SEARCH_BY_RATING = search!(by_rating!());
    SEARCH_BY_PAGE = search!(by_page!());
    SEARCH_BY_STATUS = search!(by_status!());
    COUNT_ALL = count!(all!());
    COUNT_BY_SESSION = count!(by_session!());
    COUNT_BY_VISITOR = count!(by_visitor!());
    COUNT_BY_TAG = count!(by_tag!());
    COUNT_BY_ASSIGNEE = count!(by_assignee!());
    COUNT_BY_RATING = count!(by_rating!());
    COUNT_BY_PAGE = count!(by_page!());
    COUNT_BY_STATUS = count!(by_status!());
    /// Finds all messages with the words, and gives those of the first conversations that are as the filter says.
    SEARCH_ALL = concat!(
        "WITH found AS MATERIALIZED (
             SELECT conversation_id, seq, row_number() OVER (PARTITION BY conversation_id ORDER BY seq DESC) AS newest
             FROM messages WHERE words @@ $14::text::tsquery AND site_id = $1
         ), listed AS MATERIALIZED (
             SELECT c.* FROM conversations c
             WHERE c.id IN (SELECT conversation_id FROM found) AND (c.updated_at, c.id) < ($2::bigint, $3::uuid)
               AND c.updated_at >= $4::bigint AND ", fits!(), "
             ORDER BY c.updated_at DESC, c.id DESC LIMIT $5
         )
         SELECT ", summary!(), ", ", message!(), "
         FROM listed c
         JOIN found ON found.conversation_id = c.id AND found.newest <= $15
         JOIN messages m ON m.conversation_id = c.id AND m.seq = found.seq
         ORDER BY c.updated_at DESC, c.id DESC, m.seq DESC"
    );
}
