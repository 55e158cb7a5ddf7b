-- Shows that a process of a game server is alive. Returns the last tick that it has committed.
-- KEYS: servers, heartbeat, ticks
-- ARGV: name of the server, its number, milliseconds until the heartbeat expires
local number = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if number > tonumber(ARGV[2]) then
  return {'replaced'}
end
-- The stored number is lower or missing if Redis has lost acknowledged writes.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {number == tonumber(ARGV[2]) and 'alive' or 'lost', redis.call('HGET', KEYS[3], ARGV[1]) or '0'}
