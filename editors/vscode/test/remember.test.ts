import assert from 'node:assert/strict';
import { test } from 'node:test';

import { reloadTime, toAttachAgain, withoutInternals } from '../src/core/remember.js';

const one = { key: '1', configuration: { type: 'delvegate', name: 'app', component: 'app' }, seen: 1_000_000 };

test('after a reload the session is there again; who comes back later means something else', () => {
  assert.deepEqual(toAttachAgain([one], one.seen + 1), [one]);
  assert.deepEqual(toAttachAgain([one], one.seen + reloadTime + 1), []);
  assert.deepEqual(toAttachAgain([one], one.seen - 1), []);
});

test('what is not as we wrote it is forgotten', () => {
  for (const wrong of [null, 'x', {}, { ...one, key: 1 }, { ...one, seen: 'x' }, { ...one, folder: 1 }, { ...one, configuration: null }, { ...one, configuration: { type: 'node' } }])
    assert.deepEqual(toAttachAgain([wrong], one.seen), [], JSON.stringify(wrong));
  assert.deepEqual(toAttachAgain(undefined, one.seen), []);
});

test('what the editor adds for itself is not kept', () => {
  assert.deepEqual(withoutInternals({ component: 'app', __sessionId: 'x', __configurationTarget: 6 }), { component: 'app' });
});
