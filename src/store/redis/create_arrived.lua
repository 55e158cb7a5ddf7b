-- Creates the record of an inventory that comes from another world.
-- KEYS: owner, full state, arriving
-- ARGV: field, the expected entry of its arrival, entry of the owner, record
if redis.call('HGET', KEYS[3], ARGV[1]) == ARGV[2] and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
end
return 0
