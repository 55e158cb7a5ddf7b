-- Commits a batch. Returns 1 if Redis has lost an earlier commit of this server, and a list of what was rejected: index of
-- the union, field of an inventory, reason, version.
-- KEYS: owner, full state, latest tick, servers, ticks, batches, snapshot, snapshots, history from, tickets
-- ARGV: name of the server, its number, tick, the last tick it has committed, number of the batch, its first tick,
--       milliseconds for which the history is kept, the gap in the history or '',
--       number of unions; for each union: number of writes, number of tickets, its history or '';
--       for each write: field, fence or 0 for a new inventory, version, 's' to save, 'd' to delete or 'l' to leave,
--       record, the world it leaves for; for each ticket: index of its key, seconds, value
local owner = ARGV[1] .. '#' .. ARGV[2]
-- A batch that is sent again has the same result.
local this = ARGV[2] .. ' ' .. ARGV[5] .. ' '
local last = redis.call('HGET', KEYS[6], ARGV[1]) or ''
if ARGV[5] ~= '0' and string.sub(last, 1, #this) == this then
  return {0, cjson.decode(string.sub(last, #this + 1))}
end
local is_current = redis.call('HGET', KEYS[4], ARGV[1]) == ARGV[2]

-- Returns nil if a write is allowed, or a reason and the stored version.
local function check(field, fence, version)
  local there = redis.call('HGET', KEYS[1], field)
  if not there then
    if fence == 0 then return nil end
    return 'rolled back', '0'
  end
  local f, v, state, name = string.match(there, '^(%d+) (%d+) (%l) ?(.*)$')
  if not f then return 'unreadable', '0' end
  local there_fence, there_version = tonumber(f), tonumber(v)
  if state == 'd' then return 'deleted', v end
  if state == 'l' then return 'moved', v end
  if fence == 0 then return 'superseded', v end
  if there_fence < fence then return 'rolled back', v end
  if there_fence > fence or name ~= owner then return 'not owned', v end
  if there_version >= version then return 'superseded', v end
  if there_version + 1 < version then return 'rolled back', v end
  return nil
end

local lost = tonumber(redis.call('HGET', KEYS[5], ARGV[1]) or 0) < tonumber(ARGV[4]) and 1 or 0
local rejected = {}
local at = 10
local keeps = is_current and tonumber(ARGV[7]) > 0
local histories = {}
for union = 0, tonumber(ARGV[9]) - 1 do
  local first, writes, tickets = at + 3, tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local history = ARGV[at + 2]
  local last = first + 6 * writes
  at = last + 3 * tickets
  local reason, stored, where
  for w = first, last - 1, 6 do
    where = ARGV[w]
    if is_current then
      local fence, version = tonumber(ARGV[w + 1]), tonumber(ARGV[w + 2])
      reason, stored = check(where, fence, version)
    else
      reason, stored = 'not owned', '0'
    end
    if reason then break end
  end
  if reason then
    rejected[#rejected + 1] = {tostring(union), where, reason, stored}
  else
    histories[#histories + 1] = history
    for w = first, last - 1, 6 do
      local fence = math.max(tonumber(ARGV[w + 1]), 1)
      local entry = string.format('%d %s', fence, ARGV[w + 2])
      if ARGV[w + 3] == 's' then
        redis.call('HSET', KEYS[1], ARGV[w], entry .. ' o ' .. owner)
        redis.call('HSET', KEYS[2], ARGV[w], ARGV[w + 4])
      elseif ARGV[w + 3] == 'l' then
        entry = string.format('%d %s l %s', fence + 1, ARGV[w + 2], ARGV[w + 5])
        redis.call('HSET', KEYS[1], ARGV[w], entry)
        redis.call('HSET', KEYS[2], ARGV[w], ARGV[w + 4])
      else
        redis.call('HSET', KEYS[1], ARGV[w], entry .. ' d')
        redis.call('HDEL', KEYS[2], ARGV[w])
      end
    end
    for t = last, at - 1, 3 do
      redis.call('SET', KEYS[9 + tonumber(ARGV[t])], ARGV[t + 2], 'EX', ARGV[t + 1])
    end
  end
end
if tonumber(ARGV[3]) > tonumber(redis.call('GET', KEYS[3]) or 0) then
  redis.call('SET', KEYS[3], ARGV[3])
end
local histories, snapshot = table.concat(histories), owner .. ' ' .. ARGV[5]
if keeps and histories ~= '' then redis.call('HSET', KEYS[7], snapshot, histories) end
if keeps and ARGV[8] ~= '' then redis.call('HSET', KEYS[7], snapshot .. ' gap', ARGV[8]) end
if keeps and (histories ~= '' or ARGV[8] ~= '') then
  redis.call('PEXPIRE', KEYS[7], ARGV[7])
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local ends = now + tonumber(ARGV[7])
  redis.call('ZADD', KEYS[8], ARGV[3], string.format('%s %s %.0f', ARGV[6], ARGV[3], ends))
  -- Up to four expired entries are removed per commit, so that they do not pile up.
  for _, entry in ipairs(redis.call('ZRANGE', KEYS[8], 0, 3)) do
    local to, ends = string.match(entry, '^%d+ (%d+) (%d+)$')
    if to and tonumber(ends) > now then break end
    redis.call('ZREM', KEYS[8], entry)
    if to and tonumber(to) >= tonumber(redis.call('GET', KEYS[9]) or 0) then
      redis.call('SET', KEYS[9], string.format('%.0f', tonumber(to) + 1))
    end
  end
end
if is_current then
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[3])
  redis.call('HSET', KEYS[6], ARGV[1], this .. cjson.encode(rejected))
end
return {lost, rejected}
