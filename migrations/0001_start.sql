-- One text for SQLite and PostgreSQL: TEXT and BIGINT only. Instants are milliseconds, flags 0 or 1, JSON is TEXT,
-- secrets are sealed TEXT.

-- Configuration: read into memory as one snapshot whenever its version moves.

CREATE TABLE configuration (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO configuration (id, version) VALUES (1, 1);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    private_key TEXT NOT NULL,
    certificate TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    current_since BIGINT,
    current_until BIGINT,
    revoked_at BIGINT
);

CREATE TABLE connections (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    strategy TEXT NOT NULL,
    options TEXT NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE connection_clients (
    connection_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (connection_id, client_id)
);

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    is_global BIGINT NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE resource_servers (
    id TEXT PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    signing_secret TEXT NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE client_grants (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    audience TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (client_id, audience, subject_type)
);

-- What grows with use. Every table here has its expiry in an index, for the worker.

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    connection TEXT NOT NULL,
    provider TEXT NOT NULL,
    phone_number TEXT,
    phone_verified BIGINT,
    email TEXT,
    email_verified BIGINT,
    username TEXT,
    profile TEXT NOT NULL,
    user_metadata TEXT,
    app_metadata TEXT,
    blocked BIGINT,
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_login BIGINT,
    last_ip TEXT,
    logins_count BIGINT NOT NULL,
    last_password_reset BIGINT,
    UNIQUE (connection, phone_number),
    UNIQUE (connection, email),
    UNIQUE (connection, username)
);
CREATE INDEX users_created_at ON users (created_at, user_id);
CREATE INDEX users_email ON users (email) WHERE email IS NOT NULL;

CREATE TABLE codes (
    connection_id TEXT NOT NULL,
    identifier TEXT NOT NULL,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    prune_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, identifier)
);
CREATE INDEX codes_prune_at ON codes (prune_at);

CREATE TABLE access_tokens (
    hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_expires_at ON access_tokens (expires_at);
CREATE INDEX access_tokens_user_id ON access_tokens (user_id);

CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    audience TEXT,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_exchanged_at BIGINT,
    idle_expires_at BIGINT,
    expires_at BIGINT
);
CREATE INDEX refresh_tokens_user_id ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_client_id ON refresh_tokens (client_id);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
CREATE INDEX refresh_tokens_idle_expires_at ON refresh_tokens (idle_expires_at);

CREATE TABLE buckets (
    key TEXT PRIMARY KEY,
    full_at BIGINT NOT NULL
);
CREATE INDEX buckets_full_at ON buckets (full_at);

CREATE TABLE login_failures (
    connection TEXT NOT NULL,
    identifier TEXT NOT NULL,
    ip TEXT NOT NULL,
    failures BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (connection, identifier, ip)
);
CREATE INDEX login_failures_expires_at ON login_failures (expires_at);

CREATE TABLE logs (
    log_id TEXT PRIMARY KEY,
    date BIGINT NOT NULL,
    type TEXT NOT NULL,
    user_id TEXT,
    body TEXT NOT NULL
);
CREATE INDEX logs_date ON logs (date);
CREATE INDEX logs_user_id ON logs (user_id, log_id);

CREATE TABLE probe (
    id BIGINT PRIMARY KEY,
    checked_at BIGINT NOT NULL
);
