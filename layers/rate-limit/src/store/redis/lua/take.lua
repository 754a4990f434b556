-- Takes from all or from none.
-- ARGV: the replica; for each key, eight bytes each: kind, three terms, need, want; and something more
-- where a key is named twice.
-- Answers, eight bytes each, 1 and for each key: amount, mark, remaining, reset; or 0 and for each key
-- that lacks: its index from 0, retry after, remaining, reset.
local asked, at = ARGV[2], 1
local granted, lacking = {pack('<I8', 1)}, nil
for i = 1, #KEYS do
  local kind, a, b, c, need, want, after = read('<I8I8I8I8I8I8', asked, at)
  at = after
  local cell, of = cell_of(i, kind, a, b, c)
  local amount, where = of.take(cell, need, want, replica)
  local remaining, reset = of.standing(cell)
  if not amount then
    lacking = lacking or {pack('<I8', 0)}
    lacking[#lacking + 1] = pack('<I8I8I8I8', i - 1, where, remaining, reset)
  else
    granted[i + 1] = pack('<I8I8I8I8', amount, where, remaining, reset)
  end
end
if lacking then return table.concat(lacking) end
save_all()
return table.concat(granted)
