/** What a container uses: samples of its cgroup's counters, with what the host did meanwhile. */
import { nowNs } from '#base';
import { type CgroupStats, hostCpuNs } from '#linux';
import { hasProcess } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, findContainer } from '../parts.ts';

export interface UsageSample {
  readonly timeNs: bigint;
  readonly cgroup: CgroupStats;
  readonly hostCpuNs: number;
  readonly onlineCpus: number;
}

/** Undefined while it does not run. Throws `container.noSuch`. */
export function sampleUsage(parts: EngineParts, reference: string): UsageSample | undefined {
  const record = findContainer(parts, reference);
  if (!hasProcess(record.status)) return undefined;
  const cgroup = parts.runtime.stats(cgroupsPathOf(parts.options, record));
  return { timeNs: nowNs(), cgroup, hostCpuNs: hostCpuNs(), onlineCpus: parts.facts.cpus };
}
