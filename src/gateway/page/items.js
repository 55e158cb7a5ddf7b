/**
 * The item catalog: names, icons, and labels for items without an icon.
 *
 * @module items
 */

import { el } from './dom.js';

/** The items of the game. An item that is not in the catalog is shown by its key. */
export class Items {
  #items = new Map();
  #icons;
  /** Highest wear seen of each item, for items whose limit is not known. */
  #wear = new Map();

  /** @param {import('./icons.js').Icons} icons */
  constructor(icons) {
    this.#icons = icons;
  }

  /** Sets the items from a response of `/items`. */
  set(answer) {
    this.#items = new Map(answer.items.map((item) => [item.key, item]));
    this.#icons.forget();
  }

  /** Returns `true` if the game has an item with this key. */
  has(key) {
    return this.#items.has(key);
  }

  /** Returns the display name. */
  name(key) {
    return this.#items.get(key)?.name || key;
  }

  /** Returns the name and the key in lower case, for searching. */
  text(key) {
    return `${this.name(key)} ${key}`.toLowerCase();
  }

  /** Returns the maximum stack size, if known. */
  maxStack(key) {
    return this.#items.get(key)?.max_stack;
  }

  /** Wear as a part of the limit, or of the most worn one so far. */
  wearPart(key, wear) {
    const limit = this.#items.get(key)?.max_wear ?? Math.max(wear, this.#wear.get(key) ?? 0);
    this.#wear.set(key, limit);
    return limit > 0 ? Math.min(1, wear / limit) : 0;
  }

  /** Returns a description of a stack, such as `12 Oak log`. */
  words({ item, count }) {
    return `${count} ${this.name(item)}`;
  }

  /** Creates the icon, or a short label on a color derived from the key. Hidden from screen readers. */
  picture(key) {
    const path = this.#items.get(key)?.icon;
    return isLocal(path) ? this.#icons.picture(path, () => this.#label(key)) : this.#label(key);
  }

  #label(key) {
    const lines = shortLabel(this.name(key)).map((line) => el('span', { 'data-text': line }));
    const label = el('span', { class: 'label', 'aria-hidden': 'true' }, ...lines);
    label.style.setProperty('--hue', hue(key));
    return label;
  }
}

/** Returns the first letters of the first two words: `Heali` and `potio` for `Healing potion`. */
function shortLabel(name) {
  return name.split(/[\s_:/.-]+/).filter(Boolean).slice(0, 2).map((word) => [...word].slice(0, 5).join(''));
}

/** Returns a stable hue for a key, in degrees. */
function hue(key) {
  let hash = 2166136261;
  for (const char of key) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  return (hash >>> 0) % 360;
}

/** Icons are loaded only from this server. */
const isLocal = (source) => typeof source === 'string' && /^\/(?![/\\])/.test(source);
