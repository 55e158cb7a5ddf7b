/**
 * Collects changes until the browser draws the next frame, and stores the last change of each slot.
 *
 * @module world
 */

/** Maximum number of slots whose last change is stored. */
const REMEMBERED = 20_000;
/** Number of changes per frame that are always listed. Older changes of the same frame may be dropped. */
const LISTED = 200;

/**
 * @typedef {object} Change A changed slot.
 * @property {string} inventory
 * @property {string} container
 * @property {number} slot
 * @property {object | null} old
 * @property {object | null} new
 * @property {string} cause
 * @property {string} [actor] Id of an inventory of the player who caused it.
 * @property {number} tick
 * @property {number} time
 *
 * @typedef {object} Frame The changes since the last frame.
 * @property {import('./world-state.js').WorldState} state
 * @property {boolean} all Whether anything may have changed.
 * @property {Set<string>} inventories Ids of inventories that were added, removed or replaced, or whose
 *   selected slot or views changed.
 * @property {Map<string, Change>} slots The last change of each changed slot.
 * @property {Change[]} changes The latest changes, oldest first.
 */

/** Returns the map key of a slot. */
const slotKey = (inventory, container, slot) => `${inventory} ${slot} ${container}`;

/** The state before the first response. */
const NOTHING = Object.freeze({ epoch: '', tick: 0, time: 0, scope: '', inventories: new Map(), views: new Map() });

/** Passes changes to listeners, once per frame. */
export class World {
  #state = NOTHING;
  #pending = blank();
  #scheduled = false;
  #listeners = [];
  #last = new Map();

  /** @returns {import('./world-state.js').WorldState} */
  get state() {
    return this.#state;
  }

  /** @param {(frame: Frame) => void} listener */
  onFrame(listener) {
    this.#listeners.push(listener);
  }

  /** Takes a new state and the event that caused it. */
  take(state, event) {
    this.#state = state;
    const pending = this.#pending;
    if (!event) {
      this.#last.clear();
      Object.assign(pending, blank(), { all: true });
    } else {
      if (event.replace) pending.all = true;
      for (const id of event.removed ?? []) pending.inventories.add(id);
      for (const { id } of event.inventories ?? []) pending.inventories.add(id);
      for (const { inventory } of event.selected ?? []) pending.inventories.add(inventory);
      for (const { inventory } of event.views ?? []) pending.inventories.add(inventory);
      for (const slot of event.slots ?? []) this.#change({ ...slot, tick: event.tick, time: event.time });
    }
    this.#schedule();
  }

  /** Clears the state. */
  clear() {
    this.take(NOTHING, null);
  }

  /** Returns the last change of a slot since the page was opened. */
  lastChange(inventory, container, slot) {
    return this.#last.get(slotKey(inventory, container, slot));
  }

  /** Returns the name of an inventory. If it has none, returns its owner or its id. */
  nameOf(id) {
    const inventory = this.#state.inventories.get(id);
    return inventory?.name ?? inventory?.owner ?? id;
  }

  #change(change) {
    if (!this.#state.inventories.has(change.inventory)) return;
    const { slots, changes } = this.#pending;
    const key = slotKey(change.inventory, change.container, change.slot);
    slots.set(key, change);
    changes.push(change);
    if (changes.length > 2 * LISTED) changes.splice(0, LISTED);
    this.#last.delete(key);
    this.#last.set(key, change);
    if (this.#last.size > REMEMBERED) this.#last.delete(this.#last.keys().next().value);
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#scheduled = false;
    const frame = { state: this.#state, ...this.#pending };
    this.#pending = blank();
    for (const listener of this.#listeners) listener(frame);
  }
}

function blank() {
  return { all: false, inventories: new Set(), slots: new Map(), changes: [] };
}
