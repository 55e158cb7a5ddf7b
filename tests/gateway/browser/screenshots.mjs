/** Draws the pictures of the operator page. See screenshots.sh. */

import { setTimeout as sleep } from 'node:timers/promises';
import { launch, open, status } from './server.mjs';

const DOCS = new URL('../../../docs/', import.meta.url).pathname;

const browser = await launch();
const wide = await open(browser, process.env.URL, { colorScheme: 'dark' });
await status(wide);
// Long enough for the plots to show something.
await sleep(45_000);
await wide.screenshot({ path: `${DOCS}gateway.png` });
const narrow = await open(browser, process.env.URL, { width: 390, height: 844, colorScheme: 'light' });
await status(narrow);
await narrow.waitForSelector('.slot[data-flash]');
await narrow.screenshot({ path: `${DOCS}gateway_phone.png` });
await browser.close();
