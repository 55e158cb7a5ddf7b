/**
 * A small line chart of the last minutes.
 *
 * @module chart
 */

import { el, setAttribute, setText, svg } from './dom.js';

const WIDTH = 200;
const HEIGHT = 64;
/** Number of measurements kept and shown. */
const POINTS = 90;

/** Draws one or two lines on the same scale. */
export class Chart {
  #lines;
  #values;
  #format;
  #title;
  #now = el('span', { class: 'chart-now' });
  #top = el('span', { class: 'chart-top', 'aria-hidden': 'true' });
  #svg;

  /**
   * @param {object} options
   * @param {string} options.title
   * @param {{name: string, tone: string}[]} options.lines `tone` selects the color.
   * @param {(value: number) => string} options.format
   */
  constructor({ title, lines, format }) {
    this.#title = title;
    this.#format = format;
    this.#values = lines.map(() => []);
    this.#lines = lines.map(({ name, tone }) => ({
      name,
      area: svg('path', { class: 'chart-area', 'data-tone': tone }),
      line: svg('path', { class: 'chart-line', 'data-tone': tone }),
    }));
    const gridLines = [0.5, HEIGHT / 2, HEIGHT - 0.5].map((y) => svg('path', { class: 'chart-grid', d: `M0 ${y}H${WIDTH}` }));
    const shapes = this.#lines.flatMap(({ area, line }) => [area, line]);
    this.#svg = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' }, ...gridLines, ...shapes);
    const key = lines.length > 1 && el('span', { class: 'chart-key' }, ...lines.map(({ name, tone }) => (
      el('span', {}, el('span', { class: 'swatch', 'data-tone': tone, 'aria-hidden': 'true' }), name))));
    this.element = el('figure', { class: 'chart' },
      el('figcaption', {}, el('span', { class: 'chart-title', text: title }), this.#now),
      el('div', { class: 'chart-box' }, this.#svg, this.#top),
      key);
    this.#draw();
  }

  /** Adds a measurement. `null` is a gap. @param {(number | null)[]} values One per line. */
  add(values) {
    values.forEach((value, i) => {
      this.#values[i].push(value);
      if (this.#values[i].length > POINTS) this.#values[i].shift();
    });
    this.#draw();
  }

  #draw() {
    const top = niceAbove(Math.max(0, ...this.#values.flat().filter((value) => value !== null)));
    const latest = this.#values.map((values) => values.at(-1) ?? null);
    const text = (value) => (value === null ? '–' : this.#format(value));
    setText(this.#now, latest.map(text).join(' / '));
    setText(this.#top, this.#format(top));
    this.#lines.forEach(({ line, area }, i) => {
      const runs = runsOf(this.#values[i], top);
      setAttribute(line, 'd', runs.map((run) => `M${run.map(([x, y]) => `${x} ${y}`).join('L')}`).join(''));
      setAttribute(area, 'd', runs.map((run) => (
        `M${run[0][0]} ${HEIGHT}L${run.map(([x, y]) => `${x} ${y}`).join('L')}L${run.at(-1)[0]} ${HEIGHT}Z`)).join(''));
    });
    const words = this.#lines.map(({ name }, i) => `${name} ${text(latest[i])}`).join(', ');
    setAttribute(this.#svg, 'aria-label', `${this.#title}, now: ${words}; scale up to ${this.#format(top)}`);
  }
}

/** Returns the points of each line segment between gaps. The latest measurement is at the right edge. */
function runsOf(values, top) {
  const runs = [];
  let run = null;
  values.forEach((value, i) => {
    if (value === null) {
      run = null;
      return;
    }
    if (!run) runs.push(run = []);
    const x = WIDTH - ((values.length - 1 - i) * WIDTH) / (POINTS - 1);
    run.push([x.toFixed(1), (HEIGHT - 1 - (value / top) * (HEIGHT - 4)).toFixed(1)]);
  });
  return runs;
}

/** Rounds up to 1, 2 or 5 times a power of ten. The minimum is 1. */
function niceAbove(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
