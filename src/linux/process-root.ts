/** The root folder of another process, held open: what it mounts, replaces or renames later leads nowhere else. */
import { closeSync, constants, openSync } from 'node:fs';
import { errnoCode } from '#base';
import { readProcessStat } from './process-stat.ts';

export interface ProcessRoot extends Disposable {
  readonly descriptor: number;
}

/** Undefined when the process is gone. The start time tells it from another that got its pid. */
export function openProcessRoot(pid: number, startTime: bigint): ProcessRoot | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ESRCH') return undefined;
    throw error;
  }
  // Looked at after the opening: while the pid is still this process's, so was the root.
  const stat = readProcessStat(pid);
  if (stat?.startTime === startTime && stat.state !== 'Z') {
    return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
  }
  closeSync(descriptor);
  return undefined;
}
