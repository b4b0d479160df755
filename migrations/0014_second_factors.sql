-- What people prove a second factor with. One that is enrolled but never proven goes when its time is over (`prune_at`).
CREATE TABLE authenticators (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    confirmed BIGINT NOT NULL,
    phone_number TEXT,
    email TEXT,
    secret TEXT,
    recovery_hash TEXT,
    last_step BIGINT NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    enrolled_at BIGINT,
    last_auth_at BIGINT,
    prune_at BIGINT
);
CREATE INDEX authenticators_user_id ON authenticators (user_id, created_at, id);
CREATE INDEX authenticators_prune_at ON authenticators (prune_at) WHERE prune_at IS NOT NULL;
CREATE UNIQUE INDEX authenticators_recovery ON authenticators (user_id) WHERE kind = 'recovery-code';

-- Sign-ins at the token endpoint that wait for their second factor: what the first one was for, as JSON.
CREATE TABLE mfa_transactions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    doc TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mfa_transactions_expires_at ON mfa_transactions (expires_at);
CREATE INDEX mfa_transactions_user_id ON mfa_transactions (user_id);

-- Codes that were sent and not yet used: one for each transaction and authenticator. The code itself follows from the salt
-- and the server's key.
CREATE TABLE mfa_codes (
    transaction_id TEXT NOT NULL,
    authenticator_id TEXT NOT NULL,
    salt TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, authenticator_id)
);
CREATE INDEX mfa_codes_expires_at ON mfa_codes (expires_at);

-- Browsers and networks that people came from, as keyed hashes, and the browsers that asked to be remembered.
CREATE TABLE known_origins (
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, kind, hash)
);
CREATE INDEX known_origins_expires_at ON known_origins (expires_at);

-- When the second factor was proven; nothing for sign-ins that had none.
ALTER TABLE sessions ADD COLUMN second_factor_at BIGINT;
ALTER TABLE refresh_tokens ADD COLUMN second_factor BIGINT NOT NULL DEFAULT 0;
