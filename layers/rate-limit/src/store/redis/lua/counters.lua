-- What the scripts share: how one subject is counted under one rule. As in src/cell, whose documentation
-- says what each way of counting promises.
--
-- A cell is loaded from the text under its key, asked and changed, and saved again. Nobody else is served
-- meanwhile, so that what is not needed is neither unpacked nor written: of sixteen slots and of all
-- replicas' permits a decision touches one, and the sums stand before them; and what keeps its length and
-- lives long enough is written over, which takes a fifth of setting it anew. Where the server's clock has
-- gone back, what was counted moves back with it and so keeps its age.

-- Keeps a text for so many microseconds from now.
local function keep(key, text, time)
  call('SET', key, text, 'PX', string.format('%d', ceil(time / 1000) + 1))
end

-- Writes over the beginning of a text, which lives for as long as it would have.
local function write_over(key, text) call('SETRANGE', key, '0', text) end

-- The sliding window: the newest slot's number, what was taken in all 16, in the newest, and in the 15
-- before it, the newer first. Terms: limit, width of a slot.
local SLOTS = 16
local NOTHING = rep('\0', 8 * (SLOTS - 1))

local window = {}

function window.load(text, limit, width)
  local slot = floor(now / width)
  local cell = {limit = limit, width = width, slot = slot, used = 0, newest = 0, older = NOTHING}
  if not text then return cell end
  local was, used, newest = read('<ddd', text)
  local passed = slot - was
  if passed <= 0 then
    cell.used, cell.newest, cell.older, cell.is_of_now = used, newest, sub(text, 25), passed == 0
  elseif passed < SLOTS then
    local left = 17 + 8 * (SLOTS - passed)
    for at = left, 17 + 8 * (SLOTS - 1), 8 do used = used - read('<d', text, at) end
    cell.used, cell.older = used, rep('\0', 8 * (passed - 1)) .. sub(text, 17, left - 1)
  end
  return cell
end

-- What was written in this slot lives as long as what is counted in it.
function window.save(cell, key)
  local sums = pack('<ddd', cell.slot, cell.used, cell.newest)
  if cell.is_of_now then
    write_over(key, cell.has_older_changed and sums .. cell.older or sums)
  else
    keep(key, sums .. cell.older, SLOTS * cell.width)
  end
end

-- In what time so much has left the window.
local function until_free(cell, amount)
  local freed = 0
  for age = SLOTS - 1, 0, -1 do
    freed = freed + (age == 0 and cell.newest or read('<d', cell.older, 8 * age - 7))
    if freed >= amount then return (cell.slot - age + SLOTS) * cell.width - now end
  end
  return SLOTS * cell.width
end

-- Counts an amount, whatever the limit.
function window.add(cell, amount)
  cell.newest, cell.used = cell.newest + amount, cell.used + amount
end

-- Takes what is needed, and what is wanted as far as it is there. Returns how much and where it is
-- counted; or nothing, and after what time there is enough.
function window.take(cell, need, want)
  local free = cell.limit - cell.used
  if need > free then return nil, until_free(cell, need - free) end
  local amount = max(need, min(want, free))
  window.add(cell, amount)
  return amount, cell.slot
end

-- How much is left, and in what time nothing counts any more.
function window.standing(cell)
  local reset = 0
  if cell.newest > 0 then
    reset = (cell.slot + SLOTS) * cell.width - now
  elseif cell.used > 0 then
    reset = until_free(cell, cell.used)
  end
  return max(0, cell.limit - cell.used), reset
end

function window.back(cell, mark, amount)
  local age = cell.slot - mark
  if age < 0 or age >= SLOTS then return end
  local freed
  if age == 0 then
    freed = min(amount, cell.newest)
    cell.newest = cell.newest - freed
  else
    local at = 8 * age - 7
    local there = read('<d', cell.older, at)
    freed = min(amount, there)
    cell.older = sub(cell.older, 1, at - 1) .. pack('<d', there - freed) .. sub(cell.older, at + 8)
    cell.has_older_changed = true
  end
  cell.used = cell.used - freed
end

function window.is_empty(cell) return cell.used == 0 end

-- The generic cell rate algorithm: when it was counted, the level then, in parts of a microsecond of which
-- there are `limit` in one, and until when the text is kept. An amount flows off in `amount * window` parts,
-- so all are whole numbers. Terms: limit, window, burst.
local gcra = {}

function gcra.load(text, limit, span, burst)
  local level, ends = 0, 0
  if text then
    local at, was
    at, was, ends = read('<ddd', text)
    level = max(0, was - max(0, now - at) * limit)
  end
  return {limit = limit, span = span, burst = burst, level = level, ends = ends}
end

function gcra.save(cell, key)
  local reset = ceil(cell.level / cell.limit)
  if now + reset <= cell.ends then
    write_over(key, pack('<dd', now, cell.level))
  else
    -- And some time more, or what flows off at once would be set anew each time.
    local time = 2 * reset + 100000
    keep(key, pack('<ddd', now, cell.level, now + time), time)
  end
end

function gcra.add(cell, amount) cell.level = cell.level + amount * cell.span end

function gcra.take(cell, need, want)
  local over = cell.level + (need - cell.burst) * cell.span
  if over > 0 then return nil, ceil(over / cell.limit) end
  local amount = need
  if want > need then amount = max(need, min(want, cell.burst - ceil(cell.level / cell.span))) end
  gcra.add(cell, amount)
  return amount, now + ceil(cell.level / cell.limit)
end

function gcra.standing(cell)
  return max(0, cell.burst - ceil(cell.level / cell.span)), ceil(cell.level / cell.limit)
end

-- Only what has not flowed off comes back.
function gcra.back(cell, mark, amount)
  local there = min(cell.level, max(0, mark - now) * cell.limit)
  cell.level = cell.level - min(amount * cell.span, there)
end

function gcra.is_empty(cell) return cell.level == 0 end

-- What goes on at the same time: how much in all, a time before which nobody was heard of last, when this
-- was written, until when it is kept; and for each replica its name, how much it holds, and when it was
-- heard of. Terms: limit, lifetime of a replica.
local ENTRY = '<c16dd'
local ENTRY_BYTES = 32
local SUMS_BYTES = 32

local count = {}

function count.load(text, limit, lifetime)
  local cell = {limit = limit, lifetime = lifetime, used = 0, oldest = now, ends = 0, entries = ''}
  if not text then return cell end
  local used, oldest, written, ends = read('<dddd', text)
  cell.bytes, cell.ends = #text, ends
  if written <= now and now - oldest <= lifetime then
    cell.used, cell.oldest, cell.entries = used, oldest, sub(text, SUMS_BYTES + 1)
    return cell
  end
  -- Somebody may have gone, or the clock back.
  local kept = {}
  for at = SUMS_BYTES + 1, #text, ENTRY_BYTES do
    local replica, held, heard = read(ENTRY, text, at)
    heard = min(heard, now)
    if held > 0 and now - heard <= lifetime then
      kept[#kept + 1] = pack(ENTRY, replica, held, heard)
      cell.used, cell.oldest = cell.used + held, min(cell.oldest, heard)
    end
  end
  cell.entries = table.concat(kept)
  return cell
end

function count.save(cell, key)
  if cell.bytes == SUMS_BYTES + #cell.entries and now + cell.lifetime <= cell.ends then
    write_over(key, pack('<dddd', cell.used, cell.oldest, now, cell.ends) .. cell.entries)
  else
    local time = 2 * cell.lifetime
    keep(key, pack('<dddd', cell.used, cell.oldest, now, now + time) .. cell.entries, time)
  end
end

-- Notes how much a replica holds, of whom this is heard: what `change` makes of what it held.
function count.hold(cell, replica, change)
  local entries, at = cell.entries, 0
  repeat at = string.find(entries, replica, at + 1, true) until not at or at % ENTRY_BYTES == 1
  local held = at and read('<d', entries, at + 16) or 0
  local amount = change(held)
  if not at and amount == 0 then return end
  local entry = pack(ENTRY, replica, amount, now)
  if not at then
    cell.entries = entries .. entry
  elseif #entries == ENTRY_BYTES then
    cell.entries = entry
  else
    cell.entries = sub(entries, 1, at - 1) .. entry .. sub(entries, at + ENTRY_BYTES)
  end
  cell.used = cell.used - held + amount
end

function count.add(cell, amount, replica)
  count.hold(cell, replica, function(held) return held + amount end)
end

-- Nobody knows when what goes on will end: after a second.
function count.take(cell, need, want, replica)
  local free = cell.limit - cell.used
  if need > free then return nil, 1000000 end
  local amount = max(need, min(want, free))
  count.add(cell, amount, replica)
  return amount, 0
end

function count.standing(cell) return max(0, cell.limit - cell.used), 0 end

function count.back(cell, _, amount, replica)
  count.hold(cell, replica, function(held) return max(0, held - amount) end)
end

-- Where nobody holds anything any more, the next one soon will; the text goes by itself.
function count.is_empty(cell) return cell.used == 0 and not cell.bytes end

-- As the terms say: 0, 1 or 2.
local kinds = {[0] = window, gcra, count}

local texts = #KEYS > 0 and call('MGET', unpack(KEYS)) or {}
local loaded = {}

-- The cell of a key, loaded once though it be named twice.
local function cell_of(i, kind, a, b, c)
  local key = KEYS[i]
  local cell = loaded[key]
  if not cell then
    local of = kinds[kind]
    cell = of.load(texts[i], a, b, c)
    cell.kind, cell.is_stored = of, texts[i]
    loaded[key] = cell
  end
  return cell, cell.kind
end

local function save_all()
  for key, cell in pairs(loaded) do
    if not cell.kind.is_empty(cell) then
      cell.kind.save(cell, key)
    elseif cell.is_stored then
      call('DEL', key)
    end
  end
end
