// One tab more of the page than a browser has connections to one origin.
import assert from 'node:assert/strict';
import { card, open } from './web_browser.mjs';

// A browser without a screen takes each of its tabs for one that is seen: what the page is told otherwise, it is told here.
const look = (page, seen) => page.evaluate((hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
  document.dispatchEvent(new Event('visibilitychange'));
}, !seen);

export async function tabs(ui) {
  const all = [await open(ui)];
  while (all.length < 7) {
    await look(all.at(-1), false);
    all.push(await open(new URL('/', all[0].url()).href, { beside: all[0] }));
  }
  const [first, last] = [all[0], all.at(-1)];
  await first.getByRole('alert').getByText(/^this page lets go of the gateway while it is hidden; what you see is of \d.* UTC$/).waitFor();
  await card(last).getByRole('button', { name: 'Drop the baton' }).click();
  await last.getByRole('status').getByText(/^app: Drop the baton: /).waitFor();
  await card(last).getByText('baton: nobody has it').waitFor();

  // It has not heard of that, and does when it is looked at again.
  assert.ok(await card(first).getByText('baton: alice since').isVisible());
  await look(last, false);
  await look(first, true);
  await first.getByText('live', { exact: true }).waitFor();
  await card(first).getByText('baton: nobody has it').waitFor();
  assert.equal(await first.getByRole('alert').count(), 0);
  await card(first).getByRole('button', { name: 'Ask for the baton' }).click();
  await card(first).getByText('baton: alice since').waitFor();
}
