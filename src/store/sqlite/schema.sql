-- The tables of a store of inventories. Tools may read the file at any time, also while a game server uses it.

-- One row for each inventory that was ever stored.
CREATE TABLE inventories (
  id INTEGER PRIMARY KEY,           -- bits of the id, as a signed number
  name TEXT NOT NULL,               -- the id as it is printed in logs
  selected INTEGER,                 -- index of the selected slot
  version INTEGER NOT NULL,         -- number of commits
  tick INTEGER NOT NULL,            -- the last tick in the last commit
  owner TEXT,                       -- name of the game server that may change it
  fence INTEGER NOT NULL,           -- number of claims
  deleted INTEGER NOT NULL,         -- 1 if it was deleted
  checksum INTEGER                  -- of everything that is stored of it. Set it to NULL after an edit by hand.
) STRICT;

CREATE TABLE containers (
  inventory INTEGER NOT NULL REFERENCES inventories (id),
  position INTEGER NOT NULL,        -- order of the containers
  name TEXT NOT NULL,
  len INTEGER NOT NULL,             -- number of slots
  PRIMARY KEY (inventory, position)
) STRICT, WITHOUT ROWID;

-- One row for each filled slot. Stacks that wait to be returned to an inventory have the container '' there.
CREATE TABLE slots (
  inventory INTEGER NOT NULL REFERENCES inventories (id),
  container TEXT NOT NULL,
  kept INTEGER NOT NULL,            -- 0; or the number of a stack that the game cannot place, such as an unknown item
  slot INTEGER NOT NULL,
  item TEXT NOT NULL,               -- key of the item
  count INTEGER NOT NULL,
  wear INTEGER NOT NULL,
  data_type TEXT,                   -- type of the instance data
  data BLOB,                        -- instance data, as serialized by the game
  PRIMARY KEY (inventory, container, kept, slot)
) STRICT, WITHOUT ROWID;

-- Components of the game, such as health.
CREATE TABLE components (
  inventory INTEGER NOT NULL REFERENCES inventories (id),
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (inventory, name)
) STRICT, WITHOUT ROWID;

-- What was changed in which tick. Rows are deleted after some time.
CREATE TABLE history (
  number INTEGER PRIMARY KEY,       -- order of the changes
  tick INTEGER NOT NULL,
  time INTEGER NOT NULL,            -- when it was committed, in milliseconds since 1970
  inventory INTEGER NOT NULL,       -- bits of the id
  container TEXT NOT NULL,          -- '' for stacks that wait to be returned
  slot INTEGER NOT NULL,
  cause TEXT NOT NULL,              -- 'acted' if a player did it
  actor INTEGER,                    -- bits of the id of the inventory of that player
  old_item TEXT,                    -- contents before; NULL for an empty slot
  old_count INTEGER,
  old_wear INTEGER,
  old_data_type TEXT,
  old_data BLOB,
  new_item TEXT,                    -- contents after
  new_count INTEGER,
  new_wear INTEGER,
  new_data_type TEXT,
  new_data BLOB,
  checksum INTEGER                  -- of the row. Set it to NULL after an edit by hand.
) STRICT;

CREATE INDEX history_by_tick ON history (tick);
CREATE INDEX history_by_inventory ON history (inventory, tick);
CREATE INDEX history_by_actor ON history (actor, tick) WHERE actor IS NOT NULL;
CREATE INDEX history_by_old_item ON history (old_item, tick) WHERE old_item IS NOT NULL;
CREATE INDEX history_by_new_item ON history (new_item, tick) WHERE new_item IS NOT NULL;

-- Notes of the game. Rows are deleted after some time.
CREATE TABLE notes (
  number INTEGER PRIMARY KEY,       -- order of the notes
  tick INTEGER NOT NULL,
  time INTEGER NOT NULL,
  inventory INTEGER NOT NULL,
  note TEXT NOT NULL,
  checksum INTEGER                  -- of the row. Set it to NULL after an edit by hand.
) STRICT;

CREATE INDEX notes_by_tick ON notes (tick);

-- Ticks of which there is no history, because the store had failed for too long.
CREATE TABLE gaps (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT;

-- Numbers of the store. Besides those below: 'batch', the number of the last commit, and 'history', the first tick in the
-- history.
CREATE TABLE world (
  key TEXT PRIMARY KEY,             -- 'tick': the last tick that was committed. 'ids': a checksum of the ids of all
                                    -- inventories. Delete that row after adding or removing inventories by hand.
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO world VALUES ('ids', 0);

-- Which items have come and gone, where, when and why.
CREATE VIEW item_history AS
  SELECT tick, datetime(time / 1000, 'unixepoch') AS at, item, net, cause,
    (SELECT name FROM inventories WHERE id = inventory) AS inventory,
    (SELECT name FROM inventories WHERE id = actor) AS actor, container, slot
  FROM (
    SELECT number, tick, time, inventory, container, slot, cause, actor, new_item AS item,
      new_count - CASE WHEN old_item = new_item THEN old_count ELSE 0 END AS net
    FROM history WHERE new_item IS NOT NULL
    UNION ALL
    SELECT number, tick, time, inventory, container, slot, cause, actor, old_item, -old_count
    FROM history WHERE old_item IS NOT NULL AND old_item IS NOT new_item
  )
  WHERE net <> 0
  ORDER BY number;

-- Who has how many of what.
CREATE VIEW who_has AS
  SELECT slots.item, inventories.name AS inventory, slots.container, slots.slot, slots.count, slots.wear
  FROM slots JOIN inventories ON inventories.id = slots.inventory
  WHERE NOT inventories.deleted;
