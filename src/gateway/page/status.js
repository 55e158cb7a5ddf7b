/**
 * The state of the page's connection: the status at the top, the notice below it, and screen reader announcements.
 *
 * @module status
 */

import { announce, byId, setAttribute, setText } from './dom.js';

const REFUSED = new Set(['unauthorized', 'token_expired', 'token_revoked']);

/** Shows the status of {@link import('./state-sync.js').StateSync}. */
export class StatusView {
  #session;
  #retry;
  #announced = '';

  /**
   * @param {import('./session.js').Session} session
   * @param {() => void} retry Restarts after a stop.
   */
  constructor(session, retry) {
    this.#session = session;
    this.#retry = retry;
    byId('sign').addEventListener('click', () => (session.token ? session.set(null) : session.ask()));
  }

  /**
   * @param {import('./state-sync.js').Status} status
   * @param {string | undefined} scope
   */
  show(status, scope) {
    const { kind, seconds, reason } = status;
    const text = wordsOf(status);
    setAttribute(byId('status'), 'data-status', kind);
    setAttribute(byId('status'), 'data-reason', kind === 'live' ? null : reason);
    setText(byId('status-text'), text);
    document.title = kind === 'live' ? 'Inventories' : `${kind === 'behind' ? 'Behind' : text} · Inventories`;
    document.body.dataset.scope = scope || 'none';
    setText(byId('sign'), this.#session.token ? 'Sign out' : 'Sign in');
    const spoken = kind === 'behind' ? (seconds < 2 ? this.#announced : 'Connection lost, reconnecting') : text;
    if (spoken !== this.#announced) {
      this.#announced = spoken;
      announce(spoken);
    }
    this.#notice(status, scope);
  }

  #notice({ kind, reason, detail }, scope) {
    const why = detail ? ` ${sentence(detail)}` : '';
    if (kind === 'stopped' && REFUSED.has(reason)) {
      const expired = reason === 'unauthorized' ? 'The server rejected the token.' : 'The token is no longer valid.';
      const text = this.#session.token ? expired : 'This server requires a token.';
      this.#say(`${text}${why}`, 'Sign in', () => this.#session.ask());
    } else if (kind === 'stopped' && reason === 'forbidden') {
      this.#say(`The token does not allow this.${why}`, 'Use another token', () => this.#session.ask());
    } else if (kind === 'stopped') {
      this.#say(`Stopped.${why}`, 'Start', this.#retry);
    } else if (scope === 'spectator' && !this.#session.token) {
      this.#say('You see only public views.', 'Sign in to see more', () => this.#session.ask());
    } else {
      byId('notice').hidden = true;
    }
  }

  #say(text, action, run) {
    setText(byId('notice-text'), text);
    const button = byId('notice-button');
    setText(button, action);
    button.onclick = run;
    byId('notice').hidden = false;
  }
}

function wordsOf({ kind, seconds, reason }) {
  if (kind === 'live') return 'Live';
  if (kind === 'connecting') return seconds < 5 ? 'Connecting' : `Connecting, ${seconds} s`;
  if (kind === 'behind') return seconds < 2 ? 'Reconnecting' : `Behind ${seconds} s`;
  return REFUSED.has(reason) ? 'Signed out' : 'Stopped';
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
