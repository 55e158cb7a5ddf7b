-- Commits a batch. Returns a list of what was rejected: index of the union, field of an inventory, reason, version.
-- KEYS: owner, full state, latest tick, servers
-- ARGV: name of the server, its number, tick, number of unions; for each union: number of writes;
--       for each write: field, fence or 0 for a new inventory, version, 's' to save or 'd' to delete, record
local owner = ARGV[1] .. '#' .. ARGV[2]
local is_current = redis.call('HGET', KEYS[4], ARGV[1]) == ARGV[2]

-- Returns nil if a write is allowed, 'done' if it was carried out before, or a reason and the stored version.
local function check(field, fence, version, kind, record)
  local there = redis.call('HGET', KEYS[1], field)
  if not there then
    if fence == 0 then return nil end
    return 'rolled back', '0'
  end
  local f, v, state, name = string.match(there, '^(%d+) (%d+) (%l) ?(.*)$')
  if not f then return 'unreadable', '0' end
  local there_fence, there_version = tonumber(f), tonumber(v)
  local same = there_version == version and there_fence == math.max(fence, 1)
  if state == 'd' then
    if same and kind == 'd' then return 'done' end
    return 'deleted', v
  end
  if same and name == owner and kind == 's' and redis.call('HGET', KEYS[2], field) == record then
    return 'done'
  end
  if fence == 0 then return 'superseded', v end
  if there_fence < fence then return 'rolled back', v end
  if there_fence > fence or name ~= owner then return 'not owned', v end
  if there_version >= version then return 'superseded', v end
  if there_version + 1 < version then return 'rolled back', v end
  return nil
end

local rejected = {}
local at = 5
for union = 0, tonumber(ARGV[4]) - 1 do
  local first, writes = at + 1, tonumber(ARGV[at])
  at = first + 5 * writes
  local done = {}
  local reason, stored, where
  for w = first, at - 1, 5 do
    where = ARGV[w]
    if is_current then
      reason, stored = check(where, tonumber(ARGV[w + 1]), tonumber(ARGV[w + 2]), ARGV[w + 3], ARGV[w + 4])
    else
      reason, stored = 'not owned', '0'
    end
    if reason == 'done' then
      done[w], reason = true, nil
    end
    if reason then break end
  end
  if reason then
    rejected[#rejected + 1] = {tostring(union), where, reason, stored}
  else
    for w = first, at - 1, 5 do
      local fence = string.format('%d', math.max(tonumber(ARGV[w + 1]), 1))
      if done[w] then
        -- An earlier attempt has written it.
      elseif ARGV[w + 3] == 's' then
        redis.call('HSET', KEYS[1], ARGV[w], fence .. ' ' .. ARGV[w + 2] .. ' o ' .. owner)
        redis.call('HSET', KEYS[2], ARGV[w], ARGV[w + 4])
      else
        redis.call('HSET', KEYS[1], ARGV[w], fence .. ' ' .. ARGV[w + 2] .. ' d')
        redis.call('HDEL', KEYS[2], ARGV[w])
      end
    end
  end
end
if tonumber(ARGV[3]) > tonumber(redis.call('GET', KEYS[3]) or 0) then
  redis.call('SET', KEYS[3], ARGV[3])
end
return rejected
