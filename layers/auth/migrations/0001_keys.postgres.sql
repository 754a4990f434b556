-- Virtual keys and the log of what was done to them. Times are milliseconds since 1970.

CREATE TABLE tollway_keys (
    -- Compared by bytes, as everywhere else.
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- HMAC-SHA-256 of the token, and of the one before it with the time until which that one is good.
    digest BYTEA NOT NULL UNIQUE,
    previous BYTEA,
    previous_until BIGINT,
    -- What the key says and allows, as JSON.
    details TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT,
    -- Replicas ask for what has a higher one than they have seen.
    revision BIGINT NOT NULL UNIQUE
);

-- One row. Whoever writes changes it first, so that writers follow one another.
CREATE TABLE tollway_keys_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision BIGINT NOT NULL,
    audit_sequence BIGINT NOT NULL,
    audit_hash BYTEA NOT NULL,
    -- By what the secret is known that tokens are hashed with.
    fingerprint BYTEA
);

INSERT INTO tollway_keys_state (one, revision, audit_sequence, audit_hash)
VALUES (1, 0, 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE tollway_keys_audit (
    sequence BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- SHA-256 of the row before.
    previous BYTEA NOT NULL
);

CREATE FUNCTION tollway_keys_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;

CREATE TRIGGER tollway_keys_audit_stays BEFORE UPDATE OR DELETE ON tollway_keys_audit
FOR EACH ROW EXECUTE FUNCTION tollway_keys_audit_refuse();

CREATE TRIGGER tollway_keys_audit_remains BEFORE TRUNCATE ON tollway_keys_audit
FOR EACH STATEMENT EXECUTE FUNCTION tollway_keys_audit_refuse();
