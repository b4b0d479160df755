-- Codes lie in the order in which they were made, as they are redeemed: what is redeemed in one second is not spread over the
-- whole table. The new name comes first, for it keeps other servers away from the rows until they are copied.
ALTER TABLE codes RENAME TO codes_by_key;
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
INSERT INTO codes (connection_id, identifier, id, hash, tries, created_at, expires_at, used_at, prune_at)
    SELECT connection_id, identifier, id, hash, tries, created_at, expires_at, used_at, prune_at FROM codes_by_key
    ORDER BY created_at;
DROP TABLE codes_by_key;
CREATE INDEX codes_prune_at ON codes (prune_at);
