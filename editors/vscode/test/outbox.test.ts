import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linkWindow, maxData } from '../src/core/frames.js';
import { Outbox } from '../src/core/outbox.js';

test('no more is sent than the window lets, and an ack lets more', () => {
  const out = new Outbox();
  out.push(Buffer.alloc(linkWindow + 10, 'x'));
  let sent = 0;
  for (let bytes = out.next(); bytes !== undefined; bytes = out.next()) {
    assert.ok(bytes.length <= maxData);
    sent += bytes.length;
  }
  assert.equal(sent, linkWindow);
  assert.equal(out.waiting, 10);
  assert.ok(out.acknowledge(4));
  assert.equal(out.next()?.length, 4);
  assert.equal(out.next(), undefined);
});

test('pieces are cut and joined in their order', () => {
  const out = new Outbox();
  for (const piece of ['ab', '', 'cde', 'f']) out.push(Buffer.from(piece));
  assert.equal(out.next()?.toString(), 'abcdef');
  out.push(Buffer.from('gh'));
  assert.ok(out.acknowledge(3));
  assert.equal(out.next()?.toString(), 'gh');
});

test('what the other end has not received is said again, and nothing else', () => {
  const out = new Outbox();
  out.push(Buffer.from('0123456789'));
  out.next();
  out.acknowledge(2);
  assert.ok(out.resumeAt(6));
  assert.equal(out.sent, 6);
  assert.equal(out.next()?.toString(), '6789');
});

test('an ack of what was never sent, or less than before, is none', () => {
  const out = new Outbox();
  out.push(Buffer.from('0123'));
  out.next();
  assert.equal(out.acknowledge(5), false);
  assert.ok(out.acknowledge(3));
  assert.equal(out.acknowledge(2), false);
  assert.equal(out.resumeAt(2), false);
});

test('a stream that nobody saw begins anew', () => {
  const out = new Outbox();
  out.push(Buffer.from('abc'));
  out.next();
  out.restart();
  assert.equal(out.sent, 0);
  assert.equal(out.next()?.toString(), 'abc');
});
