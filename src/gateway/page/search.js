/**
 * The search: every word must occur in the player's name or id, or in one item.
 *
 * @module search
 */

/** Splits the search text into lower-case words. */
export const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * Returns whether inventories match, and which of their items.
 *
 * @param {string[]} query From {@link words}.
 * @param {string} title Names and ids, in lower case.
 * @param {() => Iterable<string>} itemsOf Keys of the items in the inventories.
 * @param {(words: string[]) => (item: string) => boolean} matcher From {@link itemMatcher}.
 * @returns {{shown: boolean, match: ((item: string) => boolean) | null}} `match` is `null` if no item is faded.
 */
export function look(query, title, itemsOf, matcher) {
  const left = query.filter((word) => !title.includes(word));
  if (left.length === 0) return { shown: true, match: null };
  const match = matcher(left);
  for (const item of itemsOf()) if (match(item)) return { shown: true, match };
  return { shown: false, match };
}

/**
 * Returns a function that creates the test for a list of words. Tests cache their results.
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
