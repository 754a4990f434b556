-- Settles as settle.lua does, in one pass and without its functions and tables: what no key is named twice
-- for, and is counted where something is. `rest` are those left to settle.lua: whose time would have to be
-- set anew, that begin a slot, or whose clock has gone back.
local keys, replica, n = KEYS, ARGV[1], #KEYS
local rest
if n > 0 and n <= 128 and not ARGV[3] then
  local told, texts = {read('<' .. rep('I8', 7 * n), ARGV[2])}, call('MGET', unpack(keys))
  local from = 0
  for i = 1, n do
    local kind, limit, span = told[from + 1], told[from + 2], told[from + 3]
    local mark, back, more = told[from + 5], told[from + 6], told[from + 7]
    local key, text, is_done = keys[i], texts[i], false
    from = from + 7
    if not text then
      is_done = more == 0
    elseif kind == 0 then
      local slot = (now - now % span) / span
      local was, used, newest = read('<ddd', text)
      if was == slot then
        local age = slot - mark
        if age == 0 then
          local freed = min(back, newest)
          used, newest = used - freed, newest - freed
        elseif age > 0 and age < 16 and back > 0 then
          local there = read('<d', text, 17 + 8 * age)
          local freed = min(back, there)
          used = used - freed
          if freed > 0 and used + more > 0 then call('SETRANGE', key, 16 + 8 * age, pack('<d', there - freed)) end
        end
        if used + more > 0 then
          call('SETRANGE', key, '8', pack('<dd', used + more, newest + more))
        else
          call('DEL', key)
        end
        is_done = true
      end
    elseif kind == 1 then
      local at, level, ends = read('<ddd', text)
      if at <= now then
        level = max(0, level - (now - at) * limit)
        level = level - min(back * span, level, max(0, mark - now) * limit) + more * span
        if level == 0 then
          call('DEL', key)
          is_done = true
        elseif now + ceil(level / limit) <= ends then
          call('SETRANGE', key, '0', pack('<dd', now, level))
          is_done = true
        end
      end
    else
      local used, oldest, written, ends = read('<dddd', text)
      local place = back + more > 0 and string.find(text, replica, 33, true)
      if place and place % 32 == 1 and written <= now and now - oldest <= span and now + span <= ends then
        local held = read('<d', text, place + 16)
        local holds = max(0, held - back) + more
        used = used - held + holds
        local head = pack('<dddd', used, oldest, now, ends) .. sub(text, 33, place + 15)
        call('SETRANGE', key, '0', head .. pack('<dd', holds, now))
        is_done = true
      end
    end
    if not is_done then
      rest = rest or {}
      rest[#rest + 1] = i
    end
  end
  if not rest then return '' end
end

