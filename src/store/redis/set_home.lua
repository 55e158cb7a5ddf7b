-- Records in which world an inventory is. Returns its home.
-- KEYS: home
-- ARGV: world, fence
local there = redis.call('GET', KEYS[1])
local fence = there and tonumber(string.match(there, ' (%d+)$')) or 0
if fence <= tonumber(ARGV[2]) then
  there = ARGV[1] .. ' ' .. ARGV[2]
  redis.call('SET', KEYS[1], there)
end
return there
