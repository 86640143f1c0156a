/**
 * The verdict without root: types, lint, format, map, unit tests, C tests. Runs every step, says which failed.
 *
 * `node tools/run.mjs tools/ok.ts [STEP…]` runs only the steps named.
 */
import { globSync } from 'node:fs';
import { runSteps } from './steps.ts';

const bin = (name: string): string => `node_modules/.bin/${name}`;
const unitTests = globSync('{src,tools,bench}/**/*.test.ts').sort();

process.exitCode = await runSteps(
  [
    { name: 'types', command: [bin('tsc'), '-p', '.'] },
    { name: 'lint', command: [bin('oxlint'), '--type-aware', '--quiet'] },
    { name: 'format', command: [bin('biome'), 'format', '--max-diagnostics=20'] },
    { name: 'map', command: [process.execPath, 'tools/check-map.ts'] },
    { name: 'native', command: ['make', '-s', '-j2', '-C', 'native', 'all', 'check'] },
    { name: 'fuzz', command: ['make', '-s', '-C', 'native', 'fuzz'] },
    {
      name: 'unit',
      command: [
        process.execPath,
        '--test',
        '--test-concurrency=2',
        '--test-timeout=120000',
        '--test-reporter=dot',
        ...unitTests,
      ],
    },
  ],
  process.argv.slice(2),
);
