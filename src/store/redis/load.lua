-- Reads what a world has of an inventory: the entry of its owner, its record, and the entry of its arrival.
-- KEYS: owner, full state, arriving
-- ARGV: field of the inventory
local result = {}
for at, key in ipairs(KEYS) do
  result[at] = redis.call('HGET', key, ARGV[1]) or ''
end
return result
