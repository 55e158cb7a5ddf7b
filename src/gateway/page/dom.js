/**
 * Helpers for the DOM, and the formats of numbers and times. Text from the game only ever becomes text nodes.
 *
 * @module dom
 */

/**
 * Creates an element.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `text` is the text, `on` maps events to listeners, `true` is an empty
 *   value, and `false`, `null` and `undefined` leave an attribute out.
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Creates an SVG element, as {@link el} does. */
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

/** Returns the element of the page with this id. */
export const byId = (id) => document.getElementById(id);

let announcement = 0;

/** Lets screen readers say `text` when they are done with the current sentence. */
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

/** `1234` is `1,234`. */
export const whole = (value) => numbers.format(value);
/** `1234` is `1.23K`. */
export const compact = (value) => short.format(value);
/** Time of the day. */
export const time = (ms) => clock.format(ms);
/** Date and time. */
export const dateTime = (ms) => date.format(ms);
/** `1 slot`, `2 slots`. */
export const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

/** Size in bytes, such as `1.2 kB`. */
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

/** An id in a form that fits into a heading. */
export const shortId = (id) => (id.length > 10 ? `${id.slice(0, 8)}…` : id);

/** A value from the game as indented JSON, cut if it is very long. */
export function json(value, limit = 20_000) {
  const text = JSON.stringify(value, null, 2) ?? 'null';
  return text.length > limit ? `${text.slice(0, limit)}\n… ${whole(text.length - limit)} more characters` : text;
}
