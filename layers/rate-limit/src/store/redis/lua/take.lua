-- Takes from all or from none.
-- ARGV: the replica; then for each key, eight bytes each: kind, three terms, need, want.
-- Answers, eight bytes each, 1 and for each key: amount, mark, remaining, reset; or 0 and for each key
-- that lacks: its index from 0, retry after, remaining, reset.
local replica, asked, at = ARGV[1], ARGV[2], 1
local granted, lacking = {pack('<I8', 1)}, {pack('<I8', 0)}
for i = 1, #KEYS do
  local kind, a, b, c, need, want, after = read('<I8I8I8I8I8I8', asked, at)
  at = after
  local cell, of = cell_of(i, kind, a, b, c)
  local retry = of.lacks(cell, need)
  if retry then
    lacking[#lacking + 1] = pack('<I8I8I8I8', i - 1, retry, of.free(cell), of.reset(cell))
  else
    local amount = max(need, min(want, of.free(cell)))
    local mark = of.take(cell, amount, replica)
    granted[#granted + 1] = pack('<I8I8I8I8', amount, mark, of.free(cell), of.reset(cell))
  end
end
if #lacking > 1 then return table.concat(lacking) end
save_all()
return table.concat(granted)
