-- Fewer trees to keep for each start and each sign-in.

-- Log ids sort by time: an index on the date says the same once more, and events without a user need no entry by user.
DROP INDEX logs_date;
DROP INDEX logs_user_id;
CREATE INDEX logs_user_id ON logs (user_id, log_id) WHERE user_id IS NOT NULL;

-- The key is the table.
CREATE TABLE codes_by_key (
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
) WITHOUT ROWID;
INSERT INTO codes_by_key (connection_id, identifier, id, hash, tries, created_at, expires_at, used_at, prune_at)
    SELECT connection_id, identifier, id, hash, tries, created_at, expires_at, used_at, prune_at FROM codes;
DROP TABLE codes;
ALTER TABLE codes_by_key RENAME TO codes;
CREATE INDEX codes_prune_at ON codes (prune_at);

CREATE TABLE buckets_by_key (
    key TEXT PRIMARY KEY,
    full_at BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO buckets_by_key (key, full_at) SELECT key, full_at FROM buckets;
DROP TABLE buckets;
ALTER TABLE buckets_by_key RENAME TO buckets;
CREATE INDEX buckets_full_at ON buckets (full_at);

-- A user of a phone connection has no address and no name to be unique.
CREATE TABLE users_once (
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
    linked_to TEXT,
    linked_at BIGINT,
    identity TEXT
);
INSERT INTO users_once (user_id, connection, provider, phone_number, phone_verified, email, email_verified, username,
    profile, user_metadata, app_metadata, blocked, password_hash, created_at, updated_at, last_login, last_ip,
    logins_count, last_password_reset, linked_to, linked_at, identity)
    SELECT user_id, connection, provider, phone_number, phone_verified, email, email_verified, username,
    profile, user_metadata, app_metadata, blocked, password_hash, created_at, updated_at, last_login, last_ip,
    logins_count, last_password_reset, linked_to, linked_at, identity FROM users;
DROP TABLE users;
ALTER TABLE users_once RENAME TO users;
CREATE UNIQUE INDEX users_phone_number ON users (connection, phone_number) WHERE phone_number IS NOT NULL;
CREATE UNIQUE INDEX users_address ON users (connection, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX users_username ON users (connection, username) WHERE username IS NOT NULL;
CREATE INDEX users_email ON users (email) WHERE email IS NOT NULL;
CREATE INDEX users_created_at ON users (created_at, user_id);
CREATE INDEX users_linked_to ON users (linked_to) WHERE linked_to IS NOT NULL;
