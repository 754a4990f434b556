-- Takes from all or from none.
-- ARGV: a new epoch; for each key: part, lasts, limit, need, want, forced, known, epoch.
-- Answers 1 or 0 and for each key: granted, whether it is short, total, epoch.
local fresh, cells, is_granted = ARGV[1], {}, 1
for i = 1, #KEYS do
  local at = 2 + (i - 1) * 8
  local part, lasts, limit = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
  local need, want, forced = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 5] == '1'
  local known, epoch = tonumber(ARGV[at + 6]), ARGV[at + 7]

  local here, total, stored
  part, here, total, stored = open(KEYS[i], part, lasts, known, epoch, fresh)
  local left = limit - total
  local is_short = need > 0 and need > left and not forced
  if is_short then is_granted = 0 end
  local granted = math.max(need, math.min(want, left))
  cells[i] = {part, here, granted, is_short, total, stored}
end

local answer = {is_granted}
for i, cell in ipairs(cells) do
  local part, here, granted, is_short, total, epoch = unpack(cell)
  if is_granted == 0 then
    granted = 0
  elseif granted > 0 then
    total = total + granted
    redis.call('HSET', KEYS[i], 'p' .. text(part), text(math.min(here + granted, MOST)))
  end
  for _, number in ipairs({granted, is_short and 1 or 0, math.min(total, MOST), tonumber(epoch)}) do
    answer[#answer + 1] = number
  end
end
return answer
