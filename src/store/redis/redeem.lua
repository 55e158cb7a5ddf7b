-- Uses up a ticket. Returns whether it was still there.
-- KEYS: ticket
-- ARGV: the expected value of the key
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
