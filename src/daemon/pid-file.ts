/** The file that says which process the daemon is. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errors } from './errors.ts';

/** Writes it. compat: one that names a process that runs is somebody else's. Throws `daemon.pidTaken`. */
export function writePidFile(path: string): Disposable {
  const holder = pidIn(path);
  if (holder !== undefined && holder !== process.pid && isAlive(holder)) throw errors.pidTaken(path, holder);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, String(process.pid));
  return {
    [Symbol.dispose]: () => {
      if (pidIn(path) === process.pid) rmSync(path, { force: true });
    },
  };
}

function pidIn(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A number that was given to some other program since is none of ours. */
function isAlive(pid: number): boolean {
  try {
    return /skiffd|dockerd/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
