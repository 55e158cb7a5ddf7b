/**
 * DOM helpers, and formatting of numbers and times. Text from the game is only inserted as text, never as HTML.
 *
 * @module dom
 */

/**
 * Creates an element.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `text` sets the text content, and `on` maps events to listeners.
 *   `true` sets an empty value. `false`, `null` and `undefined` omit the attribute.
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Creates an SVG element, like {@link el}. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(element, { text, on, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [event, listener] of Object.entries(on ?? {})) element.addEventListener(event, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter(Boolean));
  return element;
}

/** Sets or removes an attribute, without touching the DOM if nothing changes. */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Sets the text of an element, without touching the DOM if nothing changes. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Returns the element with this id. */
export const byId = (id) => document.getElementById(id);

let announcement = 0;

/** Announces `text` to screen readers after the current sentence. */
export function announce(text) {
  const region = byId('announce');
  region.textContent = '';
  clearTimeout(announcement);
  announcement = setTimeout(() => setText(region, text), 50);
}

const numbers = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** Formats `1234` as `1,234`. */
export const whole = (value) => numbers.format(value);
/** Formats `1234` as `1.23K`. */
export const compact = (value) => short.format(value);
/** Formats a time of day. */
export const time = (ms) => clock.format(ms);
/** Formats a date and time. */
export const dateTime = (ms) => date.format(ms);
/** Formats a count with its noun: `1 slot`, `2 slots`. */
export const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

/** Formats a size in bytes, such as `1.20 kB`. */
export function byteSize(bytes) {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}

/** Shortens an id for a heading. */
export const shortId = (id) => (id.length > 10 ? `${id.slice(0, 8)}…` : id);

/** Formats a value from the game as indented JSON. Truncates it to `limit` characters. */
export function json(value, limit = 20_000) {
  const text = JSON.stringify(value, null, 2) ?? 'null';
  return text.length > limit ? `${text.slice(0, limit)}\n… ${whole(text.length - limit)} more characters` : text;
}
