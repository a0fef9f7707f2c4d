-- What operators make of a conversation.
ALTER TABLE conversations ADD COLUMN status TEXT NOT NULL DEFAULT 'open';
-- Who answers in place of the AI, and since when.
ALTER TABLE conversations ADD COLUMN answering TEXT;
ALTER TABLE conversations ADD COLUMN answering_since BIGINT;
ALTER TABLE conversations ADD COLUMN assignee TEXT;
-- With commas between them.
ALTER TABLE conversations ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN contact TEXT;
-- How many of its messages an operator has seen.
ALTER TABLE conversations ADD COLUMN read_count BIGINT NOT NULL DEFAULT 0;
-- What the visitor said last of an answer.
ALTER TABLE conversations ADD COLUMN rating TEXT;

-- What the visitor's browser says of the visit.
ALTER TABLE conversations ADD COLUMN page TEXT;
ALTER TABLE conversations ADD COLUMN referrer TEXT;
ALTER TABLE conversations ADD COLUMN user_agent TEXT;
ALTER TABLE conversations ADD COLUMN language TEXT;

-- The operator who wrote a message, or whom an event is about.
ALTER TABLE messages ADD COLUMN author TEXT;

ALTER TABLE operator_sessions ADD COLUMN name TEXT NOT NULL DEFAULT 'Support';

-- Nobody wants all that was there before to be new.
UPDATE conversations SET read_count = message_count, rating = (
    SELECT m.rating FROM messages m
    WHERE m.conversation_id = conversations.id AND m.rating IS NOT NULL ORDER BY m.revision DESC LIMIT 1
);

-- The same tags again, to find conversations by, in the order of the list.
CREATE TABLE conversation_tags (
    conversation_id UUID   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tag             TEXT   NOT NULL,
    site_id         UUID   NOT NULL,
    -- The conversation's.
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, tag)
);

-- What lists are filtered by, each in the order of the list.
CREATE INDEX conversation_tags_by_activity ON conversation_tags (site_id, tag, updated_at DESC, conversation_id DESC);
CREATE INDEX conversations_by_status ON conversations (site_id, status, updated_at DESC, id DESC);
CREATE INDEX conversations_by_assignee ON conversations (site_id, assignee, updated_at DESC, id DESC)
    WHERE assignee IS NOT NULL;
CREATE INDEX conversations_by_rating ON conversations (site_id, rating, updated_at DESC, id DESC)
    WHERE rating IS NOT NULL;
CREATE INDEX conversations_by_page ON conversations (site_id, page, updated_at DESC, id DESC) WHERE page IS NOT NULL;
CREATE INDEX conversations_by_visitor ON conversations (site_id, visitor_id, updated_at DESC, id DESC)
    WHERE visitor_id IS NOT NULL;
