// The web page in a real browser, two people at once; tests/editors/web_page_e2e.py starts what it needs. Packages are those of the
// folder it is run in.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import assert from 'node:assert/strict';

const { chromium } = createRequire(join(process.cwd(), 'package.json'))('playwright-core');
const { GATEWAY: url, UI: ui, ALICE, BOB, SHOTS: shots, DEADLINE, CHROMIUM } = process.env;
const origin = new URL(url).origin;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const troubles = [];

async function person(files, more = {}) {
  const [certPath, keyPath] = files.split(':');
  const context = await browser.newContext({ ignoreHTTPSErrors: true, clientCertificates: [{ origin, certPath, keyPath }], ...more });
  context.setDefaultTimeout(Number(DEADLINE) * 1000);
  const page = await context.newPage();
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  page.on('request', (request) => new URL(request.url()).protocol === 'data:' || new URL(request.url()).origin === origin || troubles.push(`asked ${request.url()}`));
  await page.goto(url);
  await page.getByText('live', { exact: true }).waitFor();
  return page;
}

try {
  const alice = await person(ALICE, { viewport: { width: 1200, height: 700 } });
  const bob = await person(BOB, { viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  const app = (page) => page.getByRole('article', { name: 'app' });
  for (const page of [alice, bob]) {
    await app(page).getByText('stopped since').waitFor();
    await app(page).getByText('main.go').first().waitFor();
    await app(page).getByText('baton: alice since').waitFor();
    // On a phone, too, nothing is beside the window.
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
  await alice.getByRole('list', { name: 'Audit' }).getByText('at app').first().waitFor();
  assert.equal(await bob.getByRole('list', { name: 'Audit' }).isVisible(), false);
  assert.equal(await app(bob).getByRole('button', { name: 'End bob' }).isVisible(), false);

  // By keyboard alone.
  await bob.getByRole('searchbox').focus();
  const ask = app(bob).getByRole('button', { name: 'Ask for the baton' });
  for (let presses = 0; !(await ask.evaluate((button) => button === document.activeElement)); ++presses) {
    assert.ok(presses < 30, 'the button is not reached by the Tab key');
    await bob.keyboard.press('Tab');
  }
  await bob.keyboard.press('Enter');
  await app(alice).getByText('asking: bob').waitFor();

  if (shots) {
    await alice.screenshot({ path: join(shots, 'web.png') });
    await bob.screenshot({ path: join(shots, 'web-phone-dark.png') });
  }

  const end = app(alice).getByRole('button', { name: "End bob's session at app" });
  await end.click();
  const dialog = alice.getByRole('dialog');
  await dialog.getByText("bob's session at app").waitFor();
  await alice.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.ok(await end.isVisible());
  await end.click();
  await dialog.getByRole('textbox').fill('<img src=x onerror=alert(1)>');
  await dialog.getByRole('button', { name: 'End the session' }).click();
  await alice.getByText("bob's session at app was ended").waitFor();
  for (const page of [alice, bob]) await app(page).getByText('bob (').waitFor({ state: 'detached' });

  // The same page by `delvegate ui`: no certificate in the browser, and a link for one time.
  const own = await browser.newContext();
  own.setDefaultTimeout(Number(DEADLINE) * 1000);
  const page = await own.newPage();
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  await page.goto(ui);
  await page.getByText('live', { exact: true }).waitFor();
  await app(page).getByText('stopped since').waitFor();
  assert.equal(new URL(page.url()).search, '');
  await app(page).getByRole('button', { name: 'Park this stop' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('by delvegate ui');
  await page.getByRole('dialog').getByRole('button', { name: 'Park' }).click();
  await app(alice).getByText('by delvegate ui').first().waitFor();
  assert.deepEqual(troubles, []);
  const other = await (await browser.newContext()).newPage();
  assert.equal((await other.goto(ui)).status(), 403);
} finally {
  await browser.close();
}
