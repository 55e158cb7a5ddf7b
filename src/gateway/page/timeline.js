/**
 * The dialog with the history of a player or an inventory: recorded changes from `/audit`, and live changes.
 *
 * @module timeline
 */

import { changeRow } from './changes.js';
import { byId, dateTime, el, plural, setText } from './dom.js';

/** Number of ticks in the first request. Later requests adapt it to the number of changes found. */
const RANGE = 2_000;
/** Minimum number of ticks in a request. */
const SMALLEST = 50;
/** Maximum number of changes in a response. */
const LIMIT = 200;
/** Minimum number of ticks that one press of the button loads, if there are that many. */
const ENOUGH = 30;
/** Maximum number of requests per press of the button. */
const REQUESTS = 20;
/** Maximum number of rows with new changes. */
const LIVE_ROWS = 300;

/** Shows the timeline of one player or inventory at a time. */
export class Timeline {
  #context;
  #api;
  #dialog = byId('timeline');
  #parts = null;
  #about = null;
  /** The end of the next older request, and the earliest available tick. */
  #range = null;
  #loading = false;
  #newest = 0;
  #early = [];

  /**
   * @param {import('./inventory-view.js').Context} context
   * @param {import('./api.js').Api} api
   */
  constructor(context, api) {
    this.#context = context;
    this.#api = api;
    this.#dialog.addEventListener('close', () => {
      this.#about = null;
      this.#dialog.replaceChildren();
    });
  }

  /** Opens the dialog. @param {{player?: string, inventory?: string, title: string}} about */
  open(about) {
    this.#about = about;
    this.#range = null;
    this.#newest = 0;
    this.#early = [];
    const live = el('ol', { class: 'feed', 'aria-label': 'New changes' });
    const old = el('ol', { class: 'feed', 'aria-label': 'Recorded changes' });
    const note = el('p', { class: 'dim', text: 'Loading…' });
    const older = el('button', { type: 'button', text: 'Older', hidden: true, on: { click: () => this.#load() } });
    const close = el('button', { type: 'button', text: 'Close', autofocus: true, on: { click: () => this.#dialog.close() } });
    this.#parts = { live, old, note, older };
    this.#dialog.replaceChildren(
      el('h2', { id: 'timeline-title', text: `Timeline of ${about.title}` }),
      el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Changes, newest first' }, live, old, note),
      el('p', { class: 'dialog-buttons' }, older, close),
    );
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#load();
  }

  /** Adds new changes. @param {import('./world.js').Change[]} changes */
  add(changes) {
    if (!this.#about) return;
    const mine = changes.filter((change) => this.#concerns(change));
    if (mine.length === 0) return;
    if (this.#newest === 0) {
      this.#early.push(...mine);
      if (this.#early.length > LIVE_ROWS) this.#early.splice(0, this.#early.length - LIVE_ROWS);
      return;
    }
    const { live } = this.#parts;
    const fresh = mine.filter(({ time }) => time > this.#newest);
    live.prepend(...fresh.reverse().map((change) => changeRow(change, this.#context, { long: true })));
    while (live.childElementCount > LIVE_ROWS) live.lastElementChild.remove();
  }

  #concerns({ inventory, actor }) {
    const { inventory: only, player } = this.#about;
    if (only) return inventory === only;
    const { inventories } = this.#context.world.state;
    const owner = inventories.get(player)?.owner;
    return actor === player || inventory === player || (owner && inventories.get(inventory)?.owner === owner);
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    const about = this.#about;
    setText(this.#parts.older, 'Loading…');
    try {
      await this.#loadOlder(about);
    } catch (error) {
      if (about !== this.#about) return;
      if (error.status === 410 && this.#range) this.#range.to = this.#range.earliest - 1;
      const detail = error.status === 403 || error.status === 401 ? 'Only operators can read recorded changes.' : error.message;
      setText(this.#parts.note, `${detail} New changes appear here as they happen.`);
      this.#parts.older.hidden = !this.#range || this.#range.to < this.#range.earliest;
      this.#live(0);
    } finally {
      this.#loading = false;
      if (about === this.#about) setText(this.#parts.older, 'Older');
      else if (this.#about) this.#load();
    }
  }

  async #loadOlder(about) {
    const { player, inventory } = about;
    const who = player ? { player } : { inventory };
    if (!this.#range) {
      const { earliest, latest } = await this.#api.json('/audit', { ...who, limit: 1 });
      this.#range = { to: latest, earliest, size: RANGE };
    }
    const range = this.#range;
    let found = 0;
    for (let request = 0; request < REQUESTS && found < ENOUGH && range.to >= range.earliest; request += 1) {
      const from = Math.max(range.earliest, range.to - range.size + 1);
      const page = await this.#read(who, from, range);
      if (about !== this.#about) return;
      if (!page) {
        // Responses start with the oldest changes, so the newest changes do not fit. Requests fewer ticks instead.
        range.size = Math.max(SMALLEST, Math.floor(range.size / 4));
        continue;
      }
      const { ticks, gaps } = page;
      range.to = from - 1;
      if (ticks.length < ENOUGH) range.size *= 2;
      found += ticks.length;
      this.#show(ticks, gaps);
      if (this.#newest === 0) this.#live(ticks.at(-1)?.time ?? 0);
    }
    const rest = range.to >= range.earliest;
    this.#parts.older.hidden = !rest;
    const { old, live } = this.#parts;
    const none = old.childElementCount + live.childElementCount === 0;
    setText(this.#parts.note, rest ? '' : none ? 'No recorded changes.' : 'There are no earlier records.');
    this.#live(0);
  }

  /** Reads a range of ticks. Returns `null` if it does not fit in one response, unless the range is small. */
  async #read(who, from, { earliest, to, size }) {
    const all = { ticks: [], gaps: [] };
    const query = { ...who, to, limit: LIMIT };
    // The earliest tick may change between requests, so it is omitted.
    if (from > earliest) query.from = from;
    for (;;) {
      const page = await this.#api.json('/audit', query);
      all.ticks.push(...page.ticks);
      all.gaps.push(...(page.gaps ?? []));
      if (!(page.next > (query.from ?? 0)) || page.next > to) return all;
      if (size > SMALLEST) return null;
      query.from = page.next;
    }
  }

  #show(ticks, gaps) {
    const rows = ticks.flatMap(({ tick, time, changes = [], notes = [] }) => [
      ...changes.map((change) => ({ tick, row: changeRow({ ...change, tick, time }, this.#context, { long: true }) })),
      ...notes.map(({ inventory, note }) => ({ tick, row: this.#note(inventory, note, tick, time) })),
    ]);
    for (const { from, to } of gaps) {
      const text = `${plural(to - from + 1, 'tick')} not recorded, starting at tick ${from}.`;
      rows.push({ tick: to, row: el('li', { class: 'gap', text }) });
    }
    rows.sort((a, b) => b.tick - a.tick);
    this.#parts.old.append(...rows.map(({ row }) => row));
  }

  #note(inventory, note, tick, time) {
    return el('li', { class: 'note' },
      el('span', { class: 'what', text: typeof note === 'string' ? note : JSON.stringify(note) }),
      el('span', { class: 'where', text: this.#context.world.nameOf(inventory) }),
      el('span', { class: 'why', text: 'note' }),
      el('time', { text: `${dateTime(time)} · tick ${tick}` }));
  }

  /** Starts showing new changes that are later than `newest`, in milliseconds since the Unix epoch. */
  #live(newest) {
    if (this.#newest !== 0) return;
    this.#newest = newest || 1;
    const early = this.#early;
    this.#early = [];
    this.add(early);
  }
}
