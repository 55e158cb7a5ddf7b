/**
 * The panels of all inventories, with players first, and the search.
 *
 * @module panels
 */

import { byId, plural, setText, whole } from './dom.js';
import { LARGE } from './grid.js';
import { Panel } from './panel.js';
import { itemMatcher, look, words } from './search.js';

const order = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
/** How far outside of the visible part panels keep their contents. */
const MARGIN = '800px';

/** Keeps the panels in sync with the world. */
export class Panels {
  #context;
  #panels = new Map();
  /** The panel of each inventory. */
  #byId = new Map();
  /** The values that determine the order and the headings, by inventory. */
  #signatures = new Map();
  #observer;
  #query = [];
  #matcher;
  #owners = new Map();

  /** @param {import('./inventory-view.js').Context} context */
  constructor(context) {
    this.#context = context;
    this.#matcher = this.#newMatcher();
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) target.panel?.mount();
        else target.panel?.unmount();
      }
    }, { rootMargin: MARGIN });
  }

  /** Shows the changes of a frame. @param {import('./world.js').Frame} frame */
  update({ state, all, inventories, slots }) {
    if (all || this.#regrouped(state, inventories)) this.#regroup(state);
    const changed = new Set();
    if (all) {
      for (const panel of this.#panels.values()) changed.add(panel);
    } else {
      for (const id of inventories) changed.add(this.#byId.get(id));
    }
    for (const panel of changed) panel?.show();
    for (const change of slots.values()) {
      const panel = this.#byId.get(change.inventory);
      panel?.change(change);
      changed.add(panel);
    }
    changed.delete(undefined);
    if (this.#query.length > 0) this.#filter(changed);
    else if (all) this.#count();
  }

  /** Shows only matching panels. Returns the number of inventories in them. */
  search(text) {
    this.#query = words(text);
    this.#matcher = this.#newMatcher();
    this.#filter(this.#panels.values());
    let shown = 0;
    for (const { element, group } of this.#panels.values()) if (!element.hidden) shown += group.ids.length;
    return shown;
  }

  /** Redraws all slots after names or icons have changed. */
  redraw() {
    this.#matcher = this.#newMatcher();
    for (const panel of this.#panels.values()) panel.redraw();
    this.#filter(this.#panels.values());
  }

  /** Shows which server owns each inventory. @param {Map<string, string>} owners */
  setServers(owners) {
    this.#owners = owners;
    for (const panel of this.#panels.values()) panel.setServer(owners.get(panel.group.main));
  }

  #newMatcher() {
    return itemMatcher((item) => this.#context.items.text(item));
  }

  #regrouped(state, inventories) {
    for (const id of inventories) if (signature(state, id) !== this.#signatures.get(id)) return true;
    return false;
  }

  #regroup(state) {
    const ids = new Set([...state.inventories.keys(), ...state.views.keys()]);
    this.#signatures = new Map([...ids].map((id) => [id, signature(state, id)]));
    const groups = groupsOf(state, ids);
    const wanted = new Set(groups.map(({ key }) => key));
    for (const [key, panel] of this.#panels) {
      if (wanted.has(key)) continue;
      this.#observer.unobserve(panel.element);
      panel.close();
      this.#panels.delete(key);
    }
    this.#byId.clear();
    const width = Math.min(400, document.documentElement.clientWidth) - 40;
    const lists = { players: [], others: [] };
    for (const group of groups) {
      let panel = this.#panels.get(group.key);
      const isNew = !panel;
      if (isNew) {
        panel = new Panel(this.#context);
        panel.element.panel = panel;
        this.#panels.set(group.key, panel);
      }
      panel.setGroup(group);
      panel.setServer(this.#owners.get(group.main));
      panel.reserve(width);
      for (const id of group.ids) this.#byId.set(id, panel);
      lists[group.owner ? 'players' : 'others'].push(panel.element);
      if (isNew) this.#observer.observe(panel.element);
    }
    arrange(byId('players'), lists.players);
    arrange(byId('others'), lists.others);
    this.#filter(this.#panels.values());
  }

  #filter(panels) {
    for (const panel of panels) {
      const { title, owner, ids } = panel.group;
      const text = `${title} ${owner ?? ''} ${ids.map((id) => `${id} ${this.#name(id)}`).join(' ')}`.toLowerCase();
      const { shown, match } = look(this.#query, text, () => this.#itemsOf(ids), this.#matcher);
      if (panel.element.hidden === shown) panel.element.hidden = !shown;
      panel.filter(match);
    }
    this.#count();
  }

  #name(id) {
    return this.#context.world.state.inventories.get(id)?.name ?? '';
  }

  *#itemsOf(ids) {
    for (const id of ids) {
      const containers = this.#context.world.state.inventories.get(id)?.containers.values() ?? [];
      for (const { slots } of containers) for (const { item } of slots.values()) yield item;
    }
  }

  #count() {
    const shown = { players: 0, others: 0 };
    const total = { players: 0, others: 0 };
    let slots = 0;
    for (const { element, group } of this.#panels.values()) {
      const list = group.owner ? 'players' : 'others';
      total[list] += 1;
      if (!element.hidden) shown[list] += 1;
    }
    for (const { containers } of this.#context.world.state.inventories.values()) {
      for (const { size } of containers.values()) slots += size;
    }
    for (const list of ['players', 'others']) {
      const text = shown[list] === total[list] ? whole(total[list]) : `${whole(shown[list])} of ${whole(total[list])}`;
      setText(byId(`${list}-count`), text);
      byId(list).parentElement.hidden = shown[list] === 0;
    }
    const title = total.players > 0 ? 'Other inventories' : 'Inventories';
    setText(byId('others-word'), title);
    const inventories = plural(this.#byId.size, 'inventory', 'inventories');
    setText(byId('matches'), slots > 0 ? `${inventories}, ${plural(slots, 'slot')}` : inventories);
    const empty = byId('empty');
    empty.hidden = shown.players + shown.others > 0 || this.#context.world.state.epoch === '';
    setText(empty, this.#query.length > 0 ? 'No matching inventories.' : 'No visible inventories.');
  }
}

function signature(state, id) {
  const inventory = state.inventories.get(id);
  if (!inventory) return state.views.has(id) ? 'views' : undefined;
  const { owner = '', name = '', selected, containers } = inventory;
  const large = [...containers.values()].some(({ size }) => size >= LARGE);
  return `${owner}\n${name}\n${selected !== undefined}\n${large}`;
}

/** Groups inventories by owner and sorts the groups by name. Large inventories come last. */
function groupsOf(state, ids) {
  const groups = new Map();
  for (const id of ids) {
    const owner = state.inventories.get(id)?.owner;
    const key = owner ? `owner ${owner}` : `inventory ${id}`;
    if (!groups.has(key)) groups.set(key, { key, owner, ids: [] });
    groups.get(key).ids.push(id);
  }
  const result = [...groups.values()];
  for (const group of result) {
    const inventories = group.ids.map((id) => state.inventories.get(id));
    const main = inventories.find((each) => each?.selected !== undefined) ?? inventories.find((each) => each?.name);
    group.main = main?.id ?? group.ids[0];
    group.ids.sort((a, b) => Number(b === group.main) - Number(a === group.main) || order.compare(a, b));
    group.title = main?.name ?? group.owner ?? group.main;
    group.large = inventories.some((each) => [...(each?.containers.values() ?? [])].some(({ size }) => size >= LARGE));
    const parts = group.ids.map((id) => `${id} ${state.inventories.get(id)?.name ?? ''}`);
    group.signature = [group.owner ?? '', group.title, ...parts].join('\n');
  }
  return result.sort((a, b) => Number(a.large) - Number(b.large) || order.compare(a.title, b.title) || order.compare(a.main, b.main));
}

/** Arranges elements in this order. Moves only those that are out of order. */
function arrange(parent, elements) {
  let next = parent.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
}
