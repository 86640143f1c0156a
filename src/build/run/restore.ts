/** Steps of a daemon that was killed: their programs, cgroups and run folders go before the first build. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { causeChain, errnoCode } from '#base';
import type { BuildParts } from '../parts.ts';
import { CGROUP_NOTE, runRoot } from './run-step.ts';

/** What cannot be removed is logged, and tried again at the next start. */
export async function removeLeftSteps({ options, runtime, log }: BuildParts): Promise<void> {
  const root = runRoot(options.execRoot);
  for (const id of namesIn(root)) {
    try {
      const cgroup = noteIn(`${root}/${id}`);
      if (cgroup !== '') {
        await runtime.killCgroup(cgroup);
        await runtime.removeCgroup(cgroup);
      }
      rmSync(`${root}/${id}`, { recursive: true, force: true });
    } catch (error) {
      log.warn('a step of an earlier build could not be cleaned up', { step: id, error: causeChain(error) });
    }
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
