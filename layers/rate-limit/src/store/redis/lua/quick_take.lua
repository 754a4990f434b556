-- Takes as take.lua does, in one pass and without its functions and tables, which cost more than what they
-- do: where every rule gives, no key is named twice (which a third argument says), the clock has not gone
-- back and this replica is known to what goes on. Of all else nothing is written here, and take.lua decides.
--
-- Numbers and texts lie as counters.lua says. The answer is written over what was asked, which is longer;
-- what is to be kept over what was there.
local keys, replica, n = KEYS, ARGV[1], #KEYS
if n > 0 and n <= 128 and not ARGV[3] then
  local told, texts, times = {read('<' .. rep('I8', 6 * n), ARGV[2])}, call('MGET', unpack(keys)), nil
  local from, to, done = 0, 0, 0
  for i = 1, n do
    local kind, limit, span, burst = told[from + 1], told[from + 2], told[from + 3], told[from + 4]
    local need, want = told[from + 5], told[from + 6]
    local text, amount = texts[i], need
    if kind == 0 then
      local past = now % span
      local slot = (now - past) / span
      local used, newest, older = 0, 0, nil
      local passed = 16
      if text then
        local was
        was, used, newest = read('<ddd', text)
        passed = slot - was
        if passed < 0 then break end
      end
      if passed >= 16 then
        used, newest, older = 0, 0, rep('\0', 120)
      elseif passed > 0 then
        local left = 145 - 8 * passed
        for at = left, 137, 8 do used = used - read('<d', text, at) end
        newest, older = 0, rep('\0', 8 * passed - 8) .. sub(text, 17, left - 1)
      end
      local free = limit - used
      if need > free then break end
      if want > need then amount = want < free and want or free end
      used, newest = used + amount, newest + amount
      if newest > 0 then
        told[to + 4] = 16 * span - past
      elseif used > 0 or text then
        break
      else
        told[to + 4] = 0
      end
      if amount == 0 and not older or used == 0 then
        texts[i] = false
      elseif older then
        texts[i] = pack('<ddd', slot, used, newest) .. older
        times = times or {}
        times[i] = 16 * span
      else
        texts[i] = pack('<ddd', slot, used, newest)
      end
      told[to + 2], told[to + 3] = slot, limit - used
    elseif kind == 1 then
      local level, ends = 0, 0
      if text then
        local at
        at, level, ends = read('<ddd', text)
        if at > now then break end
        level = level - (now - at) * limit
        if level < 0 then level = 0 end
      end
      if level + (need - burst) * span > 0 then break end
      if want > need then amount = max(need, min(want, burst - ceil(level / span))) end
      level = level + amount * span
      if level == 0 and text then break end
      local reset = ceil(level / limit)
      if level == 0 then
        texts[i] = false
      elseif now + reset <= ends then
        texts[i] = pack('<dd', now, level)
      else
        local time = 2 * reset + 100000
        texts[i] = pack('<ddd', now, level, now + time)
        times = times or {}
        times[i] = time
      end
      told[to + 2], told[to + 3], told[to + 4] = now + reset, max(0, burst - ceil(level / span)), reset
    else
      local used, oldest, ends, held, place = 0, now, 0, 0, nil
      if text then
        local written
        used, oldest, written, ends = read('<dddd', text)
        if written > now or now - oldest > span then break end
        place = string.find(text, replica, 33, true)
        if not place or place % 32 ~= 1 then break end
        held = read('<d', text, place + 16)
      end
      local free = limit - used
      if need > free then break end
      if want > need then amount = want < free and want or free end
      used, held = used + amount, held + amount
      local is_kept = now + span <= ends
      if not is_kept then
        ends = now + 2 * span
        times = times or {}
        times[i] = 2 * span
      end
      if #(text or '') <= 64 then
        texts[i] = (text or amount > 0) and pack('<ddddc16dd', used, oldest, now, ends, replica, held, now)
      else
        local head = pack('<dddd', used, oldest, now, ends) .. sub(text, 33, place + 15)
        texts[i] = head .. pack('<dd', held, now) .. (is_kept and '' or sub(text, place + 32))
      end
      told[to + 2], told[to + 3], told[to + 4] = 0, limit - used, 0
    end
    told[to + 1] = amount
    from, to, done = from + 6, to + 4, i
  end
  if done == n then
    for i = 1, n do
      local text = texts[i]
      if text then
        local time = times and times[i]
        if time then
          call('SET', keys[i], text, 'PX', string.format('%d', ceil(time / 1000) + 1))
        else
          call('SETRANGE', keys[i], '0', text)
        end
      end
    end
    return pack('<' .. rep('I8', 4 * n + 1), 1, unpack(told, 1, 4 * n))
  end
end

