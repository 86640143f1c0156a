/** What the shim of a container's first process is told, whoever makes that process. */
import type { Cgroup, ShimRecord } from '#linux';
import type { LaunchRequest } from './process-maker.ts';

/** `cgroup` is there already: the shim hears of OOM kills in it from the beginning. */
export function shimRecordOf(request: LaunchRequest, cgroup: Pick<Cgroup, 'oomWatch'>): ShimRecord {
  const { config, id, runDirectory, stdin, stdinOnce, linger, log } = request;
  const watch = cgroup.oomWatch();
  return {
    tty: config.process?.terminal ?? false,
    stdin,
    stdinOnce,
    linger,
    id,
    runDirectory,
    ...(log ? { log } : {}),
    ...(watch.kind === 0 ? {} : { oom: { path: watch.path, version: watch.kind } }),
  };
}
