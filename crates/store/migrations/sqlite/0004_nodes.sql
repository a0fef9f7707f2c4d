-- Which node writes, or wrote, an answer.
ALTER TABLE messages ADD COLUMN node_id BLOB;

-- Nodes that share the data. Each counts up as long as it lives.
CREATE TABLE nodes (
    id      BLOB    NOT NULL PRIMARY KEY,
    beats   INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
