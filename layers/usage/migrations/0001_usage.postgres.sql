-- What was used and what it cost, without any text of prompts or answers. Times are milliseconds since 1970,
-- spans microseconds, amounts nano-dollars.

-- One row. Whoever writes changes it first, so that writers follow one another.
CREATE TABLE tollway_usage_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last_request BIGINT NOT NULL,
    -- Months before this one have sums of their own. Months are counted since the year 0.
    folded BIGINT NOT NULL
);

INSERT INTO tollway_usage_state (one, last_request, folded) VALUES (1, 0, 0);

-- Batches that are here: none is written twice.
CREATE TABLE tollway_usage_batch (
    id BYTEA NOT NULL PRIMARY KEY,
    written BIGINT NOT NULL
);

CREATE INDEX tollway_usage_batch_by_time ON tollway_usage_batch (written);

CREATE TABLE tollway_usage_request (
    id BIGINT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
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
    stream BIGINT NOT NULL,
    status BIGINT,
    outcome TEXT NOT NULL,
    cache TEXT NOT NULL,
    -- What a cached answer saved, in nano-dollars.
    saved BIGINT NOT NULL,
    latency_us BIGINT NOT NULL,
    first_token_us BIGINT,
    max_output BIGINT,
    -- Keyed hashes of the whole prompt and of its beginning, by which they are told apart.
    prompt BIGINT,
    prefix BIGINT,
    prefix_tokens BIGINT
);

CREATE INDEX tollway_usage_request_by_time ON tollway_usage_request (time, id);

-- Every try at a provider.
CREATE TABLE tollway_usage_attempt (
    request BIGINT NOT NULL,
    number BIGINT NOT NULL,
    time BIGINT NOT NULL,
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
    status BIGINT,
    outcome TEXT NOT NULL,
    -- In nano-dollars; none where there is no price, and then why.
    cost BIGINT,
    estimated BIGINT NOT NULL,
    unpriced TEXT,
    latency_us BIGINT NOT NULL,
    first_token_us BIGINT,
    -- Tokens by class.
    input BIGINT NOT NULL,
    cached_input BIGINT NOT NULL,
    cache_write_5m BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    output BIGINT NOT NULL,
    reasoning BIGINT NOT NULL,
    input_audio BIGINT NOT NULL,
    cached_input_audio BIGINT NOT NULL,
    input_audio_ms BIGINT NOT NULL,
    output_audio BIGINT NOT NULL,
    input_image BIGINT NOT NULL,
    accepted_prediction BIGINT NOT NULL,
    rejected_prediction BIGINT NOT NULL,
    web_searches BIGINT NOT NULL,
    PRIMARY KEY (request, number)
);

-- For what is added up. Empty where there is none. Level 0 has all but tags; level 1 teams, providers and
-- models; level 3 those, routes and dialects; level 2 those of level 3 and one tag;
-- level 4 keys, users and teams.
CREATE TABLE tollway_usage_series (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest BYTEA NOT NULL UNIQUE,
    level BIGINT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    tag_value TEXT COLLATE "C" NOT NULL,
    team TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    served TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    dialect TEXT COLLATE "C" NOT NULL
);

-- Sums of a day (its number since 1970, in UTC), from which reports are made. Levels 5 to 9 are those of
-- levels 0 to 4 over a whole month, at its first day.
CREATE TABLE tollway_usage_daily (
    level BIGINT NOT NULL,
    day BIGINT NOT NULL,
    series BIGINT NOT NULL,
    month BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    cached BIGINT NOT NULL,
    saved BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    input BIGINT NOT NULL,
    cached_input BIGINT NOT NULL,
    cache_write_5m BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    output BIGINT NOT NULL,
    reasoning BIGINT NOT NULL,
    input_audio BIGINT NOT NULL,
    cached_input_audio BIGINT NOT NULL,
    input_audio_ms BIGINT NOT NULL,
    output_audio BIGINT NOT NULL,
    input_image BIGINT NOT NULL,
    accepted_prediction BIGINT NOT NULL,
    rejected_prediction BIGINT NOT NULL,
    web_searches BIGINT NOT NULL,
    PRIMARY KEY (level, day, series)
);

-- What was spent in an hour (its number since 1970), from which budgets are restored.
CREATE TABLE tollway_usage_spent (
    hour BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (kind, hour, subject)
);
