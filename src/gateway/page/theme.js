/**
 * The light or dark theme. Follows the system setting until the user selects a theme.
 *
 * @module theme
 */

const KEY = 'inventory-sync theme';

/** @param {HTMLButtonElement} button Switches between the themes. */
export function setUpTheme(button) {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => document.documentElement.dataset.theme;
  const dark = () => (chosen() ? chosen() === 'dark' : system.matches);
  const label = () => {
    button.textContent = dark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', dark() ? 'Light theme' : 'Dark theme');
  };
  const saved = load();
  if (saved === 'light' || saved === 'dark') document.documentElement.dataset.theme = saved;
  label();
  system.addEventListener('change', label);
  button.addEventListener('click', () => {
    const theme = dark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    label();
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // The browser blocks storage. The selection is lost when the page is reloaded.
    }
  });
}

function load() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
