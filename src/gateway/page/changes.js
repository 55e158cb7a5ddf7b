/**
 * Slot changes as list rows, for the feed and for timelines.
 *
 * @module changes
 */

import { causeGroup, causeText } from './causes.js';
import { byId, dateTime, el, setAttribute, setText, time } from './dom.js';

/** Maximum number of rows in the feed. */
const ROWS = 60;

/**
 * Returns a description of the change, such as `+3 Oak log (12 → 15)`.
 *
 * @param {{old: object | null, new: object | null}} change
 * @param {import('./items.js').Items} items
 */
function changeWords({ old, new: now }, items) {
  if (!old && !now) return 'no change';
  if (!old) return `+${items.words(now)}`;
  if (!now) return `−${items.words(old)}`;
  if (old.item !== now.item) return `${items.words(old)} → ${items.words(now)}`;
  const difference = now.count - old.count;
  const name = items.name(now.item);
  if (difference !== 0) return `${difference > 0 ? '+' : '−'}${Math.abs(difference)} ${name} (${old.count} → ${now.count})`;
  if (old.wear !== now.wear) return `${name}: wear ${old.wear ?? 0} → ${now.wear ?? 0}`;
  return `${name}: data changed`;
}

/**
 * Creates a row for a list of changes.
 *
 * @param {import('./world.js').Change} change
 * @param {import('./inventory-view.js').Context} context
 * @param {{long?: boolean}} [look] `long` adds the date and the tick.
 */
export function changeRow(change, { items, world }, { long = false } = {}) {
  const actor = change.actor && change.actor !== change.inventory ? ` by ${world.nameOf(change.actor)}` : '';
  const where = `${world.nameOf(change.inventory)} · ${change.container} ${change.slot}`;
  const when = long ? `${dateTime(change.time)} · tick ${change.tick}` : time(change.time);
  return el('li', { 'data-cause': causeGroup(change.cause) },
    el('span', { class: 'what', text: changeWords(change, items) }),
    el('span', { class: 'where', text: where }),
    el('span', { class: 'why', text: `${causeText(change.cause)}${actor}` }),
    el('time', { datetime: isoTime(change.time), text: when }));
}

function isoTime(ms) {
  const when = new Date(ms);
  return Number.isNaN(when.getTime()) ? null : when.toISOString();
}

/** The list of the latest changes, newest first. */
export class Feed {
  #context;
  #list = byId('feed');
  #button = byId('feed-pause');
  #waiting = [];
  #paused = false;

  /** @param {import('./inventory-view.js').Context} context */
  constructor(context) {
    this.#context = context;
    this.#list.append(el('li', { class: 'none', text: 'No changes yet.' }));
    this.#button.addEventListener('click', () => {
      this.#paused = !this.#paused;
      setAttribute(this.#button, 'aria-pressed', String(this.#paused));
      setText(this.#button, this.#paused ? 'Paused' : 'Pause');
      this.add([]);
    });
  }

  /** Adds changes, oldest first. */
  add(changes) {
    this.#waiting.push(...changes);
    if (this.#waiting.length > ROWS) this.#waiting.splice(0, this.#waiting.length - ROWS);
    if (this.#paused || this.#waiting.length === 0) return;
    this.#list.querySelector('.none')?.remove();
    this.#list.prepend(...this.#waiting.reverse().map((change) => changeRow(change, this.#context)));
    this.#waiting = [];
    while (this.#list.childElementCount > ROWS) this.#list.lastElementChild.remove();
  }

  /** Removes all changes. */
  clear() {
    this.#waiting = [];
    this.#list.replaceChildren(el('li', { class: 'none', text: 'No changes yet.' }));
  }
}
