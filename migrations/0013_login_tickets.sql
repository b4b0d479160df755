-- What proves a log-in that an application's own page made, kept as a hash: good once, in the browser that it was given to.
CREATE TABLE login_tickets (
    hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    origin TEXT NOT NULL,
    browser TEXT NOT NULL,
    user_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_tickets_expires_at ON login_tickets (expires_at);

-- Sessions that have ended and whose clients are to be told. Whoever tells them moves `due_at` on first.
CREATE TABLE logout_notices (
    session_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    clients TEXT NOT NULL,
    initiator TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
CREATE INDEX logout_notices_due_at ON logout_notices (due_at, session_id);
