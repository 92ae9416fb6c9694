import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MessageDecoder, encodeMessage } from '../src/core/dap.js';

const event = (text: string) => ({ seq: 1, type: 'event', event: 'output', body: { output: text } });

test('the length is that of bytes, not of characters', () => {
  const bytes = encodeMessage(event('größe 猫'));
  const [header = '', body = ''] = bytes.toString('utf8').split('\r\n\r\n');
  assert.equal(header, `Content-Length: ${String(Buffer.byteLength(body))}`);
  assert.notEqual(Buffer.byteLength(body), body.length);
});

test('messages come out the same however their bytes are cut', () => {
  const all = Buffer.concat([encodeMessage(event('größe 猫')), encodeMessage(event('x'.repeat(300))), encodeMessage(event(''))]);
  for (let size = 1; size < 64; size++) {
    const decoder = new MessageDecoder();
    const found = [];
    for (let at = 0; at < all.length; at += size) found.push(...decoder.feed(all.subarray(at, at + size)));
    assert.deepEqual(found, [event('größe 猫'), event('x'.repeat(300)), event('')], `cut every ${String(size)} bytes`);
  }
});

test('a header may have other fields', () => {
  const body = JSON.stringify(event('x'));
  assert.deepEqual(new MessageDecoder().feed(Buffer.from(`Content-Type: x\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`)), [event('x')]);
});

test('what is no message is refused', () => {
  const wrong = ['Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}', 'Content-Length: -2\r\n\r\n{}', 'Content-Length: 99999999999\r\n\r\n', 'Content-Length: 268435457\r\n\r\n', 'Length: 2\r\n\r\n{}', 'Content-Length: 2\r\n\r\n{}', 'Content-Length: 4\r\n\r\nnull', 'Content-Length: 3\r\n\r\n{a}', 'x'.repeat(5000)];
  for (const text of wrong) assert.throws(() => new MessageDecoder().feed(Buffer.from(text)), { name: 'Trouble' }, text.slice(0, 60));
});
