/**
 * One operation at a time per container, across processes, without flock (Node has none).
 *
 * A lock is a file `lock.N` that names its holder; the highest N counts. Whoever finds it released, or its holder dead,
 * makes `lock.N+1` by link(2), which only one can. Numbers only grow, so nobody removes a lock that is younger
 * than what he saw; after making his own he looks again, in case he had been overtaken.
 */
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoCode, writeFileAtomic } from '#base';
import { readProcessStat } from '#linux';
import { errors } from '../errors.ts';

const RELEASED = 'released\n';
const WAIT_MS = 30_000;

/** Waits for its turn. Throws `runtime.locked` after half a minute, Node's errors when the folder is gone. */
export async function lockFolder(folder: string): Promise<Disposable> {
  const deadline = performance.now() + WAIT_MS;
  for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
    const attempt = tryLock(folder);
    if ('lock' in attempt) return attempt.lock;
    if (performance.now() > deadline) throw errors.locked(folder, attempt.holder);
    await sleep(pause);
  }
}

type Attempt = { readonly lock: Disposable } | { readonly holder: string };

function tryLock(folder: string): Attempt {
  const newest = newestLock(folder);
  if (newest > 0) {
    const holder = readLock(`${folder}/lock.${newest}`);
    if (holder !== undefined && isHeld(holder)) return { holder: holder.trim() };
  }
  const mine = `${folder}/lock.${newest + 1}`;
  const temporary = `${folder}/.lock.${process.pid}`;
  writeFileSync(temporary, `${process.pid} ${readProcessStat(process.pid)?.startTime ?? 0}\n`, { mode: 0o600 });
  try {
    linkSync(temporary, mine);
  } catch (error) {
    if (errnoCode(error) === 'EEXIST') return { holder: 'another process' };
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  if (newestLock(folder) > newest + 1) {
    rmSync(mine, { force: true });
    return { holder: 'another process' };
  }
  for (const number of lockNumbers(folder)) if (number <= newest) rmSync(`${folder}/lock.${number}`, { force: true });
  return { lock: { [Symbol.dispose]: () => release(mine) } };
}

/** The folder may be gone: `delete` ends with it. */
function release(file: string): void {
  if (readLock(file) !== undefined) writeFileAtomic(file, RELEASED);
}

function isHeld(text: string): boolean {
  const [pid = '', startTime = ''] = text.trim().split(' ');
  return text !== RELEASED && String(readProcessStat(Number(pid))?.startTime) === startTime;
}

function readLock(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const newestLock = (folder: string): number => Math.max(0, ...lockNumbers(folder));

function lockNumbers(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => Number(/^lock\.(\d+)$/.exec(name)?.[1] ?? []) || []);
}
