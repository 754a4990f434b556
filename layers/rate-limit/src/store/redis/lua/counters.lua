-- What the scripts share: how one subject is counted under one rule. As in src/cell, whose documentation
-- says what each way of counting promises. Times are microseconds of this server's clock.
--
-- A cell is loaded from the text under its key, asked and changed, and saved again. Nobody else is served
-- meanwhile, so that what is not needed is not unpacked: of sixteen slots and of all replicas' permits a
-- decision touches one, and the sums stand before them. Where the server's clock has gone back, what was
-- counted moves back with it and so keeps its age.

local pack, read, sub, rep = struct.pack, struct.unpack, string.sub, string.rep
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- Keeps a text for so many microseconds from now.
local function keep(key, text, time)
  redis.call('SET', key, text, 'PX', ceil(time / 1000) + 1)
end

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
    cell.used, cell.newest, cell.older = used, newest, sub(text, 25)
  elseif passed < SLOTS then
    local left = 17 + 8 * (SLOTS - passed)
    for at = left, 17 + 8 * (SLOTS - 1), 8 do used = used - read('<d', text, at) end
    cell.used, cell.older = used, rep('\0', 8 * (passed - 1)) .. sub(text, 17, left - 1)
  end
  return cell
end

function window.save(cell, key)
  keep(key, pack('<ddd', cell.slot, cell.used, cell.newest) .. cell.older, SLOTS * cell.width)
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

-- After what time there is enough; nothing if there is.
function window.lacks(cell, need)
  local over = cell.used + need - cell.limit
  if over > 0 then return until_free(cell, over) end
end

function window.free(cell) return max(0, cell.limit - cell.used) end

-- In what time nothing counts any more.
function window.reset(cell)
  if cell.newest > 0 then return (cell.slot + SLOTS) * cell.width - now end
  return cell.used > 0 and until_free(cell, cell.used) or 0
end

-- Counts, and says where.
function window.take(cell, amount)
  cell.newest, cell.used = cell.newest + amount, cell.used + amount
  return cell.slot
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
  end
  cell.used = cell.used - freed
end

function window.is_empty(cell) return cell.used == 0 end

-- The generic cell rate algorithm: when it was counted, and the level then, in parts of a microsecond of
-- which there are `limit` in one. An amount flows off in `amount * window` parts, so all are whole numbers.
-- Terms: limit, window, burst.
local gcra = {}

function gcra.load(text, limit, span, burst)
  local level = 0
  if text then
    local at, was = read('<dd', text)
    level = max(0, was - max(0, now - at) * limit)
  end
  return {limit = limit, span = span, burst = burst, level = level}
end

function gcra.save(cell, key) keep(key, pack('<dd', now, cell.level), gcra.reset(cell)) end

function gcra.lacks(cell, need)
  local over = cell.level + need * cell.span - cell.burst * cell.span
  if over > 0 then return ceil(over / cell.limit) end
end

function gcra.free(cell) return max(0, cell.burst - ceil(cell.level / cell.span)) end
function gcra.reset(cell) return ceil(cell.level / cell.limit) end

function gcra.take(cell, amount)
  cell.level = cell.level + amount * cell.span
  return now + gcra.reset(cell)
end

-- Only what has not flowed off comes back.
function gcra.back(cell, mark, amount)
  local there = min(cell.level, max(0, mark - now) * cell.limit)
  cell.level = cell.level - min(amount * cell.span, there)
end

function gcra.is_empty(cell) return cell.level == 0 end

-- What goes on at the same time: how much in all, a time before which nobody was heard of last, when this
-- was written; and for each replica its name, how much it holds, and when it was heard of.
-- Terms: limit, lifetime of a replica.
local ENTRY = '<c16dd'
local ENTRY_BYTES = 32

local count = {}

function count.load(text, limit, lifetime)
  local cell = {limit = limit, lifetime = lifetime, used = 0, oldest = now, entries = ''}
  if not text then return cell end
  local used, oldest, written = read('<ddd', text)
  if written <= now and now - oldest <= lifetime then
    cell.used, cell.oldest, cell.entries = used, oldest, sub(text, 25)
    return cell
  end
  -- Somebody may have gone, or the clock back.
  local kept = {}
  for at = 25, #text, ENTRY_BYTES do
    local replica, held, heard = read(ENTRY, text, at)
    heard = min(heard, now)
    if now - heard <= lifetime then
      kept[#kept + 1] = pack(ENTRY, replica, held, heard)
      cell.used, cell.oldest = cell.used + held, min(cell.oldest, heard)
    end
  end
  cell.entries = table.concat(kept)
  return cell
end

function count.save(cell, key)
  keep(key, pack('<ddd', cell.used, cell.oldest, now) .. cell.entries, cell.lifetime)
end

-- Nobody knows when what goes on will end: after a second.
function count.lacks(cell, need)
  if cell.used + need > cell.limit then return 1000000 end
end

function count.free(cell) return max(0, cell.limit - cell.used) end
function count.reset() return 0 end

-- How much a replica holds, and where that stands.
function count.held(cell, replica)
  local at = 0
  repeat at = string.find(cell.entries, replica, at + 1, true) until not at or at % ENTRY_BYTES == 1
  if not at then return 0 end
  return read('<d', cell.entries, at + 16), at
end

-- Notes how much a replica holds, of whom this is heard.
function count.hold(cell, replica, amount)
  local held, at = count.held(cell, replica)
  local entry = amount > 0 and pack(ENTRY, replica, amount, now) or ''
  if at then
    cell.entries = sub(cell.entries, 1, at - 1) .. entry .. sub(cell.entries, at + ENTRY_BYTES)
  else
    cell.entries = cell.entries .. entry
  end
  cell.used = cell.used - held + amount
end

function count.take(cell, amount, replica)
  count.hold(cell, replica, count.held(cell, replica) + amount)
  return 0
end

function count.back(cell, _, amount, replica)
  local held = count.held(cell, replica)
  if held > 0 then count.hold(cell, replica, max(0, held - amount)) end
end

function count.is_empty(cell) return cell.entries == '' end

-- As the terms say: 0, 1 or 2.
local kinds = {[0] = window, gcra, count}

local texts = #KEYS > 0 and redis.call('MGET', unpack(KEYS)) or {}
local loaded = {}

-- The cell of a key, loaded once though it be named twice.
local function cell_of(i, kind, ...)
  local key = KEYS[i]
  local cell = loaded[key]
  if not cell then
    cell = kinds[kind].load(texts[i], ...)
    cell.kind, cell.is_stored = kinds[kind], texts[i]
    loaded[key] = cell
  end
  return cell, cell.kind
end

local function save_all()
  for key, cell in pairs(loaded) do
    if not cell.kind.is_empty(cell) then
      cell.kind.save(cell, key)
    elseif cell.is_stored then
      redis.call('DEL', key)
    end
  end
end
