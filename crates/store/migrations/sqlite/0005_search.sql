-- The words of messages, as the program reads them: see `core/src/search.rs`. What is deleted is taken out at once, and
-- nothing but words is kept. A message stands at the number of its conversation, shifted by twenty bits, and its place.
CREATE VIRTUAL TABLE message_words USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);

-- In the order in which they began. The row's own number would not do: it may be another one in a backup.
ALTER TABLE conversations ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET number = rowid;
CREATE UNIQUE INDEX conversations_by_number ON conversations (number);

DROP INDEX conversations_by_activity;
CREATE INDEX conversations_by_activity ON conversations (site_id, updated_at, id, number);

-- Whether the words of a message are there.
ALTER TABLE messages ADD COLUMN is_indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_unindexed ON messages (conversation_id, seq) WHERE is_indexed = 0 AND status <> 'streaming';
