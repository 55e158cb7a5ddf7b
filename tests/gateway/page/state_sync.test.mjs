// Tests of the page's modules that need no DOM: node --test tests/gateway/page

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import {
  BadInput,
  EventTooLarge,
  OtherEpoch,
  SseParser,
  StateSync,
  applyEvent,
  applyInit,
} from '../../../src/gateway/page/state-sync.js';

const bytes = (text) => new TextEncoder().encode(text);
const stack = (item, count) => ({ item, count });
const slot = (inventory, index, now, container = 'bag') => ({
  inventory, container, slot: index, old: null, new: now, cause: 'inserted',
});
const bag = (id, slots = [], more = {}) => ({ id, ...more, containers: [{ name: 'bag', size: 9, slots }] });
const init = (inventories = [bag('a')], more = {}) => ({
  epoch: 'e1', tick: 10, time: 1000, event: 'e1-10', scope: 'operator', inventories, views: [], latest: null, ...more,
});
const event = (tick, more = {}) => ({ epoch: 'e1', first: tick, tick, time: 1000 + tick, ...more });
const at = (state, id, index) => state.inventories.get(id).containers.get('bag').slots.get(index);

describe('SseParser', () => {
  const whole = (text) => new SseParser().push(bytes(text));

  test('reads names, ids, several data lines and comments', () => {
    const events = whole(': hi\n\nevent: tick\nid: e-1\ndata: {"a":\ndata:  1}\n\ndata\n\nid: e-2\n\ndata: x\n\n');
    assert.deepEqual(events, [
      { event: 'tick', data: '{"a":\n 1}', id: 'e-1' },
      { event: 'message', data: '', id: 'e-1' },
      { event: 'message', data: 'x', id: 'e-2' },
    ]);
  });

  test('gives the same events for all line ends and for pieces that end anywhere', () => {
    const lines = ['\u{feff}event: tick', 'id: 7', 'data: Zoë 🪓', 'data: two', '', ': ping', '', 'data: 3', 'odd', '', ''];
    for (const end of ['\n', '\r', '\r\n']) {
      const all = bytes(lines.join(end));
      for (let size = 1; size <= all.length; size += 1) {
        const parser = new SseParser();
        const events = [];
        for (let from = 0; from < all.length; from += size) events.push(...parser.push(all.subarray(from, from + size)));
        assert.deepEqual(events, [
          { event: 'tick', data: 'Zoë 🪓\ntwo', id: '7' },
          { event: 'message', data: '3', id: '7' },
        ]);
      }
    }
  });

  test('refuses an event that is too large, in one line or in many', () => {
    const parser = () => new SseParser({ limit: 100 });
    assert.equal(parser().push(bytes(`data: ${'x'.repeat(90)}\n\n`)).length, 1);
    assert.throws(() => parser().push(bytes('x'.repeat(101))), EventTooLarge);
    assert.throws(() => parser().push(bytes('data: 12345678\n'.repeat(20))), EventTooLarge);
    const many = parser();
    for (let i = 0; i < 50; i += 1) assert.equal(many.push(bytes('data: 1234567890\n\n')).length, 1);
  });
});

describe('applyInit', () => {
  test('reads inventories and views', () => {
    const stone = { slot: 2, item: 'axe', count: 1, wear: 9, data: { type: 'engraving', value: { by: 'Ada' } } };
    const state = applyInit(init([bag('a', [stone], { name: 'Ada', owner: 'client 1', selected: 3 })], {
      views: [{ inventory: 'a', view: 'HeldItem', value: 'axe' }],
    }));
    assert.equal(state.tick, 10);
    const { name, owner, selected } = state.inventories.get('a');
    assert.deepEqual([name, owner, selected], ['Ada', 'client 1', 3]);
    assert.deepEqual(at(state, 'a', 2), { item: 'axe', count: 1, wear: 9, data: { type: 'engraving', value: { by: 'Ada' } } });
    assert.equal(state.views.get('a').get('HeldItem'), 'axe');
  });

  test('keeps only the wanted inventories', () => {
    const state = applyInit(init([bag('a'), bag('b')]), new Set(['b']));
    assert.deepEqual([...state.inventories.keys()], ['b']);
  });

  test('treats ids such as __proto__ as any other', () => {
    const odd = JSON.parse('{"id":"__proto__","containers":[{"name":"__proto__","size":1,"slots":[{"slot":0,"item":"constructor","count":1}]}]}');
    const state = applyInit(init([odd]));
    assert.equal(state.inventories.get('__proto__').containers.get('__proto__').slots.get(0).item, 'constructor');
    assert.equal({}.containers, undefined);
  });

  test('refuses bad input', () => {
    const bad = [
      null, [], 'text', {}, { ...init(), tick: -1 }, { ...init(), tick: '1' }, { ...init(), inventories: {} },
      init([{}]), init([bag('a', [{ slot: 9, item: 'x', count: 1 }])]), init([bag('a', [{ slot: 0, item: 'x', count: 0 }])]),
      init([bag('a', [{ slot: 0.5, item: 'x', count: 1 }])]), init([{ id: 7, containers: [] }]),
    ];
    for (const each of bad) assert.throws(() => applyInit(each), BadInput);
  });
});

describe('applyEvent', () => {
  const start = () => applyInit(init([bag('a', [{ slot: 0, item: 'oak', count: 5 }]), bag('b')]));

  test('applies slots, and shares what did not change', () => {
    const old = start();
    const next = applyEvent(old, event(11, { slots: [slot('a', 0, null), slot('a', 1, stack('axe', 1))] }));
    assert.equal(next.tick, 11);
    assert.equal(at(next, 'a', 0), undefined);
    assert.deepEqual(at(next, 'a', 1), stack('axe', 1));
    assert.deepEqual(at(old, 'a', 0), stack('oak', 5));
    assert.equal(next.inventories.get('b'), old.inventories.get('b'));
  });

  test('ignores duplicates and old events', () => {
    const once = applyEvent(start(), event(12, { slots: [slot('a', 0, stack('oak', 6))] }));
    assert.equal(applyEvent(once, event(12, { slots: [slot('a', 0, stack('oak', 7))] })), once);
    assert.equal(applyEvent(once, event(11, { removed: ['a'] })), once);
  });

  test('ignores changes of unknown inventories', () => {
    const next = applyEvent(start(), event(11, {
      slots: [slot('zzz', 0, stack('oak', 1))], selected: [{ inventory: 'zzz', selected: 1 }], removed: ['yyy'],
    }));
    assert.deepEqual([...next.inventories.keys()], ['a', 'b']);
  });

  test('applies in the documented order', () => {
    const next = applyEvent(start(), event(11, {
      views: [{ inventory: 'a', view: 'v', value: 1 }],
      selected: [{ inventory: 'a', selected: 2 }],
      slots: [slot('a', 1, stack('axe', 1))],
      inventories: [bag('a', [{ slot: 1, item: 'oak', count: 1 }])],
      removed: ['a'],
      replace: true,
    }));
    assert.deepEqual([...next.inventories.keys()], ['a']);
    assert.deepEqual(at(next, 'a', 1), stack('axe', 1));
    assert.equal(next.inventories.get('a').selected, 2);
    assert.equal(next.views.get('a').get('v'), 1);
    const gone = applyEvent(next, event(12, {
      views: [{ inventory: 'a', view: 'v', value: null, removed: true }], selected: [{ inventory: 'a', selected: null }],
    }));
    assert.equal(gone.views.size, 0);
    assert.equal(gone.inventories.get('a').selected, undefined);
  });

  test('keeps the views of an inventory that is no longer seen', () => {
    const seen = applyEvent(start(), event(11, { views: [{ inventory: 'a', view: 'v', value: 1 }] }));
    const next = applyEvent(seen, event(12, { removed: ['a'] }));
    assert.equal(next.inventories.has('a'), false);
    assert.equal(next.views.get('a').get('v'), 1);
    assert.equal(applyEvent(next, event(13, { replace: true })).views.size, 0);
  });

  test('refuses bad events and leaves the state as it was', () => {
    const state = start();
    const before = structuredClone(state);
    const good = slot('a', 1, stack('axe', 1));
    const bad = [
      null, {}, event(11, { slots: {} }), event(11, { slots: [good, slot('a', 99, null)] }),
      event(11, { slots: [good, slot('a', 0, stack('x', -1))] }), event(11, { slots: [good, slot('a', 0, null, 'none')] }),
      event(11, { removed: ['a'], inventories: [{ id: 'c' }, null] }), event(11, { slots: [good], views: [{ inventory: 'a' }] }),
    ];
    for (const each of bad) assert.throws(() => applyEvent(state, each), BadInput);
    assert.throws(() => applyEvent(state, { ...event(11), epoch: 'e2' }), OtherEpoch);
    assert.deepEqual(state, before);
  });

  test('gives the same state in one step or in many, in a random walk', () => {
    let seed = 7;
    const random = (below) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    let each = start();
    const last = new Map();
    for (let tick = 11; tick < 400; tick += 1) {
      const change = slot(random(2) ? 'a' : 'b', random(9), random(3) ? stack('oak', 1 + random(9)) : null);
      last.set(`${change.inventory} ${change.slot}`, change);
      each = applyEvent(each, event(tick, { slots: [change] }));
    }
    const merged = applyEvent(start(), { ...event(399, { slots: [...last.values()] }), first: 11 });
    const sorted = (state) => [...state.inventories].map(([id, { containers }]) => [id, [...containers.get('bag').slots].sort()]);
    assert.deepEqual(sorted(each), sorted(merged));
  });
});

/** A server in memory. `routes` answers by path; each call of `/events` takes the next of `streams`. */
function server({ routes = {}, streams = [] }) {
  const asked = [];
  const open = [];
  const fetch = async (url, { headers, signal }) => {
    const { pathname, search } = new URL(url);
    asked.push({ path: pathname + search, headers });
    if (pathname in routes) return routes[pathname](new URL(url));
    if (pathname !== '/events') return new Response('{}', { status: 404 });
    const stream = streams.shift() ?? (() => {});
    const body = new ReadableStream({
      start(controller) {
        const send = (name, data, id) => controller.enqueue(
          bytes(`event: ${name}\n${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`),
        );
        const close = () => controller.close();
        signal.addEventListener('abort', () => controller.error(signal.reason));
        open.push({ send, close });
        return stream({ send, close, raw: (text) => controller.enqueue(bytes(text)) });
      },
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  };
  return { fetch, asked, open, paths: () => asked.map(({ path }) => path) };
}

const json = (data, status = 200, headers = {}) => new Response(JSON.stringify(data), { status, headers });
const hello = { epoch: 'e1', tick: 10, scope: 'operator' };
const quick = { minDelay: 1, maxDelay: 4, stable: 50, check: 5, quiet: 40, dead: 80 };

describe('StateSync', () => {
  let sync;
  afterEach(() => sync?.stop());

  /** Starts to follow `world` and returns `until(condition)`, which waits for a change or a status. */
  function follow(world, more = {}) {
    const waiting = new Set();
    const seen = [];
    const look = () => {
      for (const each of waiting) if (each.condition()) each.resolve();
    };
    sync = new StateSync({
      url: 'http://game.test', fetch: world.fetch, timing: quick, random: () => 0.5,
      onChange: look,
      onStatus(status) {
        seen.push(status);
        look();
      },
      ...more,
    });
    sync.start();
    const until = (condition) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited too long, ${JSON.stringify(sync.status)}`)), 3000);
      waiting.add({ condition, resolve: () => (clearTimeout(timer), resolve()) });
      look();
    });
    return { until, seen };
  }

  test('starts, follows, and never puts the token into a URL', async () => {
    const world = server({
      routes: { '/world/init': () => json(init()) },
      streams: [({ send }) => {
        send('hello', hello);
        send('tick', event(11, { slots: [slot('a', 0, stack('oak', 1))] }), 'e1-11');
        send('something new', {});
      }],
    });
    const { until } = follow(world, { token: 's3cret', inventories: ['a'] });
    await until(() => sync.state?.tick === 11 && sync.status.kind === 'live');
    assert.deepEqual(world.paths(), ['/world/init', '/events?inventories=a']);
    for (const { headers } of world.asked) assert.equal(headers.Authorization, 'Bearer s3cret');
    assert.equal(world.asked[1].headers['Last-Event-ID'], 'e1-10');
  });

  test('heals after a cut from pages of snapshots', async () => {
    const pages = [
      { epoch: 'e1', earliest: 1, tick: 13, snapshots: [event(11, { slots: [slot('a', 0, stack('oak', 1))] })], next: 12 },
      { epoch: 'e1', earliest: 1, tick: 13, snapshots: [event(13, { slots: [slot('a', 1, stack('axe', 1))] })], next: null },
    ];
    const world = server({
      routes: { '/world/init': () => json(init()), '/world/snapshots': () => json(pages.shift()) },
      streams: [({ send, close }) => (send('hello', hello), close()), ({ send }) => send('hello', { ...hello, tick: 13 })],
    });
    const { until, seen } = follow(world);
    await until(() => sync.state?.tick === 13 && sync.status.kind === 'live');
    assert.deepEqual(world.paths(), [
      '/world/init', '/events', '/world/snapshots?epoch=e1&from=11', '/world/snapshots?epoch=e1&from=12', '/events',
    ]);
    assert.equal(world.asked.at(-1).headers['Last-Event-ID'], 'e1-13');
    assert.deepEqual(seen.map(({ kind }) => kind), ['connecting', 'live', 'behind', 'live']);
    assert.deepEqual(at(sync.state, 'a', 1), stack('axe', 1));
  });

  const fresh = () => json(init([bag('z')], { epoch: 'e2', tick: 3 }));
  const restarts = {
    'a reset': [({ send }) => (send('hello', hello), send('reset', { reason: 'restarted', epoch: 'e2' }))],
    'another epoch in hello': [({ send }) => send('hello', { ...hello, epoch: 'e2' })],
    'another epoch in a tick': [({ send }) => (send('hello', hello), send('tick', { ...event(11), epoch: 'e2' }))],
    'a bad event': [({ send }) => (send('hello', hello), send('tick', event(11, { slots: [slot('a', 99, null)] })))],
    'no JSON': [({ send, raw }) => (send('hello', hello), raw('event: tick\ndata: {"ep\n\n'))],
    'an event that is too large': [({ send, raw }) => (send('hello', hello), raw(`data: ${'x'.repeat(20_000)}`))],
    'expired snapshots': [({ send, close }) => (send('hello', hello), close())],
  };
  for (const [what, streams] of Object.entries(restarts)) {
    test(`starts again after ${what}`, async () => {
      const inits = [() => json(init()), fresh];
      const world = server({
        routes: { '/world/init': () => inits.shift()(), '/world/snapshots': () => json({ detail: 'gone' }, 410) },
        streams: [...streams, ({ send }) => send('hello', { ...hello, epoch: 'e2', tick: 3 })],
      });
      const { until } = follow(world, { maxEvent: 10_000 });
      await until(() => sync.state?.epoch === 'e2' && sync.status.kind === 'live');
      assert.deepEqual([...sync.state.inventories.keys()], ['z']);
    });
  }

  test('starts again at once, but not again and again', async () => {
    const times = [];
    const reset = ({ send }) => (send('hello', hello), send('reset', { reason: 'expired' }));
    const world = server({
      routes: { '/world/init': () => (times.push(Date.now()), json(init())) },
      streams: [reset, reset, ({ send }) => send('hello', hello)],
    });
    const { until } = follow(world, { timing: { ...quick, minDelay: 800, maxDelay: 800, dead: 10_000 } });
    await until(() => times.length === 3 && sync.status.kind === 'live');
    assert.ok(times[1] - times[0] < 500, `${times}`);
    assert.ok(times[2] - times[1] >= 590, `${times}`);
  });

  test('stops for good when it is refused', async () => {
    for (const [status, reason] of [[401, 'unauthorized'], [403, 'forbidden']]) {
      const world = server({ routes: { '/world/init': () => json({ title: 'No', detail: 'bad token' }, status) } });
      const { until } = follow(world);
      await until(() => sync.status.kind === 'stopped');
      assert.equal(sync.status.reason, reason);
      assert.equal(sync.status.detail, 'bad token');
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(world.asked.length, 1);
    }
  });

  test('stops when the token is revoked, and retries after another end', async () => {
    const world = server({
      routes: {
        '/world/init': () => json(init()),
        '/world/snapshots': () => json({ epoch: 'e1', tick: 10, earliest: 1, snapshots: [], next: null }),
      },
      streams: [
        ({ send }) => (send('hello', hello), send('end', { reason: 'too_slow', detail: 'slow' })),
        ({ send }) => (send('hello', hello), send('end', { reason: 'token_revoked', detail: 'by Ada' })),
      ],
    });
    const { until } = follow(world);
    await until(() => sync.status.kind === 'stopped');
    assert.deepEqual([sync.status.reason, sync.status.detail], ['token_revoked', 'by Ada']);
    assert.deepEqual(world.paths(), ['/world/init', '/events', '/world/snapshots?epoch=e1&from=11', '/events']);
  });

  test('honours Retry-After', async () => {
    const answers = [() => json({}, 429, { 'Retry-After': '1' }), () => json(init())];
    const world = server({ routes: { '/world/init': () => answers.shift()() }, streams: [({ send }) => send('hello', hello)] });
    const began = Date.now();
    const { until } = follow(world);
    await until(() => sync.status.kind === 'live');
    assert.ok(Date.now() - began >= 950);
  });

  test('waits longer after each failure, up to a limit', async () => {
    const times = [];
    const world = server({
      routes: { '/world/init': () => {
        times.push(Date.now());
        throw new TypeError('no network');
      } },
    });
    const { until } = follow(world, { timing: { ...quick, minDelay: 20, maxDelay: 100 } });
    await until(() => times.length === 6 || sync.state).catch(() => {});
    const gaps = times.slice(1).map((time, i) => time - times[i]);
    for (const [i, least] of [15, 30, 60, 75, 75].entries()) assert.ok(gaps[i] >= least - 2, `${gaps}`);
  });

  test('is behind after silence, live again after a word, and cuts a dead connection', async () => {
    const world = server({
      routes: {
        '/world/init': () => json(init()),
        '/world/snapshots': () => json({ epoch: 'e1', tick: 10, earliest: 1, snapshots: [], next: null }),
      },
      streams: [({ send, raw }) => {
        send('hello', hello);
        setTimeout(() => raw(': ping\n\n'), 300);
      }, ({ send }) => send('hello', hello)],
    });
    const { until, seen } = follow(world, { timing: { ...quick, quiet: 200, dead: 500 } });
    await until(() => world.open.length === 2 && sync.status.kind === 'live');
    const kinds = seen.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1]);
    assert.deepEqual(kinds, ['connecting', 'live', 'behind', 'live', 'behind', 'live']);
    assert.ok(seen.some(({ reason }) => reason === 'silent'));
  });

  test('resumes after the last id, even if it came without an event', async () => {
    const world = server({
      routes: {
        '/world/init': () => json(init()),
        '/world/snapshots': () => json({ epoch: 'e1', tick: 60, earliest: 50, snapshots: [], next: null }),
      },
      streams: [
        ({ send, raw, close }) => (send('hello', hello), raw(': nothing\nid: e1-55\n\n'), close()),
        ({ send }) => send('hello', hello),
      ],
    });
    const { until } = follow(world);
    await until(() => world.open.length === 2 && sync.status.kind === 'live');
    assert.equal(world.paths()[2], '/world/snapshots?epoch=e1&from=56');
    assert.equal(world.asked.at(-1).headers['Last-Event-ID'], 'e1-60');
    assert.equal(sync.state.tick, 10);
  });

  test('continues from its state after stop and start', async () => {
    const world = server({
      routes: {
        '/world/init': () => json(init()),
        '/world/snapshots': () => json({ epoch: 'e1', tick: 11, earliest: 1, snapshots: [event(11, { removed: ['a'] })], next: null }),
      },
      streams: [({ send }) => send('hello', hello), ({ send }) => send('hello', hello)],
    });
    const { until } = follow(world);
    await until(() => sync.status.kind === 'live');
    sync.stop();
    assert.deepEqual([sync.status.kind, sync.status.reason], ['stopped', 'stopped']);
    sync.start();
    await until(() => sync.status.kind === 'live' && sync.state.tick === 11);
    assert.equal(sync.state.inventories.size, 0);
  });
});
