import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';

import { fitForTheEditor, withPlainBreakpoints } from '../src/core/passing.js';
import { withoutMarkdown } from '../src/core/trouble.js';

const event = (name: string, body?: object): DebugProtocol.Event => ({ seq: 1, type: 'event', event: name, ...(body === undefined ? {} : { body }) });

test('no progress of a gateway becomes a notification', () => {
  for (const name of ['progressStart', 'progressUpdate', 'progressEnd']) assert.equal(fitForTheEditor(event(name, { title: '[x](command:evil)' })), undefined);
});

test('what is important is a notification without links; other output stays as it is', () => {
  const output = '[x](command:evil) \u001b[31mred\u001b[0m\n';
  assert.deepEqual(fitForTheEditor(event('output', { category: 'important', output }))?.body, { category: 'important', output: output.replace('](', '] (') });
  assert.deepEqual(fitForTheEditor(event('output', { category: 'stdout', output }))?.body, { category: 'stdout', output });
});

test('the message of a breakpoint has no Markdown in it, in answers and in events', () => {
  const message = 'bob: [x](command:evil)';
  const body = { reason: 'changed', breakpoint: { id: 3, verified: false, message } };
  assert.deepEqual(fitForTheEditor(event('breakpoint', body))?.body, { reason: 'changed', breakpoint: { id: 3, verified: false, message: 'bob: [x] (command:evil)' } });
  const response = { seq: 1, type: 'response', request_seq: 1, command: 'setBreakpoints', success: true, body: { breakpoints: [{ verified: false, message }, { verified: true }] } } as DebugProtocol.Response;
  assert.deepEqual(withPlainBreakpoints(response).body, { breakpoints: [{ verified: false, message: 'bob: [x] (command:evil)' }, { verified: true }] });
});

test('every form of a link of Markdown is taken apart', () => {
  for (const [text, plain] of [
    ['[x](command:a)', '[x] (command:a)'],
    ['[x](<command:a>)', '[x] (< command:a>)'],
    ['[x](&#99;ommand:a)', '[x] (&#99;ommand:a)'],
    ['![x](https://a/b.png)', '![x] (https://a/b.png)'],
    ['[x][1]', '[x] [1]'],
    ['\n\n[1]: command:a', '??[1] : command:a'],
    ['<command:a>', '< command:a>'],
    ['<a href="command:a">', '< a href="command:a">'],
    ['a[0] < 3 && m["k"] == nil', 'a[0] < 3 && m["k"] == nil'],
  ] as const)
    assert.equal(withoutMarkdown(text), plain);
});

test('a gateway cannot make the editor begin session after session', () => {
  assert.deepEqual(fitForTheEditor(event('terminated', { restart: { of: 'mine' } }))?.body, {});
  assert.deepEqual(fitForTheEditor(event('terminated')), event('terminated'));
});
