// Bundles the extension into dist/extension.js: one file, without node_modules.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/editor/extension.ts'],
  outfile: 'dist/extension.js',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  minify: process.argv.includes('--minify'),
  legalComments: 'none',
  logLevel: 'warning',
});
