/**
 * One slot of a container.
 *
 * @module cell
 */

import { causeGroup } from './causes.js';
import { el, setAttribute } from './dom.js';

/** How long a changed slot stays highlighted, in milliseconds. */
const FLASH = 1_200;

/** Highlighted slots, in the order in which their highlights end. All of them share one timer. */
const flashing = new Map();
let sweeping = false;

/** A grid cell. The style sheet shows the count from `data-count`. Updates only what has changed. */
export class Cell {
  #items;
  #stack = null;
  #wear = el('span', { class: 'wear', 'aria-hidden': 'true' });

  /**
   * @param {import('./items.js').Items} items
   * @param {{inventory: string, container: string, slot: number, column: number}} place
   */
  constructor(items, { inventory, container, slot, column }) {
    this.#items = items;
    this.slot = slot;
    this.element = el('div', {
      class: 'slot',
      role: 'gridcell',
      tabindex: '-1',
      'aria-colindex': column + 1,
      'data-inventory': inventory,
      'data-container': container,
      'data-slot': slot,
    });
  }

  /**
   * Shows `stack`.
   *
   * @param {import('./world-state.js').Stack | undefined} stack
   * @param {{selected: boolean, match: ((item: string) => boolean) | null, force?: boolean}} look Items for which
   *   `match` returns `false` are faded. `force` redraws even if the stack is the same.
   */
  paint(stack, { selected, match, force = false }) {
    const { element } = this;
    if (stack !== this.#stack || force) {
      const old = this.#stack;
      this.#stack = stack;
      if (stack?.item !== old?.item || force) {
        element.replaceChildren(...(stack ? [this.#items.picture(stack.item), this.#wear] : []));
      }
      setAttribute(element, 'data-item', stack?.item);
      setAttribute(element, 'data-count', stack?.count);
      this.#wear.hidden = !stack?.wear;
      if (stack?.wear) {
        const left = 1 - this.#items.wearPart(stack.item, stack.wear);
        this.#wear.style.setProperty('--left', left.toFixed(3));
        setAttribute(this.#wear, 'data-level', left < 0.25 ? 'low' : left < 0.5 ? 'half' : 'good');
      }
    }
    element.classList.toggle('selected', selected);
    element.classList.toggle('has-data', Boolean(stack?.data));
    element.classList.toggle('faded', Boolean(match && !(stack && match(stack.item))));
    setAttribute(element, 'aria-label', this.#words(selected));
  }

  #words(selected) {
    const parts = [this.#stack ? this.#items.words(this.#stack) : 'empty'];
    if (this.#stack?.wear) parts.push(`wear ${this.#stack.wear}`);
    if (this.#stack?.data) parts.push('has data');
    if (selected) parts.push('selected');
    return `Slot ${this.slot}: ${parts.join(', ')}`;
  }

  /** Highlights the slot briefly, in the color of the cause. */
  flash(cause) {
    this.element.dataset.flash = causeGroup(cause);
    flashing.delete(this.element);
    flashing.set(this.element, performance.now() + FLASH);
    if (sweeping) return;
    sweeping = true;
    setTimeout(sweep, FLASH);
  }
}

function sweep() {
  const now = performance.now();
  for (const [element, end] of flashing) {
    if (end > now) break;
    flashing.delete(element);
    delete element.dataset.flash;
  }
  sweeping = flashing.size > 0;
  if (sweeping) setTimeout(sweep, 100);
}
