/**
 * Parses metrics in the Prometheus text format.
 *
 * @module metrics
 */

/**
 * Returns the value of each metric. Values that differ only in labels are summed.
 *
 * @param {string} text
 * @returns {Map<string, number>}
 */
export function parseMetrics(text) {
  const values = new Map();
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line);
    const value = Number(match?.[2]);
    if (match && Number.isFinite(value)) values.set(match[1], (values.get(match[1]) ?? 0) + value);
  }
  return values;
}

/** Converts counters to rates per second. */
export class Rates {
  #old = null;
  #at = 0;

  /**
   * Takes the current values. Returns a function that returns the rate of a counter since the last call. The rate is
   * `null` if it is unknown: on the first call, and after the counter was reset.
   *
   * @param {Map<string, number>} values
   * @param {number} now Milliseconds.
   */
  next(values, now) {
    const old = this.#old;
    const seconds = (now - this.#at) / 1000;
    this.#old = values;
    this.#at = now;
    return (name) => {
      const [before, after] = [old?.get(name), values.get(name)];
      if (before === undefined || after === undefined || after < before || seconds <= 0) return null;
      return (after - before) / seconds;
    };
  }
}
