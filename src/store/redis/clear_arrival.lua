-- Removes the announcement of an inventory.
-- KEYS: arriving
-- ARGV: field, the expected entry
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0
