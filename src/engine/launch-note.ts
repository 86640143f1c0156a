/**
 * What of a launch is nowhere else until the container's record says that it runs: a file in its run folder, written before
 * the process is made and gone with the run. A daemon killed between the two is followed by one that reads it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { NetworkState } from '#network';
import type { RuntimeProgram } from '#runtime';
import type { ContainerRecord } from './container-record.ts';
import { networksOf } from './networking.ts';
import { OWN_RUNTIME, runtimeNameOf } from './runtimes.ts';

export interface LaunchNote {
  /** What it has of networks. */
  readonly network?: NetworkState;
  /** What makes it; undefined is our own runtime. */
  readonly program?: RuntimeProgram;
}

/** Nothing is written of a container that has neither: of most there is nothing to note. */
export function writeLaunchNote(runDirectory: string, note: LaunchNote): void {
  if (note.network === undefined && note.program === undefined) return;
  writeFileSync(pathIn(runDirectory), JSON.stringify(note), { mode: 0o600 });
}

/** Undefined where one should be and is not: it was not launched, or by a version that wrote none. */
export function readLaunchNote(runDirectory: string, { settings }: ContainerRecord): LaunchNote | undefined {
  try {
    return JSON.parse(readFileSync(pathIn(runDirectory), 'utf8')) as LaunchNote;
  } catch {
    const needsNone = networksOf(settings).length === 0 && runtimeNameOf(settings.host) === OWN_RUNTIME;
    return needsNone ? {} : undefined;
  }
}

const pathIn = (runDirectory: string): string => `${runDirectory}/launch.json`;
