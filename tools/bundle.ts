/** Bundles the programs for release: dist/*.mjs, what they share in chunks, so that a command loads only what it needs. */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const programs = [
  ...['skiffd', 'skiff-registry', 'skiff-runtime'].map((name) => ({ name, path: `src/bin/${name}.ts` })),
  ...['registry', 'doctor'].map((name) => ({ name, path: `src/daemon/${name}/index.ts` })),
];
/** What programs import: `skiff/client`, `skiff/engine`. */
const libraries = [
  { name: 'client', path: 'src/client/index.ts' },
  { name: 'engine', path: 'src/sdk/index.ts' },
];
/** Code of worker threads, found by `workerEntry` beside the programs. */
const workers = ['src/images/layers/unpack-worker.ts'];

/**
 * Node's own modules, each loaded when something of it is used. An `import` of one reads all its exports at once, which
 * of node:http loads the whole of fetch and WebSocket; node:crypto takes 15 ms that most commands have no use for.
 */
const builtins: Plugin = {
  name: 'builtins',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {});
      const getters = names.map((name) => `get ${name}() { return load().${name}; }`);
      return {
        contents: `
          let loaded;
          const load = () => (loaded ??= process.getBuiltinModule(${JSON.stringify(path)}));
          module.exports = { ${getters.join(', ')} };`,
      };
    });
  },
};

/** Other programs of the package that `skiff` may become: left in bundles of their own. */
const besideSkiff: Plugin = {
  name: 'beside-skiff',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^#daemon\// }, ({ path }) => ({ path: `./${basename(path)}.mjs`, external: true }));
  },
};

const common: BuildOptions = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node26',
  // Its entry for Node is CommonJS, which cannot require Node's modules from within an ES module.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: [
      ...[...programs, ...libraries].map(({ name, path }) => ({ in: path, out: name })),
      ...workers.map((path) => ({ in: path, out: basename(path, '.ts') })),
    ],
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk/[hash]',
    splitting: true,
    format: 'esm',
    plugins: [builtins],
  }),
  // One file in CommonJS is loaded in half the time; what is imported by a command is still only run by that command.
  build({
    ...common,
    entryPoints: ['src/bin/skiff.ts'],
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    plugins: [builtins, besideSkiff],
  }),
]);
console.log(`dist: skiff, ${programs.map(({ name }) => name).join(', ')}`);
