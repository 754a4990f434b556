-- Corrects what was taken.
-- ARGV: a new epoch; for each key: part, lasts, back, more, epoch, known, heard.
local fresh = ARGV[1]
for i = 1, #KEYS do
  local at = 2 + (i - 1) * 7
  local part, lasts, back, more = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local epoch, known, heard = ARGV[at + 4], tonumber(ARGV[at + 5]), ARGV[at + 6]
  local here, total, stored, is_over
  part, here, total, stored, is_over = open(KEYS[i], part, lasts, known, heard, fresh)
  -- What is over is not there to be given back, and what another memory held neither.
  if is_over or not (epoch == '0' or epoch == stored) then back = 0 end
  if back > 0 or more > 0 then
    redis.call('HSET', KEYS[i], 'p' .. text(part), text(math.min(math.max(here - back, 0) + more, MOST)))
  end
end
return {1}
