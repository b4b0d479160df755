-- Sessions of browsers, sign-ins under way, and the codes they end in.

-- A session is found by its id, which is public (`sid`); the browser proves it with the secret beside it.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    last_interacted_at BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    initial_ip TEXT NOT NULL,
    initial_user_agent TEXT NOT NULL,
    last_ip TEXT NOT NULL,
    last_user_agent TEXT NOT NULL,
    clients TEXT NOT NULL,
    metadata TEXT NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id, created_at, id);
CREATE INDEX sessions_ends_at ON sessions (ends_at);

-- A sign-in under way: the request for authorization and how far it has come, as JSON. `browser` is the hash of the cookie
-- that it belongs to.
CREATE TABLE logins (
    id TEXT PRIMARY KEY,
    browser TEXT NOT NULL,
    doc TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX logins_expires_at ON logins (expires_at);

CREATE TABLE authorization_codes (
    hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    doc TEXT NOT NULL,
    uses BIGINT NOT NULL,
    family TEXT,
    access_token TEXT,
    expires_at BIGINT NOT NULL,
    prune_at BIGINT NOT NULL
);
CREATE INDEX authorization_codes_prune_at ON authorization_codes (prune_at);

-- Requests that clients sent ahead (RFC 9126).
CREATE TABLE pushed_requests (
    hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    doc TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pushed_requests_expires_at ON pushed_requests (expires_at);

-- Sessions have rows of their own now.
ALTER TABLE refresh_tokens DROP COLUMN session_metadata;
