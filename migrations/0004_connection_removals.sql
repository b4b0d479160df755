-- Connections that are being deleted: their rows are gone, their names are taken until their users are gone too.

CREATE TABLE connection_removals (
    connection_id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    removed_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL
);
