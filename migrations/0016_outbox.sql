-- Messages that the built-in sender took: it has no carrier, so they wait here for the operator to read.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX outbox_expires_at ON outbox (expires_at, id);

-- How many it ever took. Messages go, the number stays.
CREATE TABLE outbox_total (
    id BIGINT PRIMARY KEY,
    sent BIGINT NOT NULL
);
INSERT INTO outbox_total (id, sent) VALUES (1, 0);
