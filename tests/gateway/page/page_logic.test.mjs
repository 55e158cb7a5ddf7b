// Tests of small modules of the page: node --test tests/gateway/page

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Rates, parseMetrics } from '../../../src/gateway/page/metrics.js';
import { itemMatcher, look, words } from '../../../src/gateway/page/search.js';

test('metrics with the same name are added up', () => {
  const text = '# TYPE a counter\na{reason="x y"} 1\na{reason="}"} 2\nb 1.5e3\n\nbroken\nc NaN\n';
  assert.deepEqual([...parseMetrics(text)], [['a', 3], ['b', 1500]]);
});

test('rates are unknown at first and after a restart', () => {
  const rates = new Rates();
  const at = (value, now) => rates.next(new Map([['a', value]]), now)('a');
  assert.equal(at(10, 0), null);
  assert.equal(at(30, 2000), 10);
  assert.equal(at(5, 4000), null);
  assert.equal(at(5, 6000), 0);
  assert.equal(rates.next(new Map(), 8000)('a'), null);
});

test('a search finds names and items', () => {
  const text = (item) => ({ axe: 'iron axe axe', key: 'key key' })[item];
  const find = (query, items) => look(words(query), 'ada client 3 8f0a', () => items, itemMatcher(text));
  assert.deepEqual(find('', []), { shown: true, match: null });
  assert.deepEqual(find('ADA 8f', []), { shown: true, match: null });
  const both = find('ada iron axe', ['key', 'axe']);
  assert.equal(both.shown, true);
  assert.deepEqual([both.match('axe'), both.match('key')], [true, false]);
  assert.equal(find('iron key', ['key', 'axe']).shown, false);
  assert.equal(find('bob', ['axe']).shown, false);
});
