import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { Memory, reloadTime, toAttachAgain, withoutInternals, type Remembered } from '../src/core/remember.js';

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

function memory(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: one.seen });
  let stored: Remembered[] = [];
  const made = new Memory((all) => {
    stored = structuredClone(all);
  });
  t.after(() => made.dispose());
  // What a window that is reloaded now attaches to.
  const again = () => toAttachAgain(stored, Date.now()).map(({ key, folder, configuration }) => [key, folder, configuration.component]);
  const later = (seconds: number) => {
    t.mock.timers.tick(seconds * 1000);
  };
  return { made, again, later };
}

test('a session is attached to again for as long as it is there, and ten seconds after its end', (t) => {
  const { made, again, later } = memory(t);
  made.started('1', { ...one.configuration, __sessionId: '1' }, 'file:///src');
  later(24 * 3600);
  assert.deepEqual(again(), [['1', 'file:///src', 'app']]);
  made.ended('1');
  later(9);
  assert.equal(again().length, 1);
  later(2);
  assert.deepEqual(again(), []);
  made.ended('2'); // of a session that was never ours
  assert.deepEqual(again(), []);
});

test("a session that the editor's Restart has begun again is attached to again", (t) => {
  const { made, again, later } = memory(t);
  made.started('1', one.configuration, undefined);
  made.ended('1');
  made.started('1', one.configuration, undefined); // the editor keeps its name
  later(3600);
  assert.deepEqual(again(), [['1', undefined, 'app']]);
  made.ended('1');
  later(11);
  assert.deepEqual(again(), []);
});
