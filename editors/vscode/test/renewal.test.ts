import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newKey } from '../src/core/csr.js';
import { encrypted, readKey } from '../src/core/pem.js';
import { careFor, untold, type Certificate, type Ending } from '../src/core/renewal.js';
import { endingRow } from '../src/core/words.js';

const begin = Date.parse('2026-11-01T00:00:00Z');
const day = 86_400_000;
const at = (days: number) => new Date(begin + days * day);
const certificate: Certificate = { name: 'node1', notBefore: at(0), cameAt: at(0), notAfter: at(10), renewUntil: at(100).getTime() / 1000, locked: false };
const care = (days: number, more: Partial<Certificate> = {}) => careFor({ ...certificate, ...more }, 0, at(days));
const line = (days: number, more: Partial<Certificate>) => care(days, more).ending?.line;

test('a certificate is renewed late in its life, also where its key has a passphrase that is stored', () => {
  assert.deepEqual([care(7), care(7.4), care(9.5)], [{ renew: false }, { renew: true }, { renew: true }]);
  assert.deepEqual(care(7.4, { cameAt: at(3) }), { renew: false }); // its life is counted from when it came
  assert.deepEqual([care(7.4, { locked: true }), care(11, { locked: true })], [{ renew: false }, { renew: false }]);
});

test('in the last tenth of its time one that is not renewed is told of', () => {
  const over = 'the certificate of node1 ends on 2026-11-11 00:00:00 UTC and cannot be renewed any more; enrol again';
  const last = { renewUntil: at(10).getTime() / 1000 };
  assert.deepEqual([line(8.9, last), line(9.1, last), line(10, last)], [undefined, over, undefined]);
  assert.equal(line(9.1, { renewUntil: at(9).getTime() / 1000 }), over);
  assert.equal(line(9.1, { ...last, locked: true }), over); // the passphrase would not help
  assert.deepEqual(care(9.1, { locked: true }).ending, {
    name: 'node1',
    notAfter: at(10),
    line: 'the certificate of node1 ends on 2026-11-11 00:00:00 UTC and is not renewed, as its key has a passphrase that is not stored here; give it, or enrol again',
    locked: true,
  });
  assert.equal(line(9.1, { renewUntil: 0 }), undefined);
});

test('the person is told once of each certificate, by whichever window is first', async () => {
  const kept = new Map<string, unknown>();
  const notebook = { get: (slot: string) => kept.get(slot), update: (slot: string, value: unknown) => Promise.resolve(void kept.set(slot, value)) };
  const ending = (name: string, days: number): Ending => ({ name, notAfter: at(days), line: name, locked: false });
  const told = async (...all: Ending[]) => (await untold(all, notebook)).map((one) => one.name);
  assert.deepEqual(await told(ending('a', 10)), ['a']);
  assert.deepEqual(await told(ending('a', 10), ending('b', 10)), ['b']);
  assert.deepEqual(await told(ending('a', 20)), ['a']); // another certificate
});

test('the view has a row of it, and a click that mends it', () => {
  const { ending } = care(9.1, { renewUntil: 1 });
  assert.ok(ending !== undefined);
  const { label, description, tooltip, command } = endingRow(ending);
  assert.deepEqual([label, description, tooltip, command], ['Certificate ends on 2026-11-11 00:00:00 UTC', 'enrol again', ending.line, 'delvegate.enroll']);
  assert.equal(endingRow({ ...ending, locked: true }).command, 'delvegate.unlock');
});

test('the key of a renewal has the passphrase of the one before', () => {
  const { pem, privateKey } = newKey('open sesame');
  assert.equal(encrypted(pem), true);
  assert.ok(readKey(pem, 'open sesame').equals(privateKey));
  assert.throws(() => readKey(pem, 'wrong'));
  assert.equal(encrypted(newKey().pem), false);
});
