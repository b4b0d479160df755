-- Sign-ins and sign-ups by day, counted from the tenant log some time after they happened.

CREATE TABLE daily_stats (
    day BIGINT PRIMARY KEY,
    logins BIGINT NOT NULL,
    signups BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- How far the log has been counted; one row.
CREATE TABLE stats_progress (
    id BIGINT PRIMARY KEY,
    counted_until BIGINT NOT NULL
);
INSERT INTO stats_progress (id, counted_until) VALUES (1, 0);
