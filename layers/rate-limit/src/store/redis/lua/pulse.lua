-- Says that this replica lives, and answers in eight bytes how many do.
-- KEYS: the set of replicas, by when they were last heard of. ARGV: the replica, the lifetime.
local key, replica, lifetime = KEYS[1], ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function text(time) return string.format('%.0f', time) end
redis.call('ZADD', key, text(now), replica)
redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - lifetime - 1))
-- Heard of by a clock that has gone back since.
redis.call('ZREMRANGEBYSCORE', key, text(now + 1), '+inf')
redis.call('PEXPIRE', key, text(math.ceil(lifetime / 1000) + 1))
return struct.pack('<I8', redis.call('ZCARD', key))
