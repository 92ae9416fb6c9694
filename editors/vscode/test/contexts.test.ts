import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';

import { addressText, parseGateway } from '../src/core/address.js';
import { ContextStore, defaultDirectory, goodName, nameFor } from '../src/core/contexts.js';
import { faultOfInvitation, readInvitation, renewalIsDue } from '../src/core/enroll.js';
import { blocks } from '../src/core/pem.js';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'delvegate-vscode-'));
after(() => {
  fs.rmSync(home, { recursive: true });
});
let number = 0;
const store = (): ContextStore => new ContextStore(path.join(home, String(++number)));

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const closed = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' }).toString();
const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

function stored(key: string): ContextStore {
  const made = store();
  const draft = made.begin();
  draft.commit({ name: 'node1', gateway: { host: 'node1.example', port: 7443 }, renewUntil: 5 }, certificate + key, certificate);
  draft.dispose();
  return made;
}

test('the directory is that of `delvegate enroll`', () => {
  assert.equal(defaultDirectory({ XDG_CONFIG_HOME: '/x', HOME: '/h' }), path.join('/x', 'delvegate'));
  assert.equal(defaultDirectory({ XDG_CONFIG_HOME: 'x', HOME: '/h' }), path.join('/h', '.config', 'delvegate'));
});

test('a context is stored whole, for its owner only, and is the current one', () => {
  const made = stored(plain);
  assert.deepEqual(made.names(), ['node1']);
  assert.equal(made.current(), 'node1');
  assert.deepEqual(made.read('node1'), { name: 'node1', gateway: { host: 'node1.example', port: 7443 }, renewUntil: 5 });
  const all = fs.readdirSync(made.root, { recursive: true, withFileTypes: true });
  assert.deepEqual(all.map((one) => one.name).sort(), ['ca.crt', 'client.pem', 'context.json', 'contexts', 'current-context', 'node1']);
  for (const one of all) assert.equal(fs.statSync(path.join(one.parentPath, one.name)).mode & 0o077, 0, one.name);
});

test('enrolling again takes the place of the context; a draft that came to nothing leaves nothing', () => {
  const made = stored(plain);
  const draft = made.begin();
  draft.commit({ name: 'node1', gateway: { host: 'node1.example', port: 7555 }, renewUntil: 6 }, certificate + plain, certificate);
  draft.dispose();
  made.begin().dispose();
  assert.equal(made.read('node1').gateway.port, 7555);
  assert.deepEqual(fs.readdirSync(path.join(made.root, 'contexts')), ['node1']);
});

test('a damaged context is one that enrolling again replaces', () => {
  const made = stored(plain);
  assert.equal(made.taken('node1')?.gateway.port, 7443);
  fs.writeFileSync(path.join(made.directory('node1'), 'context.json'), '{');
  assert.equal(made.taken('node1'), undefined);
  fs.rmSync(path.join(made.directory('node1'), 'context.json'));
  assert.equal(made.taken('node1'), undefined);
  const draft = made.begin();
  assert.equal(draft.commit({ name: 'node1', gateway: { host: 'node1.example', port: 7555 }, renewUntil: 6 }, certificate + plain, certificate), undefined);
  draft.dispose();
  assert.equal(made.read('node1').gateway.port, 7555);
});

test('a context that is stored is not taken back because it cannot be the current one', () => {
  const made = store();
  fs.mkdirSync(path.join(made.root, 'current-context'), { recursive: true });
  const draft = made.begin();
  const why = draft.commit({ name: 'node1', gateway: { host: 'node1.example', port: 7443 }, renewUntil: 5 }, certificate + plain, certificate);
  draft.dispose();
  assert.match(why ?? '', /^the context node1 is stored, and is not the current one: /);
  assert.equal(made.read('node1').gateway.port, 7443);
});

test('a renewed certificate replaces only the one that it was made of', () => {
  const made = stored(plain);
  const was = made.client('node1');
  assert.equal(made.replaceIdentity('node1', was, certificate + closed), true);
  assert.equal(made.replaceIdentity('node1', was, certificate + plain), false);
  assert.equal(made.client('node1'), certificate + closed);
});

test('a renewal does not get into what somebody has enrolled meanwhile', () => {
  const made = stored(plain);
  const was = made.client('node1');
  const draft = made.begin();
  draft.commit({ name: 'node1', gateway: { host: 'node1.example', port: 7443 }, renewUntil: 9 }, certificate + closed, certificate);
  draft.dispose();
  assert.equal(made.replaceIdentity('node1', was, certificate + plain), false);
  assert.equal(made.client('node1'), certificate + closed);
  assert.deepEqual(fs.readdirSync(made.directory('node1')).sort(), ['ca.crt', 'client.pem', 'context.json']);
});

test('nothing is read for a name that is a path', () => {
  const made = stored(plain);
  for (const name of ['../contexts/node1', '..', 'node1/../node1', '/etc', '.new-1-a', 'node1\n'])
    for (const read of [() => made.directory(name), () => made.read(name), () => made.client(name), () => made.identity(name), () => made.holder(name), () => made.needsPassphrase(name), () => made.replaceIdentity(name, '', '')])
      assert.throws(read, { name: 'Trouble', message: /there is no context/ }, name);
});

test('a context that goes by another host is not dialled past it', () => {
  const made = stored(plain);
  const file = path.join(made.directory('node1'), 'context.json');
  fs.writeFileSync(file, '{"gateway":"node1.example:7443","renewUntil":5,"via":"ssh://jump"}');
  assert.throws(() => made.read('node1'), /goes by ssh:\/\/jump, which only `delvegate connect` can/);
  fs.writeFileSync(file, '{"gateway":"node1.example:7443","renewUntil":5,"via":"direct"}');
  assert.equal(made.read('node1').gateway.port, 7443);
});

test('an encrypted key opens with its passphrase only', () => {
  const made = stored(closed);
  assert.equal(made.needsPassphrase('node1'), true);
  assert.equal(stored(plain).needsPassphrase('node1'), false);
  assert.ok(made.identity('node1', 'open sesame').key.equals(privateKey));
  assert.throws(() => made.identity('node1', 'wrong'), { name: 'Trouble', code: 'passphrase' });
});

test('what is damaged or not there is told with what to do', () => {
  const made = stored(plain);
  assert.throws(() => made.read('other'), /there is no context "other"; those there are: node1/);
  assert.throws(() => made.read('../contexts/node1'), /there is no context/);
  assert.throws(() => store().read('x'), /enrol with a gateway first/);
  for (const text of ['{', '[]', '{"gateway":1}', '{"gateway":"a:0"}', '{"gateway":"a b:1"}']) {
    fs.writeFileSync(path.join(made.directory('node1'), 'context.json'), text);
    assert.throws(() => made.read('node1'), /is damaged; enrol again/, text);
  }
  fs.writeFileSync(path.join(made.directory('node1'), 'client.pem'), certificate);
  assert.throws(() => made.identity('node1'), /no certificate with a key; enrol again/);
  fs.writeFileSync(path.join(made.root, 'current-context'), '../x\n');
  assert.equal(made.current(), undefined);
});

test('names and addresses', () => {
  assert.deepEqual(['a', 'A-1_.b', '.a', '', 'a/b', 'a'.repeat(65)].map(goodName), [true, true, false, false, false, false]);
  assert.deepEqual(['node1.example', '::1', '..'].map(nameFor), ['node1.example', '--1', 'gateway']);
  for (const [text, host, port] of [['h', 'h', 7443], ['h:1', 'h', 1], ['[::1]', '::1', 7443], ['[::1]:9', '::1', 9]] as const) assert.deepEqual(parseGateway(text, 7443), { host, port });
  for (const text of ['', ':1', 'h:', 'h:0', 'h:65536', '::1', 'h/x', 'u@h', 'h 1']) assert.equal(parseGateway(text, 7443), undefined, text);
  assert.equal(addressText({ host: '::1', port: 9 }), '[::1]:9');
});

test('the line of `delvegate token create` is read as a shell would', () => {
  const pin = 'sha256:' + 'ab'.repeat(32);
  assert.deepEqual(readInvitation(`delvegate enroll node1:7444 --ca-pin ${pin} <<< 'dvt1.xyz'`), { gateway: { host: 'node1', port: 7444 }, pin, token: 'dvt1.xyz' });
  assert.deepEqual(readInvitation(`delvegate enroll node1 --ca-pin=${pin.toUpperCase().replace('SHA256', 'sha256')}`), { gateway: { host: 'node1', port: 7444 }, pin });
  for (const context of ['--context lab-2', '--context=lab-2', `--context 'lab-2'`]) assert.equal(readInvitation(`delvegate enroll node1 --ca-pin ${pin} ${context} <<< 'x'`)?.context, 'lab-2');
  const fault = (more: string) => faultOfInvitation(`delvegate enroll node1 --ca-pin ${pin} ${more}`);
  assert.deepEqual([fault(''), fault('--via direct'), fault('--context lab')], [undefined, undefined, undefined]);
  assert.match(fault('--via ssh://jump') ?? '', /by ssh:\/\/jump, which only/);
  assert.match(fault('--context ../lab') ?? '', /not "\.\.\/lab"/);
  assert.match(faultOfInvitation('delvegate enroll') ?? '', /has the form/);
  for (const line of ['', 'delvegate enroll node1', `delvegate enroll --ca-pin ${pin}`, 'delvegate enroll node1 --ca-pin sha256:ab', `delvegate connect node1 --ca-pin ${pin}`]) assert.equal(readInvitation(line), undefined, line);
});

test('a certificate is renewed late in its life, and never when that is of no use', () => {
  const day = 86_400_000;
  const at = (share: number) => new Date(share * day);
  const due = (share: number, chance: number, until = 0) => renewalIsDue(at(0), at(1), until, chance, at(share));
  assert.deepEqual([due(0.72, 0), due(0.74, 0), due(0.74, 1), due(0.84, 1), due(1.1, 0)], [false, true, false, true, false]);
  assert.equal(due(0.9, 0, day / 1000), false); // what it would give ends no later
});

test('blocks of a PEM text are told apart by their labels', () => {
  assert.deepEqual(blocks(plain + 'x\n' + certificate, /^CERTIFICATE$/), [certificate]);
  assert.deepEqual(blocks(certificate.replace('END CERTIFICATE', 'END X'), /./), []);
});
