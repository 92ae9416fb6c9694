// The page with 50 components and 100 people on a phone: its very files, fed by a server of this test's, as fifty programs under dlv are
// too many for a test.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { card, fits, inView, open } from './web_browser.mjs';

const since = '2026-11-26 14:03:11 UTC';
const all = ['ask', 'give', 'drop', 'take', 'park', 'unpark', 'start', 'stop', 'restore', 'kill'];
const names = Array.from({ length: 50 }, (_, i) => (i === 7 ? 'a'.repeat(63) : `component-${i}`));

const state = {
  you: { user: 'alice', certificateEnds: since, certificateWarning: false, audit: false }, gateway: { certificateEnds: since, certificateWarning: false },
  components: names.map((component, i) => ({
    component, kind: 'launcher', state: i % 3 ? 'stopped' : 'running', since, by: `person-${i}`, position: `main.work() in /${'long'.repeat(40)}/cmd/main.go:42`,
    sourceLine: 'x'.repeat(200) + '…', stop: '17-3f9c', runControl: { mode: 'baton', holder: i % 2 ? 'alice' : `person-${i}`, since },
    stopBudget: { damage: '1h', used: '3s', counts: i % 3 > 0, breakpointsOff: false }, launcher: { state: 'running', detached: true },
    ...(i % 3 === 2 ? { park: { stop: '17-3f9c', by: 'bob', note: 'n'.repeat(512), until: since } } : {}),
    breakpoints: [{ id: 1, user: 'bob', at: 'main.go:42', here: true, pinned: false }], may: all,
  })),
  sessions: Array.from({ length: 100 }, (_, i) => ({
    session: `s${i}`, component: names[i % 50], user: `person-${i}`, role: 'developer', ide: 'Visual Studio Code', protocol: 'DAP', since, certificateEnds: since,
  })),
};

function serve() {
  const files = JSON.parse(readFileSync(join(process.env.FILES, 'files.json'), 'utf8'));
  const server = createServer((request, answer) => {
    if (request.method === 'POST') return answer.writeHead(200).end(JSON.stringify({ text: `done: ${request.url}` }) + '\n');
    if (request.url === '/v1/events') return answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(`data: ${JSON.stringify(state)}\n\n`);
    const file = files[request.url];
    return answer.writeHead(file ? 200 : 404, file?.headers).end(file?.text);
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

export async function crowd(phone) {
  const server = await serve();
  try {
    const page = await open(`http://127.0.0.1:${server.address().port}/`, phone);
    await card(page, names[49]).waitFor();
    assert.equal(await page.getByRole('article').count(), 50);
    assert.ok(await fits(page), 'there is something beside the window');
    // It counts on without another word from the gateway.
    await card(page, 'component-1').getByText(/^stop budget: ([4-9]|[1-5]\d) s of 1 h used$/).waitFor();

    // The Tab key leads to every action, and what has the focus is seen.
    const buttons = page.locator('article button:visible');
    const wanted = await buttons.count();
    assert.ok(wanted > 200, `${wanted} buttons`);
    await page.getByRole('searchbox').focus();
    const reached = new Set();
    const press = async (key) => {
      await page.keyboard.press(key);
      const { name, seen } = await page.evaluate(() => {
        const at = document.activeElement;
        const box = at.getBoundingClientRect();
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return { name: at.matches('article button') ? `${at.closest('article').ariaLabel}: ${at.ariaLabel ?? at.textContent}` : '', seen: at.contains(top) };
      });
      if (!name) return;
      assert.ok(seen, `${name} is behind something`);
      reached.add(name);
    };
    for (let presses = 0; reached.size < wanted; ++presses) {
      assert.ok(presses < wanted + 60, `the Tab key leads to ${reached.size} of ${wanted} actions`);
      await press('Tab');
    }

    // What has come of it is seen wherever one is.
    const far = card(page, 'component-31').getByRole('button', { name: 'Drop the baton' });
    await far.scrollIntoViewIfNeeded();
    await far.click();
    const said = page.getByText('component-31: Drop the baton: done: /v1/components/component-31/baton');
    await said.waitFor();
    assert.ok(await inView(said), 'the outcome is out of sight');
    assert.ok(await inView(far));
    // Nor is anything behind many of them, on the way up either.
    for (const i of [33, 35, 37, 39, 41]) {
      await card(page, names[i]).getByRole('button', { name: 'Drop the baton' }).click();
      await page.getByText(`${names[i]}: Drop the baton: done: `).waitFor();
    }
    assert.equal(await page.locator('#said > p').count(), 6);
    reached.clear();
    while (reached.size < 40) await press('Shift+Tab');
    const hide = page.getByRole('button', { name: 'Hide' });
    const box = await hide.boundingBox();
    assert.ok(box.width > box.height, 'its word is broken');
    await hide.click();
    await said.waitFor({ state: 'detached' });
    await card(page, 'component-32').getByRole('button', { name: 'Resume' }).click();
    assert.ok(await inView(page.getByRole('dialog')));
    assert.ok(await inView(page.getByRole('dialog').getByRole('button', { name: 'Resume' })));
    assert.ok(await fits(page));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
