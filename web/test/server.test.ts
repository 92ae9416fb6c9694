import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { carryOut, EventText, reasonIn } from '../src/server';

// What becomes of one action at that server, which is gone afterwards; and the steps that were told.
async function at(listener: RequestListener | undefined, silence?: number): Promise<string[]> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const path = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/components/app/start`;
  const end = () => new Promise((done) => {
    server.closeAllConnections();
    server.close(done);
  });
  if (!listener) await end();
  const steps: string[] = [];
  const text = await carryOut({ name: 'start', label: 'Start…', path, body: {} }, {}, (step) => steps.push(step), silence);
  if (listener) await end();
  return [...steps, text];
}
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

test('events are read out of their text, wherever it is cut', () => {
  const text = ': still here\n\ndata: {"a":1}\n\ndata:{"b":"é"}\r\n\r\n';
  for (let first = 0; first <= text.length; ++first) {
    const events = new EventText();
    const found = [...events.take(text.slice(0, first)), ...events.take(text.slice(first))];
    assert.deepEqual(found.map((one) => JSON.parse(one) as unknown), [{ a: 1 }, { b: 'é' }]);
  }
  assert.deepEqual(new EventText().take('data: {"not":"all of it'), []);
});

test('a refusal is told in its own words', () => {
  assert.deepEqual(reasonIn('{"error":"you follow them 4 times already","code":"limited"}', 429), { text: 'you follow them 4 times already', forbidden: false, trying: true });
  assert.deepEqual(reasonIn('{"error":"no component is for you"}', 403), { text: 'no component is for you', forbidden: true, trying: true });
  assert.deepEqual(reasonIn('{"error":"over","code":"forbidden"}', 502), { text: 'over', forbidden: true, trying: true });
  for (const other of ['', '<html>', '{}', '{"error":{}}', '{"error":""}', 'null', '[]']) assert.deepEqual(reasonIn(other, 502), { text: 'the gateway answers with HTTP 502', forbidden: false, trying: true });
});

test('of an action one hears its steps and its end', async () => {
  assert.deepEqual(await at((_, answer) => answer.end(`\n${line({ progress: { text: 'one' } })}\n${line({ result: { state: 'running' } })}`)), ['one', 'running']);
  assert.deepEqual(await at((_, answer) => answer.writeHead(409).end('{"error":"bob has the baton","code":"refused"}')), ['bob has the baton']);
});

test('an action whose end is not told may have been done, and nobody waits for ever', async () => {
  const silent = 'nothing was heard of it for 0.3 s, so it may have been done or not: look, before you do it again';
  assert.deepEqual(await at(() => undefined, 300), [silent]);
  assert.deepEqual(await at((_, answer) => answer.write(line({ progress: { text: 'one' } })), 300), ['one', silent]);
  assert.deepEqual(await at((_, answer) => answer.end(line({ progress: { text: 'one' } }))), ['one', 'its end was not told: look whether it was done']);
  assert.deepEqual(await at(undefined), ['the gateway did not answer: look whether it was done']);
});

test('where delvegate ui stands between and nobody answers, it has ended', async () => {
  assert.deepEqual(await at((_, answer) => answer.writeHead(200, { 'X-Delvegate-Ui': '1' }).end(line({ text: 'done' }))), ['done']);
  assert.deepEqual(await at(undefined), ['look whether it was done: delvegate ui has ended: run it again, and follow the link that it prints']);
  assert.deepEqual(await at((_, answer) => answer.end(line({ text: 'done' }))), ['done']);
  assert.deepEqual(await at(undefined), ['the gateway did not answer: look whether it was done']);
});
