-- Times are milliseconds since the Unix epoch. Ids are UUIDv7, made by us. Hashes are SHA-256.
-- Nothing here needs a sequence, an extension or a trigger, so that it also runs on what speaks PostgreSQL's protocol.

CREATE TABLE sites (
    id         UUID   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- How many conversations a site has is the sum of its rows here. Each conversation is counted in one of several rows,
-- because visitors who come at once would wait for one another at a single one.
CREATE TABLE site_counts (
    site_id       UUID     NOT NULL,
    part          SMALLINT NOT NULL,
    conversations BIGINT   NOT NULL,
    PRIMARY KEY (site_id, part)
);

CREATE TABLE keys (
    id         UUID   NOT NULL PRIMARY KEY,
    site_id    UUID   NOT NULL REFERENCES sites (id),
    kind       TEXT   NOT NULL,
    sha256     BYTEA  NOT NULL UNIQUE,
    -- Public keys only: they are shown wherever the widget is installed.
    text       TEXT,
    created_at BIGINT NOT NULL
);

-- No reference to the site: it would lock the site's row for every conversation that begins.
CREATE TABLE conversations (
    id            UUID    NOT NULL PRIMARY KEY,
    site_id       UUID    NOT NULL,
    session       TEXT    NOT NULL,
    has_secret    BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    last_message  TEXT    NOT NULL,
    last_role     TEXT    NOT NULL,
    message_count BIGINT  NOT NULL,
    -- Every change of a conversation has a number, one more than the last, so that a reader can ask for what it missed.
    revision      BIGINT  NOT NULL
);

CREATE INDEX conversations_by_activity ON conversations (site_id, updated_at DESC, id DESC);

-- A visitor's session and the conversation that its next message belongs to.
CREATE TABLE sessions (
    site_id         UUID   NOT NULL,
    session         TEXT   NOT NULL,
    -- The hash of the visitor's secret; empty for clients that send none, which are a lane of their own.
    secret          BYTEA  NOT NULL,
    conversation_id UUID   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (site_id, session, secret)
);

CREATE INDEX sessions_by_conversation ON sessions (conversation_id);

CREATE TABLE messages (
    conversation_id    UUID   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    -- Its place in the conversation: 1 for the first, then one more each. A message's answer has the next place.
    seq                BIGINT NOT NULL,
    id                 UUID   NOT NULL UNIQUE,
    site_id            UUID   NOT NULL,
    -- The number of the change that touched the message last.
    revision           BIGINT NOT NULL,
    role               TEXT   NOT NULL,
    status             TEXT   NOT NULL,
    text               TEXT   NOT NULL,
    created_at         BIGINT NOT NULL,
    idempotency_key    TEXT,
    model              TEXT,
    finish             TEXT,
    failure            TEXT,
    input_tokens       BIGINT,
    output_tokens      BIGINT,
    first_token_millis BIGINT,
    total_millis       BIGINT,
    PRIMARY KEY (conversation_id, seq)
);

CREATE UNIQUE INDEX messages_by_idempotency_key ON messages (conversation_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX messages_by_revision ON messages (conversation_id, revision);
-- Unique: a conversation has one answer at most that is being written.
CREATE UNIQUE INDEX messages_streaming ON messages (conversation_id) WHERE status = 'streaming';

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE operator_sessions (
    token                BYTEA  NOT NULL PRIMARY KEY,
    password_fingerprint BYTEA  NOT NULL,
    created_at           BIGINT NOT NULL,
    last_seen_at         BIGINT NOT NULL,
    user_agent           TEXT   NOT NULL
);

CREATE TABLE operator_devices (
    token   BYTEA  NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

CREATE TABLE login_tries (
    bucket       TEXT   NOT NULL PRIMARY KEY,
    tries        BIGINT NOT NULL,
    last_try_at  BIGINT NOT NULL,
    paused_until BIGINT NOT NULL
);
