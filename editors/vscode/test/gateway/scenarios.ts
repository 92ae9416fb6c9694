// The extension's own parts against a real gateway and a real dlv; tests/editors/vscode_gateway.py starts those.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';

import { remedyFor } from '../../src/core/adapter.js';
import { ControlApi } from '../../src/core/api.js';
import { localSources } from '../../src/core/checkout.js';
import { dial } from '../../src/core/dial.js';
import { enroll, readInvitation, renew } from '../../src/core/enroll.js';
import { nameBefore } from '../../src/core/naming.js';
import { Client, placeOf, store } from './client.js';

const given = (name: string): string => {
  const value = process.env[name];
  assert.ok(value !== undefined, `${name} is not set`);
  return value;
};
const api = (name: string): ControlApi => new ControlApi(() => Promise.resolve(placeOf(name)));

// Who is asked nothing.
const nobody = { name: (line: string) => Promise.reject(new Error(line)) };

const scenarios: Record<string, () => Promise<void>> = {
  async session() {
    const client = new Client(() => placeOf('here'), 'app');
    await client.attach({ path: given('MAIN'), line: Number(given('TICK')) });
    const stopped = await client.event('stopped');
    assert.equal((stopped.body as { reason: string }).reason, 'breakpoint');
    const { stackFrames } = (await client.call('stackTrace', { threadId: 1 })) as { stackFrames: { id: number; line: number }[] };
    assert.equal(stackFrames[0]?.line, Number(given('TICK')));
    const { result } = await client.call('evaluate', { expression: 'sum', frameId: stackFrames[0].id, context: 'watch' });
    assert.equal(result, '0');
    const [one] = await api('here').components();
    assert.deepEqual([one?.name, one?.state, one?.people.map((person) => person.user)], ['app', 'stopped', ['alice']]);
    await client.disconnect();
    assert.equal(client.wronglyAnswered, 0);
  },

  // Of a configuration that appeared by itself, with the sources elsewhere than they were when the program was built.
  async elsewhere() {
    const main = path.join(given('FOLDER'), 'main.go');
    // Rules that the person gave stand alone.
    const ruled = new Client(() => placeOf('here'), 'app', await localSources([given('FOLDER')]));
    await ruled.call('initialize', { adapterID: 'delvegate', pathFormat: 'path', linesStartAt1: true, columnsStartAt1: true });
    ruled.ask('attach', { substitutePath: [{ from: '/nowhere', to: '/nothing' }] });
    await ruled.event('initialized');
    const { breakpoints } = (await ruled.call('setBreakpoints', { source: { path: main }, breakpoints: [{ line: Number(given('TICK')) }] })) as { breakpoints: DebugProtocol.Breakpoint[] };
    assert.equal(breakpoints[0]?.verified, false);
    await ruled.disconnect();
    const client = new Client(() => placeOf('here'), 'app', await localSources([given('OTHER_FOLDER'), given('FOLDER')]));
    await client.attach({ path: main, line: Number(given('TICK')) });
    await client.event('stopped');
    const { stackFrames } = (await client.call('stackTrace', { threadId: 1 })) as { stackFrames: { line: number; source: DebugProtocol.Source }[] };
    assert.deepEqual([stackFrames[0]?.line, stackFrames[0]?.source.path], [Number(given('TICK')), main]);
    await client.disconnect();
  },

  async linkBreaks() {
    const client = new Client(() => placeOf('here'), 'app');
    await client.attach({ path: given('MAIN'), line: Number(given('TICK')) });
    await client.event('stopped');
    for (let round = 0; client.links < 5; round++) {
      assert.ok(round < 5000, `the link broke ${String(client.links)} times only`);
      const { stackFrames } = (await client.call('stackTrace', { threadId: 1 })) as { stackFrames: { id: number }[] };
      const seqs = [1, 2, 3].map(() => client.ask('evaluate', { expression: 'p', frameId: stackFrames[0]?.id, context: 'watch' }));
      for (const seq of seqs) assert.match(JSON.stringify(await client.answer(seq)), /web-0/);
    }
    await client.call('next', { threadId: 1 });
    await client.until(() => client.events.find((one) => one.event === 'stopped' && (one.body as { reason: string }).reason === 'step'));
    await client.disconnect();
    assert.equal(client.wronglyAnswered, 0);
  },

  async baton() {
    const client = new Client(() => placeOf('here'), 'app');
    await client.attach();
    await client.event('stopped');
    const refused = await client.answer(client.ask('next', { threadId: 1 }));
    assert.equal(refused.success, false);
    assert.match(client.refusals[0]?.line ?? '', /^.*bob has the baton of app since .* ask for it: delvegate baton ask app$/);
    assert.equal(client.refusals[0]?.remedy, 'ask-for-baton');
    assert.match(await api('here').baton('app', 'ask'), /bob/);
    const [one] = await api('here').components();
    assert.deepEqual([one?.baton?.holder, one?.baton?.asking], ['bob', ['alice']]);
    await assert.rejects(api('here').baton('app', 'give', 'carol'), /baton/);
    await client.disconnect();
  },

  async refusals() {
    const client = new Client(() => placeOf('here'), 'other');
    const response = await client.answer(client.ask('initialize', { adapterID: 'delvegate' }));
    assert.equal(response.success, false);
    assert.match(response.message ?? '', /other/);
    await client.disconnect();
    // TLS 1.3 tells it when the connection is there already.
    for (const [name, words] of [['stranger', /refused your certificate: it does not know the CA that issued it; enrol again$/], ['revoked', /refused your certificate: it is revoked; ask the gateway's administrator$/]] as const) {
      const turnedAway = new Client(() => placeOf(name), 'app');
      const { body } = (await turnedAway.answer(turnedAway.ask('initialize', { adapterID: 'delvegate' }))) as { body: { error: DebugProtocol.Message } };
      assert.match(body.error.format, words);
      assert.deepEqual([body.error.url, body.error.urlLabel], ['command:x.enroll', 'Enrol…']);
      await turnedAway.disconnect();
    }
    await assert.rejects(api('here').plan('other'), { name: 'Trouble', code: 'unknown' });
    await assert.rejects(api('here').order('app', 'start', undefined, () => undefined), { name: 'Trouble' });
    await assert.rejects(api('stranger').components(), { name: 'Trouble', kind: 'certificate' });
    await assert.rejects(dial(placeOf('strange-gateway'), 'http/1.1'), /was not issued by the CA of this context/);
    await assert.rejects(dial({ ...placeOf('here'), serverName: 'elsewhere.test' }, 'http/1.1'), /is not for elsewhere\.test/);
    await assert.rejects(dial(placeOf('expired'), 'http/1.1'), /your certificate expired on .*; enrol again/);
    await assert.rejects(dial({ ...placeOf('here'), gateway: { host: 'localhost', port: 1 } }, 'http/1.1'), /refused the connection/);
    assert.equal(store.needsPassphrase('locked'), true);
    const [one] = await new ControlApi(() => Promise.resolve(placeOf('locked', 'open sesame'))).components();
    assert.equal(one?.name, 'app');
  },

  async unarmed() {
    const [one] = await api('here').components();
    assert.deepEqual([one?.kind, one?.state, one?.detached], ['launcher', 'available', false]);
    const client = new Client(() => placeOf('here'), 'app');
    const response = await client.answer(client.ask('initialize', { adapterID: 'delvegate' }));
    assert.equal(remedyFor(response.message ?? ''), 'start', response.message);
    await assert.rejects(api('here').order('app', 'start', undefined, () => undefined), { name: 'Trouble', code: 'refused', message: /delvegate arm app/ });
  },

  async life() {
    const { hash } = (await api('here').plan('app')) as { hash: string };
    const steps: string[] = [];
    await api('here').order('app', 'start', { plan: hash }, (line) => steps.push(line));
    assert.deepEqual(steps, ['dlv is started', 'the manifest is moved']);
    for (;;) {
      const [one] = await api('here').components();
      if (one?.detached === true && one.state === 'stopped') break;
    }
    const client = new Client(() => placeOf('here'), 'app');
    await client.attach();
    await client.disconnect();
    await api('here').order('app', 'stop', undefined, (line) => steps.push(line));
    await api('here').order('app', 'restore', undefined, () => undefined);
    assert.equal(steps.length, 4);
  },

  async enrolment() {
    const invitation = readInvitation(given('LINE'));
    assert.ok(invitation?.token !== undefined);
    const { token } = invitation;
    await assert.rejects(enroll(store, { ...invitation, token, pin: 'sha256:' + '0'.repeat(64) }, 'localhost', nobody), /has the pin sha256:[0-9a-f]{64}, not .*; nothing was sent to it/);
    await assert.rejects(enroll(store, { ...invitation, token: 'dvt1.nonsense' }, 'localhost', nobody), { code: 'token-unknown' });
    assert.deepEqual(store.names(), []);
    // A context that cannot be read is replaced.
    fs.mkdirSync(store.directory('localhost'), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(store.directory('localhost'), 'context.json'), '{');
    const enrolled = await enroll(store, { ...invitation, token }, 'localhost', nobody);
    assert.deepEqual([enrolled.context, enrolled.user, store.current()], ['localhost', 'alice', 'localhost']);
    await assert.rejects(enroll(store, { ...invitation, token }, 'localhost', nobody), { code: 'token-unknown' }); // it worked once
    const [one] = await api('localhost').components();
    assert.equal(one?.name, 'app');
    const before = store.identity('localhost');
    const was = store.client('localhost');
    const renewed = await renew(placeOf('localhost'));
    assert.equal(store.replaceIdentity('localhost', was, renewed), true);
    assert.equal(store.replaceIdentity('localhost', was, was), false); // somebody else was first
    assert.equal(store.identity('localhost').key.equals(before.key), false);
    assert.equal(store.holder('localhost').user, 'alice');
    // A key with a passphrase is renewed with it, and stays closed.
    assert.equal(store.replaceIdentity('localhost', renewed, await renew(placeOf('localhost'), 'open sesame')), true);
    assert.equal(store.needsPassphrase('localhost'), true);
    const closed = store.client('localhost');
    assert.equal(store.replaceIdentity('localhost', closed, await renew(placeOf('localhost', 'open sesame'), 'open sesame')), true);
    assert.equal(store.needsPassphrase('localhost'), true);
    const client = new Client(() => placeOf('localhost', 'open sesame'), 'app');
    await client.attach();
    await client.disconnect();
  },

  // Of two gateways on one host the second does not replace the first, whatever was confirmed before it told its port.
  async secondGateway() {
    const invitation = readInvitation(given('LINE'));
    assert.ok(invitation?.token !== undefined);
    const first = store.client('localhost');
    assert.equal(await nameBefore(store, { ...invitation, context: 'localhost' }, { ...nobody, replaces: () => Promise.resolve('replace') }), 'localhost');
    const asked: string[] = [];
    const enrolled = await enroll(store, { ...invitation, token: invitation.token }, 'localhost', { name: (line) => (asked.push(line), Promise.resolve('second')) });
    assert.match(asked.join(), /^You are alice at localhost:\d+ now; the context localhost is alice at localhost:\d+, and stays$/);
    assert.deepEqual([enrolled.context, store.names(), store.client('localhost')], ['second', ['localhost', 'second'], first]);
    for (const name of store.names()) assert.equal((await api(name).components())[0]?.name, 'app');
  },

  async enrols() {
    const invitation = readInvitation(given('LINE'));
    assert.ok(invitation?.token !== undefined);
    await enroll(store, { ...invitation, token: invitation.token }, 'localhost', nobody);
  },

  // While `delvegate connect` renews the same context; which of the two is first is nobody's to say.
  async renewalByTwo() {
    while (!fs.existsSync(given('GO'))) await new Promise((resolve) => setTimeout(resolve, 20));
    const was = store.client('localhost');
    const asked = renew(placeOf('localhost'));
    fs.writeFileSync(given('ASKED'), '');
    store.replaceIdentity('localhost', was, await asked);
  },

  async works() {
    assert.equal(store.holder('localhost').user, 'alice');
    const [one] = await api('localhost').components();
    assert.equal(one?.name, 'app');
  },
};

const wanted = scenarios[process.argv[2] ?? ''];
assert.ok(wanted !== undefined, `known: ${Object.keys(scenarios).join(', ')}`);
wanted().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
