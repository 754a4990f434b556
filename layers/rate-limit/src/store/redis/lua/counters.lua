-- What the scripts share: how one subject is counted under one rule. As in src/cell, whose documentation
-- says what each way of counting promises. Times are microseconds of this server's clock.
--
-- A cell is loaded from the text under its key, asked and changed, and saved again. Where the server's
-- clock has gone back, what was counted moves back with it and so keeps its age.

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- How a cell counts: 'w' (window: limit, width of a slot), 'g' (gcra: limit, window, burst) or
-- 'c' (count: limit, lifetime of a replica).
local cells = {}

-- Keeps a text for so many microseconds from now.
local function keep(key, text, time)
  redis.call('SET', key, text, 'PX', string.format('%.0f', math.ceil(time / 1000) + 1))
end

-- The sliding window: the newest slot's number, then what was taken in it and in the 15 before it.
local SLOTS = 16
local WINDOW = '<' .. string.rep('d', SLOTS + 1)

local window = {}
window.__index = window
cells.w = window

function window.load(text, limit, width)
  local slot = math.floor(now / width)
  local self = setmetatable({limit = limit, width = width, slot = slot, used = 0}, window)
  if not text then
    for age = 0, SLOTS - 1 do self[age] = 0 end
    return self
  end
  local was = {struct.unpack(WINDOW, text)}
  local passed = math.max(0, slot - was[1])
  for age = 0, SLOTS - 1 do
    local count = age >= passed and was[age - passed + 2] or 0
    self[age] = count
    self.used = self.used + count
  end
  return self
end

function window:save(key)
  if self.used == 0 then
    redis.call('DEL', key)
  else
    keep(key, struct.pack(WINDOW, self.slot, unpack(self, 0, SLOTS - 1)), SLOTS * self.width)
  end
end

-- In what time so much has left the window.
function window:until_free(amount)
  local freed = 0
  for age = SLOTS - 1, 0, -1 do
    freed = freed + self[age]
    if freed >= amount then return (self.slot - age + SLOTS) * self.width - now end
  end
  return SLOTS * self.width
end

-- After what time there is enough; nothing if there is.
function window:lacks(need)
  local over = self.used + need - self.limit
  if over > 0 then return self:until_free(over) end
end

function window:free() return math.max(0, self.limit - self.used) end
function window:reset() return self.used > 0 and self:until_free(self.used) or 0 end

-- Counts, and says where.
function window:take(amount)
  self[0] = self[0] + amount
  self.used = self.used + amount
  return self.slot
end

function window:back(mark, amount)
  local age = self.slot - mark
  if age < 0 or age >= SLOTS then return end
  local freed = math.min(amount, self[age])
  self[age] = self[age] - freed
  self.used = self.used - freed
end

-- The generic cell rate algorithm: when it was counted, and the level then, in parts of a microsecond of
-- which there are `limit` in one. An amount flows off in `amount * window` parts, so all are whole numbers.
local gcra = {}
gcra.__index = gcra
cells.g = gcra

function gcra.load(text, limit, span, burst)
  local self = setmetatable({limit = limit, span = span, burst = burst, level = 0}, gcra)
  if text then
    local at, level = struct.unpack('<dd', text)
    self.level = math.max(0, level - math.max(0, now - at) * limit)
  end
  return self
end

function gcra:save(key)
  if self.level == 0 then
    redis.call('DEL', key)
  else
    keep(key, struct.pack('<dd', now, self.level), self:reset())
  end
end

function gcra:lacks(need)
  local over = self.level + need * self.span - self.burst * self.span
  if over > 0 then return math.ceil(over / self.limit) end
end

function gcra:free() return math.max(0, self.burst - math.ceil(self.level / self.span)) end
function gcra:reset() return math.ceil(self.level / self.limit) end

function gcra:take(amount)
  self.level = self.level + amount * self.span
  return now + self:reset()
end

-- Only what has not flowed off comes back.
function gcra:back(mark, amount)
  local there = math.min(self.level, math.max(0, mark - now) * self.limit)
  self.level = self.level - math.min(amount * self.span, there)
end

-- What goes on at the same time: for each replica its name, how much it holds, and when it was heard of.
local ENTRY = '<c16dd'
local ENTRY_BYTES = 32

local count = {}
count.__index = count
cells.c = count

function count.load(text, limit, lifetime)
  local self = setmetatable({limit = limit, lifetime = lifetime, used = 0, entries = {}}, count)
  for at = 1, text and #text or 0, ENTRY_BYTES do
    local replica, held, heard = struct.unpack(ENTRY, text, at)
    heard = math.min(heard, now)
    if now - heard <= lifetime then
      self.entries[replica] = {held = held, heard = heard}
      self.used = self.used + held
    end
  end
  return self
end

function count:save(key)
  local texts = {}
  for replica, entry in pairs(self.entries) do
    if entry.held > 0 then
      texts[#texts + 1] = struct.pack(ENTRY, replica, entry.held, entry.heard)
    end
  end
  if #texts == 0 then
    redis.call('DEL', key)
  else
    keep(key, table.concat(texts), self.lifetime)
  end
end

-- Nobody knows when what goes on will end: after a second.
function count:lacks(need)
  if self.used + need > self.limit then return 1000000 end
end

function count:free() return math.max(0, self.limit - self.used) end
function count:reset() return 0 end

function count:entry(replica)
  local entry = self.entries[replica]
  if not entry then
    entry = {held = 0, heard = now}
    self.entries[replica] = entry
  end
  return entry
end

function count:take(amount, replica)
  local entry = self:entry(replica)
  entry.heard = now
  self:hold(entry, entry.held + amount)
  return 0
end

function count:back(_, amount, replica)
  local entry = self.entries[replica]
  if entry then self:hold(entry, math.max(0, entry.held - amount)) end
end

function count:hold(entry, held)
  self.used = self.used - entry.held + held
  entry.held = held
end

-- Loads the cells of all keys, whose terms stand in groups of so many arguments after the first.
local function load_all(stride)
  local loaded = {}
  local texts = #KEYS > 0 and redis.call('MGET', unpack(KEYS)) or {}
  for i, key in ipairs(KEYS) do
    if not loaded[key] then
      local at = 2 + (i - 1) * stride
      loaded[key] = cells[ARGV[at]].load(
        texts[i], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]))
    end
  end
  return loaded
end
