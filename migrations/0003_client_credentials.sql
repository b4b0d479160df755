-- Public keys of clients, part of the configuration; and the assertions that were used, until they have ended.

CREATE TABLE client_credentials (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    name TEXT,
    kid TEXT NOT NULL,
    alg TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX client_credentials_client_id ON client_credentials (client_id);

CREATE TABLE used_assertions (
    hash TEXT PRIMARY KEY,
    prune_at BIGINT NOT NULL
);
CREATE INDEX used_assertions_prune_at ON used_assertions (prune_at);
