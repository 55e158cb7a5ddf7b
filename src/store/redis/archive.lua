-- Writes copies of inventories that Redis has lost, or has in an older version.
-- KEYS: owner, full state
-- ARGV: for each inventory: field, fence, version, record or '' if it was deleted
for at = 1, #ARGV, 4 do
  local field, fence, version, record = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local there = redis.call('HGET', KEYS[1], field)
  local v, state
  if there then
    v, state = string.match(there, '^%d+ (%d+) (%l)')
  end
  if not there or (state == 'r' and tonumber(v) < tonumber(version)) then
    local deleted = record == ''
    redis.call('HSET', KEYS[1], field, fence .. ' ' .. version .. (deleted and ' d' or ' r'))
    if deleted then
      redis.call('HDEL', KEYS[2], field)
    else
      redis.call('HSET', KEYS[2], field, record)
    end
  end
end
return 0
