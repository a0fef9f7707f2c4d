//! Every statement that the engine uses, with its values in the order of their numbers.

/// The columns that [`super::rows::message`] reads.
macro_rules! message {
    () => {
        "m.id, m.seq, m.role, m.status, m.text, m.created_at, m.idempotency_key, m.model, m.finish, m.failure, \
         m.input_tokens, m.output_tokens, m.first_token_millis, m.total_millis, m.revision, m.rating, m.rating_reason, \
         m.rating_comment, m.author"
    };
}

/// The columns that [`super::rows::summary`] reads.
macro_rules! summary {
    () => {
        "c.id, c.session, c.has_secret, c.created_at, c.updated_at, c.last_message, c.last_role, \
         c.message_count, c.revision, c.visitor_id, c.visitor_name, c.visitor_email, c.read_count, c.rating, \
         c.page, c.referrer, c.user_agent, c.language, c.status, c.answering, c.answering_since, c.assignee, c.tags, \
         c.contact"
    };
}

/// The columns that [`super::rows::state`] reads.
macro_rules! state {
    () => {
        "c.status, c.answering, c.answering_since, c.assignee, c.tags, c.contact"
    };
}

/// A page of a conversation, which is `c` of what stands before it.
macro_rules! page {
    () => {
        " LEFT JOIN LATERAL (
              SELECT * FROM messages WHERE conversation_id = c.id AND seq < $1 ORDER BY seq DESC LIMIT $2
          ) m ON true"
    };
}

/// What has changed in a conversation, and the answer that is being written, as `m` beside `c`.
macro_rules! changes {
    () => {
        " LEFT JOIN LATERAL (
              (SELECT *, false AS is_writing FROM messages
               WHERE conversation_id = c.id AND revision > $1 ORDER BY revision LIMIT $2)
              UNION ALL
              (SELECT *, true AS is_writing FROM messages WHERE conversation_id = c.id AND status = 'streaming')
          ) m ON true"
    };
}

/// Names statements, and lists all of them for the test that prepares each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(in crate::postgres) const $name: &str = $sql;)*

        /// All of them.
        #[cfg(test)]
        pub(in crate::postgres) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub(super) mod inbox;

statements! {
    /// Fails on a server that cannot write, as a standby cannot.
    READY = "SELECT current_setting('transaction_read_only')";

    /// A session's conversation, which nobody else changes until the unit of work is over.
    LOCK_SESSION =
        "SELECT c.id, c.message_count, c.revision, c.answering, c.tags <> '' FROM sessions s JOIN conversations c ON c.id = s.conversation_id
         WHERE s.site_id = $1 AND s.session = $2 AND s.secret = $3 FOR UPDATE OF c";
    /// A message by its idempotency key, and its answer if it has one.
    KNOWN = concat!(
        "SELECT ", message!(), ", k.id, k.seq, k.text
         FROM messages k LEFT JOIN messages m
           ON m.conversation_id = k.conversation_id AND m.seq = k.seq + 1 AND m.role = 'assistant'
         WHERE k.conversation_id = $1 AND k.idempotency_key = $2 AND k.role = 'user'"
    );
    RUNNING = "SELECT id, seq FROM messages WHERE conversation_id = $1 AND status = 'streaming'";
    BEGIN_CONVERSATION =
        "INSERT INTO conversations (id, site_id, session, has_secret, created_at, updated_at, last_message, last_role,
                                    message_count, revision, page, referrer, user_agent, language)
         VALUES ($1, $2, $3, $4, $5, $5, $6, 'user', $7, $7, $8, $9, $10, $11)";
    /// Waits for whoever makes the same session at the same time, and makes none if there is one then.
    BEGIN_SESSION =
        "INSERT INTO sessions (site_id, session, secret, conversation_id, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING";
    COUNT_CONVERSATIONS =
        "INSERT INTO site_counts (site_id, part, conversations) VALUES ($1, $2, $3)
         ON CONFLICT (site_id, part) DO UPDATE SET conversations = site_counts.conversations + excluded.conversations";
    GROW_CONVERSATION =
        "UPDATE conversations
         SET updated_at = $2, last_message = $3, last_role = 'user', message_count = $4, revision = $5,
             status = CASE status WHEN 'closed' THEN 'open' ELSE status END, page = coalesce($6, page),
             referrer = coalesce($7, referrer), user_agent = coalesce($8, user_agent), language = coalesce($9, language)
         WHERE id = $1";
    TOUCH_CONVERSATION =
        "UPDATE conversations
         SET updated_at = $2, revision = $3, page = coalesce($4, page), referrer = coalesce($5, referrer),
             user_agent = coalesce($6, user_agent), language = coalesce($7, language)
         WHERE id = $1";
    APPEND_TURN =
        "INSERT INTO messages
             (id, site_id, conversation_id, seq, revision, role, status, text, created_at, idempotency_key, node_id, words)
         VALUES ($1, $3, $4, $5, $6, 'user', 'accepted', $7, $8, $9, NULL, array_to_tsvector(string_to_array($11, ' '))),
                ($2, $3, $4, $5 + 1, $6 + 1, 'assistant', 'streaming', '', $8, NULL, $10, NULL)";
    REPLACE_ANSWER =
        "UPDATE messages
         SET id = $3, revision = $4, status = 'streaming', text = '', created_at = $5, node_id = $6, model = NULL,
             finish = NULL, failure = NULL, input_tokens = NULL, output_tokens = NULL, first_token_millis = NULL,
             total_millis = NULL, rating = NULL, rating_reason = NULL, rating_comment = NULL, words = NULL
         WHERE conversation_id = $1 AND seq = $2";
    IDENTIFY = "UPDATE conversations SET visitor_id = $2, visitor_name = $3, visitor_email = $4 WHERE id = $1";
    /// Ends an answer that nobody writes.
    END_ABANDONED = "UPDATE messages SET revision = $2, status = $3, failure = $4 WHERE id = $1";
    HISTORY =
        "SELECT role, status, text, author FROM messages
         WHERE conversation_id = $1 AND seq <= $2 AND (created_at >= $3 OR seq = $2)
           AND role IN ('user', 'assistant', 'operator') ORDER BY seq DESC LIMIT $4";

    /// The texts of several answers at once. Their rows are locked in one order here and wherever several are, so that nobody
    /// waits for one who waits for them.
    SAVE_PARTIALS =
        "WITH running AS (
             SELECT messages.id, partial.text
             FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS partial (id, site_id, text)
             JOIN messages ON messages.id = partial.id AND messages.site_id = partial.site_id
             WHERE messages.status = 'streaming' ORDER BY messages.id FOR UPDATE OF messages
         )
         UPDATE messages SET text = running.text FROM running WHERE messages.id = running.id RETURNING messages.id";
    FIND_ANSWERS = "SELECT id, site_id, conversation_id FROM messages WHERE id = ANY ($1)";
    LOCK_CONVERSATIONS = "SELECT id FROM conversations WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    /// Ends several answers at once, of conversations that are locked: those that are still being written.
    CLOSE_TURNS =
        "WITH ending AS (
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                                  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[])
                 AS ending (id, status, text, model, finish, failure, input_tokens, output_tokens, first_token_millis,
                            total_millis, now, preview, words)
         ), running AS (
             SELECT messages.id, messages.conversation_id, messages.seq
             FROM ending JOIN messages ON messages.id = ending.id WHERE messages.status = 'streaming'
             ORDER BY messages.id FOR UPDATE OF messages
         ), changed AS (
             UPDATE conversations
             SET updated_at = ending.now, revision = conversations.revision + 1,
                 last_message = CASE WHEN ending.text <> '' AND conversations.message_count = running.seq
                                     THEN ending.preview ELSE conversations.last_message END,
                 last_role = CASE WHEN ending.text <> '' AND conversations.message_count = running.seq
                                  THEN 'assistant' ELSE conversations.last_role END
             FROM running JOIN ending ON ending.id = running.id
             WHERE conversations.id = running.conversation_id
             RETURNING running.id, conversations.revision
         ), tagged AS (
             UPDATE conversation_tags SET updated_at = ending.now
             FROM running JOIN ending ON ending.id = running.id
             WHERE conversation_tags.conversation_id = running.conversation_id
         )
         UPDATE messages
         SET revision = changed.revision, status = ending.status, text = ending.text, model = ending.model,
             finish = ending.finish, failure = ending.failure, input_tokens = ending.input_tokens,
             output_tokens = ending.output_tokens, first_token_millis = ending.first_token_millis,
             total_millis = ending.total_millis, words = array_to_tsvector(string_to_array(ending.words, ' '))
         FROM changed JOIN ending ON ending.id = changed.id
         WHERE messages.id = changed.id RETURNING messages.id";
    HOW_ENDED = "SELECT id, status, failure FROM messages WHERE id = ANY ($1)";
    FIND_RATED =
        "SELECT m.conversation_id, s.session
         FROM messages m JOIN sessions s ON s.conversation_id = m.conversation_id
         WHERE m.id = $1 AND m.site_id = $2 AND m.role = 'assistant' AND s.secret = $3";
    ANSWER_STATUS = "SELECT status FROM messages WHERE id = $1";
    /// Of a conversation that is locked.
    RATE =
        "WITH rated AS (
             SELECT id, conversation_id FROM messages
             WHERE id = $1 AND (rating IS DISTINCT FROM $2 OR rating_reason IS DISTINCT FROM $3
                                OR rating_comment IS DISTINCT FROM $4)
         ), changed AS (
             UPDATE conversations SET revision = conversations.revision + 1, rating = $2
             FROM rated WHERE conversations.id = rated.conversation_id RETURNING rated.id, conversations.revision
         )
         UPDATE messages SET revision = changed.revision, rating = $2, rating_reason = $3, rating_comment = $4
         FROM changed WHERE messages.id = changed.id";
    OWNER =
        "SELECT conversation_id, session, secret FROM sessions WHERE conversation_id = $1 AND site_id = $2";
    OWNER_OF_SESSION =
        "SELECT conversation_id, session, secret FROM sessions WHERE site_id = $1 AND session = $2 AND secret = $3";
    /// What belongs to it goes with it.
    DELETE_CONVERSATION = "DELETE FROM conversations WHERE id = $1";
    UNCOUNT_CONVERSATION =
        "UPDATE site_counts SET conversations = conversations - 1 WHERE site_id = $1 AND part = $2";
    /// No conversation has more than one such answer.
    INTERRUPT_UNFINISHED =
        "WITH changed AS (
             UPDATE conversations SET revision = revision + 1
             WHERE id IN (SELECT conversation_id FROM messages WHERE status = 'streaming') RETURNING id, revision
         )
         UPDATE messages
         SET status = CASE WHEN btrim(text, $4) = '' THEN $2 ELSE $1 END, failure = $3, revision = changed.revision
         FROM changed WHERE messages.conversation_id = changed.id AND messages.status = 'streaming'";

    BEAT =
        "INSERT INTO nodes (id, beats, seen_at) VALUES ($1, 1, $2)
         ON CONFLICT (id) DO UPDATE SET beats = nodes.beats + 1, seen_at = excluded.seen_at RETURNING beats";
    /// Also the owners of answers that are not in the table; those without an owner count as one of the id 0.
    NODES =
        "SELECT id, beats FROM nodes
         UNION ALL
         SELECT DISTINCT coalesce(node_id, '00000000-0000-0000-0000-000000000000'), 0::bigint FROM messages
         WHERE status = 'streaming'
           AND coalesce(node_id, '00000000-0000-0000-0000-000000000000') NOT IN (SELECT id FROM nodes)
         ORDER BY 1";
    HAS_NODES = "SELECT to_regclass('nodes') IS NOT NULL";
    LOCK_NODE = "SELECT beats FROM nodes WHERE id = $1 FOR UPDATE";
    FORGET_NODE = "DELETE FROM nodes WHERE id = $1";
    /// The conversations of a node's answers, which nobody else changes until the unit of work is over.
    LOCK_CONVERSATIONS_OF_NODE =
        "SELECT id FROM conversations
         WHERE id IN (SELECT conversation_id FROM messages
                      WHERE status = 'streaming' AND coalesce(node_id, '00000000-0000-0000-0000-000000000000') = $1)
         ORDER BY id FOR UPDATE";
    /// A node's answers, whose rows are locked in the same order as everywhere.
    LOCK_ANSWERS_OF_NODE =
        "SELECT id FROM messages
         WHERE status = 'streaming' AND coalesce(node_id, '00000000-0000-0000-0000-000000000000') = $1
           AND conversation_id = ANY ($2)
         ORDER BY id FOR UPDATE";
    INTERRUPT_ANSWERS =
        "WITH changed AS (
             UPDATE conversations SET revision = revision + 1
             WHERE id IN (SELECT conversation_id FROM messages WHERE id = ANY ($5)) RETURNING id, revision
         )
         UPDATE messages
         SET status = CASE WHEN btrim(text, $4) = '' THEN $2 ELSE $1 END, failure = $3, revision = changed.revision
         FROM changed WHERE messages.conversation_id = changed.id AND messages.id = ANY ($5)";

    /// The first page of a site's list. Has a row without a conversation if there is none.
    LIST = concat!(
        "SELECT total.conversations, ", summary!(), "
         FROM (SELECT coalesce(sum(conversations), 0)::bigint AS conversations FROM site_counts WHERE site_id = $1) total
         LEFT JOIN LATERAL (
             SELECT * FROM conversations WHERE site_id = $1 ORDER BY updated_at DESC, id DESC LIMIT $2
         ) c ON true
         ORDER BY c.updated_at DESC, c.id DESC"
    );
    LIST_AFTER = concat!(
        "SELECT total.conversations, ", summary!(), "
         FROM (SELECT coalesce(sum(conversations), 0)::bigint AS conversations FROM site_counts WHERE site_id = $1) total
         LEFT JOIN LATERAL (
             SELECT * FROM conversations WHERE site_id = $1 AND (updated_at, id) < ($3, $4)
             ORDER BY updated_at DESC, id DESC LIMIT $2
         ) c ON true
         ORDER BY c.updated_at DESC, c.id DESC"
    );
    /// Goes along the list, and finds those of so many conversations that have a message with the words; the newest such
    /// messages of each. Has one row without a conversation if there is none.
    SEARCH_WALK = concat!(
        "WITH walked AS MATERIALIZED (
             SELECT * FROM conversations WHERE site_id = $1 AND (updated_at, id) < ($2, $3)
             ORDER BY updated_at DESC, id DESC LIMIT $4
         ), state AS (
             SELECT count(*) AS walked, (array_agg(updated_at ORDER BY updated_at, id))[1] AS updated_at,
                    (array_agg(id ORDER BY updated_at, id))[1] AS id
             FROM walked
         )
         SELECT state.walked, state.updated_at, state.id, ", summary!(), ", ", message!(), "
         FROM state LEFT JOIN (
             walked c JOIN LATERAL (
                 SELECT * FROM messages WHERE conversation_id = c.id AND words @@ $5::text::tsquery
                 ORDER BY seq DESC LIMIT $6
             ) m ON true
         ) ON true
         ORDER BY c.updated_at DESC, c.id DESC, m.seq DESC"
    );
    UNINDEXED =
        "SELECT id, CASE role WHEN 'event' THEN '' ELSE text END FROM messages WHERE words IS NULL AND status <> 'streaming' LIMIT $1 FOR UPDATE SKIP LOCKED";
    INDEX =
        "UPDATE messages SET words = array_to_tsvector(string_to_array(found.words, ' '))
         FROM unnest($1::uuid[], $2::text[]) AS found (id, words) WHERE messages.id = found.id";
    THREAD = concat!(
        "SELECT ", summary!(), ", ", message!(), " FROM conversations c", page!(),
        " WHERE c.id = $3 AND c.site_id = $4 ORDER BY m.seq"
    );
    SESSION_THREAD = concat!(
        "SELECT ", summary!(), ", ", message!(),
        " FROM sessions s JOIN conversations c ON c.id = s.conversation_id", page!(),
        " WHERE s.site_id = $3 AND s.session = $4 AND s.secret = $5 ORDER BY m.seq"
    );
    CHANGES = concat!(
        "SELECT ", message!(), ", m.is_writing, c.id, c.revision, c.read_count, ", state!(), " FROM conversations c", changes!(),
        " WHERE c.id = $3 AND c.site_id = $4 ORDER BY m.is_writing, m.revision"
    );
    SESSION_CHANGES = concat!(
        "SELECT ", message!(), ", m.is_writing, c.id, c.revision, c.read_count, ", state!(), "
         FROM sessions s JOIN conversations c ON c.id = s.conversation_id", changes!(),
        " WHERE s.site_id = $3 AND s.session = $4 AND s.secret = $5 ORDER BY m.is_writing, m.revision"
    );
    SESSION_ANSWER = concat!(
        "SELECT ", message!(), ", m.conversation_id FROM messages m
         WHERE m.id = $1 AND m.site_id = $2 AND m.role = 'assistant'
           AND EXISTS (SELECT 1 FROM sessions s WHERE s.conversation_id = m.conversation_id AND s.secret = $3)"
    );

    PASSWORD = "SELECT value FROM settings WHERE name = $1";
    SET_PASSWORD =
        "WITH ended AS (DELETE FROM operator_sessions)
         INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    OPEN_OPERATOR_SESSION =
        "WITH expired AS (DELETE FROM operator_sessions WHERE created_at < $6)
         INSERT INTO operator_sessions (token, password_fingerprint, created_at, last_seen_at, user_agent, name)
         VALUES ($1, $2, $3, $4, $5, $7) ON CONFLICT DO NOTHING";
    OPERATOR_SESSION =
        "SELECT password_fingerprint, created_at, last_seen_at, user_agent, name FROM operator_sessions WHERE token = $1";
    TOUCH_OPERATOR_SESSION = "UPDATE operator_sessions SET last_seen_at = $2 WHERE token = $1";
    NAME_OPERATOR_SESSION = "UPDATE operator_sessions SET name = $2 WHERE token = $1";
    /// In the same order on every server.
    OPERATOR_NAMES =
        "SELECT DISTINCT name COLLATE \"C\" FROM operator_sessions WHERE last_seen_at >= $1 ORDER BY 1";
    END_OPERATOR_SESSION = "DELETE FROM operator_sessions WHERE token = $1";
    END_OPERATOR_SESSIONS = "DELETE FROM operator_sessions";
    /// So that there are rows to lock.
    MAKE_TRIES =
        "INSERT INTO login_tries (bucket, tries, last_try_at, paused_until)
         SELECT bucket, 0, 0, 0 FROM unnest($1::text[]) AS made (bucket) ORDER BY bucket ON CONFLICT DO NOTHING";
    LOCK_TRIES =
        "SELECT bucket, tries, last_try_at, paused_until FROM login_tries WHERE bucket = ANY ($1) ORDER BY bucket
         FOR UPDATE";
    TAKE_TRIES =
        "UPDATE login_tries
         SET tries = taken.tries, last_try_at = taken.last_try_at, paused_until = taken.paused_until
         FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
             AS taken (bucket, tries, last_try_at, paused_until)
         WHERE login_tries.bucket = taken.bucket";
    /// Whoever else is at it now does not have to be waited for.
    FORGET_OLD_TRIES =
        "DELETE FROM login_tries WHERE bucket IN (
             SELECT bucket FROM login_tries
             WHERE greatest(last_try_at, paused_until) < $1 AND bucket <> ALL ($2) FOR UPDATE SKIP LOCKED
         )";
    FORGET_TRIES = "DELETE FROM login_tries WHERE bucket = ANY ($1)";
    REMEMBER_DEVICE =
        "INSERT INTO operator_devices (token, seen_at) VALUES ($1, $2)
         ON CONFLICT (token) DO UPDATE SET seen_at = excluded.seen_at";
    KNOWS_DEVICE = "SELECT 1 FROM operator_devices WHERE token = $1 AND seen_at >= $2";

    ENSURE_SITE = "INSERT INTO sites (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    KEYS = "SELECT id, kind, sha256, text, created_at FROM keys WHERE site_id = $1 ORDER BY created_at, id";
    ADD_KEY = "INSERT INTO keys (id, site_id, kind, sha256, text, created_at) VALUES ($1, $2, $3, $4, $5, $6)";

    SITE_DOCUMENT = "SELECT text FROM site_documents WHERE site_id = $1 AND name = $2";
    SET_SITE_DOCUMENT =
        "INSERT INTO site_documents (site_id, name, text) VALUES ($1, $2, $3)
         ON CONFLICT (site_id, name) DO UPDATE SET text = excluded.text";

    EXPORT_SETTINGS = "SELECT name, value FROM settings WHERE name <> $1 ORDER BY name";
    EXPORT_DOCUMENTS = "SELECT name, text FROM site_documents WHERE site_id = $1 ORDER BY name";
    EXPORT_SITES = "SELECT id, name, created_at FROM sites ORDER BY id";
    EXPORT_CONVERSATIONS = concat!(
        "SELECT ", summary!(), ", s.secret
         FROM conversations c LEFT JOIN sessions s ON s.conversation_id = c.id
         WHERE c.site_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3"
    );
    EXPORT_DRAFTS =
        "SELECT operator, kind, text, conversation_id FROM drafts WHERE conversation_id = ANY ($1)
         ORDER BY conversation_id, operator COLLATE \"C\", kind COLLATE \"C\"";
    EXPORT_MESSAGES = concat!(
        "SELECT ", message!(), ", m.conversation_id FROM messages m
         WHERE m.conversation_id = ANY ($1) AND (m.conversation_id, m.seq) > ($2, $3)
         ORDER BY m.conversation_id, m.seq LIMIT $4"
    );

    MARK_OF_MOVE = "SELECT value FROM settings WHERE name = $1";
    FOUND = "SELECT EXISTS (SELECT 1 FROM conversations), EXISTS (SELECT 1 FROM keys),
                    EXISTS (SELECT 1 FROM settings WHERE name <> $1)";
    KNOWS = "SELECT EXISTS (SELECT 1 FROM conversations WHERE id = $1),
                    EXISTS (SELECT 1 FROM sessions WHERE site_id = $2 AND session = $3 AND secret = $4)";
    PUT_SETTING =
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    DROP_SETTING = "DELETE FROM settings WHERE name = $1";
    PUT_SITE =
        "INSERT INTO sites (id, name, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, created_at = excluded.created_at";
    PUT_DOCUMENT =
        "INSERT INTO site_documents (site_id, name, text) VALUES ($1, $2, $3) ON CONFLICT (site_id, name) DO NOTHING";
    PUT_KEY =
        "INSERT INTO keys (id, site_id, kind, sha256, text, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO NOTHING";
    PUT_CONVERSATION =
        "INSERT INTO conversations (id, site_id, session, has_secret, created_at, updated_at, last_message, last_role,
                                    message_count, revision, visitor_id, visitor_name, visitor_email, read_count,
                                    rating, page, referrer, user_agent, language, status, answering, answering_since,
                                    assignee, tags, contact)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                 $24, $25) ON CONFLICT (id) DO NOTHING";
    PUT_SESSION =
        "INSERT INTO sessions (site_id, session, secret, conversation_id, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (site_id, session, secret) DO NOTHING";
    PUT_MESSAGES =
        "INSERT INTO messages (id, site_id, conversation_id, seq, revision, role, status, text, created_at,
                               idempotency_key, model, finish, failure, input_tokens, output_tokens,
                               first_token_millis, total_millis, rating, rating_reason, rating_comment, author)
         SELECT put.id, c.site_id, put.conversation_id, put.seq, put.revision, put.role, put.status, put.text,
                put.created_at, put.idempotency_key, put.model, put.finish, put.failure, put.input_tokens,
                put.output_tokens, put.first_token_millis, put.total_millis, put.rating, put.rating_reason,
                put.rating_comment, put.author
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                     $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[],
                     $15::bigint[], $16::bigint[], $17::text[], $18::text[], $19::text[], $20::text[])
             AS put (id, conversation_id, seq, revision, role, status, text, created_at, idempotency_key, model, finish,
                     failure, input_tokens, output_tokens, first_token_millis, total_millis, rating, rating_reason,
                     rating_comment, author)
         JOIN conversations c ON c.id = put.conversation_id
         ON CONFLICT (id) DO NOTHING";
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use frontdesk_core::testing::ManualClock;
    use frontdesk_testkit::PostgresServer;

    use super::super::connection::Connector;
    use super::super::{PostgresStore, PostgresUrl, Threads};
    use super::*;

    #[test]
    fn every_statement_is_understood_by_a_migrated_database() {
        let Some(server) = PostgresServer::start_forgetful() else { return };
        let url = server.url("postgres");
        let url = PostgresUrl::parse(url.strip_prefix("postgres://").unwrap()).unwrap();
        drop(PostgresStore::open(&url, &ManualClock::default()).unwrap());
        let threads = Threads::start("test").unwrap();
        let connector = Arc::new(Connector::new(url, None, threads.handle().clone()));
        threads.handle().block_on(async {
            let connection = connector.connect().await.unwrap();
            for (name, sql) in ALL.iter().chain(inbox::ALL) {
                let prepared = connection.prepare(sql).await;
                assert!(prepared.is_ok(), "{name}: {}", prepared.unwrap_err());
            }
        });
    }
}
