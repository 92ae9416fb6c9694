import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';

import { ContextStore } from '../src/core/contexts.js';
import { nameAfter, nameBefore, type NameGiver } from '../src/core/naming.js';
import { pinOf } from '../src/core/pem.js';
import { Ca } from './support/certificates.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'delvegate-naming-'));
after(() => {
  fs.rmSync(directory, { recursive: true });
});
const store = new ContextStore(path.join(directory, 'store'));
const gateway = { host: 'node1', port: 7443 };
const pinOfNobody = 'sha256:' + '0'.repeat(64);
/** A context of alice's, with a CA of its own; its pin. */
function enrolled(name: string, port = 7443): string {
  const ca = new Ca(directory, `ca-${name}`);
  const { key, cert } = ca.issue('alice', 'email:alice@example.test');
  const draft = store.begin();
  draft.commit({ name, gateway: { host: 'node1', port }, renewUntil: 0 }, cert + key, ca.pem);
  draft.dispose();
  return pinOf(new X509Certificate(ca.pem));
}
enrolled('node1');

/** Says what it is told to, and keeps what it was asked. */
function person(answer: 'replace' | 'rename' | undefined, name?: string) {
  const asked: string[] = [];
  const giver: NameGiver = {
    replaces: (line) => {
      asked.push(line);
      return Promise.resolve(answer);
    },
    name: (line, suggestion, fault) => {
      asked.push(`${line} [${suggestion}]`);
      for (const wrong of ['node1', '../x', '']) assert.ok(fault(wrong) !== undefined, wrong);
      assert.equal(fault('lab'), undefined);
      return Promise.resolve(name);
    },
  };
  return { asked, giver };
}

test('a name that is free is asked about with nobody', async () => {
  const { asked, giver } = person(undefined);
  const node2 = { gateway: { host: 'node2', port: 7444 }, pin: pinOfNobody };
  assert.deepEqual([await nameBefore(store, node2, giver), await nameBefore(store, { ...node2, gateway, context: 'lab' }, giver)], ['node2', 'lab']);
  assert.deepEqual(asked, []);
});

test('before a token is used, a replacement is confirmed, and another host gets another name', async () => {
  const before = async (answer: 'replace' | 'rename' | undefined, host = 'node1', name?: string) => {
    const { asked, giver } = person(answer, name);
    return [await nameBefore(store, { gateway: { host, port: 7444 }, pin: pinOfNobody, context: 'node1' }, giver), asked];
  };
  const there = 'There is a context node1 already: alice at node1:7443';
  assert.deepEqual(await before('replace'), ['node1', [there]]);
  assert.deepEqual(await before(undefined), [undefined, [there]]);
  assert.deepEqual(await before('rename', 'node1', 'lab'), ['lab', [there, 'The context node1 stays alice at node1:7443 [node1-2]']]);
  assert.deepEqual(await before('replace', 'node2', 'lab'), ['lab', ['The context node1 is of another gateway, alice at node1:7443 [node1-2]']]);
});

test('with the certificate here, what is of another port or person is not replaced, whatever was confirmed', async () => {
  const settled = async (now: { gateway: typeof gateway; user: string }, name?: string) => {
    const { asked, giver } = person('replace', name);
    return [await nameAfter(store, 'node1', now, giver), asked.length];
  };
  assert.deepEqual(await settled({ gateway, user: 'alice' }), ['node1', 0]);
  for (const now of [{ gateway: { host: 'node1', port: 7543 }, user: 'alice' }, { gateway, user: 'bob' }]) {
    assert.deepEqual(await settled(now, 'lab'), ['lab', 1]);
    assert.deepEqual(await settled(now), ['node1-2', 1]); // dismissed: nothing is lost, and nothing replaced
    assert.deepEqual(await settled(now, 'node1'), ['node1-2', 1]);
  }
});

test('who enrols again with the second gateway of a host replaces its context, not the first one', async () => {
  const pin = enrolled('second', 7543);
  const { asked, giver } = person('replace');
  assert.equal(await nameBefore(store, { gateway: { host: 'node1', port: 7544 }, pin }, giver), 'second');
  assert.deepEqual(asked, ['There is a context second already: alice at node1:7543']);
  // Where both have one CA, it is known by its port, later.
  assert.equal(await nameAfter(store, 'node1', { gateway: { host: 'node1', port: 7543 }, user: 'alice' }, giver), 'second');
  assert.equal(asked.length, 1);
  fs.rmSync(store.directory('second'), { recursive: true });
});

test('one that goes by another host is not replaced either', async () => {
  fs.writeFileSync(path.join(store.directory('node1'), 'context.json'), '{"gateway":"node1:7443","via":"ssh://jump"}');
  const { asked, giver } = person('replace', 'lab');
  assert.deepEqual([await nameBefore(store, { gateway, pin: pinOfNobody }, giver), await nameAfter(store, 'node1', { gateway, user: 'alice' }, giver)], ['lab', 'lab']);
  assert.deepEqual(asked, ['The context node1 is of another gateway, alice at node1:7443 by ssh://jump [node1-2]', 'You are alice at node1:7443 now; the context node1 is alice at node1:7443 by ssh://jump, and stays [node1-2]']);
});
