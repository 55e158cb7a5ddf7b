/**
 * Measures the time from a command to what the page shows of it, and prints a histogram. A command waits for the next
 * frame of the game, which takes up to 33 ms of it.
 *
 *     SERVER=PATH/TO/examples/gateway node latency.mjs
 */

import { Server, launch, open, status } from './server.mjs';

const CHANGES = 300;

const server = new Server(18072, ['--still']);
await server.start();
const browser = await launch();
const page = await open(browser, `http://localhost:18072/#token=${server.token}`);
await status(page);
const { inventories: [{ id }] } = await server.get('/world/init');
await page.waitForSelector(`.slot[data-inventory="${id}"]`);
await page.evaluate((id) => {
  const slot = document.querySelector(`.slot[data-inventory="${id}"][data-container=inventory][data-slot="3"]`);
  globalThis.shown = new Map();
  new MutationObserver(() => shown.set(slot.dataset.count, performance.timeOrigin + performance.now()))
    .observe(slot, { attributes: true, attributeFilter: ['data-count'] });
}, id);

const times = [];
for (let change = 0; change < CHANGES; change++) {
  const count = (change % 60) + 1;
  await page.evaluate(() => shown.clear());
  const begin = performance.timeOrigin + performance.now();
  await server.command('set', { inventory: id, slot: 3, item: 'coal', count });
  const handle = await page.waitForFunction((count) => shown.get(String(count)), count, { polling: 5 });
  times.push(await handle.jsonValue() - begin);
}
await browser.close();
await server.kill();

times.sort((a, b) => a - b);
const at = (part) => times[Math.floor((times.length - 1) * part)].toFixed(1);
console.log('changes\tmedian_ms\tp90_ms\tp99_ms\tmax_ms');
console.log([times.length, at(0.5), at(0.9), at(0.99), at(1)].join('\t'));
for (let bound = 8, before = 0; before < times.length; bound *= 2) {
  const below = times.filter((time) => time < bound).length;
  if (below > before) console.log(`#  below ${bound} ms: ${below - before}`);
  before = below;
}
