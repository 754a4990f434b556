-- What every script of amounts begins with.
local MOST, COUNTING = 2 ^ 53, 16
local function text(number) return string.format('%.0f', number) end

-- Reads what a key counts: the part in which an amount is counted now, what is there, the total and the epoch.
-- In another memory than the one a replica heard, what it knows is spent all the same.
local function open(key, part, lasts, known, heard, fresh)
  local fields, parts, newest, epoch = redis.call('HGETALL', key), {}, part, nil
  for f = 1, #fields, 2 do
    local name = fields[f]
    if name == 'e' then
      epoch = fields[f + 1]
    elseif string.sub(name, 1, 1) == 'p' then
      local number = tonumber(string.sub(name, 2))
      parts[number] = tonumber(fields[f + 1])
      newest = math.max(newest, number)
    end
  end
  local total = 0
  for number, amount in pairs(parts) do
    if number <= newest - COUNTING then
      redis.call('HDEL', key, 'p' .. text(number))
      parts[number] = nil
    else
      total = total + amount
    end
  end
  local is_over = part <= newest - COUNTING
  -- A clock that is behind counts where it still counts.
  if is_over then part = newest end
  local here = parts[part] or 0
  if epoch ~= heard and known > total then
    here = math.min(here + known - total, MOST)
    total = known
    redis.call('HSET', key, 'p' .. text(part), text(here))
  end
  if not epoch then
    epoch = fresh
    redis.call('HSET', key, 'e', epoch)
  end
  redis.call('PEXPIRE', key, lasts)
  return part, here, total, epoch, is_over
end

