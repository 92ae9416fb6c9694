import assert from 'node:assert/strict';
import { test } from 'node:test';

import { resolved, targetIn, targetOf } from '../src/core/target.js';

test('a component is taken with the context that is named with it, and only else in the usual one', () => {
  assert.deepEqual(targetOf({ component: 'app', context: 'there' }, 'here'), { component: 'app', context: 'there' });
  assert.deepEqual(targetOf({ component: 'app' }, 'here'), { component: 'app', context: 'here' });
  assert.deepEqual(targetOf({ component: 'app', context: '' }, 'here'), { component: 'app', context: 'here' });
  assert.throws(() => targetOf({ component: 'app' }, undefined), /no gateway is known here/);
  assert.throws(() => targetOf({ context: 'there' }, 'here'), /names no component/);
  for (const nothing of [undefined, null, 'app', 7, {}, { component: 7 }]) assert.equal(targetIn(nothing), undefined);
});

test('what is no name of a component gets into no command', () => {
  for (const component of ['a;reboot', '$(id)', 'a b', 'a\nb', 'a\n', '-h', '--for', 'A', '[x](command:y)', 'a'.repeat(64)]) {
    assert.throws(() => targetIn({ component, context: 'here' }), { name: 'Trouble', kind: 'settings' }, component);
    assert.throws(() => targetOf({ component }, 'here'), /is no component's name/, component);
  }
});

test('a launch.json sends VS Code to no port of this computer instead', () => {
  assert.deepEqual(resolved({ type: 'delvegate', component: 'app', debugServer: 4711 }, 'here'), { type: 'delvegate', component: 'app', context: 'here' });
});
