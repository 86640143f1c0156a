/**
 * Runs a TypeScript file with the Node this package brings along: `node tools/run.mjs FILE ARGS…`.
 *
 * The system's Node (20 or newer) runs only this file; everything else needs the pinned one.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = `${root}node_modules/node-linux-${process.arch}/bin/node`;
if (!existsSync(node)) {
  console.error(`skiff: ${node} is missing: run 'npm ci' first (optional dependencies must not be left out)`);
  process.exit(1);
}
const child = spawn(node, process.argv.slice(2), { stdio: 'inherit', cwd: root });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (code === 127) console.error('skiff: Node 26 needs libatomic: apt-get install libatomic1');
  process.exit(signal ? 1 : code);
});
