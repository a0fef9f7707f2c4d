-- What the visitor says of an answer.
ALTER TABLE messages ADD COLUMN rating TEXT;
ALTER TABLE messages ADD COLUMN rating_reason TEXT;
ALTER TABLE messages ADD COLUMN rating_comment TEXT;

-- Who the visitor is, as the site's own server has vouched for.
ALTER TABLE conversations ADD COLUMN visitor_id TEXT;
ALTER TABLE conversations ADD COLUMN visitor_name TEXT;
ALTER TABLE conversations ADD COLUMN visitor_email TEXT;

CREATE TABLE site_documents (
    site_id BLOB NOT NULL REFERENCES sites (id),
    name    TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (site_id, name)
) STRICT, WITHOUT ROWID;
