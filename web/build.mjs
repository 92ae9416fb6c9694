// Checks and bundles the page, and writes it as C++: node build.mjs SOURCE OUTPUT.cpp. It is copied beside node_modules and run
// there; the same sources make the same bytes.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const [source, output] = process.argv.slice(2);
const checked = spawnSync(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', source], { stdio: 'inherit' });
if (checked.status !== 0) process.exit(1);

async function bundled(entry) {
  const done = await build({
    entryPoints: [join(source, 'src', entry)], bundle: true, write: false, minify: true, format: 'iife', target: 'es2022', charset: 'ascii',
    legalComments: 'none', logLevel: 'warning',
  });
  return Buffer.from(done.outputFiles[0].contents);
}

const files = [
  ['/', 'text/html; charset=utf-8', readFileSync(join(source, 'src', 'index.html'))],
  ['/page.css', 'text/css; charset=utf-8', await bundled('page.css')],
  ['/page.js', 'text/javascript; charset=utf-8', await bundled('page.ts')],
];

// Octal escapes end after three digits, whatever follows.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 100) {
    let line = '';
    for (const byte of bytes.subarray(at, at + 100))
      line += byte < 32 || byte > 126 || byte === 34 || byte === 92 || byte === 63 ? '\\' + byte.toString(8).padStart(3, '0') : String.fromCharCode(byte);
    lines.push(`     "${line}"`);
  }
  return lines.join('\n');
}

const entries = files.map(([path, type, bytes]) => `    {"${path}", "${type}",\n${literal(bytes)}},\n`);
writeFileSync(output, `// Made by web/build.mjs from web/src.\n#include "gateway/web_files.h"\n\nnamespace gateway {\n
const std::array<web_file, ${files.length}> web_files{{\n${entries.join('')}}};\n\n}  // namespace gateway\n`);
