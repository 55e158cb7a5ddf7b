/**
 * A parser for server-sent events that takes the body of a `fetch` response in chunks.
 *
 * @module sse
 */

/** Default maximum size of an event, in characters. */
export const MAX_EVENT = 8 * 1024 * 1024;

/** Thrown by {@link SseParser#push} if an event exceeds the size limit. */
export class EventTooLarge extends Error {
  /** @param {number} limit */
  constructor(limit) {
    super(`an event is larger than ${limit} characters`);
    this.name = 'EventTooLarge';
  }
}

/**
 * @typedef {object} SseEvent
 * @property {string} event Name of the event. `message` if the stream does not specify it.
 * @property {string} data The data lines, joined with `\n`.
 * @property {string} id The last id of the stream so far, or an empty string.
 */

/** Splits a stream into events. Chunks may end anywhere, even inside a character or between CR and LF. */
export class SseParser {
  #decoder = new TextDecoder();
  #limit;
  /** Chunks of an incomplete line. They are joined once, when the line is complete. */
  #partial = [];
  #partialSize = 0;
  #afterCr = false;
  #event = '';
  #data = [];
  #size = 0;
  #id = '';

  /** @param {{limit?: number}} [options] `limit` is the maximum size of an event, in characters. */
  constructor({ limit = MAX_EVENT } = {}) {
    this.#limit = limit;
  }

  /** The last id of the stream so far, even if it was sent without an event. An empty string if there was none. */
  get lastId() {
    return this.#id;
  }

  /**
   * Parses the next chunk and returns the completed events.
   *
   * @param {Uint8Array} bytes
   * @returns {SseEvent[]}
   * @throws {EventTooLarge}
   */
  push(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    const events = [];
    let start = 0;
    if (this.#afterCr && text.length > 0) {
      this.#afterCr = false;
      if (text[0] === '\n') start = 1;
    }
    const ends = /\r\n|\r|\n/g;
    ends.lastIndex = start;
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      this.#keep(text.slice(start, end.index));
      const line = this.#partial.join('');
      this.#partial = [];
      this.#partialSize = 0;
      start = ends.lastIndex;
      this.#afterCr = end[0] === '\r' && start === text.length;
      const event = this.#line(line);
      if (event) events.push(event);
    }
    this.#keep(text.slice(start));
    return events;
  }

  #keep(text) {
    if (text === '') return;
    this.#partial.push(text);
    this.#partialSize += text.length;
    if (this.#partialSize + this.#size > this.#limit) throw new EventTooLarge(this.#limit);
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
    } else if (field === 'event') {
      this.#event = value;
    } else if (field === 'id' && !value.includes('\0')) {
      this.#id = value;
    }
    return null;
  }

  #dispatch() {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const empty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    this.#size = 0;
    return empty ? null : event;
  }
}
