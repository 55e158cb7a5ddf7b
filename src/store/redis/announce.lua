-- Announces inventories to a world. Returns whether there is such a world.
-- KEYS: arriving, format
-- ARGV: for each inventory: field, world that it leaves, fence
if redis.call('EXISTS', KEYS[2]) == 0 then
  return 0
end
for at = 1, #ARGV, 3 do
  local there = redis.call('HGET', KEYS[1], ARGV[at])
  local fence = there and tonumber(string.match(there, ' (%d+)$')) or 0
  if fence < tonumber(ARGV[at + 2]) then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1] .. ' ' .. ARGV[at + 2])
  end
end
return 1
