-- Jobs on many users; what they work on is sealed, and gone when they are over.

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    doc TEXT NOT NULL,
    input TEXT,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    inserted BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    position TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX jobs_open ON jobs (leased_until) WHERE status IN ('pending', 'processing');
CREATE INDEX jobs_expires_at ON jobs (expires_at);

CREATE TABLE job_parts (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job_id, position)
);
