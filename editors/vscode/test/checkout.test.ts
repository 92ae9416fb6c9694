import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';

import { localSources, parse } from '../src/core/checkout.js';

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'delvegate-checkout-')));
after(() => {
  fs.rmSync(root, { recursive: true });
});
const at = (...names: string[]) => path.join(root, ...names);
function files(all: Record<string, string>): void {
  for (const [name, text] of Object.entries(all)) {
    fs.mkdirSync(path.dirname(at(name)), { recursive: true });
    fs.writeFileSync(at(name), text);
  }
}
const modules = async (...folders: string[]) => (await localSources(folders.map((name) => at(name)), {}))?.ClientModuleDirectories;

test('a go.mod is read for its module and what it replaces by directories', () => {
  const text = 'module "example.com/a" // x\n\ngo 1.22\nrequire (\n\tk8s.io/api v0.1.0\n)\nreplace k8s.io/one => ./one\nreplace (\n\tk8s.io/two v0.0.0 => ../two // y\n\tk8s.io/three => k8s.io/fork v1.0.0\n)\n';
  assert.deepEqual(parse(text), { module: 'example.com/a', uses: [], replacements: [['k8s.io/one', './one'], ['k8s.io/two', '../two']] });
  assert.deepEqual(parse('use .\r\nuse (\r\n\t./a\r\n\t"./b c"\r\n\t`./d`\r\n)\r\n').uses, ['.', './a', './b c', './d']);
  assert.deepEqual(parse('module\n)\n"\nuse\nreplace => \nreplace a =>\n'), { uses: [], replacements: [] });
});

test('the modules of all folders are found, those of go.work and of folders above too, and the first of a name stays', async () => {
  files({
    'app/go.mod': 'module example.com/app\nreplace example.com/lib => ./lib\n',
    'app/cmd/tool/main.go': 'package main\n',
    'other/go.mod': 'module example.com/app\n',
    'space/go.work': 'go 1.22\nuse (\n\t./a\n\t./b\n\t./gone\n)\n',
    'space/a/go.mod': 'module example.com/a\n',
    'space/b/go.mod': 'module example.com/b\n',
    'plain/readme': '',
  });
  const app = { 'example.com/app': at('app'), 'example.com/lib': at('app', 'lib') };
  const space = { 'example.com/a': at('space', 'a'), 'example.com/b': at('space', 'b') };
  assert.deepEqual(await modules('app'), app);
  assert.deepEqual(await modules('app/cmd/tool'), app);
  assert.deepEqual(await modules('space'), space);
  assert.deepEqual(await modules('space/b'), space);
  assert.deepEqual(await modules('app', 'plain', 'other', 'space'), { ...app, ...space });
  assert.deepEqual(await modules('other', 'app'), { ...app, 'example.com/app': at('other') });
  assert.equal(await modules('plain'), undefined);
  assert.equal(await modules(), undefined);
});

test('what is too large or no file is not read, and not more is said than a gateway takes', async () => {
  files({ 'large/go.mod': 'module example.com/large\n' + '/'.repeat(4 * 1024 * 1024) });
  fs.mkdirSync(at('folder', 'go.mod'), { recursive: true });
  assert.equal(await modules('large'), undefined);
  assert.equal(await modules('folder'), undefined);
  files({ 'many/go.mod': 'module example.com/many\n' + Array.from({ length: 400 }, (_, i) => `replace m${String(i)} => ./${String(i)}\n`).join('') });
  assert.equal(Object.keys((await modules('many')) ?? {}).length, 256);
  files({ 'long/go.mod': 'module example.com/long\n' + Array.from({ length: 100 }, (_, i) => `replace m${String(i)} => ./${'x'.repeat(1000)}${String(i)}\n`).join('') });
  assert.ok(JSON.stringify(await modules('long')).length < 60 * 1024);
});

test("GOROOT is the environment's, else that of the `go` on the path", async () => {
  files({ 'app/go.mod': 'module example.com/app\n', 'go/src/runtime/proc.go': '', 'go/bin/go': '', 'sdk/src/runtime/proc.go': '', 'bin/empty': '' });
  if (process.platform !== 'win32') fs.symlinkSync(at('go', 'bin', 'go'), at('bin', 'go'));
  const found = async (environment: NodeJS.ProcessEnv) => (await localSources([at('app')], environment))?.ClientGOROOT;
  assert.equal(await found({ GOROOT: at('sdk'), PATH: at('bin') }), at('sdk'));
  assert.equal(await found({ GOROOT: at('app'), PATH: ['rel', at('nothing'), at('bin')].join(path.delimiter) }), process.platform === 'win32' ? undefined : at('go'));
  assert.equal(await found({ PATH: '' }), undefined);
});
