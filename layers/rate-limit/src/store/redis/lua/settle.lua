-- Corrects what was taken, whatever the limit.
-- ARGV: the replica; then for each key, eight bytes each: kind, three terms, mark, back, more.
local replica, told, at = ARGV[1], ARGV[2], 1
for i = 1, #KEYS do
  local kind, a, b, c, mark, back, more, after = read('<I8I8I8I8I8I8I8', told, at)
  at = after
  local cell, of = cell_of(i, kind, a, b, c)
  if back > 0 then of.back(cell, mark, back, replica) end
  if more > 0 then of.add(cell, more, replica) end
end
save_all()
return ''
