/**
 * Loads icons with the token, because an `<img>` cannot send one. Loads a few at a time.
 *
 * @module icons
 */

import { el } from './dom.js';

/** Images up to this width and height, in pixels, are treated as pixel art and drawn with sharp edges. */
const PIXEL_ART = 48;
/** Maximum number of icons loading at the same time. */
const AT_ONCE = 3;
/** Number of icons loaded without a pause, and the pause after each later one in ms. Avoids reaching the rate limit. */
const FREE = 100;
const PAUSE = 100;
/** Maximum number of attempts per icon. */
const TRIES = 5;

/** Caches loaded icons. */
export class Icons {
  #api;
  /** By path: the loaded icon, `null` if there is none, or the placeholders that wait for it. */
  #icons = new Map();
  #queue = [];
  #loading = 0;
  #loaded = 0;

  /** @param {import('./api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Returns the icon, or a placeholder that the icon will replace.
   *
   * @param {string} path
   * @param {() => Element} label Creates the element to show if there is no icon.
   */
  picture(path, label) {
    const icon = this.#icons.get(path);
    if (icon === null) return label();
    if (icon?.url) return image(icon);
    const place = el('span', { class: 'icon' });
    if (icon) {
      icon.push({ place, label });
    } else {
      this.#icons.set(path, [{ place, label }]);
      this.#queue.push({ path, tries: 0 });
      this.#next();
    }
    return place;
  }

  /** Clears the cache, because the items or the rights may have changed. */
  forget() {
    for (const [path, icon] of this.#icons) {
      if (Array.isArray(icon)) continue;
      if (icon) URL.revokeObjectURL(icon.url);
      this.#icons.delete(path);
    }
  }

  #next() {
    while (this.#loading < AT_ONCE && this.#queue.length > 0) {
      this.#loading += 1;
      this.#load(this.#queue.shift());
    }
  }

  async #load(job) {
    try {
      this.#settle(job.path, await read(await this.#api.picture(job.path)));
    } catch (error) {
      job.tries += 1;
      const final = (error.status >= 400 && error.status !== 429 && error.status < 500) || job.tries >= TRIES;
      if (final || error instanceof DOMException) this.#settle(job.path, null);
      else this.#queue.push(job);
      if (!final) await pause(1_000);
    }
    this.#loaded += 1;
    if (this.#loaded > FREE) await pause(PAUSE);
    this.#loading -= 1;
    this.#next();
  }

  #settle(path, icon) {
    const waiting = this.#icons.get(path);
    this.#icons.set(path, icon);
    for (const { place, label } of waiting) place.replaceWith(icon ? image(icon) : label());
  }
}

const pause = (ms) => new Promise((resolve) => {
  setTimeout(resolve, ms);
});

const image = ({ url, small }) => el('img', { class: small ? 'icon pixels' : 'icon', alt: '', src: url, draggable: 'false' });

async function read(blob) {
  const picture = await createImageBitmap(blob);
  const small = Math.max(picture.width, picture.height) <= PIXEL_ART;
  picture.close();
  return { url: URL.createObjectURL(blob), small };
}
