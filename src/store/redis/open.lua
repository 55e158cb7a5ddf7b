-- Registers a process of a game server. Returns 'open', its number, the last tick of that server, and 1 if the
-- append-only file is on. Returns 'later format' or 'evicts', with the value that was found, if the store cannot be used.
-- KEYS: servers, heartbeat, ticks, format
-- ARGV: name of the server, milliseconds until the heartbeat expires, format
local format = redis.call('GET', KEYS[4])
if format and tonumber(format) > tonumber(ARGV[3]) then
  return {'later format', format}
end
local info = redis.call('INFO', 'memory')
local policy = string.match(info, 'maxmemory_policy:(%S+)')
if policy ~= 'noeviction' then
  return {'evicts', policy or 'unknown'}
end
local number = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('SET', KEYS[2], number, 'PX', ARGV[2])
redis.call('SET', KEYS[4], ARGV[3])
local appends = string.match(redis.call('INFO', 'persistence'), 'aof_enabled:(%d)')
return {'open', tostring(number), redis.call('HGET', KEYS[3], ARGV[1]) or '0', appends or '0'}
