-- Linked identities, roles and permissions, jobs.

-- The row of an identity that is linked to another user stays where sign-ins look for it, and names the user it signs in.
-- `identity` is its part of that user's `identities`, as JSON.
ALTER TABLE users ADD COLUMN linked_to TEXT;
ALTER TABLE users ADD COLUMN linked_at BIGINT;
ALTER TABLE users ADD COLUMN identity TEXT;
CREATE INDEX users_linked_to ON users (linked_to) WHERE linked_to IS NOT NULL;

CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE role_permissions (
    role_id TEXT NOT NULL,
    audience TEXT NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (role_id, audience, permission)
);
CREATE INDEX role_permissions_audience ON role_permissions (audience, permission);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    assigned_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_roles_role_id ON user_roles (role_id, assigned_at, user_id);

CREATE TABLE user_permissions (
    user_id TEXT NOT NULL,
    audience TEXT NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (user_id, audience, permission)
);
CREATE INDEX user_permissions_audience ON user_permissions (audience, permission);
