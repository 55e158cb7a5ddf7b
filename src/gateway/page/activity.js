/**
 * The server sections: health, traffic, and which server owns which inventories.
 *
 * @module activity
 */

import { ApiError, poll } from './api.js';
import { Chart } from './chart.js';
import { announce, byId, byteSize, compact, el, plural, setText, whole } from './dom.js';
import { Rates, parseMetrics } from './metrics.js';

/** Maximum number of inventories listed per server. */
const LISTED = 200;

const HEALTH = { healthy: 'Healthy', degraded: 'Degraded', failing: 'Failing', down: 'Down', unknown: 'Unreachable' };
const rate = (value) => `${value >= 10 ? compact(value) : Number(value.toFixed(1))}/s`;
const refused = (error) => error instanceof ApiError && (error.status === 401 || error.status === 403);

/** Shows the health of the server. Returns a function that stops the updates. */
export function showHealth(api) {
  const box = byId('health');
  const word = el('strong');
  const facts = el('span', { class: 'dim' });
  const head = el('p', { class: 'health' }, el('span', { class: 'lamp', 'aria-hidden': 'true' }), word, facts);
  const reasons = el('ul', { class: 'reasons' });
  box.replaceChildren(head, reasons);
  let last = null;
  return poll(5_000, async () => {
    let health = { status: 'unknown', reasons: [] };
    try {
      health = await api.json('/health');
    } catch (error) {
      if (Object.hasOwn(HEALTH, error.problem?.status)) health = error.problem;
    }
    const text = Object.hasOwn(HEALTH, health.status) ? HEALTH[health.status] : String(health.status);
    head.dataset.health = health.status;
    setText(word, text);
    setText(facts, health.tick === undefined ? '' : `tick ${whole(health.tick)}, ${whole(health.age_ms)} ms ago`);
    reasons.replaceChildren(...(health.reasons ?? []).map(({ code, detail }) => (
      el('li', {}, el('code', { text: code }), ` ${detail}`))));
    if (last !== null && last !== health.status) announce(`Health: ${text}`);
    last = health.status;
  });
}

/** Shows traffic rates. Returns a function that stops the updates. */
export function showTraffic(api) {
  const box = byId('traffic');
  const note = el('p', { class: 'dim', text: 'Measuring…' });
  const gauges = el('p', { class: 'gauges' });
  const one = (title, tone, counter, format) => ({
    counters: [counter], chart: new Chart({ title, lines: [{ name: title, tone }], format }),
  });
  const charts = [
    one('Bytes', 'blue', 'inventory_sync_bytes_sent_total', (value) => `${byteSize(value)}/s`),
    one('Messages', 'violet', 'inventory_sync_messages_sent_total', rate),
    one('Changes', 'yellow', 'inventory_sync_slots_marked_total', rate),
    {
      counters: ['inventory_sync_requests_accepted_total', 'inventory_sync_requests_rejected_total'],
      chart: new Chart({
        title: 'Requests', lines: [{ name: 'accepted', tone: 'green' }, { name: 'rejected', tone: 'red' }], format: rate,
      }),
    },
  ];
  const plots = el('div', { class: 'charts', hidden: true }, ...charts.map(({ chart }) => chart.element));
  box.replaceChildren(gauges, plots, note);
  const rates = new Rates();
  return poll(2_000, async () => {
    try {
      const values = parseMetrics(await api.text('/metrics'));
      const of = rates.next(values, performance.now());
      for (const { counters, chart } of charts) chart.add(counters.map(of));
      const gauge = (name, word) => (values.has(name) ? [plural(values.get(name), word)] : []);
      const counts = [...gauge('inventory_sync_clients', 'client'), ...gauge('gateway_streams', 'stream')];
      setText(gauges, [...counts, 'last 3 minutes'].join(', '));
      plots.hidden = false;
      note.hidden = true;
    } catch (error) {
      note.hidden = false;
      setText(note, refused(error) ? 'Only operators can see traffic.' : 'The server is not responding.');
      if (refused(error)) return false;
      for (const { counters, chart } of charts) chart.add(counters.map(() => null));
    }
    return true;
  });
}

/**
 * If several servers share a store, shows which one owns which inventories. Returns a function that stops the updates.
 *
 * @param {import('./api.js').Api} api
 * @param {(id: string) => string} nameOf
 * @param {(owners: Map<string, string>) => void} onOwners Receives the server of each inventory.
 */
export function showServers(api, nameOf, onOwners) {
  const section = byId('servers-section');
  const open = new Set();
  return poll(10_000, async (isStopped) => {
    let servers;
    try {
      ({ servers } = await api.json('/servers'));
      if (isStopped()) return false;
    } catch (error) {
      if (isStopped()) return false;
      if (!(error instanceof ApiError)) return true;
      section.hidden = true;
      onOwners(new Map());
      return error.status === 429 || error.status >= 500;
    }
    section.hidden = false;
    const most = Math.max(1, ...servers.map(({ total }) => total));
    if (!section.contains(document.activeElement)) {
      byId('servers').replaceChildren(...servers.map((server) => serverRow(server, most, nameOf, open)));
    }
    onOwners(new Map(servers.flatMap(({ name, inventories }) => inventories.map((id) => [id, name]))));
    return true;
  });
}

function serverRow({ name, inventories, total }, most, nameOf, open) {
  const bar = el('span', { class: 'share', 'aria-hidden': 'true' });
  bar.style.setProperty('--part', total / most);
  const summary = el('summary', {}, el('strong', { text: name }), bar, el('span', { class: 'number', text: whole(total) }));
  const list = el('ul', {}, ...inventories.slice(0, LISTED).map((id) => el('li', { text: nameOf(id), title: id })));
  const rest = total - Math.min(LISTED, inventories.length);
  if (rest > 0) list.append(el('li', { class: 'dim', text: `and ${whole(rest)} more` }));
  const details = el('details', { class: 'server', open: open.has(name) }, summary, list);
  details.addEventListener('toggle', () => (details.open ? open.add(name) : open.delete(name)));
  return details;
}
