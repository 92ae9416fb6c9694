import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';

import { Adapter, remedyFor, type Refusal } from '../src/core/adapter.js';
import type { LocalSources } from '../src/core/checkout.js';
import { MessageDecoder, encodeMessage } from '../src/core/dap.js';
import { printable, Trouble } from '../src/core/trouble.js';

type Message = Record<string, unknown> & { body?: { error?: DebugProtocol.Message; output?: string; category?: string } };

function session(sources?: LocalSources) {
  const decoder = new MessageDecoder();
  const said: Message[] = []; // to the gateway
  const shown: Message[] = []; // to the editor
  const refusals: Refusal[] = [];
  let opened = 0;
  let ended = 0;
  const adapter = new Adapter(
    () => {
      opened++;
      return {
        send: (bytes) => said.push(...(decoder.feed(bytes) as unknown as Message[])),
        end: () => ended++,
        abort: () => ended++,
      };
    },
    {
      toEditor: (message) => shown.push(message as unknown as Message),
      refused: (refusal) => refusals.push(refusal),
      linkIs: () => undefined,
      link: (remedy) => `command:x.${remedy}`,
    },
    sources,
  );
  let seq = 0;
  const request = (command: string, args?: object) => {
    const message: DebugProtocol.Request = { seq: ++seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) };
    adapter.fromEditor(message);
    return seq;
  };
  const reply = (to: number, command: string, success: boolean, body?: object) => {
    adapter.received(encodeMessage({ seq: 0, type: 'response', request_seq: to, command, success, ...(body === undefined ? {} : { body }) } as DebugProtocol.Response));
  };
  return { adapter, said, shown, refusals, request, reply, opened: () => opened, ended: () => ended };
}

const refused = { ok: false, code: 'not-running', reason: 'app is {not} running; start it with: delvegate start app', component: '', session: '', stop: '' };
const baton = 'alice has the baton of app since 2026-11-26 14:03:11 UTC, and with it runs and steps it; ask for it: delvegate baton ask app';

test('of a launch.json only what Delve shows by leaves this computer', () => {
  const { request, said, opened } = session();
  request('initialize');
  request('attach', { name: 'x', type: 'delvegate', component: 'app', context: 'c', env: { TOKEN: 'secret' }, __sessionId: '1', substitutePath: [{ from: 'a', to: 'b' }], stackTraceDepth: 9, stopOnEntry: true });
  assert.equal(opened(), 1);
  assert.deepEqual(said[1]?.arguments, { request: 'attach', mode: 'remote', substitutePath: [{ from: 'a', to: 'b' }], stackTraceDepth: 9, stopOnEntry: true });
});

test('where the person gave no rules, the gateway is told what sources are here', () => {
  const sources = { ClientModuleDirectories: { 'example.com/app': '/src/app' } };
  const guessed = (more: object, here?: LocalSources) => {
    const { request, said } = session(here);
    request('attach', { component: 'app', guessSubstitutePath: { ClientGOROOT: '/of/a/launch.json' }, ...more });
    return (said[0]?.arguments as { guessSubstitutePath?: unknown }).guessSubstitutePath;
  };
  assert.deepEqual([guessed({}, sources), guessed({ substitutePath: [] }, sources)], [sources, sources]);
  assert.deepEqual([guessed({ substitutePath: [{ from: 'a', to: 'b' }] }, sources), guessed({})], [undefined, undefined]);
});

test('a session that is refused is one error with a button, and a disconnect that succeeds', () => {
  const { adapter, request, shown } = session();
  const initialize = request('initialize');
  adapter.decided(refused);
  const disconnect = request('disconnect');
  assert.deepEqual(shown.map((one) => [one.type, one.command ?? one.event, one.request_seq, one.success]), [
    ['response', 'initialize', initialize, false],
    ['response', 'disconnect', disconnect, true],
    ['event', 'terminated', undefined, undefined],
  ]);
  const { error } = shown[0]?.body ?? {};
  assert.equal(error?.format, 'app is (not) running; start it with: delvegate start app'); // braces would be variables
  assert.deepEqual([error.url, error.urlLabel, error.showUser], ['command:x.start', 'Start It', true]);
});

test('a run that is refused for the baton is for us to show, with the button; a look is not', () => {
  const { request, reply, shown, refusals } = session();
  reply(request('next'), 'next', false, { error: { id: 9, format: 'Unable to step: {e}', variables: { e: baton }, showUser: true } });
  assert.deepEqual(refusals, [{ line: `Unable to step: ${baton}`, remedy: 'ask-for-baton' }]);
  assert.equal(shown[0]?.body?.error?.showUser, false);
  assert.equal(shown[0].success, false);
  reply(request('evaluate'), 'evaluate', false, { error: { id: 9, format: baton, showUser: true } });
  assert.equal(refusals.length, 1);
  assert.equal(shown[1]?.body?.error?.showUser, true);
});

test('other errors are passed on as they are', () => {
  const { request, reply, shown, refusals } = session();
  const body = { error: { id: 9, format: 'no such variable' } };
  reply(request('setVariable'), 'setVariable', false, body);
  assert.deepEqual([shown[0]?.body, refusals], [body, []]);
  assert.equal(remedyFor('bob asks for the baton of app'), 'none');
});

test('a session that is lost answers what waits, tells why, and ends', () => {
  const { adapter, request, reply, shown } = session();
  reply(request('initialize'), 'initialize', true);
  const threads = request('threads');
  adapter.lost(new Trouble('refused', 'your certificate is revoked'));
  adapter.closed();
  assert.deepEqual(shown.slice(1).map((one) => [one.type, one.command ?? one.event]), [['event', 'output'], ['response', 'threads'], ['event', 'terminated']]);
  assert.deepEqual([shown[1]?.body?.category, shown[1]?.body?.output], ['important', 'your certificate is revoked\n']);
  assert.deepEqual([shown[2]?.request_seq, shown[2]?.success], [threads, false]);
});

test('an end that was asked for is no trouble', () => {
  const { adapter, request, reply, shown, ended } = session();
  reply(request('initialize'), 'initialize', true);
  request('disconnect');
  adapter.closed();
  assert.deepEqual(shown.slice(1).map((one) => [one.command ?? one.event, one.success]), [['disconnect', true], ['terminated', undefined]]);
  adapter.dispose();
  assert.equal(ended(), 1);
});

test('a gateway asks an editor for nothing', () => {
  const { adapter, shown } = session();
  adapter.received(encodeMessage({ seq: 1, type: 'request', command: 'runInTerminal', arguments: { args: ['x'] } } as DebugProtocol.Request));
  adapter.received(encodeMessage({ seq: 2, type: 'event', event: 'progressStart', body: { title: '[x](command:evil)' } } as DebugProtocol.Event));
  adapter.received(encodeMessage({ seq: 3, type: 'something' }));
  assert.deepEqual(shown, []);
});

test('the messages of breakpoints are made plain on their way', () => {
  const { adapter, request, reply, shown } = session();
  reply(request('setBreakpoints'), 'setBreakpoints', true, { breakpoints: [{ verified: false, message: '[x](command:evil)' }] });
  adapter.received(encodeMessage({ seq: 2, type: 'event', event: 'breakpoint', body: { breakpoint: { verified: false, message: '<command:evil>' } } } as DebugProtocol.Event));
  const [answer, event] = shown as unknown as [{ body: { breakpoints: unknown } }, { body: { breakpoint: unknown } }];
  assert.deepEqual(answer.body.breakpoints, [{ verified: false, message: '[x] (command:evil)' }]);
  assert.deepEqual(event.body.breakpoint, { verified: false, message: '< command:evil>' });
});

test('bytes that are no DAP end the session with a line', () => {
  const { adapter, request, shown, ended } = session();
  request('initialize');
  adapter.received(Buffer.from('x'.repeat(5000)));
  assert.equal(ended(), 1);
  assert.match(shown[0]?.body?.error?.format ?? '', /does not speak the Debug Adapter Protocol/);
});

test('what others wrote makes no link and no button', () => {
  const { adapter, request, reply, shown } = session();
  const button = { url: 'command:evil', urlLabel: 'Press', showUser: true };
  const error = { id: 9, format: 'no [x](command:delvegate.stop) {v}', variables: { v: '[y](https://a)' }, ...button };
  const text = { id: 9, format: 'no [x] (command:delvegate.stop) [y] (https://a)', showUser: true };
  reply(request('evaluate'), 'evaluate', false, { error });
  reply(request('next'), 'next', false, { error });
  reply(request('attach'), 'attach', false, { error });
  reply(999, 'evaluate', false, { error }); // of no request
  assert.deepEqual(shown.map((one) => one.body?.error), [text, text, text, text]);
  // What gets our button has only ours.
  reply(request('next'), 'next', false, { error: { id: 9, format: baton, ...button } });
  assert.deepEqual(shown[4]?.body?.error, { id: 9, format: baton, showUser: false });
  reply(request('attach'), 'attach', false, { error: { id: 9, format: baton, ...button } });
  assert.deepEqual([shown[5]?.body?.error?.url, shown[5]?.body?.error?.urlLabel], ['command:x.ask-for-baton', 'Ask for the Baton']);
  adapter.received(encodeMessage({ seq: 0, type: 'response', request_seq: request('next'), command: 'next', success: false, message: '[x](command:evil)' } as DebugProtocol.Response));
  assert.equal(shown[6]?.message, '[x] (command:evil)');
});

test('a link is not put together of a format and its variables', () => {
  const { request, reply, shown } = session();
  for (const [format, variables] of [['[x]({v})', { v: 'command:evil' }], ['[x]{v}', { v: '(command:evil)' }], ['{v}(command:evil)', { v: '[x]' }]] as const)
    reply(request('evaluate'), 'evaluate', false, { error: { id: 9, format, variables } });
  for (const one of shown) assert.deepEqual(one.body?.error, { id: 9, format: '[x] (command:evil)' });
  assert.equal(shown.length, 3);
  assert.equal(printable('F[int](0x1) [a](command:x)'), 'F[int](0x1) [a] (command:x)');
});
