-- Reads an inventory: the entry of its owner, and its record.
-- KEYS: owner, full state
-- ARGV: field of the inventory
return {redis.call('HGET', KEYS[1], ARGV[1]) or '', redis.call('HGET', KEYS[2], ARGV[1]) or ''}
