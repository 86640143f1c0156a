/**
 * From a config's `cgroupsPath` to a cgroup on this host.
 */
import type { Cgroup, CgroupDeps } from './cgroup.ts';
import { kernelFiles } from './files.ts';
import { type CgroupHost, readCgroupHost } from './host.ts';
import { parseCgroupsPath } from './path.ts';
import { CgroupV1 } from './v1-cgroup.ts';
import { CgroupV2 } from './v2-cgroup.ts';

const kernelDeps: CgroupDeps = { files: kernelFiles, signal: (pid, signal) => void process.kill(pid, signal) };

/** The cgroup of a path, which need not exist. Throws `cgroup.invalid` for a path that makes no sense. */
export function openCgroup(
  cgroupsPath: string,
  host: CgroupHost = readCgroupHost(),
  deps: CgroupDeps = kernelDeps,
): Cgroup {
  const path = parseCgroupsPath(cgroupsPath);
  return host.mode === 'v2' ? new CgroupV2(host, path, deps) : new CgroupV1(host, path, deps);
}
