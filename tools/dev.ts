/** A daemon for development: private state and socket under .dev/, started anew when the source changes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, watch } from 'node:fs';
import { resolve } from 'node:path';

const folder = resolve('.dev');
const socket = `${folder}/skiff.sock`;
mkdirSync(folder, { recursive: true });
if (spawnSync('make', ['-s', '-C', 'native'], { stdio: 'inherit' }).status !== 0) process.exit(1);
console.log(`export DOCKER_HOST=unix://${socket}`);

let daemon: ChildProcess | undefined;
let stopping = false;
let timer: NodeJS.Timeout | undefined;
start();
for (const path of ['src', 'native/build/skiff-helper']) {
  watch(path, { recursive: path === 'src' }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => daemon?.kill('SIGTERM'), 200);
  });
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    daemon?.kill('SIGTERM');
  });
}

/** Containers live on over a restart, as they do over an upgrade. */
function start(): void {
  const args = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '-H', `unix://${socket}`];
  daemon = spawn(process.execPath, ['src/bin/skiffd.ts', ...args, '--live-restore', '-l', 'debug'], {
    stdio: 'inherit',
  });
  daemon.once('exit', (code) => {
    if (stopping) process.exit(code ?? 0);
    setTimeout(start, code === 0 ? 0 : 1000);
  });
}
