-- Makes a process of a game server the owner of an inventory.
-- KEYS: owner, full state, servers, heartbeat of the server that is expected to own it, arriving
-- ARGV: field of the inventory, name of the server, its number, the expected entry of the owner or '',
--       1 to create it if there is no record, its fence in another world or -1
if redis.call('HGET', KEYS[3], ARGV[2]) ~= ARGV[3] then
  return {'replaced'}
end
local there = redis.call('HGET', KEYS[1], ARGV[1])
local fence, version = '0', '0'
if there then
  local state, name
  fence, version, state, name = string.match(there, '^(%d+) (%d+) (%l) ?(.*)$')
  if not fence then
    return {'unreadable', there}
  end
  if state == 'd' then
    return {'deleted'}
  end
  -- A record that was never committed contains nothing. One with a lower fence has left, or is about to be replaced.
  local arrival = tonumber(string.match(redis.call('HGET', KEYS[5], ARGV[1]) or '', ' (%d+)$') or -1)
  local seen = math.max(tonumber(ARGV[6]), arrival)
  if seen >= 0 and (version == '0' or tonumber(fence) < seen) then
    return {'stale'}
  end
  if state == 'l' then
    return {'elsewhere', name}
  end
  if state == 'o' and string.match(name, '^(.*)#') ~= ARGV[2] then
    -- KEYS[4] is the heartbeat of this owner only if the caller passed this entry as the expected one.
    if there ~= ARGV[4] or redis.call('EXISTS', KEYS[4]) == 1 then
      return {'owned', there}
    end
  end
elseif ARGV[5] ~= '1' then
  return {'none'}
end
local claimed = tonumber(fence) + 1
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s o %s#%s', claimed, version, ARGV[2], ARGV[3]))
local record = redis.call('HGET', KEYS[2], ARGV[1]) or ''
return {'claimed', tostring(claimed), version, record, redis.call('HGET', KEYS[5], ARGV[1]) or ''}
