/**
 * Requests for JSON and text, with the token in the `Authorization` header.
 *
 * @module api
 */

/** An unsuccessful response. */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status.
   * @param {object | null} problem The response body, if it is JSON.
   */
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? `The server responded with status ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }
}

/** Sends requests to the server that serves the page. */
export class Api {
  /** @param {() => string | null} token Returns the current token. */
  constructor(token) {
    this.token = token;
  }

  /**
   * Requests JSON.
   *
   * @param {string} path
   * @param {Record<string, string | number>} [query]
   * @throws {ApiError | TypeError}
   */
  async json(path, query = {}) {
    return (await this.#get(path, query)).json();
  }

  /** Requests text. */
  async text(path) {
    return (await this.#get(path, {})).text();
  }

  /** Requests an image. The browser may return a cached one. */
  async picture(path) {
    return (await this.#get(path, {}, 'default')).blob();
  }

  async #get(path, query, cache = 'no-store') {
    const url = new URL(path, location.origin);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const token = this.token();
    const response = await fetch(url, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      cache,
      signal: AbortSignal.timeout(15_000),
    });
    if (response.ok) return response;
    throw new ApiError(response.status, await response.json().catch(() => null));
  }
}

/**
 * Calls `ask` immediately, and then every `period` ms while the page is visible, until the returned function is called.
 *
 * @param {number} period
 * @param {(isStopped: () => boolean) => Promise<boolean | void>} ask Returns `false` to stop polling. `isStopped`
 *   returns `true` if the result is no longer needed.
 * @returns {() => void}
 */
export function poll(period, ask) {
  let timer = 0;
  let stopped = false;
  const next = async () => {
    const again = document.hidden ? true : await ask(() => stopped);
    if (!stopped && again !== false) timer = setTimeout(next, period);
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
