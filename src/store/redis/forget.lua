-- Removes the record of an inventory that has left for another world.
-- KEYS: owner, full state
-- ARGV: field, fence, world it has left for
local there = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local fence, to = string.match(there, '^(%d+) %d+ l (.*)$')
if fence == ARGV[2] and to == ARGV[3] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return 0
