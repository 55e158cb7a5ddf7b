/**
 * The reason why a connection attempt ended, and how to proceed.
 *
 * @module ended
 */

import { EventTooLarge } from './sse.js';
import { BadInput, OtherEpoch } from './world-state.js';

/** Maximum accepted `Retry-After`, in milliseconds. */
const MAX_RETRY_AFTER = 10 * 60_000;

/** Ends the current attempt. If `restart`, the next one starts with `/world/init`. If `final`, there is no next one. */
export class Ended extends Error {
  /**
   * @param {string} reason A short code.
   * @param {object} [more]
   * @param {string} [more.detail] A human-readable description.
   * @param {boolean} [more.restart]
   * @param {boolean} [more.final]
   * @param {number} [more.retryAfter] Minimum delay before the next attempt, in milliseconds.
   */
  constructor(reason, { detail, restart = false, final = false, retryAfter = 0 } = {}) {
    super(detail ?? reason);
    Object.assign(this, { reason, detail, restart, final, retryAfter });
  }
}

/** Converts an error. @param {Error} error */
export function asEnded(error) {
  if (error instanceof Ended) return error;
  const restart = error instanceof BadInput || error instanceof OtherEpoch || error instanceof EventTooLarge;
  return new Ended(restart ? error.name : 'network', { detail: error.message, restart });
}

/** Converts an unsuccessful response. @param {Response} response */
export async function refusal(response) {
  let problem = null;
  try {
    problem = JSON.parse(await response.text());
  } catch {
    // The status is sufficient.
  }
  const detail = problem?.detail ?? problem?.title;
  switch (response.status) {
    case 401:
      return new Ended('unauthorized', { detail, final: true });
    case 403:
      return new Ended('forbidden', { detail, final: true });
    case 410:
      return new Ended('expired', { detail, restart: true });
    default:
      return new Ended(`status ${response.status}`, { detail, retryAfter: retryAfter(response) });
  }
}

function retryAfter(response) {
  const text = response.headers.get('Retry-After');
  if (!text) return 0;
  const delay = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return delay > 0 ? Math.min(delay, MAX_RETRY_AFTER) : 0;
}
