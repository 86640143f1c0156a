/** Which CPUs and memory nodes a container may be tied to: those the host has. */
import { cpuMask } from '#runtime';
import { errors } from './errors.ts';

export interface OnlineUnits {
  readonly cpus: string;
  readonly nodes: string;
}

/** Throws `container.invalid` for a list that is none, and for what the host has not. compat: the words are Docker's. */
export function checkCpuLists(asked: OnlineUnits, online: OnlineUnits): void {
  check(asked.cpus, online.cpus, { field: 'cpuset cpus', units: 'CPUs' });
  check(asked.nodes, online.nodes, { field: 'cpuset mems', units: 'memory nodes' });
}

function check(asked: string, online: string, { field, units }: { field: string; units: string }): void {
  // A host that does not tell has the kernel refuse it at the start.
  if (asked === '' || online === '') return;
  let wanted: Uint8Array;
  try {
    wanted = cpuMask(asked, field);
  } catch {
    throw errors.invalid(`Invalid value ${asked} for ${field}: invalid format: ${asked}`);
  }
  const there = cpuMask(online, field);
  if (wanted.some((bits, index) => (bits & ~(there[index] ?? 0)) !== 0)) {
    throw errors.invalid(`Requested ${units} are not available - requested ${asked}, available: ${online}`);
  }
}
