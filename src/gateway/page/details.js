/**
 * The dialog for one slot. It is updated while it is open.
 *
 * @module details
 */

import { causeGroup, causeText } from './causes.js';
import { byId, dateTime, el, json, whole } from './dom.js';

/** Shows the details of a slot. */
export class Details {
  #context;
  #dialog = byId('details');
  #place = null;
  #shown = {};

  /** @param {import('./inventory-view.js').Context} context */
  constructor(context) {
    this.#context = context;
    this.#dialog.addEventListener('close', () => {
      this.#place = null;
    });
  }

  /** Opens the dialog. */
  open(inventory, container, slot) {
    this.#place = { inventory, container, slot };
    this.#shown = {};
    this.update();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** Shows the current state of the slot. */
  update() {
    if (!this.#place) return;
    const { world, items } = this.#context;
    const { inventory, container, slot } = this.#place;
    const stack = world.state.inventories.get(inventory)?.containers.get(container)?.slots.get(slot);
    const change = world.lastChange(inventory, container, slot);
    if (stack === this.#shown.stack && change === this.#shown.change && this.#dialog.open) return;
    this.#shown = { stack, change };
    const owner = world.nameOf(inventory);
    const facts = el('dl', { class: 'facts-list' });
    const fact = (name, ...value) => facts.append(el('dt', { text: name }), el('dd', {}, ...value));
    if (stack) {
      const most = items.maxStack(stack.item);
      fact('Key', el('code', { text: stack.item }));
      fact('Count', most ? `${whole(stack.count)} of ${whole(most)}` : whole(stack.count));
      fact('Wear', stack.wear ? whole(stack.wear) : 'none');
    }
    fact('Place', `${owner}, ${container}, slot ${slot}`);
    fact('Inventory', el('code', { text: inventory }));
    fact('Last change', ...this.#change(change));
    const title = stack ? items.name(stack.item) : 'Empty slot';
    const picture = el('span', { class: 'big-icon' });
    if (stack) picture.append(items.picture(stack.item));
    const focused = this.#dialog.contains(document.activeElement) ? document.activeElement.value : null;
    const button = (value, text, click) => el('button', { type: 'button', value, text, on: { click } });
    const buttons = [
      button('timeline', 'Inventory timeline', () => this.#context.openTimeline({ inventory, title: owner })),
      button('close', 'Close', () => this.#dialog.close()),
    ];
    this.#dialog.replaceChildren(
      el('div', { class: 'dialog-head' }, picture, el('h2', { id: 'details-title', text: title })),
      facts,
      ...(stack?.data ? [
        el('h3', { text: `Data: ${stack.data.type}` }),
        el('pre', { tabindex: '0', 'aria-label': 'Data as JSON', text: json(stack.data.value) }),
      ] : []),
      el('p', { class: 'dialog-buttons' }, ...buttons),
    );
    if (focused !== null) (buttons.find(({ value }) => value === focused) ?? buttons[1]).focus();
  }

  #change(change) {
    if (!change) return ['none since the page was opened'];
    const swatch = el('span', { class: 'swatch', 'data-cause': causeGroup(change.cause), 'aria-hidden': 'true' });
    const by = change.actor ? ` by ${this.#context.world.nameOf(change.actor)}` : '';
    return [swatch, `${causeText(change.cause)}${by}, tick ${change.tick}, ${dateTime(change.time)}`];
  }
}
