/**
 * The token. It is read from the address or entered by the user, stored only in this tab, and never sent in a URL.
 *
 * @module session
 */

import { byId } from './dom.js';

const KEY = 'inventory-sync token';

/** Holds the token, and asks for it in a dialog. */
export class Session {
  #token = null;
  #changed;
  #dialog = byId('sign-in');
  #field = byId('token');

  /** @param {() => void} changed Called when the token changes. */
  constructor(changed) {
    this.#changed = changed;
    this.#token = stored();
    this.#fromAddress();
    addEventListener('hashchange', () => {
      if (this.#fromAddress()) this.#changed();
    });
    this.#dialog.addEventListener('close', () => {
      const token = this.#field.value.trim();
      this.#field.value = '';
      const signIn = this.#dialog.returnValue === 'sign-in';
      this.#dialog.returnValue = '';
      if (signIn && token) this.set(token);
    });
  }

  /** @returns {string | null} */
  get token() {
    return this.#token;
  }

  /** Sets the token. `null` signs out. */
  set(token) {
    this.#token = token;
    store(token);
    this.#changed();
  }

  /** Opens the sign-in dialog. */
  ask() {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.focus();
  }

  /** Removes a token from the address bar, so that it does not appear in the history or in screenshots. */
  #fromAddress() {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (token === null) return false;
    history.replaceState(null, '', location.pathname + location.search);
    if (!token || token === this.#token) return false;
    this.#token = token;
    store(token);
    return true;
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // The browser blocks storage. The token is lost when the page is reloaded.
  }
}

function store(token) {
  try {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  } catch {
    // See above.
  }
}
