-- The words of a message, as the program reads them: see `core/src/search.rs`. NULL where they are not known yet.
ALTER TABLE messages ADD COLUMN words TSVECTOR;

-- What is new waits in a list that every search reads through, so the list is short.
CREATE INDEX messages_by_words ON messages USING GIN (words) WITH (gin_pending_list_limit = 256);
CREATE INDEX messages_unindexed ON messages (id) WHERE words IS NULL AND status <> 'streaming';
