/**
 * A container as a grid of slots. Tab reaches one slot, and the arrow keys reach the others. A large container scrolls,
 * and only its visible rows are in the document.
 *
 * @module grid
 */

import { Cell } from './cell.js';
import { el, setAttribute } from './dom.js';

/** Maximum number of columns of a container that is not large. */
export const COLUMNS = 9;
/** A container with at least this number of slots is as wide as the page and scrolls. */
export const LARGE = 200;
/** Width and height of a slot in a large container, in pixels. */
const LARGE_SLOT = 42;
/** Number of additional rows rendered above and below the visible rows. */
const SPARE = 4;
/** Number of rows that Page Up and Page Down move by. */
const PAGE = 5;

/** Shows one container of one inventory. */
export class Grid {
  #items;
  #inventory;
  #name;
  #columns = 0;
  #size = 0;
  #slots = new Map();
  #selected;
  #match = null;
  #active = 0;
  /** Rows in the document, by index, with their elements and cells. */
  #rows = new Map();
  #observer = null;

  /**
   * @param {object} options
   * @param {import('./items.js').Items} options.items
   * @param {string} options.inventory Id.
   * @param {string} options.name Name of the container.
   * @param {string} options.label For screen readers.
   * @param {(slot: number) => void} options.onOpen Called for a click, Enter or Space on a slot.
   */
  constructor({ items, inventory, name, label, onOpen }) {
    this.#items = items;
    this.#inventory = inventory;
    this.#name = name;
    this.grid = el('div', { class: 'grid', role: 'grid', 'aria-label': label, 'aria-readonly': 'true' });
    this.element = el('div', { class: 'viewport' }, this.grid);
    this.grid.addEventListener('keydown', (event) => this.#key(event, onOpen));
    this.grid.addEventListener('click', (event) => {
      const cell = event.target.closest('.slot');
      if (!cell) return;
      this.#activate(Number(cell.dataset.slot));
      onOpen(this.#active);
    });
    this.grid.addEventListener('focusin', (event) => {
      const cell = event.target.closest('.slot');
      if (cell) this.#activate(Number(cell.dataset.slot));
    });
  }

  /**
   * Shows the current state of a container. Cells with the same stack are not redrawn.
   *
   * @param {import('./world-state.js').Container} container
   * @param {number | undefined} selected
   */
  show(container, selected) {
    this.#slots = container.slots;
    this.#selected = selected;
    if (container.size !== this.#size) this.#resize(container.size);
    this.#paint();
  }

  /**
   * Shows one changed slot.
   *
   * @param {import('./world-state.js').Container} container
   * @param {number} slot
   * @param {string} cause
   */
  change(container, slot, cause) {
    this.#slots = container.slots;
    const cell = this.#cell(slot);
    if (!cell) return;
    this.#paintCell(cell);
    cell.flash(cause);
  }

  /** Fades slots whose item does not match. `null` fades none. */
  filter(match) {
    if (match === this.#match) return;
    this.#match = match;
    this.#paint();
  }

  /** Redraws everything after names or icons have changed. */
  redraw() {
    this.#paint(true);
  }

  /** Moves the focus to a slot and scrolls to it. */
  focus(slot) {
    this.#activate(Math.min(slot, this.#size - 1));
    const row = Math.floor(this.#active / this.#columns);
    if (this.#large && !this.#inSight(row)) {
      const { scrollTop, clientHeight } = this.element;
      const top = row * LARGE_SLOT;
      this.element.scrollTop = top < scrollTop ? top : top + LARGE_SLOT - clientHeight;
    }
    this.#render();
    this.#cell(this.#active)?.element.focus({ preventScroll: this.#large });
    if (this.#large) this.element.scrollIntoView({ block: 'nearest' });
  }

  /** Releases the resources of the grid. */
  close() {
    this.#observer?.disconnect();
  }

  get #large() {
    return this.#size >= LARGE;
  }

  #resize(size) {
    const focused = this.grid.contains(document.activeElement);
    this.#size = size;
    this.#active = Math.min(this.#active, Math.max(0, size - 1));
    this.element.classList.toggle('large', this.#large);
    if (this.#large && !this.#observer) {
      this.#observer = new ResizeObserver(() => this.#layOut());
      this.#observer.observe(this.element);
      this.element.addEventListener('scroll', () => this.#render(), { passive: true });
    }
    this.#columns = 0;
    this.#layOut();
    if (focused) this.focus(this.#active);
  }

  #layOut() {
    const fitting = Math.floor(this.element.clientWidth / LARGE_SLOT) || COLUMNS;
    const columns = Math.max(1, Math.min(this.#size, this.#large ? fitting : COLUMNS));
    if (columns === this.#columns) return this.#render();
    const focused = this.grid.contains(document.activeElement);
    this.#columns = columns;
    const rows = Math.ceil(this.#size / columns);
    this.grid.replaceChildren();
    this.#rows.clear();
    setAttribute(this.grid, 'aria-rowcount', rows);
    setAttribute(this.grid, 'aria-colcount', columns);
    this.grid.style.setProperty('--columns', columns);
    this.grid.style.height = this.#large ? `${rows * LARGE_SLOT}px` : '';
    this.#render();
    if (focused) this.focus(this.#active);
    return undefined;
  }

  #inSight(row) {
    const { scrollTop, clientHeight } = this.element;
    return row * LARGE_SLOT >= scrollTop && (row + 1) * LARGE_SLOT <= scrollTop + clientHeight;
  }

  /** Adds missing visible rows and removes the others. The row with the active slot is always kept. */
  #render() {
    const last = Math.ceil(this.#size / this.#columns) - 1;
    let [from, to] = [0, last];
    if (this.#large) {
      const { scrollTop, clientHeight } = this.element;
      from = Math.max(0, Math.floor(scrollTop / LARGE_SLOT) - SPARE);
      to = Math.min(last, Math.ceil((scrollTop + clientHeight) / LARGE_SLOT) + SPARE);
    }
    const active = Math.floor(this.#active / this.#columns);
    for (const [row, { element }] of this.#rows) {
      if ((row >= from && row <= to) || row === active) continue;
      element.remove();
      this.#rows.delete(row);
    }
    if (active <= last && active >= 0) this.#addRow(active);
    for (let row = from; row <= to; row += 1) this.#addRow(row);
  }

  #addRow(row) {
    if (this.#rows.has(row)) return;
    const cells = [];
    const first = row * this.#columns;
    for (let column = 0; column < this.#columns && first + column < this.#size; column += 1) {
      const place = { inventory: this.#inventory, container: this.#name, slot: first + column, column };
      const cell = new Cell(this.#items, place);
      this.#paintCell(cell);
      cells.push(cell);
    }
    const element = el('div', { class: 'line', role: 'row', 'aria-rowindex': row + 1 }, ...cells.map((cell) => cell.element));
    if (this.#large) element.style.top = `${row * LARGE_SLOT}px`;
    this.#rows.set(row, { element, cells });
    let next = null;
    if (this.#large) {
      next = [...this.grid.children].find((other) => Number(other.getAttribute('aria-rowindex')) > row + 1) ?? null;
    }
    this.grid.insertBefore(element, next);
    const active = cells[this.#active - first];
    if (active) active.element.tabIndex = 0;
  }

  #cell(slot) {
    return this.#rows.get(Math.floor(slot / this.#columns))?.cells[slot % this.#columns];
  }

  #paint(force = false) {
    for (const { cells } of this.#rows.values()) for (const cell of cells) this.#paintCell(cell, force);
  }

  #paintCell(cell, force = false) {
    const selected = cell.slot === this.#selected;
    cell.paint(this.#slots.get(cell.slot), { selected, match: this.#match, force });
  }

  #activate(slot) {
    const old = this.#cell(this.#active);
    if (old) old.element.tabIndex = -1;
    this.#active = slot;
    const cell = this.#cell(slot);
    if (cell) cell.element.tabIndex = 0;
  }

  #key(event, onOpen) {
    if (event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onOpen(this.#active);
      return;
    }
    const target = this.#target(event);
    if (target === null) return;
    event.preventDefault();
    if (target >= 0 && target < this.#size) this.focus(target);
  }

  #target({ key, ctrlKey }) {
    const columns = this.#columns;
    const at = this.#active;
    const start = at - (at % columns);
    const steps = Math.floor(at / columns);
    const below = Math.floor((this.#size - 1 - (at % columns)) / columns) - steps;
    if (ctrlKey) {
      if (key === 'Home') return 0;
      return key === 'End' ? this.#size - 1 : null;
    }
    switch (key) {
      case 'ArrowLeft': return at % columns === 0 ? -1 : at - 1;
      case 'ArrowRight': return at % columns === columns - 1 ? -1 : at + 1;
      case 'ArrowUp': return at - columns;
      case 'ArrowDown': return at + columns;
      case 'Home': return start;
      case 'End': return Math.min(start + columns, this.#size) - 1;
      case 'PageUp': return at - columns * Math.min(PAGE, steps);
      case 'PageDown': return at + columns * Math.min(PAGE, below);
      default: return null;
    }
  }
}
