-- Refresh tokens that rotate: a row is a family, whose current token changes. Whoever deletes a user empties `user_id`.

CREATE TABLE families (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    previous_hash TEXT,
    salt TEXT,
    rotated_at BIGINT,
    rotating BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT,
    audience TEXT,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_exchanged_at BIGINT,
    idle_expires_at BIGINT,
    expires_at BIGINT,
    ends_at BIGINT NOT NULL,
    initial_ip TEXT NOT NULL,
    initial_user_agent TEXT NOT NULL,
    last_ip TEXT NOT NULL,
    last_user_agent TEXT NOT NULL,
    metadata TEXT NOT NULL,
    session_metadata TEXT NOT NULL
);
INSERT INTO families (id, hash, rotating, user_id, client_id, session_id, audience, scope, created_at,
    last_exchanged_at, idle_expires_at, expires_at, ends_at, initial_ip, initial_user_agent, last_ip, last_user_agent,
    metadata, session_metadata)
SELECT id, hash, 0, CASE WHEN user_id IN (SELECT user_id FROM users) THEN user_id ELSE '' END, client_id, session_id,
    audience, scope, created_at, last_exchanged_at, idle_expires_at, expires_at,
    CASE WHEN COALESCE(idle_expires_at, 9223372036854775807) < COALESCE(expires_at, 9223372036854775807)
        THEN idle_expires_at ELSE COALESCE(expires_at, 9223372036854775807) END,
    '', '', '', '', '{}', '{}'
FROM refresh_tokens;
DROP TABLE refresh_tokens;
ALTER TABLE families RENAME TO refresh_tokens;
CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (hash);
CREATE INDEX refresh_tokens_user_id ON refresh_tokens (user_id, created_at, id);
CREATE INDEX refresh_tokens_client_id ON refresh_tokens (client_id);
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_ends_at ON refresh_tokens (ends_at);

-- What users let clients do while they are away: a row for each user, client and API ('' for none) that has, or had, a
-- refresh token.

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    audience TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (user_id, client_id, audience)
);
CREATE INDEX grants_client_id ON grants (client_id);
INSERT INTO grants (id, user_id, client_id, audience, scope, created_at)
SELECT MIN(id), user_id, client_id, COALESCE(audience, ''), MAX(scope), MIN(created_at)
FROM refresh_tokens WHERE user_id <> '' GROUP BY user_id, client_id, COALESCE(audience, '');
