/** Ends a container and removes what belongs to it: processes, cgroup, folder; then its poststop hooks run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openCgroup } from '#linux';
import { errors } from '../errors.ts';
import type { OciContext } from './context.ts';
import { runHooks } from './hooks.ts';
import { type ContainerState, liveProcess, publicState, removeFolder } from './state.ts';

/** Kills what still runs. Throws `runtime.survives`, `cgroup.killTimeout`, and what the kernel refuses. */
export async function deleteContainer(context: OciContext, folder: string, state: ContainerState): Promise<void> {
  await killContainer(state);
  if (state.cgroupsPath !== undefined) {
    const cgroup = openCgroup(state.cgroupsPath);
    // spec: what the container left behind without its first process is no longer a container's.
    await cgroup.kill();
    await cgroup.remove();
  }
  removeFolder(folder);
  await runHooks('poststop', state.config, publicState(state, 'stopped'), context.warn);
}

const KILL_MS = 10_000;

async function killContainer(state: ContainerState): Promise<void> {
  const deadline = performance.now() + KILL_MS;
  for (let pause = 1; liveProcess(state); pause = Math.min(2 * pause, 50)) {
    signalProcess(state, 'SIGKILL');
    if (performance.now() > deadline) throw errors.survives(state.id, String(state.life.pid));
    await sleep(pause);
  }
}

/** One signal to the container's process, if it still is the one. A paused one on v1 has to be thawed to die. */
export function signalProcess(state: ContainerState, signal: NodeJS.Signals | number): void {
  if (!liveProcess(state)) return;
  process.kill(state.life.pid, signal);
  const cgroup = state.cgroupsPath === undefined ? undefined : openCgroup(state.cgroupsPath);
  if ((signal === 'SIGKILL' || signal === 9) && cgroup?.state() === 'frozen') cgroup.thaw();
}
