import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsFor, auditText, batonText, budgetText, certificateWarnings, isOffered, killAction, launcherText, mayAudit, milliseconds, shortPosition, stateText, utcText } from '../src/model';
import type { Component, State } from '../src/model';

const all = ['ask', 'give', 'drop', 'take', 'park', 'unpark', 'start', 'stop', 'restore', 'kill'];
const running: Component = { component: 'app', kind: 'exec', state: 'running', runControl: { mode: 'baton' }, may: all, breakpoints: [] };
const offered = (more: Partial<Component>, you = 'alice') => actionsFor({ ...running, ...more }, you).map((action) => action.name);

test('nothing is offered that the policy does not give', () => {
  assert.deepEqual(offered({ may: [], state: 'stopped', park: { stop: '1', by: 'bob', note: 'x', until: 'y' } }), []);
  for (const one of all.filter((name) => name !== 'kill'))
    for (const holder of ['alice', 'bob', undefined])
      for (const name of offered({ may: [one], state: 'stopped', runControl: { mode: 'baton', ...(holder ? { holder } : {}) } })) assert.equal(name, one);
});

test('the baton is asked for, given or taken by whom that can be of use to', () => {
  const life = ['start', 'stop', 'restore'];
  assert.deepEqual(offered({ runControl: { mode: 'baton', holder: 'alice' } }), ['give', 'drop', ...life]);
  assert.deepEqual(offered({ runControl: { mode: 'baton', holder: 'bob' } }), ['ask', 'take', ...life]);
  assert.deepEqual(offered({}), ['ask', ...life]);
  assert.deepEqual(offered({ runControl: { mode: 'open' } }), life);
});

test('a stop is parked once, and only a parked one is resumed', () => {
  assert.ok(!offered({}).includes('park'));
  assert.ok(offered({ state: 'stopped' }).includes('park'));
  const parked = offered({ state: 'stopped', park: { stop: '1', by: 'bob', note: 'x', until: 'y' } });
  assert.ok(parked.includes('unpark') && !parked.includes('park'));
});

test('a launcher is asked for what can be of use in the state that it reports', () => {
  const life = (launcher: Component['launcher']) => offered({ kind: 'launcher', runControl: { mode: 'open' }, ...(launcher ? { launcher } : {}) });
  for (const state of ['available', 'returned']) assert.deepEqual(life({ state, detached: false, remoteStart: 'armed' }), ['start'], state);
  assert.deepEqual(life({ state: 'available', detached: false, remoteStart: 'never' }), []);
  for (const state of ['starting', 'detaching', 'running', 'stopped', 'exited']) assert.deepEqual(life({ state, detached: true }), ['stop', 'restore'], state);
  for (const state of ['stopping', 'restoring', 'not_put_back']) assert.deepEqual(life({ state, detached: true }), ['restore'], state);
  assert.deepEqual(life({ state: 'failed', detached: true }), ['start', 'restore']);
  assert.deepEqual(life({ state: 'unknown', trouble: 'the launcher is silent' }), ['start', 'stop', 'restore']);
  assert.equal(launcherText({ ...running, launcher: { state: 'running', deadline: 'D', warnings: ['w'] } }), 'it is put back by itself at D; w');
});

test('a question is about the stop and the person that it was asked about', () => {
  const parked = (stop: string, note = 'x'): Component => ({ ...running, state: 'stopped', stop, park: { stop, by: 'bob', note, until: 'y' } });
  const state = (c: Component): State => ({ you: { user: 'alice', certificateEnds: '', certificateWarning: false, audit: false }, gateway: { certificateEnds: '', certificateWarning: false }, components: [c],
    sessions: [{ session: 's', component: 'app', user: 'bob', role: 'debugger', ide: '', protocol: 'DAP', since: 'now' }] });
  const now = state(parked('1-0000'));
  const unpark = actionsFor(parked('1-0000'), 'alice').find((action) => action.name === 'unpark');
  assert.ok(unpark && isOffered(unpark, now));
  assert.deepEqual(unpark.body, { stop: '1-0000' });
  for (const other of [parked('2-0000'), parked('1-0000', 'another note'), { ...running, stop: '1-0000' }, { ...parked('1-0000'), may: [] }])
    assert.ok(!isOffered(unpark, state(other)));
  assert.deepEqual(actionsFor({ ...running, state: 'stopped', stop: '3-0000' }, 'alice').find((action) => action.name === 'park')?.body, { stop: '3-0000' });
  const kill = killAction(now.sessions[0]!);
  assert.ok(isOffered(kill, now));
  assert.ok(!isOffered(kill, { ...now, sessions: [] }) && !isOffered(kill, state({ ...running, may: [] })));
});

test('a stop budget counts on between two events, if it counts', () => {
  const at = (used: string, counts: boolean, passed: number) => budgetText({ ...running, stopBudget: { damage: '10m', used, counts, breakpointsOff: false } }, passed);
  assert.equal(at('3900ms', true, 0), 'stop budget: 3 s of 10 min used');
  assert.equal(at('3900ms', true, 100), 'stop budget: 4 s of 10 min used');
  assert.equal(at('59s', true, 5000), 'stop budget: 1 min 4 s of 10 min used');
  assert.equal(at('0s', false, 5000), 'stop budget: 0 s of 10 min used');
  assert.equal(at('what', true, 5000), 'stop budget: what of 10 min used');
  assert.deepEqual(['1500ms', '90s', '2m', '1h', '1d', '1.5s', 's', '-1s'].map(milliseconds), [1500, 90_000, 120_000, 3_600_000, 86_400_000, undefined, undefined, undefined]);
});

test('what others feel is asked about first, and a path is made of no name as it stands', () => {
  const actions = actionsFor({ ...running, component: 'a/../b', runControl: { mode: 'baton', holder: 'bob' } }, 'alice');
  for (const action of actions) {
    assert.ok(action.path.startsWith('/v1/components/a%2F..%2Fb/'), action.path);
    if (action.name !== 'ask') assert.ok(action.ask?.text.length, action.name);
  }
  const kill = killAction({ session: '../x', component: 'app', user: 'bob', role: 'debugger', ide: '', protocol: 'DAP', since: 'now' });
  assert.equal(kill.path, '/v1/sessions/..%2Fx/kill');
  assert.match(kill.ask?.text ?? '', /^bob's session at app \(DAP\) ends at once/);
});

test('words', () => {
  assert.equal(stateText({ ...running, state: 'stopped', since: 'S', by: 'alice', reason: 'breakpoint' }), 'stopped since S, by alice: breakpoint');
  assert.equal(stateText({ ...running, state: 'exited', exitStatus: 0 }), 'exited (status 0)');
  assert.equal(shortPosition('main.work() in /a/long/way/cmd/main.go:42'), 'main.work() in …/cmd/main.go:42');
  assert.equal(shortPosition('main.go:42'), 'main.go:42');
  assert.equal(utcText(Date.parse('2026-11-26T14:03:11.900Z')), '2026-11-26 14:03:11 UTC');
  assert.equal(batonText({ ...running, runControl: { mode: 'baton', asking: ['bob', 'carol'] } }), 'baton: nobody has it; asking: bob, carol');
  assert.equal(budgetText({ ...running, stopBudget: { damage: '10s', used: '3141ms', counts: false, breakpointsOff: true } }, 60_000), 'stop budget: 3 s of 10 s used; breakpoints are off');
  assert.equal(auditText({ number: 1, time: 'T', kind: 'refusal', user: 'bob', component: 'app', operation: 'continue', decision: 'deny' }),
    'T refusal bob continue at app denied');
});

test('the audit is shown of what one is told it of', () => {
  const state = (audit: boolean, ...components: Component[]): State => ({ you: { user: 'alice', certificateEnds: '', certificateWarning: false, audit },
    gateway: { certificateEnds: '', certificateWarning: false }, components, sessions: [] });
  const web: Component = { ...running, component: 'web', may: ['kill'] };
  const seen = (now: State) => ['app', 'web', 'nothing', ''].filter((name) => mayAudit(name, now));
  assert.deepEqual(seen(state(false, { ...running, may: ['audit'] }, web)), ['app']);
  assert.deepEqual(seen(state(false, running, web)), []);
  assert.deepEqual(seen(state(true, { ...running, may: ['audit'] }, { ...web, may: ['audit'] })), ['app', 'web', 'nothing', '']);
});

test('a certificate that ends soon', () => {
  const own = (certificateWarning: boolean) => ({ certificateEnds: 'E', certificateWarning });
  const session = (user: string, more = {}) => ({ session: user, component: 'app', user, role: '', ide: '', protocol: 'DAP', since: '', ...more });
  const state = (you: boolean, gateway: boolean): State => ({ you: { user: 'alice', ...own(you), audit: true }, gateway: own(gateway), components: [],
    sessions: [session('alice', own(true)), session('bob', own(true)), session('bob', own(true)), session('carol'), session('dave', own(false))] });
  assert.deepEqual(certificateWarnings(state(false, false)), ["bob's certificate ends at E"]);
  assert.deepEqual(certificateWarnings(state(true, true)).map((line) => line.slice(0, 26)), ["bob's certificate ends at ", 'your certificate ends at E', "the gateway's own certific"]);
});
