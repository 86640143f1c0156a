/**
 * Steps of a daemon that was killed: their programs, cgroups and run folders go before anything else, for they still write
 * into layers in the making, which are removed after them.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { causeChain, errnoCode, type Log } from '#base';
import type { ContainerRuntime } from '#runtime';
import { endLeftGit } from '../git/git-program.ts';
import type { BuildOptions } from '../parts.ts';
import { CGROUP_NOTE, runRoot } from './run-step.ts';

/** What cannot be removed is logged, and tried again at the next start. */
export async function removeLeftSteps({
  options,
  runtime,
  log,
}: {
  readonly options: Pick<BuildOptions, 'execRoot'>;
  readonly runtime: ContainerRuntime;
  readonly log: Log;
}): Promise<void> {
  const root = runRoot(options.execRoot);
  for (const id of namesIn(root)) {
    try {
      const cgroup = noteIn(`${root}/${id}`);
      if (cgroup !== '') await endCgroup(runtime, cgroup);
      endLeftGit(`${root}/${id}`);
      rmSync(`${root}/${id}`, { recursive: true, force: true });
    } catch (error) {
      log.warn('a step of an earlier build could not be cleaned up', { step: id, error: causeChain(error) });
    }
  }
}

const TURNS = 100;
const TURN_MS = 20;

/**
 * A shim the daemon had just asked for goes on without it: its child may still be on the way into the cgroup, and then is
 * not seen at the first look, or holds one of its folders. It is killed when it is in, or fails when the folder is gone.
 */
async function endCgroup(runtime: ContainerRuntime, cgroup: string): Promise<void> {
  for (let turn = 1; ; turn++) {
    await runtime.killCgroup(cgroup);
    try {
      await runtime.removeCgroup(cgroup);
      return;
    } catch (error) {
      if (turn >= TURNS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
}

/** Empty when the step had not come that far. */
function noteIn(folder: string): string {
  try {
    return readFileSync(`${folder}/${CGROUP_NOTE}`, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return [];
    throw error;
  }
}
