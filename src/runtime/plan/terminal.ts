/** The child's stdin, stdout and stderr: a terminal of its own, the shim's pipes, or what it inherited. */
import type { Process } from '#specs';
import type { CompileInput } from './input.ts';
import { NONE, type Op, opFlags, slots as reserved } from './op.ts';
import type { SlotAllocator } from './slots.ts';

/** After the pivot: the terminal belongs to the container's own devpts. The parent's share is pushed to `parent`. */
export function planTerminal(
  process: Process,
  input: CompileInput,
  ownMounts: boolean,
  slots: SlotAllocator,
  parent: Op[],
): Op[] {
  const uid = process.user?.uid ?? 0;
  if (!process.terminal) {
    return [...(input.streams.stdio === 'shim' ? [{ op: 'stdio' } as const] : []), { op: 'chownStdio', uid }];
  }
  let destination: number = reserved.sync;
  if (input.streams.console.to === 'socket') {
    destination = slots.next();
    parent.push({ op: 'connect', slot: destination, path: input.streams.console.path });
  }
  return [
    {
      op: 'pty',
      opFlags: ownMounts ? opFlags.console : 0,
      destination,
      rows: process.consoleSize?.height ?? 0,
      columns: process.consoleSize?.width ?? 0,
      uid,
      gid: NONE,
      name: '/dev/ptmx',
    },
    // The caller may wait for the end of the pipes it gave us, or of its socket, while the container is only created.
    ...[reserved.stdin, reserved.stdout, reserved.stderr].map(
      (slot): Op => ({ op: 'close', opFlags: opFlags.optional, slot }),
    ),
    ...(destination === reserved.sync ? [] : [{ op: 'close', slot: destination } as const]),
  ];
}
