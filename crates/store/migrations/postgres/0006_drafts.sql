-- What operators have begun to write.
CREATE TABLE drafts (
    conversation_id UUID NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    operator        TEXT NOT NULL,
    -- What it is to become: 'reply' or 'note'.
    kind            TEXT NOT NULL,
    text            TEXT NOT NULL,
    PRIMARY KEY (conversation_id, operator, kind)
);

-- Visitors and operators name what they send by themselves, so they cannot get in each other's way.
DROP INDEX messages_by_idempotency_key;
CREATE UNIQUE INDEX messages_by_visitors_key ON messages (conversation_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL AND role = 'user';
CREATE UNIQUE INDEX messages_by_operators_key ON messages (conversation_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL AND role <> 'user';
