/** Bundles the programs for release: dist/*.mjs, what they share in chunks, so that a command loads only what it needs. */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';

const programs = ['skiff', 'skiffd', 'skiff-registry', 'skiff-runtime'];
/** What programs import: `skiff/client`, `skiff/engine`. */
const libraries = [
  { name: 'client', path: 'src/client/index.ts' },
  { name: 'engine', path: 'src/sdk/index.ts' },
];
/** Code of worker threads, found by `workerEntry` beside the programs. */
const workers = ['src/images/layers/unpack-worker.ts'];

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: [
    ...programs.map((name) => ({ in: `src/bin/${name}.ts`, out: name })),
    ...libraries.map(({ name, path }) => ({ in: path, out: name })),
    ...workers.map((path) => ({ in: path, out: basename(path, '.ts') })),
  ],
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunk/[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  // Its entry for Node is CommonJS, which cannot require Node's modules from within an ES module.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
console.log(`dist: ${programs.join(', ')}`);
