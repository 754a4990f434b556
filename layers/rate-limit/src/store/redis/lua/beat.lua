-- Says what this replica holds.
-- ARGV: the replica, then for each key: kind, limit, lifetime, 0, and how much is held at least and at most.
-- What was granted here and not given back lies between them, unless memory or an answer was lost.
local replica = ARGV[1]
local loaded = load_all(6)
for i, key in ipairs(KEYS) do
  local cell, least, most = loaded[key], tonumber(ARGV[6 * i]), tonumber(ARGV[6 * i + 1])
  local entry = cell:entry(replica)
  entry.heard = now
  cell:hold(entry, math.min(math.max(entry.held, least), most))
end
for key, cell in pairs(loaded) do cell:save(key) end
return {}
