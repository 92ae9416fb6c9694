import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FrameDecoder, FrameType, dataOf, encodeControl, encodeFrame, encodeOffset, readControl, readOffset } from '../src/core/frames.js';

test('a frame has the bytes of docs/protocol.md', () => {
  assert.equal(encodeFrame(FrameType.ping, 0, Buffer.from('delvgate')).toString('hex'), '08000000' + '00000000' + '00000008' + '64656c7667617465');
  assert.equal(encodeOffset(FrameType.data, 3, 258, Buffer.from('x')).toString('hex'), '04000000' + '00000003' + '00000009' + '0000000000000102' + '78');
  assert.equal(encodeControl(FrameType.open, 1, { component: 'a' }).subarray(12).toString(), '{"component":"a"}');
});

test('frames come out the same however their bytes are cut', () => {
  const all = Buffer.concat([encodeControl(FrameType.hello, 0, { version: 1 }), encodeOffset(FrameType.data, 1, 0, Buffer.from('hello')), encodeOffset(FrameType.ack, 1, 7)]);
  for (let size = 1; size <= all.length; size++) {
    const decoder = new FrameDecoder();
    const frames = [];
    for (let at = 0; at < all.length; at += size) frames.push(...decoder.feed(all.subarray(at, at + size)));
    assert.deepEqual(frames.map((one) => [one.type, one.stream]), [[FrameType.hello, 0], [FrameType.data, 1], [FrameType.ack, 1]]);
    const [hello, data, ack] = frames;
    assert.ok(hello && data && ack);
    assert.deepEqual(readControl(hello), { version: 1 });
    assert.equal(readOffset(data), 0);
    assert.equal(dataOf(data).toString(), 'hello');
    assert.equal(readOffset(ack), 7);
  }
});

test('what is no frame is refused', () => {
  for (const bytes of ['00000000' + '00000000' + '00000000', '10000000' + '00000000' + '00000000', '01000100' + '00000000' + '00000000', '01000000' + '00000000' + '00010001', '04000000' + '00000001' + '00040009'])
    assert.throws(() => new FrameDecoder().feed(Buffer.from(bytes, 'hex')), { name: 'Trouble' }, bytes);
  const frame = (payload: Buffer) => ({ type: FrameType.data, stream: 1, payload });
  assert.throws(() => readOffset(frame(Buffer.alloc(7))), /without its offset/);
  assert.throws(() => readOffset(frame(Buffer.alloc(8, 0xff))), /beyond all bounds/);
  for (const body of ['', '[]', 'null', '1', '{', '{"a":"\xff"}']) assert.throws(() => readControl(frame(Buffer.from(body, 'latin1'))), { name: 'Trouble' }, body);
});
