-- Creates the record of an inventory that comes from another world.
-- KEYS: owner, full state, arriving
-- ARGV: field, the expected entry of its arrival, entry of the owner, record
local there = redis.call('HGET', KEYS[1], ARGV[1])
local is_free = not there
if there then
  -- A record that was never committed, or that is older than the departure.
  local fence, version, state = string.match(there, '^(%d+) (%d+) (%l)')
  local arriving = tonumber(string.match(ARGV[3], '^%d+'))
  is_free = (state == 'o' or state == 'r') and (version == '0' or tonumber(fence) < arriving)
end
if redis.call('HGET', KEYS[3], ARGV[1]) == ARGV[2] and is_free then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
end
return 0
