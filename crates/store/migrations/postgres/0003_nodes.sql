-- Which node writes, or wrote, an answer.
ALTER TABLE messages ADD COLUMN node_id UUID;

-- Nodes that share the data. Each counts up as long as it lives; what its own clock says then is for people.
CREATE TABLE nodes (
    id      UUID   NOT NULL PRIMARY KEY,
    beats   BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
