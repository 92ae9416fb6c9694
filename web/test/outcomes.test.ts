import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcomes, outcomeText } from '../src/outcomes';

const texts = (of: Outcomes) => of.all.map(outcomeText);

test('each action has a line of its own, the newest first', () => {
  const all = new Outcomes();
  const start = all.begin('a: Start');
  all.say(start, 'a: Start', 'dlv is started', false);
  const park = all.begin('b: Park');
  all.say(park, 'b: Park', 'carol has the baton of b', true);
  all.say(start, 'a: Start', 'the manifest is moved', false);
  assert.deepEqual(texts(all), ['b: Park: carol has the baton of b', 'a: Start: the manifest is moved …']);
  all.hide();
  assert.deepEqual(texts(all), ['a: Start: the manifest is moved …']);
  all.say(start, 'a: Start', 'running', true);
  all.hide();
  assert.deepEqual(texts(all), []);
});

test('the same again is said in the place of what it said before, and what is under way twice has two lines', () => {
  const all = new Outcomes();
  const first = all.begin('a: Start');
  const second = all.begin('a: Start');
  assert.deepEqual(texts(all), ['a: Start …', 'a: Start …']);
  all.say(first, 'a: Start', 'running', true);
  all.say(second, 'a: Start', 'it is being started', true);
  all.begin('a: Start');
  assert.deepEqual(texts(all), ['a: Start …']);
});

test('lines are few, and an end is always told', () => {
  const all = new Outcomes();
  const ids = Array.from({ length: 9 }, (_, i) => all.begin(`${i}`));
  assert.deepEqual(texts(all), ['8 …', '7 …', '6 …', '5 …', '4 …', '3 …']);
  all.say(ids[0]!, '0', 'a step', false);
  assert.equal(all.all.length, 6);
  all.say(ids[7]!, '7', 'done', true);
  all.say(ids[0]!, '0', 'done', true);
  assert.deepEqual(texts(all), ['0: done', '8 …', '6 …', '5 …', '4 …', '3 …']);
});
