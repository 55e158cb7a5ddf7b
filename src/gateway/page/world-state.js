/**
 * The state of the world that one reader sees, and the pure functions that create it from server responses.
 *
 * States are immutable. {@link applyEvent} returns a new state that shares unchanged parts with the old one. An invalid
 * event therefore never leaves a partially applied state, and states can be compared with `===` at every level. Ids
 * come from the game, so they are used as keys of a `Map`, never of an object.
 *
 * @module world-state
 */

/**
 * @typedef {object} Stack
 * @property {string} item
 * @property {number} count
 * @property {number} [wear]
 * @property {{type: string, value: unknown}} [data]
 *
 * @typedef {object} Container
 * @property {number} size
 * @property {Map<number, Stack>} slots Only occupied slots.
 *
 * @typedef {object} Inventory
 * @property {string} id
 * @property {string} [name]
 * @property {string} [owner]
 * @property {number} [selected]
 * @property {Map<string, Container>} containers
 *
 * @typedef {object} WorldState
 * @property {string} epoch Changes when the server restarts.
 * @property {number} tick
 * @property {number} time Milliseconds since the Unix epoch.
 * @property {string} scope `spectator`, `player` or `operator`.
 * @property {Map<string, Inventory>} inventories
 * @property {Map<string, Map<string, unknown>>} views Public views, by inventory and name. A reader may see views
 *   of inventories whose contents it does not see.
 */

/** Thrown for invalid input. The reader should request `/world/init` again. */
export class BadInput extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'BadInput';
  }
}

/** Thrown for an event of a different epoch. The reader should request `/world/init` again. */
export class OtherEpoch extends Error {
  /** @param {string} epoch */
  constructor(epoch) {
    super(`the event is of epoch ${epoch}`);
    this.name = 'OtherEpoch';
  }
}

/**
 * Returns the state in a response of `/world/init`.
 *
 * @param {unknown} init The parsed JSON.
 * @param {ReadonlySet<string>} [only] Inventories to keep. All if omitted.
 * @returns {WorldState}
 * @throws {BadInput}
 */
export function applyInit(init, only) {
  const from = object(init, 'init');
  const inventories = new Map();
  for (const each of list(from.inventories, 'inventories')) {
    const inventory = readInventory(each);
    if (wanted(only, inventory.id)) inventories.set(inventory.id, inventory);
  }
  const state = {
    epoch: string(from.epoch, 'epoch'),
    tick: natural(from.tick, 'tick'),
    time: number(from.time, 'time'),
    scope: string(from.scope, 'scope'),
    inventories,
    views: new Map(),
  };
  applyViews(state, list(from.views, 'views'), only);
  return state;
}

/**
 * Returns the state after a tick event, or `state` itself if it already includes the event.
 *
 * @param {WorldState} state Not changed.
 * @param {unknown} event The parsed JSON of a `tick` event, or one of the snapshots.
 * @param {ReadonlySet<string>} [only] Inventories to keep. All if omitted.
 * @returns {WorldState}
 * @throws {BadInput | OtherEpoch}
 */
export function applyEvent(state, event, only) {
  const from = object(event, 'event');
  const epoch = string(from.epoch, 'epoch');
  if (epoch !== state.epoch) throw new OtherEpoch(epoch);
  const tick = natural(from.tick, 'tick');
  const time = number(from.time, 'time');
  if (tick <= state.tick) return state;

  const inventories = from.replace === true ? new Map() : new Map(state.inventories);
  const views = from.replace === true ? new Map() : state.views;
  const next = { ...state, tick, time, inventories, views };
  for (const id of list(from.removed, 'removed')) inventories.delete(string(id, 'removed'));
  for (const each of list(from.inventories, 'inventories')) {
    const inventory = readInventory(each);
    if (wanted(only, inventory.id)) inventories.set(inventory.id, inventory);
  }
  applySlots(inventories, list(from.slots, 'slots'));
  for (const each of list(from.selected, 'selected')) {
    const { inventory: id, selected } = object(each, 'selected');
    const inventory = inventories.get(string(id, 'inventory'));
    const slot = optional(selected, natural, 'selected');
    if (inventory) inventories.set(inventory.id, { ...inventory, selected: slot });
  }
  applyViews(next, list(from.views, 'views'), only);
  return next;
}

function applySlots(inventories, changes) {
  /** Containers already copied for this event. Each is copied only once. */
  const copied = new Set();
  for (const each of changes) {
    const change = object(each, 'slot change');
    const id = string(change.inventory, 'inventory');
    const name = string(change.container, 'container');
    const slot = natural(change.slot, 'slot');
    const stack = optional(change.new, readStack, 'new');
    let inventory = inventories.get(id);
    if (!inventory) continue;
    let container = inventory.containers.get(name);
    if (!container) throw new BadInput(`inventory ${id} has no container ${name}`);
    if (slot >= container.size) throw new BadInput(`slot ${slot} is outside of ${name} of inventory ${id}`);
    if (!copied.has(container)) {
      container = { ...container, slots: new Map(container.slots) };
      inventory = { ...inventory, containers: new Map(inventory.containers).set(name, container) };
      inventories.set(id, inventory);
      copied.add(container);
    }
    if (stack) container.slots.set(slot, stack);
    else container.slots.delete(slot);
  }
}

function applyViews(next, changes, only) {
  if (changes.length === 0) return;
  const views = new Map(next.views);
  const copied = new Set();
  for (const each of changes) {
    const change = object(each, 'view');
    const id = string(change.inventory, 'inventory');
    const name = string(change.view, 'view');
    if (!wanted(only, id)) continue;
    if (!copied.has(id)) views.set(id, new Map(views.get(id)));
    copied.add(id);
    if (change.removed === true) views.get(id).delete(name);
    else views.get(id).set(name, change.value);
  }
  for (const id of copied) if (views.get(id).size === 0) views.delete(id);
  next.views = views;
}

function readInventory(value) {
  const from = object(value, 'inventory');
  const containers = new Map();
  for (const each of list(from.containers, 'containers')) {
    const { name, size, slots } = object(each, 'container');
    const container = { size: natural(size, 'size'), slots: new Map() };
    for (const occupied of list(slots, 'slots')) {
      const slot = natural(object(occupied, 'slot').slot, 'slot');
      if (slot >= container.size) throw new BadInput(`slot ${slot} is outside of ${name}`);
      container.slots.set(slot, readStack(occupied));
    }
    containers.set(string(name, 'container'), container);
  }
  return {
    id: string(from.id, 'id'),
    name: optional(from.name || null, string, 'name'),
    owner: optional(from.owner || null, string, 'owner'),
    selected: optional(from.selected, natural, 'selected'),
    containers,
  };
}

function readStack(value) {
  const from = object(value, 'stack');
  const stack = { item: string(from.item, 'item'), count: natural(from.count, 'count') };
  if (stack.count === 0) throw new BadInput('a stack is empty');
  const wear = optional(from.wear, natural, 'wear');
  if (wear !== undefined) stack.wear = wear;
  if (from.data !== null && from.data !== undefined) {
    const { type, value: data } = object(from.data, 'data');
    stack.data = { type: string(type, 'type'), value: data };
  }
  return stack;
}

const wanted = (only, id) => only === undefined || only.has(id);

function object(value, what) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadInput(`${what}: not an object`);
  return value;
}

function list(value, what) {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new BadInput(`${what}: not a list`);
  return value;
}

function string(value, what) {
  if (typeof value !== 'string' || value === '') throw new BadInput(`${what}: not a non-empty string`);
  return value;
}

function number(value, what) {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new BadInput(`${what}: not a number`);
  return value;
}

function natural(value, what) {
  if (!Number.isSafeInteger(value) || value < 0) throw new BadInput(`${what}: not a non-negative integer`);
  return value;
}

function optional(value, read, what) {
  return value === null || value === undefined ? undefined : read(value, what);
}
