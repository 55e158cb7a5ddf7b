/**
 * The page for operators in a real browser, against a real server:
 *
 *     cargo build --example gateway --features gateway
 *     cd tests/gateway/browser && npm ci && SERVER=PATH/TO/gateway node --test
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Proxy, Server, contents, launch, open, shown, status } from './server.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [SERVER_PORT, PROXY_PORT] = [18070, 18071];

const server = new Server(SERVER_PORT, ['--still']);
const proxy = new Proxy(PROXY_PORT, SERVER_PORT);
const link = () => `http://localhost:${PROXY_PORT}/#token=${server.token}`;
let browser;

before(async () => {
  await server.start();
  await proxy.connect();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await proxy.cut();
  await server.kill();
});

/** Returns the inventories of the server that have few slots, so that all of them can be drawn. */
async function ordinary() {
  const { inventories } = await server.get('/world/init');
  return inventories.filter(({ containers }) => containers.every(({ size }) => size < 200));
}

/** Compares everything that the page shows with the server. */
async function compare(page) {
  for (const inventory of await ordinary()) {
    await page.locator(`[data-inventory-view="${inventory.id}"], .panel[data-panel="${inventory.id}"]`).first()
      .scrollIntoViewIfNeeded();
    await page.waitForSelector(`.slot[data-inventory="${inventory.id}"]`);
    const expected = contents(inventory);
    let found;
    for (let tries = 0; tries < 50; tries++) {
      found = await shown(page, inventory.id);
      if (JSON.stringify(sorted(found)) === JSON.stringify(sorted(expected))) break;
      await sleep(50);
    }
    assert.deepEqual(found, expected, inventory.name);
  }
}

const sorted = (object) => Object.entries(object).sort();

/** Reports violations of accessibility rules that are serious. */
async function checkAccess(page, what) {
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const described = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  assert.deepEqual(described, [], what);
}

test('a change on the server is shown', async () => {
  const page = await open(browser, link());
  await status(page);
  assert.ok(!page.url().includes('token'), 'the token has left the address bar');
  const [{ id }] = await ordinary();
  const slot = page.locator(`.slot[data-inventory="${id}"][data-container=inventory][data-slot="3"]`);
  for (const count of [1, 2, 3]) {
    await server.command('set', { inventory: id, slot: 3, item: 'torch', count });
    await slot.and(page.locator(`[data-item=torch][data-count="${count}"][data-flash]`)).waitFor();
  }
  await server.command('set', { inventory: id, slot: 3, item: 'torch', count: 0 });
  await slot.and(page.locator(':not([data-item])')).waitFor();
  await compare(page);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the page is equal to the server again after a cut of 10 seconds with 100 changes', async () => {
  const page = await open(browser, link());
  await status(page);
  await proxy.cut();
  await status(page, 'behind');
  for (let changes = 0; changes < 100; changes += 10) await server.command('shuffle', { changes: 10 });
  await sleep(10_000);
  assert.match(await page.textContent('#status-text'), /\d/, 'it says for how long it is behind');
  await proxy.connect();
  await status(page);
  await compare(page);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the page starts again when the server is killed and started', async () => {
  const page = await open(browser, link());
  await status(page);
  await server.command('shuffle', { changes: 300 });
  await compare(page);
  await server.kill();
  await status(page, 'behind');
  await server.start();
  await status(page);
  await compare(page);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('an inventory of 5,000 slots can be read to its end with the keyboard', async () => {
  const page = await open(browser, link());
  await status(page);
  const { inventories } = await server.get('/world/init');
  const bank = inventories.find(({ name }) => name === 'Town bank');
  await page.fill('#search', 'Town bank');
  const slots = page.locator(`.slot[data-inventory="${bank.id}"]`);
  await slots.first().focus();
  await page.keyboard.press('Control+End');
  const last = page.locator(`.slot[data-inventory="${bank.id}"][data-slot="4999"]`);
  await last.waitFor();
  assert.ok(await last.evaluate((slot) => slot === document.activeElement));
  assert.ok(await slots.count() < 1000, 'only the visible slots are drawn');
  await server.command('set', { inventory: bank.id, slot: 4999, item: 'coal', count: 7 });
  await last.and(page.locator('[data-item=coal][data-count="7"]')).waitFor();
  await checkAccess(page, 'bank');
  await page.context().close();
});

test('everything can be done with the keyboard', async () => {
  const page = await open(browser, link());
  await status(page);
  await page.waitForSelector('.slot[data-item]');
  const label = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? '');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  for (let tabs = 0; tabs < 20 && !(await label()).startsWith('Slot 0'); tabs++) await page.keyboard.press('Tab');
  assert.match(await label(), /^Slot 0/, 'slots are reached');
  await page.keyboard.press('ArrowRight');
  assert.match(await label(), /^Slot 1/);
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog#details[open]');
  await page.keyboard.press('Escape');
  assert.match(await label(), /^Slot 1/, 'the focus returns');
  await page.keyboard.press('/');
  await page.keyboard.type('esra');
  await page.waitForFunction(() => document.querySelectorAll('.panel:not([hidden])').length === 1);
  await page.keyboard.press('Escape');
  await page.context().close();
});

test('no accessibility rule is seriously violated', async () => {
  for (const colorScheme of ['dark', 'light']) {
    const page = await open(browser, link(), { colorScheme });
    await status(page);
    await page.waitForSelector('.slot[data-item]');
    await checkAccess(page, colorScheme);
    await page.locator('.slot.has-data').first().click();
    await page.waitForSelector('dialog#details[open]');
    await sleep(300);
    await checkAccess(page, `${colorScheme}, details`);
    await page.context().close();
  }
  const narrow = await open(browser, link(), { width: 360, height: 740, reducedMotion: 'reduce' });
  await status(narrow);
  assert.equal(await narrow.evaluate(() => document.documentElement.scrollWidth), 360, 'it does not scroll sideways');
  await checkAccess(narrow, 'narrow');
  await narrow.context().close();
});

test('spectators see no contents, and a wrong token is refused', async () => {
  const page = await open(browser, `http://localhost:${PROXY_PORT}/`);
  await status(page);
  assert.equal(await page.locator('.slot').count(), 0);
  assert.equal(await page.locator('body').getAttribute('data-scope'), 'spectator');
  await checkAccess(page, 'spectator');
  await page.context().close();
  const wrong = await open(browser, `http://localhost:${PROXY_PORT}/#token=wrong`);
  await status(wrong, 'stopped');
  await wrong.context().close();
});

test('contents disappear when the token is no longer valid', async () => {
  const page = await open(browser, link());
  await status(page);
  await page.waitForSelector('.slot[data-item]');
  const token = server.token;
  await server.kill();
  server.token = token.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  await server.start();
  await status(page, 'stopped');
  await page.waitForFunction(() => document.querySelectorAll('.slot').length === 0);
  await page.context().close();
});

test('a spectator can use the EventSource of the browser, which resumes by itself', async () => {
  const page = await open(browser, `http://localhost:${PROXY_PORT}/`);
  await status(page);
  await page.evaluate(() => {
    globalThis.events = [];
    const source = new EventSource('/events');
    for (const name of ['hello', 'tick', 'reset']) {
      source.addEventListener(name, ({ data, lastEventId }) => events.push({ name, id: lastEventId, data: JSON.parse(data) }));
    }
  });
  const received = (name, number) => page.waitForFunction(([name, number]) =>
    events.filter((event) => event.name === name).length >= number, [name, number], { timeout: 20_000 });
  await received('hello', 1);
  const players = (await ordinary()).filter(({ containers }) => containers.some(({ name }) => name === 'hotbar'));
  await proxy.cut();
  await server.command('hold', { inventory: players[0].id, slot: 0 });
  await server.command('hold', { inventory: players[0].id, slot: 5 });
  await proxy.connect();
  await received('hello', 2);
  await server.command('hold', { inventory: players[1].id, slot: 5 });
  await received('tick', 1);
  const names = await page.evaluate(() => events.map(({ name }) => name));
  assert.ok(!names.includes('reset'), names.join());
  await page.context().close();
});
