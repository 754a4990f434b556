-- Whether a threshold was not told yet. ARGV: part, lasts, percent.
local COUNTING = 16
local part, field = tonumber(ARGV[1]), 'c' .. ARGV[3]
local told = redis.call('HGET', KEYS[1], field)
if told and part - tonumber(told) < COUNTING then return {0} end
redis.call('HSET', KEYS[1], field, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1}
