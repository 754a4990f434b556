-- Says what this replica holds of what goes on at the same time.
-- ARGV: the replica; then for each key, eight bytes each: kind, three terms, and how much is held at least
-- and at most. What was granted here and not given back lies between them, unless memory or an answer was
-- lost.
local replica, told, at = ARGV[1], ARGV[2], 1
for i = 1, #KEYS do
  local kind, a, b, c, least, most, after = read('<I8I8I8I8I8I8', told, at)
  at = after
  local cell = cell_of(i, kind, a, b, c)
  count.hold(cell, replica, function(held) return min(max(held, least), most) end)
end
save_all()
return ''
