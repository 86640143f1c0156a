/** `kill`: a signal to the container's process, or to all of them. */
import { openCgroup, SIGKILL, signalNumber } from '#linux';
import { errnoCode } from '#base';
import { errors } from '../errors.ts';
import { signalProcess } from '../oci/delete.ts';
import { type ContainerState, loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '[flags] <container-id> [signal]',
  about: 'send a signal (default: SIGTERM) to the process of a container',
  flags: {
    all: { names: ['all', 'a'], kind: 'switch', about: 'send it to all processes of the container' },
  },
  args: [1, 2],
  action: async (context, { all }, [id = '', text = 'SIGTERM']) => {
    const signal = signalNumber(text);
    if (signal === undefined) throw errors.usage(`unknown signal "${text}"`);
    const state = loadState(context.root, id);
    const status = statusOf(state);
    // compat: containerd ends what a container without pid namespace left behind by `kill --all` after its end.
    if (!all || status === 'creating') check('kill', id, status);
    if (all) await signalAll(state, signal);
    else signalProcess(state, signal);
  },
});

async function signalAll(state: ContainerState, signal: number): Promise<void> {
  if (state.cgroupsPath === undefined) throw errors.usage('--all needs a container with a cgroup');
  const cgroup = openCgroup(state.cgroupsPath);
  if (signal === SIGKILL) return cgroup.kill();
  const wasFrozen = cgroup.state() === 'frozen';
  // Nobody can fork away from the signal while all are frozen.
  if (!wasFrozen) await freezeIfPossible(cgroup);
  try {
    for (const pid of cgroup.pids(true)) sendTo(pid, signal);
  } finally {
    if (!wasFrozen) cgroup.thaw();
  }
}

async function freezeIfPossible(cgroup: ReturnType<typeof openCgroup>): Promise<void> {
  try {
    await cgroup.freeze();
  } catch {
    // A host without freezer: those that fork right now may be missed, as with kill(-1).
  }
}

function sendTo(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errnoCode(error) !== 'ESRCH') throw error;
  }
}
