-- What every script of counters begins with. Times are microseconds of this server's clock.

local pack, read, sub, rep = struct.pack, struct.unpack, string.sub, string.rep
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local call = redis.call

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

