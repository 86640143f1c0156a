/**
 * v1 `pids`: how many tasks there may be (Documentation/admin-guide/cgroup-v1/pids.rst).
 */
import { type CgroupResources, type ReadFile, type Setting, when } from '../resources.ts';
import { type CgroupStats, numberIn, optional } from '../stats.ts';

/** compat: 0 becomes 1 as in runc, which does so because systemd takes 0 for "unset"; one process is there anyway. */
export function settings({ pids }: CgroupResources): Setting[] {
  return when(pids?.limit, 'pids.max', (limit) => (limit < 0 ? 'max' : String(Math.max(1, limit))));
}

export function stats(read: ReadFile): CgroupStats {
  const current = numberIn(read('pids.current'));
  return current === undefined ? {} : { pids: { current, ...optional('limit', numberIn(read('pids.max'))) } };
}
