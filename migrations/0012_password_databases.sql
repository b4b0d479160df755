-- Passwords that users had before, and links that were mailed to them.

CREATE TABLE password_history (
    user_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (user_id, changed_at)
);

-- A ticket is kept as a keyed hash. It is for one user and, if one is named, for the address that user had then.
CREATE TABLE tickets (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    email TEXT,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    prune_at BIGINT NOT NULL
);
CREATE INDEX tickets_user_id ON tickets (user_id);
CREATE INDEX tickets_prune_at ON tickets (prune_at);
