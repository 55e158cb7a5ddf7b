-- Ends claims.
-- KEYS: owner
-- ARGV: owner with its number; for each inventory: field, fence
for at = 2, #ARGV, 2 do
  local there = redis.call('HGET', KEYS[1], ARGV[at])
  local fence, version, state, owner = string.match(there or '', '^(%d+) (%d+) (%l) ?(.*)$')
  if state == 'o' and owner == ARGV[1] and tonumber(fence) <= tonumber(ARGV[at + 1]) then
    redis.call('HSET', KEYS[1], ARGV[at], fence .. ' ' .. version .. ' r')
  end
end
return 0
