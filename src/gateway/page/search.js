/**
 * What the search box means: every word must be part of the player's name or id, or of one item.
 *
 * @module search
 */

/** Splits what was typed into words in lower case. */
export const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * Tells whether inventories match, and which of their items.
 *
 * @param {string[]} query From {@link words}.
 * @param {string} title Names and ids, in lower case.
 * @param {() => Iterable<string>} itemsOf Keys of the items in the inventories.
 * @param {(words: string[]) => (item: string) => boolean} matcher From {@link itemMatcher}.
 * @returns {{shown: boolean, match: ((item: string) => boolean) | null}} `match` is `null` if all items stay bright.
 */
export function look(query, title, itemsOf, matcher) {
  const left = query.filter((word) => !title.includes(word));
  if (left.length === 0) return { shown: true, match: null };
  const match = matcher(left);
  for (const item of itemsOf()) if (match(item)) return { shown: true, match };
  return { shown: false, match };
}

/**
 * Returns a function that gives the test for some words, and remembers its answers until the next query.
 *
 * @param {(item: string) => string} textOf Name and key of an item, in lower case.
 */
export function itemMatcher(textOf) {
  const tests = new Map();
  return (query) => {
    const key = query.join(' ');
    let test = tests.get(key);
    if (!test) {
      const known = new Map();
      test = (item) => {
        let hit = known.get(item);
        if (hit === undefined) {
          const text = textOf(item);
          hit = query.every((word) => text.includes(word));
          known.set(item, hit);
        }
        return hit;
      };
      tests.set(key, test);
    }
    return test;
  };
}
