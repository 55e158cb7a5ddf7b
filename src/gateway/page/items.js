/**
 * The catalogue of items: names, icons, and labels for items without an icon.
 *
 * @module items
 */

import { el } from './dom.js';

/** Knows the items of the game. Items that are not in the catalogue are shown by their key. */
export class Items {
  #items = new Map();
  #icons;
  /** Highest wear seen of each item, for items whose limit is not known. */
  #wear = new Map();

  /** @param {import('./icons.js').Icons} icons */
  constructor(icons) {
    this.#icons = icons;
  }

  /** Takes the answer of `/items`. */
  set(answer) {
    this.#items = new Map(answer.items.map((item) => [item.key, item]));
    this.#icons.forget();
  }

  /** Name for people. */
  name(key) {
    return this.#items.get(key)?.name || key;
  }

  /** Name and key in lower case, for searching. */
  text(key) {
    return `${this.name(key)} ${key}`.toLowerCase();
  }

  /** Largest stack, if known. */
  maxStack(key) {
    return this.#items.get(key)?.max_stack;
  }

  /** Wear as a part of the limit, or of the most worn one so far. */
  wearPart(key, wear) {
    const limit = this.#items.get(key)?.max_wear ?? Math.max(wear, this.#wear.get(key) ?? 0);
    this.#wear.set(key, limit);
    return limit > 0 ? Math.min(1, wear / limit) : 0;
  }

  /** A stack in words, such as `12 Oak log`. */
  words({ item, count }) {
    return `${count} ${this.name(item)}`;
  }

  /** The icon, or a short label on a color that depends on the key. It is not exposed to screen readers. */
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

/** The first letters of the first two words: `Healing potion` is `Heali` and `potio`. */
function shortLabel(name) {
  return name.split(/[\s_:/.-]+/).filter(Boolean).slice(0, 2).map((word) => [...word].slice(0, 5).join(''));
}

/** A hue that is the same everywhere. */
function hue(key) {
  let hash = 2166136261;
  for (const char of key) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  return (hash >>> 0) % 360;
}

/** Icons come from this server only. */
const isLocal = (source) => typeof source === 'string' && /^\/(?![/\\])/.test(source);
