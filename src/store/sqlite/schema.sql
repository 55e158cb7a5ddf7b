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

CREATE TABLE world (
  key TEXT PRIMARY KEY,             -- 'tick': the last tick that was committed. 'ids': a checksum of the ids of all
                                    -- inventories. Delete that row after adding or removing inventories by hand.
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO world VALUES ('ids', 0);

-- Who has how many of what.
CREATE VIEW who_has AS
  SELECT slots.item, inventories.name AS inventory, slots.container, slots.slot, slots.count, slots.wear
  FROM slots JOIN inventories ON inventories.id = slots.inventory
  WHERE NOT inventories.deleted;
