import assert from 'node:assert/strict';
import { test } from 'node:test';

import { begun, resolved, targetIn, targetOf } from '../src/core/target.js';

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

// VS Code between its two questions to an extension: variables are put in, and what the platform's block says becomes the configuration's.
function substituted({ linux, ...configuration }: Record<string, unknown>, inputs: Record<string, string>): Record<string, unknown> {
  const text = JSON.stringify({ ...configuration, ...(linux as object | undefined) });
  return JSON.parse(text.replace(/\$\{input:(\w+)\}/g, (_, name: string) => inputs[name] ?? '')) as Record<string, unknown>;
}
const started = (configuration: Record<string, unknown>, inputs = {}) => resolved(substituted(begun(configuration, 'here'), inputs), 'here');

test('a launch.json sends VS Code to no port of this computer instead', () => {
  assert.deepEqual(started({ type: 'delvegate', component: 'app', debugServer: 4711 }), { type: 'delvegate', component: 'app', context: 'here' });
  assert.deepEqual(started({ type: 'delvegate', component: 'app', linux: { debugServer: 4711, context: 'there' } }), { type: 'delvegate', component: 'app', context: 'there' });
});

test('a component may be asked for by the launch.json', () => {
  const configuration = { type: 'delvegate', component: '${input:which}' };
  assert.deepEqual(started(configuration, { which: 'app' }), { type: 'delvegate', component: 'app', context: 'here' });
  assert.throws(() => started(configuration, { which: '$(id)' }), /is no component's name/);
  assert.throws(() => started(configuration), /names no component/);
  assert.throws(() => begun(configuration, undefined), /no gateway is known here/); // before anybody is asked
});
