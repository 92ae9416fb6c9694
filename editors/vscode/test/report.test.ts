import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readComponents, readSessions } from '../src/core/report.js';
import { componentRow, detailRows, durationText, statusText } from '../src/core/words.js';

// As a gateway answers GET /v1/status.
const stopped = {
  name: 'scheduler', kind: 'launcher', state: 'stopped', since: '2026-11-26 14:03:11 UTC', position: 'main.tick (main.go:55)', by: 'alice', reason: 'breakpoint',
  viewers: [{ user: 'alice', protocol: 'DAP', since: '2026-11-26 14:00:00 UTC' }, { user: 'bob', protocol: 'JSON-RPC', since: '2026-11-26 14:01:00 UTC' }],
  runControl: { mode: 'baton', holder: 'alice', since: '2026-11-26 14:03:11 UTC', asking: ['bob'] },
  stopBudget: { damage: '10m', used: '30719ms', breakpointsOff: false, forcedResumes: 2 },
  park: { stop: '17-3f9c', by: 'alice', note: 'look at queue.items, Bob', until: '2026-11-26 14:33:11 UTC' },
  launcher: { detached: true, deadline: '2026-11-26 15:00:00 UTC' },
};

function only(report: unknown) {
  const [one] = readComponents({ components: [report] });
  assert.ok(one);
  return one;
}

test('a stopped component is told with who has the baton, who asks, the budget and who is here', () => {
  const one = only(stopped);
  assert.equal(componentRow(one).description, 'stopped at main.tick (main.go:55) parked');
  assert.deepEqual(detailRows(one, 'bob').map((row) => [row.label, row.description ?? '']), [
    ['Taken out', 'put back at 2026-11-26 15:00:00 UTC'],
    ['Baton: alice', 'since 2026-11-26 14:03:11 UTC'],
    ['you ask for the baton', ''],
    ['Parked: look at queue.items, Bob', 'by alice until 2026-11-26 14:33:11 UTC'],
    ['Stop budget: 30.7 s of 10 min used', '2 stops cut short'],
    ['alice', 'DAP, since 2026-11-26 14:00:00 UTC'],
    ['you', 'JSON-RPC, since 2026-11-26 14:01:00 UTC'],
  ]);
  assert.equal(statusText(one, 'alice'), 'scheduler: stopped · baton: you · 30.7 s of 10 min used · parked');
});

test('a time of the gateway is told in units that say something, and what is none stays as it is', () => {
  const told = { '0s': '0 s', '4s': '4 s', '30719ms': '30.7 s', '59949ms': '59.9 s', '59950ms': '1 min', '60719ms': '1 min 1 s', '10m': '10 min', '90s': '1 min 30 s', '3600s': '1 h', '1h30m': '1 h 30 min', '86400500ms': '24 h 1 s' };
  for (const [time, text] of Object.entries(told)) assert.equal(durationText(time), text, time);
  for (const other of ['', '?', '10', 'm', '-1s', '1.5s', '10m of', '1d', '5s5h']) assert.equal(durationText(other), other);
});

test('who is alone hears nothing of a baton', () => {
  assert.equal(statusText(only({ name: 'app', state: 'running', viewers: [{ user: 'a' }], runControl: { mode: 'baton', holder: 'a' } }), 'a'), 'app: running');
});

test('every row of a component has an id of its own', () => {
  const ids = detailRows(only(stopped), 'x').map((row) => row.id);
  assert.equal(new Set(ids).size, ids.length);
});

test('what somebody else wrote is one line without control or direction characters', () => {
  const row = componentRow(only({ name: 'a', state: 'stopped', by: 'a\u202eb', since: 'now', position: 'x\ny\u0007', detail: 'z'.repeat(9999) }));
  assert.match(row.tooltip ?? '', /since now by a\?b/);
  assert.equal(row.description, 'stopped at x?y?');
  assert.ok((row.tooltip ?? '').length < 700);
});

test('a component with a name that none can have is not there', () => {
  const names = ['app', 'a-1', '0', 'a'.repeat(63), '', '-a', 'a-', 'A', 'a b', 'a;reboot', '$(id)', 'a\n', '../x', 'a\u202eb', 'a'.repeat(64)];
  assert.deepEqual(readComponents({ components: names.map((name) => ({ name })) }).map((one) => one.name), names.slice(0, 4));
});

test('members of other types are not there, and a report without a list is refused', () => {
  const one = only({ name: 'a', state: 7, viewers: 'x', runControl: [], stopBudget: 3, park: null, launcher: 'y', exitStatus: '3', warnings: [1, 'w'] });
  assert.deepEqual({ ...one, baton: undefined }, { name: 'a', kind: '', state: 'unknown', detached: false, people: [], warnings: ['w'], baton: undefined });
  for (const report of [{}, [], null, { components: {} }]) assert.throws(() => readComponents(report), /is it another version/);
});

test('sessions are read in both forms: one entry a person, and people within', () => {
  assert.deepEqual(readSessions({ sessions: [{ component: 'app', user: 'a', role: 'admin' }, { component: 'app', user: 'b' }, { user: 'c' }] }).get('app'), [{ user: 'a', role: 'admin' }, { user: 'b' }]);
  assert.deepEqual(readSessions({ sessions: [{ component: 'app', people: [{ user: 'a', ide: 'VS Code' }] }] }).get('app'), [{ user: 'a', ide: 'VS Code' }]);
});
