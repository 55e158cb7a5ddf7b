/**
 * The server and the browser of the tests: `cargo run --example gateway --features gateway`, and Chromium.
 *
 * Environment: `SERVER`, the example's executable; `CHROMIUM`, default `/usr/bin/chromium`.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const ROOT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../..');

/** A server that can be killed and started again at the same address. */
export class Server {
  #process = null;
  #more;

  constructor(port, more = []) {
    this.port = port;
    this.#more = more;
    this.token = `invgw-${randomBytes(8).toString('hex')}-${randomBytes(32).toString('hex')}`;
  }

  async start() {
    const args = ['--gateway', `127.0.0.1:${this.port}`, '--seconds', '600', ...this.#more];
    const env = { RUST_LOG: 'warn', ...process.env, GATEWAY_TOKEN: this.token };
    this.#process = spawn(process.env.SERVER, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
    for (let tries = 0; tries < 200; tries++) {
      const health = await fetch(`http://127.0.0.1:${this.port}/health`).catch(() => null);
      if (health?.ok) return;
      await sleep(50);
    }
    throw new Error('the server has not started');
  }

  async kill() {
    const process = this.#process;
    this.#process = null;
    if (process?.exitCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async get(path) {
    const headers = { Authorization: `Bearer ${this.token}` };
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async command(name, body) {
    const headers = { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' };
    const url = `http://127.0.0.1:${this.port}/commands/${name}`;
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** Passes connections on, until they are cut. */
export class Proxy {
  #server = null;
  #open = new Set();

  constructor(port, to) {
    this.port = port;
    this.to = to;
  }

  async connect() {
    this.#server = net.createServer((near) => {
      const far = net.connect(this.to, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#open.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          near.destroy();
          far.destroy();
          this.#open.delete(socket);
        });
      }
      near.pipe(far).pipe(near);
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async cut() {
    for (const socket of this.#open) socket.destroy();
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    server.close();
    await once(server, 'close');
  }
}

export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Opens the page. Errors that it reports are collected in `page.errors`. */
export async function open(browser, url, { width = 1440, height = 900, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.stack));
  await page.goto(url);
  return page;
}

/** Waits until the page is live, or has another status. */
export function status(page, expected = 'live') {
  return page.waitForSelector(`#status[data-status=${expected}]`, { timeout: 30_000 });
}

/** Returns the contents of an inventory of the server, by container and slot. */
export function contents(inventory) {
  const slots = inventory.containers.flatMap(({ name, slots }) =>
    slots.map(({ slot, item, count }) => [`${name} ${slot}`, `${count} ${item}`]));
  return Object.fromEntries(slots);
}

/** Returns what the page shows of an inventory, whose slots must all be drawn. */
export function shown(page, id) {
  return page.evaluate((id) => {
    const slots = [...document.querySelectorAll(`.slot[data-inventory="${id}"][data-item]`)];
    return Object.fromEntries(slots.map(({ dataset: { container, slot, item, count } }) =>
      [`${container} ${slot}`, `${count} ${item}`]));
  }, id);
}
