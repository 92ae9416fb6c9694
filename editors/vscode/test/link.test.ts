import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FrameType, dataOf, readOffset } from '../src/core/frames.js';
import { LinkStream } from '../src/core/link.js';
import type { LinkTimes } from '../src/core/stream.js';
import { Trouble } from '../src/core/trouble.js';
import { Peer, Told } from './support/peer.js';

const times: Partial<LinkTimes> = { firstPause: 1, longestPause: 2, goodbye: 20 };

function started(more: Partial<LinkTimes> = {}) {
  const peers: Peer[] = [];
  const waiting: ((peer: Peer) => void)[] = [];
  const told = new Told();
  const stream = new LinkStream(
    () => {
      const peer = new Peer();
      const taker = waiting.shift();
      if (taker === undefined) peers.push(peer);
      else taker(peer);
      return Promise.resolve({ socket: peer.client, gateway: { host: 'node1', port: 7443 } });
    },
    { component: 'app', stop: '1-a' },
    told,
    { ...times, ...more },
  );
  // Connections in the order in which they were dialled.
  const dialled = (): Promise<Peer> => {
    const peer = peers.shift();
    return peer === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(peer);
  };
  return { stream, told, dialled };
}

async function open(more: Partial<LinkTimes> = {}) {
  const all = started(more);
  const peer = await all.dialled();
  const hello = await peer.control(FrameType.hello);
  assert.deepEqual({ ...hello, agent: '' }, { version: 1, agent: '', promptAcks: true, resumes: true });
  assert.deepEqual(await peer.control(FrameType.open), { component: 'app', stop: '1-a' });
  return { ...all, peer };
}

async function decided(more: Partial<LinkTimes> = {}) {
  const all = await open(more);
  all.peer.hello();
  all.peer.say(FrameType.verdict, 1, { ok: true, component: 'app', session: 's' });
  await all.told.until('decided true ');
  return all;
}

test('hello, OPEN and the first bytes leave without waiting for the gateway', async () => {
  const { stream, peer } = await open();
  stream.send(Buffer.from('hi'));
  const frame = await peer.next();
  assert.deepEqual([frame.type, readOffset(frame), dataOf(frame).toString()], [FrameType.data, 0, 'hi']);
  stream.abort('done');
});

test('what was heard is acknowledged before anything is said', async () => {
  const { stream, peer, told } = await decided();
  peer.offset(FrameType.data, 0, 'stopped');
  await told.until('received stopped');
  stream.send(Buffer.from('next'));
  const [ack, data] = [await peer.next(), await peer.next()];
  assert.deepEqual([ack.type, readOffset(ack), data.type], [FrameType.ack, 7, FrameType.data]);
  stream.abort('done');
});

test('a refusal is told once, and ends the link', async () => {
  const { peer, told } = await open();
  peer.hello();
  peer.say(FrameType.verdict, 1, { ok: false, code: 'busy', reason: 'bob is there' });
  await told.until('decided false bob is there');
  peer.say(FrameType.verdict, 1, { ok: true });
  peer.cut();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(told.all, ['decided false bob is there']);
});

test('a link that breaks goes on at the very byte, in both directions', async () => {
  const { stream, peer, told, dialled } = await decided();
  stream.send(Buffer.from('0123456789'));
  await peer.next();
  peer.offset(FrameType.ack, 2);
  peer.offset(FrameType.data, 0, 'abc');
  await told.until('received abc');
  peer.cut();
  await told.until('link down');
  stream.send(Buffer.from('XY')); // said while there is no link
  const second = await dialled();
  await second.control(FrameType.hello);
  assert.deepEqual(await second.control(FrameType.resume), { link: 'abc', streams: [{ stream: 1, received: 3 }] });
  assert.equal(second.heard, 0, 'nothing is said before RESUMED');
  second.hello('other');
  second.say(FrameType.resumed, 0, { ok: true, streams: [{ stream: 1, received: 6 }] });
  const ack = await second.next();
  assert.deepEqual([ack.type, readOffset(ack)], [FrameType.ack, 3]);
  const data = await second.next();
  assert.deepEqual([readOffset(data), dataOf(data).toString()], [6, '6789XY']);
  second.offset(FrameType.data, 3, 'def');
  await told.until('received def');
  assert.deepEqual(told.all, ['decided true ', 'received abc', 'link down', 'link up', 'received def']);
  // The name stays that of the first hello.
  second.cut();
  const third = await dialled();
  await third.control(FrameType.hello);
  assert.equal((await third.control(FrameType.resume)).link, 'abc');
  stream.abort('done');
});

test('an end that is wanted while there is no link is said on the next one', async () => {
  const { stream, peer, told, dialled } = await decided();
  peer.cut();
  await told.until('link down');
  stream.send(Buffer.from('disconnect'));
  stream.end();
  const second = await dialled();
  await second.control(FrameType.hello);
  await second.control(FrameType.resume);
  second.hello();
  second.say(FrameType.resumed, 0, { ok: true, streams: [{ stream: 1, received: 0 }] });
  const [data, end] = [await second.next([FrameType.ack]), await second.next()];
  assert.deepEqual([dataOf(data).toString(), end.type, readOffset(end)], ['disconnect', FrameType.end, 10]);
  second.offset(FrameType.end, 0);
  await told.until('closed');
});

test('a stream whose OPEN never came is opened anew, from its first byte', async () => {
  const { stream, peer, told, dialled } = await open();
  stream.send(Buffer.from('hi'));
  peer.hello();
  await peer.next();
  await new Promise((resolve) => setImmediate(resolve));
  peer.cut();
  const second = await dialled();
  await second.control(FrameType.hello);
  assert.deepEqual(await second.control(FrameType.resume), { link: 'abc', streams: [{ stream: 1, received: 0, undecided: true }] });
  second.hello();
  second.say(FrameType.resumed, 0, { ok: true, streams: [] });
  const again = await second.next();
  assert.deepEqual([again.type, again.stream], [FrameType.open, 3]);
  const data = await second.next();
  assert.deepEqual([data.stream, readOffset(data), dataOf(data).toString()], [3, 0, 'hi']);
  second.say(FrameType.verdict, 3, { ok: true });
  await told.until('decided true ');
  stream.abort('done');
});

test('a gateway that does not go on says why', async () => {
  const { peer, told, dialled } = await decided();
  peer.cut();
  const second = await dialled();
  second.hello();
  second.say(FrameType.resumed, 0, { ok: false, reason: 'it was started anew' });
  await told.until('lost unreachable: it was started anew');
});

test('who is shown out is told why, and does not come back by itself', async () => {
  const { peer, told } = await decided();
  peer.say(FrameType.goaway, 0, { reason: 'your certificate is revoked', seconds: 0, code: 'expelled' });
  peer.client.push(null);
  peer.cut();
  await told.until('lost refused: your certificate is revoked');
});

test('a gateway that keeps no links is lost at the first break', async () => {
  const { peer, told } = await open();
  peer.hello('');
  peer.say(FrameType.verdict, 1, { ok: true });
  await told.until('decided true ');
  peer.cut();
  await told.until(/^lost unreachable/);
});

test('a gateway that does not answer is given up', async () => {
  const { told } = started({ answer: 10 });
  await told.until('lost unreachable: the gateway does not answer');
});

test('a gateway that falls silent is asked, and then dialled again', async () => {
  const { stream, peer, told, dialled } = await decided({ ping: 5 });
  assert.equal((await peer.next([FrameType.ack])).type, FrameType.ping);
  await told.until('link down');
  await dialled();
  stream.abort('done');
});

test('an end is answered with an end, and both are acknowledged', async () => {
  const { peer, told } = await decided();
  peer.offset(FrameType.data, 0, 'bye');
  peer.offset(FrameType.end, 3);
  await told.until('closed');
  assert.deepEqual(told.all.slice(-2), ['received bye', 'closed']);
  const [ack, end] = [await peer.next(), await peer.next()];
  assert.deepEqual([ack.type, readOffset(ack), end.type, readOffset(end)], [FrameType.ack, 4, FrameType.end, 0]);
  peer.cut();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(told.all.at(-1), 'closed', 'nothing is told after that');
});

test('what was said before an end arrives, and the other end is not waited for for ever', async () => {
  const { stream, peer, told } = await decided({ answer: 20 });
  stream.send(Buffer.from('disconnect'));
  stream.end();
  stream.send(Buffer.from('too late'));
  const [data, end] = [await peer.next(), await peer.next()];
  assert.deepEqual([dataOf(data).toString(), end.type, readOffset(end)], ['disconnect', FrameType.end, 10]);
  await new Promise((resolve) => peer.client.once('close', resolve));
  assert.deepEqual(told.all, ['decided true ']);
});

test('a gateway that breaks the protocol is told to the person, and left', async () => {
  const faults: [string, (peer: Peer) => void][] = [
    ['data at the wrong offset', (peer) => { peer.offset(FrameType.data, 5, 'x'); }],
    ['an ack of what was never sent', (peer) => { peer.offset(FrameType.ack, 5); }],
    ['an end at the wrong offset', (peer) => { peer.offset(FrameType.end, 5); }],
    ['goes on with a link that did not break', (peer) => { peer.say(FrameType.resumed, 0, { ok: true, streams: [] }); }],
  ];
  for (const [line, commit] of faults) {
    const { peer, told } = await decided();
    commit(peer);
    await told.until(new RegExp(`^lost refused: the gateway breaks the protocol of the link: .*${line}`));
  }
});

test('there is no way to the gateway: its reason is told, and it is not dialled for ever', async () => {
  const told = new Told();
  let dials = 0;
  new LinkStream(() => (dials++, Promise.reject(new Trouble('certificate', 'not for this host'))), { component: 'app' }, told, times);
  await told.until('lost certificate: not for this host');
  assert.equal(dials, 1);
});
