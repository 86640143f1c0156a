/** The flags that `create` and `run` share. */
import type { CreateRequest } from '../oci/create.ts';
import type { FlagTable, FlagValues } from './flags.ts';

export const createFlags = {
  bundle: { names: ['bundle', 'b'], kind: 'text', about: 'folder of the bundle (default: the working folder)' },
  consoleSocket: {
    names: ['console-socket'],
    kind: 'text',
    about: 'unix socket that receives the master end of the terminal',
  },
  pidFile: { names: ['pid-file'], kind: 'text', about: 'file that gets the process id' },
  noPivot: { names: ['no-pivot'], kind: 'switch', about: 'move the root mount and chroot instead of pivot_root' },
  noNewKeyring: { names: ['no-new-keyring'], kind: 'switch', about: "keep the caller's session keyring" },
  preserveFds: {
    names: ['preserve-fds'],
    kind: 'count',
    about: 'pass this many further file descriptors (from 3 on) to the container',
  },
} as const satisfies FlagTable;

export function createRequest(id: string, flags: FlagValues<typeof createFlags>): CreateRequest {
  return {
    id,
    bundle: flags.bundle ?? '.',
    ...(flags.consoleSocket !== undefined && { consoleSocket: flags.consoleSocket }),
    ...(flags.pidFile !== undefined && { pidFile: flags.pidFile }),
    noPivot: flags.noPivot,
    noNewKeyring: flags.noNewKeyring,
    preserveFds: flags.preserveFds ?? 0,
  };
}
