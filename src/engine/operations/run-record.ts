/** What a start makes of a container's record. Pure: no I/O, no clock. */
import type { NetworkState } from '#network';
import type { ProcessIdentity, RuntimeProgram } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { healthAtStart } from '../health/healthcheck.ts';
import { probeOfRecord } from '../health/monitor.ts';
import { next } from '../lifecycle.ts';

export interface BegunRun {
  readonly process: ProcessIdentity;
  /** What has made it; undefined is our own runtime. */
  readonly program?: RuntimeProgram;
  readonly network?: NetworkState;
  readonly startedAt: string;
}

/** A user's start counts anew; a policy's goes on counting. */
export function recordToStart(record: ContainerRecord): ContainerRecord {
  return record.status === 'restarting' ? record : { ...record, restartCount: 0, stoppedByUser: false };
}

/** Without what the run before has left. */
export function recordBeforeRun(before: ContainerRecord): ContainerRecord {
  const { exit: _, process: __, network: ___, ...rest } = before;
  return { ...rest, error: '' };
}

/** With the process there. Throws the lifecycle's refusals. */
export function recordOfRun(
  before: ContainerRecord,
  { process, program, network, startedAt }: BegunRun,
): ContainerRecord {
  const intent = recordBeforeRun(before);
  return {
    ...intent,
    status: next(before.id, before.status, 'start'),
    startedAt,
    ...(probeOfRecord(intent) ? { health: healthAtStart(intent.health) } : {}),
    process: {
      ...{ pid: process.pid, startTime: String(process.startTime) },
      ...(program ? { runtime: program } : {}),
    },
    ...(network ? { network } : {}),
  };
}
