import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { Pulse } from '../src/core/pulse.js';

function pulse(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let asked = 0;
  const made = new Pulse(() => {
    asked++;
    return Promise.resolve();
  });
  t.after(() => made.dispose());
  /** How often the gateway is asked in so many seconds. */
  const during = async (seconds: number) => {
    const before = asked;
    for (let second = 0; second < seconds; second++) {
      await new Promise((resolve) => setImmediate(resolve));
      t.mock.timers.tick(1000);
    }
    await new Promise((resolve) => setImmediate(resolve));
    return asked - before;
  };
  return { made, asked: () => asked, during };
}

test('steps of other debuggers ask no gateway; those of ours do', async (t) => {
  const { made, asked, during } = pulse(t);
  for (const type of ['node', 'go', undefined]) made.moved(type);
  assert.equal(await during(60), 0);
  made.moved('delvegate');
  assert.equal(asked(), 1);
  made.moved('delvegate'); // while that is being answered
  assert.equal(asked(), 1);
});

test('a gateway is asked again and again only while somebody looks, or is in a session', async (t) => {
  const { made, asked, during } = pulse(t);
  made.viewIs(false); // as a window begins
  assert.equal(await during(60), 0);
  made.viewIs(true);
  assert.equal(asked(), 1);
  assert.equal(await during(50), 10);
  made.viewIs(false);
  assert.equal(await during(60), 0);
  made.sessionsAre(1);
  assert.equal(await during(50), 25);
  const before = asked();
  made.sessionsAre(0);
  assert.equal(asked(), before + 1); // the last news
  assert.equal(await during(60), 0);
});

test('one that is asked when the interest ends is not asked again', async (t) => {
  const { made, during } = pulse(t);
  made.viewIs(true);
  made.viewIs(false);
  assert.equal(await during(60), 0);
  await made.now();
  assert.equal(await during(60), 0);
});
