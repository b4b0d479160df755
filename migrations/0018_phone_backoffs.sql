-- How far apart the messages to a user's phone are, where each has to wait longer than the one before.
CREATE TABLE phone_backoffs (
    user_id TEXT PRIMARY KEY,
    steps BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL
);
CREATE INDEX phone_backoffs_last_at ON phone_backoffs (last_at);
