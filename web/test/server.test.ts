import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventText, reasonIn } from '../src/server';

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
  assert.deepEqual(reasonIn('{"error":"you follow them 4 times already","code":"limited"}', 429), { text: 'you follow them 4 times already', forbidden: false });
  assert.deepEqual(reasonIn('{"error":"no component is for you"}', 403), { text: 'no component is for you', forbidden: true });
  assert.deepEqual(reasonIn('{"error":"over","code":"forbidden"}', 502), { text: 'over', forbidden: true });
  for (const other of ['', '<html>', '{}', '{"error":{}}', '{"error":""}', 'null', '[]']) assert.deepEqual(reasonIn(other, 502), { text: 'the gateway answers with HTTP 502', forbidden: false });
});
