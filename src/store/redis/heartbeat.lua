-- Shows that a process of a game server is alive. Returns the last tick.
-- KEYS: servers, heartbeat, latest tick
-- ARGV: name of the server, its number, milliseconds until the heartbeat expires
local number = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if number > tonumber(ARGV[2]) then
  return {'replaced'}
end
-- It is lower, or missing, if Redis has lost what it acknowledged.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {number == tonumber(ARGV[2]) and 'alive' or 'lost', redis.call('GET', KEYS[3]) or '0'}
