/**
 * One inventory: its containers and its public views.
 *
 * @module inventory-view
 */

import { el, json, setText } from './dom.js';
import { COLUMNS, Grid, LARGE } from './grid.js';

/** Narrowest container, in slots, so that its name fits. */
const NARROWEST = 3;

/**
 * @typedef {object} Context What the parts of the page share.
 * @property {import('./items.js').Items} items
 * @property {import('./world.js').World} world
 * @property {(inventory: string, container: string, slot: number) => void} openSlot
 * @property {(about: {player?: string, inventory?: string, title: string}) => void} openTimeline
 */

/** Shows one inventory. */
export class InventoryView {
  #context;
  #id;
  #label;
  #grids = new Map();
  #containers = el('div', { class: 'containers' });
  #views = el('dl', { class: 'views', hidden: true });
  #shownViews;
  #match = null;

  /**
   * @param {Context} context
   * @param {string} id
   * @param {string} label What to call it in labels.
   */
  constructor(context, id, label) {
    this.#context = context;
    this.#id = id;
    this.#label = label;
    this.element = el('div', { class: 'inventory', 'data-inventory-view': id }, this.#containers, this.#views);
  }

  /** Shows the inventory as it is now. Call it when the element is in the document. */
  show() {
    const { state } = this.#context.world;
    const inventory = state.inventories.get(this.#id);
    const containers = inventory?.containers ?? new Map();
    const names = [...containers.keys()];
    if (names.join('\n') !== [...this.#grids.keys()].join('\n')) this.#build(names);
    for (const [name, container] of containers) {
      const { grid, box, used } = this.#grids.get(name);
      const large = container.size >= LARGE;
      box.classList.toggle('wide', large);
      if (!large) {
        box.style.setProperty('--share', Math.max(NARROWEST, Math.min(COLUMNS, container.size)) / COLUMNS);
        box.style.setProperty('--filled', Math.min(1, container.size / NARROWEST));
      }
      grid.filter(this.#match);
      grid.show(container, name === 'hotbar' ? inventory.selected : undefined);
      setText(used, `${container.slots.size}/${container.size}`);
    }
    this.#showViews(state.views.get(this.#id));
  }

  /** Shows one changed slot. */
  change({ container: name, slot, cause }) {
    const container = this.#context.world.state.inventories.get(this.#id)?.containers.get(name);
    const shown = this.#grids.get(name);
    if (!container || !shown) return;
    shown.grid.change(container, slot, cause);
    setText(shown.used, `${container.slots.size}/${container.size}`);
  }

  /** Fades what does not match. */
  filter(match) {
    this.#match = match;
    for (const { grid } of this.#grids.values()) grid.filter(match);
  }

  /** Draws everything again. */
  redraw() {
    for (const { grid } of this.#grids.values()) grid.redraw();
    this.#drawViews(this.#shownViews);
  }

  /** Ends the use of the view. */
  close() {
    for (const { grid } of this.#grids.values()) grid.close();
  }

  #build(names) {
    this.close();
    this.#grids.clear();
    for (const name of names) {
      const grid = new Grid({
        items: this.#context.items,
        inventory: this.#id,
        name,
        label: `${this.#label}, ${name}`,
        onOpen: (slot) => this.#context.openSlot(this.#id, name, slot),
      });
      const used = el('span', { class: 'number' });
      const title = el('p', { class: 'container-name' }, el('span', { text: name }), used);
      this.#grids.set(name, { grid, used, box: el('div', { class: 'container' }, title, grid.element) });
    }
    this.#containers.replaceChildren(...[...this.#grids.values()].map(({ box }) => box));
  }

  #showViews(views) {
    if (views === this.#shownViews) return;
    this.#shownViews = views;
    this.#drawViews(views);
  }

  #drawViews(views) {
    const rows = [...(views ?? [])].flatMap(([name, value]) => [el('dt', { text: name }), this.#view(value)]);
    this.#views.replaceChildren(...rows);
    this.#views.hidden = rows.length === 0;
  }

  /** A view with an item in it is shown as that item, and any other as JSON. */
  #view(value) {
    const { items } = this.#context;
    if (value === null) return el('dd', { class: 'dim', text: 'nothing' });
    const isKey = typeof value === 'string' && items.has(value);
    const key = isKey ? value : value.item;
    if (typeof key !== 'string') return el('dd', {}, el('code', { text: json(value, 300) }));
    const text = value.count > 1 ? items.words(value) : items.name(key);
    return el('dd', {}, el('span', { class: 'chip-icon' }, items.picture(key)), text);
  }
}
