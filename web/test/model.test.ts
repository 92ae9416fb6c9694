import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsFor, auditText, batonText, budgetText, endsWithinADay, killAction, shortPosition, stateText } from '../src/model';
import type { Component } from '../src/model';

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
  assert.equal(batonText({ ...running, runControl: { mode: 'baton', asking: ['bob', 'carol'] } }), 'baton: nobody has it; asking: bob, carol');
  assert.equal(budgetText({ ...running, stopBudget: { damage: '10s', used: '3s', breakpointsOff: true } }), 'stop budget: 3s of 10s used; breakpoints are off');
  assert.equal(auditText({ number: 1, time: 'T', kind: 'refusal', user: 'bob', component: 'app', operation: 'continue', decision: 'deny' }),
    'T refusal bob continue at app denied');
});

test('a certificate that ends soon', () => {
  const now = Date.parse('2026-11-26T12:00:00Z');
  assert.ok(endsWithinADay('2026-11-27 11:59:59 UTC', now));
  assert.ok(!endsWithinADay('2026-11-27 12:00:01 UTC', now));
  assert.ok(!endsWithinADay(undefined, now) && !endsWithinADay('soon', now));
});
