/**
 * The operator page: connects the modules.
 *
 * @module page
 */

import { showHealth, showServers, showTraffic } from './activity.js';
import { Api } from './api.js';
import { fillLegend } from './causes.js';
import { Feed } from './changes.js';
import { Details } from './details.js';
import { announce, byId, plural, setAttribute, setText, whole } from './dom.js';
import { Icons } from './icons.js';
import { Items } from './items.js';
import { Panels } from './panels.js';
import { Session } from './session.js';
import { StateSync } from './state-sync.js';
import { StatusView } from './status.js';
import { setUpTheme } from './theme.js';
import { Timeline } from './timeline.js';
import { World } from './world.js';

const session = new Session(restart);
const api = new Api(() => session.token);
const items = new Items(new Icons(api));
const world = new World();
const context = {
  items,
  world,
  openSlot: (...place) => details.open(...place),
  openTimeline: (about) => timeline.open(about),
};
const panels = new Panels(context);
const details = new Details(context);
const timeline = new Timeline(context, api);
const feed = new Feed(context);
const status = new StatusView(session, () => sync.start());

let sync = null;
/** Functions that stop polling the server. */
let stops = [];

world.onFrame((frame) => {
  panels.update(frame);
  details.update();
  feed.add(frame.changes);
  timeline.add(frame.changes);
  setText(byId('tick'), `tick ${whole(frame.state.tick)}`);
});

/** Connects to the server with the current token. */
function restart() {
  sync?.stop();
  for (const stop of stops) stop();
  for (const id of ['details', 'timeline']) byId(id).close();
  world.clear();
  feed.clear();
  let epoch = null;
  const mine = new StateSync({
    token: session.token,
    onChange(state, event) {
      if (mine !== sync) return;
      world.take(state, event);
      if (state.epoch === epoch) return;
      epoch = state.epoch;
      status.show(mine.status, state.scope);
      loadItems(mine);
    },
    onStatus(now) {
      if (mine !== sync) return;
      status.show(now, mine.state?.scope);
      // The server has rejected the token, so its contents must not stay visible.
      if (now.kind === 'stopped') world.clear();
    },
  });
  sync = mine;
  sync.start();
  stops = [
    showHealth(api),
    showTraffic(api),
    showServers(api, (id) => world.nameOf(id), (owners) => panels.setServers(owners)),
  ];
}

/** Loads the items, and retries until it succeeds. Until then, items are shown by their keys. */
async function loadItems(mine) {
  try {
    const answer = await api.json('/items');
    if (mine !== sync) return;
    items.set(answer);
    panels.redraw();
  } catch {
    if (mine === sync && mine.status.kind !== 'stopped') setTimeout(() => mine === sync && loadItems(mine), 5_000);
  }
}

function setUpSearch() {
  const box = byId('search');
  let timer = 0;
  const search = () => {
    const shown = panels.search(box.value);
    clearTimeout(timer);
    if (box.value.trim()) timer = setTimeout(() => announce(`${plural(shown, 'inventory matches', 'inventories match')}`), 600);
  };
  box.addEventListener('input', search);
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !box.value) return;
    event.preventDefault();
    box.value = '';
    search();
  });
  box.form.addEventListener('submit', (event) => event.preventDefault());
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]') || event.target.closest?.('input, textarea, [contenteditable]')) return;
    event.preventDefault();
    show('inventories');
    box.focus();
    box.select();
  });
}

/** Selects the view to show on narrow screens. */
function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll('[data-show]')) {
    setAttribute(button, 'aria-pressed', String(button.dataset.show === view));
  }
}

/** Closes a dialog when the user presses outside of it. */
function closeOutside(dialog, { target, clientX: x, clientY: y }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  if (target === dialog && (x < left || x > right || y < top || y > bottom)) dialog.close();
}

for (const button of document.querySelectorAll('[data-show]')) {
  button.addEventListener('click', () => show(button.dataset.show));
}
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.addEventListener('pointerdown', (event) => closeOutside(dialog, event));
}
addEventListener('online', () => sync.wake());
document.addEventListener('visibilitychange', () => !document.hidden && sync.wake());

fillLegend(byId('legend'));
setUpTheme(byId('theme'));
setUpSearch();
restart();
