/**
 * The causes of changes: their descriptions, and the groups that share a color.
 *
 * @module causes
 */

import { el } from './dom.js';

/** Groups with their legend texts. The colors are in the style sheet: `--cause-NAME`. */
const GROUPS = new Map([
  ['player', 'Player action'],
  ['game', 'Game'],
  ['crafted', 'Crafted'],
  ['dropped', 'Dropped'],
  ['stored', 'Loaded or removed'],
  ['undone', 'Undone'],
]);

const CAUSES = new Map([
  ['undeclared', ['game', 'changed by the game']],
  ['spawned', ['stored', 'container added']],
  ['removed', ['stored', 'container removed']],
  ['inserted', ['game', 'inserted']],
  ['taken', ['game', 'taken']],
  ['transacted', ['game', 'transaction']],
  ['loaded', ['stored', 'loaded']],
  ['acted', ['player', 'player action']],
  ['dropped', ['dropped', 'dropped']],
  ['crafted', ['crafted', 'crafted']],
  ['deleted', ['stored', 'deleted']],
  ['reverted', ['undone', 'undone by the store']],
]);

/** Returns the group of a cause, which determines its color. */
export const causeGroup = (cause) => CAUSES.get(cause)?.[0] ?? 'game';

/** Returns the description of a cause. For an unknown cause, returns its name. */
export const causeText = (cause) => CAUSES.get(cause)?.[1] ?? String(cause ?? 'unknown');

/** Fills the legend of colors and markers. */
export function fillLegend(list) {
  for (const [group, text] of GROUPS) {
    list.append(el('li', {}, el('span', { class: 'swatch', 'data-cause': group, 'aria-hidden': 'true' }), text));
  }
  for (const [mark, text] of [['selected', 'Selected'], ['data', 'Has data']]) {
    list.append(el('li', {}, el('span', { class: 'swatch', 'data-mark': mark, 'aria-hidden': 'true' }), text));
  }
}
