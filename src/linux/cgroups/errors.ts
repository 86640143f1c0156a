/**
 * What cgroups refuse, and what is refused about limits.
 */
import { defineErrors } from '#base';

export const errors = defineErrors('cgroup', {
  notMounted: {
    kind: 'unavailable',
    message: () => 'no cgroup file system is mounted on this host; mount one on /sys/fs/cgroup',
  },
  noController: {
    kind: 'unavailable',
    message: (controller: string, what: string) =>
      `cannot set ${what}: the ${controller} cgroup controller is not available here`,
  },
  notEmpty: {
    kind: 'conflict',
    message: (folder: string, count: number) => `cgroup ${folder} already holds ${count} process(es)`,
  },
  invalid: { kind: 'invalid', message: (what: string, why: string) => `${what}: ${why}` },
  belowUsage: {
    kind: 'invalid',
    message: (limit: number, usage: number) =>
      `memory limit ${limit} is below the ${usage} bytes in use, and checkBeforeUpdate is set`,
  },
  memoryBusy: {
    kind: 'conflict',
    message: (limit: string, usage: string) =>
      `unable to set the memory limit to ${limit}: ${usage} bytes are in use and could not be reclaimed`,
  },
  write: {
    kind: 'invalid',
    message: (file: string, value: string, why: string) => `cannot write '${value}' to ${file}: ${why}`,
  },
  freezeTimeout: { kind: 'deadline', message: (folder: string) => `cgroup ${folder} could not be frozen in time` },
  killTimeout: {
    kind: 'deadline',
    message: (folder: string, pids: string) => `processes ${pids} in cgroup ${folder} survive SIGKILL`,
  },
  gone: { kind: 'not-found', message: (folder: string) => `cgroup ${folder} does not exist` },
});
