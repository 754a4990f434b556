-- What was used and what it cost, without any text of prompts or answers. Times are milliseconds since 1970,
-- spans microseconds, amounts nano-dollars.

-- One row. Whoever writes changes it first, so that writers follow one another.
CREATE TABLE tollway_usage_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last_request INTEGER NOT NULL,
    -- Months before this one have sums of their own. Months are counted since the year 0.
    folded INTEGER NOT NULL
);

INSERT INTO tollway_usage_state (one, last_request, folded) VALUES (1, 0, 0);

-- Batches that are here: none is written twice.
CREATE TABLE tollway_usage_batch (
    id BLOB NOT NULL PRIMARY KEY,
    written INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX tollway_usage_batch_by_time ON tollway_usage_batch (written);

CREATE TABLE tollway_usage_request (
    id INTEGER NOT NULL PRIMARY KEY,
    time INTEGER NOT NULL,
    -- As in logs and headers.
    request_id TEXT NOT NULL,
    -- Who asked.
    key_id TEXT,
    user_id TEXT,
    team TEXT,
    -- As JSON.
    tags TEXT,
    route TEXT NOT NULL,
    dialect TEXT NOT NULL,
    operation TEXT,
    -- As it was asked for.
    model TEXT,
    stream INTEGER NOT NULL,
    status INTEGER,
    outcome TEXT NOT NULL,
    cache TEXT NOT NULL,
    -- What a cached answer saved, in nano-dollars.
    saved INTEGER NOT NULL,
    latency_us INTEGER NOT NULL,
    first_token_us INTEGER,
    max_output INTEGER,
    -- Keyed hashes of the whole prompt and of its beginning, by which they are told apart.
    prompt INTEGER,
    prefix INTEGER,
    prefix_tokens INTEGER
);

CREATE INDEX tollway_usage_request_by_time ON tollway_usage_request (time, id);

-- Every try at a provider.
CREATE TABLE tollway_usage_attempt (
    request INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time INTEGER NOT NULL,
    provider TEXT NOT NULL,
    dialect TEXT NOT NULL,
    -- As it was asked for.
    model TEXT NOT NULL,
    -- What the answer told.
    served TEXT,
    tier TEXT,
    region TEXT,
    speed TEXT,
    finish TEXT,
    status INTEGER,
    outcome TEXT NOT NULL,
    -- In nano-dollars; none where there is no price, and then why.
    cost INTEGER,
    estimated INTEGER NOT NULL,
    unpriced TEXT,
    latency_us INTEGER NOT NULL,
    first_token_us INTEGER,
    -- Tokens by class.
    input INTEGER NOT NULL,
    cached_input INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    input_audio INTEGER NOT NULL,
    cached_input_audio INTEGER NOT NULL,
    input_audio_ms INTEGER NOT NULL,
    output_audio INTEGER NOT NULL,
    input_image INTEGER NOT NULL,
    accepted_prediction INTEGER NOT NULL,
    rejected_prediction INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    PRIMARY KEY (request, number)
) WITHOUT ROWID;

-- For what is added up. Empty where there is none. Level 0 has all but tags; level 1 teams, providers and
-- models; level 3 those, routes and dialects; level 2 those of level 3 and one tag;
-- level 4 keys, users and teams.
CREATE TABLE tollway_usage_series (
    id INTEGER NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    level INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    team TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    served TEXT NOT NULL,
    route TEXT NOT NULL,
    dialect TEXT NOT NULL
);

-- Sums of a day (its number since 1970, in UTC), from which reports are made. Levels 5 to 9 are those of
-- levels 0 to 4 over a whole month, at its first day.
CREATE TABLE tollway_usage_daily (
    level INTEGER NOT NULL,
    day INTEGER NOT NULL,
    series INTEGER NOT NULL,
    month INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cached_input INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    input_audio INTEGER NOT NULL,
    cached_input_audio INTEGER NOT NULL,
    input_audio_ms INTEGER NOT NULL,
    output_audio INTEGER NOT NULL,
    input_image INTEGER NOT NULL,
    accepted_prediction INTEGER NOT NULL,
    rejected_prediction INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    PRIMARY KEY (level, day, series)
) WITHOUT ROWID;

-- What was spent in an hour (its number since 1970), from which budgets are restored.
CREATE TABLE tollway_usage_spent (
    hour INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (kind, hour, subject)
) WITHOUT ROWID;
