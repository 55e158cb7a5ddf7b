/**
 * Collects what the server reports until the browser draws the next frame, and remembers the last change of each slot.
 *
 * @module world
 */

/** Slots whose last change is remembered. */
const REMEMBERED = 20_000;
/** Changes that are handed on per frame for lists. Older ones of the same frame are dropped. */
const LISTED = 200;

/**
 * @typedef {object} Change A changed slot.
 * @property {string} inventory
 * @property {string} container
 * @property {number} slot
 * @property {object | null} old
 * @property {object | null} new
 * @property {string} cause
 * @property {string} [actor] Id of an inventory of the player.
 * @property {number} tick
 * @property {number} time
 *
 * @typedef {object} Frame What changed since the last frame.
 * @property {import('./world-state.js').WorldState} state
 * @property {boolean} all Anything may have changed.
 * @property {Set<string>} inventories Ids of inventories that appeared, disappeared or were replaced, or whose selected slot
 *   or views changed.
 * @property {Map<string, Change>} slots The last change of each changed slot.
 * @property {Change[]} changes All changes, the oldest first.
 */

/** The key of a slot in maps. */
const slotKey = (inventory, container, slot) => `${inventory} ${slot} ${container}`;

/** What is known before the first contact. */
const NOTHING = Object.freeze({ epoch: '', tick: 0, time: 0, scope: '', inventories: new Map(), views: new Map() });

/** Hands changes on, once per frame. */
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

  /** Takes a new state, and the event that led to it. */
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

  /** Forgets everything, for another reader. */
  clear() {
    this.take(NOTHING, null);
  }

  /** The last change of a slot that this page saw. */
  lastChange(inventory, container, slot) {
    return this.#last.get(slotKey(inventory, container, slot));
  }

  /** The name of an inventory or, if it has none, the owner or the id. */
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
