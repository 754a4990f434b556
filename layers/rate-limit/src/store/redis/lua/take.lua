-- Takes from all or from none.
-- ARGV: the replica, then for each key: kind, limit, span, burst, need, want.
-- Answers 1, then for each key: amount, mark, remaining, reset;
-- or 0, then for each key that lacks: its index from 0, retry after, remaining, reset.
local replica = ARGV[1]
local loaded = load_all(6)
local granted, lacking = {1}, {0}
for i, key in ipairs(KEYS) do
  local at = 6 * i
  local cell, need, want = loaded[key], tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local retry = cell:lacks(need)
  if retry then
    local n = #lacking
    lacking[n + 1], lacking[n + 2], lacking[n + 3], lacking[n + 4] = i - 1, retry, cell:free(), cell:reset()
  else
    local amount = math.max(need, math.min(want, cell:free()))
    local mark = cell:take(amount, replica)
    local n = #granted
    granted[n + 1], granted[n + 2], granted[n + 3], granted[n + 4] = amount, mark, cell:free(), cell:reset()
  end
end
if #lacking > 1 then return lacking end
for key, cell in pairs(loaded) do cell:save(key) end
return granted
