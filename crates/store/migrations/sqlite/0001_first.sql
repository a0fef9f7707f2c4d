-- Times are milliseconds since the Unix epoch. Ids are the sixteen bytes of a UUIDv7. Hashes are SHA-256.

CREATE TABLE sites (
    id                 BLOB    NOT NULL PRIMARY KEY,
    name               TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    -- Kept, because counting a million rows for every list would not do.
    conversation_count INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    id         BLOB    NOT NULL PRIMARY KEY,
    site_id    BLOB    NOT NULL REFERENCES sites (id),
    kind       TEXT    NOT NULL,
    sha256     BLOB    NOT NULL UNIQUE,
    -- Public keys only: they are shown wherever the widget is installed.
    text       TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
    id            BLOB    NOT NULL PRIMARY KEY,
    site_id       BLOB    NOT NULL REFERENCES sites (id),
    session       TEXT    NOT NULL,
    has_secret    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    last_message  TEXT    NOT NULL,
    last_role     TEXT    NOT NULL,
    message_count INTEGER NOT NULL
) STRICT;

CREATE INDEX conversations_by_activity ON conversations (site_id, updated_at, id);

-- A visitor's session and the conversation that its next message belongs to.
CREATE TABLE sessions (
    site_id         BLOB    NOT NULL REFERENCES sites (id),
    session         TEXT    NOT NULL,
    -- The hash of the visitor's secret; empty for clients that send none, which are a lane of their own.
    secret          BLOB    NOT NULL,
    conversation_id BLOB    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (site_id, session, secret)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_conversation ON sessions (conversation_id);

CREATE TABLE messages (
    id                 BLOB    NOT NULL UNIQUE,
    site_id            BLOB    NOT NULL,
    conversation_id    BLOB    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    -- Its place in the conversation: 1 for the first, then one more each. A message's answer has the next place.
    seq                INTEGER NOT NULL,
    role               TEXT    NOT NULL,
    status             TEXT    NOT NULL,
    text               TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    idempotency_key    TEXT,
    model              TEXT,
    finish             TEXT,
    failure            TEXT,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    first_token_millis INTEGER,
    total_millis       INTEGER
) STRICT;

CREATE UNIQUE INDEX messages_by_place ON messages (conversation_id, seq);
CREATE UNIQUE INDEX messages_by_idempotency_key ON messages (conversation_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX messages_streaming ON messages (conversation_id) WHERE status = 'streaming';

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_sessions (
    token                BLOB    NOT NULL PRIMARY KEY,
    password_fingerprint BLOB    NOT NULL,
    created_at           INTEGER NOT NULL,
    last_seen_at         INTEGER NOT NULL,
    user_agent           TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_devices (
    token   BLOB    NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login_tries (
    bucket       TEXT    NOT NULL PRIMARY KEY,
    tries        INTEGER NOT NULL,
    last_try_at  INTEGER NOT NULL,
    paused_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
