/**
 * Follows the inventories of a running game server. Used by this server's page and by companion apps. Requires no DOM.
 *
 * ```js
 * import { StateSync } from 'http://localhost:8080/state-sync.js';
 *
 * const sync = new StateSync({
 *   url: 'http://localhost:8080',
 *   token: 'secret', // omit it to see only public views
 *   onChange(state, event) { console.log(state.tick, event ? 'one tick' : 'everything is new'); },
 *   onStatus(status) { console.log(status.kind, status.seconds); },
 * });
 * sync.start();
 * ```
 *
 * It requests `/world/init` once and then follows `/events`. After a connection loss, it requests the missed ticks from
 * `/world/snapshots` and continues. If the server no longer has them, or has restarted, it requests `/world/init`
 * again. It retries until {@link StateSync#stop} is called or the server rejects the token.
 *
 * @module state-sync
 */

import { Ended, asEnded, refusal } from './ended.js';
import { EventTooLarge, MAX_EVENT, SseParser } from './sse.js';
import { BadInput, OtherEpoch, applyEvent, applyInit } from './world-state.js';

export { BadInput, EventTooLarge, OtherEpoch, SseParser, applyEvent, applyInit };

/** Maximum size of a response that is not a stream, in UTF-16 code units. */
const MAX_RESPONSE = 256 * 1024 * 1024;

/** Default timing, in milliseconds. */
export const TIMING = Object.freeze({
  /** Initial delay before a retry. Doubles with each consecutive failure. */
  minDelay: 250,
  /** Maximum delay before a retry. */
  maxDelay: 10_000,
  /** A connection that lasts this long resets the delay. */
  stable: 5_000,
  /** After this time without data, the state is considered behind. The server sends data at least every 15 s. */
  quiet: 20_000,
  /** After this time without data, the connection is considered dead. */
  dead: 40_000,
  /** Interval of checking for missing data, and of reporting `behind`. */
  check: 1_000,
});

/**
 * @typedef {import('./world-state.js').WorldState} WorldState
 *
 * @typedef {object} Status
 * @property {'connecting' | 'live' | 'behind' | 'stopped'} kind `connecting` until the first connection, then `live` or
 *   `behind`.
 * @property {number} seconds Whole seconds since the server last sent data. Zero if live.
 * @property {string} [reason] If stopped: `unauthorized`, `forbidden`, `token_expired`, `token_revoked` or `stopped`.
 *   If behind: why the connection ended.
 * @property {string} [detail] The server's explanation, if any.
 */

/** A live copy of the world. */
export class StateSync {
  #options;
  #timing;
  #only;
  #state = null;
  /** The last tick known to be received. Later than the tick of the state if nothing has changed since. */
  #tick = 0;
  #status = { kind: 'stopped', seconds: 0, reason: 'stopped' };
  #run = null;
  #request = null;
  #restart = true;
  #open = false;
  #everLive = false;
  #contact = 0;
  #failures = 0;
  /** Whether the last restart had no delay. Reset after a stable connection. */
  #hurried = false;
  #ended = null;
  #wake = () => {};

  /**
   * @param {object} options
   * @param {string} [options.url] URL of the server. Default: where this module was loaded from.
   * @param {string | null} [options.token] Sent only in the `Authorization` header.
   * @param {Iterable<string>} [options.inventories] Ids of at most 64 inventories to follow. Default: all that
   *   the token may see.
   * @param {(state: WorldState, event: object | null) => void} [options.onChange] Called after each change, with the
   *   applied tick event, or with `null` if everything may have changed.
   * @param {(status: Status) => void} [options.onStatus] Called when the status changes, and every second while behind.
   * @param {typeof fetch} [options.fetch]
   * @param {() => number} [options.random] Random number in the range [0, 1), for the jitter of delays.
   * @param {number} [options.maxEvent] Maximum size of an event, in characters.
   * @param {Partial<typeof TIMING>} [options.timing]
   */
  constructor(options = {}) {
    this.#options = {
      fetch: (...request) => globalThis.fetch(...request),
      random: Math.random,
      maxEvent: MAX_EVENT,
      onChange() {},
      onStatus() {},
      ...options,
      url: new URL(options.url?.replace(/\/*$/, '/') ?? '.', import.meta.url),
    };
    this.#timing = { ...TIMING, ...options.timing };
    this.#only = options.inventories ? new Set(options.inventories) : undefined;
  }

  /** The current state. `null` before the first response. Remains available after a connection loss or `stop`. */
  get state() {
    return this.#state;
  }

  /** @returns {Status} */
  get status() {
    return this.#status;
  }

  /** Starts following the server. Does nothing if already started. */
  start() {
    if (this.#run) return;
    this.#run = new AbortController();
    this.#everLive = false;
    this.#failures = 0;
    this.#hurried = false;
    this.#ended = null;
    this.#contact = Date.now();
    this.#follow(this.#run.signal);
  }

  /** Closes the connection. `start` continues from the current state if the server still has the missed ticks. */
  stop() {
    this.#finish(new Ended('stopped'));
  }

  /** Retries immediately instead of after the current delay, for example when the network is available again. */
  wake() {
    if (this.#run) this.#check();
    this.#wake();
  }

  async #follow(signal) {
    const timer = setInterval(() => this.#check(), this.#timing.check);
    signal.addEventListener('abort', () => clearInterval(timer));
    this.#report();
    while (!signal.aborted) {
      let ended;
      try {
        ended = await this.#connect(signal);
      } catch (error) {
        ended = asEnded(error);
      }
      if (signal.aborted) return;
      if (ended.final) return this.#finish(ended);
      this.#open = false;
      this.#ended = ended;
      this.#restart ||= ended.restart;
      this.#report();
      const hurry = ended.restart && !this.#hurried;
      if (hurry) this.#hurried = true;
      else await this.#pause(signal, this.#delay(ended.retryAfter));
    }
  }

  #finish(ended) {
    const run = this.#run;
    this.#run = null;
    this.#open = false;
    this.#ended = ended;
    run?.abort();
    if (run) this.#report();
  }

  /** One attempt: updates the state and follows the server until the connection ends. */
  async #connect(signal) {
    if (this.#restart) {
      this.#set(applyInit(await this.#json('world/init', {}, signal), this.#only), null);
      this.#restart = false;
    } else {
      await this.#catchUp(signal);
    }
    return this.#stream(signal);
  }

  async #catchUp(signal) {
    const { epoch } = this.#state;
    for (let from = this.#tick + 1; ;) {
      const page = await this.#json('world/snapshots', { epoch, from }, signal);
      if (page.epoch !== epoch) throw new OtherEpoch(page.epoch);
      if (!Array.isArray(page.snapshots)) throw new BadInput('snapshots: not a list');
      for (const event of page.snapshots) this.#apply(event);
      const { next, tick } = page;
      if (!(next > from)) {
        this.#reached(tick);
        return;
      }
      this.#reached(next - 1);
      from = next;
    }
  }

  async #stream(signal) {
    const query = this.#only ? { inventories: [...this.#only].join(',') } : {};
    const headers = { Accept: 'text/event-stream', 'Last-Event-ID': `${this.#state.epoch}-${this.#tick}` };
    const response = await this.#fetch('events', query, signal, headers);
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) throw new BadInput('no event stream');
    const parser = new SseParser({ limit: this.#options.maxEvent });
    let since = 0;
    for await (const bytes of this.#pieces(response)) {
      for (const { event, data } of parser.push(bytes)) {
        const ended = this.#take(event, parse(data));
        if (ended) return ended;
        if (event === 'hello') since = Date.now();
      }
      this.#readId(parser.lastId);
      if (since && Date.now() - since >= this.#timing.stable) {
        this.#failures = 0;
        this.#hurried = false;
      }
    }
    throw new Ended('closed');
  }

  #take(event, data) {
    switch (event) {
      case 'hello':
        if (data?.epoch !== this.#state.epoch) throw new OtherEpoch(data?.epoch);
        this.#open = true;
        this.#everLive = true;
        this.#ended = null;
        this.#report();
        return null;
      case 'tick':
        this.#apply(data);
        return null;
      case 'reset':
        return new Ended(data?.reason ?? 'reset', { restart: true });
      case 'end': {
        const { reason = 'closed', detail } = data ?? {};
        return new Ended(reason, { detail, final: reason === 'token_expired' || reason === 'token_revoked' });
      }
      default: // A later version of the server may send other events.
        return null;
    }
  }

  /** Even if nothing has changed, the server sends ids to resume after. */
  #readId(id) {
    const [, epoch, tick] = /^(.+)-(\d+)$/.exec(id) ?? [];
    if (epoch === this.#state.epoch) this.#reached(Number(tick));
  }

  #reached(tick) {
    if (Number.isSafeInteger(tick)) this.#tick = Math.max(this.#tick, tick);
  }

  #apply(event) {
    const next = applyEvent(this.#state, event, this.#only);
    if (next !== this.#state) this.#set(next, event);
  }

  #set(state, event) {
    this.#state = state;
    this.#tick = event ? Math.max(this.#tick, state.tick) : state.tick;
    call(() => this.#options.onChange(state, event));
  }

  async #json(path, query, signal) {
    const response = await this.#fetch(path, query, signal, { Accept: 'application/json' });
    const decoder = new TextDecoder();
    let text = '';
    for await (const bytes of this.#pieces(response)) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length > MAX_RESPONSE) throw new BadInput(`the response of ${path} is too large`);
    }
    const data = parse(text);
    if (typeof data !== 'object' || data === null) throw new BadInput(`the response of ${path} is not an object`);
    return data;
  }

  async #fetch(path, query, signal, headers) {
    const url = new URL(path, this.#options.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    if (this.#options.token) headers.Authorization = `Bearer ${this.#options.token}`;
    this.#request = { abort: new AbortController(), heard: Date.now() };
    const both = AbortSignal.any([signal, this.#request.abort.signal]);
    const response = await this.#options.fetch(url, { headers, signal: both, cache: 'no-store', credentials: 'omit' });
    this.#heard();
    if (!response.ok) throw await refusal(response);
    return response;
  }

  async *#pieces(response) {
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#heard();
        yield value;
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  #heard() {
    const now = Date.now();
    this.#contact = now;
    if (this.#request) this.#request.heard = now;
    if (this.#open && this.#status.kind !== 'live') this.#report();
  }

  #check() {
    if (this.#request && Date.now() - this.#request.heard >= this.#timing.dead) {
      this.#request.abort.abort(new Ended('silent'));
    }
    this.#report();
  }

  #report() {
    const silence = Date.now() - this.#contact;
    const status = { kind: 'connecting', seconds: Math.floor(silence / 1000) };
    if (!this.#run) status.kind = 'stopped';
    else if (this.#open && silence < this.#timing.quiet) Object.assign(status, { kind: 'live', seconds: 0 });
    else if (this.#everLive) status.kind = 'behind';
    if (this.#ended?.reason) status.reason = this.#ended.reason;
    if (this.#ended?.detail) status.detail = this.#ended.detail;
    const old = this.#status;
    if (['kind', 'seconds', 'reason', 'detail'].every((field) => status[field] === old[field])) return;
    this.#status = status;
    call(() => this.#options.onStatus(status));
  }

  #delay(retryAfter) {
    const { minDelay, maxDelay } = this.#timing;
    const delay = Math.min(maxDelay, minDelay * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return Math.max(retryAfter, delay * (0.5 + this.#options.random() / 2));
  }

  #pause(signal, delay) {
    this.#request = null;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, delay);
      signal.addEventListener('abort', wake);
      this.#wake = wake;
    });
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadInput('the server sent invalid JSON');
  }
}

/** Runs a callback. Its errors are rethrown asynchronously, so that they are not mistaken for connection errors. */
function call(callback) {
  try {
    callback();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}
