/** `exec`: one more process in a container, described by flags or by a process.json. */
import { errors } from '../errors.ts';
import { readProcess } from '../oci/bundle.ts';
import { execInContainer } from '../oci/exec.ts';
import { loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { defineCommand } from './command.ts';
import { execProcess } from './exec-process.ts';
import { forwardSignals } from './forward-signals.ts';
import { prefixed } from './launch-errors.ts';

/** compat: runc's exit code when the process could not be started. */
export const EXEC_FAILED = 255;

export const command = defineCommand({
  usage: '[flags] <container-id> <command> [arguments], or -p process.json <container-id>',
  about: 'run a further process in a container',
  flags: {
    consoleSocket: {
      names: ['console-socket'],
      kind: 'text',
      about: 'unix socket that receives the master end of the terminal',
    },
    cwd: { names: ['cwd'], kind: 'text', about: 'working folder in the container' },
    env: { names: ['env', 'e'], kind: 'texts', about: 'set an environment variable (NAME=VALUE)' },
    tty: { names: ['tty', 't'], kind: 'switch', about: 'give the process a terminal' },
    user: { names: ['user', 'u'], kind: 'text', about: 'user and group ids (UID[:GID])' },
    additionalGids: { names: ['additional-gids', 'g'], kind: 'texts', about: 'a further group id' },
    process: { names: ['process', 'p'], kind: 'text', about: 'file that describes the process' },
    detach: { names: ['detach', 'd'], kind: 'switch', about: 'do not wait for the end' },
    pidFile: { names: ['pid-file'], kind: 'text', about: 'file that gets the process id' },
    processLabel: { names: ['process-label'], kind: 'text', about: 'SELinux label of the process' },
    apparmor: { names: ['apparmor'], kind: 'text', about: 'AppArmor profile of the process' },
    noNewPrivs: { names: ['no-new-privs'], kind: 'switch', about: 'set no_new_privs' },
    cap: { names: ['cap', 'c'], kind: 'texts', about: 'add a capability' },
    preserveFds: {
      names: ['preserve-fds'],
      kind: 'count',
      about: 'pass this many further file descriptors (from 3 on) to the process',
    },
    cgroup: {
      names: ['cgroup'],
      kind: 'texts',
      about: 'run in an existing cgroup below that of the container ([CONTROLLER:]CGROUP)',
    },
    ignorePaused: { names: ['ignore-paused'], kind: 'switch', about: 'start it in a paused container, too' },
  },
  args: [1, Number.POSITIVE_INFINITY],
  flagsFirst: true,
  action: async (context, flags, [id = '', ...args]) => {
    if (flags.process === undefined && args.length === 0) throw errors.usage('exec needs a command, or --process');
    const state = loadState(context.root, id);
    const status = statusOf(state);
    if (!(flags.ignorePaused && status === 'paused')) check('exec', id, status);
    const process = flags.process === undefined ? execProcess(state.config, flags, args) : readProcess(flags.process);
    return await prefixed('exec failed', async () => {
      const run = await execInContainer(state, {
        process,
        ...(flags.consoleSocket !== undefined && { consoleSocket: flags.consoleSocket }),
        ...(flags.pidFile !== undefined && { pidFile: flags.pidFile }),
        preserveFds: flags.preserveFds ?? 0,
        subCgroups: flags.cgroup,
        ...(!flags.detach && { foreground: { subreaper: false } }),
      });
      if (flags.detach) return 0;
      using _signals = forwardSignals(run, process.terminal ?? false);
      return await run.ended;
    });
  },
});
