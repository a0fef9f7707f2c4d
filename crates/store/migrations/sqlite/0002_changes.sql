-- Every change of a conversation has a number, one more than the last, so that a reader can ask for what it missed.

ALTER TABLE conversations ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
-- The number of the change that touched the message last.
ALTER TABLE messages ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

UPDATE conversations SET revision = message_count;
UPDATE messages SET revision = seq;

CREATE UNIQUE INDEX messages_by_revision ON messages (conversation_id, revision);
