/**
 * v1 `net_cls` and `net_prio`: marks on the packets of a cgroup (Documentation/admin-guide/cgroup-v1/net_*.rst).
 * v2 has no counterpart; firewalls match the cgroup itself there.
 */
import { type CgroupResources, type Setting, when } from '../resources.ts';
import type { CgroupStats } from '../stats.ts';

/** For `net_cls`. */
export function settings({ network }: CgroupResources): Setting[] {
  return when(network?.classID || undefined, 'net_cls.classid');
}

/** For `net_prio`: one write per interface. */
export function prioritySettings({ network }: CgroupResources): Setting[] {
  return (network?.priorities ?? []).map(({ name, priority }) => ({
    file: 'net_prio.ifpriomap',
    value: `${name} ${priority}`,
  }));
}

export function stats(): CgroupStats {
  return {};
}
