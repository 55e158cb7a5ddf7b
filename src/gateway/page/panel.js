/**
 * A panel with all inventories of one player, or with one inventory without an owner. Its contents are in the document
 * only while the panel is near the visible part of the page.
 *
 * @module panel
 */

import { el, setAttribute, setText, shortId } from './dom.js';
import { InventoryView } from './inventory-view.js';
import { COLUMNS, LARGE } from './grid.js';

/** Height of a container's name, including its margins, in pixels. */
const CONTAINER_TITLE = 30;
/** Height of a panel without its contents, in pixels. */
const HEAD = 50;

/**
 * @typedef {object} Group The contents of a panel.
 * @property {string} key
 * @property {string | undefined} owner
 * @property {string} main Id of the inventory that names the group.
 * @property {string} title
 * @property {string[]} ids The main inventory first.
 * @property {string} signature Changes if the headings change.
 */

/** Shows a group of inventories. */
export class Panel {
  #context;
  #heading = el('h3');
  #facts = el('p', { class: 'facts' });
  #buttons = el('div', { class: 'panel-buttons' });
  #body = el('div', { class: 'panel-body' });
  #views = new Map();
  #server = el('span', { class: 'badge', hidden: true });
  #match = null;
  #signature = '';
  group = null;
  mounted = false;

  /** @param {import('./inventory-view.js').Context} context */
  constructor(context) {
    this.#context = context;
    const head = el('header', { class: 'panel-head' }, this.#heading, this.#facts, this.#buttons);
    this.element = el('article', { class: 'panel' }, head, this.#body);
  }

  /** @param {Group} group */
  setGroup(group) {
    const changed = group.signature !== this.#signature;
    this.group = group;
    if (!changed) return;
    this.#signature = group.signature;
    const { owner, main, title } = group;
    setText(this.#heading, title);
    setAttribute(this.element, 'data-panel', main);
    setAttribute(this.element, 'aria-label', title);
    this.element.classList.toggle('several', group.ids.length > 1);
    this.#facts.replaceChildren(
      ...(owner ? [el('span', { text: owner === 'local' ? 'host' : owner })] : []),
      ...(title === main ? [] : [el('code', { text: main, title: main })]),
      this.#server,
    );
    const about = owner ? { player: main, title } : { inventory: main, title };
    this.#buttons.replaceChildren(this.#timelineButton(about));
    if (this.mounted) this.#build();
  }

  /** Shows which server owns the inventory. */
  setServer(name) {
    this.#server.hidden = !name;
    setText(this.#server, name ?? '');
  }

  /** Adds the contents to the document. */
  mount() {
    if (this.mounted) return;
    this.mounted = true;
    this.#build();
  }

  /** Removes the contents from the document, but keeps their height. */
  unmount() {
    if (!this.mounted || this.element.contains(document.activeElement)) return;
    this.#body.style.height = `${this.#body.offsetHeight}px`;
    this.mounted = false;
    this.#drop();
    this.#body.replaceChildren();
  }

  /** Reserves the estimated height of the contents. */
  reserve(width) {
    if (this.mounted) return;
    let height = 0;
    let large = false;
    for (const id of this.group.ids) {
      for (const { size } of this.#context.world.state.inventories.get(id)?.containers.values() ?? []) {
        large ||= size >= LARGE;
        height += CONTAINER_TITLE + (size >= LARGE ? 420 : Math.ceil(size / COLUMNS) * (width / COLUMNS));
      }
    }
    this.element.classList.toggle('wide', large);
    this.#body.style.height = `${Math.round(height)}px`;
    this.element.style.containIntrinsicBlockSize = `auto ${Math.round(height) + HEAD}px`;
  }

  /** Shows the current state. */
  show() {
    if (!this.mounted) return;
    for (const view of this.#views.values()) view.show();
  }

  /** Shows one changed slot. */
  change(change) {
    this.#views.get(change.inventory)?.change(change);
  }

  /** Fades slots that do not match. */
  filter(match) {
    this.#match = match;
    for (const view of this.#views.values()) view.filter(match);
  }

  /** Redraws everything. */
  redraw() {
    for (const view of this.#views.values()) view.redraw();
  }

  /** Removes the panel and releases its resources. */
  close() {
    this.#drop();
    this.element.remove();
  }

  #build() {
    this.#drop();
    const { ids, main, title } = this.group;
    const parts = ids.map((id) => {
      const name = this.#context.world.state.inventories.get(id)?.name ?? shortId(id);
      const view = new InventoryView(this.#context, id, ids.length > 1 ? `${title}, ${name}` : title);
      view.filter(this.#match);
      this.#views.set(id, view);
      if (ids.length === 1) return view.element;
      if (id === main && name === title) return el('section', { class: 'sub', 'aria-label': name }, view.element);
      const head = el('div', { class: 'sub-head' },
        el('h4', { text: name }), el('code', { text: id, title: id }),
        this.#timelineButton({ inventory: id, title: name }));
      return el('section', { class: 'sub', 'aria-label': name }, head, view.element);
    });
    this.#body.replaceChildren(...parts);
    this.#body.style.height = '';
    this.show();
  }

  #drop() {
    for (const view of this.#views.values()) view.close();
    this.#views.clear();
  }

  #timelineButton(about) {
    return el('button', {
      type: 'button',
      class: 'small',
      'aria-label': `Timeline of ${about.title}`,
      text: 'Timeline',
      on: { click: () => this.#context.openTimeline(about) },
    });
  }
}
