import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Questions } from '../src/core/questions.js';

test('each name is asked for by itself, one after another, and once for all who want it', async () => {
  const questions = new Questions();
  const asked: string[] = [];
  const answers: ((error?: Error) => void)[] = [];
  const ask = (name: string) =>
    questions.ask(name, () => {
      asked.push(name);
      return new Promise((resolve, reject) => answers.push((error) => (error === undefined ? resolve() : reject(error))));
    });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const [one, again, two] = [ask('one'), ask('one'), ask('two')];
  await turn();
  assert.deepEqual(asked, ['one']);
  answers[0]?.(new Error('none was given'));
  await assert.rejects(one, /none was given/);
  await assert.rejects(again, /none was given/);
  await turn();
  assert.deepEqual(asked, ['one', 'two']);
  const later = ask('one'); // it may be asked for again, after the one that is open
  await turn();
  assert.equal(asked.length, 2);
  answers[1]?.();
  await two;
  await turn();
  assert.deepEqual(asked, ['one', 'two', 'one']);
  answers[2]?.();
  await later;
});
