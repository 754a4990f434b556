-- Virtual keys and the log of what was done to them. Times are milliseconds since 1970.

CREATE TABLE tollway_keys (
    id TEXT NOT NULL PRIMARY KEY,
    -- HMAC-SHA-256 of the token, and of the one before it with the time until which that one is good.
    digest BLOB NOT NULL UNIQUE,
    previous BLOB,
    previous_until INTEGER,
    -- What the key says and allows, as JSON.
    details TEXT NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER,
    -- Replicas ask for what has a higher one than they have seen.
    revision INTEGER NOT NULL UNIQUE
);

-- One row. Whoever writes changes it first, so that writers follow one another.
CREATE TABLE tollway_keys_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    audit_sequence INTEGER NOT NULL,
    audit_hash BLOB NOT NULL,
    -- By what the secret is known that tokens are hashed with.
    fingerprint BLOB
);

INSERT INTO tollway_keys_state (one, revision, audit_sequence, audit_hash) VALUES (1, 0, 0, zeroblob(32));

CREATE TABLE tollway_keys_audit (
    sequence INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- SHA-256 of the row before.
    previous BLOB NOT NULL
);

CREATE TRIGGER tollway_keys_audit_stays BEFORE UPDATE ON tollway_keys_audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;

CREATE TRIGGER tollway_keys_audit_remains BEFORE DELETE ON tollway_keys_audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
