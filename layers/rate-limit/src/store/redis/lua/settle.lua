-- Corrects what was taken, whatever the limit.
-- ARGV: the replica, then for each key: kind, limit, span, burst, mark, back, more.
local replica = ARGV[1]
local loaded = load_all(7)
for i, key in ipairs(KEYS) do
  local at = 7 * i - 1
  local cell, mark, back, more = loaded[key], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if back > 0 then cell:back(mark, back, replica) end
  if more > 0 then cell:take(more, replica) end
end
for key, cell in pairs(loaded) do cell:save(key) end
return {}
